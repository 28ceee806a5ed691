//! A waker for a connection that is polled by the task that reads from it.
//!
//! hyper's connection and response body talk through a channel that wakes the other side. Here both sides are one
//! task: taking a piece of the body wakes the task that is just running, and it is polled once more for nothing, for
//! every event of every stream. While the task takes something ([`Hush::quietly`]), wake-ups that come from this very
//! thread are its own doing and are dropped; all others go through. What is dropped is never missed: the connection
//! is polled again before its reader is told to wait.

use std::{
    cell::Cell,
    ptr,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Wake, Waker},
};

/// Forwards wake-ups to the task that polled last.
pub(crate) struct Hush {
    shared: Arc<Forward>,
    waker: Waker,
    /// What `shared` forwards to, readable without its lock.
    task: Option<Waker>,
}

struct Forward(Mutex<Option<Waker>>);

impl Hush {
    /// Polls with a context that forwards to the task of `cx`.
    pub(crate) fn forward<T>(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        let task = cx.waker();
        if !self
            .task
            .as_ref()
            .is_some_and(|known| known.will_wake(task))
        {
            self.task = Some(task.clone());
            self.shared.set(Some(task.clone()));
        }
        poll(&mut Context::from_waker(&self.waker))
    }

    /// Runs `take` and drops the wake-ups that it causes.
    pub(crate) fn quietly<T>(&self, take: impl FnOnce() -> T) -> T {
        let before = QUIET.replace(ptr::from_ref(&*self.shared).addr());
        let taken = take();
        QUIET.set(before);
        taken
    }

    /// Lets go of the task: an idle connection must not keep the memory of one that has ended.
    pub(crate) fn forget(&mut self) {
        self.task = None;
        self.shared.set(None);
    }
}

impl Default for Hush {
    fn default() -> Self {
        let shared = Arc::new(Forward(Mutex::new(None)));
        let waker = Waker::from(Arc::clone(&shared));
        Self {
            shared,
            waker,
            task: None,
        }
    }
}

impl Forward {
    fn set(&self, task: Option<Waker>) {
        let before = std::mem::replace(
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            task,
        );
        drop(before);
    }
}

impl Wake for Forward {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if QUIET.get() == ptr::from_ref(&**self).addr() {
            return;
        }
        if let Some(task) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            task.wake_by_ref();
        }
    }
}

thread_local! {
    /// Address of the [`Forward`] whose wake-ups are dropped on this thread now; 0 for none.
    static QUIET: Cell<usize> = const { Cell::new(0) };
}
