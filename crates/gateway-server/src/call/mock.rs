//! Attempts that are made up instead of made: LiteLLM's `mock_*` fields, for tests of clients and of configurations.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use gateway_core::{
    Dialect, EndReason, Envelope, ErrorInfo, ErrorKind, Flow, Framer, MockAnswer, TimerName, Usage,
    mock_error,
};
use gateway_router::{Again, Attempt, Failed, Outcome, Timer};
use http::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::Answer;
use super::attempt::{Attempts, Got};
use super::options::read::{bad, field, flag, parse_seconds, value};
use super::outcome;
use crate::respond::Failure;
use crate::upstream::{Batch, Ending};

/// What an attempt comes to without its provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mock {
    /// It stays silent, so that a timer fires.
    silent: bool,
    /// Before anything else happens.
    delay: Option<Duration>,
    /// How it fails.
    failure: Option<Mishap>,
    /// The text of its answer.
    text: Option<String>,
    /// A request asked for it: what comes of it says nothing of the deployment.
    by_caller: bool,
}

/// A made-up failure.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mishap {
    error: ErrorInfo,
    /// `None`: what its kind says.
    again: Option<Again>,
}

/// What a request says of mocks. They are `allowed` by the operator, or refused.
///
/// # Errors
/// They are not allowed, or not what they must be.
pub(super) fn read(envelope: &Envelope, allowed: bool) -> Result<Option<Box<Mock>>, Failure> {
    let off = |key: &str| matches!(envelope.field(key), None | Some(b"null" | b"false"));
    let mut asked = FIELDS.iter().filter(|key| !off(key));
    let Some(first) = asked.next() else {
        return Ok(None);
    };
    if !allowed {
        let message = format!(
            "`{first}` is not allowed: no master key is configured, and \
             `general_settings.dangerously_allow_mock_testing_request_params` is not set."
        );
        let mut failure = Failure::rejected(ErrorKind::InvalidRequest, message);
        failure.error.param = Some((*first).to_owned());
        return Err(failure);
    }
    let mut mock = Mock {
        silent: flag(envelope, "mock_timeout")?,
        delay: field(envelope, "mock_delay", parse_seconds, "a number of seconds")?,
        by_caller: true,
        ..Mock::default()
    };
    for (key, mishap) in MISHAPS {
        if mock.failure.is_none() && flag(envelope, key)? {
            mock.failure = Some(mishap());
        }
    }
    match value(envelope, "mock_response") {
        None | Some(Value::Bool(false)) => {}
        Some(Value::String(text)) => mock.answers(text),
        Some(_) => return Err(bad("mock_response", "a text")),
    }
    // A delay alone makes nothing up.
    Ok(mock.plays().then(|| Box::new(mock)))
}

impl Mock {
    /// What the configuration says of a deployment; `None`: it is a real one.
    pub(crate) fn configured(response: Option<&Value>, silent: bool) -> Option<Self> {
        let mut mock = Self {
            silent,
            ..Self::default()
        };
        match response {
            None | Some(Value::Null | Value::Bool(_)) => {}
            Some(Value::String(text)) => mock.answers(text.clone()),
            Some(other) => mock.answers(other.to_string()),
        }
        mock.plays().then_some(mock)
    }

    /// Whether anything is made up.
    const fn plays(&self) -> bool {
        self.silent || self.failure.is_some() || self.text.is_some()
    }

    fn answers(&mut self, text: String) {
        match mock_error(&text) {
            Some(error) => {
                self.failure.get_or_insert(Mishap { error, again: None });
            }
            None => self.text = Some(text),
        }
    }

    /// Plays the attempt. `None`: it goes on to the provider.
    ///
    /// # Cancel safety
    /// Dropping this leaves nothing behind.
    pub(super) async fn play(
        &self,
        call: &Attempts<'_>,
        attempt: &Attempt,
        envelope: &Envelope,
    ) -> Option<Result<Got, Failed<Failure>>> {
        let delay = self.delay.unwrap_or_default();
        let (due, ..) = first_timer(call, attempt);
        // What would come too late must not be held against the deployment either.
        if self.silent || due.saturating_duration_since(Instant::now()) <= delay {
            return Some(Err(self.stays_silent(call, attempt).await));
        }
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if let Some(mishap) = &self.failure {
            return Some(Err(self.fails(mishap)));
        }
        let bytes = answer(call.dialect, envelope, self.text.as_deref()?);
        let mut got = if call.stream {
            streamed(call.dialect, bytes)
        } else {
            whole(call.dialect, bytes)
        };
        got.made_up = self.by_caller;
        Some(Ok(got))
    }

    /// Until a timer of the attempt or the call fires.
    async fn stays_silent(&self, call: &Attempts<'_>, attempt: &Attempt) -> Failed<Failure> {
        if !self.by_caller {
            // The router ends this, and holds it against the deployment.
            std::future::pending::<()>().await;
        }
        // Ready in the moment in which the router would end it, and looked at first.
        let (due, name, timer) = first_timer(call, attempt);
        sleep_until(due).await;
        call.journal.fired(attempt, name, timer);
        let mut outcome = Outcome::expired(timer);
        outcome.by_caller = true;
        Failed {
            outcome,
            error: Failure::timer(name, timer),
        }
    }

    fn fails(&self, mishap: &Mishap) -> Failed<Failure> {
        let mut failure = Failure::new(EndReason::UpstreamError, mishap.error.clone());
        failure.detail = Some(format!("a mock: {}", mishap.error.message));
        let mut failed = outcome::failed(failure, mishap.again);
        failed.outcome.by_caller = self.by_caller;
        failed
    }
}

/// The timer that ends a silent attempt.
fn first_timer<'t>(call: &Attempts<'t>, attempt: &'t Attempt) -> (Instant, TimerName, &'t Timer) {
    let timers = &attempt.timers;
    let first_content = timers.first_content.as_ref().filter(|_| call.stream);
    let mut first = (call.due.0, TimerName::Call, call.due.1);
    for (name, timer) in [
        (TimerName::Attempt, timers.attempt.as_ref()),
        (TimerName::FirstContent, first_content),
    ] {
        if let Some(timer) = timer {
            let due = timer.from(attempt.started);
            if due < first.0 {
                first = (due, name, timer);
            }
        }
    }
    first
}

fn answer(dialect: Dialect, envelope: &Envelope, text: &str) -> Bytes {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let id = format!("{:032x}", fastrand::u128(..));
    let mock = MockAnswer {
        text,
        model: envelope.model().unwrap_or_default(),
        id: &id,
        created: since.map_or(0, |since| since.as_secs()),
    };
    dialect.mock_answer(&mock, envelope)
}

fn whole(dialect: Dialect, bytes: Bytes) -> Got {
    let usage = dialect.read_body(&bytes).map(|facts| facts.usage);
    Got {
        headers: HeaderMap::new(),
        answer: Answer::Whole(bytes),
        content: Some(Instant::now()),
        usage: usage.unwrap_or_default(),
        dialect,
        made_up: true,
        lost: Vec::new(),
    }
}

/// The whole stream at once: it was there before the answer is opened.
fn streamed(dialect: Dialect, bytes: Bytes) -> Got {
    let mut batch = Batch {
        content: true,
        ending: Some(Ending::Complete { rest: Bytes::new() }),
        ..Batch::default()
    };
    let usage = observe(dialect, bytes, &mut batch);
    Got {
        headers: HeaderMap::new(),
        answer: Answer::Stream(None, batch),
        content: Some(Instant::now()),
        usage,
        dialect,
        made_up: true,
        lost: Vec::new(),
    }
}

fn observe(dialect: Dialect, bytes: Bytes, batch: &mut Batch) -> Usage {
    let mut observer = dialect.stream_observer();
    let mut framer = Framer::new(bytes.len() + 1);
    let fed = framer.feed(bytes, |event| {
        // Only what it says of its usage is wanted.
        let _seen = observer.event(&event);
        batch.events += 1;
        Flow::Continue
    });
    batch.ready = fed.ready;
    observer.usage()
}

fn internal() -> Mishap {
    never(ErrorKind::Internal, "mock_testing_fallbacks")
}

fn context_window() -> Mishap {
    let mut mishap = never(ErrorKind::ContextWindow, "mock_testing_context_fallbacks");
    mishap.error.code = Some("context_length_exceeded".to_owned());
    mishap
}

fn content_policy() -> Mishap {
    let mut mishap = never(
        ErrorKind::ContentPolicy,
        "mock_testing_content_policy_fallbacks",
    );
    mishap.error.code = Some("content_policy_violation".to_owned());
    mishap
}

fn rate_limit() -> Mishap {
    Mishap {
        again: Some(Again::Later),
        ..never(ErrorKind::RateLimit, "mock_testing_rate_limit_error")
    }
}

/// A failure that is not tried again in its group: what is tested is where the call goes then.
fn never(kind: ErrorKind, field: &str) -> Mishap {
    let message = format!("The request asked for this error with `{field}`.");
    Mishap {
        error: ErrorInfo::new(kind, message),
        again: Some(Again::Never),
    }
}

/// What the names of these fields begin with.
pub(super) const PREFIX: &str = "mock_";

/// All fields, as a refusal looks for them.
const FIELDS: [&str; 8] = [
    "mock_timeout",
    "mock_response",
    "mock_delay",
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_context_window_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_rate_limit_error",
];

/// Makes the failure that a field asks for.
type Make = fn() -> Mishap;

/// Those that ask for a failure.
const MISHAPS: [(&str, Make); 5] = [
    ("mock_testing_fallbacks", internal),
    ("mock_testing_context_fallbacks", context_window),
    // As LiteLLM's page on fallbacks spells it.
    ("mock_testing_context_window_fallbacks", context_window),
    ("mock_testing_content_policy_fallbacks", content_policy),
    ("mock_testing_rate_limit_error", rate_limit),
];

#[cfg(test)]
mod tests;
