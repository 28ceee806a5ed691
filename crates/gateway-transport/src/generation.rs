//! A generation: an epoch of one origin's connections. It owns none of them; leases and tasks hold it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{connect::tls::TlsMaterial, error::KilledBy, health::Health, metrics::OriginMetrics};

/// Why a generation was born.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateReason {
    /// The first of its origin.
    First,
    /// The one before had reached its age.
    Ttl,
    /// The configuration changed.
    Config,
    /// A certificate, key or list of roots changed.
    Identity,
    /// Addresses in use vanished from the name's answers.
    Dns,
    /// Somebody asked for it.
    Command,
    /// Too many established connections failed in a row.
    Health,
    /// The process ends.
    Shutdown,
}

impl RotateReason {
    /// Every reason, in the order of their numbers in [`MetricsSnapshot`](crate::MetricsSnapshot).
    pub const ALL: [Self; 8] = [
        Self::First,
        Self::Ttl,
        Self::Config,
        Self::Identity,
        Self::Dns,
        Self::Command,
        Self::Health,
        Self::Shutdown,
    ];

    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Ttl => "ttl",
            Self::Config => "config",
            Self::Identity => "identity",
            Self::Dns => "dns",
            Self::Command => "command",
            Self::Health => "health",
            Self::Shutdown => "shutdown",
        }
    }
}

/// An epoch of an origin's connections, over all shards.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) reason: RotateReason,
    pub(crate) born: Instant,
    pub(crate) expires: Option<Instant>,
    pub(crate) tls: Option<Arc<TlsMaterial>>,
    /// One permit per connection; every generation has its own, so that draining ones do not count.
    pub(crate) slots: Arc<Semaphore>,
    /// Empty when every socket is closed: one token per HTTP/1 connection, one per task of an HTTP/2 connection.
    pub(crate) tasks: TaskTracker,
    open_sockets: Arc<AtomicUsize>,
    pub(crate) kill: CancellationToken,
    /// Ends connects under way: nobody will ever use what they bring.
    pub(crate) retired: CancellationToken,
    pub(crate) health: Health,
    killed: AtomicU8,
    retirement: Mutex<Option<Retirement>>,
    metrics: Arc<OriginMetrics>,
}

/// When a generation was retired, and by when it must be gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retirement {
    pub(crate) at: Instant,
    pub(crate) deadline: Option<Instant>,
}

/// What a new generation is made from.
pub(crate) struct Birth {
    pub(crate) number: u64,
    pub(crate) reason: RotateReason,
    pub(crate) now: Instant,
    pub(crate) ttl: Option<Duration>,
    pub(crate) tls: Option<Arc<TlsMaterial>>,
    pub(crate) max_connections: usize,
    pub(crate) metrics: Arc<OriginMetrics>,
}

impl Generation {
    pub(crate) fn new(birth: Birth) -> Arc<Self> {
        let slots = birth.max_connections.min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            number: birth.number,
            reason: birth.reason,
            born: birth.now,
            expires: birth.ttl.and_then(|ttl| birth.now.checked_add(ttl)),
            tls: birth.tls,
            slots: Arc::new(Semaphore::new(slots)),
            tasks: TaskTracker::new(),
            open_sockets: Arc::new(AtomicUsize::new(0)),
            kill: CancellationToken::new(),
            retired: CancellationToken::new(),
            health: Health::default(),
            killed: AtomicU8::new(ALIVE),
            retirement: Mutex::new(None),
            metrics: birth.metrics,
        })
    }

    /// Counts a socket in, until the guard is dropped.
    pub(crate) fn socket(&self) -> Socket {
        self.open_sockets.fetch_add(1, Ordering::Relaxed);
        Socket {
            open: Arc::clone(&self.open_sockets),
            _token: self.tasks.token(),
        }
    }

    pub(crate) fn open_sockets(&self) -> usize {
        self.open_sockets.load(Ordering::Relaxed)
    }

    pub(crate) fn retire(&self, now: Instant, deadline: Option<Instant>) {
        let mut retirement = self
            .retirement
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let at = retirement.map_or(now, |r| r.at);
        *retirement = Some(Retirement { at, deadline });
        self.tasks.close();
        self.retired.cancel();
    }

    pub(crate) fn retirement(&self) -> Option<Retirement> {
        *self
            .retirement
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks it as cut and ends its tasks. The first caller's name counts. Who waits for HTTP/1 is woken by
    /// [`OriginInner::kill`](crate::origin::OriginInner::kill), the only caller.
    pub(crate) fn mark_killed(&self, by: Killed) {
        let won =
            self.killed
                .compare_exchange(ALIVE, by as u8, Ordering::AcqRel, Ordering::Acquire);
        if won.is_ok() {
            self.kill.cancel();
        }
    }

    /// Who cut this generation, if somebody did. One atomic load: it is asked for every frame.
    pub(crate) fn killed(&self) -> Option<Killed> {
        match self.killed.load(Ordering::Acquire) {
            1 => Some(Killed::DrainDeadline),
            2 => Some(Killed::Revoked),
            3 => Some(Killed::Operator),
            4 => Some(Killed::Shutdown),
            5 => Some(Killed::Sabotage),
            _ => None,
        }
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Generation({}, {})", self.number, self.reason.as_str())
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if let Some(retirement) = self.retirement() {
            let outcome = self.killed().is_some();
            self.metrics.drained(retirement.at.elapsed(), outcome);
        }
    }
}

/// Counts an open socket of a generation. Held until after the socket is closed.
pub(crate) struct Socket {
    open: Arc<AtomicUsize>,
    _token: TaskTrackerToken,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// As [`KilledBy`], and the fault of [`Sabotage`](crate::Sabotage), which tells nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Killed {
    DrainDeadline = 1,
    Revoked = 2,
    Operator = 3,
    Shutdown = 4,
    Sabotage = 5,
}

impl Killed {
    /// What may be told about it.
    pub(crate) const fn by(self) -> Option<KilledBy> {
        match self {
            Self::DrainDeadline => Some(KilledBy::DrainDeadline),
            Self::Revoked => Some(KilledBy::Revoked),
            Self::Operator => Some(KilledBy::Operator),
            Self::Shutdown => Some(KilledBy::Shutdown),
            Self::Sabotage => None,
        }
    }
}

impl From<KilledBy> for Killed {
    fn from(by: KilledBy) -> Self {
        match by {
            KilledBy::DrainDeadline => Self::DrainDeadline,
            KilledBy::Revoked => Self::Revoked,
            KilledBy::Operator => Self::Operator,
            KilledBy::Shutdown => Self::Shutdown,
        }
    }
}

const ALIVE: u8 = 0;
