//! Headers and fields of requests, good and bad.

use std::time::Duration;

use bytes::Bytes;
use gateway_router::{Origin, Timer};

use super::*;

fn envelope(body: &str) -> Envelope {
    Envelope::parse(Bytes::copy_from_slice(body.as_bytes()), Limits::default()).unwrap()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn read_both(pairs: &[(&'static str, &'static str)], body: &str) -> Result<Said, Failure> {
    let mut routing = Routing::default();
    routing.tags.enabled = true;
    let mut said = Said::default();
    read_headers(&headers(pairs), &routing, &mut said.options)?;
    let envelope = envelope(body);
    if envelope.fields().any(is_read) {
        read_body(&envelope, &routing, &mut said)?;
    }
    Ok(said)
}

fn timer(said: Option<&Timer>) -> Option<(Duration, Origin)> {
    said.map(|timer| (timer.limit, timer.origin.clone()))
}

#[test]
fn a_request_that_says_nothing_has_the_defaults() {
    let said = read_both(&[("user-agent", "x")], r#"{"model": "m", "messages": []}"#).unwrap();
    assert_eq!(said.options.timers, RequestTimers::default());
    assert_eq!(said.options.retries, None);
    assert_eq!(said.options.user_agent.as_deref(), Some("x"));
    assert!(said.envelope.is_none() && !said.tell_attempts);
}

#[test]
fn timers_are_read_from_every_field_as_numbers_and_as_texts() {
    for (body, field, millis) in [
        (r#"{"timeout": 0.01}"#, "timeout", 10),
        (
            r#"{"timeout": "1.5", "request_timeout": 9}"#,
            "timeout",
            1500,
        ),
        (r#"{"request_timeout": 2}"#, "request_timeout", 2000),
        (
            r#"{"timeout": null, "request_timeout": 0}"#,
            "request_timeout",
            0,
        ),
        (r#"{"timeout": 1e3}"#, "timeout", 1_000_000),
    ] {
        let said = read_both(&[], body).unwrap();
        let timeout = timer(said.options.timers.timeout.as_ref());
        let limit = Duration::from_millis(millis);
        assert_eq!(timeout, Some((limit, Origin::Body(field))), "{body}");
    }
    let body = r#"{"ttft_timeout": 3, "stream_idle_timeout": 4, "service_tier": "flex"}"#;
    let timers = read_both(&[], body).unwrap().options.timers;
    assert_eq!(
        timer(timers.first_content.as_ref()),
        Some((Duration::from_secs(3), Origin::Body("ttft_timeout")))
    );
    assert_eq!(
        timer(timers.idle.as_ref()),
        Some((Duration::from_secs(4), Origin::Body("stream_idle_timeout")))
    );
    assert_eq!(timers.tier.as_deref(), Some("flex"));
}

#[test]
fn a_header_goes_before_the_body() {
    let pairs = [
        ("x-litellm-timeout", "1"),
        ("x-litellm-stream-timeout", "2"),
        ("x-litellm-stream-idle-timeout", "3"),
        ("x-litellm-num-retries", "0"),
        ("x-litellm-tags", "a, b,,"),
        ("x-stainless-retry-count", "2"),
    ];
    let body = r#"{"timeout": 7, "stream_timeout": 7, "stream_idle_timeout": 7, "num_retries": 7,
        "tags": ["c"]}"#;
    let options = read_both(&pairs, body).unwrap().options;
    let timers = [
        (options.timers.timeout, "x-litellm-timeout"),
        (options.timers.first_content, "x-litellm-stream-timeout"),
        (options.timers.idle, "x-litellm-stream-idle-timeout"),
    ];
    for (seconds, (said, name)) in (1..).zip(timers) {
        let wanted = (Duration::from_secs(seconds), Origin::Header(name));
        assert_eq!(timer(said.as_ref()), Some(wanted));
    }
    assert_eq!((options.retries, options.client_retries), (Some(0), 2));
    assert_eq!(options.tags, [Box::from("a"), Box::from("b")]);
}

#[test]
fn what_cannot_be_used_is_refused_by_its_name() {
    for body in [
        r#"{"timeout": -1}"#,
        r#"{"timeout": "soon"}"#,
        r#"{"timeout": true}"#,
        r#"{"timeout": "nan"}"#,
        r#"{"timeout": "inf"}"#,
        r#"{"timeout": {"connect": 1}}"#,
        r#"{"stream_timeout": []}"#,
        r#"{"num_retries": 1.5}"#,
        r#"{"num_retries": "-1"}"#,
        r#"{"max_retries": ""}"#,
        r#"{"fallbacks": 5}"#,
        r#"{"fallbacks": [5]}"#,
        r#"{"fallbacks": [{"model": 5}]}"#,
        r#"{"fallbacks": [{"m": "n"}]}"#,
        r#"{"disable_fallbacks": "no"}"#,
        r#"{"include_fallback_errors": 1}"#,
        r#"{"tags": [5]}"#,
        r#"{"allowed_model_region": 5}"#,
    ] {
        let failure = read_both(&[], body).unwrap_err();
        let name = body.split('"').nth(1).unwrap();
        assert_eq!(failure.error.status, 400, "{body}");
        assert_eq!(failure.error.param.as_deref(), Some(name), "{body}");
        assert!(failure.error.message.contains(name), "{body}");
    }
    for (name, value) in [
        ("x-litellm-timeout", "soon"),
        ("x-litellm-stream-timeout", "-1"),
        ("x-litellm-stream-idle-timeout", ""),
        ("x-litellm-num-retries", "2.5"),
    ] {
        let failure = read_both(&[(name, value)], "{}").unwrap_err();
        assert_eq!(failure.error.param.as_deref(), Some(name));
    }
    // It is the client's library that says this, not the person.
    let odd = [("x-stainless-retry-count", "x")];
    assert_eq!(read_both(&odd, "{}").unwrap().options.client_retries, 0);
}

#[test]
fn values_without_measure_do_not_overflow() {
    let said = read_both(&[], r#"{"timeout": 1e308, "num_retries": 99999999999}"#).unwrap();
    let limit = said.options.timers.timeout.unwrap().limit;
    assert!(tokio::time::Instant::now().checked_add(limit).is_some());
    assert_eq!(said.options.retries, Some(u32::MAX));
}

#[test]
fn retries_are_counted_by_the_first_name_that_says_something() {
    for (body, count) in [
        (r#"{"num_retries": 0, "max_retries": 5}"#, 0),
        (r#"{"num_retries": null, "max_retries": 5}"#, 5),
        (r#"{"max_retries": "4"}"#, 4),
    ] {
        let said = read_both(&[], body).unwrap();
        assert_eq!(said.options.retries, Some(count), "{body}");
    }
}

#[test]
fn fallbacks_are_names_or_mappings_with_what_they_change() {
    let body = r#"{"model": "m", "disable_fallbacks": false, "fallbacks":
        ["a", {"model": "b", "temperature": 0}, {"m": ["c", "d"], "other": ["e"]}, {"*": ["f"]}]}"#;
    let options = read_both(&[], body).unwrap().options;
    let names: Vec<_> = options
        .fallbacks
        .iter()
        .flatten()
        .map(|it| &*it.model)
        .collect();
    assert_eq!(names, ["a", "b", "c", "d", "f"]);
    assert_eq!(
        options.fallbacks.as_deref().unwrap()[1].overrides["temperature"],
        0
    );
    assert!(!options.no_fallbacks);
    // An empty list is one.
    for (body, length) in [("{}", None), (r#"{"fallbacks": []}"#, Some(0))] {
        let said = read_both(&[], body).unwrap().options.fallbacks;
        assert_eq!(said.map(|it| it.len()), length, "{body}");
    }
    assert!(
        read_both(&[], r#"{"disable_fallbacks": true}"#)
            .unwrap()
            .options
            .no_fallbacks
    );
}

#[test]
fn tags_come_from_three_places_and_never_reach_a_provider() {
    let body =
        r#"{"metadata": {"tags": ["a"], "user_id": "u"}, "litellm_metadata": {"tags": ["b"]}}"#;
    let said = read_both(&[], body).unwrap();
    assert_eq!(said.options.tags, [Box::from("a")]);
    let sent = said.envelope.unwrap();
    assert_eq!(sent.field("metadata"), Some(&br#"{"user_id":"u"}"#[..]));

    let said = read_both(&[], r#"{"metadata": {"tags": ["a"]}, "tags": ["c"]}"#).unwrap();
    assert_eq!(said.options.tags, [Box::from("c")]);
    assert_eq!(said.envelope.unwrap().field("metadata"), None);

    let said = read_both(&[], r#"{"litellm_metadata": {"tags": ["b"]}}"#).unwrap();
    assert_eq!(said.options.tags, [Box::from("b")]);

    // A text under that name is the client's own affair: providers take it.
    let said = read_both(&[], r#"{"metadata": {"tags": "mine"}}"#).unwrap();
    assert!(said.options.tags.is_empty() && said.envelope.is_none());
}
