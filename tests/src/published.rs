//! Published clients: installed once for all tests, driven by scripts that print one JSON line per call.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::binary;
use crate::command::{self, Done};

/// The folder in the target directory where the clients of one language are, all as `pins` wants them. `install` makes it
/// when it is missing or `pins` has changed; `stamp` is the copy of `pins` in it that is written last.
///
/// # Panics
/// If that cannot be done.
pub(crate) fn installed(
    name: &str,
    pins: &Path,
    stamp: &str,
    install: impl FnOnce(&Path),
) -> PathBuf {
    let target = binary::target_dir();
    let folder = target.join(name);
    let stamp = folder.join(stamp);
    let wanted = fs::read_to_string(pins).expect("the pins are there");
    // Tests run in several processes, and one of them makes it for all.
    let lock = File::create(target.join(format!("{name}.lock"))).expect("target is writable");
    lock.lock().expect("a file can be locked");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        install(&folder);
        fs::write(&stamp, &wanted).expect("target is writable");
    }
    folder
}

/// Runs a step of an installation.
///
/// # Panics
/// If it fails.
pub(crate) fn succeed(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {status:?}"
    );
}

/// Runs a script with its program to the end and gives what it printed.
///
/// # Panics
/// If it fails, or prints anything but JSON lines.
pub(crate) async fn said(
    mut program: tokio::process::Command,
    script: &Path,
    args: &[&str],
) -> Vec<Value> {
    program.arg(script).args(args);
    let Done {
        code,
        stdout,
        stderr,
    } = command::finish(program).await;
    let script = script.display();
    assert_eq!(code, Some(0), "{script}:\n{stdout}\n{stderr}");
    let line =
        |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{script} printed {line:?}"));
    stdout.lines().map(line).collect()
}

/// The folder `tests/` of the project.
pub(crate) fn folder() -> &'static Path {
    binary::package()
}
