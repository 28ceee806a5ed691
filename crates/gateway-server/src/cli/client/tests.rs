//! Commands that talk to a running gateway find it, and say why they cannot.

use super::*;
use clap::Parser;
use std::io::Write as _;

#[derive(Debug, Parser)]
struct Given {
    #[command(flatten)]
    target: TargetArgs,
}

fn find(args: &[&str], variables: &[(&str, &str)]) -> Result<Target, ClientError> {
    let args = std::iter::once("gateway-server").chain(args.iter().copied());
    let given = Given::try_parse_from(args).unwrap();
    let environment: Environment = variables.iter().copied().collect();
    given.target.find(&environment, &mut io::sink())
}

fn config(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let model = "model_list: [{model_name: fast, litellm_params: {model: openai/gpt-4o-mini, api_key: sk-1}}]";
    writeln!(file, "{model}\n{text}").unwrap();
    file
}

fn key(target: &Target) -> Option<(&str, &str)> {
    let (name, value) = target.key.as_ref()?;
    Some((name.as_str(), value.to_str().unwrap()))
}

#[test]
fn without_a_word_the_gateway_is_litellms_port_on_this_machine() {
    let target = find(&[], &[]).unwrap();
    assert_eq!(target.base, "http://127.0.0.1:4000");
    assert_eq!(key(&target), None);
}

#[test]
fn flags_count_more_than_the_environment() {
    let variables = [
        ("GATEWAY_URL", "https://gw.example.com/base/"),
        ("LITELLM_MASTER_KEY", "sk-env"),
    ];
    let target = find(&[], &variables).unwrap();
    assert_eq!(target.base, "https://gw.example.com:443/base");
    assert_eq!(target.prefix, "/base");
    assert_eq!(key(&target), Some(("authorization", "Bearer sk-env")));
    let args = ["--url", "http://[::1]:5000", "--key", "sk-flag"];
    let target = find(&args, &variables).unwrap();
    assert_eq!(target.base, "http://[::1]:5000");
    assert_eq!(key(&target), Some(("authorization", "Bearer sk-flag")));
}

#[test]
fn a_configuration_tells_the_operators_listener_the_key_and_its_header() {
    let file = config(
        "general_settings: {master_key: sk-file, litellm_key_header_name: x-team-key}\n\
         gateway: {listen: {host: 0.0.0.0, port: 4100}, admin: {port: 4101}}",
    );
    let path = file.path().to_str().unwrap();
    let variables = [("GATEWAY_URL", "http://elsewhere:1")];
    let target = find(&["--config", path], &variables).unwrap();
    assert_eq!(target.base, "http://127.0.0.1:4101");
    assert_eq!(key(&target), Some(("x-team-key", "Bearer sk-file")));
    let target = find(&[], &[("CONFIG_FILE_PATH", path)]).unwrap();
    assert_eq!(target.base, "http://127.0.0.1:4101");
}

#[test]
fn what_is_not_clear_is_said() {
    let broken = config("gateway: {listen: {port: many}}");
    let random = config("gateway: {listen: {port: 0}}");
    for (args, told) in [
        (["--url", "gopher://user:sk-secret@x"], "http://HOST:PORT"),
        (["--config", broken.path().to_str().unwrap()], "--url"),
        (["--config", random.path().to_str().unwrap()], "port 0"),
        (["--key", "sk-\u{1}"], "no header can carry"),
    ] {
        let error = find(&args, &[]).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        assert!(!error.contains("sk-"), "{error}");
    }
}

#[test]
fn nobody_there_is_told_with_what_to_do() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let args = TargetArgs {
        url: Some(url.clone()),
        ..TargetArgs::default()
    };
    let client = Client::of(&args, &Environment::default(), &mut io::sink()).unwrap();
    let error = client.get("/health/readiness").unwrap_err().to_string();
    assert!(error.contains(&url) && error.contains("--url"), "{error}");
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn a_refusal_is_told_with_what_to_do() {
    let refused = |status, body: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        ClientError::refused("http://gw", "/admin/status", status, body.as_bytes()).to_string()
    };
    let key = refused(401, r#"{"error":{"message":"No API key."}}"#);
    assert!(key.contains("No API key. Give it with --key"), "{key}");
    let route = refused(
        404,
        r#"{"error":{"message":"There is no route \"/admin/status\"."}}"#,
    );
    assert!(route.contains("gateway.admin.enabled"), "{route}");
    let known = refused(404, r#"{"error":{"message":"There is no origin."}}"#);
    assert_eq!(
        known,
        "http://gw answers 404 to /admin/status: There is no origin."
    );
}
