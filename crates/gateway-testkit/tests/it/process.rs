//! Child processes, with a shell and Python's little server as children.

use std::time::Duration;

use gateway_testkit::process::{Process, ProcessConfig, Ready, Usage};
use rustix::process::Signal;

fn shell(script: &str) -> ProcessConfig {
    ProcessConfig::new("/bin/sh").args(["-c", script])
}

#[tokio::test]
async fn output_of_both_streams_is_captured_and_waited_for() {
    let mut config = shell("echo out; echo port {port} $X >&2; exec sleep 60").env("X", "{port}");
    config.ready = Ready::Line("port".to_owned());
    let process = Process::start(config).await;
    let port = process.addr().port();
    assert_eq!(
        process.line(|line| line.starts_with("port")).await,
        format!("port {port} {port}")
    );
    process.line(|line| line == "out").await;
}

#[tokio::test]
async fn readiness_is_an_answer_over_http() {
    let config = ProcessConfig::new("python3")
        .args(["-m", "http.server", "{port}", "--bind", "127.0.0.1"])
        .ready_at("/");
    let process = Process::start(config).await;
    let usage = process.usage();
    assert!(usage.resident > 1 << 20, "{usage:?}");
    assert!(usage.descriptors >= 4 && usage.threads >= 1, "{usage:?}");
    assert!(usage.cpu > Duration::from_millis(1), "{usage:?}");
}

#[tokio::test]
#[should_panic(expected = "no such config")]
async fn a_process_that_exits_early_is_reported_with_its_output() {
    Process::start(shell("echo no such config; exit 2").ready_at("/")).await;
}

#[tokio::test]
async fn signals_reach_it_and_its_exit_is_seen() {
    let mut config = shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done");
    config.ready = Ready::Line("up".to_owned());
    let mut process = Process::start(config).await;
    assert!(process.exited(Duration::from_millis(50)).await.is_err());
    process.signal(Signal::TERM);
    let status = process.exited(Duration::from_secs(5)).await.unwrap();
    assert_eq!(status.code(), Some(7));
    process.line(|line| line == "bye").await;
    // Harmless now.
    process.signal(Signal::KILL);
}

#[tokio::test]
async fn dropping_it_kills_it() {
    let process = Process::start(shell("exec sleep 60")).await;
    let pid = process.pid();
    assert!(Usage::of(pid).is_ok());
    drop(process);
    assert!(Usage::of(pid).is_err());
}
