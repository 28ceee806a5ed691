//! Timers do what LiteLLM's page about timeouts says of them, on every endpoint, plain and streamed: each test is one of
//! its examples, or a way in which such a promise is usually broken.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use end_to_end::call::{self, Call, course};
use end_to_end::{Gateway, Setup, Stream, python};
use gateway_testkit::client::Request;
use gateway_testkit::dialect::{Knobs, Wire, anthropic, wants_stream};
use gateway_testkit::script::{Events, Pace, ResponseHead, Script, Step};
use gateway_testkit::upstream::{ExchangeEnd, Recorded, Upstream};
use serde_json::{Value, json};

/// A provider that takes requests and never says a word.
async fn silent() -> Upstream {
    Upstream::answering(|_| Script::new().stall()).await
}

/// The whole of a correct answer in small pieces, `pause` apart.
fn trickle(request: &Recorded, pause: Duration) -> Script {
    let wire = Wire::of_path(request.path()).expect("a call");
    let (head, bytes) = if wants_stream(request) {
        let all: Vec<_> = Stream::answering(request).events;
        (ResponseHead::sse(), all.concat())
    } else {
        let body = wire.body(request, &Knobs::default());
        (ResponseHead::json(200), body.to_string().into_bytes())
    };
    let trickle = Step::Trickle {
        size: bytes.len() / 60 + 1,
        bytes: bytes.into(),
        pause,
    };
    Script::new().head(head).step(trickle).end()
}

/// The head of a stream, then nothing but signs of life.
fn pings(request: &Recorded) -> Script {
    let stream = Stream::answering(request);
    let ping = match stream.wire {
        Wire::AnthropicMessages => anthropic::ping(),
        _ => bytes::Bytes::from_static(b": alive\n\n"),
    };
    let pings = Step::Events(Events {
        next: Box::new(move || Some(ping.clone())),
        pace: Pace {
            every: Duration::from_millis(50),
            burst: 1,
        },
    });
    let head = Script::new().head(ResponseHead::sse());
    head.all(stream.preamble().to_vec()).step(pings)
}

/// The same request on every endpoint, side by side.
async fn everywhere(gateway: &Gateway, change: impl Fn(Request) -> Request) -> Vec<Call> {
    call::calls(gateway, call::on_every_endpoint(change)).await
}

/// Checks that the call took at least so long, and not much longer: much is what a loaded machine may need.
fn assert_took(call: &Call, seconds: f64) {
    let took = call.seconds();
    let range = seconds * 0.98..seconds + SLACK;
    assert!(
        range.contains(&took),
        "{took} s is not {seconds} s: {call:#?}"
    );
}

/// Seconds.
const SLACK: f64 = 4.0;

#[tokio::test]
async fn the_routers_timeout_bounds_the_entire_call() {
    let upstream = silent().await;
    let gateway = Setup::routed()
        .double(&upstream.url(), &json!({}))
        .set("router_settings.timeout", json!(0.8))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_expired("call", 0.8, "config.yaml:1:");
        assert_took(&call, 0.8);
        // There was no time for another attempt.
        assert_eq!(call.record["attempts"], 1, "{call:#?}");
    }
    assert_eq!(upstream.requests().len(), 7);
}

#[tokio::test]
async fn the_older_key_for_the_same_timer_works_too() {
    let upstream = silent().await;
    let gateway = Setup::serving(&upstream.url())
        .set("litellm_settings.request_timeout", json!(0.5))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_expired("call", 0.5, "config.yaml:1:");
    }
}

#[tokio::test]
async fn a_models_timeout_bounds_the_complete_response_however_it_trickles() {
    // Bytes come all the time: a limit on silence between two reads would never fire.
    let upstream = Upstream::answering(|it| trickle(it, Duration::from_millis(100))).await;
    let gateway = Setup::new()
        .double(&upstream.url(), &json!({"timeout": 1}))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        assert_took(&call, 1.0);
        if call.record["stream"] == false {
            call.assert_expired("attempt", 1.0, "config.yaml:1:");
        } else {
            assert_eq!(call.record["end"], "timer_attempt", "{call:#?}");
            assert!(!call.view.has_marker(), "{call:#?}");
        }
    }
}

#[tokio::test]
async fn a_mock_that_is_late_sets_nobody_aside_and_a_delay_alone_is_none() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::routed()
        .member(
            "double",
            "a",
            &upstream.url(),
            &json!({"weight": 1, "timeout": 0.3}),
        )
        .member("double", "b", &upstream.url(), &json!({"weight": 0}))
        .set("router_settings.allowed_fails", json!(0))
        .set("router_settings.num_retries", json!(0))
        .set(
            "general_settings.dangerously_allow_mock_testing_request_params",
            json!(true),
        )
        .start()
        .await;
    for call in everywhere(&gateway, |request| {
        let request = request.field("mock_response", json!("late"));
        request.field("mock_delay", json!(5))
    })
    .await
    {
        call.assert_expired("attempt", 0.3, "config.yaml:1:");
    }
    for call in everywhere(&gateway, |request| request.field("mock_delay", json!(5))).await {
        call.assert_served();
        let deployment = call.record["deployment"].as_str().unwrap_or_default();
        assert!(deployment.starts_with('a'), "{call:#?}");
        assert!(call.seconds() < 3.0, "{call:#?}");
    }
}

#[tokio::test]
async fn an_error_whose_words_never_come_is_judged_by_its_status() {
    let mute = |_: &Recorded| {
        let head = ResponseHead::json(503);
        Script::new().head(head).bytes("{").stall()
    };
    let (mute, good) = (Upstream::answering(mute).await, Upstream::plain().await);
    let gateway = Setup::new()
        .double(&mute.url(), &json!({}))
        .member("other", "good", &good.url(), &json!({}))
        .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_served();
        assert_eq!(call.record["attempt_log"][0]["outcome"], "unavailable");
    }
}

#[tokio::test]
async fn a_timer_that_fires_after_content_is_an_error_event_and_nothing_is_sent_again() {
    let slow = |stream: Stream| {
        let content = stream.until(1).last().expect("a content").clone();
        let more = Step::Trickle {
            size: content.len(),
            bytes: content.repeat(50).into(),
            pause: Duration::from_millis(200),
        };
        stream.begun(2).step(more).end()
    };
    for timer in ["attempt", "call"] {
        let upstream = Stream::upstream(slow).await;
        let url = upstream.url();
        let setup = match timer {
            "attempt" => Setup::routed().double(&url, &json!({"timeout": 1})),
            _ => Setup::routed()
                .double(&url, &json!({}))
                .set("router_settings.timeout", json!(1)),
        };
        let gateway = setup.start().await;
        for call in call::everywhere(&gateway, "hello").await {
            let text = call.view.text();
            call.assert_broken(&text, &format!("timer_{timer}"));
            let last = call.view.events.last().unwrap().json();
            let message = last["error"]["message"].as_str().unwrap();
            let told = format!("`{timer}` timer of 1 s (config.yaml:1:");
            assert!(message.contains(&told), "{message}");
            assert_eq!(call.record["attempts"], 1, "{call:#?}");
        }
        assert_eq!(upstream.requests().len(), 6);
    }
}

#[tokio::test]
async fn pings_stop_no_timer() {
    let upstream = Upstream::answering(pings).await;
    for (more, timer) in [
        (json!({"stream_timeout": 0.6}), "first_content"),
        (json!({"timeout": 0.6}), "attempt"),
        (
            json!({"timeout": 5, "stream_timeout": 0.6}),
            "first_content",
        ),
        (json!({"timeout": 0.6, "stream_timeout": 5}), "attempt"),
    ] {
        let gateway = Setup::new().double(&upstream.url(), &more).start().await;
        for call in call::everywhere(&gateway, "hello").await {
            call.assert_expired(timer, 0.6, "config.yaml:1:");
            assert_took(&call, 0.6);
        }
    }
}

#[tokio::test]
async fn a_stream_timeout_is_for_the_first_chunk_and_for_streams_alone() {
    // The rest takes longer than the timer, and a plain answer too.
    let upstream = Upstream::answering(|request| {
        let wire = Wire::of_path(request.path()).expect("a call");
        let pause = Duration::from_millis(900);
        if wants_stream(request) {
            let stream = Stream::answering(request);
            return stream
                .begun(1)
                .sleep(pause)
                .all(stream.after(1).to_vec())
                .end();
        }
        let body = wire.body(request, &Knobs::default()).to_string();
        Script::new()
            .sleep(pause)
            .head(ResponseHead::json(200))
            .bytes(body)
            .end()
    })
    .await;
    let gateway = Setup::new()
        .double(&upstream.url(), &json!({"stream_timeout": 0.7}))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_served();
        assert!(call.seconds() > 0.85, "{call:#?}");
    }
}

#[tokio::test]
async fn limits_of_a_tenth_and_a_hundredth_of_a_second_hold() {
    let upstream = silent().await;
    for limit in [0.1, 0.01] {
        let gateway = Setup::new()
            .double(
                &upstream.url(),
                &json!({"timeout": 6, "stream_timeout": limit}),
            )
            .start()
            .await;
        for call in call::everywhere(&gateway, "hello").await {
            call.assert_expired("first_content", limit, "config.yaml:1:");
        }
        let gateway = Setup::new()
            .double(&upstream.url(), &json!({"timeout": limit}))
            .start()
            .await;
        for call in everywhere(&gateway, |request| request).await {
            call.assert_expired("attempt", limit, "config.yaml:1:");
        }
    }
}

#[tokio::test]
async fn five_retries_of_a_model_are_six_sends_and_not_more() {
    let refuses = Upstream::answering(|request| {
        let wire = Wire::of_path(request.path()).expect("a call");
        let head = ResponseHead::json(500).with("retry-after-ms", "1");
        let body = wire.error_body(500, "the provider's words").to_string();
        Script::new().head(head).bytes(body).end()
    })
    .await;
    let gateway = Setup::routed()
        .double(&refuses.url(), &json!({"max_retries": 5, "num_retries": 3}))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_refused(500, "upstream_error");
        assert_eq!(call.record["attempts"], 6, "{call:#?}");
        assert_eq!(call.record["retries"], 5, "{call:#?}");
        assert_eq!(call.view.header("x-litellm-attempted-retries"), Some("5"));
        assert_eq!(call.view.header("x-litellm-max-retries"), Some("5"));
    }
    assert_eq!(refuses.requests().len(), 7 * 6);
}

#[tokio::test]
async fn a_request_brings_its_own_limit_in_its_body_or_in_a_header() {
    let upstream = silent().await;
    let gateway = Setup::new()
        .double(
            &upstream.url(),
            &json!({"timeout": 15, "stream_timeout": 15}),
        )
        .start()
        .await;
    for name in ["timeout", "request_timeout"] {
        for call in everywhere(&gateway, |it| it.field(name, json!(0.4))).await {
            call.assert_expired("call", 0.4, &format!("the request's field `{name}`"));
        }
    }
    // LiteLLM's clients send numbers as text, too.
    for value in [json!(1), json!("1")] {
        for call in everywhere(&gateway, |it| it.field("timeout", value.clone())).await {
            call.assert_expired("call", 1.0, "the request's field `timeout`");
            assert_took(&call, 1.0);
        }
    }
    let header = |it: Request| {
        it.with("x-litellm-timeout", "0.3")
            .field("timeout", json!(9))
    };
    for call in everywhere(&gateway, header).await {
        call.assert_expired("call", 0.3, "the request's header `x-litellm-timeout`");
    }
    for name in ["stream_timeout", "ttft_timeout"] {
        let change = |it: Request| it.field(name, json!(0.3)).field("timeout", json!(1));
        for call in everywhere(&gateway, change).await {
            match call.record["stream"] == true {
                true => call.assert_expired("first_content", 0.3, &format!("field `{name}`")),
                false => call.assert_expired("call", 1.0, "field `timeout`"),
            }
        }
    }
    // None of this is for the provider.
    for request in upstream.requests() {
        let seen = format!("{:?} {}", request.headers, request.json());
        assert!(!seen.contains("timeout"), "{seen}");
    }
}

#[tokio::test]
async fn the_published_openai_client_brings_limits_by_extra_body_and_by_headers() {
    let upstream = silent().await;
    let gateway = Setup::new()
        .double(&upstream.url(), &json!({}))
        .set(
            "general_settings.dangerously_allow_mock_testing_request_params",
            json!(true),
        )
        .start()
        .await;
    let lines = python::run("openai_timeouts.py", &[&gateway.url(), "any"]).await;
    assert_eq!(lines.len(), 10);
    for line in lines {
        let raised = line["raised"].as_array().expect("it raised");
        assert!(raised.contains(&json!("APIStatusError")), "{line:#}");
        assert_eq!(line["status"], 408, "{line:#}");
        let message = line["message"].as_str().unwrap();
        assert!(message.contains("timer of 1 s (the request's"), "{line:#}");
    }
}

#[tokio::test]
async fn a_mock_timeout_fires_the_real_timer_on_every_endpoint() {
    let upstream = Upstream::plain().await;
    let mock = |it: Request| it.field("mock_timeout", json!(true));
    let gateway = Setup::new()
        .double(&upstream.url(), &json!({"timeout": 0.3}))
        .set(
            "general_settings.dangerously_allow_mock_testing_request_params",
            json!(true),
        )
        .start()
        .await;
    for call in everywhere(&gateway, mock).await {
        call.assert_expired("attempt", 0.3, "config.yaml:1:");
        assert_took(&call, 0.3);
    }
    // A whole number is a time, too.
    for call in everywhere(&gateway, |it| mock(it).field("timeout", json!(1))).await {
        call.assert_expired("call", 1.0, "the request's field `timeout`");
        assert_took(&call, 1.0);
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_mock_timeout_is_for_the_group_asked_for_and_its_fallback_is_real() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::routed()
        .member(
            "double",
            "mocked",
            &upstream.url(),
            &json!({"timeout": 0.2, "num_retries": 0}),
        )
        .member("other", "real", &upstream.url(), &json!({}))
        .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
        .master_key("sk-master-of-mocks")
        .start()
        .await;
    let mock = |it: Request| {
        it.field("mock_timeout", json!(true))
            .bearer("sk-master-of-mocks")
    };
    for call in everywhere(&gateway, mock).await {
        call.assert_served();
        assert_eq!(
            course(&call.record),
            ["mocked first timer_attempt", "real fallback answered"],
            "{call:#?}"
        );
    }
    assert_eq!(upstream.requests().len(), 7);
    for request in upstream.requests() {
        assert!(!request.json().to_string().contains("mock"), "{request:?}");
    }
}

#[tokio::test]
async fn mocks_are_for_those_who_may_use_them() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for field in ["mock_timeout", "mock_response", "mock_testing_fallbacks"] {
        for call in everywhere(&gateway, |it| it.field(field, json!(true))).await {
            call.assert_refused(400, "rejected");
            let message = call.view.json()["error"]["message"].to_string();
            assert!(message.contains(field), "{message}");
        }
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_provider_that_hangs_is_let_go_and_another_one_answers() {
    let (hanging, good) = (silent().await, Upstream::plain().await);
    let gateway = Setup::routed()
        .member(
            "double",
            "hanging",
            &hanging.url(),
            &json!({"timeout": 0.4, "order": 1}),
        )
        .member("double", "good", &good.url(), &json!({"order": 2}))
        .set("router_settings.num_retries", json!(0))
        .set("router_settings.disable_cooldowns", json!(true))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_served();
        assert_eq!(
            course(&call.record),
            ["hanging first timer_attempt", "good next_level answered"],
            "{call:#?}"
        );
        assert_took(&call, 0.4);
    }
    assert_eq!(good.requests().len(), 7);
    for exchange in 0..7 {
        let end = hanging.ended(exchange).await.end;
        assert_eq!(end, Some(ExchangeEnd::PeerClosed));
    }
}

#[tokio::test]
async fn a_group_whose_time_is_spent_hands_over_to_its_fallback() {
    let (hanging, good) = (silent().await, Upstream::plain().await);
    let limits = json!({"timeout": 0.5, "stream_timeout": 0.3});
    let gateway = Setup::routed()
        .member("double", "first", &hanging.url(), &limits)
        .member("other", "second", &good.url(), &json!({}))
        .set("router_settings.num_retries", json!(0))
        .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_served();
        let timer = match call.record["stream"] == true {
            true => "first first timer_first_content",
            false => "first first timer_attempt",
        };
        let expected = [timer, "second fallback answered"];
        assert_eq!(course(&call.record), expected, "{call:#?}");
        assert_eq!(call.view.header("x-litellm-attempted-fallbacks"), Some("1"));
        assert_eq!(call.view.header("x-litellm-model-group"), Some("other"));
    }
}

#[tokio::test]
async fn retries_waits_and_fallbacks_together_stay_inside_the_call() {
    let hanging = silent().await;
    let refuses = Upstream::answering(|_| Script::json(500, &json!({}))).await;
    for upstream in [&hanging, &refuses] {
        let gateway = Setup::routed()
            .member("double", "a", &upstream.url(), &json!({"timeout": 0.4}))
            .member("other", "b", &upstream.url(), &json!({"timeout": 0.4}))
            .member("third", "c", &upstream.url(), &json!({"timeout": 0.4}))
            .set("router_settings.timeout", json!(2))
            .set("router_settings.num_retries", json!(10))
            .set(
                "router_settings.fallbacks",
                json!([{"double": ["other", "third"]}]),
            )
            .start()
            .await;
        for call in everywhere(&gateway, |request| request).await {
            assert!(call.seconds() < 2.0 + SLACK, "{call:#?}");
            assert!([408, 500].contains(&call.view.status), "{call:#?}");
            let log = call.record["attempt_log"].as_array().unwrap();
            assert!(log.len() >= 2, "{call:#?}");
            for attempt in log {
                let started = attempt["started_ms"].as_f64().unwrap();
                assert!(started < 2000.0, "{call:#?}");
            }
        }
    }
}

#[tokio::test]
async fn a_wait_that_does_not_fit_is_not_begun() {
    let refuses = Upstream::answering(|_| Script::json(503, &json!({}))).await;
    let gateway = Setup::routed()
        .double(&refuses.url(), &json!({}))
        .set("router_settings.timeout", json!(30))
        .set("router_settings.retry_after", json!(60))
        .start()
        .await;
    // At least 8 s between two tries, of which the call has 3.
    let change = |it: Request| it.field("timeout", json!(3));
    for call in everywhere(&gateway, change).await {
        call.assert_refused(503, "upstream_error");
        assert_eq!(call.record["attempts"], 1, "{call:#?}");
        assert!(call.seconds() < 2.5, "{call:#?}");
    }
}

#[tokio::test]
async fn a_timeout_may_bound_each_attempt_as_it_does_in_litellm() {
    let hanging = silent().await;
    let gateway = Setup::routed()
        .member("double", "a", &hanging.url(), &json!({}))
        .member("double", "b", &hanging.url(), &json!({}))
        .set("router_settings.timeout", json!(0.4))
        .set("router_settings.timeout_scope", json!("attempt"))
        .set("router_settings.num_retries", json!(1))
        .set("router_settings.disable_cooldowns", json!(true))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_expired("attempt", 0.4, "config.yaml:1:");
        assert_eq!(call.record["attempts"], 2, "{call:#?}");
        assert_took(&call, 0.8);
    }
    for call in everywhere(&gateway, |it| it.field("timeout", json!(0.2))).await {
        call.assert_expired("attempt", 0.2, "the request's field `timeout`");
        assert_eq!(call.record["attempts"], 2, "{call:#?}");
        assert_took(&call, 0.4);
    }
}

#[tokio::test]
async fn a_service_tier_has_limits_of_its_own() {
    let upstream = silent().await;
    let limits = json!({
        "timeout": 0.9,
        "stream_timeout": 0.8,
        "timeout_by_service_tier": {"flex": 0.5},
        "stream_timeout_by_service_tier": {"flex": 0.3},
    });
    let gateway = Setup::new().double(&upstream.url(), &limits).start().await;
    for (tier, plain, stream) in [("flex", 0.5, 0.3), ("default", 0.9, 0.8)] {
        for call in everywhere(&gateway, |it| it.field("service_tier", json!(tier))).await {
            match call.record["stream"] == true {
                true => call.assert_expired("first_content", stream, "config.yaml:1:"),
                false => call.assert_expired("attempt", plain, "config.yaml:1:"),
            }
        }
    }
    // What the request says goes before all of them, and the tier is for the provider, too.
    let change = |it: Request| {
        let it = it.field("service_tier", json!("flex"));
        it.with("x-litellm-timeout", "0.2")
    };
    for call in everywhere(&gateway, change).await {
        call.assert_expired("call", 0.2, "x-litellm-timeout");
    }
    for request in upstream.requests() {
        assert!(request.json()["service_tier"].is_string(), "{request:?}");
    }
}

#[tokio::test]
async fn a_number_that_is_none_is_a_bad_request_that_names_its_place() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let bad = [
        json!("soon"),
        json!(-1),
        json!(true),
        json!([1]),
        json!({}),
        json!("NaN"),
    ];
    for name in ["timeout", "stream_timeout", "num_retries"] {
        for value in &bad {
            let calls = everywhere(&gateway, |it| it.field(name, value.clone())).await;
            for call in calls {
                call.assert_refused(400, "rejected");
                assert!(
                    call.view.json()["error"].to_string().contains(name),
                    "{call:#?}"
                );
            }
        }
    }
    for name in [
        "x-litellm-timeout",
        "x-litellm-stream-timeout",
        "x-litellm-num-retries",
    ] {
        for value in ["soon", "-1", "NaN", "1 s"] {
            for call in everywhere(&gateway, |it| it.with(name, value)).await {
                call.assert_refused(400, "rejected");
                assert!(
                    call.view.json()["error"].to_string().contains(name),
                    "{call:#?}"
                );
            }
        }
    }
    assert!(upstream.requests().is_empty());
    // Nothing is said by a null.
    for call in everywhere(&gateway, |it| it.field("timeout", Value::Null)).await {
        call.assert_served();
    }
}

#[tokio::test]
async fn zero_is_a_value_and_expires_at_once() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for call in everywhere(&gateway, |it| it.field("timeout", json!(0))).await {
        call.assert_expired("call", 0.0, "the request's field `timeout`");
    }
    let gateway = Setup::new()
        .double(&upstream.url(), &json!({"timeout": 0}))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_expired("attempt", 0.0, "config.yaml:1:");
    }
    assert!(upstream.requests().is_empty());
}
