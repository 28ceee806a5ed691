//! What an upstream answered, judged: an answer for the client, or a failure with a real status.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gateway_core::{
    Dialect, EndReason, ErrorInfo, ErrorKind, Lost, Malformed, Passage, TimerName, Usage,
    retry_delay, strip_bom,
};
use gateway_providers::{PrepareError, Reply};
use gateway_router::{Again, AttemptTimers, Failed, Outcome, SendFailure};
use gateway_transport::{BodyError, Delivery, KilledBy, ResponseBody, SendError, Timer};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use tokio::time::{Instant, timeout};

use super::Answer;
use super::attempt::{Attempts, Got};
use super::intake::{Ungathered, gather};
use super::wait;
use crate::respond::{self, Failure};
use crate::upstream::{Batch, Ending, Judge, UpstreamStream, told_of_kill};

/// Reads the upstream's answer as far as it must be known before the client hears of it.
///
/// # Errors
/// Why it is none.
pub(super) async fn read(
    response: Response<ResponseBody>,
    reply: Reply,
    call: &Attempts<'_>,
) -> Result<Got, Failed<Failure>> {
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let headers = parts.headers;
    if !parts.status.is_success() {
        // On the heap: calls that go well should not carry the room for it.
        return Err(Box::pin(refused(reply.dialect, status, headers, body)).await);
    }
    // None was asked for, and what is in one would be judged by bytes that no client is meant to read.
    if let Some(coding) = coding(&headers) {
        return Err(unusable(&format!("an answer in the coding {coding:?}")));
    }
    let streams = kind_is(&headers, reply.framing.content_type());
    if call.stream && streams {
        let told = (reply.dialect, reply.lost());
        let upstream = UpstreamStream::new(body, judge(reply, call));
        return hold(headers, Box::new(upstream), told).await;
    }
    if streams {
        return Err(unusable(
            "an event stream came where one answer was asked for",
        ));
    }
    let body = strip_bom(collect(body, call.limits.response_bytes).await?);
    let arrived = Instant::now();
    let facts = reply
        .dialect
        .read_body(&body)
        .map_err(|error| match error {
            // How the bytes were framed does not matter: the rest of the answer is missing.
            Malformed::Cut if !call.stream => broke_off(&error),
            _ => unusable(&error.to_string()),
        })?;
    if let Some(error) = facts.error {
        return Err(said_no(error));
    }
    if call.stream {
        return Err(unusable(
            "one answer came where an event stream was asked for",
        ));
    }
    let usage = facts.usage;
    let body = match &reply.translation {
        None => facts.restamped(body, call.asked_model),
        Some(translation) => translation
            .answer(&body)
            .map_err(|error| unusable(&error.to_string()))?,
    };
    Ok(Got {
        headers,
        answer: Answer::Whole(body),
        content: Some(arrived),
        dialect: reply.dialect,
        usage,
        made_up: false,
        lost: reply.lost(),
    })
}

/// What reads a provider's stream and makes of it what the client gets.
fn judge(reply: Reply, call: &Attempts<'_>) -> Judge {
    let passage = match reply.translation.and_then(|it| it.into_translator()) {
        Some(translator) => Passage::translated(translator),
        None => Passage::restamped(reply.dialect, call.asked_model),
    };
    let passage = if call.array {
        passage.as_array()
    } else {
        passage
    };
    Judge::new(
        reply.dialect,
        reply.framing,
        call.choices,
        passage,
        call.limits.event_bytes,
    )
}

/// Waits for the first event that decides what kind of answer this is: until then a failure is a status, which SDKs
/// understand and retry, and another deployment may be tried; after the first byte it can only be an event.
async fn hold(
    headers: HeaderMap,
    mut upstream: Box<UpstreamStream>,
    (dialect, lost): (Dialect, Vec<Lost>),
) -> Result<Got, Failed<Failure>> {
    let mut held = Batch::default();
    while held.ending.is_none() && !held.content && held.ready.len() < HELD_LIMIT {
        held.append(std::future::poll_fn(|cx| upstream.poll_batch(cx)).await);
    }
    match held.ending {
        Some(Ending::Broken {
            reason,
            error,
            detail,
        }) if !held.content => {
            let again = match reason {
                EndReason::UpstreamError => None,
                _ => Some(Again::Failed),
            };
            let mut failure = Failure::new(reason, error);
            failure.detail = Some(detail);
            Err(failed(failure, again))
        }
        _ => Ok(Got {
            headers,
            content: held.content.then(Instant::now),
            answer: Answer::Stream(Some(upstream), held),
            dialect,
            usage: Usage::default(),
            made_up: false,
            lost,
        }),
    }
}

/// A failure with what it means for the next attempt: by its kind and status, unless it is known better.
pub(super) fn failed(mut failure: Failure, again: Option<Again>) -> Failed<Failure> {
    // No wait brings credit back, whatever status says that there is none.
    if failure.error.kind == ErrorKind::Billing {
        failure = failure.without_retry();
    }
    let mut outcome = Outcome::of_error(&failure.error);
    if let Some(again) = again {
        outcome.again = again;
    }
    outcome.retry_after = failure.retry_after;
    outcome.should_retry = failure.should_retry;
    Failed {
        outcome,
        error: failure,
    }
}

/// No head came back.
pub(super) fn unsent(error: &SendFailure, timers: &AttemptTimers) -> Failed<Failure> {
    let failure = match error {
        SendFailure::Send(error) => not_sent(error, timers),
        SendFailure::Prepare(PrepareError::Translate(error)) => {
            Failure::new(EndReason::Rejected, ErrorInfo::from(error))
        }
        SendFailure::Prepare(error @ PrepareError::Path { .. }) => {
            Failure::rejected(ErrorKind::InvalidRequest, format!("{error}."))
        }
        SendFailure::Prepare(error) => {
            let mut failure = Failure::upstream(
                EndReason::UpstreamError,
                "The gateway could not obtain the provider's credentials.",
                describe(error),
            );
            failure.error.status = 503;
            failure
        }
    };
    Failed {
        outcome: error.outcome(),
        error: failure,
    }
}

/// What the client is told where no head came back.
pub(crate) fn not_asked(error: &SendFailure, timers: &AttemptTimers) -> Failure {
    unsent(error, timers).error
}

fn not_sent(error: &SendError, timers: &AttemptTimers) -> Failure {
    let timer = match error.timer {
        Some(Timer::Pool) => Some((TimerName::Pool, &timers.pool)),
        Some(Timer::Connect) => Some((TimerName::Connect, &timers.connect)),
        Some(_) | None => None,
    };
    if let Some((name, timer)) = timer {
        let mut failure = Failure::timer(name, timer);
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
    headers: HeaderMap,
    body: ResponseBody,
) -> Failed<Failure> {
    if status < 400 {
        return unusable(&format!("status {status}, which is never followed"));
    }
    // The status says enough: nobody is to wait for words that do not come.
    let body = timeout(ERROR_PATIENCE, collect(body, ERROR_LIMIT)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let name = headers.get("x-amzn-errortype");
    let name = name.and_then(|name| name.to_str().ok());
    let told = dialect.read_named_error(status, name, &body);
    let mut failed = match told {
        Some(error) => said_no(error),
        None => {
            let kind = ErrorKind::from_status(status);
            let message = format!("The provider answered with status {status}.");
            let mut error = ErrorInfo::new(kind, message);
            error.status = status;
            said_no(error)
        }
    };
    let wait = wait::asked_for(&headers, SystemTime::now()).or_else(|| retry_delay(&body));
    if status == 400 {
        failed.error.said = body.as_ref().into();
    }
    failed.error.retry_after = wait;
    failed.outcome.retry_after = wait;
    failed.outcome.should_retry = should_retry(&headers);
    if failed.outcome.should_retry == Some(false) {
        failed.error = failed.error.without_retry();
    }
    failed.error.upstream = Some(Box::new(headers));
    failed
}

/// What the provider says of trying again.
fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get(respond::SHOULD_RETRY)?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

fn said_no(error: ErrorInfo) -> Failed<Failure> {
    let detail = format!("the provider said: {}", error.message);
    let mut failure = Failure::new(EndReason::UpstreamError, error);
    failure.detail = Some(detail);
    failed(failure, None)
}

fn unusable(detail: &str) -> Failed<Failure> {
    let failure = Failure::upstream(
        EndReason::Malformed,
        "The provider's answer cannot be used.",
        detail,
    );
    failed(failure, Some(Again::Failed))
}

/// Collects an answer in one piece.
async fn collect(body: ResponseBody, limit: usize) -> Result<Bytes, Failed<Failure>> {
    match gather(body, limit, None).await {
        Ok(body) => Ok(body),
        Err(Ungathered::Broken(error @ BodyError::Killed { by, .. })) => {
            let failure = killed(by, describe(&error));
            Err(failed(failure, Some(Again::Never)))
        }
        Err(Ungathered::Broken(error)) => Err(broke_off(&error)),
        Err(_over) => Err(unusable(&format!("an answer of more than {limit} bytes"))),
    }
}

/// An answer in one piece of which the end is missing.
fn broke_off(error: &dyn std::error::Error) -> Failed<Failure> {
    let failure = Failure::upstream(
        EndReason::Truncated,
        "The provider's answer broke off.",
        describe(error),
    );
    // The work was done, most likely: doing it again is not for us to decide, nor for the client's library.
    let unknown = Again::Unknown { stale: false };
    failed(failure.without_retry(), Some(unknown))
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

/// The coding of an answer that is not just its own bytes.
fn coding(headers: &HeaderMap) -> Option<&HeaderValue> {
    let coding = headers.get(CONTENT_ENCODING)?;
    (!coding.as_bytes().eq_ignore_ascii_case(b"identity")).then_some(coding)
}

fn kind_is(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..wanted.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Bytes of an error's body that are read.
const ERROR_LIMIT: usize = 1 << 20;
/// How long an error's body is waited for behind its head.
const ERROR_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of preamble that are held back while no content has come.
const HELD_LIMIT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_credit_is_not_to_come_back_however_it_is_told() {
        for (status, kind, should) in [
            (429, ErrorKind::Billing, Some(false)),
            (402, ErrorKind::Billing, Some(false)),
            (429, ErrorKind::RateLimit, None),
        ] {
            let mut error = ErrorInfo::new(kind, "no");
            error.status = status;
            assert_eq!(said_no(error).error.should_retry, should, "{status}");
        }
    }
}
