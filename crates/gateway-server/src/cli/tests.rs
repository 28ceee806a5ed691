//! Tests of the command line alone; what it loads is tested with the configuration.

use super::*;
use crate::config::Environment;

fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
    let program = std::iter::once("gateway-server");
    Cli::parse_from_args(program.chain(args.iter().copied()).map(OsString::from))
}

fn run(args: &[&str]) -> RunArgs {
    match parse(args).unwrap().action() {
        Action::Run(args) => *args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_bare_command_runs_and_takes_both_spellings() {
    let args = run(&[
        "--config",
        "c.yaml",
        "--num_workers=3",
        "--ssl_keyfile_path",
        "k",
        "--ssl-certfile-path",
        "c_c",
    ]);
    assert_eq!(args.config.unwrap().to_str(), Some("c.yaml"));
    assert_eq!(args.num_workers, Some(3));
    assert_eq!(args.ssl_certfile_path.as_deref(), Some("c_c"));
    assert_eq!(run(&["run", "-c", "c.yaml", "--port", "0"]).port, Some(0));
}

#[test]
fn values_keep_their_underscores() {
    assert_eq!(
        run(&["--model", "openai/my_model"]).model.as_deref(),
        Some("openai/my_model")
    );
    assert_eq!(
        run(&["--model=openai/my_model"]).model.as_deref(),
        Some("openai/my_model")
    );
}

#[test]
fn flags_of_other_servers_are_accepted_with_a_word_each() {
    let args = run(&[
        "--run_gunicorn",
        "--max_requests_before_restart",
        "1000",
        "--use_queue",
        "--drop_params",
    ]);
    let flags: Vec<_> = args.legacy.given().map(|(flag, _)| flag).collect();
    assert_eq!(
        flags,
        [
            "run-gunicorn",
            "max-requests-before-restart",
            "use-queue",
            "drop-params"
        ]
    );
}

#[test]
fn client_actions_of_litellm_are_refused_with_advice() {
    for flag in ["--health", "--test"] {
        let Action::Refuse(why) = parse(&[flag]).unwrap().action() else {
            panic!("{flag}")
        };
        assert!(why.contains("curl"), "{why}");
    }
}

#[test]
fn validate_config_is_a_check() {
    let Action::Check(args) = parse(&["--config", "c.yaml", "--validate_config"])
        .unwrap()
        .action()
    else {
        panic!()
    };
    assert_eq!(
        (args.file.to_str(), args.format),
        (Some("c.yaml"), Format::Human)
    );
}

#[test]
fn bad_usage_exits_with_two_and_help_with_zero() {
    for args in [
        &["--port", "70000"][..],
        &["--nonsense"],
        &["check"],
        &["--request_timeout", "NaN"],
        &["--request_timeout=-1"],
        &["--api_base", "https://x"],
        &["--model", "m", "--api_base", "no url"],
        &["--num_workers", "0"],
        &["--ssl_keyfile_path", "k"],
    ] {
        assert_eq!(parse(args).unwrap_err().exit_code(), 2, "{args:?}");
    }
    for args in [
        &["--help"][..],
        &["--version"],
        &["-v"],
        &["check", "--help"],
    ] {
        assert_eq!(parse(args).unwrap_err().exit_code(), 0, "{args:?}");
    }
}

#[test]
fn a_bad_address_is_not_repeated() {
    let error = parse(&["--model", "m", "--api_base", "ftp://user:hunter2@host"]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

const CONFIG: &str = "
model_list:
  - model_name: fast
    litellm_params: {model: openai/gpt-4o, api_key: sk-hidden, weight: 3, timeout: 30}
  - model_name: fast
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: sk-hidden
      weight: 1
      stream_timeout: 0.5
  - model_name: slow
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-hidden, native_only: true}
router_settings:
  timeout: 60
  num_retries: 3
  fallbacks: [{fast: [slow, nowhere]}]
  default_fallbacks: [slow]
";

/// What `explain` says, on both outputs, with this request.
fn explained(args: &[&str], request: Option<&str>) -> (Exit, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("config.yaml"), CONFIG).unwrap();
    let mut line: Vec<String> = ["explain", "--config"].map(String::from).to_vec();
    line.push(path("config.yaml"));
    if let Some(request) = request {
        std::fs::write(path("request.json"), request).unwrap();
        line.extend(["--request".to_owned(), path("request.json")]);
    }
    line.extend(args.iter().map(ToString::to_string));
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let Action::Explain(args) = parse(&line).unwrap().action() else {
        panic!("{line:?}");
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = explain(&args, &Environment::default(), &mut out, &mut err).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (exit, text(out), text(err))
}

#[test]
fn explain_tells_people_who_serves_by_whose_timers_and_where_it_goes_then() {
    let (exit, out, err) = explained(&["fast"], None);
    assert_eq!(exit, Exit::Fine, "{err}");
    for line in [
        "model group fast",
        "  strategy        simple-shuffle",
        "  openai/gpt-4o  75.0 %  ready",
        "  openai/gpt-4o-mini  25.0 %  ready",
        "    attempt         what the call has left",
        "    idle            300 s (default)",
        "    connect         5 s (default)",
        "hedging         off",
        "continuation    off",
    ] {
        assert!(out.lines().any(|it| it == line), "{line:?} in\n{out}");
    }
    for part in [
        "call timer      60 s (",
        "config.yaml:14:",
        "attempt         30 s (",
        "config.yaml:4:",
        "first content   0.5 s (",
        "3 by the router",
        "after a failure: slow -> nowhere (there is no such group)",
    ] {
        assert!(out.contains(part), "{part:?} in\n{out}");
    }
    assert!(!out.contains("sk-hidden"));
}

#[test]
fn explain_tells_what_a_request_changes() {
    let request = r#"{"model": "fast", "stream": true, "timeout": 1, "num_retries": 0,
        "fallbacks": ["slow"], "messages": []}"#;
    let (exit, out, err) = explained(&["-H", "x-litellm-stream-timeout: 0.2"], Some(request));
    assert_eq!(exit, Exit::Fine, "{err}");
    for part in [
        "call timer      1 s (the request's field `timeout`)",
        "first content   0.2 s (the request's header `x-litellm-stream-timeout`)",
        "after a failure: slow\n",
        "none, ",
    ] {
        assert!(out.contains(part), "{part:?} in\n{out}");
    }
    assert!(!out.contains(" by the router"), "{out}");
    let (exit, _, err) = explained(&[], Some(r#"{"model": "fast", "timeout": "soon"}"#));
    assert_eq!(exit, Exit::Problems);
    assert!(err.contains("timeout"), "{err}");
}

#[test]
fn explain_tells_of_a_fallback_for_all_groups_once() {
    // `slow`, for its own failures, would come back to itself.
    let (_, out, _) = explained(&["fast"], None);
    let chain = "after a failure: slow -> nowhere (there is no such group)\n";
    assert!(out.contains(chain), "{out}");
    let (_, out, _) = explained(&["slow"], None);
    let chain = "after a failure: slow (was tried before)\n";
    assert!(out.contains(chain), "{out}");
}

#[test]
fn explain_tells_machines_the_same() {
    let (exit, out, _) = explained(&["fast", "--json", "--api", "openai_chat"], None);
    assert_eq!(exit, Exit::Fine);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["model"], "fast");
    assert_eq!(told["dialect"], "openai_chat");
    assert_eq!(told["call_timer"]["seconds"], 60.0);
    let first = &told["legs"][0]["deployments"][0];
    assert_eq!(first["timers"]["attempt"]["seconds"], 30.0);
    assert_eq!(first["standing"]["state"], "ready");
    assert_eq!(told["fallbacks"]["general"][0]["fate"], "other_dialect");
}

#[test]
fn explain_of_an_unknown_model_is_a_problem_with_a_hint() {
    let (exit, out, err) = explained(&["fats"], None);
    assert_eq!((exit, out.as_str()), (Exit::Problems, ""));
    assert!(err.contains(r#"Nearest: "fast""#), "{err}");
    assert!(
        parse(&["explain"]).is_err(),
        "neither a model nor a request"
    );
}
