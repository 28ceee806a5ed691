//! What comes out.

use crate::support::{load, settings, variables};
use gateway_router::{Origin, TimeoutScope};
use gateway_server::cli::{self, Action, Cli, Exit};
use gateway_server::config::{self, Depth, LogFormat, Settings, SingleModel, Sources};
use gateway_transport::{Http2Mode, Roots, Verify};
use std::ffi::OsString;
use std::time::Duration;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn ends_with(origin: &Origin, place: &str) -> bool {
    matches!(origin, Origin::Config(said) if said.ends_with(place))
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let settings = settings("");
    assert_eq!(settings.listen.address.to_string(), "0.0.0.0:4000");
    assert_eq!(settings.routing.timers.call.limit, seconds(6000.0));
    assert_eq!(settings.routing.timers.call.origin, Origin::Default);
    assert_eq!(settings.routing.timers.first_content, None);
    assert_eq!(settings.routing.timers.idle.limit, seconds(300.0));
    assert_eq!(
        (
            settings.routing.timers.connect.limit,
            settings.routing.timers.pool.limit
        ),
        (seconds(5.0), seconds(5.0))
    );
    assert_eq!(settings.slow_client.limit, seconds(60.0));
    assert_eq!(settings.heartbeats.openai, Some(seconds(15.0)));
    assert_eq!(settings.heartbeats.anthropic, Some(seconds(15.0)));
    assert_eq!(settings.transport.ttl, Some(seconds(3600.0)));
    assert_eq!(settings.transport.drain_deadline, None);
    assert_eq!(settings.limits.max_body_bytes, 32 << 20);
    assert_eq!(settings.limits.max_event_bytes, 16 << 20);
    assert_eq!(settings.drain.timeout, None);
    assert_eq!(
        (settings.log.format, settings.log.level.as_str()),
        (LogFormat::Auto, "info")
    );
    assert!(settings.workers >= 1 && settings.admin.enabled && settings.admin.listen.is_none());
}

#[test]
fn timers_come_from_the_router_then_from_litellm_settings() {
    let both = settings("router_settings: {timeout: 4}\nlitellm_settings: {request_timeout: 9}\n");
    assert_eq!(both.routing.timers.call.limit, seconds(4.0));
    assert!(ends_with(
        &both.routing.timers.call.origin,
        "config.yaml:5:19"
    ));
    let one = settings("litellm_settings: {request_timeout: 9}\n");
    assert_eq!(one.routing.timers.call.limit, seconds(9.0));
    let zero = settings(
        "router_settings: {timeout: 0, ttft_timeout: 0.01, client_ttl: 0, timeout_scope: attempt}\n",
    );
    assert_eq!(zero.routing.timers.call.limit, Duration::ZERO);
    assert_eq!(
        zero.routing.timers.first_content.unwrap().limit,
        Duration::from_millis(10)
    );
    assert_eq!(zero.routing.timers.scope, TimeoutScope::Attempt);
    assert_eq!(zero.transport.ttl, None);
}

#[test]
fn a_deployment_carries_all_that_its_provider_needs() {
    let text = r#"      api_base: https://example.com/v1
      api_version: "2024-10-21"
      extra_headers: {x-a: b, x-n: 3}
      temperature: 0.5
      stop: [a, b]
      extra_body: {top_k: 3}
      ssl_verify: false
      http2: prior_knowledge
      weight: 2.5
      order: 1
    tpm: 7
    model_info: {id: mine}
"#;
    let deployment = settings(text).deployments.remove(0);
    let config = &deployment.config;
    let endpoint = &config.endpoint;
    assert_eq!(endpoint.api_base.as_deref(), Some("https://example.com/v1"));
    assert_eq!(
        endpoint.extra_headers,
        [("x-a".into(), "b".into()), ("x-n".into(), "3".into())]
    );
    let defaults = serde_json::Value::Object(endpoint.defaults.clone());
    assert_eq!(
        defaults,
        serde_json::json!({"temperature": 0.5, "stop": ["a", "b"], "extra_body": {"top_k": 3}})
    );
    assert_eq!(
        (endpoint.connect.tls.verify, endpoint.connect.http2),
        (Verify::DangerouslyOff, Http2Mode::PriorKnowledge)
    );
    assert_eq!(
        (config.weight, config.tpm, config.order),
        (Some(2.5), Some(7), Some(1))
    );
    assert_eq!(config.id.as_deref(), Some("mine"));
    assert!(
        deployment.origin.ends_with("config.yaml:2:5"),
        "{}",
        deployment.origin
    );
}

#[test]
fn a_list_of_organizations_makes_one_deployment_of_each() {
    let settings = settings("      organization: [one, two]\n    model_info: {id: x}\n");
    let found: Vec<_> = settings
        .deployments
        .iter()
        .map(|deployment| {
            (
                deployment.config.id.as_deref().unwrap(),
                deployment.config.endpoint.organization.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [("x/one", "one"), ("x/two", "two")]);
}

#[test]
fn a_named_credential_fills_in_what_the_deployment_does_not_say() {
    let text = "      litellm_credential_name: team\n      api_version: own\ncredential_list:\n  - credential_name: team\n    \
                credential_values: {api_key: sk-team, api_version: theirs, api_base: https://team.example.com}\n";
    let settings = settings(text);
    let endpoint = &settings.deployments[0].config.endpoint;
    assert_eq!(endpoint.api_key.as_ref().unwrap().expose(), "sk-team");
    assert_eq!(endpoint.api_version.as_deref(), Some("own"));
    assert_eq!(
        endpoint.api_base.as_deref(),
        Some("https://team.example.com")
    );
}

#[test]
fn aliases_are_names_or_mappings_and_may_lead_to_wildcards() {
    let text = "router_settings: {model_group_alias: {quick: fast, secret: {model: fast, hidden: true}}}\n";
    let aliases = settings(text).aliases;
    let found: Vec<_> = aliases
        .iter()
        .map(|alias| (alias.name.as_str(), alias.target.as_str(), alias.hidden))
        .collect();
    assert_eq!(found, [("quick", "fast", false), ("secret", "fast", true)]);
    let wild = load(
        "model_list: [{model_name: \"*\", litellm_params: {model: \"openai/*\"}}]\nrouter_settings: {model_group_alias: {a: b}}\n",
    );
    assert!(wild.settings.is_some());
}

#[test]
fn options_of_all_deployments_come_from_both_sections() {
    let settings = settings(
        "litellm_settings: {ssl_verify: false, http2: false}\ngateway: {transport: {roots: bundled}}\n",
    );
    let connect = &settings.deployments[0].config.endpoint.connect;
    assert_eq!(
        (connect.tls.verify, connect.http2),
        (Verify::DangerouslyOff, Http2Mode::Never)
    );
    assert_eq!(connect.tls.roots, Roots::Bundled);
}

#[test]
fn litellms_own_keys_reach_the_same_settings_as_ours() {
    let text = "general_settings: {max_request_size_mb: 0.5, litellm_key_header_name: X-Key, public_routes: [/a]}\n\
                litellm_settings: {json_logs: false, set_verbose: true, anthropic_sse_ping_interval_seconds: 0, \
                sse_keepalive_ping_interval_seconds: 3}\n";
    let settings = settings(text);
    assert_eq!(settings.limits.max_body_bytes, 1 << 19);
    assert_eq!(settings.auth.key_header.unwrap().as_str(), "x-key");
    assert_eq!(settings.auth.public_routes, ["/a"]);
    assert_eq!(
        (settings.log.format, settings.log.level.as_str()),
        (LogFormat::Text, "debug")
    );
    assert_eq!(
        (settings.heartbeats.openai, settings.heartbeats.anthropic),
        (Some(seconds(3.0)), None)
    );
}

#[test]
fn a_model_can_be_served_without_any_file() {
    let single = SingleModel {
        model: "openai/x".into(),
        api_base: Some("http://127.0.0.1:1/v1".into()),
        api_version: None,
    };
    let sources = Sources {
        single: Some(single),
        ..Sources::default()
    };
    let settings = config::load(&sources, &variables()).settings.unwrap();
    let groups: Vec<_> = settings
        .deployments
        .iter()
        .map(|deployment| deployment.config.group.as_str())
        .collect();
    assert_eq!(groups, ["openai/x", "*"]);
    assert!(
        config::load(&Sources::default(), &variables())
            .settings
            .is_none()
    );
    assert!(
        config::load(
            &Sources {
                demo: true,
                ..Sources::default()
            },
            &variables()
        )
        .settings
        .unwrap()
        .demo
    );
}

fn run(args: &[&str]) -> (Result<Settings, Exit>, String) {
    let program = std::iter::once("gateway-server");
    let cli =
        Cli::parse_from_args(program.chain(args.iter().copied()).map(OsString::from)).unwrap();
    let Action::Run(args) = cli.action() else {
        panic!("no run")
    };
    let mut err = Vec::new();
    let launch = cli::load(&args, &variables(), &mut err).unwrap();
    (
        launch.map(|it| it.settings),
        String::from_utf8(err).unwrap(),
    )
}

#[test]
fn flags_reach_the_settings_and_senseless_ones_get_a_line() {
    let (settings, err) = run(&[
        "--demo",
        "--host=::1",
        "--port=0",
        "--num_workers=1",
        "--request_timeout=2.5",
        "--keepalive_timeout=7",
        "--detailed_debug",
        "--run_gunicorn",
    ]);
    let settings = settings.unwrap();
    assert_eq!(settings.listen.address.to_string(), "[::1]:0");
    assert_eq!(settings.workers, 1);
    assert_eq!(settings.routing.timers.call.limit, seconds(2.5));
    assert_eq!(
        settings.routing.timers.call.origin,
        Origin::Config("command line --request-timeout".into())
    );
    assert_eq!(settings.listen.keepalive_timeout, seconds(7.0));
    assert_eq!(settings.log.level, "trace");
    assert!(
        err.starts_with("warning[ignored_flag]: --run-gunicorn is ignored: "),
        "{err}"
    );
}

#[test]
fn a_run_without_any_configuration_says_what_to_do() {
    let (settings, err) = run(&[]);
    assert_eq!(settings.unwrap_err(), Exit::Problems);
    assert!(err.contains("--demo"), "{err}");
}

#[test]
fn check_exits_with_one_for_errors_and_zero_for_warnings() {
    let folder = crate::support::folder(&[
        (
            "good.yaml",
            "model_list: [{model_name: a, litellm_params: {model: openai/a}}]\nextra: 1\n",
        ),
        ("bad.yaml", "model_list: []\n"),
    ]);
    let check = |name: &str, flags: &[&str]| {
        let file = folder.path().join(name).into_os_string();
        let args = ["gateway-server", "check"]
            .into_iter()
            .map(OsString::from)
            .chain([file]);
        let cli = Cli::parse_from_args(args.chain(flags.iter().map(OsString::from))).unwrap();
        let Action::Check(args) = cli.action() else {
            panic!("no check")
        };
        let mut out = Vec::new();
        let exit = cli::check(&args, &variables(), &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    };
    let (exit, out) = check("good.yaml", &[]);
    assert_eq!(exit, Exit::Fine);
    assert!(
        out.ends_with("good.yaml: fine; model groups: 1, deployments: 1, 1 of them left out\n"),
        "{out}"
    );
    assert_eq!(check("good.yaml", &["--strict"]).0, Exit::Problems);
    let (exit, out) = check("bad.yaml", &["--format", "json"]);
    assert_eq!(exit, Exit::Problems);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["problems"][0]["code"], "missing");
}

#[test]
fn check_names_deployments_that_no_provider_can_serve() {
    let text = "model_list:\n  - model_name: a\n    litellm_params: {model: openai/a, api_key: sk-canary}\n  \
                - model_name: b\n    litellm_params: {model: no_such_provider/b}\n  \
                - model_name: c\n    litellm_params: {model: openai/c, api_key: sk-canary, tag_regex: [\"a(?=b)\"]}\n";
    let folder = crate::support::folder(&[("config.yaml", text)]);
    let sources = Sources {
        file: Some(folder.path().join("config.yaml")),
        depth: Depth::Endpoints,
        ..Sources::default()
    };
    let loaded = config::load(&sources, &variables());
    assert_eq!(
        crate::support::places(&loaded),
        ["4:5 unservable", "6:5 unservable"]
    );
    assert_eq!(loaded.settings.unwrap().deployments.len(), 3);
}

#[test]
fn a_config_adds_providers_that_deployments_then_name() {
    let text = "model_list:
  - {model_name: a, litellm_params: {model: acme/a, api_key: sk-canary}}
  - {model_name: b, litellm_params: {model: acme2/b, api_key: sk-canary}}
gateway:
  providers:
    acme: {base_url: 'https://llm.acme.example/v1', param_mappings: {max_completion_tokens: max_tokens}}
";
    let folder = crate::support::folder(&[("config.yaml", text)]);
    let sources = Sources {
        file: Some(folder.path().join("config.yaml")),
        depth: Depth::Endpoints,
        ..Sources::default()
    };
    let loaded = config::load(&sources, &variables());
    assert_eq!(crate::support::places(&loaded), ["3:6 unservable"]);
    let hint = loaded.report.problems()[0].hint.clone();
    assert_eq!(hint.as_deref(), Some("did you mean `acme/`?"));
}

#[test]
fn check_lists_providers_once_and_names_the_one_that_was_meant() {
    let text = "model_list:
  - {model_name: a, litellm_params: {model: mistrl/a}}
  - {model_name: b, litellm_params: {model: no_such_provider/b}}
  - {model_name: c, litellm_params: {model: sagemaker/c}}
";
    let folder = crate::support::folder(&[("config.yaml", text)]);
    let sources = Sources {
        file: Some(folder.path().join("config.yaml")),
        depth: Depth::Endpoints,
        ..Sources::default()
    };
    let loaded = config::load(&sources, &variables());
    let problems = loaded.report.problems();
    let hints: Vec<_> = problems.iter().map(|it| it.hint.as_deref()).collect();
    let [Some("did you mean `mistral/`?"), Some(list), None] = hints[..] else {
        panic!("{hints:?}")
    };
    assert!(list.starts_with("providers: openai, "), "{list}");
    assert!(
        problems.iter().all(|it| it.message.len() < 160),
        "{problems:?}"
    );
}

#[test]
fn check_names_fallbacks_that_no_call_can_go_to() {
    let text = "model_list:
  - {model_name: a, litellm_params: {model: anthropic/a, api_key: sk-canary}}
  - {model_name: b, litellm_params: {model: voyage/b, api_key: sk-canary}, model_info: {id: b-one}}
  - {model_name: c, litellm_params: {model: no_such_provider/c}}
router_settings:
  model_group_alias: {alias: b}
  fallbacks: [{a: [b, c]}, {c: [b]}]
  context_window_fallbacks: [{a: [alias, b-one]}]
  default_fallbacks: [b]
";
    let folder = crate::support::folder(&[("config.yaml", text)]);
    let sources = |depth| Sources {
        file: Some(folder.path().join("config.yaml")),
        depth,
        ..Sources::default()
    };
    let loaded = config::load(&sources(Depth::Endpoints), &variables());
    assert_eq!(
        crate::support::places(&loaded),
        [
            "4:6 unservable",
            "7:20 no_effect",
            "8:35 no_effect",
            "8:42 no_effect"
        ]
    );
    // Of `c` nothing is known: on another machine it may have what is missing here.
    // What starts the gateway builds no deployment here, and cannot know.
    let loaded = config::load(&sources(Depth::Settings), &variables());
    assert_eq!(crate::support::places(&loaded), [""; 0]);
}

#[test]
fn what_litellm_keeps_to_itself_is_no_parameter_of_requests() {
    let params = "model: openai/a, temperature: 0.2, base_model: azure/gpt-4, hf_model_name: x, ensure_alternating_roles: true, \
                  cache_control_injection_points: [{location: message}], context_window_fallback_dict: {a: b}, \
                  guardrails: [g], fallbacks: [b], s3_bucket_name: s, input_cost_per_token_above_128k_tokens: 0.1";
    let entry = format!("model_list:\n  - {{model_name: a, litellm_params: {{{params}}}}}\n");
    let settings = load(&entry).settings.unwrap();
    let defaults = &settings.deployments[0].config.endpoint.defaults;
    assert_eq!(defaults.keys().collect::<Vec<_>>(), ["temperature"]);
}

#[test]
fn a_number_can_be_the_id_of_a_deployment() {
    let entry = |id: &str| {
        format!(
            "  - {{model_name: a, litellm_params: {{model: openai/a}}, model_info: {{id: {id}}}}}\n"
        )
    };
    let text = format!("model_list:\n{}{}", entry("1"), entry("b"));
    let deployments = load(&text).settings.unwrap().deployments;
    assert_eq!(deployments[0].config.id.as_deref(), Some("1"));
    let text = format!("model_list:\n{}{}", entry("1"), entry("'1'"));
    assert_eq!(
        crate::support::places(&load(&text)),
        ["3:73 !invalid_value"]
    );
}

#[test]
fn who_a_deployment_is_for_amazon_comes_whole_to_its_endpoint() {
    let own = "model: bedrock/anthropic.claude-x, litellm_credential_name: aws, region_name: eu-west-1, \
               aws_session_tags: [{Key: team, Value: 7}], model_id: 'arn:x'";
    let named = "aws_access_key_id: AKID, aws_secret_access_key: secret, aws_session_token: token, aws_role_name: role, \
                 aws_session_name: session, aws_external_id: id, aws_profile_name: p, aws_web_identity_token: oidc/env/T, \
                 aws_sts_endpoint: 'http://sts', aws_bedrock_runtime_endpoint: 'http://b'";
    let text = format!(
        "model_list:\n  - {{model_name: a, litellm_params: {{{own}}}}}\ncredential_list:\n  \
         - {{credential_name: aws, credential_values: {{{named}}}}}\n"
    );
    let settings = load(&text).settings.unwrap();
    let endpoint = &settings.deployments[0].config.endpoint;
    assert!(endpoint.defaults.is_empty());
    let aws = &endpoint.aws;
    let secrets = [
        &aws.access_key_id,
        &aws.secret_access_key,
        &aws.session_token,
        &aws.web_identity_token,
    ];
    assert_eq!(
        secrets.map(|it| it.as_ref().unwrap().expose()),
        ["AKID", "secret", "token", "oidc/env/T"]
    );
    let texts = [
        &aws.region_name,
        &aws.role_name,
        &aws.session_name,
        &aws.external_id,
        &aws.profile_name,
        &aws.sts_endpoint,
        &aws.bedrock_runtime_endpoint,
        &aws.model_id,
    ];
    assert_eq!(
        texts.map(|it| it.as_deref().unwrap()),
        [
            "eu-west-1",
            "role",
            "session",
            "id",
            "p",
            "http://sts",
            "http://b",
            "arn:x"
        ]
    );
    assert_eq!(aws.session_tags, [("team".to_owned(), "7".to_owned())]);
}

#[test]
fn a_session_tag_without_a_value_is_a_problem() {
    let loaded = load(
        "model_list:\n  - {model_name: a, litellm_params: {model: bedrock/a, aws_session_tags: [{Key: k}]}}\n",
    );
    assert_eq!(crate::support::places(&loaded), ["2:75 !invalid_value"]);
}
