//! The new process, as the old one sees it.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, sleep, timeout_at};

use super::passing::send;
use super::started::Started;
use super::{BEGUN, GO, READY, SAID};
use crate::run::listeners::Listener;

/// The process that is to take over. Dropping it ends it, unless it has.
#[derive(Debug)]
pub(in crate::run) struct Successor {
    /// While it may be given up.
    child: Option<Child>,
    pid: u32,
    socket: BufReader<tokio::net::UnixStream>,
}

/// Why no other process took over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandoverError {
    /// It could not even be started.
    #[error("cannot start {name}: {source}")]
    Start {
        /// The program.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// It ended.
    #[error("the new process ended before it was ready ({how}){said}")]
    Ended {
        /// Its exit status.
        how: String,
        /// What it complained about, behind a colon.
        said: String,
    },
    /// It took too long.
    #[error("the new process was not ready within {} s and was ended{said}", limit.as_secs_f64())]
    Late {
        /// The time it had.
        limit: Duration,
        /// What it complained about, behind a colon.
        said: String,
    },
}

impl Successor {
    /// Starts it and passes the listeners on.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(in crate::run) fn start(
        how: &Started,
        listeners: &[Listener],
    ) -> Result<Self, HandoverError> {
        let name = how.program.to_string_lossy().into_owned();
        let start = || {
            let (own, its) = UnixStream::pair()?;
            let child = how.spawn(its.into())?;
            own.set_nonblocking(true)?;
            let socket = tokio::net::UnixStream::from_std(own.try_clone()?)?;
            let successor = Self {
                pid: child.id(),
                child: Some(child),
                socket: BufReader::new(socket),
            };
            match send(&own, listeners) {
                // It has ended already: why, is heard from it.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                sent => sent?,
            }
            Ok(successor)
        };
        start().map_err(|source| HandoverError::Start { name, source })
    }

    /// Waits until it is ready, tells it to go on, and gives it when it has begun to accept. Dropping it then tells it that
    /// it is on its own.
    ///
    /// # Errors
    /// Why it will never be; then it has ended.
    ///
    /// # Cancel safety
    /// Dropping this ends the process.
    pub(in crate::run) async fn takes_over(
        mut self,
        limit: Duration,
    ) -> Result<Self, HandoverError> {
        let until = Instant::now() + limit;
        let mut said = String::new();
        match timeout_at(until, self.is_ready(&mut said)).await {
            Ok(true) => {}
            Ok(false) => {
                let how = self.end().await;
                return Err(HandoverError::Ended {
                    how,
                    said: behind_colon(&said),
                });
            }
            Err(_elapsed) => {
                self.kill();
                return Err(HandoverError::Late {
                    limit,
                    said: behind_colon(&said),
                });
            }
        }
        // If it is gone in this moment, nobody is left to serve but us: the next read tells.
        if self.socket.write_all(GO).await.is_err() || !self.has_begun(until).await {
            let how = self.end().await;
            return Err(HandoverError::Ended {
                how,
                said: behind_colon(&said),
            });
        }
        self.child = None;
        Ok(self)
    }

    /// The id of its process.
    pub(in crate::run) fn pid(&self) -> u32 {
        self.pid
    }

    /// Reads what it says. `false`: it has ended.
    async fn is_ready(&mut self, said: &mut String) -> bool {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut bounded = (&mut self.socket).take(LONGEST_LINE);
            match bounded.read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return false,
                Ok(_) if line == READY => return true,
                Ok(_) if said.len() < KEPT => {
                    let text = line.strip_prefix(SAID).unwrap_or(&line);
                    said.push_str(&String::from_utf8_lossy(text));
                }
                Ok(_) => {}
            }
        }
    }

    /// Waits for its word that it accepts.
    async fn has_begun(&mut self, until: Instant) -> bool {
        let mut line = Vec::new();
        let read = self.socket.read_until(b'\n', &mut line);
        matches!(timeout_at(until, read).await, Ok(Ok(_))) && line == BEGUN
    }

    /// Sees to its end, and tells how it ended.
    async fn end(&mut self) -> String {
        let Some(mut child) = self.child.take() else {
            return String::new();
        };
        let until = Instant::now() + LAST_BREATH;
        while Instant::now() < until {
            match child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) => sleep(LOOK_AGAIN).await,
                Err(error) => return error.to_string(),
            }
        }
        self.child = Some(child);
        self.kill();
        "killed".to_owned()
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Errors mean that it has exited.
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        self.kill();
    }
}

fn behind_colon(said: &str) -> String {
    match said.trim() {
        "" => String::new(),
        said => format!(": {said}"),
    }
}

/// Bytes of complaints that are kept.
const KEPT: usize = 8 * 1024;
/// Bytes of one line.
const LONGEST_LINE: u64 = 4 * 1024;
/// How long a process that has hung up may take to exit.
const LAST_BREATH: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
