//! The published Python clients, in a virtual environment of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::published::{self, folder, succeed};

/// Runs a script of `tests/python` and gives the JSON lines that it prints.
///
/// # Panics
/// If the script fails, or prints something else.
pub async fn run(script: &str, args: &[&str]) -> Vec<Value> {
    let environment = tokio::task::spawn_blocking(environment)
        .await
        .expect("the environment can be made");
    let python = tokio::process::Command::new(interpreter(&environment));
    published::said(python, &folder().join("python").join(script), args).await
}

/// A virtual environment with what `tests/requirements.txt` wants.
fn environment() -> PathBuf {
    let pins = folder().join("requirements.txt");
    published::installed("python", &pins, "requirements.txt", |environment| {
        let mut venv = Command::new("python3");
        succeed(venv.args(["-m", "venv", "--clear"]).arg(environment));
        let mut install = Command::new(interpreter(environment));
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        succeed(install.arg("--requirement").arg(&pins));
    })
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}
