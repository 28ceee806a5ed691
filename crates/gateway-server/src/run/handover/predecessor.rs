//! The old process, as the new one sees it.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::fd::AsFd;

use super::passing::receive;
use super::{BEGUN, GO, READY};
use crate::run::listeners::Listeners;

/// The process that this one takes over from.
#[derive(Debug)]
pub(in crate::run) struct Predecessor {
    pub(super) socket: UnixStream,
}

impl Predecessor {
    /// Whether this process was started to take over, and from whom: with the listeners that were passed on.
    ///
    /// # Errors
    /// It was, but the listeners cannot be received.
    pub(in crate::run) fn meet(marker: Option<&str>) -> io::Result<Option<(Self, Listeners)>> {
        let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
        // Whoever inherits the variable from a process that took over was not started to do the same.
        if marker.is_none() || marker != parent.as_deref() {
            return Ok(None);
        }
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let listeners = receive(&socket)?;
        Ok(Some((Self { socket }, listeners)))
    }

    /// Says that everything is built, and waits until it is this process's turn.
    pub(in crate::run) fn ready(&mut self) {
        let mut go = [0; GO.len()];
        // If the other one is gone, it is this one's turn all the same.
        let _gone = self
            .socket
            .write_all(READY)
            .and_then(|()| self.socket.read_exact(&mut go));
    }

    /// Says that this process accepts, and waits until the other one has told everybody else.
    pub(in crate::run) fn begun(mut self) {
        let mut rest = Vec::new();
        let _gone = self
            .socket
            .write_all(BEGUN)
            .and_then(|()| self.socket.set_read_timeout(Some(LONGEST_FAREWELL)))
            .and_then(|()| self.socket.read_to_end(&mut rest));
        let _gone = self.socket.shutdown(Shutdown::Both);
    }
}

/// The other process does nothing in between but send a datagram.
const LONGEST_FAREWELL: Duration = Duration::from_secs(2);
