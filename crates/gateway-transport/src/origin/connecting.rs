//! How an origin opens connections: each in a task of its own, reported to the pool that asked.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::OwnedSemaphorePermit, time::Instant};

use super::OriginInner;
use crate::{
    conn::Conn,
    connect::{Connected, Dialer, PhaseCell, Protocol},
    error::{ConnectError, Phase},
    generation::Generation,
    h1::H1,
    h2::H2,
    io::Counted,
    metrics::ConnectOutcome,
    pool::Ticket,
};

impl OriginInner {
    /// Starts a connect as a task of its own: a request that gives up does not cancel it for the others.
    pub(crate) fn start_connect(self: &Arc<Self>, shard: usize, ticket: Ticket, bound: Duration) {
        let Some(handle) = self.env.handles.get(shard) else {
            return;
        };
        let Ticket { generation, permit } = ticket;
        let duty = ConnectDuty {
            origin: Arc::clone(self),
            shard,
            generation,
            bound,
            done: false,
        };
        self.env.tasks.spawn_on(duty.perform(permit), handle);
    }

    /// Opens one connection for `generation`, on the runtime that this is polled on.
    pub(crate) async fn open(
        &self,
        generation: &Arc<Generation>,
        slot: OwnedSemaphorePermit,
        bound: Duration,
    ) -> Result<Conn, ConnectError> {
        let phase = PhaseCell::new(Some(&self.phase));
        phase.set(Phase::Connect);
        let work = async {
            let counted = Counted {
                _socket: generation.socket(),
                _slot: slot,
            };
            let mut connected = self.dial(generation, &phase).await?;
            for (phase, took) in connected.timings.phases() {
                self.metrics.connect_phase(phase, took);
            }
            connected.io.count(counted);
            self.remember(&connected);
            phase.set(Phase::Handshake);
            let config = self.env.config();
            Ok(match connected.protocol {
                Protocol::Http1 => Conn::H1(H1::new(connected, &config.http1).await?),
                Protocol::Http2 => {
                    let (here, begun) = (Handle::current(), Instant::now());
                    let h2 = H2::new(connected, &config.http2, generation, &here).await?;
                    self.metrics
                        .connect_phase(Phase::Handshake, begun.elapsed());
                    Conn::H2(h2)
                }
            })
        };
        let opened = match tokio::time::timeout(bound, work).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectError::timed_out(phase.get())),
        };
        match &opened {
            Ok(_) => self.metrics.connected(ConnectOutcome::Ok),
            Err(error) => {
                tracing::debug!(origin = %self.label, phase = error.phase.as_str(), timed_out = error.timed_out, "connect failed");
                self.metrics.connected(ConnectOutcome::Failed);
            }
        }
        opened
    }

    async fn dial(
        &self,
        generation: &Generation,
        phase: &PhaseCell<'_>,
    ) -> Result<Connected, ConnectError> {
        if let Some(connector) = &self.env.config().connector {
            return connector.connect(&self.spec).await;
        }
        let dialer = Dialer {
            spec: &self.spec,
            resolver: &*self.env.resolver(),
            tls: generation.tls.as_ref(),
            handshakes: [&self.handshakes, &self.env.handshakes],
        };
        dialer.dial(phase).await
    }

    fn remember(&self, connected: &Connected) {
        if let (Some(peer), Some(_)) = (connected.peer, &self.env.config().dns) {
            self.control().addresses.insert(peer.ip(), Instant::now());
        }
    }
}

/// The duty to report on a connect. Dropping it undone, with its runtime, reports a failure.
///
/// The connect ends with its generation's retirement: the pool has ordered another one for those who wait, and the
/// two together would double the handshakes and descriptors of an origin that may be slow because it has too many.
/// Handing the half-made connection to the new generation was rejected: what made the old one retire (an address, a
/// certificate, a bad path) may be what this connect began with.
struct ConnectDuty {
    origin: Arc<OriginInner>,
    shard: usize,
    generation: Arc<Generation>,
    bound: Duration,
    done: bool,
}

impl ConnectDuty {
    async fn perform(mut self, slot: OwnedSemaphorePermit) {
        let open = self.origin.open(&self.generation, slot, self.bound);
        let opened = self.generation.retired.run_until_cancelled(open).await;
        self.done = true;
        let Some(opened) = opened else {
            return self.origin.metrics.connected(ConnectOutcome::Stale);
        };
        let Some(pool) = self.origin.pools.get(self.shard) else {
            return;
        };
        let tickets = match opened {
            Ok(conn) => {
                if pool.current().number != self.generation.number {
                    self.origin.metrics.connected(ConnectOutcome::Stale);
                }
                pool.connected(&self.generation, conn, Instant::now())
            }
            Err(error) => pool.failed(&self.generation, &error),
        };
        for ticket in tickets {
            self.origin.start_connect(self.shard, ticket, self.bound);
        }
    }
}

impl Drop for ConnectDuty {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // The tickets that this gives are dropped with it: their shard's runtime is going away.
        if let Some(pool) = self.origin.pools.get(self.shard) {
            let error = ConnectError::new(Phase::Connect, "the runtime of the shard ended");
            drop(pool.failed(&self.generation, &error));
        }
    }
}
