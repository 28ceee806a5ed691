//! The published clients for Node, in a folder of their own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::published::{self, folder, succeed};

/// Runs a script of `tests/node` and gives the JSON lines that it prints.
///
/// # Panics
/// If the script fails, or prints something else.
pub async fn run(script: &str, args: &[&str]) -> Vec<Value> {
    let environment = tokio::task::spawn_blocking(environment)
        .await
        .expect("the environment can be made");
    let mut node = tokio::process::Command::new("node");
    node.env("NODE_PATH", environment.join("node_modules"));
    published::said(node, &folder().join("node").join(script), args).await
}

/// A folder with what `tests/node/package.json` wants.
fn environment() -> PathBuf {
    let pins = folder().join("node/package.json");
    published::installed("node", &pins, "installed.json", |environment| {
        fs::create_dir_all(environment).expect("target is writable");
        fs::copy(&pins, environment.join("package.json")).expect("target is writable");
        let mut install = Command::new("npm");
        install.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--ignore-scripts",
            "--loglevel=error",
        ]);
        succeed(install.current_dir(environment));
    })
}
