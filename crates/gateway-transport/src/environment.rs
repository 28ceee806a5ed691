//! What all origins of a transport share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicBool},
    time::Duration,
};

use tokio::{runtime::Handle, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::TransportConfig,
    connect::tls::{TlsMaterial, TlsSource},
    error::SpecError,
    resolve::{Resolver, SystemResolver},
    spec::{ConnectSpec, Http2Mode, Scheme, TlsSpec},
};

/// What all origins of a transport share.
pub(crate) struct Environment {
    config: RwLock<Arc<TransportConfig>>,
    /// One runtime per shard.
    pub(crate) handles: Vec<Handle>,
    pub(crate) handshakes: Semaphore,
    /// Connects and maintenance.
    pub(crate) tasks: TaskTracker,
    pub(crate) closed: AtomicBool,
    /// Ends maintenance.
    pub(crate) stop: CancellationToken,
    /// One configuration per identity, so that sessions resume over generations, shards and origins.
    tls: Mutex<HashMap<(TlsSpec, Http2Mode), CachedTls>>,
}

/// A TLS configuration, and the fingerprint of the files that it came from.
type CachedTls = (u64, Arc<rustls::ClientConfig>);

impl Environment {
    pub(crate) fn new(config: TransportConfig, handles: Vec<Handle>) -> Self {
        Self {
            handshakes: Semaphore::new(config.max_handshakes.max(1)),
            config: RwLock::new(Arc::new(config)),
            handles,
            tasks: TaskTracker::new(),
            closed: AtomicBool::new(false),
            stop: CancellationToken::new(),
            tls: Mutex::new(HashMap::new()),
        }
    }

    /// What holds now. Nothing that is asked for each exchange.
    pub(crate) fn config(&self) -> Arc<TransportConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What holds from now on, but for what a transport is built on; and what held before.
    pub(crate) fn configure(&self, config: TransportConfig) -> Arc<TransportConfig> {
        let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
        let config = TransportConfig {
            max_handshakes: current.max_handshakes,
            max_handshakes_per_origin: current.max_handshakes_per_origin,
            maintenance_interval: current.maintenance_interval,
            resolver: current.resolver.clone(),
            connector: current.connector.clone(),
            sabotage: current.sabotage,
            ..config
        };
        std::mem::replace(&mut *current, Arc::new(config))
    }

    /// Reads what the spec says about TLS; `None` for plain TCP. Equal contents give the same configuration again.
    pub(crate) fn read_tls(
        &self,
        spec: &ConnectSpec,
    ) -> Result<Option<Arc<TlsMaterial>>, SpecError> {
        if spec.scheme == Scheme::Http || self.config().connector.is_some() {
            return Ok(None);
        }
        let source = TlsSource::read(&spec.tls)?;
        let fingerprint = source.fingerprint();
        let key = (spec.tls.clone(), spec.http2);
        let mut cache = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        let config = match cache.get(&key) {
            Some((known, config)) if *known == fingerprint => Arc::clone(config),
            _ => {
                let config = source.build(&spec.tls, spec.http2)?;
                cache.insert(key, (fingerprint, Arc::clone(&config)));
                config
            }
        };
        drop(cache);
        TlsMaterial::new(spec, config, fingerprint).map(Some)
    }

    pub(crate) fn resolver(&self) -> Arc<dyn Resolver> {
        let own = self.config().resolver.clone();
        own.unwrap_or_else(|| Arc::new(SystemResolver))
    }
}

/// The age at which a new generation expires: `ttl · (1 − U(0, jitter))`.
pub(crate) fn jittered(config: &TransportConfig) -> Option<Duration> {
    let share = fastrand::f64() * config.ttl_jitter.clamp(0.0, 1.0);
    config.ttl.map(|ttl| ttl.mul_f64(1.0 - share))
}
