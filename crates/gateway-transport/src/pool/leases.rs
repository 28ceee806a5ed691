//! The leases of a pool: who holds a connection, since when, and whom to wake when it is cut.

use std::{sync::Arc, task::Waker};

use tokio::time::Instant;

use super::{Grant, LeaseRecord, PoolState, Poolable};

impl<C: Poolable> PoolState<C> {
    pub(super) fn grant(
        &mut self,
        conn: C,
        shared: Option<u64>,
        reused: bool,
        now: Instant,
    ) -> Grant<C> {
        let generation = Arc::clone(&self.current);
        self.live += 1;
        self.peak = self.peak.max(self.live);
        let lease = self.leases.insert(LeaseRecord {
            generation: generation.number,
            shared: shared.is_some(),
            started: now,
            waker: None,
        });
        Grant {
            conn,
            lease,
            shared,
            generation,
            reused,
        }
    }

    /// Ends a lease whose connection is not given back.
    pub(crate) fn end_lease(&mut self, lease: usize) {
        let ended = self.leases.try_remove(lease);
        if ended.is_some_and(|record| record.generation == self.current.number) {
            self.live -= 1;
        }
    }

    /// Wakes `waker` when the lease's generation is killed.
    pub(crate) fn watch(&mut self, lease: usize, waker: Waker) {
        if let Some(record) = self.leases.get_mut(lease) {
            record.waker = Some(waker);
        }
    }

    /// Who has to be told that a generation was killed.
    pub(crate) fn watchers(&mut self, generation: u64) -> Vec<Waker> {
        let own = self
            .leases
            .iter_mut()
            .filter(|(_, record)| record.generation == generation);
        own.filter_map(|(_, record)| record.waker.take()).collect()
    }

    /// The most leases of the current generation at a time since the last call.
    pub(crate) fn take_peak(&mut self) -> usize {
        std::mem::replace(&mut self.peak, self.live)
    }

    pub(crate) fn leases(&self) -> impl Iterator<Item = &LeaseRecord> {
        self.leases.iter().map(|(_, record)| record)
    }
}
