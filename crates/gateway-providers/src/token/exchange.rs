//! The HTTP of fetching tokens (RFC 6749 section 5), the same for all kinds of credentials.

use std::time::Duration;

use bytes::Bytes;
use gateway_transport::Shard;
use http::{HeaderName, HeaderValue, Method, Request, header};
use serde::Deserialize;

use super::ask::{ask, quoted};
use super::endpoint::TokenEndpoint;
use crate::error::TokenError;

/// A token as it came. No `Debug`: it is secret.
pub(super) struct Issued {
    pub(super) token: String,
    pub(super) lifetime: Duration,
}

impl Issued {
    /// The whole `Authorization` value, marked as sensitive.
    pub(super) fn header(&self) -> Result<HeaderValue, TokenError> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", self.token))
            .map_err(|_| TokenError::Malformed { status: 200 })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// What somebody answered.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// A form for `endpoint`, ready to be sent.
pub(super) fn form(endpoint: &TokenEndpoint, pairs: &[(&str, &str)]) -> Request<Bytes> {
    let mut body = String::with_capacity(1024);
    for (name, value) in pairs {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(name);
        body.push('=');
        escape(&mut body, value);
    }
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    post(endpoint, kind, body.into())
}

/// A JSON document for `endpoint`, ready to be sent.
pub(super) fn json(endpoint: &TokenEndpoint, body: &serde_json::Value) -> Request<Bytes> {
    let kind = HeaderValue::from_static("application/json");
    post(endpoint, kind, body.to_string().into())
}

/// A question for `endpoint`, ready to be sent.
pub(super) fn get(endpoint: &TokenEndpoint) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = endpoint.uri.clone();
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT_ENCODING, IDENTITY);
    request
}

/// Sets a header that may hold a secret.
pub(super) fn set(
    request: &mut Request<Bytes>,
    name: HeaderName,
    value: &str,
) -> Result<(), TokenError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| TokenError::Address)?;
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

/// Sends a request and reads the answer. Time is bounded by the caller.
pub(super) async fn send(
    endpoint: &TokenEndpoint,
    shard: &Shard,
    request: Request<Bytes>,
) -> Result<Reply, TokenError> {
    let (status, body) = ask(&endpoint.spec, shard, request).await?;
    Ok(Reply { status, body })
}

/// Sends a request whose answer is a token in OAuth's words.
pub(super) async fn token(
    endpoint: &TokenEndpoint,
    shard: &Shard,
    request: Request<Bytes>,
) -> Result<Issued, TokenError> {
    let reply = send(endpoint, shard, request).await?;
    let answer: Answer = reply.read()?;
    let token = answer.access_token.ok_or(reply.malformed())?;
    // RFC 6749 recommends `expires_in` without requiring it; most tokens live for an hour.
    let seconds = match &answer.expires_in {
        Some(serde_json::Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
        None => None,
    };
    let lifetime = Duration::from_secs(seconds.unwrap_or(3600)).min(LONGEST_LIFE);
    Ok(Issued { token, lifetime })
}

impl Reply {
    /// The answer, if it is one and no refusal.
    pub(super) fn read<'b, T: Deserialize<'b>>(&'b self) -> Result<T, TokenError> {
        if let Ok(Refusal {
            error: Some(error),
            error_description,
        }) = serde_json::from_slice(&self.body)
        {
            return Err(TokenError::Refused {
                status: self.status,
                reason: shorten(&error, error_description.as_deref()),
            });
        }
        match serde_json::from_slice(&self.body) {
            Ok(answer) if self.status == 200 => Ok(answer),
            _ => Err(self.malformed()),
        }
    }

    pub(super) fn malformed(&self) -> TokenError {
        TokenError::Malformed {
            status: self.status,
        }
    }
}

fn post(endpoint: &TokenEndpoint, kind: HeaderValue, body: Bytes) -> Request<Bytes> {
    let mut request = get(endpoint);
    *request.method_mut() = Method::POST;
    *request.body_mut() = body;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// The letters that a form needs no escape for, and the others escaped.
fn escape(form: &mut String, value: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            form.push(char::from(byte));
        } else {
            form.push('%');
            form.push(char::from(DIGITS[usize::from(byte >> 4)]));
            form.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
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
    /// A number, or its digits as a text.
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Refusal {
    /// A code (RFC 6749), or Google's object with a message.
    error: Option<serde_json::Value>,
    error_description: Option<String>,
}

/// Whatever is said to live longer is asked for again after that.
pub(super) const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
