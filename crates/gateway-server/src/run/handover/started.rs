//! How a process was started, to start another one like it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::fd::OwnedFd;

use super::MARKER;

/// How this process was started, to start its successor the same way.
#[derive(Clone, Debug)]
pub(in crate::run) struct Started {
    /// As it was said: a file that has been replaced since is the new version.
    pub(super) program: OsString,
    /// The file that was found, for where that cannot be found again.
    pub(super) found: Option<PathBuf>,
    pub(super) args: Vec<OsString>,
}

impl Started {
    /// How this process was.
    pub(in crate::run) fn as_this() -> Self {
        let mut args = std::env::args_os();
        let found = std::env::current_exe().ok();
        let program = args.next().filter(|it| !it.is_empty());
        Self {
            program: program
                .or_else(|| found.clone().map(Into::into))
                .unwrap_or_default(),
            found,
            args: args.collect(),
        }
    }

    pub(super) fn spawn(&self, stdin: OwnedFd) -> io::Result<Child> {
        let command = |program: OsString| {
            let mut command = Command::new(program);
            command.args(&self.args);
            command.env(MARKER, std::process::id().to_string());
            // They mean this process, by its id.
            for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"] {
                command.env_remove(name);
            }
            command
        };
        let again = stdin.try_clone()?;
        let mut wanted = command(self.program.clone());
        match wanted.stdin(Stdio::from(stdin)).spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A name without a path may be any: whoever starts a process says what it is called.
                let is_path = self.program.as_encoded_bytes().contains(&b'/');
                match self.found.clone().filter(|_| !is_path) {
                    Some(found) => command(found.into()).stdin(Stdio::from(again)).spawn(),
                    None => Err(error),
                }
            }
            spawned => spawned,
        }
    }
}
