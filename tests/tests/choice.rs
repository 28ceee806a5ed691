//! Which deployment serves a call: strategies, tags, limits; who is set aside, probed and comes back; who waits for a
//! free slot; and second attempts against slow ones.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use end_to_end::call::{self, Call, Carry, Live, course};
use end_to_end::stream::text;
use end_to_end::{Gateway, PATIENCE, Setup, Stream};
use gateway_testkit::client::Request;
use gateway_testkit::dialect::{Dialects, Wire, wants_stream};
use gateway_testkit::script::{Gate, ResponseHead, Script};
use gateway_testkit::upstream::{ExchangeEnd, Recorded, Upstream};
use serde_json::{Value, json};
use tokio::time::Instant;

const CHAT: Wire = Wire::OpenAiChat;

/// A failure in the words of the dialect.
fn failure(request: &Recorded, status: u16) -> Script {
    let wire = Wire::of_path(request.path()).expect("a call");
    Script::json(status, &wire.error_body(status, "the provider's words"))
}

async fn failing(status: u16) -> Upstream {
    Upstream::answering(move |request| failure(request, status)).await
}

/// The group `double` with `a`, which is chosen first, and `b`.
fn pair(a: &Upstream, b: &Upstream) -> Setup {
    Setup::routed()
        .member("double", "a", &a.url(), &json!({"weight": 1}))
        .member("double", "b", &b.url(), &json!({"weight": 0}))
}

async fn calls(gateway: &Gateway, requests: Vec<Request>) -> Vec<Call> {
    let all = requests.into_iter();
    let all = all.map(|request| (CHAT, Carry::Http1, request));
    call::calls(gateway, all.collect()).await
}

async fn chat(gateway: &Gateway, change: impl FnOnce(Request) -> Request) -> Call {
    let request = change(call::plain(CHAT, "hello"));
    calls(gateway, vec![request]).await.pop().unwrap()
}

/// Who served so many calls, one after the other.
async fn servers(gateway: &Gateway, calls: usize) -> String {
    let mut served = String::new();
    for _ in 0..calls {
        let call = chat(gateway, |request| request).await;
        call.assert_served();
        served += call.record["deployment"].as_str().unwrap();
    }
    served
}

/// A plain answer after a while.
async fn slow(pause: u64) -> Upstream {
    Upstream::answering(move |request| {
        let answer = Dialects::default().answer(request).into_steps();
        let begun = Script::new().sleep(Duration::from_millis(pause));
        answer.into_iter().fold(begun, Script::step)
    })
    .await
}

#[tokio::test]
async fn who_fails_is_set_aside_and_one_probe_decides_about_the_return() {
    let (a, b) = (failing(500).await, Upstream::plain().await);
    let gateway = pair(&a, &b)
        .set("router_settings.allowed_fails", json!(0))
        .set("router_settings.cooldown_time", json!(4))
        .start()
        .await;
    let call = chat(&gateway, |request| request).await;
    assert_eq!(
        course(&call.record),
        ["a first internal", "b retry answered"]
    );
    let aside = Instant::now();
    assert_eq!(servers(&gateway, 5).await, "bbbbb");
    assert_eq!(a.requests().len(), 1);
    let gate = Gate::new();
    {
        let gate = gate.clone();
        a.set_handler(move |request| {
            let answer = Dialects::default().answer(request).into_steps();
            answer
                .into_iter()
                .fold(Script::new().wait(&gate), Script::step)
        });
    }
    tokio::time::sleep_until(aside + Duration::from_millis(4200)).await;
    // One of them is the probe, and the others do not wait for what becomes of it.
    let mut probe = Live::open(&gateway, Carry::Http1, &call::plain(CHAT, "probe")).await;
    a.requests_reach(2).await;
    assert_eq!(servers(&gateway, 8).await, "bbbbbbbb");
    assert_eq!(a.requests().len(), 2);
    gate.open();
    assert_eq!(probe.head().await.unwrap().status, 200);
    assert_eq!(servers(&gateway, 3).await, "aaa");
}

#[tokio::test]
async fn a_probe_that_fails_makes_the_time_longer() {
    let (a, b) = (failing(500).await, Upstream::plain().await);
    let gateway = pair(&a, &b)
        .set("router_settings.allowed_fails", json!(0))
        .set("router_settings.cooldown_time", json!(0.5))
        .set("router_settings.num_retries", json!(1))
        .start()
        .await;
    let until = Instant::now() + PATIENCE;
    while a.requests().len() < 4 {
        chat(&gateway, |request| request).await.assert_served();
        assert!(Instant::now() < until, "{:?}", a.requests());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let at: Vec<Instant> = a.requests().iter().map(|request| request.at).collect();
    let pauses: Vec<f64> = at
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect();
    for (pause, least) in pauses.iter().zip([0.48, 0.96, 1.9]) {
        assert!(*pause >= least, "{pauses:?}");
    }
}

#[tokio::test]
async fn a_failure_rate_sets_aside_where_nothing_is_configured() {
    let (a, b) = (failing(500).await, Upstream::plain().await);
    let gateway = pair(&a, &b)
        .set("router_settings.cooldown_time", json!(60))
        .start()
        .await;
    assert_eq!(servers(&gateway, 10).await, "b".repeat(10));
    assert_eq!(a.requests().len(), 5);
    // A rate limit and wrong credentials do so at once.
    for status in [429, 401] {
        let a = failing(status).await;
        let gateway = pair(&a, &b).start().await;
        assert_eq!(servers(&gateway, 4).await, "bbbb");
        assert_eq!(a.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn whoever_is_alone_is_never_set_aside_for_what_passes() {
    for status in [500, 503, 429, 408] {
        let a = failing(status).await;
        let gateway = Setup::routed()
            // The other one of the group speaks another dialect, and is no help.
            .member("double", "a", &a.url(), &json!({}))
            .set("router_settings.num_retries", json!(0))
            .start()
            .await;
        for sent in 1..=8 {
            let call = chat(&gateway, |request| request).await;
            call.assert_refused(status, "upstream_error");
            assert_eq!(a.requests().len(), sent);
        }
        a.set_handler(|request| Dialects::default().answer(request));
        assert_eq!(servers(&gateway, 2).await, "aa");
    }
}

#[tokio::test]
async fn a_callers_own_impatience_sets_nobody_aside() {
    let a = Upstream::answering(|_| Script::new().stall()).await;
    let b = Upstream::plain().await;
    let gateway = pair(&a, &b)
        .set("router_settings.allowed_fails", json!(0))
        .set("router_settings.num_retries", json!(0))
        .start()
        .await;
    for request in [
        call::plain(CHAT, "hello").field("timeout", json!(0.05)),
        call::plain(CHAT, "hello").with("x-litellm-timeout", "0.05"),
        call::streaming(CHAT, "hello").field("stream_timeout", json!(0.05)),
    ] {
        for call in calls(&gateway, vec![request; 4]).await {
            assert_eq!(call.view.status, 408, "{call:#?}");
        }
    }
    // A client that leaves is no verdict, either.
    let seen = a.requests().len() as u64;
    let mut client = gateway.http1().await;
    client.send(&call::plain(CHAT, "hello")).await.unwrap();
    let last = a.requests_reach(seen + 1).await.len() as u64 - 1;
    client.close().await;
    a.ended(last).await;
    a.set_handler(|request| Dialects::default().answer(request));
    assert_eq!(servers(&gateway, 4).await, "aaaa");
    // The operator's own timer is one.
    let hanging = Upstream::answering(|_| Script::new().stall()).await;
    let gateway = pair(&hanging, &b)
        .set("router_settings.allowed_fails", json!(0))
        .set("router_settings.default_litellm_params.timeout", json!(0.2))
        .start()
        .await;
    assert_eq!(servers(&gateway, 3).await, "bbb");
    assert_eq!(hanging.requests().len(), 1);
}

#[tokio::test]
async fn when_rates_are_the_cause_the_answer_is_429_and_says_when() {
    let limited = |request: &Recorded| {
        let wire = Wire::of_path(request.path()).expect("a call");
        let head = ResponseHead::json(429).with("retry-after", "30");
        Script::new()
            .head(head)
            .bytes(wire.error_body(429, "slow down").to_string())
            .end()
    };
    let (a, b) = (
        Upstream::answering(limited).await,
        Upstream::answering(limited).await,
    );
    let gateway = pair(&a, &b)
        .set("router_settings.num_retries", json!(1))
        .start()
        .await;
    let call = chat(&gateway, |request| request).await;
    call.assert_refused(429, "upstream_error");
    assert_eq!(
        course(&call.record),
        ["a first rate_limit", "b retry rate_limit"]
    );
    let call = chat(&gateway, |request| request).await;
    call.assert_refused(429, "rejected");
    assert_eq!(call.record["attempts"], 0, "{call:#?}");
    let wait: f64 = call.view.header("retry-after").unwrap().parse().unwrap();
    assert!((1.0..=60.0).contains(&wait), "{wait}");
    assert_eq!((a.requests().len(), b.requests().len()), (1, 1));
}

#[tokio::test]
async fn who_is_refused_by_everybody_is_told_when_the_first_one_returns() {
    let (a, b) = (failing(429).await, failing(429).await);
    let gateway = pair(&a, &b)
        .set("router_settings.cooldown_time", json!(20))
        .start()
        .await;
    let call = chat(&gateway, |request| request).await;
    call.assert_refused(429, "upstream_error");
    let wait = call.view.header("retry-after").expect("a wait");
    let wait: f64 = wait.parse().unwrap();
    assert!((10.0..=20.0).contains(&wait), "{wait}");
}

#[tokio::test]
async fn when_failures_are_the_cause_one_is_tried_nevertheless_or_the_answer_is_503() {
    let (a, b) = (failing(500).await, failing(500).await);
    let gateway = pair(&a, &b)
        .set("router_settings.allowed_fails", json!(0))
        .set("router_settings.cooldown_time", json!(60))
        .start()
        .await;
    chat(&gateway, |request| request)
        .await
        .assert_refused(500, "upstream_error");
    let sent = a.requests().len() + b.requests().len();
    let call = chat(&gateway, |request| request).await;
    assert_eq!(call.record["attempts"], 1, "{call:#?}");
    assert_eq!(a.requests().len() + b.requests().len(), sent + 1);
    a.set_handler(|request| Dialects::default().answer(request));
    b.set_handler(|request| Dialects::default().answer(request));
    chat(&gateway, |request| request).await.assert_served();
    // What somebody must repair is not tried.
    let (a, b) = (failing(401).await, failing(401).await);
    let gateway = pair(&a, &b).start().await;
    chat(&gateway, |request| request)
        .await
        .assert_refused(401, "upstream_error");
    let call = chat(&gateway, |request| request).await;
    call.assert_refused(503, "rejected");
    assert!(call.view.header("retry-after").is_some(), "{call:#?}");
    assert_eq!((a.requests().len(), b.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_fallback_serves_while_the_whole_group_is_set_aside() {
    let (a, good) = (failing(401).await, Upstream::plain().await);
    let gateway = pair(&a, &a)
        .member("other", "c", &good.url(), &json!({}))
        .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
        .start()
        .await;
    assert_eq!(servers(&gateway, 3).await, "ccc");
    assert_eq!(a.requests().len(), 2);
}

fn by(strategy: &str, setup: Setup) -> Setup {
    setup.set("router_settings.routing_strategy", json!(strategy))
}

/// The group `double` with `a` and `b`, with these parameters.
fn members(a: &Upstream, of_a: &Value, b: &Upstream, of_b: &Value) -> Setup {
    Setup::routed()
        .member("double", "a", &a.url(), of_a)
        .member("double", "b", &b.url(), of_b)
}

#[tokio::test]
async fn the_shuffle_goes_by_the_first_of_weight_rpm_and_tpm() {
    let upstream = Upstream::plain().await;
    let none = json!({"rpm": 0, "tpm": 0});
    for (of_a, of_b) in [
        (
            json!({"weight": 1, "rpm": 1}),
            json!({"weight": 0, "rpm": 1000}),
        ),
        (
            json!({"rpm": 100_000, "tpm": 1}),
            json!({"rpm": 0, "tpm": 1000}),
        ),
        (json!({"tpm": 100_000}), none),
    ] {
        let gateway = members(&upstream, &of_a, &upstream, &of_b).start().await;
        assert_eq!(servers(&gateway, 12).await, "a".repeat(12), "{of_a} {of_b}");
    }
}

#[tokio::test]
async fn the_least_busy_one_takes_the_next_call() {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let none = json!({});
    let setup = by("least-busy", members(&upstream, &none, &upstream, &none));
    let gateway = setup.start().await;
    let mut streams = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..8 {
        let (request, id) = call::named(call::streaming(CHAT, "hello"));
        let mut live = Live::open(&gateway, Carry::Http1, &request).await;
        live.head().await.unwrap();
        live.content().await;
        streams.push(live);
        ids.push(id);
    }
    gate.open();
    let mut served = String::new();
    for (mut live, id) in streams.into_iter().zip(ids) {
        live.rest().await;
        served += gateway.record(&id).await["deployment"].as_str().unwrap();
    }
    // Each pair of calls finds both equally busy, and then one of them busier.
    for pair in served.as_bytes().chunks(2) {
        assert_ne!(pair[0], pair[1], "{served}");
    }
}

#[tokio::test]
async fn the_fastest_one_takes_the_next_call() {
    let (a, b) = (slow(1000).await, Upstream::plain().await);
    let none = json!({});
    let setup = by("latency-based-routing", members(&a, &none, &b, &none));
    let gateway = setup.start().await;
    // Who is not known yet is tried.
    let mut first: Vec<char> = servers(&gateway, 2).await.chars().collect();
    first.sort_unstable();
    assert_eq!(first, ['a', 'b']);
    assert_eq!(servers(&gateway, 6).await, "bbbbbb");
}

#[tokio::test]
async fn the_one_with_the_fewest_tokens_of_this_minute_takes_the_next_call() {
    let upstream = Upstream::plain().await;
    let none = json!({});
    for strategy in ["usage-based-routing-v2", "usage-based-routing"] {
        let setup = by(strategy, members(&upstream, &none, &upstream, &none));
        let gateway = setup.start().await;
        let long = |it: Request| {
            let text = "[[double events=500]]";
            it.field("messages", json!([{"role": "user", "content": text}]))
        };
        let call = chat(&gateway, long).await;
        let busy = call.record["deployment"].as_str().unwrap().to_owned();
        let other = if busy == "a" { "b" } else { "a" };
        assert_eq!(servers(&gateway, 6).await, other.repeat(6));
    }
}

#[tokio::test]
async fn the_cheapest_one_takes_the_next_call_and_the_next_its_retries() {
    let (a, b) = (Upstream::plain().await, Upstream::plain().await);
    let cheap = json!({"input_cost_per_token": 0.000_001, "output_cost_per_token": 0.000_002});
    let dear = json!({"input_cost_per_token": 0.000_003, "output_cost_per_token": 0.000_006});
    let setup = by("cost-based-routing", members(&a, &dear, &b, &cheap));
    let gateway = setup.start().await;
    assert_eq!(servers(&gateway, 6).await, "bbbbbb");
    b.set_handler(|request| failure(request, 500));
    let call = chat(&gateway, |request| request).await;
    assert_eq!(
        course(&call.record),
        ["b first internal", "a retry answered"]
    );
}

#[tokio::test]
async fn tags_decide_who_may_serve() {
    let upstream = Upstream::plain().await;
    let url = upstream.url();
    let tagged = |setup: Setup, id: &str| setup.member("double", id, &url, &json!({"tags": [id]}));
    let world = || {
        let setup = Setup::routed().set("router_settings.enable_tag_filtering", json!(true));
        ["free", "paid"].into_iter().fold(setup, tagged)
    };
    let of_body =
        |tag: &'static str| move |it: Request| it.field("metadata", json!({"tags": [tag]}));
    let of_header = |tag: &'static str| move |it: Request| it.with("x-litellm-tags", tag);
    let gateway = world().start().await;
    for tag in ["free", "paid"] {
        for call in [
            chat(&gateway, of_body(tag)).await,
            chat(&gateway, of_header(tag)).await,
        ] {
            call.assert_served();
            assert_eq!(call.record["deployment"], tag, "{call:#?}");
        }
    }
    let call = chat(&gateway, of_body("unknown")).await;
    call.assert_refused(400, "rejected");
    let with_default = tagged(world(), "default").start().await;
    for call in [
        chat(&with_default, |request| request).await,
        chat(&with_default, of_body("unknown")).await,
    ] {
        call.assert_served();
        assert_eq!(call.record["deployment"], "default", "{call:#?}");
    }
    for request in upstream.requests() {
        let body = request.json().to_string();
        assert!(!body.contains("tags"), "{body}");
    }
}

#[tokio::test]
async fn inputs_go_where_they_fit_and_stay_in_their_region() {
    let upstream = Upstream::plain().await;
    let url = upstream.url();
    let entry = |setup: Setup, id: &str, tokens: u64, region: &str| {
        let base = format!("{url}/v1");
        let params = json!({"model": "openai/double", "api_base": base, "api_key": "k", "region_name": region});
        let info = json!({"id": id, "max_input_tokens": tokens});
        setup.entry(json!({"model_name": "double", "litellm_params": params, "model_info": info}))
    };
    let setup = Setup::routed().set("router_settings.enable_pre_call_checks", json!(true));
    let setup = entry(entry(setup, "small", 100, "eu"), "large", 100_000, "us");
    let gateway = setup.start().await;
    let says = |text: String| {
        move |it: Request| it.field("messages", json!([{"role": "user", "content": text}]))
    };
    for _ in 0..6 {
        let call = chat(&gateway, says("word ".repeat(2000))).await;
        assert_eq!(call.record["deployment"], "large", "{call:#?}");
    }
    let call = chat(&gateway, says("word ".repeat(500_000))).await;
    call.assert_refused(400, "rejected");
    assert_eq!(call.view.json()["error"]["code"], "context_length_exceeded");
    for (region, id) in [("eu", "small"), ("us", "large")] {
        let call = chat(&gateway, |it| {
            it.field("allowed_model_region", json!(region))
        })
        .await;
        assert_eq!(call.record["deployment"], id, "{call:#?}");
    }
}

/// A deployment that takes one call at a time, and streams that end when the gate opens.
async fn one_at_a_time(more: impl FnOnce(Setup) -> Setup) -> (Upstream, Gateway, Gate) {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let limited = json!({"max_parallel_requests": 1});
    let setup = Setup::routed().member("double", "a", &upstream.url(), &limited);
    let gateway = more(setup.set("router_settings.num_retries", json!(0)))
        .start()
        .await;
    (upstream, gateway, gate)
}

#[tokio::test]
async fn calls_wait_in_line_for_a_deployment_that_takes_one_at_a_time() {
    let (upstream, gateway, gate) = one_at_a_time(|setup| setup).await;
    let mut first = Live::open(&gateway, Carry::Http1, &call::streaming(CHAT, "hello")).await;
    first.head().await.unwrap();
    first.content().await;
    let second = call::streaming(CHAT, "hello");
    let mut second = Live::open(&gateway, Carry::Http1, &second).await;
    let third = chat(&gateway, |it| it.field("timeout", json!(0.4))).await;
    assert_eq!(third.view.status, 408, "{third:#?}");
    assert_eq!(upstream.requests().len(), 1);
    gate.open();
    second.head().await.unwrap();
    for live in [&mut first, &mut second] {
        let (events, _) = live.rest().await;
        assert!(events.last().is_some_and(|event| event.is_marker()));
    }
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn the_line_has_an_end_in_time_and_in_length() {
    let patience = |setup: Setup| setup.set("router_settings.pool_timeout", json!(0.4));
    let (_upstream, gateway, gate) = one_at_a_time(patience).await;
    let mut first = Live::open(&gateway, Carry::Http1, &call::streaming(CHAT, "hello")).await;
    first.head().await.unwrap();
    first.content().await;
    let call = chat(&gateway, |request| request).await;
    call.assert_expired("pool", 0.4, "config.yaml:1:");
    gate.open();
    let short = |setup: Setup| setup.set("gateway.max_waiting_per_deployment", json!(0));
    let (upstream, gateway, _gate) = one_at_a_time(short).await;
    let mut first = Live::open(&gateway, Carry::Http1, &call::streaming(CHAT, "hello")).await;
    first.head().await.unwrap();
    first.content().await;
    let call = chat(&gateway, |request| request).await;
    call.assert_refused(429, "rejected");
    assert!(call.view.header("retry-after").is_some(), "{call:#?}");
    assert!(call.seconds() < 2.0, "{call:#?}");
    assert_eq!(upstream.requests().len(), 1);
}

/// The pair with second attempts after 0.3 s.
fn hedged(a: &Upstream, b: &Upstream) -> Setup {
    let hedging = json!({"double": {"after_seconds": 0.3, "budget": 1}});
    pair(a, b).set("gateway.hedging", hedging)
}

#[tokio::test]
async fn a_second_attempt_that_is_faster_wins_and_the_slow_one_is_cancelled_at_once() {
    let slow = Upstream::answering(|_| Script::new().head(ResponseHead::sse()).stall()).await;
    let fast = Upstream::plain().await;
    let gateway = hedged(&slow, &fast).start().await;
    for wire in call::STREAMING {
        let requests = vec![(wire, Carry::Http1, call::streaming(wire, "hello"))];
        let call = call::calls(&gateway, requests).await.pop().unwrap();
        call.assert_complete(&text(5));
        assert_eq!(
            course(&call.record),
            ["a first lost", "b hedge answered"],
            "{call:#?}"
        );
        assert_eq!(call.record["hedges"], 1, "{call:#?}");
        let exchange = slow.last_ended().await;
        assert_eq!(exchange.end, Some(ExchangeEnd::PeerClosed));
    }
    assert_eq!(fast.requests().len(), 3);
}

#[tokio::test]
async fn a_first_attempt_that_comes_in_time_or_before_the_second_wins() {
    let late = Upstream::answering(|request| {
        let stream = Stream::answering(request);
        let begun = Script::new()
            .head(ResponseHead::sse())
            .sleep(Duration::from_millis(900));
        begun.all(stream.events).end()
    })
    .await;
    let never = Upstream::answering(|_| Script::new().stall()).await;
    let gateway = hedged(&late, &never).start().await;
    let request = call::streaming(CHAT, "hello");
    let call = calls(&gateway, vec![request.clone()]).await.pop().unwrap();
    call.assert_complete(&text(5));
    assert_eq!(
        course(&call.record),
        ["a first answered", "b hedge lost"],
        "{call:#?}"
    );
    let end = never.last_ended().await.end;
    assert_eq!(end, Some(ExchangeEnd::PeerClosed));
    // In time: nobody else is asked.
    let quick = Upstream::plain().await;
    let gateway = hedged(&quick, &never)
        .set("gateway.hedging.double.after_seconds", json!(5))
        .start()
        .await;
    let asked = never.requests().len();
    let call = calls(&gateway, vec![request]).await.pop().unwrap();
    assert_eq!(
        (&call.record["attempts"], &call.record["hedges"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(never.requests().len(), asked);
}

#[tokio::test]
async fn if_one_of_two_fails_the_other_goes_on() {
    let late = Upstream::answering(|request| {
        let stream = Stream::answering(request);
        Script::events(stream.events).into_steps().into_iter().fold(
            Script::new().sleep(Duration::from_millis(900)),
            Script::step,
        )
    })
    .await;
    let bad = failing(500).await;
    let gateway = hedged(&late, &bad).start().await;
    let call = calls(&gateway, vec![call::streaming(CHAT, "hello")])
        .await
        .pop()
        .unwrap();
    call.assert_complete(&text(5));
    assert_eq!(
        course(&call.record),
        ["a first answered", "b hedge internal"],
        "{call:#?}"
    );
}

#[tokio::test]
async fn hedges_stay_in_their_budget_and_leave_alone_what_must_not_be_done_twice() {
    let slow = Arc::new(slow_streams().await);
    let (a, b) = (&*slow, &*slow);
    let none = pair(a, b)
        .set(
            "gateway.hedging",
            json!({"*": {"after_seconds": 0.1, "budget": 0}}),
        )
        .start()
        .await;
    let eager = pair(a, b)
        .set(
            "gateway.hedging",
            json!({"*": {"after_seconds": 0.1, "budget": 1}}),
        )
        .start()
        .await;
    let stream = || call::streaming(CHAT, "hello");
    for (gateway, request, hedges) in [
        (&none, stream(), 0),
        (&eager, stream(), 1),
        (&eager, stream().field("store", json!(true)), 0),
        (&eager, call::plain(CHAT, "hello"), 0),
    ] {
        let call = calls(gateway, vec![request]).await.pop().unwrap();
        call.assert_served();
        assert_eq!(call.record["hedges"], hedges, "{call:#?}");
    }
}

/// Answers after 600 ms.
async fn slow_streams() -> Upstream {
    Upstream::answering(|request| {
        let begun = Script::new().sleep(Duration::from_millis(600));
        let answer = match wants_stream(request) {
            true => Script::events(Stream::answering(request).events),
            false => Dialects::default().answer(request),
        };
        answer.into_steps().into_iter().fold(begun, Script::step)
    })
    .await
}

#[tokio::test]
async fn retries_stay_in_the_budget_of_their_group_and_of_their_call() {
    let bad = failing(500).await;
    let group = |key: &str, value: Value| {
        pair(&bad, &bad)
            .set("router_settings.disable_cooldowns", json!(true))
            .set("router_settings.num_retries", json!(3))
            .set(key, value)
    };
    // None at all; 20 within the ten seconds that are looked at; and so many for a call, fallbacks included.
    let none = group("gateway.retry_budget", json!({"share": 0, "per_second": 0}));
    let gateway = none.start().await;
    let call = chat(&gateway, |request| request).await;
    assert_eq!(call.record["attempts"], 1, "{call:#?}");
    let few = group("gateway.retry_budget", json!({"share": 0, "per_second": 2}));
    let gateway = few.start().await;
    let requests = vec![call::plain(CHAT, "hello"); 30];
    let retries = |call: &Call| call.record["retries"].as_u64().unwrap();
    let made: u64 = calls(&gateway, requests).await.iter().map(retries).sum();
    assert!((15..=40).contains(&made), "{made} retries");
    let bounded = group("litellm_settings.num_retries_per_request", json!(2))
        .member("other", "c", &bad.url(), &json!({}))
        .set("router_settings.fallbacks", json!([{"double": ["other"]}]));
    let gateway = bounded.start().await;
    let call = chat(&gateway, |request| request).await;
    assert_eq!(call.record["attempts"], 3, "{call:#?}");
}
