//! The right of one exchange to one connection, as a guard.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    conn::Conn,
    connect::{ConnectTimings, Protocol},
    fault::is_of_connection,
    generation::Generation,
    origin::OriginInner,
    pool::Grant,
};

/// What a caller may know of the connection that serves it.
#[derive(Clone, Debug)]
pub struct LeaseInfo {
    /// Label of the origin.
    pub origin: Arc<str>,
    /// Number of the generation that the connection belongs to.
    pub generation: u64,
    /// Whether the connection had served another exchange before.
    pub reused: bool,
    /// The protocol.
    pub protocol: Protocol,
    /// How the connection came to be, if it was made for this exchange or one that waited with it.
    pub connect: Option<ConnectTimings>,
    pub(crate) started: Instant,
}

impl LeaseInfo {
    /// How long ago the exchange got its connection.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Counts an exchange while it holds a connection. Dropping it ends the lease, and that is all it does.
pub(crate) struct Lease {
    origin: Arc<OriginInner>,
    shard: usize,
    key: usize,
    shared: Option<u64>,
    /// Whether the failure of the shared connection was counted: it is one failure, however many streams it ends.
    failure_counted: Option<Arc<AtomicBool>>,
    pub(crate) generation: Arc<Generation>,
    ended: bool,
}

impl Lease {
    /// Splits a grant into the guard, the connection, and what may be told about both.
    pub(crate) fn from_grant(
        origin: &Arc<OriginInner>,
        shard: usize,
        grant: Grant<Conn>,
        now: Instant,
    ) -> (Self, Conn, LeaseInfo) {
        let info = LeaseInfo {
            origin: Arc::clone(&origin.label),
            generation: grant.generation.number,
            reused: grant.reused,
            protocol: grant.conn.protocol(),
            connect: (!grant.reused).then(|| grant.conn.timings()),
            started: now,
        };
        let lease = Self {
            origin: Arc::clone(origin),
            shard,
            key: grant.lease,
            shared: grant.shared,
            failure_counted: grant.conn.failure_counted(),
            generation: grant.generation,
            ended: false,
        };
        (lease, grant.conn, info)
    }

    pub(crate) fn origin(&self) -> &Arc<OriginInner> {
        &self.origin
    }

    /// Ends the lease and gives an HTTP/1 connection back.
    pub(crate) fn give_back(mut self, conn: Conn) {
        self.ended = true;
        let Some(pool) = self.origin.pools.get(self.shard) else {
            return;
        };
        pool.check_in(self.key, &self.generation, conn, Instant::now());
        self.origin.relieve(pool);
    }

    /// Ready when the generation was killed; else `cx` is woken when it is. `watched` remembers who was registered.
    pub(crate) fn poll_killed(&self, watched: &mut Option<Waker>, cx: &Context<'_>) -> Poll<()> {
        if self.generation.killed().is_some() {
            return Poll::Ready(());
        }
        // Registered once per task, not once per poll.
        if watched
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            return Poll::Pending;
        }
        *watched = Some(cx.waker().clone());
        if let Some(pool) = self.origin.pools.get(self.shard) {
            pool.watch(self.key, cx.waker().clone());
        }
        // A kill in between has woken nobody: look again.
        match self.generation.killed() {
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        }
    }

    /// A response head arrived.
    pub(crate) fn answered(&self) {
        self.generation.health.answered();
    }

    /// The exchange ended with `error`: counts it, if it is the connection that failed.
    pub(crate) fn failed(&self, error: &hyper::Error) {
        let counted = self.failure_counted.as_ref();
        if is_of_connection(error) && !counted.is_some_and(|c| c.swap(true, Ordering::Relaxed)) {
            self.generation.health.failed();
        }
    }

    /// No new streams on this lease's shared connection.
    pub(crate) fn retire_connection(&self) {
        if let (Some(id), Some(pool)) = (self.shared, self.origin.pools.get(self.shard)) {
            pool.retire_shared(id);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let Some(pool) = self.origin.pools.get(self.shard) else {
            return;
        };
        match self.shared {
            Some(id) => pool.release(self.key, &self.generation, id, Instant::now()),
            None => pool.end_lease(self.key),
        }
    }
}
