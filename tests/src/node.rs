//! The published clients for Node, each kind in a folder of its own.

use serde_json::Value;
use tokio::process::Command;

use crate::published::{self, folder};

/// Runs a script of `tests/node` with the providers' SDKs and gives the JSON lines that it prints.
///
/// # Panics
/// If the script fails, or prints something else.
pub async fn run(script: &str, args: &[&str]) -> Vec<Value> {
    run_with("sdks.json", script, args).await
}

/// Runs a script of `tests/node` with what a file of `tests/published` wants and gives the JSON lines that it prints.
///
/// # Panics
/// If the script fails, or prints something else.
pub async fn run_with(clients: &'static str, script: &str, args: &[&str]) -> Vec<Value> {
    let environment = tokio::task::spawn_blocking(|| published::installed(clients))
        .await
        .expect("the environment can be made");
    let mut node = Command::new("node");
    node.env("NODE_PATH", environment.join("node_modules"));
    published::said(node, &folder().join("node").join(script), args).await
}
