//! One question to whoever issues credentials, over the transport that also carries the calls.

use bytes::Bytes;
use gateway_transport::{ConnectSpec, SendOptions, Shard};
use http::Request;
use http_body_util::{BodyExt as _, Limited};

use crate::error::TokenError;

/// Sends `request` and reads the whole answer, up to 64 KiB: its status and its body. The time is bounded by the caller.
pub(crate) async fn ask(
    spec: &ConnectSpec,
    shard: &Shard,
    request: Request<Bytes>,
) -> Result<(u16, Bytes), TokenError> {
    let origin = shard
        .transport()
        .origin(spec)
        .map_err(|_| TokenError::Address)?;
    let response = shard
        .send(&origin, request, &SendOptions::default())
        .await
        .map_err(|error| TokenError::Send {
            reason: with_causes(&error),
        })?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), LIMIT)
        .collect()
        .await
        .map_err(|_| TokenError::Malformed { status })?
        .to_bytes();
    Ok((status, body))
}

/// An issuer's own words, short enough for a log line.
pub(crate) fn quoted(words: &str) -> String {
    words
        .chars()
        .filter(|it| !it.is_control())
        .take(200)
        .collect()
}

/// The error and its causes on one line. The result is shared by all waiters, so the chain cannot be kept.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Longest answer that is read, in bytes.
const LIMIT: usize = 64 * 1024;
