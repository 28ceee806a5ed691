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

#[test]
fn the_manual_has_every_command_and_nothing_that_is_hidden() {
    let mut page = Vec::new();
    man(&ManArgs { dir: None }, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let dir = Some(folder.path().to_owned());
    man(&ManArgs { dir }, &mut Vec::new()).unwrap();
    for command in commands() {
        assert!(
            page.contains(&format!(".SH \"{}\"", command.to_uppercase())),
            "{command}"
        );
        let file = format!("gateway-server-{}.1", command.replace(' ', "-"));
        let own = std::fs::read_to_string(folder.path().join(&file));
        assert!(own.is_ok_and(|it| it.contains(".SH SYNOPSIS")), "{file}");
    }
    assert!(
        !page.contains("timeout-worker-healthcheck"),
        "LiteLLM's flags that mean nothing are hidden"
    );
}

#[test]
fn every_shell_completes_every_command() {
    use clap::ValueEnum as _;
    for shell in clap_complete::Shell::value_variants() {
        let mut script = Vec::new();
        completions(&CompletionsArgs { shell: *shell }, &mut script).unwrap();
        let script = String::from_utf8(script).unwrap();
        for command in commands() {
            let last = command.rsplit(' ').next().unwrap();
            assert!(script.contains(last), "{command} in {shell}");
        }
    }
}

#[test]
fn every_command_and_flag_is_explained() {
    use clap::CommandFactory as _;
    let mut program = Cli::command();
    program.build();
    let mut next = vec![program];
    while let Some(command) = next.pop() {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        assert!(command.get_about().is_some(), "{name}");
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty(), "{} of {name}", arg.get_id());
        }
        next.extend(
            command
                .get_subcommands()
                .filter(|it| !it.is_hide_set())
                .cloned(),
        );
    }
}

/// `check`, `config`, `config show`, and so on, without those that are hidden, and `help`.
fn commands() -> Vec<String> {
    use clap::CommandFactory as _;
    let mut found = Vec::new();
    let mut next: Vec<(String, clap::Command)> = vec![(String::new(), Cli::command())];
    while let Some((path, command)) = next.pop() {
        for child in command.get_subcommands().filter(|it| !it.is_hide_set()) {
            let path = format!("{path} {}", child.get_name()).trim().to_owned();
            if child.get_name() != "help" {
                found.push(path.clone());
                next.push((path, child.clone()));
            }
        }
    }
    assert!(found.len() >= 8, "{found:?}");
    found
}

/// What `migrate` says, and how it ends.
fn migrated(config: &str, more: &[&str]) -> (Exit, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.yaml").display().to_string();
    std::fs::write(&path, config).unwrap();
    let line: Vec<&str> = ["migrate", &path]
        .into_iter()
        .chain(more.iter().copied())
        .collect();
    let Action::Migrate(args) = parse(&line).unwrap().action() else {
        panic!("{line:?}");
    };
    let mut out = Vec::new();
    let exit = migrate(&args, &Environment::default(), &mut out).unwrap();
    (exit, String::from_utf8(out).unwrap())
}

const PLAIN: &str = "
model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: sk-x}}]
general_settings: {master_key: sk-m}
";

#[test]
fn migrate_says_in_a_line_and_in_its_exit_code_how_it_will_go() {
    let (exit, said) = migrated(PLAIN, &[]);
    assert_eq!(exit, Exit::Fine, "{said}");
    let verdict = "config.yaml: will start, and all of it is honored as in LiteLLM";
    assert!(said.lines().next().unwrap().ends_with(verdict), "{said}");
    let (exit, said) = migrated(&format!("{PLAIN}router_settings: {{redis_host: x}}"), &[]);
    assert_eq!(exit, Exit::Problems, "{said}");
    assert!(
        said.contains("will start; 1 thing is not supported"),
        "{said}"
    );
    let (exit, said) = migrated(&format!("{PLAIN}router_settings: {{timeout: x}}"), &[]);
    assert_eq!(exit, Exit::Usage, "{said}");
    assert!(
        said.contains("will not start; 1 thing is refused"),
        "{said}"
    );
}

#[test]
fn migrate_grades_flags_too() {
    let flags = [
        "--",
        "--num_workers",
        "1",
        "--run_gunicorn",
        "--max_budget=3",
    ];
    let (exit, said) = migrated(PLAIN, &flags);
    assert_eq!(exit, Exit::Problems, "{said}");
    assert!(
        said.contains("--max-budget is ignored: spend is not limited"),
        "{said}"
    );
    let (exit, said) = migrated(PLAIN, &["--", "--num_wrkers", "1"]);
    assert_eq!(exit, Exit::Problems, "{said}");
    assert!(said.contains("1 thing is unknown"), "{said}");
}

#[test]
fn migrate_tells_machines_the_same() {
    let config = format!("{PLAIN}router_settings: {{timeout: 5, redis_host: x}}");
    let (_, said) = migrated(&config, &["--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["starts"], true);
    assert_eq!(told["counts"]["not_supported"], 1);
    let first = &told["findings"][0];
    assert_eq!(first["grade"], "not_supported");
    assert_eq!(first["subject"], "router_settings.redis_host");
    assert_eq!(first["places"][0]["line"], 4);
    assert!(first["instead"].is_string());
}
