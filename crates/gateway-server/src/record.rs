//! One record per call: opened when the call is understood, closed exactly once, whatever happens in between.

mod journal;
mod line;

use std::sync::Arc;
use std::time::Duration;

use gateway_core::{Dialect, EndReason, TimerName, Usage};
use gateway_router::{Attempt, Course, Deployment};
use http::HeaderMap;
use tokio::time::Instant;

use crate::admission::{Places, Refused};
use crate::edge::{Client, InFlight, StallWatch, Verdict};
use crate::log::{self, Format};
use crate::respond::Failure;
use crate::worker::Worker;
pub(crate) use journal::{Entry, Journal};
use line::JsonLine;

/// What is known of a call. Filled in on its way, written as one log line and counted when it ends.
#[derive(Debug)]
pub(crate) struct Record {
    /// When the head of the request had arrived.
    pub started: Instant,
    /// The call's name in logs and headers.
    pub call_id: Box<str>,
    /// The front end.
    pub dialect: Dialect,
    /// The client asked for a stream.
    pub stream: bool,
    /// How many answers it asked for, if it said so.
    pub choices: Option<u64>,
    /// The model that the client asked for, cut to a sane length.
    pub model: Option<Box<str>>,
    /// The model group that serves it.
    pub group: Option<Arc<str>>,
    /// What was attempted.
    pub journal: Journal,
    /// The attempt that answered, under way as long as the record is open.
    pub attempt: Option<Box<Attempt>>,
    /// What was done for it.
    pub course: Course,
    /// Status towards the client; 0 while there is none.
    pub status: u16,
    /// From the start to the first meaningful content.
    pub first_content: Option<Duration>,
    /// Bytes of the body handed to the client.
    pub bytes: u64,
    /// Events handed to the client.
    pub events: u64,
    /// What the provider says it used.
    pub usage: Usage,
    /// What went wrong, for the operator.
    pub error: Option<String>,
}

/// A record that is still open. Dropping it closes it: without a reason given before, the client is gone.
#[derive(Debug)]
pub(crate) struct OpenRecord {
    record: Box<Record>,
    worker: Arc<Worker>,
    in_flight: InFlight,
    stall: Option<Arc<StallWatch>>,
    places: Option<Box<Places>>,
    end: Option<EndReason>,
}

impl OpenRecord {
    /// Opens the record of a call of `client`'s that came in at `started`.
    pub(crate) fn new(
        worker: Arc<Worker>,
        client: &Arc<Client>,
        dialect: Dialect,
        call_id: Box<str>,
        started: Instant,
    ) -> Self {
        worker.metrics().call_started(dialect);
        Self {
            record: Box::new(Record {
                started,
                call_id,
                dialect,
                stream: false,
                choices: None,
                model: None,
                group: None,
                journal: Journal::default(),
                attempt: None,
                course: Course::default(),
                status: 0,
                first_content: None,
                bytes: 0,
                events: 0,
                usage: Usage::default(),
                error: None,
            }),
            worker,
            in_flight: client.enter(),
            stall: None,
            places: None,
            end: None,
        }
    }

    /// The call's client is watched over by this, beside its socket.
    pub(crate) fn watched(&mut self, stall: &Arc<StallWatch>) {
        self.stall = Some(Arc::clone(stall));
    }

    /// Waits for a place among the calls under way, which it keeps until the record is closed.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn take_places(&mut self, headers: &HeaderMap) -> Result<(), Failure> {
        let entered = if self.in_flight.is_crowded() {
            Err(Refused::Crowded)
        } else {
            let admission = &self.worker.shared.admission;
            admission.enter(headers, self.record.started).await
        };
        self.places = entered.inspect_err(|refused| self.worker.metrics().refused(refused))?;
        Ok(())
    }

    /// Notes who answered.
    pub(crate) fn served_by(&mut self, attempt: Box<Attempt>, course: Course) {
        self.attempt = Some(attempt);
        self.course = course;
    }

    /// Notes that nobody did.
    pub(crate) fn not_served(&mut self, course: Course) {
        self.course = course;
    }

    /// Says how the call will have ended once the client has what is on its way; the first reason stays.
    pub(crate) fn ends(&mut self, end: EndReason) {
        self.end.get_or_insert(end);
    }

    /// Closes the record of an answer in one piece that hyper has taken.
    pub(crate) fn answered(mut self, bytes: usize) {
        self.record.bytes = bytes as u64;
        self.ends(EndReason::Complete);
    }

    /// Notes that the first meaningful content is there.
    pub(crate) fn content_arrived(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.record.started);
        self.record.first_content.get_or_insert(since);
    }
}

impl std::ops::Deref for OpenRecord {
    type Target = Record;
    fn deref(&self) -> &Record {
        &self.record
    }
}

impl std::ops::DerefMut for OpenRecord {
    fn deref_mut(&mut self) -> &mut Record {
        &mut self.record
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        // The next call need not wait for the log.
        drop(self.places.take());
        let stalled = self.stall.as_ref().is_some_and(|watch| watch.has_stalled());
        let end = self.end.unwrap_or_else(|| match self.in_flight.verdict() {
            Verdict::Alive | Verdict::Gone if !stalled => EndReason::ClientGone,
            _ => EndReason::Timer(TimerName::ClientWrite),
        });
        let took = self.record.started.elapsed();
        self.worker.metrics().call_ended(&self.record, end, took);
        let lines = self.worker.lines();
        lines.push(self.worker.lane(), |out| match lines.format() {
            Format::Json => self.record.write_json(end, took, out),
            Format::Text => self.record.write_text(end, took, out),
        });
    }
}

impl Record {
    /// The deployment that answered.
    pub(crate) fn deployment(&self) -> Option<&Arc<Deployment>> {
        self.attempt.as_ref().map(|attempt| &attempt.deployment)
    }

    fn write_json(&self, end: EndReason, took: Duration, out: &mut Vec<u8>) {
        let mut line = JsonLine::begin(out, "timestamp", log::timestamp);
        line.text("level", "INFO");
        line.text("event", "call");
        line.text("call_id", &self.call_id);
        line.text("api", self.dialect.name());
        let entries = self.journal.entries();
        let last = entries.last();
        let deployment = last.map(|it| &it.deployment);
        for (name, value) in [
            ("model", self.model.as_deref()),
            ("group", self.group.as_deref()),
            ("deployment", deployment.map(|it| &*it.id)),
            ("provider", deployment.map(|it| it.endpoint.provider())),
            ("end", Some(end.as_str())),
            ("connection", last.and_then(connection)),
            ("error", self.error.as_deref()),
        ] {
            if let Some(value) = value {
                line.text(name, value);
            }
        }
        line.flag("stream", self.stream);
        line.number("status", self.status);
        for (name, value) in [
            ("duration_ms", Some(took)),
            (
                "upstream_head_ms",
                last.and_then(|it| Some(it.started + it.head? - self.started)),
            ),
            ("first_content_ms", self.first_content),
        ] {
            if let Some(value) = value {
                line.millis(name, value);
            }
        }
        for (name, value) in [
            ("attempts", Some(entries.len() as u64)),
            (
                "upstream_status",
                last.and_then(|it| it.status).map(u64::from),
            ),
            ("generation", last.and_then(|it| it.generation)),
            ("bytes", Some(self.bytes)),
            ("events", Some(self.events)),
            ("input_tokens", self.usage.input_tokens),
            ("output_tokens", self.usage.output_tokens),
            ("cache_read_tokens", self.usage.cache_read_tokens),
            ("cache_write_tokens", self.usage.cache_write_tokens),
            ("reasoning_tokens", self.usage.reasoning_tokens),
        ] {
            if let Some(value) = value {
                line.number(name, value);
            }
        }
        line.end();
    }

    fn write_text(&self, end: EndReason, took: Duration, out: &mut Vec<u8>) {
        log::timestamp(out);
        let model = self.model.as_deref().unwrap_or("-").escape_debug();
        let error = self.error.as_deref().unwrap_or_default().escape_debug();
        let text = format!(
            "  INFO call {} {model} {} -> {} {end} in {:.1} ms, {} events, {} bytes {error}",
            self.dialect.name(),
            self.call_id.escape_debug(),
            self.status,
            took.as_secs_f64() * 1e3,
            self.events,
            self.bytes,
        );
        out.extend_from_slice(text.trim_end().as_bytes());
    }
}

fn connection(entry: &Entry) -> Option<&'static str> {
    entry
        .reused
        .map(|reused| if reused { "reused" } else { "new" })
}
