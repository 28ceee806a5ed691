//! What the process is told from outside, by signals and by orders of its own routes.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::planes::Planes;
use super::stop::stop;
use super::{RunError, system};
use crate::config::Drain;
use crate::control::{Order, ReloadCause};
use crate::reload::Reloader;

/// Carries out what the process is told, until it is told to stop and everything has ended.
pub(super) async fn serve(
    planes: &Planes,
    mut reloader: Reloader,
    mut orders: mpsc::Receiver<Order>,
) -> Result<(), RunError> {
    let mut signals = Signals::listen()?;
    let ending = loop {
        tokio::select! {
            told = signals.next() => match told {
                Told::Hangup => drop(reloader.reload(ReloadCause::Signal).await),
                Told::Terminate => break Told::Terminate,
                Told::Interrupt => break Told::Interrupt,
            },
            Some(order) = orders.recv() => carry_out(order, &mut orders, &mut reloader).await,
            () = reloader.changed() => drop(reloader.reload(ReloadCause::Watch).await),
        }
    };
    drop(orders);
    tracing::info!(signal = ending.name(), "draining");
    let hurry = async {
        signals.next_end().await;
        tracing::info!("second signal: what still runs is ended");
    };
    let drain = reloader.drain();
    let delay = match ending {
        // Nobody balances load towards a process that somebody interrupts at a terminal.
        Told::Interrupt => Duration::ZERO,
        Told::Hangup | Told::Terminate => drain.delay,
    };
    stop(planes, Drain { delay, ..drain }, hurry).await;
    Ok(())
}

/// Carries out an order, and what came in behind it.
async fn carry_out(order: Order, orders: &mut mpsc::Receiver<Order>, reloader: &mut Reloader) {
    let mut next = Some(order);
    while let Some(order) = next.take() {
        match order {
            Order::Reload(cause, tell) => {
                let mut wanted = vec![tell];
                // Who waits already is served by the same look at the files.
                while let Ok(order) = orders.try_recv() {
                    match order {
                        Order::Reload(_, tell) => wanted.push(tell),
                    }
                }
                let reloaded = reloader.reload(cause).await;
                for tell in wanted {
                    // Whoever wanted it may be gone.
                    let _gone = tell.send(Arc::clone(&reloaded));
                }
            }
        }
    }
}

/// The signals that mean something.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Hangup,
    Terminate,
    Interrupt,
}

impl Signals {
    fn listen() -> Result<Self, RunError> {
        let listen = |kind| signal(kind).map_err(system("listen for signals"));
        Ok(Self {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.hangup.recv() => Told::Hangup,
            _ = self.terminate.recv() => Told::Terminate,
            _ = self.interrupt.recv() => Told::Interrupt,
        }
    }

    /// The next one that ends something.
    async fn next_end(&mut self) {
        while self.next().await == Told::Hangup {}
    }
}

impl Told {
    fn name(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP",
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }
}
