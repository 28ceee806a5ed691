//! Connections to the provider that go wrong: while they are made, before the head, and in the protocol around it.

use std::time::Duration;

use end_to_end::call::{self, Call, Carry, Live};
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::ca::{Leaf, ServerTls, TestCa};
use gateway_testkit::dialect::Wire;
use gateway_testkit::http1::Framing;
use gateway_testkit::script::{Frame, Gate, LastStream, ResponseHead, Script, Step};
use gateway_testkit::upstream::{
    BlackHole, ExchangeEnd, OnAccept, Protocol, Upstream, UpstreamConfig,
};
use serde_json::json;

/// The same call in all dialects, over both kinds of HTTP, of a provider that answers by this script.
async fn calls(script: impl Fn(Stream) -> Script + Send + Sync + 'static) -> Vec<Call> {
    let upstream = Stream::upstream(script).await;
    let gateway = Setup::serving(&upstream.url())
        .set("router_settings.timeout", json!(8))
        .start()
        .await;
    call::everywhere(&gateway, "hello").await
}

#[tokio::test]
async fn a_connect_that_hangs_is_a_timeout_that_names_the_timer() {
    let nowhere = BlackHole::start().await;
    let silent = Upstream::start(UpstreamConfig::default().on_accept(OnAccept::Silent)).await;
    let stalls_in_tls = format!("https://{}", silent.addr());
    for url in [format!("http://{}", nowhere.addr()), stalls_in_tls] {
        let gateway = Setup::serving(&url)
            .set("router_settings.connect_timeout", json!(0.7))
            .start()
            .await;
        for call in call::everywhere(&gateway, "hello").await {
            call.assert_refused(408, "timer_connect");
            let message = call.view.json()["error"]["message"].to_string();
            assert!(
                message.contains("connect") && message.contains("0.7"),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_a_bad_gateway() {
    let garbage = OnAccept::Say("SSH-2.0-OpenSSH_9.9\r\n".into());
    for on_accept in [OnAccept::Close, OnAccept::Reset, garbage] {
        let upstream = Upstream::start(UpstreamConfig::default().on_accept(on_accept)).await;
        let gateway = Setup::serving(&upstream.url()).start().await;
        for call in call::everywhere(&gateway, "hello").await {
            assert_eq!(call.view.status, 502, "{call:#?}");
            call::assert_error_shape(call.wire, &call.view.json());
            let shown = String::from_utf8_lossy(&call.view.body).into_owned();
            assert!(
                !shown.contains("127.0.0.1") && !shown.contains("SSH"),
                "{shown}"
            );
        }
    }
}

/// A gateway that trusts `trusted`, in front of an upstream with a certificate of `ca`.
async fn over_tls(ca: &TestCa, leaf: Leaf, trusted: Option<&TestCa>) -> (Upstream, Gateway) {
    let tls = ca.server_with(leaf).server_config(&ServerTls::default());
    let upstream = Upstream::start(UpstreamConfig::default().tls(tls)).await;
    let setup = Setup::new();
    let verify = match trusted {
        Some(trusted) => json!(trusted.write_pem(setup.dir()).display().to_string()),
        None => json!(false),
    };
    let more = json!({"ssl_verify": verify});
    let gateway = setup.double(&upstream.url(), &more).start().await;
    (upstream, gateway)
}

#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_is_a_bad_gateway_and_nothing_is_sent() {
    let (ca, other) = (TestCa::new(), TestCa::new());
    for (leaf, trusted) in [
        (Leaf::Expired, &ca),
        (Leaf::NotYetValid, &ca),
        (Leaf::WrongName, &ca),
        (Leaf::Valid, &other),
    ] {
        let (upstream, gateway) = over_tls(&ca, leaf, Some(trusted)).await;
        let request = call::streaming(Wire::AnthropicMessages, "hello");
        let (view, record) = call::call(&gateway, Carry::Http1, request).await;
        let error = record["error"].to_string();
        assert!(
            error.to_lowercase().contains("certificate"),
            "{leaf:?}: {error}"
        );
        Call {
            wire: Wire::AnthropicMessages,
            carry: Carry::Http1,
            view,
            record,
        }
        .assert_refused(502, "upstream_error");
        assert!(upstream.requests().is_empty());
    }
}

#[tokio::test]
async fn verification_is_off_only_by_explicit_configuration() {
    let ca = TestCa::new();
    let (upstream, gateway) = over_tls(&ca, Leaf::Expired, None).await;
    for call in call::everywhere(&gateway, "hello").await {
        assert!(call.view.is_complete(), "{call:#?}");
    }
    let strict = Setup::serving(&upstream.url()).start().await;
    let request = call::plain(Wire::OpenAiChat, "hello");
    assert_eq!(strict.answer(&request).await.status, 502);
}

#[tokio::test]
async fn a_provider_that_asks_for_a_client_certificate_gets_the_configured_one() {
    let ca = TestCa::new();
    let tls = ServerTls {
        client_ca: Some(ca.certificate()),
        ..ServerTls::default()
    };
    let upstream =
        Upstream::start(UpstreamConfig::default().tls(ca.server().server_config(&tls))).await;
    let setup = Setup::new();
    let roots = ca.write_pem(setup.dir()).display().to_string();
    let client = ca.client("the gateway");
    let identity = setup.dir().join("identity.pem");
    std::fs::write(&identity, [client.cert_pem(), client.key_pem()].concat()).unwrap();
    let more = json!({"ssl_verify": roots, "ssl_certificate": identity.display().to_string()});
    let gateway = setup.double(&upstream.url(), &more).start().await;
    for call in call::everywhere(&gateway, "hello").await {
        assert!(call.view.is_complete(), "{call:#?}");
    }
    let setup = Setup::new();
    let roots = ca.write_pem(setup.dir()).display().to_string();
    let bare = setup
        .double(&upstream.url(), &json!({"ssl_verify": roots}))
        .start()
        .await;
    let request = call::plain(Wire::OpenAiChat, "hello");
    assert_eq!(bare.answer(&request).await.status, 502);
}

#[tokio::test]
async fn a_head_that_trickles_for_ever_ends_with_the_call() {
    let upstream = Stream::upstream(|_| {
        let head = "HTTP/1.1 200 OK\r\n".to_owned() + &"x-filler: aaaaaaaaaa\r\n".repeat(50);
        Script::new().step(Step::RawTrickle {
            bytes: head.into(),
            size: 1,
            pause: Duration::from_millis(50),
        })
    })
    .await;
    let gateway = Setup::serving(&upstream.url())
        .set("router_settings.timeout", json!(1))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_refused(408, "timer_call");
    }
    for exchange in 0..6 {
        assert_ne!(
            upstream.ended(exchange).await.end,
            Some(ExchangeEnd::Answered)
        );
    }
}

#[tokio::test]
async fn an_endless_head_is_a_bad_gateway_in_bounded_memory() {
    let upstream = Stream::upstream(|_| {
        let start = Script::new().raw("HTTP/1.1 200 OK\r\n");
        start.step(Step::RawFlood(
            "x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
                .repeat(100)
                .into(),
        ))
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let before = gateway.usage().resident;
    for call in call::everywhere(&gateway, "hello").await {
        assert_eq!(call.view.status, 502, "{call:#?}");
        call::assert_error_shape(call.wire, &call.view.json());
    }
    let grown = gateway.usage().resident.saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
}

#[tokio::test]
async fn interim_answers_are_skipped_and_a_switch_of_protocols_is_refused() {
    let interim = |stream: Stream| {
        let hints = vec![("link".to_owned(), "</a>; rel=preload".to_owned())];
        let script = Script::new()
            .step(Step::Interim(100, Vec::new()))
            .step(Step::Interim(103, hints))
            .step(Step::Interim(102, Vec::new()));
        let answer = Script::events(stream.events);
        answer.into_steps().into_iter().fold(script, Script::step)
    };
    for call in calls(interim).await {
        assert!(call.view.is_complete(), "{call:#?}");
        assert!(call.view.interim.is_empty(), "{call:#?}");
    }
    let switch = |_| {
        let head = ResponseHead::new(101)
            .framed(Framing::None)
            .with("upgrade", "websocket");
        Script::new()
            .head(head.with("connection", "upgrade"))
            .stall()
    };
    for call in calls(switch).await {
        assert_eq!(call.view.status, 502, "{call:#?}");
    }
}

#[tokio::test]
async fn heads_that_contradict_themselves_are_a_bad_gateway() {
    for headers in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: -5",
        "content-length: 5, 6",
        "content-length: 99999999999999999999999999",
        "bad header: x",
        "x: a\r\n\u{1}y: b",
    ] {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{headers}\r\n\r\nhello");
        for call in calls(move |_| Script::new().raw(head.clone()).close()).await {
            assert_eq!(call.view.status, 502, "{headers:?}: {call:#?}");
            call::assert_error_shape(call.wire, &call.view.json());
        }
    }
}

#[tokio::test]
async fn trailers_do_not_harm_a_stream() {
    let trailed = |stream: Stream| {
        let trailers = vec![("x-checksum".to_owned(), "1".to_owned())];
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.events).step(Step::End(trailers))
    };
    for call in calls(trailed).await {
        assert!(call.view.is_complete(), "{call:#?}");
    }
}

#[tokio::test]
async fn a_call_that_finds_no_connection_in_time_names_the_timer() {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.transport.max_connections", json!(1))
        .set("gateway.workers", json!(1))
        .set("router_settings.pool_timeout", json!(0.5))
        .start()
        .await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let mut first = Live::open(&gateway, Carry::Http1, &request).await;
    first.head().await.unwrap();
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_refused(408, "timer_pool");
    }
    gate.open();
    let (events, _) = first.rest().await;
    assert!(
        events.last().is_some_and(|event| event.is_marker()),
        "{events:?}"
    );
    let (view, _) = call::call(&gateway, Carry::Http1, request).await;
    assert!(view.is_complete(), "{view:?}");
}

/// A gateway in front of a provider that speaks HTTP/2 only.
async fn over_http2(
    script: impl Fn(Stream) -> Script + Send + Sync + 'static,
) -> (Upstream, Gateway) {
    let config = Stream::config(script).protocol(Protocol::Http2);
    let upstream = Upstream::start(config).await;
    let more = json!({"http2": "prior_knowledge"});
    let setup = Setup::new().set("gateway.workers", json!(1));
    let gateway = setup.double(&upstream.url(), &more).start().await;
    (upstream, gateway)
}

#[tokio::test]
async fn a_provider_that_says_goodbye_finishes_its_streams_and_new_calls_go_elsewhere() {
    let gate = Gate::new();
    let (upstream, gateway) = {
        let gate = gate.clone();
        over_http2(move |stream| {
            let goodbye = Step::Frame(Frame::GoAway {
                last: LastStream::This,
                code: 0,
            });
            // Frames stay in order: whoever has the content has had the goodbye.
            let content = stream.until(1).last().unwrap().clone();
            let head = Script::new().head(ResponseHead::sse());
            let head = head.all(stream.preamble().to_vec()).step(goodbye);
            let begun = head.bytes(content).wait(&gate);
            begun.all(stream.after(1).to_vec()).end()
        })
        .await
    };
    let request = call::streaming(Wire::AnthropicMessages, "hello");
    let mut first = Live::open(&gateway, Carry::Http1, &request).await;
    first.head().await.unwrap();
    first.content().await;
    upstream.set_handler(|request| Script::events(Stream::answering(request).events));
    let (view, _) = call::call(&gateway, Carry::Http1, request).await;
    assert!(view.is_complete(), "{view:?}");
    let connections: Vec<u64> = upstream.requests().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [0, 1]);
    gate.open();
    let (events, _) = first.rest().await;
    assert!(
        events.last().is_some_and(|event| event.is_marker()),
        "{events:?}"
    );
}

#[tokio::test]
async fn an_http2_stream_that_is_refused_or_reset_is_a_bad_gateway() {
    for (code, end) in [(7, "upstream_error"), (8, "truncated"), (2, "truncated")] {
        let (_upstream, gateway) =
            over_http2(move |_| Script::new().step(Step::ResetStream(code))).await;
        for call in call::everywhere(&gateway, "hello").await {
            call.assert_refused(502, end);
        }
    }
}

#[tokio::test]
async fn the_fault_that_all_this_is_about_would_be_seen() {
    let upstream = Stream::upstream(|stream| stream.begun(1).stall()).await;
    let gateway = Setup::serving(&upstream.url())
        .env("GATEWAY_SABOTAGE", "evict-closes")
        .start()
        .await;
    let (request, id) = call::named(call::streaming(Wire::AnthropicMessages, "hello"));
    let mut live = Live::open(&gateway, Carry::Http1, &request).await;
    live.head().await.unwrap();
    gateway.rotate(&json!({"reason": "ttl"})).await;
    let (events, _) = live.rest().await;
    assert!(
        events.last().is_some_and(|event| event.is_error()),
        "{events:?}"
    );
    assert_ne!(gateway.record(&id).await["end"], "complete");
}

#[tokio::test]
async fn what_a_fallback_adds_to_the_request_decides_whether_it_may_be_sent_again() {
    let bad =
        Upstream::answering(|_| Script::json(500, &json!({"error": {"message": "no"}}))).await;
    let lost = Upstream::answering(|_| Script::new().reset()).await;
    let good = Upstream::plain().await;
    let gateway = Setup::routed()
        .member("double", "a", &bad.url(), &json!({}))
        .member("lost", "b", &lost.url(), &json!({}))
        .member("good", "c", &good.url(), &json!({}))
        .set("router_settings.num_retries", json!(0))
        .start()
        .await;
    for store in [false, true] {
        let asked = lost.requests().len();
        let fallbacks = json!([{"model": "lost", "store": store}, "good"]);
        let request = call::plain(Wire::OpenAiChat, "hello").field("fallbacks", fallbacks);
        let (view, record) = call::call(&gateway, Carry::Http1, request).await;
        let status = if store { 502 } else { 200 };
        assert_eq!(view.status, status, "{view:?} {record:#}");
        // Whoever serves it: it is a call of the group that was asked for.
        assert_eq!(record["group"], "double", "{record:#}");
        assert_eq!(lost.requests().len(), asked + 1);
    }
    assert_eq!(good.requests().len(), 1);
}
