//! What Google says of an error besides its message: `details`, of which each has a type of its own.
//! <https://cloud.google.com/apis/design/errors#error_details>.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

/// How long to wait before the same request is sent again, where an error's body says it: Google sends no such header.
///
/// ```
/// use std::time::Duration;
///
/// let body = br#"{"error":{"code":429,"details":[
///     {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"38.5s"}]}}"#;
/// assert_eq!(gateway_core::retry_delay(body), Some(Duration::from_millis(38_500)));
/// ```
pub fn retry_delay(body: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let body: Body<'_> = if text.starts_with('[') {
        let bodies: Vec<Body<'_>> = serde_json::from_str(text).ok()?;
        bodies.into_iter().next()?
    } else {
        serde_json::from_str(text).ok()?
    };
    let delays = details(body.error?.details?);
    let delay = delays.into_iter().find_map(|it| it.retry_delay)?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The word for what happened, which is more precise than the error's status.
pub(super) fn reason(raw: &RawValue) -> Option<String> {
    details(raw).into_iter().find_map(|it| it.reason)
}

/// What is not a list of objects has no details.
fn details(raw: &RawValue) -> Vec<Detail> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<Inner<'a>>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    reason: Option<String>,
    retry_delay: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_delay;

    #[test]
    fn a_wait_is_read_wherever_google_puts_the_error() {
        let error = r#"{"error":{"details":[{"@type":"a"},{"retryDelay":"9s"}]}}"#;
        for body in [error.to_owned(), format!("[{error}]")] {
            assert_eq!(
                retry_delay(body.as_bytes()),
                Some(Duration::from_secs(9)),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_no_wait_is_none() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"error":"x"}"#,
            r#"{"error":{"details":{}}}"#,
            r#"{"error":{"details":[{"retryDelay":"-1s"}]}}"#,
            r#"{"error":{"details":[{"retryDelay":"1m"}]}}"#,
            r#"{"error":{"details":[{"retryDelay":"1e400s"}]}}"#,
        ] {
            assert_eq!(retry_delay(body.as_bytes()), None, "{body}");
        }
    }
}
