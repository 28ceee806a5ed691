//! Tests of the command line alone; what it loads is tested with the configuration.

use super::*;

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
