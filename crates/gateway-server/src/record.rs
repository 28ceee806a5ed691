//! One record per call: opened when the call is understood, closed exactly once, whatever happens in between.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::{Dialect, EndReason, TimerName, Usage};
use gateway_router::{Answered, Deployment};
use serde::Serialize;
use tokio::time::Instant;

use crate::edge::{Client, InFlight, Verdict};
use crate::log::{self, Format};
use crate::worker::Worker;

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
    /// The model that the client asked for, cut to a sane length.
    pub model: Option<Box<str>>,
    /// The model group that serves it.
    pub group: Option<Arc<str>>,
    /// The deployment that answered, or was tried last.
    pub deployment: Option<Arc<Deployment>>,
    /// How often a deployment was tried.
    pub attempts: u32,
    /// The upstream connection was used before.
    pub reused: Option<bool>,
    /// The generation of the upstream connection.
    pub generation: Option<u64>,
    /// Status towards the client; 0 while there is none.
    pub status: u16,
    /// Status of the upstream.
    pub upstream_status: Option<u16>,
    /// From the start to the first meaningful content.
    pub first_content: Option<Duration>,
    /// From the start to the head of the upstream's answer.
    pub upstream_head: Option<Duration>,
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
                model: None,
                group: None,
                deployment: None,
                attempts: 0,
                reused: None,
                generation: None,
                status: 0,
                upstream_status: None,
                first_content: None,
                upstream_head: None,
                bytes: 0,
                events: 0,
                usage: Usage::default(),
                error: None,
            }),
            worker,
            in_flight: client.enter(),
            end: None,
        }
    }

    /// Notes who answered, and over which connection.
    pub(crate) fn note_answer(&mut self, answered: &Answered) {
        let lease = answered.response.body().lease();
        self.reused = Some(lease.reused);
        self.generation = Some(lease.generation);
        self.upstream_status = Some(answered.response.status().as_u16());
        self.upstream_head = Some(self.started.elapsed());
        self.deployment = Some(Arc::clone(&answered.deployment));
        self.attempts = answered.attempts;
    }

    /// Notes who did not answer.
    pub(crate) fn note_failure(&mut self, deployment: Option<Arc<Deployment>>, attempts: u32) {
        self.deployment = deployment;
        self.attempts = attempts;
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
        let end = self.end.unwrap_or_else(|| match self.in_flight.verdict() {
            Verdict::Slow => EndReason::Timer(TimerName::ClientWrite),
            Verdict::Alive | Verdict::Gone => EndReason::ClientGone,
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
    fn line(&self, end: EndReason, took: Duration) -> Line<'_> {
        let deployment = self.deployment.as_deref();
        Line {
            level: "INFO",
            event: "call",
            call_id: &self.call_id,
            api: self.dialect.name(),
            model: self.model.as_deref(),
            group: self.group.as_deref(),
            deployment: deployment.map(|it| &*it.id),
            provider: deployment.map(|it| it.endpoint.provider()),
            stream: self.stream,
            status: self.status,
            end: end.as_str(),
            duration_ms: millis(took),
            upstream_head_ms: self.upstream_head.map(millis),
            first_content_ms: self.first_content.map(millis),
            attempts: self.attempts,
            upstream_status: self.upstream_status,
            connection: self
                .reused
                .map(|reused| if reused { "reused" } else { "new" }),
            generation: self.generation,
            bytes: self.bytes,
            events: self.events,
            input_tokens: self.usage.input_tokens,
            output_tokens: self.usage.output_tokens,
            cache_read_tokens: self.usage.cache_read_tokens,
            cache_write_tokens: self.usage.cache_write_tokens,
            reasoning_tokens: self.usage.reasoning_tokens,
            error: self.error.as_deref(),
        }
    }

    fn write_json(&self, end: EndReason, took: Duration, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":\"");
        log::timestamp(out);
        out.extend_from_slice(b"\",");
        let opening = out.len();
        // Serializing plain fields into memory cannot fail; the brace that it opens is already there.
        let _never = serde_json::to_writer(&mut *out, &self.line(end, took));
        if opening < out.len() {
            out.remove(opening);
        }
    }

    fn write_text(&self, end: EndReason, took: Duration, out: &mut Vec<u8>) {
        let line = self.line(end, took);
        log::timestamp(out);
        let text = format!(
            "  call {} {} {} -> {} {} in {:.1} ms, {} events, {} bytes{}",
            line.api,
            line.model.unwrap_or("-"),
            line.call_id,
            line.status,
            line.end,
            line.duration_ms,
            line.events,
            line.bytes,
            line.error
                .map(|error| format!(": {}", error.escape_debug()))
                .unwrap_or_default(),
        );
        out.extend_from_slice(text.as_bytes());
    }
}

/// The fields of a call's line, in the order in which a reader wants them.
#[derive(Serialize)]
struct Line<'a> {
    level: &'static str,
    event: &'static str,
    call_id: &'a str,
    api: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    stream: bool,
    status: u16,
    end: &'static str,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_head_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_content_ms: Option<f64>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    bytes: u64,
    events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// Milliseconds with three places: the log is read by people.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
