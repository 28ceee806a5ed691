//! Responses that the gateway makes itself.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, ErrorInfo, ErrorKind, TimerName};
use gateway_router::{Origin, Timer};
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::body::Outgoing;

/// A call that ends without an answer of a provider's.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For the record.
    pub end: EndReason,
    /// For the client.
    pub error: Box<ErrorInfo>,
    /// For the operator, where it differs from what the client is told.
    pub detail: Option<String>,
    /// How long the client should wait before it asks again.
    pub retry_after: Option<Duration>,
    /// Whether the client's SDK should try again on its own; `None` leaves that to the SDK.
    pub should_retry: Option<bool>,
    /// The timer that fired.
    pub timer: Option<Box<(TimerName, Timer)>>,
    /// The head that came with an upstream's error.
    pub upstream: Option<Box<HeaderMap>>,
    /// What the provider said to a request that it takes for wrong.
    pub said: Box<[u8]>,
}

impl Failure {
    /// The request is at fault.
    pub(crate) fn rejected(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(EndReason::Rejected, ErrorInfo::new(kind, message))
    }

    /// A timer of the gateway fired.
    pub(crate) fn timer(name: TimerName, timer: &Timer) -> Self {
        let error = ErrorInfo::new(ErrorKind::Timeout, expiry(name, timer));
        let mut failure = Self::new(EndReason::Timer(name), error);
        failure.timer = Some(Box::new((name, timer.clone())));
        failure
    }

    /// The provider is at fault.
    pub(crate) fn upstream(end: EndReason, message: &str, detail: impl Into<String>) -> Self {
        let mut failure = Self::new(end, ErrorInfo::new(ErrorKind::Upstream, message));
        failure.detail = Some(detail.into());
        failure
    }

    /// Any failure.
    pub(crate) fn new(end: EndReason, error: ErrorInfo) -> Self {
        Self {
            end,
            error: Box::new(error),
            detail: None,
            retry_after: None,
            should_retry: None,
            timer: None,
            upstream: None,
            said: Box::default(),
        }
    }

    /// Tells the client's SDK not to try again on its own: the provider may have done the work, or does not want to.
    pub(crate) fn without_retry(mut self) -> Self {
        self.should_retry = Some(false);
        self
    }

    /// Completes `head`, and gives status and body in the front end's own error shape.
    pub(crate) fn response(&self, head: &mut HeaderMap, dialect: Dialect) -> (StatusCode, Bytes) {
        head.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.retry_after {
            // Rounded up: who comes too early is refused again.
            let seconds = wait.as_secs_f64().ceil().clamp(1.0, LONGEST_WAIT);
            for (name, value) in [(RETRY_AFTER, seconds), (RETRY_AFTER_MS, seconds * 1000.0)] {
                head.extend(HeaderValue::try_from(value.to_string()).map(|it| (name, it)));
            }
        }
        let too_long = |wait: Duration| wait.as_secs_f64() > LONGEST_WAIT;
        let should = match self.retry_after {
            Some(wait) if too_long(wait) => Some(false),
            _ => self.should_retry,
        };
        if let Some(should) = should {
            let should = if should { "true" } else { "false" };
            head.insert(SHOULD_RETRY, HeaderValue::from_static(should));
        }
        (
            status(dialect, &self.error),
            dialect.error_body(&self.error),
        )
    }
}

/// A response of these parts.
pub(crate) fn with(status: StatusCode, head: HeaderMap, body: Outgoing) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = head;
    response
}

/// What is said of a timer that fired: which one, its value, and who said it.
pub(crate) fn expiry(name: TimerName, timer: &Timer) -> String {
    format!(
        "The gateway's `{}` timer of {} s ({}) expired.",
        name.as_str(),
        timer.limit.as_secs_f64(),
        said_by(&timer.origin)
    )
}

/// Who said a value, for clients: of a file's path only the name.
fn said_by(origin: &Origin) -> String {
    match origin {
        Origin::Config(place) => {
            let name = place.rsplit(['/', '\\']).next();
            name.unwrap_or_default().to_owned()
        }
        other => other.to_string(),
    }
}

/// A JSON answer of the gateway's own.
pub(crate) fn json(status: StatusCode, body: &impl serde::Serialize) -> Response<Outgoing> {
    match serde_json::to_vec(body) {
        Ok(body) => content(status, "application/json", body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            content(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                Bytes::new(),
            )
        }
    }
}

/// An answer of any kind.
pub(crate) fn content(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::whole(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An error that belongs to no call.
pub(crate) fn refuse(dialect: Dialect, error: &ErrorInfo) -> Response<Outgoing> {
    let status = status(dialect, error);
    content(status, "application/json", dialect.error_body(error))
}

/// The status that an error has in a dialect.
pub(crate) fn status(dialect: Dialect, error: &ErrorInfo) -> StatusCode {
    StatusCode::from_u16(dialect.status(error)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What the official SDKs look at before they decide on their own whether to try again.
pub(crate) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// The same wait as `retry-after` in milliseconds; some SDKs look for it first.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
/// Seconds: SDKs obey any wait they are given, so none is longer.
const LONGEST_WAIT: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(wait: Option<u64>, should: Option<bool>) -> [Option<String>; 3] {
        let mut failure = Failure::rejected(ErrorKind::RateLimit, "Later.");
        failure.retry_after = wait.map(Duration::from_secs);
        failure.should_retry = should;
        let mut head = HeaderMap::new();
        failure.response(&mut head, Dialect::OpenAiChat);
        let text = |name| Some(head.get(name)?.to_str().unwrap().to_owned());
        [RETRY_AFTER, RETRY_AFTER_MS, SHOULD_RETRY].map(text)
    }

    #[test]
    fn waits_are_told_within_bounds_and_who_must_not_come_back_is_told_so() {
        for (wait, should, expected) in [
            (None, None, [None, None, None]),
            (None, Some(false), [None, None, Some("false")]),
            (Some(0), None, [Some("1"), Some("1000"), None]),
            (Some(7), None, [Some("7"), Some("7000"), None]),
            (
                Some(7),
                Some(false),
                [Some("7"), Some("7000"), Some("false")],
            ),
            (Some(60), None, [Some("60"), Some("60000"), None]),
            (Some(61), None, [Some("60"), Some("60000"), Some("false")]),
        ] {
            assert_eq!(told(wait, should), expected.map(|it| it.map(str::to_owned)));
        }
    }
}
