//! Foreign programs, with a deadline.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Done {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a program to its end.
///
/// # Panics
/// If it cannot be started, or has not ended after a minute.
pub async fn run<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = A>,
) -> Done {
    let mut command = Command::new(program);
    command.args(args);
    finish(command).await
}

/// Runs a command to its end.
///
/// # Panics
/// If it cannot be started, or has not ended after a minute.
pub async fn finish(command: Command) -> Done {
    finish_within(LIMIT, command).await
}

/// The same for one that may take longer.
///
/// # Panics
/// If it cannot be started, or has not ended by then.
pub async fn finish_within(limit: Duration, mut command: Command) -> Done {
    let program = command.as_std().get_program().to_owned();
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(limit, output)
        .await
        .unwrap_or_else(|_| panic!("{} takes more than {limit:?}", program.display()))
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()));
    Done {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const LIMIT: Duration = Duration::from_secs(60);
