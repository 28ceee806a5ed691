//! How many attempts a deployment may have under way at once (`max_parallel_requests`).
//!
//! The limit is what `max_parallel_requests` says, of the deployment or of the router. LiteLLM takes `rpm`, or a
//! number made of `tpm`, where there is none: requests per minute say nothing about how many of them may run side by
//! side, so here they do not limit that. Zero is no limit, as there.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of one deployment, with a bounded queue before them: first come, first served.
#[derive(Debug)]
pub struct Slots {
    free: Arc<Semaphore>,
    limits: Mutex<Limits>,
    max_waiting: AtomicU32,
    waiting: AtomicU32,
}

/// A slot that is taken. Dropping it frees it: keep it as long as the attempt's answer lasts.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    permit: Option<OwnedSemaphorePermit>,
}

/// All slots are taken, and as many calls as may wait are waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all slots are taken, and {waiting} calls are waiting for one")]
pub struct Full {
    /// How many calls are waiting.
    pub waiting: u32,
}

#[derive(Debug)]
struct Limits {
    limit: u32,
    /// Slots that were taken when the limit became lower: they go when they are given back.
    surplus: u32,
}

impl Slots {
    /// `limit` slots, and room for `max_waiting` calls that wait for one.
    pub fn new(limit: u32, max_waiting: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(permits(limit))),
            limits: Mutex::new(Limits { limit, surplus: 0 }),
            max_waiting: AtomicU32::new(max_waiting),
            waiting: AtomicU32::new(0),
        }
    }

    /// Takes a slot, at once or when those that came before have had theirs.
    ///
    /// # Errors
    /// The queue is full.
    ///
    /// # Cancel safety
    /// Dropping this leaves the queue; no slot is lost.
    pub async fn acquire(self: &Arc<Self>) -> Result<Slot, Full> {
        if let Some(slot) = self.try_acquire() {
            return Ok(slot);
        }
        let _place = self.queue()?;
        let permit = Arc::clone(&self.free).acquire_owned().await;
        Ok(self.slot(permit.expect("the semaphore is never closed")))
    }

    /// Takes a slot if one is free and nobody waits for it.
    pub fn try_acquire(self: &Arc<Self>) -> Option<Slot> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(self.slot(permit))
    }

    /// Whether a slot is free.
    pub fn has_free(&self) -> bool {
        self.free.available_permits() > 0
    }

    /// Calls that wait for a slot.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many slots there are, taken ones included.
    pub fn limit(&self) -> u32 {
        self.limits().limit
    }

    /// Other limits from now on. Slots above a lower limit stay taken until they are given back.
    pub fn set_limits(&self, limit: u32, max_waiting: u32) {
        self.max_waiting.store(max_waiting, Ordering::Relaxed);
        let mut limits = self.limits();
        let (before, after) = (limits.limit, limit);
        limits.limit = limit;
        if after > before {
            let more = after - before;
            let paid = more.min(limits.surplus);
            limits.surplus -= paid;
            self.free.add_permits(permits(more - paid));
        } else {
            let less = before - after;
            let gone = self.free.forget_permits(permits(less));
            limits.surplus += less - u32::try_from(gone).unwrap_or(less);
        }
    }

    fn queue(&self) -> Result<Place<'_>, Full> {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Place(self);
        if waiting < self.max_waiting.load(Ordering::Relaxed) {
            Ok(place)
        } else {
            Err(Full { waiting })
        }
    }

    fn slot(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Slot {
        Slot {
            slots: Arc::clone(self),
            permit: Some(permit),
        }
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut limits = self.slots.limits();
        if limits.surplus > 0
            && let Some(permit) = self.permit.take()
        {
            limits.surplus -= 1;
            permit.forget();
        }
        // Else the permit goes back by its own drop, to who waits longest.
    }
}

/// A place in the queue.
struct Place<'s>(&'s Slots);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A semaphore takes no more than an eighth of what `usize` holds; nobody has that many slots.
fn permits(limit: u32) -> usize {
    usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .min(Semaphore::MAX_PERMITS)
}
