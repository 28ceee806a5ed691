//! What an upstream answered, judged: an answer for the client, or a failure with a real status.

use std::time::SystemTime;

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, ErrorInfo, ErrorKind, TimerName, strip_bom};
use gateway_router::{Answered, CallError};
use gateway_transport::{BodyError, Delivery, KilledBy, ResponseBody, SendError, Timer};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, response};
use tokio::time::{Instant, timeout_at};

use super::Answer;
use super::intake::{Ungathered, gather};
use super::wait;
use crate::record::{OpenRecord, Record};
use crate::respond::Failure;
use crate::upstream::{Batch, Ending, UpstreamStream, told_of_kill};
use crate::worker::CallLimits;

/// Reads the upstream's answer as far as it must be known before the client hears of it.
///
/// # Errors
/// The failure to answer with.
pub(super) async fn read(
    answered: Answered,
    limits: &CallLimits,
    opens: Option<Instant>,
    record: &mut OpenRecord,
) -> Result<(HeaderMap, Answer), Failure> {
    let (parts, body) = answered.response.into_parts();
    let status = parts.status.as_u16();
    let headers = parts.headers;
    if !parts.status.is_success() {
        return Err(refused(record.dialect, status, &headers, body).await);
    }
    let streams = kind_is(&headers, "text/event-stream");
    if record.stream && streams {
        let upstream = Box::new(UpstreamStream::new(record, body, limits.event_bytes));
        let (upstream, held) = hold(upstream, limits, opens, record).await?;
        return Ok((headers, Answer::Stream(upstream, held)));
    }
    if streams {
        return Err(unusable(
            "an event stream came where one answer was asked for",
        ));
    }
    let body = strip_bom(collect(body, limits.response_bytes).await?);
    let facts = record
        .dialect
        .read_body(&body)
        .map_err(|error| unusable(&error.to_string()))?;
    record.usage = facts.usage;
    if let Some(error) = facts.error {
        return Err(said_no(error));
    }
    if record.stream {
        return Err(unusable(
            "one answer came where an event stream was asked for",
        ));
    }
    record.content_arrived(Instant::now());
    Ok((headers, Answer::Whole(body)))
}

/// Waits for the first event that decides what kind of answer this is: until then a failure is a status, which SDKs
/// understand and retry; after the first byte it can only be an event. Silence opens the answer, for heartbeats.
async fn hold(
    mut upstream: Box<UpstreamStream>,
    limits: &CallLimits,
    opens: Option<Instant>,
    record: &mut OpenRecord,
) -> Result<(Box<UpstreamStream>, Batch), Failure> {
    let mut held = Batch::default();
    let first_content = limits.first_content.map(|after| record.started + after);
    let next = [first_content, opens].into_iter().flatten().min();
    while held.ending.is_none() && !held.content && held.ready.len() < HELD_LIMIT {
        let read = std::future::poll_fn(|cx| upstream.poll_batch(cx));
        let batch = match next {
            None => read.await,
            Some(next) => match timeout_at(next, read).await {
                Ok(batch) => batch,
                Err(_elapsed) if Some(next) == first_content => {
                    let after = limits.first_content.unwrap_or_default();
                    return Err(Failure::timer(TimerName::FirstContent, after));
                }
                Err(_elapsed) => break,
            },
        };
        held.append(batch);
    }
    if held.content {
        record.content_arrived(Instant::now());
    } else if let Some(Ending::Broken {
        reason,
        error,
        detail,
    }) = held.ending
    {
        let mut failure = Failure::new(reason, error);
        failure.detail = Some(detail);
        return Err(failure);
    }
    Ok((upstream, held))
}

/// The head of an answer to the client: ours, and what of the upstream's may pass.
pub(super) fn head(
    mut head: response::Builder,
    record: &Record,
    upstream: &HeaderMap,
) -> response::Builder {
    let Some(headers) = head.headers_mut() else {
        return head;
    };
    for (name, value) in upstream {
        if passes(name) {
            headers.append(name, value.clone());
        }
    }
    if record.stream {
        streams(headers);
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(deployment) = &record.deployment {
        for (name, value) in [(MODEL_ID, &deployment.id), (MODEL_GROUP, &deployment.group)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }
    head
}

/// The head of a stream whose provider has not said anything yet.
pub(super) fn opened(mut head: response::Builder) -> response::Builder {
    if let Some(headers) = head.headers_mut() {
        streams(headers);
    }
    head
}

fn streams(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(NO_BUFFERING, HeaderValue::from_static("no"));
}

/// No head came back.
pub(super) fn failed(error: &CallError, limits: &CallLimits) -> Failure {
    match error {
        CallError::Send(error) => not_sent(error, limits),
        CallError::Prepare(error) => {
            let mut failure = Failure::upstream(
                EndReason::UpstreamError,
                "The gateway could not obtain the provider's credentials.",
                describe(error),
            );
            failure.error.status = 503;
            failure
        }
        CallError::NoDeployment => Failure::upstream(
            EndReason::Rejected,
            "No deployment of this model can serve the call.",
            "no deployment was left to try",
        ),
    }
}

fn not_sent(error: &SendError, limits: &CallLimits) -> Failure {
    let timer = match error.timer {
        Some(Timer::Pool) => Some((TimerName::Pool, limits.pool)),
        Some(Timer::Connect) => Some((TimerName::Connect, limits.connect)),
        Some(_) | None => None,
    };
    if let Some((timer, after)) = timer {
        let mut failure = Failure::timer(timer, after);
        failure.detail = Some(describe(error));
        return failure;
    }
    if let Some(by) = error.killed {
        return killed(by, describe(error));
    }
    match error.delivery {
        Delivery::NotSent | Delivery::Refused => Failure::upstream(
            EndReason::UpstreamError,
            "The provider cannot be reached.",
            describe(error),
        ),
        Delivery::Unknown => Failure::upstream(
            EndReason::Truncated,
            "The connection to the provider was lost before it answered. It may have done the work.",
            describe(error),
        )
        .without_retry(),
    }
}

/// The exchange was cut on purpose.
fn killed(by: KilledBy, detail: String) -> Failure {
    let (end, error) = told_of_kill(by);
    let mut failure = Failure::new(end, error);
    failure.detail = Some(detail);
    failure
}

/// An answer with an error status.
async fn refused(
    dialect: Dialect,
    status: u16,
    headers: &HeaderMap,
    body: ResponseBody,
) -> Failure {
    if status < 400 {
        return unusable(&format!("status {status}, which is never followed"));
    }
    let body = collect(body, ERROR_LIMIT).await.unwrap_or_default();
    let told = dialect.read_error_body(status, &body);
    let mut failure = match told {
        Some(error) => said_no(error),
        None => {
            let kind = ErrorKind::from_status(status);
            let message = format!("The provider answered with status {status}.");
            let mut error = ErrorInfo::new(kind, message);
            error.status = status;
            said_no(error)
        }
    };
    failure.retry_after = wait::asked_for(headers, SystemTime::now());
    failure
}

fn said_no(error: ErrorInfo) -> Failure {
    let detail = format!("the provider said: {}", error.message);
    let mut failure = Failure::new(EndReason::UpstreamError, error);
    failure.detail = Some(detail);
    failure
}

fn unusable(detail: &str) -> Failure {
    Failure::upstream(
        EndReason::Malformed,
        "The provider's answer cannot be used.",
        detail,
    )
}

/// Collects an answer in one piece.
async fn collect(body: ResponseBody, limit: usize) -> Result<Bytes, Failure> {
    match gather(body, limit, None).await {
        Ok(body) => Ok(body),
        Err(Ungathered::Broken(error @ BodyError::Killed { by, .. })) => {
            Err(killed(by, describe(&error)))
        }
        Err(Ungathered::Broken(error)) => Err(Failure::upstream(
            EndReason::Truncated,
            "The provider's answer broke off.",
            describe(&error),
        )
        .without_retry()),
        Err(_over) => Err(unusable(&format!("an answer of more than {limit} bytes"))),
    }
}

/// An error with its causes, for the operator.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn kind_is(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..wanted.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Which of an upstream's headers a client may see: what its SDK reads, and nothing that names an account or a server.
fn passes(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(
        name,
        "request-id" | "x-request-id" | "openai-processing-ms" | "openai-model"
    ) || name.starts_with("anthropic-ratelimit-")
        || name.starts_with("x-ratelimit-")
}

/// Bytes of an error's body that are read.
const ERROR_LIMIT: usize = 1 << 20;
/// Bytes of preamble that are held back while no content has come.
const HELD_LIMIT: usize = 64 * 1024;
/// What a stream is.
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
/// Asks nginx in front of us not to collect events.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Names the deployment.
const MODEL_ID: HeaderName = HeaderName::from_static("x-litellm-model-id");
/// Names the model group.
const MODEL_GROUP: HeaderName = HeaderName::from_static("x-litellm-model-group");
