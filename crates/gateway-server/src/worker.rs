//! What the calls of one worker share, and what all workers share.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use gateway_core::Dialect;
use gateway_router::Catalog;
use gateway_transport::{Origin, Shard, Transport};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::auth::Keys;
use crate::call::ShownDeployments;
use crate::config::{Checks, MetricsSettings};
use crate::control::Control;
use crate::edge::ConnectionLimits;
use crate::health::Probes;
use crate::live::Live;
use crate::log::Lines;
use crate::metrics::Metrics;
use crate::pass_through::Gates;
use crate::status::Board;
use crate::trace::{TraceRules, Traces};

/// Everything that a configuration decides about calls. Swapped as one; a call keeps the one it began with.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Names, groups and deployments.
    pub catalog: Arc<Catalog>,
    /// Who may call.
    pub keys: Keys,
    /// Limits and timers of calls.
    pub limits: CallLimits,
    /// How deployments are probed.
    pub checks: Checks,
    /// What connections of clients may do that are accepted now.
    pub connections: ConnectionLimits,
    /// What is known of the catalog's deployments beside routing.
    pub shown: ShownDeployments,
    /// Who is asked for requests in a provider's own words.
    pub gates: Gates,
    /// How metrics are told.
    pub metrics: MetricsSettings,
    /// Which calls are traced, and who is told.
    pub tracing: TraceRules,
    /// Deployments and aliases that cannot be used.
    pub left_out: Vec<LeftOut>,
}

impl Snapshot {
    /// Every origin that its deployments and gates use, each once.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        let deployments = self.catalog.deployments().map(|it| &it.origin);
        let mut origins: Vec<Origin> = Vec::new();
        for origin in deployments.chain(self.gates.origins()) {
            if !origins.contains(origin) {
                origins.push(origin.clone());
            }
        }
        origins
    }

    /// Says in the log what cannot be used.
    pub(crate) fn tell_left_out(&self) {
        for LeftOut { place, message } in &self.left_out {
            tracing::warn!(place, "{message}");
        }
    }
}

/// A deployment or an alias that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// `file:line:column`, or the flag that made it.
    pub place: Option<String>,
    /// Why.
    pub message: String,
}

/// An error and what caused it, on one line, nothing twice.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// Limits and timers of calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallLimits {
    /// Bytes of a request's body.
    pub request_bytes: usize,
    /// Bytes of an answer in one piece.
    pub response_bytes: usize,
    /// Bytes of one event of a stream.
    pub event_bytes: usize,
    /// A request's body must go on arriving: the longest silence.
    pub request_idle: Duration,
    /// Silence towards the client of a stream of an OpenAI dialect.
    pub heartbeat_openai: Option<Duration>,
    /// The same for the Anthropic dialect.
    pub heartbeat_anthropic: Option<Duration>,
    /// Requests may ask for mock answers and mock failures.
    pub mocks: bool,
}

impl CallLimits {
    /// Silence after which the client of a stream gets a heartbeat.
    pub(crate) fn heartbeat(&self, dialect: Dialect) -> Option<Duration> {
        let beat = match dialect {
            Dialect::AnthropicMessages => self.heartbeat_anthropic,
            _ => self.heartbeat_openai,
        };
        beat.filter(|_| !dialect.heartbeat().is_empty())
    }
}

/// What all workers and the control plane share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The configuration in force.
    pub snapshot: ArcSwap<Snapshot>,
    /// Who may come in.
    pub admission: Admission,
    /// Connections to upstreams.
    pub transport: Transport,
    /// Counters.
    pub metrics: Metrics,
    /// Where log lines go.
    pub lines: Arc<Lines>,
    /// Traces on their way out.
    pub traces: Traces,
    /// The control plane.
    pub control: Control,
    /// The calls under way.
    pub live: Arc<Live>,
    /// What operators look at.
    pub board: Board,
    /// What came of probes.
    pub probes: Probes,
    /// Since when the process is on its way out.
    draining: OnceLock<Instant>,
    /// Another process serves.
    succeeded: OnceLock<()>,
}

impl Shared {
    /// Puts the parts together.
    pub(crate) fn new(
        snapshot: Snapshot,
        admission: Admission,
        transport: Transport,
        metrics: Metrics,
        lines: Arc<Lines>,
        control: Control,
    ) -> Self {
        metrics.configure(&snapshot.metrics);
        Self {
            live: Live::new(transport.shards()),
            board: Board::new(Instant::now()),
            snapshot: ArcSwap::from_pointee(snapshot),
            admission,
            transport,
            metrics,
            traces: Traces::new(lines.lanes()),
            lines,
            control,
            probes: Probes::default(),
            draining: OnceLock::new(),
            succeeded: OnceLock::new(),
        }
    }

    /// From now on calls begin with this configuration.
    pub(crate) fn adopt(&self, snapshot: Snapshot) {
        self.metrics.configure(&snapshot.metrics);
        self.snapshot.store(Arc::new(snapshot));
    }

    /// From now on the process says that it is not ready. Gives when that began.
    pub(crate) fn drain(&self) -> Instant {
        *self.draining.get_or_init(Instant::now)
    }

    /// From now on another process serves: this one ends what runs on it. It is as ready as ever to whoever asks here.
    pub(crate) fn succeeded(&self) {
        self.succeeded.get_or_init(|| ());
    }

    /// Whether another process serves.
    pub(crate) fn is_succeeded(&self) -> bool {
        self.succeeded.get().is_some()
    }

    /// Whether the process is on its way out.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get().is_some()
    }
}

/// One thread that serves clients, with its own runtime and its own shard of every pool.
#[derive(Debug)]
pub(crate) struct Worker {
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its part of the transport.
    pub shard: Shard,
    /// Its client connections.
    pub connections: TaskTracker,
    /// What goes on behind a call that has been answered.
    pub tasks: TaskTracker,
    lane: usize,
}

impl Worker {
    /// The `number`th worker.
    pub(crate) fn new(shared: Arc<Shared>, number: usize, connections: TaskTracker) -> Self {
        let shard = shared.transport.shard(number);
        Self {
            shared,
            shard,
            connections,
            tasks: TaskTracker::new(),
            lane: number,
        }
    }

    /// Counters.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Where log lines go.
    pub(crate) fn lines(&self) -> &Lines {
        &self.shared.lines
    }

    /// The worker's lane in the log.
    pub(crate) fn lane(&self) -> usize {
        self.lane
    }
}
