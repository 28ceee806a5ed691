//! The published Python clients, each kind in a virtual environment of its own.

use serde_json::Value;
use tokio::process::Command;

use crate::published::{self, folder};

/// Runs a script of `tests/python` with the providers' SDKs and gives the JSON lines that it prints.
///
/// # Panics
/// If the script fails, or prints something else.
pub async fn run(script: &str, args: &[&str]) -> Vec<Value> {
    run_with("sdks.txt", script, args).await
}

/// Runs a script of `tests/python` with what a file of `tests/published` wants and gives the JSON lines that it prints.
///
/// # Panics
/// If the script fails, or prints something else.
pub async fn run_with(clients: &'static str, script: &str, args: &[&str]) -> Vec<Value> {
    let environment = tokio::task::spawn_blocking(|| published::installed(clients))
        .await
        .expect("the environment can be made");
    let python = Command::new(environment.join("bin/python"));
    published::said(python, &folder().join("python").join(script), args).await
}
