//! Whatever a client sends: a clear error in the dialect of the endpoint, bounded memory, no panic, and nothing lost
//! for the streams beside it.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use end_to_end::call::{self, Carry, Live};
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::client::{ClientView, Request};
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::Gate;
use gateway_testkit::upstream::Upstream;
use serde_json::json;
use tokio::time::Instant;

/// A gateway with small limits, and a stream through it that runs while a test does its worst.
struct Beside {
    gateway: Gateway,
    upstream: Upstream,
    gate: Gate,
    live: Live,
    resident: u64,
}

impl Beside {
    async fn start() -> Self {
        let gate = Gate::new();
        let upstream = {
            let gate = gate.clone();
            Stream::upstream(move |stream| {
                let begun = stream.begun(2).wait(&gate);
                begun.all(stream.after(2).to_vec()).end()
            })
            .await
        };
        let gateway = Setup::serving(&upstream.url())
            .set("gateway.max_body_bytes", json!(1 << 20))
            .set("gateway.head_timeout", json!(1))
            .start()
            .await;
        let request = call::streaming(Wire::OpenAiChat, "beside");
        let mut live = Live::open(&gateway, Carry::Http1, &request).await;
        live.head().await.unwrap();
        live.content().await;
        let resident = gateway.usage().resident;
        Self {
            gateway,
            upstream,
            gate,
            live,
            resident,
        }
    }

    /// Checks that the stream beside ends well, that nothing panicked, and that memory is bounded.
    async fn assert_unharmed(mut self) {
        self.gate.open();
        let (events, _) = self.live.rest().await;
        assert!(
            events.last().is_some_and(|event| event.is_marker()),
            "{events:?}"
        );
        assert!(self.gateway.runs());
        let view = self
            .gateway
            .answer(&call::streaming(Wire::AnthropicMessages, "after"))
            .await;
        assert!(view.is_complete(), "{view:?}");
        for line in self.gateway.lines() {
            assert!(!line.contains("panic"), "{line}");
        }
        let grown = self.gateway.usage().resident.saturating_sub(self.resident);
        assert!(grown < 48 << 20, "{grown} bytes more");
    }

    /// Sends a body to every endpoint and checks that it is refused in the endpoint's dialect, unseen by the provider.
    async fn assert_refused(&self, body: impl Into<Bytes>, status: u16) {
        let body = body.into();
        let seen = self.upstream.requests().len();
        let mut requests = Vec::new();
        for wire in WIRES {
            for carry in call::CARRIES {
                let mut request = call::plain(wire, "hi");
                request.body = body.clone();
                requests.push((wire, carry, request));
            }
        }
        for call in call::calls(&self.gateway, requests).await {
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!(call.view.status, status, "{shown}: {call:?}");
            call::assert_error_shape(call.wire, &call.view.json());
            assert_eq!(call.record["end"], "rejected", "{shown}: {call:?}");
        }
        assert_eq!(self.upstream.requests().len(), seen);
    }
}

const WIRES: [Wire; 4] = [
    Wire::OpenAiChat,
    Wire::OpenAiCompletions,
    Wire::OpenAiEmbeddings,
    Wire::AnthropicMessages,
];

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let beside = Beside::start().await;
    let deep = format!(
        "{{\"model\":\"double\",\"x\":{}1{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let wide = format!(
        "{{\"model\":\"double\",\"x\":[{}1]}}",
        "{},".repeat(100_000)
    );
    for body in [
        "",
        "null",
        "[]",
        "\"double\"",
        "{",
        "{\"model\":\"double\"",
        "{\"model\":\"double\"} trailing",
        "{\"model\":\"double\",}",
        "{'model':'double'}",
        "{\"model\":\"double\",\"x\":NaN}",
        "{\"model\":\"double\",\"x\":01}",
        "{\"model\":\"double\",\"x\":\"\t\"}",
        "\u{feff}{\"model\":\"double\"}",
        deep.as_str(),
    ] {
        beside.assert_refused(body.to_owned(), 400).await;
    }
    beside
        .assert_refused(
            Bytes::from_static(b"{\"model\":\"double\",\"x\":\"\xff\xfe\"}"),
            400,
        )
        .await;
    beside
        .assert_refused(Bytes::from_static(b"\x00\x01\x02"), 400)
        .await;
    // What is odd but JSON is the provider's to judge.
    let mut odd = call::plain(Wire::OpenAiEmbeddings, "hi");
    odd.body = wide.into();
    let view = beside.gateway.answer(&odd).await;
    assert_ne!(view.status, 400, "{view:?}");
    beside.assert_unharmed().await;
}

#[tokio::test]
async fn keys_that_come_twice_and_values_of_the_wrong_type_are_refused() {
    let beside = Beside::start().await;
    for body in [
        r#"{"model":"double","model":"other","messages":[]}"#,
        r#"{"model":"double","mod\u0065l":"other","messages":[]}"#,
        r#"{"model":"double","stream":true,"stream":false}"#,
        r#"{"model":7,"messages":[]}"#,
        r#"{"model":null,"messages":[]}"#,
        r#"{"messages":[]}"#,
        r#"{"model":"double","stream":"yes"}"#,
        r#"{"model":"double","stream":1}"#,
    ] {
        beside.assert_refused(body, 400).await;
    }
    beside.assert_unharmed().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
    let beside = Beside::start().await;
    let huge = format!("{{\"model\":\"double\",\"x\":\"{}\"}}", "a".repeat(2 << 20));
    beside.assert_refused(huge, 413).await;
    // Declared, and never sent.
    let mut client = beside.gateway.http1().await;
    let head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    client.send_raw(head).await.unwrap();
    let view = client.view().await;
    assert_eq!(view.status, 413, "{view:?}");
    call::assert_error_shape(Wire::AnthropicMessages, &view.json());
    // Chunked, and endless.
    let mut client = beside.gateway.http1().await;
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send_raw(head).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    for _ in 0..400 {
        if client.send_raw(chunk.clone()).await.is_err() {
            break;
        }
    }
    let view = client.view().await;
    assert!(view.status == 413 || view.status == 0, "{view:?}");
    beside.assert_unharmed().await;
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let beside = Beside::start().await;
    for coding in ["gzip", "br", "zstd", "deflate", "gzip, gzip", "nonsense"] {
        let request = call::plain(Wire::AnthropicMessages, "hi").with("content-encoding", coding);
        let view = beside.gateway.answer(&request).await;
        assert_eq!(view.status, 415, "{coding}: {view:?}");
        call::assert_error_shape(Wire::AnthropicMessages, &view.json());
    }
    let plain = call::plain(Wire::OpenAiEmbeddings, "hi").with("content-encoding", "identity");
    assert_ne!(beside.gateway.answer(&plain).await.status, 415);
    beside.assert_unharmed().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stalls_is_given_up() {
    let beside = Beside::start().await;
    for size in [1, 30] {
        let (request, id) = call::named(call::plain(Wire::OpenAiChat, "hi"));
        let whole = request.to_http1();
        let mut client = beside.gateway.http1().await;
        client
            .send_raw(whole.slice(..whole.len() - size))
            .await
            .unwrap();
        client.half_close().await;
        client.closed().await.unwrap();
        assert_eq!(beside.gateway.record(&id).await["end"], "client_gone");
    }
    let (request, _) = call::named(call::plain(Wire::AnthropicMessages, "hi"));
    let whole = request.to_http1();
    let mut client = beside.gateway.http1().await;
    client
        .send_raw(whole.slice(..whole.len() - 1))
        .await
        .unwrap();
    let view = client.view().await;
    assert_eq!(view.status, 408, "{view:?}");
    call::assert_error_shape(Wire::AnthropicMessages, &view.json());
    beside.assert_unharmed().await;
}

/// Sends bytes and gives what came back, if anything did.
async fn raw(gateway: &Gateway, bytes: impl Into<Bytes>) -> ClientView {
    let mut client = gateway.http1().await;
    // It may be refused before it was all sent.
    client.send_raw(bytes).await.ok();
    client.view().await
}

#[tokio::test]
async fn what_is_no_http_is_refused_or_cut() {
    let beside = Beside::start().await;
    let big_header = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(200_000)
    );
    let many: String = (0..5000).map(|n| format!("x-{n}: 1\r\n")).collect();
    let many_headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(200_000));
    let body = "{\"model\":\"double\",\"messages\":[]}";
    let post = |headers: &str| {
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n{body}")
    };
    for bytes in [
        "\r\n\r\nhello\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(),
        "G\u{e4}T / HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost : x\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: x\r\nbad\u{1}name: y\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".to_owned() + &"z".repeat(600),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage that is no frame at all, for a while, and more"
            .to_owned(),
        big_header,
        many_headers,
        long_target,
        post("content-length: -1"),
        post("content-length: 5x"),
        post("content-length: 5\r\ncontent-length: 6"),
        post("content-length: 99999999999999999999999"),
        post("transfer-encoding: gzip"),
        post("transfer-encoding: chunked, chunked"),
    ] {
        let shown: String = bytes.chars().take(60).collect();
        let view = raw(&beside.gateway, bytes).await;
        assert!(
            view.status == 0 || view.status >= 400,
            "{shown:?}: {view:?}"
        );
    }
    for chunked in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "fffffffffffffffff\r\nx\r\n",
        "5\r\nhelloX",
    ] {
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        let view = raw(&beside.gateway, format!("{head}{chunked}")).await;
        assert!(
            view.status == 0 || view.status >= 400,
            "{chunked:?}: {view:?}"
        );
    }
    beside.assert_unharmed().await;
}

#[tokio::test]
async fn an_endless_head_and_a_slow_one_are_cut() {
    let beside = Beside::start().await;
    let mut endless = beside.gateway.http1().await;
    endless
        .send_raw("GET / HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    let piece =
        "x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1000);
    for _ in 0..100 {
        if endless.send_raw(piece.clone()).await.is_err() {
            break;
        }
    }
    endless.closed().await.unwrap();
    // One byte now and then is not enough: the whole head has one second.
    let mut slow = beside.gateway.http1().await;
    let begun = Instant::now();
    let mut cut = false;
    while begun.elapsed() < Duration::from_secs(15) && !cut {
        cut = slow.send_raw("x").await.is_err();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(cut, "a head may take for ever");
    // Silence in the middle of a head.
    let mut silent = beside.gateway.http1().await;
    silent.send_raw("POST /v1/messages HT").await.unwrap();
    silent.closed().await.unwrap();
    beside.assert_unharmed().await;
}

#[tokio::test]
async fn names_that_a_client_chooses_do_not_break_headers_or_logs() {
    let beside = Beside::start().await;
    let long = "m".repeat(100_000);
    for model in [
        "a\r\nset-cookie: x=1",
        "\u{0}",
        "\"},{\"level\":\"ERROR",
        "*",
        "",
        long.as_str(),
    ] {
        for wire in WIRES {
            let request = call::plain(wire, "hi").model(model);
            let (view, record) = call::call(&beside.gateway, Carry::Http1, request).await;
            assert_eq!(view.status, 400, "{model:?}: {view:?}");
            assert_eq!(view.header("set-cookie"), None);
            assert!(
                record["model"].as_str().unwrap_or_default().len() <= 400,
                "{record}"
            );
        }
    }
    let ids = ["\"x\",\"end\":\"complete", "\u{e4}\u{f6}", "a b\tc"];
    for id in ids {
        let request = call::plain(Wire::OpenAiChat, "hi")
            .model("none")
            .with("x-litellm-call-id", id);
        let view = beside.gateway.answer(&request).await;
        assert_eq!(view.status, 400, "{view:?}");
    }
    let path = Request::post("/engines/%00%0d%0a/completions", &json!({"prompt": "x"}));
    assert_eq!(beside.gateway.answer(&path).await.status, 400);
    for line in beside.gateway.lines() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&line);
        assert!(parsed.is_ok() || !line.starts_with('{'), "{line}");
    }
    beside.assert_unharmed().await;
}

#[tokio::test]
async fn a_thousand_bad_requests_leave_no_descriptor_and_little_memory() {
    let beside = Beside::start().await;
    let before = beside.gateway.usage().descriptors;
    for number in 0..1000_usize {
        let bytes = match number % 4 {
            0 => "garbage\r\n\r\n".to_owned(),
            1 => "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n{{{".to_owned(),
            2 => "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(),
            _ => format!(
                "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 9{}\r\n\r\n",
                "9".repeat(number % 17)
            ),
        };
        let mut client = beside.gateway.http1().await;
        client.send_raw(bytes).await.ok();
        // The last kind leaves the gateway waiting for a body that never comes.
        if number % 4 != 3 {
            client.head().await.ok();
        }
    }
    let until = Instant::now() + end_to_end::PATIENCE;
    while beside.gateway.usage().descriptors > before + 4 {
        assert!(
            Instant::now() < until,
            "{:?}, {before} before",
            beside.gateway.usage()
        );
        tokio::task::yield_now().await;
    }
    beside.assert_unharmed().await;
}
