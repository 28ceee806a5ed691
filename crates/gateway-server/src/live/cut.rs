//! An operator's order to end a stream, as the task of the stream sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Whether the stream shall end, and who is to be woken when that is said.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    ordered: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Cut {
    /// From now on the stream shall end.
    pub(crate) fn order(&self) {
        self.ordered.store(true, Ordering::Release);
        let waiting = self.waiting().take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Whether it shall.
    #[inline]
    pub(crate) fn is_ordered(&self) -> bool {
        self.ordered.load(Ordering::Acquire)
    }

    /// Ready when it shall; else whoever polls is woken then, in the place of whoever polled before.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_ordered() {
            return Poll::Ready(());
        }
        {
            let mut waiting = self.waiting();
            match &mut *waiting {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waiting = Some(cx.waker().clone()),
            }
        }
        // An order between the look and the registration has woken nobody.
        if self.is_ordered() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_waits_is_woken_once_and_then_sees_the_order() {
        let woken = [Arc::new(Woken::default()), Arc::new(Woken::default())];
        let cut = Cut::default();
        for woken in &woken {
            let waker = Waker::from(Arc::clone(woken));
            assert!(cut.poll(&mut Context::from_waker(&waker)).is_pending());
        }
        cut.order();
        cut.order();
        let counts = woken.each_ref().map(|it| it.0.load(Ordering::Relaxed));
        assert_eq!(counts, [0, 1]);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(cut.poll(&mut cx).is_ready() && cut.is_ordered());
    }
}
