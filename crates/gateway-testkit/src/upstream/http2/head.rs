//! Heads of HTTP/2 messages.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::time::Instant;

use crate::http1::Header;
use crate::upstream::record::Recorded;

/// The head of an answer; `None` if HTTP/2 has no such status.
pub(super) fn response(status: u16, headers: &[Header]) -> Option<Response<()>> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    *response.headers_mut() = header_map(headers);
    Some(response)
}

/// What of these headers can be said on HTTP/2.
pub(super) fn header_map(headers: &[Header]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if PER_CONNECTION
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
        {
            continue;
        }
        let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes());
        let value = HeaderValue::from_bytes(&crate::http1::latin1(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    map
}

/// The record of a request.
pub(super) fn recorded(parts: &http::request::Parts, connection: u64, stream: u32) -> Recorded {
    let mut headers: Vec<Header> = Vec::new();
    if let Some(authority) = parts.uri.authority() {
        headers.push((":authority".to_owned(), authority.to_string()));
    }
    if let Some(scheme) = parts.uri.scheme_str() {
        headers.push((":scheme".to_owned(), scheme.to_owned()));
    }
    for (name, value) in &parts.headers {
        let value = value.as_bytes().iter().map(|byte| char::from(*byte));
        headers.push((name.to_string(), value.collect()));
    }
    let target = parts.uri.path_and_query();
    Recorded {
        id: 0,
        connection,
        stream: Some(stream),
        method: parts.method.to_string(),
        target: target.map(ToString::to_string).unwrap_or_default(),
        headers,
        body: Bytes::new(),
        at: Instant::now(),
        client_certificate: None,
    }
}

/// RFC 9113, section 8.2.2.
const PER_CONNECTION: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];
