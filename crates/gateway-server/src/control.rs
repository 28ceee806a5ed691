//! The control plane as the rest of the process sees it: what it did last, and how it is told to do something.
//!
//! Workers and routes only read [`Control`] or hand an [`Order`] to it; [`run`](mod@crate::run) carries orders out, one
//! after the other.

mod marks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::config::Drain;
pub(crate) use marks::{Mark, MarkKind, Marks, seconds};

/// What is known of the process, and the way to its control plane.
#[derive(Debug)]
pub(crate) struct Control {
    /// When the process began, by the clock of the wall.
    pub started: SystemTime,
    /// The same, for how long it has been.
    pub began: Instant,
    /// The configuration in force, and what became of the last attempt to change it.
    pub config: ArcSwap<ConfigState>,
    /// What happened lately that one would look for on a timeline.
    pub marks: Marks,
    orders: mpsc::Sender<Order>,
}

impl Control {
    /// Of a process that begins now, with what takes its orders.
    pub(crate) fn new(config: ConfigState) -> (Self, mpsc::Receiver<Order>) {
        let (orders, taken) = mpsc::channel(WAITING_ORDERS);
        let control = Self {
            started: SystemTime::now(),
            began: Instant::now(),
            config: ArcSwap::from_pointee(config),
            marks: Marks::default(),
            orders,
        };
        (control, taken)
    }

    /// Has `order` carried out, and waits for what became of it. `None`: the process is on its way out.
    ///
    /// # Cancel safety
    /// An order that was handed over is carried out, whoever still waits for it.
    pub(crate) async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<T>) -> Order,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        self.orders.send(order(tell)).await.ok()?;
        told.await.ok()
    }
}

/// What the control plane can be told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Read the configuration again, because of this.
    Reload(ReloadCause, oneshot::Sender<Arc<Reloaded>>),
    /// Hand the service over to a new process, whose id is told.
    Upgrade(oneshot::Sender<Result<u32, NoUpgrade>>),
    /// Say that the process is not ready, and let its clients go elsewhere. How it is to end is told.
    Drain(oneshot::Sender<Drain>),
}

/// Why the service was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoUpgrade {
    /// The process is on its way out.
    #[error("The gateway is on its way out.")]
    Draining,
    /// Somebody else ordered the same a moment ago.
    #[error("An upgrade is under way.")]
    UnderWay,
    /// The end of this process ends its container.
    #[error(
        "The gateway is the first process of its container: it cannot hand over to another one, which would end with it."
    )]
    First,
    /// The new process did not come.
    #[error("The gateway goes on as before: {0}.")]
    Failed(String),
}

/// Who wants the configuration to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReloadCause {
    /// SIGHUP.
    Signal,
    /// A file changed.
    Watch,
    /// `POST /admin/reload`.
    Command,
}

/// The configuration in force.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConfigState {
    /// The first file, if there is one.
    pub file: Option<PathBuf>,
    /// 1 at the start, one more with each change that was taken.
    pub generation: u64,
    /// What it says, in short: equal for equal configurations.
    pub digest: Option<String>,
    /// Seconds since 1970 at which it was taken.
    pub since: f64,
    /// What became of the last attempt to change it.
    pub last_reload: Option<Arc<Reloaded>>,
}

impl ConfigState {
    /// The one that the process began with.
    pub(crate) fn first(file: Option<PathBuf>, digest: Option<String>) -> Self {
        Self {
            file,
            generation: 1,
            digest,
            since: seconds(SystemTime::now()),
            last_reload: None,
        }
    }
}

/// What became of a reload.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reloaded {
    /// Seconds since 1970.
    pub at: f64,
    /// Who wanted it.
    pub cause: ReloadCause,
    /// What became of it.
    pub outcome: ReloadOutcome,
    /// The generation in force afterwards.
    pub generation: u64,
    /// The problems of the configuration, errors and warnings, with file, line and column.
    pub problems: Vec<serde_json::Value>,
    /// Settings that changed and wait for a restart.
    pub needs_restart: Vec<String>,
}

impl ReloadCause {
    /// For logs and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Watch => "watch",
            Self::Command => "command",
        }
    }
}

/// What can become of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReloadOutcome {
    /// The new configuration is in force.
    Taken,
    /// It says what the old one said.
    Unchanged,
    /// It has errors: the old one stays in force.
    Refused,
}

/// Orders that may wait while one is carried out.
const WAITING_ORDERS: usize = 16;
