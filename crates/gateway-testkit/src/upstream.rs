//! The double: an upstream that answers by script, over raw TCP, TLS, HTTP/1.1 and HTTP/2.
//!
//! It records every request and how every exchange ended, in particular when the client (the gateway)
//! gave it up, because that is what proves a cancellation.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use gateway_testkit::{client::{Http1Client, Request}, upstream::{Upstream, UpstreamConfig}};
//! let upstream = Upstream::start(UpstreamConfig::default()).await;
//! let mut client = Http1Client::connect(upstream.addr()).await;
//! let view = client.call(&Request::chat("[[double events=3]]").streaming()).await;
//! assert!(view.is_complete());
//! assert_eq!(upstream.requests().len(), 1);
//! upstream.stop().await;
//! # }
//! ```

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::script::Script;

mod config;
mod http1;
mod http2;
mod listener;
mod record;
mod serve;
mod tap;

pub use config::{EarlyHandler, Handler, Http2Settings, OnAccept, Protocol, UpstreamConfig};
pub use listener::{BlackHole, Refused};
pub use record::{Connections, Exchange, ExchangeEnd, Recorded};

use record::Log;

/// A running upstream. Dropping it ends its connections without waiting for them.
pub struct Upstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What all tasks of one upstream share.
pub(crate) struct Shared {
    config: UpstreamConfig,
    handler: Mutex<Handler>,
    log: Arc<Log>,
    /// Changed to end all connections that are open at that moment.
    kill: watch::Sender<Kill>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    Never,
    Close,
    Reset,
}

impl Upstream {
    /// Binds, listens and serves on the current runtime.
    ///
    /// # Panics
    /// If the address cannot be bound.
    pub async fn start(config: UpstreamConfig) -> Self {
        let listener = listener::listen(config.bind, config.receive_buffer);
        let addr = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            handler: Mutex::new(config.handler.clone()),
            log: Arc::new(Log::new(config.remember)),
            kill: watch::Sender::new(Kill::Never),
            config,
        });
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let accept = serve::accept(listener, shared.clone(), stop.clone(), tasks.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accept));
        Self {
            addr,
            shared,
            stop,
            tasks,
        }
    }

    /// An upstream with the default dialects, over plain TCP.
    pub async fn plain() -> Self {
        Self::start(UpstreamConfig::default()).await
    }

    /// An upstream that answers every request like this, over plain TCP.
    pub async fn answering(handler: impl Fn(&Recorded) -> Script + Send + Sync + 'static) -> Self {
        Self::start(UpstreamConfig::default().handler(handler)).await
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:port`, or `https://localhost:port` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        match self.shared.config.tls {
            Some(_) => format!("https://localhost:{}", self.addr.port()),
            None => format!("http://{}", self.addr),
        }
    }

    /// Answers differently from now on.
    pub fn set_handler(&self, handler: impl Fn(&Recorded) -> Script + Send + Sync + 'static) {
        *lock(&self.shared.handler) = Arc::new(handler);
    }

    /// The remembered exchanges, oldest first.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.log.exchanges()
    }

    /// The remembered requests, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Arc<Recorded>> {
        let exchanges = self.exchanges().into_iter();
        exchanges.map(|exchange| exchange.request).collect()
    }

    /// Counters of connections.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.shared.log.connections()
    }

    /// Waits until `n` requests came since the start, then gives those remembered.
    ///
    /// # Panics
    /// After 10 s.
    pub async fn requests_reach(&self, n: u64) -> Vec<Arc<Recorded>> {
        self.wait(&format!("{n} requests"), |log| log.total_exchanges() >= n)
            .await;
        self.requests()
    }

    /// Waits until the exchange with this id has ended.
    ///
    /// # Panics
    /// After 10 s, or if it is not remembered.
    pub async fn ended(&self, id: u64) -> Exchange {
        self.wait(&format!("the end of exchange {id}"), |log| {
            log.exchange(id)
                .is_some_and(|exchange| exchange.end.is_some())
        })
        .await;
        let exchange = self.shared.log.exchange(id);
        exchange.expect("it was there a moment ago")
    }

    /// Waits until the exchange that came last has ended.
    ///
    /// # Panics
    /// After 10 s.
    pub async fn last_ended(&self) -> Exchange {
        self.requests_reach(1).await;
        let last = self.shared.log.total_exchanges() - 1;
        self.ended(last).await
    }

    /// Waits until the counters satisfy `wanted`.
    ///
    /// # Panics
    /// After 10 s, with the counters.
    pub async fn connections_satisfy(&self, wanted: impl Fn(Connections) -> bool) -> Connections {
        self.wait("the wanted connections", |log| wanted(log.connections()))
            .await;
        self.connections()
    }

    /// Closes all connections that are open now, with FIN.
    pub fn close_connections(&self) {
        self.shared.kill.send_replace(Kill::Close);
    }

    /// Resets all connections that are open now.
    pub fn reset_connections(&self) {
        self.shared.kill.send_replace(Kill::Reset);
    }

    /// Stops listening, ends all connections and waits for all tasks.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn wait(&self, what: &str, done: impl Fn(&Log) -> bool) {
        let log = &self.shared.log;
        if tokio::time::timeout(WAIT_LIMIT, log.until(|log| done(log)))
            .await
            .is_err()
        {
            panic!(
                "the upstream waited in vain for {what}; connections: {:?}; exchanges: {:#?}",
                log.connections(),
                log.exchanges()
            );
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn handle(&self, request: &Recorded) -> Script {
        let handler = lock(&self.handler).clone();
        handler(request)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const WAIT_LIMIT: Duration = Duration::from_secs(10);
