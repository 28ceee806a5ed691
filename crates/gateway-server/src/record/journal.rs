//! What was attempted for a call, in order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_core::{EndReason, ErrorKind, TimerName};
use gateway_router::{Attempt, AttemptEnd, AttemptKind, Deployment, SendFailure, Timer};
use gateway_transport::ResponseBody;
use http::Response;
use tokio::time::Instant;

/// The attempts of a call. They may run side by side, so each finds its entry by its number.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Vec<Entry>>);

/// One attempt.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where.
    pub deployment: Arc<Deployment>,
    /// The provider's name of the model, where the deployment's own has a `*`.
    pub model: Option<Box<str>>,
    /// Why it was made.
    pub kind: AttemptKind,
    /// When.
    pub started: Instant,
    /// How long it took up to its end, or to the commit point.
    pub took: Option<Duration>,
    /// From its start to the head of the answer.
    pub head: Option<Duration>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// How its stream ended, where another attempt went on with it.
    pub broke: Option<EndReason>,
    /// The upstream's status.
    pub status: Option<u16>,
    /// The connection had been used before.
    pub reused: Option<bool>,
    /// The generation of its connection.
    pub generation: Option<u64>,
    /// Whether the provider may have done the work, where no answer came.
    pub delivery: Option<&'static str>,
    /// Its timers.
    pub limits: TimerLimits,
    /// Its number, by which the attempts of a call are told apart.
    pub number: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AttemptOutcome {
    /// It has not, or it was given up together with its call.
    GivenUp,
    /// With an answer.
    Answered,
    /// With a failure of this kind.
    Failed(ErrorKind),
    /// By this timer, of this value.
    Expired(TimerName, Duration),
    /// Another one was faster.
    Lost,
}

/// The values of an attempt's timers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimerLimits {
    /// The attempt as a whole.
    pub attempt: Option<Duration>,
    /// The first content of a stream.
    pub first_content: Option<Duration>,
    /// Silence between contents of a stream.
    pub idle: Duration,
    /// Connecting.
    pub connect: Duration,
    /// Waiting for a connection.
    pub pool: Duration,
}

impl Journal {
    /// An attempt begins.
    pub(crate) fn began(&self, attempt: &Attempt) {
        let timers = &attempt.timers;
        let entry = Entry {
            deployment: Arc::clone(&attempt.deployment),
            model: attempt.model.as_deref().map(Box::from),
            kind: attempt.kind,
            started: attempt.started,
            took: None,
            head: None,
            outcome: AttemptOutcome::GivenUp,
            broke: None,
            status: None,
            reused: None,
            generation: None,
            delivery: None,
            limits: TimerLimits {
                attempt: timers.attempt.as_ref().map(|it| it.limit),
                first_content: timers.first_content.as_ref().map(|it| it.limit),
                idle: timers.idle.limit,
                connect: timers.connect.limit,
                pool: timers.pool.limit,
            },
            number: attempt.number,
        };
        let mut entries = self.lock();
        // Most calls have one attempt.
        if entries.is_empty() {
            entries.reserve_exact(1);
        }
        entries.push(entry);
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

    /// One of its timers fired, which the router will hear of as of any failure.
    pub(crate) fn fired(&self, attempt: &Attempt, name: TimerName, timer: &Timer) {
        self.with(attempt, |entry| {
            entry.outcome = AttemptOutcome::Expired(name, timer.limit);
        });
    }

    /// Its stream ended like this, and another attempt goes on with it.
    pub(crate) fn broke(&self, attempt: &Attempt, end: EndReason) {
        self.with(attempt, |entry| entry.broke = Some(end));
    }

    /// It is over, or has its first content.
    pub(crate) fn ended(&self, attempt: &Attempt, end: AttemptEnd<'_>) {
        let note = |entry: &mut Entry| {
            entry.took = Some(entry.started.elapsed());
            entry.outcome = match end {
                AttemptEnd::Failed(_) if entry.outcome != AttemptOutcome::GivenUp => return,
                AttemptEnd::Answered => AttemptOutcome::Answered,
                AttemptEnd::Failed(outcome) => AttemptOutcome::Failed(outcome.kind),
                AttemptEnd::Expired(timer, said) => AttemptOutcome::Expired(timer, said.limit),
                AttemptEnd::Lost => AttemptOutcome::Lost,
            };
        };
        if !self.with(attempt, note) {
            // It ended before anything was done for it.
            self.began(attempt);
            self.with(attempt, note);
        }
    }

    /// Something of the last one.
    pub(crate) fn last<T>(&self, read: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.lock().last().map(read)
    }

    /// Something of all of them, up to now.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&[Entry]) -> T) -> T {
        read(&self.lock())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }

    /// Takes out all of them, up to now.
    pub(crate) fn drain(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.lock())
    }

    /// Adds attempts that were noted elsewhere.
    pub(crate) fn append(&self, entries: Vec<Entry>) {
        self.lock().extend(entries);
    }

    /// All of them: the journal is closed.
    pub(crate) fn take(&mut self) -> Vec<Entry> {
        let entries = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(entries)
    }

    /// Changes the entry of `attempt`. False: it has none.
    fn with(&self, attempt: &Attempt, change: impl FnOnce(&mut Entry)) -> bool {
        let mut entries = self.lock();
        let entry = entries.iter_mut().rfind(|it| it.number == attempt.number);
        entry.map(change).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // A panic elsewhere leaves whole entries behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AttemptOutcome {
    /// For logs and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::GivenUp => "given_up",
            Self::Answered => "answered",
            Self::Failed(kind) => word(kind),
            Self::Expired(timer, _) => match timer {
                TimerName::Call => "timer_call",
                TimerName::Attempt => "timer_attempt",
                TimerName::FirstContent => "timer_first_content",
                TimerName::Connect => "timer_connect",
                TimerName::Pool => "timer_pool",
                _ => "timer",
            },
            Self::Lost => "lost",
        }
    }
}

/// A kind of failure in one word.
const fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request",
        ErrorKind::ContextWindow => "context_window",
        ErrorKind::ContentPolicy => "content_policy",
        ErrorKind::Authentication => "authentication",
        ErrorKind::Billing => "billing",
        ErrorKind::Permission => "permission",
        ErrorKind::NotFound => "not_found",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::RateLimit => "rate_limit",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Overloaded => "overloaded",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Upstream => "upstream",
        ErrorKind::Internal => "internal",
        _ => "other",
    }
}
