//! How long a provider wants its client to wait, in the three forms in which providers say it.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The wait that a provider asked for: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, section
/// 10.2.3). `None` when it asked for none, for one that is over by the date, or in words that mean nothing.
pub(super) fn asked_for(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = text("retry-after-ms").and_then(|text| seconds(text, 1e-3));
    millis.or_else(|| {
        let text = text(RETRY_AFTER.as_str())?;
        seconds(text, 1.0).or_else(|| {
            let date = httpdate::parse_http_date(text).ok()?;
            date.duration_since(now).ok()
        })
    })
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok().filter(|it: &f64| it.is_finite())?;
    // A provider may mean for ever; longer than this is the same.
    Duration::try_from_secs_f64((number * unit).min(FOR_EVER)).ok()
}

/// Seconds: a year.
const FOR_EVER: f64 = 31_536_000.0;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<f64> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").unwrap();
        asked_for(&headers, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn all_three_forms_are_read() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(7.0));
        assert_eq!(wait(&[("retry-after", " 1.5 ")]), Some(1.5));
        assert_eq!(wait(&[("retry-after", "0")]), Some(0.0));
        assert_eq!(wait(&[("retry-after-ms", "250")]), Some(0.25));
        assert_eq!(
            wait(&[("retry-after", "Fri, 20 Nov 2026 10:00:30 GMT")]),
            Some(30.0)
        );
        let both = [("retry-after", "7"), ("retry-after-ms", "250")];
        assert_eq!(wait(&both), Some(0.25));
        assert_eq!(wait(&[("retry-after", "1e300")]), Some(FOR_EVER));
    }

    #[test]
    fn what_asks_for_no_wait_is_none() {
        for value in [
            "-5",
            "NaN",
            "inf",
            "-inf",
            "",
            "soon",
            "Fri, 20 Nov 2026 09:59:59 GMT",
            "Fri, 99 Nov 2026 10:00:00 GMT",
        ] {
            assert_eq!(wait(&[("retry-after", value)]), None, "{value}");
        }
        assert_eq!(wait(&[]), None);
    }
}
