//! What the soak says about gateways that keep their streams, and about one that does not.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::relay::Relay;

/// Runs the command, and reads what it left behind.
async fn soak(out: &Path, arguments: &[&str]) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["soak", "--short", "--out"])
        .arg(out)
        .args(arguments);
    let output = command.output().await.unwrap();
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output, serde_json::from_str(&summary).unwrap())
}

/// Drives a relay in front of the soak's own upstream.
async fn soak_of_a_relay(lifetime: Option<Duration>) -> (Output, Value, String) {
    let out = tempfile::tempdir().unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let relay = Relay::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), lifetime).await;
    let target = format!("http://127.0.0.1:{}", relay.port);
    let port = port.to_string();
    let (output, summary) = soak(
        out.path(),
        &[
            "--target",
            &target,
            "--upstream-port",
            &port,
            "--model",
            "claude",
            "--model",
            "chat:gpt",
            "--seconds",
            "8",
            "--ttl",
            "3",
            "--streams",
            "60",
            "--seed",
            "1",
        ],
    )
    .await;
    relay.stop().await;
    let report = std::fs::read_to_string(out.path().join("report.html")).unwrap();
    (output, summary, report)
}

#[tokio::test]
async fn soak_passes_a_relay_that_keeps_its_streams() {
    let (output, summary, report) = soak_of_a_relay(None).await;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(summary["passed"], true);
    assert!(summary["streams_completed"].as_u64().unwrap() > 60);
    assert!(report.contains("PASS"));
    let outside = ["src=", "href=", "@import", "url("];
    assert!(
        outside.iter().all(|word| !report.contains(word)),
        "the report must open without a network"
    );
}

#[tokio::test]
async fn soak_fails_a_relay_that_closes_what_it_evicts() {
    let (output, summary, report) = soak_of_a_relay(Some(Duration::from_secs(3))).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary["passed"], false);
    assert!(
        summary["failures"]["cut"].as_u64().unwrap() > 20,
        "{summary}"
    );
    assert_bursts_at_lifetimes(&summary);
    assert!(report.contains("FAIL") && report.contains("class=\"mark\""));
}

#[tokio::test]
async fn soak_finds_the_bursts_of_a_sabotaged_gateway() {
    let out = tempfile::tempdir().unwrap();
    let arguments = [
        "--sabotage",
        "evict-closes",
        "--seconds",
        "12",
        "--ttl",
        "4",
        "--streams",
        "120",
        "--seed",
        "1",
    ];
    let (output, summary) = soak(out.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary["passed"], false);
    assert_bursts_at_lifetimes(&summary);
}

/// At least two bursts, and each of them next to the end of a lifetime.
fn assert_bursts_at_lifetimes(summary: &Value) {
    let bursts = summary["bursts"].as_array().unwrap();
    assert!(bursts.len() >= 2, "{summary}");
    for burst in bursts {
        let rotation = burst["rotation"].as_str().unwrap_or_default();
        assert!(rotation.starts_with("ttl"), "{burst}");
    }
}
