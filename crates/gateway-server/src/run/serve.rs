//! What the process is told from outside, by signals and by orders of its own routes, until it ends.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use super::RunError;
use super::handover::{HandoverError, Predecessor, Started, Successor};
use super::notify::Notify;
use super::planes::Planes;
use super::signals::{Signals, Told};
use super::stop::{Ending, Operators, stop};
use super::watchdog;
use crate::control::{MarkKind, NoUpgrade, Order, ReloadCause, Reloaded};
use crate::reload::Reloader;

/// The process while it serves.
pub(super) struct Service<'a> {
    planes: &'a Planes,
    reloader: Reloader,
    notify: Arc<Notify>,
    started: Started,
    upgrade: Option<Upgrade>,
    /// When clients are to go elsewhere, if that has been ordered.
    leaves: Option<Instant>,
}

/// A handover under way, and who waits for it.
struct Upgrade {
    done: Pin<Box<dyn Future<Output = Result<Successor, HandoverError>>>>,
    tell: Option<oneshot::Sender<Result<u32, NoUpgrade>>>,
}

/// Why the process ends.
enum End {
    /// A signal says so.
    Told(Told),
    /// Another process serves.
    HandedOver,
}

impl<'a> Service<'a> {
    /// Of these parts.
    pub(super) fn new(
        planes: &'a Planes,
        reloader: Reloader,
        notify: Notify,
        started: Started,
    ) -> Self {
        Self {
            planes,
            reloader,
            notify: Arc::new(notify),
            started,
            upgrade: None,
            leaves: None,
        }
    }

    /// Serves, and carries out what the process is told, until it is told to stop and everything has ended.
    pub(super) async fn run(
        mut self,
        predecessor: Option<Predecessor>,
        mut orders: mpsc::Receiver<Order>,
    ) -> Result<(), RunError> {
        let mut signals = Signals::listen()?;
        self.begin(predecessor);
        let tasks = TaskTracker::new();
        watchdog::keep(&tasks, &self.notify, self.planes.handles());
        let end = loop {
            tokio::select! {
                told = signals.next() => match told {
                    Told::Hangup => drop(self.reload(ReloadCause::Signal).await),
                    Told::User2 => self.upgrade(None),
                    Told::Terminate | Told::Interrupt => break End::Told(told),
                },
                Some(order) = orders.recv() => self.carry_out_all(order, &mut orders).await,
                () = self.reloader.changed() => drop(self.reload(ReloadCause::Watch).await),
                outcome = upgraded(&mut self.upgrade) => if self.handed_over(outcome) {
                    break End::HandedOver;
                },
                () = at(self.leaves) => {
                    self.leaves = None;
                    self.planes.leave(LINGER);
                }
            }
        };
        // Whoever gives an order now hears that nobody takes it; a process that was to take over is ended.
        drop(orders);
        self.upgrade = None;
        self.end(end, &mut signals).await;
        Ok(())
    }

    /// Begins to accept, when it is this process's turn.
    fn begin(&self, predecessor: Option<Predecessor>) {
        let predecessor = predecessor.map(|mut it| {
            it.ready();
            it
        });
        self.planes.open();
        self.planes.announce();
        if let Some(predecessor) = predecessor {
            predecessor.begun();
        }
        self.notify.ready("serving");
    }

    async fn reload(&mut self, cause: ReloadCause) -> Arc<Reloaded> {
        self.notify.reloading();
        let reloaded = self.reloader.reload(cause).await;
        self.notify.ready("serving");
        reloaded
    }

    /// Carries out an order, and what came in behind it.
    async fn carry_out_all(&mut self, order: Order, orders: &mut mpsc::Receiver<Order>) {
        let mut next = Some(order);
        while let Some(order) = next.take() {
            match order {
                Order::Reload(cause, tell) => {
                    let mut wanted = vec![tell];
                    // Who waits already is served by the same look at the files.
                    while let Ok(order) = orders.try_recv() {
                        match order {
                            Order::Reload(_, tell) => wanted.push(tell),
                            other => {
                                next = Some(other);
                                break;
                            }
                        }
                    }
                    let reloaded = self.reload(cause).await;
                    for tell in wanted {
                        // Whoever wanted it may be gone.
                        let _gone = tell.send(Arc::clone(&reloaded));
                    }
                }
                other => self.carry_out(other),
            }
        }
    }

    /// Carries out an order that is no reload.
    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Reload(..) => {}
            Order::Upgrade(tell) => self.upgrade(Some(tell)),
            Order::Drain(tell) => {
                let drain = self.reloader.drain();
                if !self.planes.shared.is_draining() {
                    self.mark("not ready: clients are sent elsewhere");
                    self.leaves = Some(self.planes.shared.drain() + drain.delay);
                    // Not "stopping": systemd would end what is to wait for its signal.
                    self.notify.status("draining");
                }
                let _gone = tell.send(drain);
            }
        }
    }

    /// Begins to hand over, if that is possible now.
    fn upgrade(&mut self, tell: Option<oneshot::Sender<Result<u32, NoUpgrade>>>) {
        let refused = if self.planes.shared.is_draining() {
            NoUpgrade::Draining
        } else if self.upgrade.is_some() {
            NoUpgrade::UnderWay
        } else if std::process::id() == 1 {
            NoUpgrade::First
        } else {
            let limit = self.reloader.drain().upgrade_timeout;
            let listeners = self.planes.listeners();
            match Successor::start(&self.started, listeners.all()) {
                Ok(successor) => {
                    tracing::info!(pid = successor.pid(), "a new process is started");
                    self.upgrade = Some(Upgrade {
                        done: Box::pin(successor.takes_over(limit)),
                        tell,
                    });
                    return;
                }
                Err(error) => NoUpgrade::Failed(error.to_string()),
            }
        };
        self.refuse(refused, tell);
    }

    fn refuse(&self, why: NoUpgrade, tell: Option<oneshot::Sender<Result<u32, NoUpgrade>>>) {
        tracing::warn!(%why, "no upgrade");
        self.planes
            .shared
            .control
            .marks
            .add(MarkKind::Operator, "", format!("no upgrade: {why}"));
        if let Some(tell) = tell {
            let _gone = tell.send(Err(why));
        }
    }

    /// What a handover has come to: whether another process serves now.
    fn handed_over(&mut self, outcome: Result<Successor, HandoverError>) -> bool {
        let tell = self.upgrade.take().and_then(|it| it.tell);
        let successor = match outcome {
            Ok(successor) => successor,
            Err(error) => {
                self.refuse(NoUpgrade::Failed(error.to_string()), tell);
                return false;
            }
        };
        // First of all: whoever hears of it finds the new process.
        let linger = self.planes.shared.snapshot.load().connections.idle;
        self.planes.leave(linger);
        self.planes.stop_accepting();
        self.planes.dismiss_operators(linger);
        self.planes.shared.succeeded();
        self.mark("another process serves");
        let pid = successor.pid();
        self.notify.succeeded_by(pid);
        drop(successor);
        tracing::info!(pid, "handed over");
        if let Some(tell) = tell {
            let _gone = tell.send(Ok(pid));
        }
        true
    }

    async fn end(self, end: End, signals: &mut Signals) {
        let drain = self.reloader.drain();
        let ending = match end {
            End::Told(told) => {
                tracing::info!(signal = told.name(), "draining");
                self.mark("draining");
                self.notify.stopping("draining");
                let since = self.planes.shared.drain();
                let (delay, linger) = match told {
                    // Nobody balances load towards a process that somebody interrupts at a terminal.
                    Told::Interrupt => (Duration::ZERO, Duration::ZERO),
                    _ => (drain.delay, LINGER),
                };
                Ending {
                    accepts_until: since + delay,
                    timeout: drain.timeout,
                    linger,
                    operators: Operators::Last,
                }
            }
            // The service is ready all the time, so probes that still come here hear nothing else. A client that asks
            // for nothing stays for as long as it would without an upgrade: no connection is closed because of it.
            End::HandedOver => Ending {
                accepts_until: Instant::now(),
                timeout: drain.timeout,
                linger: self.planes.shared.snapshot.load().connections.idle,
                operators: Operators::WithAll,
            },
        };
        let hurry = async {
            if ending.operators == Operators::WithAll {
                // The first one says what is being done already.
                signals.next_end().await;
            }
            signals.next_end().await;
            tracing::info!("second signal: what still runs is ended");
        };
        stop(self.planes, ending, hurry).await;
    }

    fn mark(&self, text: &str) {
        let marks = &self.planes.shared.control.marks;
        marks.add(MarkKind::Drain, "", text);
    }
}

/// What the handover that is under way comes to.
async fn upgraded(upgrade: &mut Option<Upgrade>) -> Result<Successor, HandoverError> {
    match upgrade {
        Some(upgrade) => upgrade.done.as_mut().await,
        None => pending().await,
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// How long a client that asks for nothing stays connected when accepting has ended: requests that are on their way
/// arrive within it.
const LINGER: Duration = Duration::from_millis(500);
