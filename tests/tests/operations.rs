//! What an operator does to the process: start it in LiteLLM's ways, read its log or not, get it wrong.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::process::Stdio;

use end_to_end::{Setup, binary, call, command, setup};
use gateway_testkit::client::{Http1Client, Request};
use gateway_testkit::dialect::Wire;
use gateway_testkit::process::{Process, ProcessConfig, Ready, free_address};
use gateway_testkit::upstream::Upstream;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// A gateway whose log is read up to the line that says that it is ready, and not further.
struct Unread {
    addr: SocketAddr,
    _process: Child,
    _log: BufReader<ChildStdout>,
}

impl Unread {
    async fn start(args: &[&str]) -> Self {
        let mut command = Command::new(binary::gateway_server());
        let command = command.args(args).env_clear();
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let mut log = BufReader::new(process.stdout.take().unwrap());
        let addr = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).await.unwrap(), 0, "it has ended");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "ready" {
                break line["address"].as_str().unwrap().parse().unwrap();
            }
        };
        Self {
            addr,
            _process: process,
            _log: log,
        }
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_costs_lines_and_nothing_else() {
    let upstream = Upstream::plain().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let base = format!("{}/v1", upstream.url());
    let config = json!({
        "model_list": [{"model_name": "double",
            "litellm_params": {"model": "openai/double", "api_base": base, "api_key": "k"}}],
        "gateway": {"log": {"level": "trace"}, "workers": 1},
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let file = file.display().to_string();
    let gateway = Unread::start(&["--config", &file, "--port", "0"]).await;
    let mut client = Http1Client::connect(gateway.addr).await;
    let mut dropped = false;
    for round in 0..200 {
        for _ in 0..50 {
            let view = client.call(&call::plain(Wire::OpenAiChat, "hello")).await;
            assert_eq!(view.status, 200, "{view:?}");
        }
        let metrics = client.call(&Request::get("/metrics")).await.body;
        let metrics = String::from_utf8_lossy(&metrics).into_owned();
        let lost = metrics
            .lines()
            .find_map(|line| line.strip_prefix("gateway_log_lines_dropped_total "));
        if lost.and_then(|lost| lost.trim().parse::<f64>().ok()) > Some(0.0) {
            dropped = true;
            break;
        }
        assert!(round < 199, "{metrics}");
    }
    assert!(dropped);
}

#[tokio::test]
async fn litellms_flags_and_variables_start_it_too() {
    let upstream = Upstream::plain().await;
    let flags = [
        "--num_workers",
        "2",
        "--detailed_debug",
        "--run_gunicorn",
        "--telemetry",
        "False",
    ];
    let gateway = flags
        .iter()
        .fold(Setup::serving(&upstream.url()), |setup, flag| {
            setup.arg(flag)
        });
    let gateway = gateway
        .env("LITELLM_MASTER_KEY", "sk-of-the-environment")
        .start()
        .await;
    for legacy in ["run-gunicorn", "telemetry"] {
        gateway
            .line(|line| line.replace('_', "-").contains(legacy))
            .await;
    }
    let request = call::plain(Wire::OpenAiChat, "hello");
    assert_eq!(gateway.answer(&request).await.status, 401);
    assert_eq!(
        gateway
            .answer(&request.bearer("sk-of-the-environment"))
            .await
            .status,
        200
    );

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("other.yaml");
    std::fs::write(
        &file,
        "model_list: [{model_name: fast, litellm_params: {model: openai/x, api_key: k}}]",
    )
    .unwrap();
    let env = [
        ("CONFIG_FILE_PATH", file.display().to_string()),
        ("PORT", "0".to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let gateway = setup::start(Vec::new(), env, None).await;
    assert_eq!(
        gateway.get("/v1/models").await.json()["data"][0]["id"],
        "fast"
    );
}

#[tokio::test]
async fn a_log_for_people_has_one_line_per_call_too() {
    let upstream = Upstream::plain().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let port = free_address().port();
    let config = json!({
        "model_list": [{"model_name": "double", "litellm_params":
            {"model": "openai/double", "api_base": format!("{}/v1", upstream.url()), "api_key": "k"}}],
        "gateway": {"log": {"format": "text"}},
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let mut process = ProcessConfig::new(binary::gateway_server()).args([
        "--config",
        &file.display().to_string(),
        "--port",
        &port.to_string(),
    ]);
    process.ready = Ready::Line("ready".to_owned());
    let process = Process::start(process).await;
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    let request =
        call::streaming(Wire::OpenAiChat, "hello").with("x-litellm-call-id", "for-people");
    let view = Http1Client::connect(addr).await.call(&request).await;
    assert!(view.is_complete(), "{view:?}");
    let line = process.line(|line| line.contains("for-people")).await;
    assert!(line.contains("complete") && line.contains("200"), "{line}");
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_exits_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.yaml");
    std::fs::write(
        &bad,
        "model_list:\n  - model_name: a\n    litellm_params: {model: 7}\n",
    )
    .unwrap();
    let bad = bad.display().to_string();
    let missing = dir.path().join("missing.yaml").display().to_string();
    let good = dir.path().join("good.yaml");
    std::fs::write(
        &good,
        "model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: k}}]",
    )
    .unwrap();
    let good = good.display().to_string();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (args, code, said) in [
        (vec!["--config", &bad], 1, "bad.yaml:3"),
        (vec!["--config", &missing], 1, "missing.yaml"),
        (vec!["--config", &good, "--port", &port], 1, port.as_str()),
        (vec!["--config", &good, "--no-such-flag"], 2, "no-such-flag"),
        (vec!["check", &bad], 1, "bad.yaml:3"),
    ] {
        let done = command::run(binary::gateway_server(), &args).await;
        assert_eq!(done.code, Some(code), "{args:?}: {done:?}");
        assert!(
            (done.stdout.clone() + &done.stderr).contains(said),
            "{args:?}: {done:?}"
        );
    }
}

#[tokio::test]
async fn an_operator_sees_why_and_sets_a_deployment_aside() {
    let upstreams = [Upstream::plain().await, Upstream::plain().await];
    let of = |at: usize| {
        let base = format!("{}/v1", upstreams[at].url());
        json!({"model": "openai/double", "api_base": base, "api_key": "sk-hidden", "timeout": 20})
    };
    let gateway = Setup::new()
        .model("double", &of(0))
        .model("double", &of(1))
        .set("gateway.workers", json!(1))
        .start()
        .await;
    let explained = async || gateway.get("/admin/explain?model=double").await;
    let view = explained().await;
    assert_eq!(view.status, 200, "{view:?}");
    assert!(!String::from_utf8_lossy(&view.body).contains("sk-hidden"));
    let told = view.json()["legs"][0]["deployments"].clone();
    assert_eq!(told[0]["share_percent"], 50.0, "{told:#}");
    assert_eq!(told[0]["timers"]["attempt"]["seconds"], 20.0);

    let id = told[0]["id"].as_str().unwrap();
    let path = format!("/admin/deployments/{id}/cooldown");
    let set = async |seconds: f64| {
        let order = Request::post(&path, &json!({"seconds": seconds}));
        gateway.answer(&order).await.status
    };
    assert_eq!(set(600.0).await, 200);
    let standing = explained().await.json()["legs"][0]["deployments"][0]["standing"].clone();
    assert_eq!(standing["state"], "set_aside", "{standing}");
    assert_eq!(standing["cause"], "ordered");
    for _ in 0..20 {
        let view = gateway
            .answer(&call::plain(Wire::OpenAiChat, "hello"))
            .await;
        assert_eq!(view.status, 200);
    }
    assert_eq!(upstreams[0].requests().len(), 0);
    assert_eq!(set(0.0).await, 200);
    let standing = explained().await.json()["legs"][0]["deployments"][0]["standing"].clone();
    assert_eq!(standing["state"], "ready");
    assert_eq!(set(-1.0).await, 400);

    let request = json!({"model": "double", "messages": [], "timeout": 3});
    let request = Request::post("/admin/explain", &request).with("x-litellm-num-retries", "0");
    let told = gateway.answer(&request).await.json();
    assert_eq!(told["call_timer"]["seconds"], 3.0, "{told:#}");
    assert_eq!(told["request"]["retries"], 0);
    let unknown = gateway.get("/admin/explain?model=duble").await;
    assert_eq!(unknown.status, 404);
    let message = unknown.json()["error"]["message"].to_string();
    assert!(message.contains("double"), "{message}");
}
