//! Heads of answers: what the gateway says of a call, and what of the upstream's head may pass.

pub(crate) mod names;

use std::sync::Arc;
use std::time::Duration;

use gateway_core::Lost;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::shown::Shown;
use crate::record::Record;
use crate::respond::Failure;
use crate::worker::Snapshot;

/// The head of an answer by a provider.
pub(super) fn answered(record: &Record, upstream: &HeaderMap) -> HeaderMap {
    let mut headers = match &record.shown {
        // Copied as a whole: to hash each name for each call costs several times as much.
        Some(shown) => shown.head.clone(),
        None => ours(),
    };
    headers.reserve(MORE);
    if record.stream {
        streams(&mut headers);
    }
    if record.array {
        headers.insert(CONTENT_TYPE, JSON);
    }
    let own = record.attempt.as_ref().and_then(|it| it.model.as_deref());
    if let Some(Ok(own)) = own.map(HeaderValue::from_str) {
        headers.insert(names::MODEL_NAME, own);
    }
    course(&mut headers, record);
    // Of a stream nobody knows it yet.
    if !record.stream
        && let Some(cost) = record.price()
        && let Ok(dollars) = HeaderValue::try_from(cost.dollars().to_string())
    {
        headers.insert(names::COST, dollars);
    }
    headers.extend(dropped(&record.lost).map(|value| (names::DROPPED, value)));
    if record.estimated {
        headers.insert(names::ESTIMATED, HeaderValue::from_static("true"));
        headers.insert(CONTENT_TYPE, JSON);
    }
    passed_on(&mut headers, upstream, record.shown.as_deref());
    headers
}

/// The names of what did not reach the provider.
fn dropped(lost: &[Lost]) -> Option<HeaderValue> {
    if lost.is_empty() {
        return None;
    }
    let names: Vec<&str> = lost.iter().map(|lost| &*lost.name).collect();
    HeaderValue::from_str(&names.join(",")).ok()
}

/// What each answer by `shown` in one piece has, if it is the call's first attempt.
pub(super) fn of_deployment(shown: &Shown) -> HeaderMap {
    let mut headers = ours();
    headers.insert(CONTENT_TYPE, JSON);
    deployment(&mut headers, shown, None);
    headers.insert(names::MAX_RETRIES, shown.max_retries.clone());
    headers.insert(names::RETRIES, NONE);
    headers.insert(names::FALLBACKS, NONE);
    headers
}

/// The head of an answer that does not come from a deployment.
fn ours() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(MORE);
    headers.insert(names::VERSION, VERSION);
    headers
}

/// The head of an answer that is an error.
pub(super) fn refused(record: &Record, snapshot: &Snapshot, failure: &Failure) -> HeaderMap {
    let mut headers = ours();
    let tried = record
        .journal
        .last(|it| (Arc::clone(&it.deployment), it.model.clone()));
    let tried = tried.and_then(|(it, model)| Some((snapshot.shown.of(&it)?, model)));
    if let Some((shown, model)) = &tried {
        deployment(&mut headers, shown, model.as_deref());
        headers.insert(names::MAX_RETRIES, shown.max_retries.clone());
    } else if let Some(group) = record.group.as_deref().map(HeaderValue::from_str) {
        headers.extend(group.map(|group| (names::MODEL_GROUP, group)));
    }
    headers.insert(names::RETRIES, NONE);
    headers.insert(names::FALLBACKS, NONE);
    course(&mut headers, record);
    let fired = failure.timer.as_deref().map(|(_, timer)| timer);
    if let Some(timer) = fired.or(record.call_timer.as_ref()) {
        let seconds = format!("{:?}", timer.limit.as_secs_f64());
        if let Ok(value) = HeaderValue::try_from(seconds) {
            headers.insert(names::TIMEOUT, value);
        }
    }
    if let Some(upstream) = &failure.upstream {
        passed_on(&mut headers, upstream, None);
    }
    headers
}

/// The head of a stream whose provider has not said anything yet.
pub(super) fn opened(call_id: Option<HeaderValue>) -> HeaderMap {
    let mut headers = ours();
    streams(&mut headers);
    headers.extend(call_id.map(|id| (names::CALL_ID, id)));
    headers
}

fn streams(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(NO_BUFFERING, HeaderValue::from_static("no"));
}

fn deployment(headers: &mut HeaderMap, shown: &Shown, model: Option<&str>) {
    let own = model.and_then(|model| HeaderValue::from_str(model).ok());
    for (name, value) in [
        (names::MODEL_ID, &shown.id),
        (names::MODEL_GROUP, &shown.group),
        (
            names::MODEL_NAME,
            if own.is_some() { &own } else { &shown.model },
        ),
        (names::API_BASE, &shown.api_base),
    ] {
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    }
}

/// The call's name, what was done for it, and how long it took up to now.
fn course(headers: &mut HeaderMap, record: &Record) {
    headers.extend(call_id(record).map(|id| (names::CALL_ID, id)));
    if let Some(asked) = record.max_retries {
        headers.insert(names::MAX_RETRIES, asked.into());
    }
    for (name, number) in [
        (names::RETRIES, record.course.retries),
        (names::FALLBACKS, record.course.fallbacks),
    ] {
        if number > 0 {
            headers.insert(name, number.into());
        }
    }
    if let Some(head) = &record.head {
        headers.insert(names::DURATION, millis(head.took));
        headers.insert(names::OVERHEAD, millis(head.overhead));
    }
}

/// The call's name as a header says it.
pub(super) fn call_id(record: &Record) -> Option<HeaderValue> {
    HeaderValue::from_str(&record.call_id).ok()
}

/// Milliseconds with three places.
fn millis(duration: Duration) -> HeaderValue {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let mut digits = itoa::Buffer::new();
    let mut text = [0_u8; 24];
    let whole = digits.format(micros / 1000).as_bytes();
    let mut length = whole.len();
    text[..length].copy_from_slice(whole);
    // A leading one keeps the zeros behind the point.
    let places = digits.format(1000 + micros % 1000).as_bytes();
    text[length..length + places.len()].copy_from_slice(places);
    text[length] = b'.';
    length += places.len();
    HeaderValue::from_bytes(&text[..length]).unwrap_or(HeaderValue::from_static("0"))
}

/// What of an upstream's head a client may see. Most of it under a name that says whose it is.
fn passed_on(headers: &mut HeaderMap, upstream: &HeaderMap, shown: Option<&Shown>) {
    for (name, value) in upstream {
        let text = name.as_str();
        if !text.starts_with(INITIALS) {
            continue;
        }
        if let Some((_, own)) = PASSED.iter().find(|(known, _)| *known == text) {
            headers.append(HeaderName::from_static(own), value.clone());
        } else if !FAMILIES.iter().any(|family| text.starts_with(family)) {
            continue;
        } else if let Ok(own) = HeaderName::try_from(format!("{PREFIX}{text}")) {
            headers.append(own, value.clone());
        }
        if reads(text) {
            if let Some(shown) = shown {
                shown.counters.quota.note(text, value);
            }
            headers.append(name, value.clone());
        }
    }
}

/// What SDKs read by its own name.
fn reads(name: &str) -> bool {
    matches!(
        name,
        "request-id" | "x-request-id" | "openai-processing-ms" | "openai-model"
    ) || name.starts_with("anthropic-ratelimit-")
        || name.starts_with("x-ratelimit-")
}

/// What the upstream's headers are called towards the client begins with this.
const PREFIX: &str = "llm_provider-";

/// The upstream's headers that pass, and their names then. None of them names an account, a server or a secret.
const PASSED: [(&str, &str); 20] = [
    ("request-id", "llm_provider-request-id"),
    ("x-request-id", "llm_provider-x-request-id"),
    ("apim-request-id", "llm_provider-apim-request-id"),
    ("x-amzn-requestid", "llm_provider-x-amzn-requestid"),
    ("retry-after", "llm_provider-retry-after"),
    ("retry-after-ms", "llm_provider-retry-after-ms"),
    ("x-should-retry", "llm_provider-x-should-retry"),
    ("openai-model", "llm_provider-openai-model"),
    ("openai-version", "llm_provider-openai-version"),
    ("openai-processing-ms", "llm_provider-openai-processing-ms"),
    (
        "azureml-model-session",
        "llm_provider-azureml-model-session",
    ),
    ("azureml-model-group", "llm_provider-azureml-model-group"),
    ("x-ms-region", "llm_provider-x-ms-region"),
    ("x-ms-rai-invoked", "llm_provider-x-ms-rai-invoked"),
    ("x-groq-region", "llm_provider-x-groq-region"),
    (
        "x-ratelimit-limit-requests",
        "llm_provider-x-ratelimit-limit-requests",
    ),
    (
        "x-ratelimit-limit-tokens",
        "llm_provider-x-ratelimit-limit-tokens",
    ),
    (
        "x-ratelimit-remaining-requests",
        "llm_provider-x-ratelimit-remaining-requests",
    ),
    (
        "x-ratelimit-remaining-tokens",
        "llm_provider-x-ratelimit-remaining-tokens",
    ),
    (
        "x-ratelimit-reset-tokens",
        "llm_provider-x-ratelimit-reset-tokens",
    ),
];

/// The same by how the names begin.
const FAMILIES: [&str; 3] = ["x-ratelimit-", "anthropic-ratelimit-", "x-amzn-bedrock-"];

/// Every name that passes begins with one of these; most headers of most upstreams do not.
const INITIALS: [char; 4] = ['a', 'o', 'r', 'x'];

/// About how many headers an answer has beside those that are always the same.
const MORE: usize = 12;
/// Nothing was tried again.
const NONE: HeaderValue = HeaderValue::from_static("0");
/// The gateway's version.
const VERSION: HeaderValue = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
/// What an answer in one piece is.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What a stream is.
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
/// Asks nginx in front of us not to collect events.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_three_places() {
        for (micros, text) in [(0, "0.000"), (7, "0.007"), (12_345_070, "12345.070")] {
            assert_eq!(millis(Duration::from_micros(micros)), text);
        }
        assert!(!millis(Duration::MAX).is_empty());
    }

    #[test]
    fn of_an_upstream_only_what_is_listed_passes() {
        let mut upstream = HeaderMap::new();
        for (name, value) in [
            ("x-request-id", "r1"),
            ("x-ratelimit-reset-requests", "1s"),
            ("anthropic-ratelimit-tokens-limit", "5"),
            ("content-type", "application/json"),
            ("set-cookie", "session=1"),
            ("server", "internal-7"),
            ("openai-organization", "org-1"),
            ("via", "1.1 proxy.internal"),
            ("location", "http://10.0.0.1/"),
        ] {
            upstream.append(name, HeaderValue::from_static(value));
        }
        let mut headers = HeaderMap::new();
        passed_on(&mut headers, &upstream, None);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "anthropic-ratelimit-tokens-limit",
                "llm_provider-anthropic-ratelimit-tokens-limit",
                "llm_provider-x-ratelimit-reset-requests",
                "llm_provider-x-request-id",
                "x-ratelimit-reset-requests",
                "x-request-id",
            ]
        );
    }

    #[test]
    fn the_page_of_headers_names_every_one_that_is_set() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/headers.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, answers) = page.split_once("## What an answer says").unwrap();
        let told: Vec<&str> = answers
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .filter(|name| name.starts_with("x-litellm-") || name.starts_with("x-gateway-"))
            .collect();
        let set = names::ALL;
        for name in &set {
            assert!(told.contains(&name.as_str()), "{name}");
        }
        assert_eq!(told.len(), set.len());
    }

    #[test]
    fn every_name_that_passes_is_a_header_and_says_whose_it_is() {
        for (name, own) in PASSED {
            assert_eq!(own, format!("{PREFIX}{name}"));
            assert_eq!(HeaderName::from_static(own).as_str(), own);
            assert!(name.starts_with(INITIALS));
        }
        assert!(FAMILIES.iter().all(|family| family.starts_with(INITIALS)));
    }
}
