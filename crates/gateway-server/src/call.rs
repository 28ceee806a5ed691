//! The life of a call: read, resolve, attempt, answer.

mod attempt;
pub(crate) mod intake;
mod outcome;
mod wait;

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, Envelope, ErrorInfo, ErrorKind, Limits};
use gateway_router::{CallOptions, Plan, Resolved, execute};
use http::request::Parts;
use http::response::Builder;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::body::Outgoing;
use crate::edge::{Client, StallWatch};
use crate::opening::{Opening, Pending};
use crate::record::OpenRecord;
use crate::relay::{Carrier, Relay, StreamTimers};
use crate::respond::{self, Failure};
use crate::upstream::{Batch, UpstreamStream};
use crate::worker::{Snapshot, Worker};
use attempt::{Attempts, Got};

/// What a call is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// In one piece.
    Whole(Bytes),
    /// Event by event; the batch was read before the answer was opened.
    Stream(Box<UpstreamStream>, Batch),
}

/// Answers a call of `dialect`. Dropping the future gives the call up: its upstream exchange ends at once.
pub(crate) async fn answer(
    worker: Arc<Worker>,
    client: Arc<Client>,
    request: Request<Incoming>,
    dialect: Dialect,
    path_model: Option<String>,
) -> Response<Outgoing> {
    let started = Instant::now();
    let snapshot = worker.shared.snapshot.load_full();
    let call_id = call_id(request.headers());
    let carrier = match request.version() {
        Version::HTTP_2 => Carrier::Http2(StallWatch::current()),
        _ => Carrier::Http1(Arc::clone(&client.socket)),
    };
    let mut record = OpenRecord::new(Arc::clone(&worker), &client, dialect, call_id, started);
    if let Carrier::Http2(watch) = &carrier {
        record.watched(watch);
    }
    let mut head = Response::builder();
    if let Ok(id) = HeaderValue::from_str(&record.call_id) {
        head = head.header("x-litellm-call-id", id);
    }
    let asked = match take(&snapshot, request, path_model, &mut record).await {
        Ok(asked) => asked,
        Err(failure) => return refuse(head, record, failure),
    };
    let beat = snapshot.limits.heartbeat(dialect).filter(|_| record.stream);
    let Some(beat) = beat else {
        let attempted = attempt(Arc::clone(&worker), snapshot, asked, record).await;
        return attempted.response(head, carrier, worker);
    };
    let opens = Instant::now() + beat;
    let attempt = attempt(Arc::clone(&worker), snapshot, asked, record);
    // On the heap, so that it can move into the body and go on there.
    let mut attempt: Pending = Box::pin(attempt);
    match timeout_at(opens, &mut attempt).await {
        Ok(attempted) => attempted.response(head, carrier, worker),
        Err(_elapsed) => {
            let opening = Opening::new(attempt, dialect, beat, carrier, worker);
            finish(outcome::opened(head), Outgoing::Opening(Box::new(opening)))
        }
    }
}

/// What a client asks for, read and understood, and who may serve it.
struct Asked {
    parts: Parts,
    envelope: Envelope,
    resolved: Resolved,
    options: CallOptions,
}

/// A call whose upstream has answered as far as it must be known, or failed.
#[derive(Debug)]
pub(crate) struct Attempted {
    /// The open record.
    pub record: OpenRecord,
    /// The head that the upstream sent and what follows it, or what the client is told instead.
    pub outcome: Result<(HeaderMap, Answer), Failure>,
    /// The timers of what follows.
    pub timers: StreamTimers,
}

impl Attempted {
    fn response(
        mut self,
        head: Builder,
        carrier: Carrier,
        worker: Arc<Worker>,
    ) -> Response<Outgoing> {
        let (upstream, answer) = match self.outcome {
            Ok(answered) => answered,
            Err(failure) => return refuse(head, self.record, failure),
        };
        self.record.status = 200;
        let head = outcome::head(head, &self.record, &upstream);
        let body = match answer {
            Answer::Whole(bytes) => Outgoing::recorded(bytes, self.record),
            Answer::Stream(upstream, held) => {
                let upstream = Some(upstream);
                let relay = Relay::new(upstream, held, self.timers, carrier, self.record, worker);
                Outgoing::Stream(Box::pin(relay))
            }
        };
        finish(head, body)
    }
}

/// Answers with a status.
fn refuse(head: Builder, mut record: OpenRecord, failure: Failure) -> Response<Outgoing> {
    let dialect = record.dialect;
    let (head, body) = failure.response(head, dialect);
    record.status = respond::status(dialect, &failure.error).as_u16();
    record.ends(failure.end);
    record.error = Some(failure.detail.unwrap_or(failure.error.message));
    finish(head, Outgoing::recorded(body, record))
}

fn finish(head: Builder, body: Outgoing) -> Response<Outgoing> {
    head.body(body)
        .unwrap_or_else(|_| Response::new(Outgoing::whole(Bytes::new())))
}

/// Reads and understands the request.
async fn take(
    snapshot: &Snapshot,
    request: Request<Incoming>,
    path_model: Option<String>,
    record: &mut OpenRecord,
) -> Result<Asked, Failure> {
    let limits = &snapshot.limits;
    let (parts, body) = request.into_parts();
    if let Err(denied) = snapshot.keys.check(&parts.headers) {
        return Err(Failure::rejected(
            ErrorKind::Authentication,
            denied.message(),
        ));
    }
    intake::admit(&parts.headers, limits.request_bytes)?;
    record.take_places(&parts.headers).await?;
    let body = intake::collect(body, limits.request_bytes, limits.request_idle).await?;
    let envelope = Envelope::parse(body, Limits::default())
        .map_err(|error| Failure::new(EndReason::Rejected, ErrorInfo::from(&error)))?;
    let resolved = resolve(snapshot, &envelope, path_model.as_deref(), record)?;
    let options = CallOptions {
        stream: record.stream,
        ..CallOptions::default()
    };
    Ok(Asked {
        parts,
        envelope,
        resolved,
        options,
    })
}

/// From the request to an answer that may be opened towards the client, by as many attempts as it takes.
async fn attempt(
    worker: Arc<Worker>,
    snapshot: Arc<Snapshot>,
    asked: Asked,
    mut record: OpenRecord,
) -> Attempted {
    let seed = fastrand::u64(..);
    let plan = Plan::new(
        &snapshot.catalog,
        asked.resolved,
        record.dialect,
        asked.options,
        seed,
        record.started,
    );
    let mut timers = StreamTimers {
        call: (plan.due(), plan.call_timer().clone()),
        attempt: None,
        idle: None,
        first_content: None,
        heartbeat: snapshot.limits.heartbeat(record.dialect),
    };
    let done = {
        let attempts = Attempts {
            worker: &worker,
            limits: &snapshot.limits,
            dialect: record.dialect,
            envelope: &asked.envelope,
            headers: &asked.parts.headers,
            query: asked.parts.uri.query(),
            stream: record.stream,
            choices: record.choices,
            journal: &record.journal,
        };
        // Pinned where it is made: every move of a future is a copy that its owner has room for.
        pin!(execute(plan, &attempts)).await
    };
    let outcome = match done {
        Ok(answered) => {
            timers.follow(&answered.attempt);
            let Got {
                headers,
                answer,
                content,
                usage,
            } = answered.answer;
            record.usage = usage;
            if let Some(at) = content {
                record.content_arrived(at);
            }
            record.served_by(answered.attempt, answered.course);
            Ok((headers, answer))
        }
        Err(unanswered) => {
            record.not_served(unanswered.course);
            Err(outcome::failure(unanswered.cause))
        }
    };
    Attempted {
        record,
        outcome,
        timers,
    }
}

/// Who may serve the model that the client asked for.
fn resolve(
    snapshot: &Snapshot,
    envelope: &Envelope,
    path_model: Option<&str>,
    record: &mut OpenRecord,
) -> Result<Resolved, Failure> {
    record.stream = envelope.stream();
    record.choices = envelope.field("n").and_then(number);
    let Some(model) = path_model.or(envelope.model()) else {
        let error = ErrorInfo::new(ErrorKind::InvalidRequest, "`model` is missing.");
        return Err(Failure::new(EndReason::Rejected, error.with_param("model")));
    };
    record.model = Some(model.chars().take(LONGEST_NAME).collect());
    let Some(resolved) = snapshot.catalog.resolve(model) else {
        let shown = record.model.as_deref().unwrap_or_default();
        let message =
            format!("There is no model {shown:?} here. GET /v1/models lists those there are.");
        let error = ErrorInfo::new(ErrorKind::InvalidRequest, message).with_param("model");
        return Err(Failure::new(EndReason::Rejected, error));
    };
    record.group = Some(resolved.group());
    let dialect = record.dialect;
    resolved.speaking(dialect).ok_or_else(|| {
        let message = format!(
            "No deployment of this model speaks {} towards its provider.",
            dialect.name()
        );
        Failure::rejected(ErrorKind::InvalidRequest, message)
    })
}

/// A JSON number that counts something.
fn number(json: &[u8]) -> Option<u64> {
    std::str::from_utf8(json).ok()?.parse().ok()
}

/// The client's own name for the call, or a new one.
fn call_id(headers: &HeaderMap) -> Box<str> {
    let given = headers
        .get("x-litellm-call-id")
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_NAME);
    match given {
        Some(id) => id.into(),
        None => format!("{:032x}", fastrand::u128(..)).into(),
    }
}

/// Characters of a name that a client chose which are kept for logs.
const LONGEST_NAME: usize = 128;
