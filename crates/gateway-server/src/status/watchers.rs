//! Who looks all the time: a bounded number of clients that get each new state as an event.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

/// The clients of `GET /admin/live`.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<Vec<mpsc::Sender<Bytes>>>);

impl Watchers {
    /// One more, who gets `first` at once. `None`: there are too many.
    pub(crate) fn admit(&self, first: Bytes) -> Option<mpsc::Receiver<Bytes>> {
        let (tell, told) = mpsc::channel(WAITING);
        tell.try_send(first).ok()?;
        let mut all = self.lock();
        all.retain(|it| !it.is_closed());
        if all.len() == MOST {
            return None;
        }
        all.push(tell);
        Some(told)
    }

    /// Whether anybody looks.
    pub(super) fn any(&self) -> bool {
        let mut all = self.lock();
        all.retain(|it| !it.is_closed());
        !all.is_empty()
    }

    /// Tells all of them. Who still has not taken what was told before is passed over.
    pub(super) fn tell(&self, event: &Bytes) {
        for watcher in &*self.lock() {
            let _slow_or_gone = watcher.try_send(event.clone());
        }
    }

    /// Ends all of them.
    pub(super) fn end(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<mpsc::Sender<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many may look.
const MOST: usize = 32;
/// Events that may wait for one of them.
const WAITING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_some_and_who_leaves_makes_room() {
        let watchers = Watchers::default();
        let mut those: Vec<_> = (0..MOST)
            .map(|_| watchers.admit(Bytes::new()).unwrap())
            .collect();
        assert!(watchers.admit(Bytes::new()).is_none());
        those.pop();
        assert!(watchers.admit(Bytes::new()).is_some());
        drop(those);
        assert!(!watchers.any());
    }
}
