//! How a pool supplies requests: streams, hand-overs to those who wait, and connects for them.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Expect, Grant, Idle, MAX_IDLE, PoolState, Poolable, Shared, Ticket};

impl<C: Poolable> PoolState<C> {
    /// Takes in a connection that was just made, and learns from it what the origin speaks.
    pub(super) fn adopt(&mut self, conn: C, now: Instant, dead: &mut Vec<C>) {
        if conn.streams().is_none() {
            self.expect = Expect::Exclusive;
            self.offer(conn, false, now, dead);
            return;
        }
        self.expect = Expect::Shared;
        let id = self.next_shared;
        self.next_shared += 1;
        self.shared.push(Shared {
            id,
            conn,
            streams: 0,
            served: false,
            idle_since: now,
        });
        self.serve_streams(now);
    }

    /// Gives an exclusive connection to the oldest request that still waits, or parks it.
    pub(super) fn offer(&mut self, conn: C, reused: bool, now: Instant, dead: &mut Vec<C>) {
        if self.waiting.is_empty() {
            return self.park(conn, now, dead);
        }
        let grant = self.grant(conn, None, reused, now);
        if let Some(back) = self.hand_over(grant) {
            self.end_lease(back.lease);
            self.park(back.conn, now, dead);
        }
    }

    /// Gives `grant` to the oldest request that still waits. It comes back if there is none.
    fn hand_over(&mut self, mut grant: Grant<C>) -> Option<Grant<C>> {
        while let Some(waiter) = self.waiting.pop_front() {
            // What comes back is what was sent: the grant, from a request that has given up.
            grant = waiter.send(Ok(grant)).err()?.ok()?;
        }
        Some(grant)
    }

    pub(super) fn park(&mut self, conn: C, now: Instant, dead: &mut Vec<C>) {
        if self.idle.len() >= MAX_IDLE {
            dead.push(self.idle.remove(0).conn);
        }
        self.idle.push(Idle { conn, since: now });
    }

    pub(super) fn grant_stream(&mut self, now: Instant) -> Option<Grant<C>> {
        let free = |s: &&mut Shared<C>| s.streams < s.conn.streams().unwrap_or(0);
        let shared = self.shared.iter_mut().find(free)?;
        let (id, handle, reused) = (shared.id, shared.conn.share()?, shared.served);
        shared.streams += 1;
        shared.served = true;
        Some(self.grant(handle, Some(id), reused, now))
    }

    pub(super) fn serve_streams(&mut self, now: Instant) {
        while !self.waiting.is_empty() {
            let Some(grant) = self.grant_stream(now) else {
                return;
            };
            if let Some(back) = self.hand_over(grant) {
                self.take_back(&back);
            }
        }
    }

    /// Undoes a grant of a stream that nobody took.
    fn take_back(&mut self, grant: &Grant<C>) {
        self.end_lease(grant.lease);
        if let Some(shared) = self.shared.iter_mut().find(|s| Some(s.id) == grant.shared) {
            shared.streams -= 1;
        }
    }

    pub(super) fn drop_closed_shared(&mut self, dead: &mut Vec<C>) {
        dead.extend(
            self.shared
                .extract_if(.., |s| !s.conn.is_open())
                .map(|s| s.conn),
        );
    }

    pub(super) fn coverage(&self) -> usize {
        match self.expect {
            Expect::Exclusive => self.connecting,
            Expect::Unknown | Expect::Shared => self.connecting.saturating_mul(self.limits.streams),
        }
    }

    pub(super) fn next_ticket(&mut self) -> Option<Ticket> {
        if self.coverage() >= self.waiting.len() {
            return None;
        }
        let permit = Arc::clone(&self.current.slots).try_acquire_owned().ok()?;
        self.connecting += 1;
        Some(Ticket {
            generation: Arc::clone(&self.current),
            permit,
        })
    }

    pub(super) fn top_up(&mut self, tickets: &mut Vec<Ticket>) {
        while let Some(ticket) = self.next_ticket() {
            tickets.push(ticket);
        }
    }
}
