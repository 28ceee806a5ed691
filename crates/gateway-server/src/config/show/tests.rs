//! The sources of values, and what is hidden.

use super::*;
use std::io::Write as _;

const CONFIG: &str = "\
credential_list:
  - credential_name: team
    credential_values: {api_key: sk-of-the-team, api_base: 'https://user:hunter2@host/v1?key=hunter2'}
model_list:
  - model_name: fast
    litellm_params: {model: openai/gpt-4o-mini, litellm_credential_name: team, guided: os.environ/GUIDED}
router_settings:
  timeout: 60
  num_retries: os.environ/RETRIES
litellm_settings:
  cooldown_time: 9
general_settings:
  master_key: os.environ/KEY
  unheard_of: hunter2
";

fn shown(detail: Detail) -> Item {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(CONFIG.as_bytes()).unwrap();
    let mut sources = Sources {
        file: Some(file.path().to_owned()),
        ..Sources::default()
    };
    sources
        .overrides
        .set("--port", "gateway.listen.port", "5000");
    let environment: Environment = [
        ("KEY", "sk-from-the-environment"),
        ("RETRIES", "4"),
        ("GUIDED", "hunter2"),
        ("HOST", "127.0.0.1"),
        ("REQUEST_TIMEOUT", "7"),
    ]
    .into_iter()
    .collect();
    let shown = show(&sources, &environment, detail);
    assert!(shown.starts, "{:?}", shown.report);
    let text = format!("{:?}", shown.root);
    for secret in ["hunter2", "sk-of", "sk-from"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    shown.root
}

fn leaf(item: &Item, path: &str) -> (Value, Source) {
    match item.get(path) {
        Some(Item::Leaf(value, source)) => (value.clone(), source.clone()),
        other => panic!("{path}: {other:?}"),
    }
}

fn line(source: &Source) -> u32 {
    match source {
        Source::Said(Place::File(mark)) | Source::Reference(_, Place::File(mark)) => mark.line,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_said_is_shown_as_it_was_said_and_with_its_place() {
    let root = shown(Detail::Said);
    let (timeout, source) = leaf(&root, "router_settings.timeout");
    assert_eq!((timeout, line(&source)), (Value::from(60), 8));
    let (key, _) = leaf(&root, "general_settings.master_key");
    assert_eq!(key, "os.environ/KEY");
    let flag = Source::Said(Place::Flag("--port".to_owned()));
    let (_, port) = leaf(&root, "gateway.listen.port");
    assert_eq!(port, flag);
    let (host, source) = leaf(&root, "gateway.listen.host");
    assert_eq!(host, "127.0.0.1");
    assert_eq!(source, Source::Said(Place::Variable("HOST".to_owned())));
    assert!(root.get("gateway.log").is_none(), "nobody said it");
}

#[test]
fn the_reference_is_shown_whole_and_without_its_secrets() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/reference.yaml");
    let sources = Sources {
        file: Some(file.into()),
        ..Sources::default()
    };
    let set = [
        ("LITELLM_MASTER_KEY", "canary"),
        ("OPENAI_API_KEY", "canary"),
    ];
    let environment: Environment = set.into_iter().collect();
    let shown = show(&sources, &environment, Detail::Resolved);
    assert!(!format!("{:?}", shown.root).contains("canary"));
    let policy = "router_settings.allowed_fails_policy.AuthenticationErrorAllowedFails";
    assert_eq!(leaf(&shown.root, policy).0, 0);
    let endpoints = shown.root.get("gateway.providers.acme.supported_endpoints");
    assert!(matches!(endpoints, Some(Item::List(items)) if items.len() == 2));
}

#[test]
fn resolved_has_references_credentials_and_defaults_filled_in() {
    let root = shown(Detail::Resolved);
    let (retries, source) = leaf(&root, "router_settings.num_retries");
    assert_eq!(retries, "4");
    assert!(matches!(&source, Source::Reference(name, _) if name == "RETRIES"));
    let (idle, source) = leaf(&root, "gateway.transport.idle_timeout");
    assert_eq!((idle, source), (Value::from(30), Source::Default));
    assert!(
        root.get("router_settings.cooldown_time").is_none(),
        "litellm_settings says it"
    );
    let Some(Item::List(deployments)) = root.get("model_list") else {
        panic!("no list")
    };
    let (base, source) = leaf(&deployments[0], "litellm_params.api_base");
    assert_eq!(base, "https://***@host/v1?***");
    assert_eq!(line(&source), 3);
}
