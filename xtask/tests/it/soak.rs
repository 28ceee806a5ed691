//! What the soak says about gateways that keep their streams, and about one that does not.

use std::net::{Ipv4Addr, TcpListener};
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

/// Drives a relay in front of the soak's own upstream, for so many seconds.
async fn soak_of_a_relay(lifetime: Option<Duration>, seconds: &str) -> (Output, Value, String) {
    let out = tempfile::tempdir().unwrap();
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let upstream = free.local_addr().unwrap();
    drop(free);
    let relay = Relay::start(upstream, lifetime).await;
    let target = format!("http://127.0.0.1:{}", relay.port);
    let port = upstream.port().to_string();
    let mut arguments = vec!["--target", &target, "--upstream-port", &port];
    arguments.extend(["--model", "claude", "--model", "chat:gpt"]);
    arguments.extend([
        "--seconds",
        seconds,
        "--ttl",
        "4",
        "--streams",
        "60",
        "--seed",
        "1",
    ]);
    let (output, summary) = soak(out.path(), &arguments).await;
    relay.stop().await;
    let report = std::fs::read_to_string(out.path().join("report.html")).unwrap();
    (output, summary, report)
}

#[tokio::test]
async fn soak_passes_a_relay_that_keeps_its_streams() {
    let (output, summary, report) = soak_of_a_relay(None, "4").await;
    assert!(output.status.success(), "{summary}");
    assert_eq!(summary["passed"], true);
    assert!(summary["streams_completed"].as_u64().unwrap() > 60);
    assert!(report.contains("PASS"));
    let outside = ["src=", "href=", "@import", "url("];
    let opens_alone = outside.iter().all(|word| !report.contains(word));
    assert!(opens_alone, "the report must open without a network");
}

#[tokio::test]
async fn soak_fails_a_relay_that_closes_what_it_evicts() {
    let lifetime = Some(Duration::from_secs(4));
    let (output, summary, report) = soak_of_a_relay(lifetime, "9").await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary["passed"], false);
    assert!(
        summary["failures"]["cut"].as_u64().unwrap() > 60,
        "{summary}"
    );
    assert_bursts_at_lifetimes(&summary);
    assert!(report.contains("FAIL") && report.contains("class=\"mark\""));
}

#[tokio::test]
async fn soak_finds_the_bursts_of_a_sabotaged_gateway() {
    let out = tempfile::tempdir().unwrap();
    let mut arguments = vec!["--sabotage", "evict-closes", "--seconds", "9"];
    arguments.extend(["--ttl", "4", "--streams", "120", "--seed", "1"]);
    let (output, summary) = soak(out.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary["passed"], false);
    assert_bursts_at_lifetimes(&summary);
}

#[tokio::test]
async fn soak_with_faults_finds_cuts_that_no_fault_has_made() {
    let out = tempfile::tempdir().unwrap();
    let mut arguments = vec!["--chaos", "0.3", "--sabotage", "evict-closes"];
    arguments.extend(["--seconds", "9", "--ttl", "3", "--streams", "60"]);
    let (output, summary) = soak(out.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(summary["passed"], false);
    let cut = &summary["breaches"]["cut_without_cause"]["count"];
    assert!(cut.as_u64().is_some_and(|cut| cut > 0), "{summary}");
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
