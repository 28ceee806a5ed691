//! The life of a call: read, resolve, attempt, answer.

pub(crate) mod intake;
mod outcome;
mod wait;

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, Envelope, ErrorInfo, ErrorKind, Limits, TimerName};
use gateway_providers::CallParts;
use gateway_router::{Answered, Plan};
use gateway_transport::SendOptions;
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
use crate::worker::{CallLimits, Snapshot, Worker};

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
    let timers = stream_timers(&snapshot.limits, dialect, started);
    let Some(beat) = timers.heartbeat.filter(|_| record.stream) else {
        let attempted = attempt(Arc::clone(&worker), snapshot, asked, record, None).await;
        return attempted.response(head, timers, carrier, worker);
    };
    let opens = Instant::now() + beat;
    let attempt = attempt(Arc::clone(&worker), snapshot, asked, record, Some(opens));
    // On the heap, so that it can move into the body and go on there.
    let mut attempt: Pending = Box::pin(attempt);
    match timeout_at(opens, &mut attempt).await {
        Ok(attempted) => attempted.response(head, timers, carrier, worker),
        Err(_elapsed) => {
            let opening = Opening::new(attempt, dialect, beat, timers, carrier, worker);
            finish(outcome::opened(head), Outgoing::Opening(Box::new(opening)))
        }
    }
}

/// What a client asks for, read and understood, and who may serve it.
struct Asked {
    parts: Parts,
    envelope: Envelope,
    plan: Plan,
}

/// A call whose upstream has answered as far as it must be known, or failed.
#[derive(Debug)]
pub(crate) struct Attempted {
    /// The open record.
    pub record: OpenRecord,
    /// The head that the upstream sent and what follows it, or what the client is told instead.
    pub outcome: Result<(HeaderMap, Answer), Failure>,
}

impl Attempted {
    fn response(
        mut self,
        head: Builder,
        timers: StreamTimers,
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
                let relay = Relay::new(upstream, held, timers, carrier, self.record, worker);
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
    let body = intake::collect(body, limits.request_bytes, limits.request_idle).await?;
    let envelope = Envelope::parse(body, Limits::default())
        .map_err(|error| Failure::new(EndReason::Rejected, ErrorInfo::from(&error)))?;
    let plan = plan(snapshot, &envelope, path_model.as_deref(), record)?;
    Ok(Asked {
        parts,
        envelope,
        plan,
    })
}

/// From the request to an answer that may be opened towards the client. What is only preamble is held back until
/// `opens`.
async fn attempt(
    worker: Arc<Worker>,
    snapshot: Arc<Snapshot>,
    asked: Asked,
    mut record: OpenRecord,
    opens: Option<Instant>,
) -> Attempted {
    let limits = &snapshot.limits;
    let call = CallParts {
        dialect: record.dialect,
        envelope: &asked.envelope,
        headers: &asked.parts.headers,
        query: asked.parts.uri.query(),
        model: None,
    };
    let due = record.started + limits.call;
    let outcome = {
        // Pinned where it is made: every move of a future is a copy that its owner has room for.
        let answer = pin!(async {
            let answered = exchange(&worker, asked.plan, &call, limits, &mut record).await?;
            outcome::read(answered, limits, opens, &mut record).await
        });
        match timeout_at(due, answer).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Failure::timer(TimerName::Call, limits.call)),
        }
    };
    Attempted { record, outcome }
}

/// Who may serve the model that the client asked for.
fn plan(
    snapshot: &Snapshot,
    envelope: &Envelope,
    path_model: Option<&str>,
    record: &mut OpenRecord,
) -> Result<Plan, Failure> {
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
    resolved
        .speaking(dialect)
        .map(|resolved| Plan::new(resolved, fastrand::u64(..)))
        .ok_or_else(|| {
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

async fn exchange(
    worker: &Worker,
    plan: Plan,
    call: &CallParts<'_>,
    limits: &CallLimits,
    record: &mut OpenRecord,
) -> Result<Answered, Failure> {
    let options = SendOptions {
        connect_timeout: Some(limits.connect),
        pool_timeout: Some(limits.pool),
        ..SendOptions::default()
    };
    let exchange = pin!(gateway_router::execute(plan, call, &worker.shard, &options));
    // A stream's first content cannot come before the head: the wait for the head counts too.
    let result = match limits.first_content.filter(|_| record.stream) {
        None => exchange.await,
        Some(after) => match timeout_at(record.started + after, exchange).await {
            Ok(result) => result,
            Err(_elapsed) => return Err(Failure::timer(TimerName::FirstContent, after)),
        },
    };
    match result {
        Ok(answered) => {
            record.note_answer(&answered);
            Ok(answered)
        }
        Err(unanswered) => {
            record.note_failure(unanswered.deployment, unanswered.attempts);
            Err(outcome::failed(&unanswered.error, limits))
        }
    }
}

fn stream_timers(limits: &CallLimits, dialect: Dialect, started: Instant) -> StreamTimers {
    StreamTimers {
        call: started + limits.call,
        idle: limits.idle,
        first_content: limits.first_content.map(|after| started + after),
        heartbeat: limits.heartbeat(dialect),
    }
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
