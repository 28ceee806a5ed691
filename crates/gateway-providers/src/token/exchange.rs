//! The HTTP exchange of an assertion for an access token (RFC 7523, RFC 6749 section 5).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gateway_transport::{ConnectSpec, Shard};
use http::{HeaderValue, Method, Request, header};
use serde::Deserialize;

use super::Fresh;
use super::ask::{ask, quoted};
use super::service_account::ServiceAccount;
use crate::error::TokenError;

/// Exchanges an assertion made at `now`.
pub(super) async fn exchange(
    account: &ServiceAccount,
    spec: &ConnectSpec,
    shard: &Shard,
    now: SystemTime,
) -> Result<Fresh<HeaderValue>, TokenError> {
    let assertion = account.assertion(now)?;
    // The letters of an assertion need no escape in a form.
    let form = format!("grant_type={GRANT}&assertion={assertion}");
    let request = Request::builder()
        .method(Method::POST)
        .uri(account.token_uri())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .header(header::ACCEPT_ENCODING, "identity")
        .body(Bytes::from(form))
        .map_err(|_| TokenError::Address)?;
    send(spec, shard, request).await
}

async fn send(
    spec: &ConnectSpec,
    shard: &Shard,
    request: Request<Bytes>,
) -> Result<Fresh<HeaderValue>, TokenError> {
    let (status, body) = ask(spec, shard, request).await?;
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|_| TokenError::Malformed { status })?;
    if let Some(error) = answer.error {
        return Err(TokenError::Refused {
            status,
            reason: shorten(&error, answer.error_description.as_deref()),
        });
    }
    let (Some(token), 200) = (answer.access_token, status) else {
        return Err(TokenError::Malformed { status });
    };
    let mut header = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| TokenError::Malformed { status })?;
    header.set_sensitive(true);
    // RFC 6749 recommends `expires_in` without requiring it; Google's tokens live for an hour.
    let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(3600).min(MAX_LIFETIME_SECONDS));
    Ok(Fresh {
        good: header,
        lifetime,
    })
}

/// The endpoint's own words, short enough for a log line.
fn shorten(error: &serde_json::Value, description: Option<&str>) -> String {
    let error = error
        .as_str()
        .or_else(|| error.get("message")?.as_str())
        .unwrap_or("no reason given");
    let text = match description {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    };
    quoted(&text)
}

/// No `Debug`: it holds the token.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<u64>,
    /// A code (RFC 6749), or Google's object with a message.
    error: Option<serde_json::Value>,
    error_description: Option<String>,
}

const MAX_LIFETIME_SECONDS: u64 = 24 * 3600;
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
