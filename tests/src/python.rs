//! The published Python clients, in a virtual environment of their own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::binary;
use crate::command;

/// Runs a script of `tests/python` and gives the JSON lines that it prints.
///
/// # Panics
/// If the script fails, or prints something else.
pub async fn run(script: &str, args: &[&str]) -> Vec<Value> {
    let python = tokio::task::spawn_blocking(environment)
        .await
        .expect("the environment can be made");
    let script = folder().join("python").join(script);
    let script = script.display().to_string();
    let args = [script.as_str()].into_iter().chain(args.iter().copied());
    let done = command::run(&python, args).await;
    assert_eq!(
        done.code,
        Some(0),
        "{script}:\n{}\n{}",
        done.stdout,
        done.stderr
    );
    done.stdout
        .lines()
        .map(|line| {
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{script} printed {line:?}"))
        })
        .collect()
}

/// The interpreter of the environment, which is made anew when `tests/requirements.txt` has changed.
fn environment() -> PathBuf {
    let requirements = folder().join("requirements.txt");
    let wanted = fs::read_to_string(&requirements).expect("the pins are there");
    let environment = binary::target_dir().join("python");
    let stamp = environment.join("requirements.txt");
    // Tests run in several processes, and one of them makes it for all.
    let lock = File::create(binary::target_dir().join("python.lock")).expect("target is writable");
    lock.lock().expect("a file can be locked");
    let python = environment.join("bin/python");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        let mut venv = Command::new("python3");
        succeed(venv.args(["-m", "venv", "--clear"]).arg(&environment));
        let mut install = Command::new(&python);
        install.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        succeed(install.arg("--requirement").arg(&requirements));
        fs::write(&stamp, &wanted).expect("target is writable");
    }
    python
}

fn succeed(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {status:?}"
    );
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
