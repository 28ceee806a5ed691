//! The lock around a pool. Everything that may close a socket happens after unlocking.

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};
use std::{
    sync::{Arc, PoisonError},
    task::Waker,
};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    Aftermath, Census, CheckOut, LeaseRecord, PoolLimits, PoolState, Poolable, Slot, Ticket,
};
use crate::{error::ConnectError, generation::Generation};

/// A pool behind its own mutex. No method keeps the lock after it returns.
pub(crate) struct LockedPool<C>(Mutex<PoolState<C>>);

impl<C: Poolable> LockedPool<C> {
    pub(crate) fn new(state: PoolState<C>) -> Self {
        Self(Mutex::new(state))
    }

    pub(crate) fn check_out(&self, now: Instant) -> CheckOut<C> {
        let mut dead = Vec::new();
        // The guard is gone at the end of this expression, the dead at the end of the function.
        self.lock().check_out(now, &mut dead)
    }

    /// Other limits from now on. Whoever waits already stays in the queue.
    pub(crate) fn set_limits(&self, limits: PoolLimits) {
        self.lock().limits = limits;
    }

    pub(crate) fn slot(&self, permit: OwnedSemaphorePermit) -> Slot {
        self.lock().slot(permit)
    }

    /// The connects to be started.
    pub(crate) fn connected(
        &self,
        generation: &Arc<Generation>,
        conn: C,
        now: Instant,
    ) -> Vec<Ticket> {
        let Aftermath { dead, tickets } = self.lock().connected(generation, conn, now);
        drop(dead);
        tickets
    }

    /// The connects to be started.
    pub(crate) fn failed(&self, generation: &Arc<Generation>, error: &ConnectError) -> Vec<Ticket> {
        self.lock().failed(generation, error)
    }

    pub(crate) fn check_in(
        &self,
        lease: usize,
        generation: &Arc<Generation>,
        conn: C,
        now: Instant,
    ) {
        let dead = self.lock().check_in(lease, generation, conn, now);
        drop(dead);
    }

    pub(crate) fn end_lease(&self, lease: usize) {
        let mut state = self.lock();
        state.end_lease(lease);
    }

    pub(crate) fn watch(&self, lease: usize, waker: Waker) {
        self.lock().watch(lease, waker);
    }

    /// Wakes those who hold a lease of a generation that was killed.
    pub(crate) fn wake(&self, generation: u64) {
        let watchers = self.lock().watchers(generation);
        watchers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn take_peak(&self) -> usize {
        self.lock().take_peak()
    }

    pub(crate) fn release(&self, lease: usize, generation: &Generation, id: u64, now: Instant) {
        self.lock().release(lease, generation, id, now);
    }

    pub(crate) fn retire_shared(&self, id: u64) {
        let dead = self.lock().retire_shared(id);
        drop(dead);
    }

    /// What was retired is dropped by the caller, when all shards have moved on.
    pub(crate) fn rotate(&self, next: Arc<Generation>, warm: Vec<C>, now: Instant) -> Aftermath<C> {
        self.lock().rotate(next, warm, now)
    }

    pub(crate) fn sweep(&self, now: Instant, idle_timeout: std::time::Duration) -> usize {
        let dead = self.lock().sweep(now, idle_timeout);
        dead.len()
    }

    pub(crate) fn refuse_all(&self, error: &ConnectError) {
        self.lock().refuse_all(error);
    }

    pub(crate) fn evict_idle(&self) -> bool {
        let dead = self.lock().evict_idle();
        dead.is_some()
    }

    pub(crate) fn current(&self) -> Arc<Generation> {
        Arc::clone(self.lock().current())
    }

    pub(crate) fn census(&self) -> Census {
        self.lock().census()
    }

    /// Shows every lease that is out to `each`, under the lock.
    pub(crate) fn leases(&self, each: impl FnMut(&LeaseRecord)) {
        self.lock().leases().for_each(each);
    }

    fn lock(&self) -> MutexGuard<'_, PoolState<C>> {
        // A panic under the lock leaves lists that are still lists: going on is better than taking all down.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
