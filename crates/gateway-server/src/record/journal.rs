//! What was attempted for a call, in order.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway_router::{Attempt, AttemptEnd, AttemptKind, Deployment, SendFailure};
use gateway_transport::ResponseBody;
use http::Response;
use tokio::time::Instant;

/// The attempts of a call. They may run side by side, so each finds its entry by its number.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<Entry>>);

/// One attempt.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where.
    pub deployment: Arc<Deployment>,
    /// Why it was made.
    pub kind: AttemptKind,
    /// When.
    pub started: Instant,
    /// How long it took up to its end, or to the commit point.
    pub took: Option<Duration>,
    /// From its start to the head of the answer.
    pub head: Option<Duration>,
    /// How it ended: `answered`, the kind of its failure, a timer, `lost` against a faster one.
    pub end: &'static str,
    /// The upstream's status.
    pub status: Option<u16>,
    /// The connection had been used before.
    pub reused: Option<bool>,
    /// The generation of its connection.
    pub generation: Option<u64>,
    /// Whether the provider may have done the work, where no answer came.
    pub delivery: Option<&'static str>,
    number: u32,
}

impl Journal {
    /// An attempt begins.
    pub(crate) fn began(&self, attempt: &Attempt) {
        self.lock().push(Entry {
            deployment: Arc::clone(&attempt.deployment),
            kind: attempt.kind,
            started: attempt.started,
            took: None,
            head: None,
            end: "given_up",
            status: None,
            reused: None,
            generation: None,
            delivery: None,
            number: attempt.number,
        });
    }

    /// The head of its answer is there.
    pub(crate) fn answered(&self, attempt: &Attempt, response: &Response<ResponseBody>) {
        self.with(attempt, |entry| {
            let lease = response.body().lease();
            entry.head = Some(entry.started.elapsed());
            entry.status = Some(response.status().as_u16());
            entry.reused = Some(lease.reused);
            entry.generation = Some(lease.generation);
        });
    }

    /// No head came.
    pub(crate) fn unanswered(&self, attempt: &Attempt, error: &SendFailure) {
        self.with(attempt, |entry| {
            if let SendFailure::Send(error) = error {
                entry.reused = Some(error.reused);
                entry.generation = Some(error.generation);
                entry.delivery = Some(error.delivery.as_str());
            }
        });
    }

    /// It is over, or has its first content.
    pub(crate) fn ended(&self, attempt: &Attempt, end: AttemptEnd<'_>) {
        self.with(attempt, |entry| {
            entry.took = Some(entry.started.elapsed());
            entry.end = match end {
                AttemptEnd::Answered => "answered",
                AttemptEnd::Failed(_) => "failed",
                AttemptEnd::Expired(timer, _) => timer.as_str(),
                AttemptEnd::Lost => "lost",
            };
        });
    }

    /// All of them, up to now.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    fn with(&self, attempt: &Attempt, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.lock();
        if let Some(entry) = entries.iter_mut().rfind(|it| it.number == attempt.number) {
            change(entry);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        // A panic elsewhere leaves whole entries behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
