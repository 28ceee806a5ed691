//! Single values of a request: as JSON and as the text that stands for them.

use std::time::Duration;

use gateway_core::{Envelope, ErrorKind};
use serde_json::Value;

use crate::respond::Failure;

/// A field's value; `None` where it is absent or `null`.
pub(in crate::call) fn value(envelope: &Envelope, key: &str) -> Option<Value> {
    let value = serde_json::from_slice(envelope.field(key)?).ok()?;
    (value != Value::Null).then_some(value)
}

/// A field that is a number, or a text that reads as one.
///
/// # Errors
/// It is something else.
pub(in crate::call) fn field<T>(
    envelope: &Envelope,
    key: &str,
    parse: fn(&str) -> Option<T>,
    wanted: &str,
) -> Result<Option<T>, Failure> {
    let Some(raw) = envelope.field(key) else {
        return Ok(None);
    };
    let read = match raw {
        b"null" => return Ok(None),
        [b'"', ..] => serde_json::from_slice::<String>(raw)
            .ok()
            .and_then(|text| parse(&text)),
        [b'0'..=b'9', ..] => std::str::from_utf8(raw).ok().and_then(parse),
        _ => None,
    };
    read.map(Some).ok_or_else(|| bad(key, wanted))
}

/// A field that is a yes or a no, or a text that reads as one.
///
/// # Errors
/// It is something else.
pub(in crate::call) fn flag(envelope: &Envelope, key: &str) -> Result<bool, Failure> {
    match envelope.field(key) {
        None | Some(b"null" | b"false" | b"\"false\"" | b"\"False\"") => Ok(false),
        Some(b"true" | b"\"true\"" | b"\"True\"") => Ok(true),
        Some(_) => Err(bad(key, "true or false")),
    }
}

/// A field that is a text.
///
/// # Errors
/// It is something else.
pub(in crate::call) fn text(envelope: &Envelope, key: &str) -> Result<Option<Box<str>>, Failure> {
    match value(envelope, key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.into())),
        Some(_) => Err(bad(key, "a text")),
    }
}

/// Seconds, with fractions.
pub(in crate::call) fn parse_seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    // `try_from` refuses what is negative and what is no number.
    Duration::try_from_secs_f64(if seconds.is_finite() {
        seconds.min(FOR_EVER)
    } else {
        f64::NAN
    })
    .ok()
}

/// A whole number. One that is too large to count is as good as the largest.
pub(in crate::call) fn parse_count(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// The refusal of a header or field that is not what it must be.
pub(in crate::call) fn bad(name: &str, wanted: &str) -> Failure {
    let mut failure = Failure::rejected(
        ErrorKind::InvalidRequest,
        format!("`{name}` must be {wanted}."),
    );
    failure.error.param = Some(name.to_owned());
    failure
}

/// Seconds: ten years. Longer is the same, and does not overflow.
const FOR_EVER: f64 = 315_360_000.0;
