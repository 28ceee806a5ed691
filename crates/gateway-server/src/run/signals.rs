//! The signals that mean something.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{RunError, system};

/// Where signals come in.
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    second: Signal,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Read the configuration again.
    Hangup,
    /// Hand over to a new process.
    User2,
    /// End.
    Terminate,
    /// End, at a terminal.
    Interrupt,
}

impl Signals {
    /// From now on they do not end the process by themselves.
    pub(super) fn listen() -> Result<Self, RunError> {
        let listen = |kind| signal(kind).map_err(system("listen for signals"));
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            second: listen(SignalKind::user_defined2())?,
        })
    }

    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.hangup.recv() => Told::Hangup,
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.interrupt.recv() => Told::Interrupt,
            _ = self.second.recv() => Told::User2,
        }
    }

    /// The next one that ends something.
    pub(super) async fn next_end(&mut self) {
        while !matches!(self.next().await, Told::Terminate | Told::Interrupt) {}
    }
}

impl Told {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP",
            Self::User2 => "SIGUSR2",
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }
}
