//! Reading a request's body, within bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway_core::{Dialect, EndReason, Envelope, ErrorInfo, ErrorKind, Limits, TimerName};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::api::{CallRoute, decode};
use crate::respond::Failure;

/// Refuses what can be refused before a byte of the body was read.
///
/// # Errors
/// The failure to answer with.
pub(crate) fn admit(headers: &HeaderMap, limit: usize) -> Result<(), Failure> {
    admit_size(headers, limit)?;
    match headers.get(CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let mut failure = Failure::rejected(
                ErrorKind::InvalidRequest,
                "Compressed request bodies are not accepted; send the JSON as it is.",
            );
            failure.error.status = 415;
            Err(failure)
        }
        _ => Ok(()),
    }
}

/// Refuses a body that declares itself too large.
///
/// # Errors
/// The failure to answer with.
pub(crate) fn admit_size(headers: &HeaderMap, limit: usize) -> Result<(), Failure> {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > limit as u64) {
        return Err(too_large(limit));
    }
    Ok(())
}

/// Collects a request's body of at most `limit` bytes whose pieces are never further apart than `silence`.
///
/// # Errors
/// The failure to answer with. When the body broke off, nobody is left to read it.
pub(crate) async fn collect<B>(body: B, limit: usize, silence: Duration) -> Result<Bytes, Failure>
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
{
    match gather(body, limit, Some(silence)).await {
        Ok(body) => Ok(body),
        Err(Ungathered::TooLarge) => Err(too_large(limit)),
        Err(Ungathered::Stalled) => Err(stalled(silence)),
        Err(Ungathered::Broken(error)) => {
            let mut failure = Failure::new(
                EndReason::ClientGone,
                ErrorInfo::new(ErrorKind::InvalidRequest, "The request body broke off."),
            );
            failure.detail = Some(error.to_string());
            Err(failure)
        }
    }
}

/// Reads a request's body. What only the path says, in Google's dialects, goes into it, so that it is read as any other
/// is; providers that have it in their paths, too, take it out again.
///
/// # Errors
/// The failure to answer with.
pub(crate) fn read(body: Bytes, route: &CallRoute) -> Result<Envelope, Failure> {
    let parse = |body| {
        Envelope::parse(body, Limits::default())
            .map_err(|error| Failure::new(EndReason::Rejected, ErrorInfo::from(&error)))
    };
    let envelope = parse(body)?;
    let (Some(stream), Some(model)) = (route.stream, &route.model) else {
        return Ok(envelope);
    };
    let mut edit = envelope.edit();
    edit.set_string("model", model);
    if stream {
        edit.set("stream", "true");
    } else {
        edit.remove("stream");
    }
    parse(edit.finish())
}

/// Whether one of Google's clients wants events; else it gets one array.
pub(crate) fn asks_for_events(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"))
}

/// The key that Google's clients may put behind the path.
pub(crate) fn key_in_query(dialect: Dialect, query: Option<&str>) -> Option<String> {
    if !matches!(dialect, Dialect::Gemini | Dialect::GeminiCountTokens) {
        return None;
    }
    let key = query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("key="))?;
    decode(key)
}

/// Why a body is not there as a whole.
#[derive(Debug)]
pub(crate) enum Ungathered<E> {
    /// It has more bytes than it may have.
    TooLarge,
    /// It stopped arriving.
    Stalled,
    /// It broke off.
    Broken(E),
}

/// Collects a body of at most `limit` bytes whose pieces are never further apart than `silence`.
///
/// # Errors
/// Why it is not there as a whole.
pub(crate) async fn gather<B: Body<Data = Bytes>>(
    body: B,
    limit: usize,
    silence: Option<Duration>,
) -> Result<Bytes, Ungathered<B::Error>> {
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = match silence {
            None => body.frame().await,
            Some(silence) => match timeout(silence, body.frame()).await {
                Ok(frame) => frame,
                Err(_elapsed) => return Err(Ungathered::Stalled),
            },
        };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(Ungathered::Broken)?.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > limit {
            return Err(Ungathered::TooLarge);
        }
        // One piece is the rule, and needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

fn too_large(limit: usize) -> Failure {
    Failure::rejected(
        ErrorKind::TooLarge,
        format!("The request body is larger than the gateway's limit of {limit} bytes."),
    )
}

fn stalled(silence: Duration) -> Failure {
    let message = format!(
        "The request body stopped arriving for {} s.",
        silence.as_secs_f64()
    );
    Failure::new(
        EndReason::Timer(TimerName::ClientWrite),
        ErrorInfo::new(ErrorKind::Timeout, message),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http_body_util::Full;

    const SILENCE: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_taken_and_one_byte_more_is_not() {
        let body = || Full::new(Bytes::from_static(b"12345678"));
        assert_eq!(collect(body(), 8, SILENCE).await.unwrap().len(), 8);
        let refused = collect(body(), 7, SILENCE).await.unwrap_err();
        assert_eq!(refused.error.status, 413);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_arriving_is_given_up() {
        struct Never;
        impl Body for Never {
            type Data = Bytes;
            type Error = std::io::Error;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
                std::task::Poll::Pending
            }
        }
        let failure = collect(Never, 8, SILENCE).await.unwrap_err();
        assert_eq!(failure.error.status, 408);
    }

    #[test]
    fn what_declares_too_much_or_a_coding_is_refused_unread() {
        let with = |name, value| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            admit(&headers, 100).map_err(|failure| failure.error.status)
        };
        assert_eq!(with(CONTENT_LENGTH, "100"), Ok(()));
        assert_eq!(with(CONTENT_LENGTH, "101"), Err(413));
        assert_eq!(with(CONTENT_ENCODING, "identity"), Ok(()));
        assert_eq!(with(CONTENT_ENCODING, "gzip"), Err(415));
    }
}
