//! The life of a call: read, resolve, attempt, answer.

pub(crate) mod intake;
mod outcome;

use std::sync::Arc;

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, ErrorInfo, ErrorKind, Limits, TimerName};
use gateway_providers::CallParts;
use gateway_router::{Answered, Plan};
use gateway_transport::SendOptions;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::body::Outgoing;
use crate::edge::{Client, StallWatch};
use crate::record::OpenRecord;
use crate::relay::{Carrier, Relay, StreamTimers};
use crate::respond::{self, Failure};
use crate::upstream::{Batch, UpstreamStream};
use crate::worker::{CallLimits, Snapshot, Worker};

/// What a call is answered with.
#[derive(Debug)]
enum Answer {
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
    let mut head = Response::builder();
    if let Ok(id) = HeaderValue::from_str(&record.call_id) {
        head = head.header("x-litellm-call-id", id);
    }
    let served = serve(&worker, &snapshot, request, path_model, &mut record).await;
    let (head, answer) = match served {
        Ok((upstream, answer)) => {
            record.status = 200;
            (outcome::head(head, &record, &upstream), answer)
        }
        Err(failure) => {
            let (head, body) = failure.response(head, dialect);
            record.status = respond::status(dialect, &failure.error).as_u16();
            record.ends(failure.end);
            record.error = Some(failure.detail.unwrap_or(failure.error.message));
            (head, Answer::Whole(body))
        }
    };
    let body = match answer {
        Answer::Whole(bytes) => Outgoing::recorded(bytes, record),
        Answer::Stream(upstream, held) => {
            let timers = stream_timers(&snapshot.limits, dialect, started);
            let relay = Relay::new(upstream, held, timers, carrier, record, worker);
            Outgoing::Stream(Box::pin(relay))
        }
    };
    head.body(body)
        .unwrap_or_else(|_| Response::new(Outgoing::whole(Bytes::new())))
}

/// From the request to an answer that may be opened towards the client, with the head that the upstream sent.
async fn serve(
    worker: &Worker,
    snapshot: &Snapshot,
    request: Request<Incoming>,
    path_model: Option<String>,
    record: &mut OpenRecord,
) -> Result<(HeaderMap, Answer), Failure> {
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
    let envelope = Envelope::parse(body, Limits::default()).map_err(|error| invalid(&error))?;
    let plan = plan(snapshot, &envelope, path_model.as_deref(), record)?;
    let call = CallParts {
        dialect: record.dialect,
        envelope: &envelope,
        headers: &parts.headers,
        query: parts.uri.query(),
        model: None,
    };
    let due = record.started + limits.call;
    let attempt = async {
        let answered = attempt(worker, plan, &call, limits, record).await?;
        outcome::read(answered, limits, record).await
    };
    match timeout_at(due, attempt).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(Failure::timer(TimerName::Call, limits.call)),
    }
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
        return Err(Failure::new(
            gateway_core::EndReason::Rejected,
            error.with_param("model"),
        ));
    };
    record.model = Some(model.chars().take(LONGEST_NAME).collect());
    let Some(resolved) = snapshot.catalog.resolve(model) else {
        let shown = record.model.as_deref().unwrap_or_default();
        let message =
            format!("There is no model {shown:?} here. GET /v1/models lists those there are.");
        let error = ErrorInfo::new(ErrorKind::InvalidRequest, message).with_param("model");
        return Err(Failure::new(gateway_core::EndReason::Rejected, error));
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

async fn attempt(
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
    let exchange = gateway_router::execute(plan, call, &worker.shard, &options);
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

fn invalid(error: &gateway_core::EnvelopeError) -> Failure {
    let info = ErrorInfo::new(ErrorKind::InvalidRequest, error.to_string());
    let info = match error.param() {
        Some(param) => info.with_param(param),
        None => info,
    };
    Failure::new(gateway_core::EndReason::Rejected, info)
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
