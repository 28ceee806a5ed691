//! The transport: the registry of origins, and what callers and operators do with it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use dashmap::{DashMap, Entry};
use http::{Request, Response};
use tokio::{runtime::Handle, time::Instant};

use crate::{
    body::ResponseBody,
    config::TransportConfig,
    environment::Environment,
    error::{Phase, SendError, SpecError},
    generation::RotateReason,
    maintenance,
    origin::{Origin, OriginInner},
    rotate::{RotateOptions, Rotated, Selector, rotate},
    send::{SendOptions, send},
    shutdown::shutdown,
    snapshot::{CurrentGeneration, OriginSnapshot, Snapshot},
    spec::ConnectSpec,
};

/// Pools of connections to any number of origins. Cheap to clone; all clones are the same transport.
///
/// Dropping the last clone ends maintenance; exchanges that run go on.
#[derive(Clone)]
pub struct Transport(pub(crate) Arc<TransportInner>);

pub(crate) struct TransportInner {
    pub(crate) env: Arc<Environment>,
    pub(crate) registry: DashMap<ConnectSpec, Arc<OriginInner>>,
    /// Origins that nobody finds any more, but that may still be held and in use.
    retired: Mutex<Vec<Weak<OriginInner>>>,
}

impl Transport {
    /// A transport with one shard per runtime in `shards`. Maintenance runs on the first.
    ///
    /// A shard's connections belong to its runtime, which must have IO and time enabled and outlive the transport.
    ///
    /// # Panics
    /// If `shards` is empty.
    pub fn new(config: TransportConfig, shards: Vec<Handle>) -> Self {
        let control = shards
            .first()
            .expect("a transport needs at least one shard")
            .clone();
        Self::with_control(config, shards, &control)
    }

    /// As [`new`](Self::new), with maintenance on a runtime of its own.
    ///
    /// # Panics
    /// If `shards` is empty.
    pub fn with_control(config: TransportConfig, shards: Vec<Handle>, control: &Handle) -> Self {
        assert!(!shards.is_empty(), "a transport needs at least one shard");
        let period = config.maintenance_interval;
        let inner = Arc::new(TransportInner {
            env: Arc::new(Environment::new(config, shards)),
            registry: DashMap::new(),
            retired: Mutex::new(Vec::new()),
        });
        let maintenance = maintenance::run(Arc::downgrade(&inner), period);
        let until_stopped = inner
            .env
            .stop
            .clone()
            .run_until_cancelled_owned(maintenance);
        inner.env.tasks.spawn_on(until_stopped, control);
        Self(inner)
    }

    /// A transport with one shard, on the runtime that this is called on.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn single(config: TransportConfig) -> Self {
        Self::new(config, vec![Handle::current()])
    }

    /// The origin for `spec`: an equal spec finds the same one. Reads certificate files, if it is new.
    ///
    /// # Errors
    /// The spec cannot work, or the transport is shutting down.
    pub fn origin(&self, spec: &ConnectSpec) -> Result<Origin, SpecError> {
        if self.0.env.closed.load(Ordering::Acquire) {
            return Err(SpecError::ShuttingDown);
        }
        let known = self
            .0
            .registry
            .get(spec)
            .map(|entry| Arc::clone(entry.value()));
        if let Some(origin) = known {
            return Ok(Origin(origin));
        }
        let made = OriginInner::new(spec.clone(), &self.0.env, Instant::now())?;
        Ok(Origin(match self.0.registry.entry(spec.clone()) {
            Entry::Occupied(entry) => Arc::clone(entry.get()),
            Entry::Vacant(entry) => Arc::clone(entry.insert(made).value()),
        }))
    }

    /// The shard of the runtime `index`; what a worker holds. Counted from 0, modulo the number of shards.
    pub fn shard(&self, index: usize) -> Shard {
        let index = index % self.0.env.handles.len();
        Shard {
            transport: self.clone(),
            index,
        }
    }

    /// Number of shards.
    pub fn shards(&self) -> usize {
        self.0.env.handles.len()
    }

    /// Rotates the selected origins, one after the other. When it returns, no exchange starts on an old generation.
    ///
    /// Dropping the future before it is done leaves origins that were not reached as they were.
    pub async fn rotate(
        &self,
        selector: &Selector,
        reason: RotateReason,
        options: RotateOptions,
    ) -> Vec<Rotated> {
        let mut done = Vec::new();
        for origin in self.0.origins() {
            if selector.matches(&origin) {
                done.extend(rotate(&origin, reason, &options, None).await);
            }
        }
        done
    }

    /// All origins at one moment, with their counters.
    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let mut origins: Vec<_> = self
            .0
            .origins()
            .iter()
            .map(|origin| OriginSnapshot::of(origin, now))
            .collect();
        origins.sort_by(|a, b| a.origin.cmp(&b.origin));
        Snapshot { origins }
    }

    /// The current generation of every origin: what [`snapshot`](Self::snapshot) says of it, without looking at
    /// connections. For whoever looks often.
    pub fn current(&self) -> Vec<CurrentGeneration> {
        let origins = self.0.origins();
        origins.iter().map(|it| CurrentGeneration::of(it)).collect()
    }

    /// The last rotation: refuses new exchanges, closes what is idle, waits for what runs, and cuts what still runs
    /// after `deadline`. Returns the number of exchanges that were cut.
    ///
    /// Dropping the future stops waiting; nothing is cut then.
    pub async fn shutdown(&self, deadline: Option<Duration>) -> usize {
        shutdown(&self.0, deadline).await
    }
}

impl TransportInner {
    /// Every origin that can be in use.
    pub(crate) fn origins(&self) -> Vec<Arc<OriginInner>> {
        let mut origins = self.registered();
        let mut retired = self.retired();
        retired.retain(|origin| origin.strong_count() > 0);
        origins.extend(retired.iter().filter_map(Weak::upgrade));
        origins
    }

    pub(crate) fn registered(&self) -> Vec<Arc<OriginInner>> {
        self.registry
            .iter()
            .map(|entry| Arc::clone(entry.value()))
            .collect()
    }

    pub(crate) fn retired(&self) -> std::sync::MutexGuard<'_, Vec<Weak<OriginInner>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Transport({} origins, {} shards)",
            self.0.registry.len(),
            self.shards()
        )
    }
}

/// One runtime's part of a transport. Cheap to clone.
#[derive(Clone)]
pub struct Shard {
    transport: Transport,
    index: usize,
}

impl Shard {
    /// Sends a request and waits for the head of the response.
    ///
    /// The request's URI is absolute, or a path of the origin; `Host` is added where it is missing. Headers go out as
    /// they are. A request that a reused connection did not take is sent again, at most twice; nothing else is.
    ///
    /// Dropping the future gives the exchange up: an HTTP/1 connection is closed, an HTTP/2 stream reset, a place in
    /// a queue left; a connect that was begun goes on for others. Call it on the shard's own runtime: elsewhere it
    /// works, but every wake-up crosses threads.
    ///
    /// # Errors
    /// No response head came; the error says whether the origin may have processed the request.
    pub async fn send(
        &self,
        origin: &Origin,
        request: Request<Bytes>,
        options: &SendOptions,
    ) -> Result<Response<ResponseBody>, SendError> {
        if self.transport.0.env.closed.load(Ordering::Relaxed) {
            let mut error = SendError::not_sent(origin.label(), Phase::Pool);
            error.source = Some(Arc::new(SpecError::ShuttingDown));
            return Err(error);
        }
        send(&origin.0, self.index, request, options).await
    }

    /// The transport that it belongs to.
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Its number, from 0.
    pub const fn index(&self) -> usize {
        self.index
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shard({})", self.index)
    }
}
