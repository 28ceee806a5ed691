//! What came in, and how it ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::http1::{Header, header};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Number of the exchange, counted from 0 for each upstream.
    pub id: u64,
    /// Number of the connection, counted from 0 for each upstream.
    pub connection: u64,
    /// HTTP/2 stream id.
    pub stream: Option<u32>,
    /// Method.
    pub method: String,
    /// Request target as it was sent: path and query (HTTP/2: `:path`).
    pub target: String,
    /// Headers in wire order; HTTP/2 adds `:authority` and `:scheme`.
    pub headers: Vec<Header>,
    /// The whole body; empty for an early handler.
    pub body: Bytes,
    /// When its head was complete.
    pub at: Instant,
    /// The client's certificate in DER, if it showed one.
    pub client_certificate: Option<Bytes>,
}

/// A request and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request.
    pub request: Arc<Recorded>,
    /// Bytes of the answer that the socket (HTTP/2: the library) took so far.
    pub sent: u64,
    /// How it ended; `None` while it runs.
    pub end: Option<ExchangeEnd>,
    /// When it ended.
    pub ended_at: Option<Instant>,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeEnd {
    /// The script ran to a proper end of the answer.
    Answered,
    /// The script cut the connection or the stream, or ran out of steps.
    Cut,
    /// The client closed the connection.
    PeerClosed,
    /// The client reset the connection.
    PeerReset,
    /// The client reset the HTTP/2 stream with this code.
    StreamReset(u32),
    /// The upstream was stopped, or told to end its connections.
    Stopped,
    /// The script is not possible here, for instance an HTTP/2 step on HTTP/1.
    BadScript(String),
}

/// Counters of connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    /// Open now (accepted, whether or not TLS succeeded).
    pub open: u64,
    /// Accepted since the start.
    pub total: u64,
    /// TLS handshakes that failed.
    pub tls_failures: u64,
}

/// All that one upstream remembers.
pub(crate) struct Log {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    remember: usize,
}

#[derive(Default)]
struct State {
    exchanges: VecDeque<Exchange>,
    forgotten: u64,
    connections: Connections,
}

/// Counts one connection down when dropped.
pub(crate) struct OpenConnection {
    pub(crate) id: u64,
    log: Arc<Log>,
}

/// A running exchange; says `Stopped` when dropped before its end was told.
pub(crate) struct OpenExchange {
    pub(crate) request: Arc<Recorded>,
    log: Arc<Log>,
    ended: bool,
}

impl Recorded {
    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, without the question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The body as JSON; `Null` if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Log {
    pub(crate) fn new(remember: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            remember,
        }
    }

    pub(crate) fn connected(self: &Arc<Self>) -> OpenConnection {
        let mut state = self.lock();
        let id = state.connections.total;
        state.connections.total += 1;
        state.connections.open += 1;
        drop(state);
        self.changed.send_replace(());
        OpenConnection {
            id,
            log: self.clone(),
        }
    }

    pub(crate) fn tls_failed(&self) {
        self.lock().connections.tls_failures += 1;
        self.changed.send_replace(());
    }

    /// Numbers the request and begins its exchange.
    pub(crate) fn begin(self: &Arc<Self>, mut request: Recorded) -> OpenExchange {
        let mut state = self.lock();
        request.id = state.total();
        let request = Arc::new(request);
        state.exchanges.push_back(Exchange {
            request: request.clone(),
            sent: 0,
            end: None,
            ended_at: None,
        });
        if state.exchanges.len() > self.remember {
            state.exchanges.pop_front();
            state.forgotten += 1;
        }
        drop(state);
        self.changed.send_replace(());
        OpenExchange {
            request,
            log: self.clone(),
            ended: false,
        }
    }

    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.lock().exchanges.iter().cloned().collect()
    }

    pub(crate) fn exchange(&self, id: u64) -> Option<Exchange> {
        self.lock().find(id).cloned()
    }

    pub(crate) fn total_exchanges(&self) -> u64 {
        self.lock().total()
    }

    pub(crate) fn connections(&self) -> Connections {
        self.lock().connections
    }

    /// Waits until `done` is true.
    pub(crate) async fn until(&self, done: impl Fn(&Self) -> bool) {
        let mut changed = self.changed.subscribe();
        while !done(self) {
            changed
                .changed()
                .await
                .expect("the sender is part of this log");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn total(&self) -> u64 {
        self.forgotten + self.exchanges.len() as u64
    }

    fn find(&mut self, id: u64) -> Option<&mut Exchange> {
        let index = id.checked_sub(self.forgotten)?;
        self.exchanges.get_mut(usize::try_from(index).ok()?)
    }
}

impl OpenExchange {
    /// Notes how much has been sent.
    pub(crate) fn sent(&self, sent: u64) {
        if let Some(exchange) = self.log.lock().find(self.request.id) {
            exchange.sent = sent;
        }
    }

    /// Notes the end.
    pub(crate) fn end(mut self, end: ExchangeEnd) {
        self.note(end);
    }

    /// Puts the body into the record, now that it was read.
    pub(crate) fn body(&mut self, body: Bytes) {
        Arc::make_mut(&mut self.request).body = body;
        if let Some(exchange) = self.log.lock().find(self.request.id) {
            exchange.request = self.request.clone();
        }
        self.log.changed.send_replace(());
    }

    fn note(&mut self, end: ExchangeEnd) {
        self.ended = true;
        if let Some(exchange) = self.log.lock().find(self.request.id) {
            exchange.end = Some(end);
            exchange.ended_at = Some(Instant::now());
        }
        self.log.changed.send_replace(());
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        if !self.ended {
            self.note(ExchangeEnd::Stopped);
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.log.lock().connections.open -= 1;
        self.log.changed.send_replace(());
    }
}
