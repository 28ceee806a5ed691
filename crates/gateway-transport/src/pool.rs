//! The pool of one origin in one shard: a state machine without IO, clock or task.
//!
//! It holds connections of the current generation only. Whoever calls it passes the time, starts the
//! connects it asks for by [`Ticket`], and drops what it hands out as dead after unlocking.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use slab::Slab;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use crate::{
    error::ConnectError,
    generation::{Generation, RotateReason},
};

mod leases;
pub(crate) mod locked;
mod supply;
mod types;

#[cfg(test)]
#[cfg(not(loom))]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

pub(crate) use types::*;

/// Connections, waiters and leases of one origin in one shard.
pub(crate) struct PoolState<C> {
    current: Arc<Generation>,
    /// Oldest first; taken from the end.
    idle: Vec<Idle<C>>,
    shared: Vec<Shared<C>>,
    connecting: usize,
    waiting: VecDeque<oneshot::Sender<Handoff<C>>>,
    /// Length of `waiting` at which requests that gave up are looked for again.
    prune_at: usize,
    leases: Slab<LeaseRecord>,
    /// Leases of the current generation, and the most there were at a time.
    live: usize,
    peak: usize,
    expect: Expect,
    next_shared: u64,
    limits: PoolLimits,
}

struct Idle<C> {
    conn: C,
    since: Instant,
}

struct Shared<C> {
    id: u64,
    conn: C,
    streams: usize,
    /// Whether it had a stream before.
    served: bool,
    idle_since: Instant,
}

impl<C: Poolable> PoolState<C> {
    pub(crate) fn new(current: Arc<Generation>, expect: Expect, limits: PoolLimits) -> Self {
        Self {
            current,
            idle: Vec::new(),
            shared: Vec::new(),
            connecting: 0,
            waiting: VecDeque::new(),
            prune_at: PRUNE_FROM,
            leases: Slab::new(),
            live: 0,
            peak: 0,
            expect,
            next_shared: 0,
            limits,
        }
    }

    /// A connection of the current generation, or a place in the queue. Closed ones met on the way go to `dead`.
    pub(crate) fn check_out(&mut self, now: Instant, dead: &mut Vec<C>) -> CheckOut<C> {
        while let Some(mut idle) = self.idle.pop() {
            if idle.conn.is_open() {
                return CheckOut::Granted(self.grant(idle.conn, None, true, now));
            }
            dead.push(idle.conn);
        }
        if !self.shared.is_empty() {
            self.drop_closed_shared(dead);
            if let Some(grant) = self.grant_stream(now) {
                return CheckOut::Granted(grant);
            }
        }
        self.queue()
    }

    /// Tells all who wait that nothing will come.
    pub(crate) fn refuse_all(&mut self, error: &ConnectError) {
        for waiter in self.waiting.drain(..) {
            // Whoever gave up does not need to be told.
            drop(waiter.send(Err(error.clone())));
        }
    }

    fn queue(&mut self) -> CheckOut<C> {
        if self.current.reason == RotateReason::Shutdown {
            return CheckOut::Full;
        }
        if self.waiting.len() >= self.prune_at.min(self.limits.max_waiting) {
            self.waiting.retain(|waiter| !waiter.is_closed());
            self.prune_at = (self.waiting.len() * 2).max(PRUNE_FROM);
            if self.waiting.len() >= self.limits.max_waiting {
                return CheckOut::Full;
            }
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push_back(sender);
        let ticket = self.next_ticket();
        let covered = ticket.is_some() || self.coverage() >= self.waiting.len();
        CheckOut::Queued(Queued {
            receiver,
            ticket,
            covered,
        })
    }

    /// A slot came free for a request that waits: a connect, if one is still needed.
    pub(crate) fn slot(&mut self, permit: OwnedSemaphorePermit) -> Slot {
        if !Arc::ptr_eq(permit.semaphore(), &self.current.slots) {
            return Slot::Stale;
        }
        if self.coverage() >= self.waiting.len() {
            return Slot::Covered;
        }
        self.connecting += 1;
        Slot::Connect(Ticket {
            generation: Arc::clone(&self.current),
            permit,
        })
    }

    /// A connect has finished. A connection of a generation that is no longer current comes back dead.
    pub(crate) fn connected(
        &mut self,
        generation: &Arc<Generation>,
        conn: C,
        now: Instant,
    ) -> Aftermath<C> {
        let mut after = Aftermath {
            dead: Vec::new(),
            tickets: Vec::new(),
        };
        if generation.number != self.current.number {
            after.dead.push(conn);
            return after;
        }
        self.connecting = self.connecting.saturating_sub(1);
        self.adopt(conn, now, &mut after.dead);
        self.top_up(&mut after.tickets);
        after
    }

    /// A connect has failed. If it was for one, the oldest waiter is told; if it was for all, all are.
    pub(crate) fn failed(
        &mut self,
        generation: &Arc<Generation>,
        error: &ConnectError,
    ) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        if generation.number != self.current.number {
            return tickets;
        }
        self.connecting = self.connecting.saturating_sub(1);
        let told = match self.expect {
            Expect::Exclusive => 1,
            Expect::Unknown | Expect::Shared => self.waiting.len().saturating_sub(self.coverage()),
        };
        let mut left = told;
        while left > 0 {
            let Some(waiter) = self.waiting.pop_front() else {
                break;
            };
            if waiter.send(Err(error.clone())).is_ok() {
                left -= 1;
            }
        }
        self.top_up(&mut tickets);
        tickets
    }

    /// Ends a lease and takes its connection back. `Some` means: drop this outside the lock.
    pub(crate) fn check_in(
        &mut self,
        lease: usize,
        generation: &Arc<Generation>,
        conn: C,
        now: Instant,
    ) -> Option<C> {
        self.end_lease(lease);
        if generation.number != self.current.number {
            return Some(conn);
        }
        let mut dead = Vec::new();
        self.offer(conn, true, now, &mut dead);
        dead.pop()
    }

    /// Ends a lease on a shared connection and serves who waits for a stream.
    pub(crate) fn release(&mut self, lease: usize, generation: &Generation, id: u64, now: Instant) {
        self.end_lease(lease);
        if generation.number != self.current.number {
            return;
        }
        if let Some(shared) = self.shared.iter_mut().find(|s| s.id == id) {
            shared.streams = shared.streams.saturating_sub(1);
            shared.idle_since = now;
        }
        self.serve_streams(now);
    }

    /// No new streams on a shared connection; those that run go on. The handle is to be dropped.
    pub(crate) fn retire_shared(&mut self, id: u64) -> Option<C> {
        let at = self.shared.iter().position(|s| s.id == id)?;
        Some(self.shared.swap_remove(at).conn)
    }

    /// Replaces the current generation. What was held of the old one comes back dead; `warm` belongs to `next`.
    pub(crate) fn rotate(
        &mut self,
        next: Arc<Generation>,
        warm: Vec<C>,
        now: Instant,
    ) -> Aftermath<C> {
        self.current = next;
        self.live = 0;
        self.peak = 0;
        self.connecting = 0;
        let mut dead: Vec<C> = self.idle.drain(..).map(|idle| idle.conn).collect();
        dead.extend(self.shared.drain(..).map(|shared| shared.conn));
        for conn in warm {
            self.adopt(conn, now, &mut dead);
        }
        let mut tickets = Vec::new();
        self.top_up(&mut tickets);
        Aftermath { dead, tickets }
    }

    /// Takes out what was unused for `idle_timeout` and what the peer has closed.
    pub(crate) fn sweep(&mut self, now: Instant, idle_timeout: Duration) -> Vec<C> {
        let mut dead = Vec::new();
        for mut idle in std::mem::take(&mut self.idle) {
            let expired = now.saturating_duration_since(idle.since) >= idle_timeout;
            if expired || !idle.conn.is_open() {
                dead.push(idle.conn);
            } else {
                self.idle.push(idle);
            }
        }
        self.drop_closed_shared(&mut dead);
        let expired = |s: &mut Shared<C>| {
            s.streams == 0 && now.saturating_duration_since(s.idle_since) >= idle_timeout
        };
        dead.extend(self.shared.extract_if(.., expired).map(|s| s.conn));
        dead
    }

    /// Gives up the connection that has been idle for longest, so that another shard may use its slot.
    pub(crate) fn evict_idle(&mut self) -> Option<C> {
        if !self.idle.is_empty() {
            return Some(self.idle.remove(0).conn);
        }
        let unused = self.shared.iter().position(|shared| shared.streams == 0)?;
        Some(self.shared.swap_remove(unused).conn)
    }

    pub(crate) fn current(&self) -> &Arc<Generation> {
        &self.current
    }

    pub(crate) fn census(&self) -> Census {
        Census {
            idle_exclusive: self.idle.len(),
            shared: self.shared.len(),
            shared_busy: self.shared.iter().filter(|s| s.streams > 0).count(),
            connecting: self.connecting,
            expect: self.expect,
            waiting: self.waiting.iter().filter(|w| !w.is_closed()).count(),
        }
    }
}

const PRUNE_FROM: usize = 64;

/// More idle connections than this in one shard are of no use to anybody.
const MAX_IDLE: usize = 4096;
