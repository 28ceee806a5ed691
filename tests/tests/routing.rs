//! What happens to a call that fails: tried again so often, there, after such a wait; then the next level, the other
//! members, the fallbacks; and only before its client has seen anything.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use end_to_end::call::{self, Call, Carry, course};
use end_to_end::stream::text;
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::client::Request;
use gateway_testkit::dialect::{Dialects, Wire};
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};

/// A failure in the words of the dialect, with these headers.
fn failure(request: &Recorded, status: u16, headers: &[(&str, &str)]) -> Script {
    let wire = Wire::of_path(request.path()).expect("a call");
    let head = ResponseHead::json(status);
    let head = headers
        .iter()
        .fold(head, |head, (name, value)| head.with(name, value));
    let body = wire.error_body(status, "the provider's words").to_string();
    Script::new().head(head).bytes(body).end()
}

/// A provider that always fails like this.
async fn failing(status: u16) -> Upstream {
    Upstream::answering(move |request| failure(request, status, &[])).await
}

/// A provider that fails its first request like this, and answers all others. `{date}` is two seconds away from then.
async fn failing_once(status: u16, header: (&'static str, String)) -> Upstream {
    let first = Mutex::new(true);
    Upstream::answering(move |request| {
        if std::mem::take(&mut *first.lock().unwrap()) {
            let soon = httpdate(SystemTime::now() + Duration::from_secs(2));
            let value = header.1.replace("{date}", &soon);
            return failure(request, status, &[(header.0, &value)]);
        }
        Dialects::default().answer(request)
    })
    .await
}

/// Nobody is set aside: what is seen is what one call does.
fn setup() -> Setup {
    Setup::routed().set("router_settings.disable_cooldowns", json!(true))
}

/// The group `double` with `a`, which is chosen first, and `b`.
fn pair(a: &Upstream, b: &Upstream) -> Setup {
    setup()
        .member("double", "a", &a.url(), &json!({"weight": 1}))
        .member("double", "b", &b.url(), &json!({"weight": 0}))
}

/// One call over HTTP/1.1.
async fn one(gateway: &Gateway, wire: Wire, request: Request) -> Call {
    let mut calls = call::calls(gateway, vec![(wire, Carry::Http1, request)]).await;
    calls.pop().unwrap()
}

async fn chat(gateway: &Gateway, change: impl FnOnce(Request) -> Request) -> Call {
    let request = change(call::plain(Wire::OpenAiChat, "hello"));
    one(gateway, Wire::OpenAiChat, request).await
}

/// The same request on every endpoint, side by side.
async fn everywhere(gateway: &Gateway, change: impl Fn(Request) -> Request) -> Vec<Call> {
    call::calls(gateway, call::on_every_endpoint(change)).await
}

#[tokio::test]
async fn a_call_that_fails_is_tried_twice_more_and_hears_the_last_word() {
    let upstream = Upstream::answering(|it| failure(it, 500, &[("retry-after-ms", "1")])).await;
    let gateway = setup()
        .member("double", "a", &upstream.url(), &json!({}))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_refused(500, "upstream_error");
        let message = call.view.json()["error"]["message"].to_string();
        assert!(message.contains("the provider's words"), "{message}");
        assert!(message.contains("3 attempts"), "{message}");
        let expected = ["a first internal", "a retry internal", "a retry internal"];
        assert_eq!(course(&call.record), expected, "{call:#?}");
        assert_eq!(call.view.header("x-litellm-attempted-retries"), Some("2"));
        assert_eq!(call.view.header("x-litellm-attempted-fallbacks"), Some("0"));
    }
    assert_eq!(upstream.requests().len(), 7 * 3);
}

#[tokio::test]
async fn a_retry_that_is_answered_is_all_that_its_client_sees() {
    let (bad, good) = (failing(503).await, Upstream::plain().await);
    let gateway = pair(&bad, &good).start().await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_served();
        if call.wire != Wire::OpenAiEmbeddings {
            assert_eq!(call.text(), text(5), "{call:#?}");
        }
        let failed = course(&call.record);
        assert_eq!(
            failed,
            ["a first unavailable", "b retry answered"],
            "{call:#?}"
        );
        assert_eq!(call.record["retries"], 1, "{call:#?}");
        assert_eq!(call.view.header("x-litellm-attempted-retries"), Some("1"));
        let id = call.view.header("x-litellm-model-id").unwrap();
        assert!(id.starts_with('b'), "{call:#?}");
        // Nobody waits while another one can serve.
        assert!(call.seconds() < 2.0, "{call:#?}");
    }
}

/// A group of two deployments that fail with 500: parameters of both, and sections of the configuration.
fn of_two(upstream: &Upstream, params: &Value, sections: &Value) -> Setup {
    let url = upstream.url();
    let mut setup = setup()
        .member("double", "a", &url, params)
        .member("double", "b", &url, params);
    for (section, keys) in sections.as_object().unwrap() {
        for (key, value) in keys.as_object().unwrap() {
            setup = setup.set(&format!("{section}.{key}"), value.clone());
        }
    }
    setup
}

#[tokio::test]
async fn retries_are_counted_by_the_policy_the_deployment_or_the_router() {
    let upstream = failing(500).await;
    let policy = json!({"InternalServerErrorRetries": 4, "TimeoutErrorRetries": 1});
    let own = json!({"double": {"InternalServerErrorRetries": 3}});
    let others = json!({"other": {"InternalServerErrorRetries": 3}});
    let default = json!({"DefaultRetries": 1, "RateLimitErrorRetries": 5});
    for (params, router, litellm, sends) in [
        (json!({}), json!({}), json!({}), 3),
        (json!({}), json!({}), json!({"num_retries": 4}), 5),
        (
            json!({}),
            json!({"num_retries": 1}),
            json!({"num_retries": 4}),
            2,
        ),
        (
            json!({"num_retries": 5}),
            json!({"num_retries": 1}),
            json!({}),
            6,
        ),
        (
            json!({"max_retries": 0, "num_retries": 1}),
            json!({}),
            json!({}),
            2,
        ),
        (
            json!({"num_retries": 5}),
            json!({"retry_policy": policy}),
            json!({}),
            5,
        ),
        (json!({}), json!({"retry_policy": default}), json!({}), 2),
        (
            json!({}),
            json!({"retry_policy": policy, "model_group_retry_policy": own}),
            json!({}),
            4,
        ),
        (
            json!({}),
            json!({"retry_policy": policy, "model_group_retry_policy": others}),
            json!({}),
            5,
        ),
    ] {
        let sections = json!({"router_settings": router, "litellm_settings": litellm});
        let gateway = of_two(&upstream, &params, &sections).start().await;
        let call = chat(&gateway, |request| request).await;
        assert_eq!(
            call.record["attempts"], sends,
            "{params} {sections}: {call:#?}"
        );
    }
}

#[tokio::test]
async fn what_a_request_says_of_retries_goes_before_everything() {
    let upstream = failing(500).await;
    let policy = json!({"InternalServerErrorRetries": 3});
    let sections = json!({"router_settings": {"num_retries": 1, "retry_policy": policy}});
    let gateway = of_two(&upstream, &json!({"num_retries": 5}), &sections)
        .start()
        .await;
    let field = |name: &'static str, n: u32| move |it: Request| it.field(name, json!(n));
    let header = |name: &'static str, n: &'static str| move |it: Request| it.with(name, n);
    let both = |it: Request| {
        it.field("num_retries", json!(7))
            .with("x-litellm-num-retries", "1")
    };
    for (call, sends) in [
        (chat(&gateway, field("num_retries", 0)).await, 1),
        (chat(&gateway, field("num_retries", 1)).await, 2),
        (chat(&gateway, field("max_retries", 2)).await, 3),
        (
            chat(&gateway, header("x-litellm-num-retries", "4")).await,
            5,
        ),
        (chat(&gateway, both).await, 2),
        // The client's own library has tried once, or often, already.
        (
            chat(&gateway, header("x-stainless-retry-count", "1")).await,
            3,
        ),
        (
            chat(&gateway, header("x-stainless-retry-count", "9")).await,
            1,
        ),
    ] {
        assert_eq!(call.record["attempts"], sends, "{call:#?}");
    }
}

#[tokio::test]
async fn a_policy_is_for_its_kind_of_failure() {
    for (status, name, word) in [
        (429, "RateLimitErrorRetries", "rate_limit"),
        (503, "ServiceUnavailableErrorRetries", "unavailable"),
        (504, "TimeoutErrorRetries", "timeout"),
        (400, "BadRequestErrorRetries", "invalid_request"),
        (404, "NotFoundErrorRetries", "not_found"),
    ] {
        let upstream = failing(status).await;
        let url = upstream.url();
        let gateway = setup()
            .member("double", "a", &url, &json!({"weight": 1}))
            .member("double", "b", &url, &json!({"weight": 0}))
            .set("router_settings.retry_policy", json!({name: 1}))
            .set("router_settings.num_retries", json!(0))
            .start()
            .await;
        let call = chat(&gateway, |request| request).await;
        let expected = [format!("a first {word}"), format!("b retry {word}")];
        assert_eq!(course(&call.record), expected, "{call:#?}");
    }
}

#[tokio::test]
async fn a_wait_that_the_only_provider_asks_for_is_kept_in_all_three_forms() {
    for (header, least) in [
        (("retry-after", "1".to_owned()), 1.0),
        (("retry-after-ms", "700".to_owned()), 0.7),
        // Dates have whole seconds.
        (("retry-after", "{date}".to_owned()), 0.8),
    ] {
        let upstream = failing_once(429, header.clone()).await;
        let gateway = setup()
            .member("double", "a", &upstream.url(), &json!({}))
            .start()
            .await;
        let call = chat(&gateway, |request| request).await;
        call.assert_served();
        assert_eq!(
            course(&call.record),
            ["a first rate_limit", "a retry answered"]
        );
        let requests = upstream.requests();
        let waited = (requests[1].at - requests[0].at).as_secs_f64();
        assert!((least..10.0).contains(&waited), "{header:?}: {waited}");
    }
}

#[tokio::test]
async fn a_wait_of_one_provider_is_no_reason_to_wait_for_another() {
    for header in [
        ("retry-after", "30".to_owned()),
        ("retry-after-ms", "30000".to_owned()),
        (
            "retry-after",
            httpdate(SystemTime::now() + Duration::from_secs(30)),
        ),
    ] {
        let (limited, good) = (failing_once(429, header).await, Upstream::plain().await);
        let gateway = pair(&limited, &good).start().await;
        let call = chat(&gateway, |request| request).await;
        call.assert_served();
        assert_eq!(
            course(&call.record),
            ["a first rate_limit", "b retry answered"]
        );
        assert!(call.seconds() < 5.0, "{call:#?}");
    }
}

/// A date as HTTP has it, by the machine's own tool.
fn httpdate(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let mut date = std::process::Command::new("date");
    date.env("LC_ALL", "C");
    date.args([
        "-u",
        "+%a, %d %b %Y %H:%M:%S GMT",
        "-d",
        &format!("@{seconds}"),
    ]);
    String::from_utf8(date.output().unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

#[tokio::test]
async fn a_provider_says_whether_it_makes_sense_to_try_again() {
    let good = Upstream::plain().await;
    let no = failing_once(500, ("x-should-retry", "false".to_owned())).await;
    let gateway = setup()
        .member("double", "a", &no.url(), &json!({}))
        .start()
        .await;
    let call = chat(&gateway, |request| request).await;
    call.assert_refused(500, "upstream_error");
    assert_eq!(call.record["attempts"], 1, "{call:#?}");
    // Others were not asked.
    let no = failing_once(500, ("x-should-retry", "false".to_owned())).await;
    let call = chat(&pair(&no, &good).start().await, |request| request).await;
    call.assert_served();
    assert_eq!(
        course(&call.record),
        ["a first internal", "b retry answered"]
    );
    let yes = failing_once(400, ("x-should-retry", "true".to_owned())).await;
    let gateway = setup()
        .member("double", "a", &yes.url(), &json!({}))
        .start()
        .await;
    let call = chat(&gateway, |request| request).await;
    call.assert_served();
    assert_eq!(call.record["attempts"], 2, "{call:#?}");
}

#[tokio::test]
async fn what_would_fail_again_is_not_sent_again() {
    let good = Upstream::plain().await;
    for status in [400, 404, 413, 422] {
        let bad = failing(status).await;
        let gateway = pair(&bad, &good).start().await;
        for call in everywhere(&gateway, |request| request).await {
            call.assert_refused(status, "upstream_error");
            assert_eq!(call.record["attempts"], 1, "{call:#?}");
        }
    }
    assert!(good.requests().is_empty());
}

#[tokio::test]
async fn credentials_that_are_refused_are_not_shown_again_to_who_refused_them() {
    let no_credit = |_: &Recorded| {
        let error = json!({"message": "no credit", "code": "insufficient_quota"});
        Script::json(429, &json!({"error": error}))
    };
    let good = Upstream::plain().await;
    let no_credit = Upstream::answering(no_credit).await;
    for (bad, word, comes_back) in [
        (failing(401).await, "authentication", None),
        (failing(403).await, "permission", None),
        (no_credit, "billing", Some("false")),
    ] {
        let alone = setup()
            .member("double", "a", &bad.url(), &json!({}))
            .start()
            .await;
        let call = chat(&alone, |request| request).await;
        assert_eq!(call.record["attempts"], 1, "{call:#?}");
        assert_eq!(call.view.header("x-should-retry"), comes_back);
        let call = chat(&pair(&bad, &good).start().await, |request| request).await;
        call.assert_served();
        let expected = [format!("a first {word}"), "b retry answered".to_owned()];
        assert_eq!(course(&call.record), expected, "{call:#?}");
    }
}

#[tokio::test]
async fn work_that_may_have_been_done_is_not_done_again() {
    let lost = Upstream::answering(|_| Script::new().reset()).await;
    let good = Upstream::plain().await;
    let gateway = pair(&lost, &good)
        .member("other", "c", &good.url(), &json!({}))
        .start()
        .await;
    for call in everywhere(&gateway, |request| request).await {
        call.assert_refused(502, "truncated");
        assert_eq!(call.view.header("x-should-retry"), Some("false"));
        assert_eq!(call.record["attempts"], 1, "{call:#?}");
    }
    assert!(good.requests().is_empty());
}

#[tokio::test]
async fn levels_are_used_one_after_the_other_each_with_its_retries() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    let url = bad.url();
    let gateway = setup()
        .member("double", "one", &url, &json!({"order": 1}))
        .member("double", "two", &url, &json!({"order": 2}))
        .member("double", "three", &good.url(), &json!({"order": 3}))
        .set("router_settings.num_retries", json!(1))
        .set("router_settings.fallbacks", json!([{"double": ["never"]}]))
        .member("never", "never", &good.url(), &json!({}))
        .start()
        .await;
    let call = chat(&gateway, |request| request).await;
    call.assert_served();
    let expected = [
        "one first internal",
        "one retry internal",
        "two next_level internal",
        "two retry internal",
        "three next_level answered",
    ];
    assert_eq!(course(&call.record), expected, "{call:#?}");
}

#[tokio::test]
async fn the_other_members_of_a_group_go_before_its_fallbacks_where_that_is_wanted() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    for (wanted, attempts) in [(true, 4), (false, 2)] {
        let gateway = pair(&bad, &bad)
            .member("double", "c", &bad.url(), &json!({"weight": 0}))
            .member("other", "d", &good.url(), &json!({}))
            .set("router_settings.num_retries", json!(0))
            .set("router_settings.enable_weighted_failover", json!(wanted))
            .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
            .start()
            .await;
        let call = chat(&gateway, |request| request).await;
        call.assert_served();
        let made = course(&call.record);
        assert_eq!(made.len(), attempts, "{made:?}");
        assert_eq!(made.last().unwrap(), "d fallback answered");
        let failovers = made.iter().filter(|it| it.contains("failover")).count();
        assert_eq!(failovers, attempts - 2, "{made:?}");
    }
}

/// Groups `a` to `e`, of which the last is well; nobody is tried twice.
fn chain(bad: &Upstream, good: &Upstream, fallbacks: Value) -> Setup {
    let groups = ["a", "b", "c", "d"].iter();
    groups
        .fold(setup(), |setup, id| {
            setup.member(id, id, &bad.url(), &json!({}))
        })
        .member("e", "e", &good.url(), &json!({}))
        .set("router_settings.num_retries", json!(0))
        .set("router_settings.fallbacks", fallbacks)
}

/// Who was tried, in order.
fn tried(call: &Call) -> String {
    let made = course(&call.record);
    let names = made.iter().map(|it| it.split(' ').next().unwrap());
    names.collect()
}

#[tokio::test]
async fn fallbacks_go_depth_first_and_to_no_group_twice() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    for (fallbacks, expected) in [
        (json!([{"a": ["b", "e"]}]), "abe"),
        (
            json!([{"a": ["b", "e"]}, {"b": ["c"]}, {"c": ["a", "d"]}]),
            "abcde",
        ),
        (json!([{"a": ["b"]}, {"b": ["a"]}]), "ab"),
        (json!([{"a": ["a", "a", "b", "b", "e"]}]), "abe"),
        (json!([{"a": ["nobody", "e"]}]), "ae"),
        (json!([{"*": ["e"]}]), "ae"),
        (json!([{"*": ["e"]}, {"a": ["b"]}]), "abe"),
        (json!([{"other": ["e"]}]), "a"),
    ] {
        let shown = fallbacks.to_string();
        let gateway = chain(&bad, &good, fallbacks).start().await;
        for call in everywhere(&gateway, |it| it.model("a")).await {
            assert_eq!(tried(&call), expected, "{shown}: {call:#?}");
            let served = expected.ends_with('e');
            assert_eq!(
                call.view.status,
                if served { 200 } else { 500 },
                "{call:#?}"
            );
            let made = (expected.len() - 1).to_string();
            let header = call.view.header("x-litellm-attempted-fallbacks");
            assert_eq!(header, Some(made.as_str()), "{call:#?}");
            assert_eq!(call.record["fallbacks"], expected.len() - 1, "{call:#?}");
        }
    }
}

#[tokio::test]
async fn fallbacks_can_be_few_or_none_and_have_a_default() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    let long = json!([{"a": ["b", "c", "d", "e"]}]);
    let gateway = chain(&bad, &good, long.clone());
    let gateway = gateway
        .set("router_settings.max_fallbacks", json!(2))
        .start()
        .await;
    let to_a = |it: Request| it.model("a");
    assert_eq!(tried(&chat(&gateway, to_a).await), "abc");
    let gateway = chain(&bad, &good, long).start().await;
    assert_eq!(tried(&chat(&gateway, to_a).await), "abcde");
    let off = |it: Request| it.model("a").field("disable_fallbacks", json!(true));
    let call = chat(&gateway, off).await;
    assert_eq!(tried(&call), "a", "{call:#?}");
    let gateway = chain(&bad, &good, json!([]));
    let default = gateway.set("router_settings.default_fallbacks", json!(["c", "e"]));
    let default = default.start().await;
    assert_eq!(tried(&chat(&default, to_a).await), "ace");
}

#[tokio::test]
async fn a_request_brings_fallbacks_of_its_own_with_other_parameters() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    let configured = json!([{"a": ["b"]}]);
    let gateway = chain(&bad, &good, configured).start().await;
    let other = json!([{"role": "user", "content": "something else"}]);
    let own = json!(["c", {"model": "e", "temperature": 0.25, "messages": other}]);
    let change = |it: Request| {
        let it = it.model("a").field("fallbacks", own.clone());
        it.field("temperature", json!(1.5))
    };
    let call = chat(&gateway, change).await;
    call.assert_served();
    assert_eq!(tried(&call), "ace", "{call:#?}");
    let came = good.requests().pop().unwrap().json();
    assert_eq!(came["temperature"], 0.25, "{came}");
    assert_eq!(came["messages"], other, "{came}");
    assert_eq!(came["model"], "double", "{came}");
    for request in bad.requests() {
        let came = request.json();
        assert_eq!(came["temperature"], 1.5, "{came}");
        assert!(came["fallbacks"].is_null(), "{came}");
    }
    assert!(came["fallbacks"].is_null(), "{came}");
    let bad_list = |it: Request| it.model("a").field("fallbacks", json!([7]));
    chat(&gateway, bad_list)
        .await
        .assert_refused(400, "rejected");
}

/// A provider that says that the input is too long, or that it is against its policy.
async fn objecting(code: &'static str) -> Upstream {
    Upstream::answering(move |_| {
        let error =
            json!({"message": "no", "type": "invalid_request_error", "param": null, "code": code});
        Script::json(400, &json!({"error": error}))
    })
    .await
}

#[tokio::test]
async fn too_long_inputs_and_policies_have_fallbacks_of_their_own() {
    let good = Upstream::plain().await;
    for (code, key, other) in [
        (
            "context_length_exceeded",
            "context_window_fallbacks",
            "content_policy_fallbacks",
        ),
        (
            "content_policy_violation",
            "content_policy_fallbacks",
            "context_window_fallbacks",
        ),
    ] {
        let bad = objecting(code).await;
        let to_b = json!([{"a": ["b"]}]);
        let to_e = json!([{"a": ["e"]}]);
        let elsewhere = json!([{"z": ["e"]}]);
        for (own, others, general, expected) in [
            (Some(&to_e), None, Some(&to_b), "ae"),
            // Configured, but not for this group.
            (Some(&elsewhere), None, Some(&to_e), "a"),
            (None, Some(&to_b), Some(&to_e), "ae"),
            (None, None, Some(&to_e), "ae"),
            (None, None, None, "a"),
        ] {
            let none = json!([]);
            let gateway = chain(&bad, &good, general.unwrap_or(&none).clone())
                .set(
                    &format!("router_settings.{key}"),
                    own.unwrap_or(&none).clone(),
                )
                .set(
                    &format!("router_settings.{other}"),
                    others.unwrap_or(&none).clone(),
                )
                .set("router_settings.num_retries", json!(2))
                .start()
                .await;
            let call = chat(&gateway, |it| it.model("a")).await;
            assert_eq!(
                tried(&call),
                expected,
                "{code} {own:?} {general:?}: {call:#?}"
            );
        }
    }
}

#[tokio::test]
async fn mocks_of_failures_lead_to_the_real_fallbacks() {
    let (bad, good) = (failing(500).await, Upstream::plain().await);
    let gateway = chain(&bad, &good, json!([{"e": ["b"]}, {"b": ["e"]}]))
        .member("well", "g", &good.url(), &json!({}))
        .member("w", "w", &good.url(), &json!({}))
        .member("p", "p", &good.url(), &json!({}))
        .set("router_settings.fallbacks", json!([{"e": ["well"]}]))
        .set(
            "router_settings.context_window_fallbacks",
            json!([{"e": ["w"]}]),
        )
        .set(
            "router_settings.content_policy_fallbacks",
            json!([{"e": ["p"]}]),
        )
        .set(
            "general_settings.dangerously_allow_mock_testing_request_params",
            json!(true),
        )
        .start()
        .await;
    for (field, expected) in [
        ("mock_testing_fallbacks", "eg"),
        ("mock_testing_context_fallbacks", "ew"),
        ("mock_testing_content_policy_fallbacks", "ep"),
        ("mock_testing_rate_limit_error", "eg"),
    ] {
        let change = |it: Request| it.model("e").field(field, json!(true));
        for call in everywhere(&gateway, change).await {
            call.assert_served();
            assert_eq!(tried(&call), expected, "{call:#?}");
        }
    }
}

/// What an upstream does for a stream before it has any content.
type Beginning = fn(&Recorded) -> Script;

const UNCOMMITTED: [(&str, Beginning); 6] = [
    ("an error as first event", |request| {
        let stream = Stream::answering(request);
        let error = stream.wire.error_event(529, "not now");
        Script::new().head(ResponseHead::sse()).bytes(error).end()
    }),
    ("an error behind the role", |request| {
        let stream = Stream::answering(request);
        let error = stream.wire.error_event(500, "not now");
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.preamble().to_vec()).bytes(error).end()
    }),
    ("an empty 200", |_| {
        Script::new().head(ResponseHead::sse()).end()
    }),
    ("a page of HTML", |_| {
        Script::answer(200, "text/html", "<html>busy</html>")
    }),
    ("a cut behind the role", |request| {
        let stream = Stream::answering(request);
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.preamble().to_vec()).close()
    }),
    ("a clean end behind the role", |request| {
        let stream = Stream::answering(request);
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.preamble().to_vec()).end()
    }),
];

#[tokio::test]
async fn until_the_first_content_a_failure_is_not_seen_by_anybody() {
    let good = Upstream::plain().await;
    for (what, beginning) in UNCOMMITTED {
        let bad = Upstream::answering(beginning).await;
        let gateway = pair(&bad, &good).start().await;
        for call in call::everywhere(&gateway, "hello").await {
            call.assert_complete(&text(5));
            let made = course(&call.record);
            assert_eq!(made.len(), 2, "{what}: {call:#?}");
            assert_eq!(made[1], "b retry answered", "{what}");
        }
        assert_eq!(bad.requests().len(), 6, "{what}");
    }
}

#[tokio::test]
async fn heartbeats_commit_to_nothing() {
    let bad = Upstream::answering(|request| {
        let stream = Stream::answering(request);
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.preamble().to_vec())
            .sleep(Duration::from_secs(1))
            .end()
    })
    .await;
    let good = Upstream::plain().await;
    let gateway = pair(&bad, &good)
        .set("gateway.heartbeat_seconds", json!(0.2))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_complete(&text(5));
        let pings = call.view.events.iter().filter(|event| event.name == "ping");
        assert!(pings.count() + call.view.comments.len() >= 2, "{call:#?}");
        assert_eq!(call.record["attempts"], 2, "{call:#?}");
    }
}

#[tokio::test]
async fn after_the_first_content_nothing_is_sent_again() {
    let good = Upstream::plain().await;
    let beginnings: [fn(Stream) -> Script; 3] = [
        |stream| stream.begun(1).close(),
        |stream| stream.begun(1).end(),
        |stream| {
            let error = stream.wire.error_event(529, "not now");
            stream.begun(1).bytes(error).end()
        },
    ];
    for beginning in beginnings {
        let bad = Stream::upstream(beginning).await;
        let gateway = pair(&bad, &good)
            .member("other", "c", &good.url(), &json!({}))
            .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
            .start()
            .await;
        for call in call::everywhere(&gateway, "hello").await {
            let end = call.record["end"].as_str().unwrap().to_owned();
            call.assert_broken(&text(1), &end);
            assert_eq!(call.record["attempts"], 1, "{call:#?}");
        }
        assert_eq!(bad.requests().len(), 6);
    }
    assert!(good.requests().is_empty());
}

#[tokio::test]
async fn an_answer_tells_what_was_done_for_it_and_an_error_tells_no_host() {
    let upstream = Upstream::answering(|request| {
        let body = Wire::OpenAiChat
            .body(request, &Default::default())
            .to_string();
        let head = ResponseHead::json(200)
            .with("x-request-id", "req-7")
            .with("x-ratelimit-remaining-requests", "41");
        Script::new().head(head).bytes(Bytes::from(body)).end()
    })
    .await;
    let bad = failing(500).await;
    let gateway = pair(&bad, &upstream).start().await;
    let call = chat(&gateway, |it| it.with("x-litellm-num-retries", "1")).await;
    call.assert_served();
    let base = format!("{}/v1", upstream.url());
    for (name, value) in [
        ("x-litellm-model-id", "b"),
        ("x-litellm-model-group", "double"),
        ("x-litellm-model-name", "double"),
        ("x-litellm-model-api-base", base.as_str()),
        ("x-litellm-attempted-retries", "1"),
        ("x-litellm-attempted-fallbacks", "0"),
        ("x-ratelimit-remaining-requests", "41"),
        ("llm_provider-x-ratelimit-remaining-requests", "41"),
        ("llm_provider-x-request-id", "req-7"),
    ] {
        assert_eq!(call.view.header(name), Some(value), "{name}: {call:#?}");
    }
    let number = |name: &str| -> f64 { call.view.header(name).unwrap().parse().unwrap() };
    let (whole, own) = (
        "x-litellm-response-duration-ms",
        "x-litellm-overhead-duration-ms",
    );
    assert!(number(own) <= number(whole), "{call:#?}");
    let both = pair(&bad, &bad).start().await;
    let call = chat(&both, |it| it.field("include_fallback_errors", json!(true))).await;
    let shown = String::from_utf8_lossy(&call.view.body).into_owned();
    assert!(
        shown.contains("`a` (first)") && shown.contains("retry"),
        "{shown}"
    );
    assert!(
        !shown.contains("127.0.0.1") && !shown.contains("sk-provider"),
        "{shown}"
    );
}
