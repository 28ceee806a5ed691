//! A client that has left stops its provider's request at once, in every phase and however it left. A client that does
//! not read costs bounded memory, and in the end its connection.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use end_to_end::call::{self, CARRIES, Carry, Live, STREAMING};
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::ca::TestCa;
use gateway_testkit::client::{ConnectOptions, Http1Client, Request};
use gateway_testkit::dialect::Wire;
use gateway_testkit::http1::Framing;
use gateway_testkit::script::{Gate, ResponseHead, Script, Step};
use gateway_testkit::upstream::{ExchangeEnd, Protocol, Upstream};
use serde_json::json;
use tokio::time::Instant;

/// How far the call has come when its client leaves.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Head,
    FirstContent,
    MidStream,
    JsonBody,
}

const PHASES: [Phase; 4] = [
    Phase::Head,
    Phase::FirstContent,
    Phase::MidStream,
    Phase::JsonBody,
];

/// How an HTTP/1.1 client leaves.
#[derive(Debug, Clone, Copy)]
enum Leave {
    Fin,
    Reset,
    FinBehindAByte,
    ResetBehindAByte,
}

const LEAVES: [Leave; 4] = [
    Leave::Fin,
    Leave::Reset,
    Leave::FinBehindAByte,
    Leave::ResetBehindAByte,
];

impl Phase {
    fn request(self, wire: Wire) -> Request {
        match self {
            Self::JsonBody => call::plain(wire, "hello"),
            _ => call::streaming(wire, "hello"),
        }
    }

    /// A provider that goes so far, opens the gate, and says no more.
    fn script(self, stream: &Stream, here: &Gate) -> Script {
        let begun = match self {
            Self::Head => Script::new(),
            Self::FirstContent => Script::new()
                .head(ResponseHead::sse())
                .all(stream.preamble().to_vec()),
            Self::MidStream => stream.begun(2),
            Self::JsonBody => Script::new()
                .head(ResponseHead::json(200).framed(Framing::Length(1000)))
                .bytes("{\"id\":"),
        };
        begun.open(here).stall()
    }
}

/// A gateway in front of a provider that comes to a halt in this phase.
async fn halting(phase: Phase, protocol: Protocol) -> (Upstream, Gateway, Gate) {
    let here = Gate::new();
    let config = {
        let here = here.clone();
        Stream::config(move |stream| phase.script(&stream, &here))
    };
    let upstream = Upstream::start(config.protocol(protocol)).await;
    let more = match protocol {
        Protocol::Http2 => json!({"http2": "prior_knowledge"}),
        _ => json!({}),
    };
    let gateway = Setup::new().double(&upstream.url(), &more).start().await;
    (upstream, gateway, here)
}

/// Checks that the provider's exchange ended soon after `left`, and that the record says why.
async fn assert_given_up(upstream: &Upstream, gateway: &Gateway, left: Instant, id: &str) {
    let exchange = upstream.last_ended().await;
    let after = exchange.ended_at.unwrap().saturating_duration_since(left);
    assert!(after < SOON, "given up {after:?} later");
    assert!(
        matches!(
            exchange.end,
            Some(ExchangeEnd::PeerClosed | ExchangeEnd::PeerReset | ExchangeEnd::StreamReset(_))
        ),
        "{exchange:?}"
    );
    let record = gateway.record(id).await;
    assert_eq!(record["end"], "client_gone", "{record}");
}

/// The client leaves an HTTP/1.1 connection.
async fn leave(mut client: Http1Client, how: Leave) {
    match how {
        Leave::Fin => {}
        Leave::Reset => return client.reset(),
        Leave::FinBehindAByte => client.send_raw("\n").await.unwrap(),
        Leave::ResetBehindAByte => {
            client.send_raw("G").await.unwrap();
            return client.reset();
        }
    }
    client.half_close().await;
    // A FIN, and nothing else: the socket stays until the gateway has let go of it.
    client.closed().await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_http1_stops_the_provider_in_every_phase() {
    for phase in PHASES {
        let (upstream, gateway, here) = halting(phase, Protocol::Http1).await;
        for how in LEAVES {
            for wire in STREAMING {
                let (request, id) = call::named(phase.request(wire));
                let seen = upstream.requests().len() as u64;
                let mut client = gateway.http1().await;
                client.send(&request).await.unwrap();
                upstream.requests_reach(seen + 1).await;
                here.opened().await;
                if matches!(phase, Phase::MidStream) {
                    client.head().await.unwrap();
                    client.event().await.unwrap();
                }
                let left = Instant::now();
                leave(client, how).await;
                assert_given_up(&upstream, &gateway, left, &id).await;
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_http2_stops_the_provider_in_every_phase() {
    for phase in PHASES {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let (upstream, gateway, here) = halting(phase, protocol).await;
            for whole_connection in [false, true] {
                let (request, id) = call::named(phase.request(Wire::AnthropicMessages));
                let seen = upstream.requests().len() as u64;
                let mut client = gateway.http2().await;
                let mut exchange = client.open(&request).await.unwrap();
                upstream.requests_reach(seen + 1).await;
                here.opened().await;
                if matches!(phase, Phase::MidStream) {
                    exchange.head().await.unwrap();
                    exchange.event().await.unwrap();
                }
                let left = Instant::now();
                if whole_connection {
                    drop((exchange, client));
                    assert_given_up(&upstream, &gateway, left, &id).await;
                } else {
                    exchange.reset(8);
                    assert_given_up(&upstream, &gateway, left, &id).await;
                    // The connection serves on.
                    upstream
                        .set_handler(|request| Script::events(Stream::answering(request).events));
                    let view = client
                        .call(&call::streaming(Wire::OpenAiChat, "hello"))
                        .await;
                    assert!(view.is_complete(), "{view:?}");
                    let here = here.clone();
                    upstream.set_handler(move |request| {
                        phase.script(&Stream::answering(request), &here)
                    });
                }
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_behind_a_heartbeat_stops_the_provider() {
    for phase in [Phase::Head, Phase::FirstContent] {
        let here = Gate::new();
        let upstream = {
            let here = here.clone();
            Stream::upstream(move |stream| phase.script(&stream, &here)).await
        };
        let gateway = Setup::serving(&upstream.url())
            .set("gateway.heartbeat_seconds", json!(0.2))
            .start()
            .await;
        for carry in CARRIES {
            let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
            let mut live = Live::open(&gateway, carry, &request).await;
            live.head().await.unwrap();
            live.chunk().await.unwrap();
            let left = Instant::now();
            drop(live);
            assert_given_up(&upstream, &gateway, left, &id).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_the_gateway_connects_is_not_waited_for() {
    let nowhere = gateway_testkit::upstream::BlackHole::start().await;
    let gateway = Setup::serving(&format!("http://{}", nowhere.addr()))
        .set("router_settings.connect_timeout", json!(30))
        .start()
        .await;
    for carry in CARRIES {
        let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
        let live = Live::open(&gateway, carry, &request).await;
        let active = "gateway_calls_active{api=\"openai_chat\"} ";
        while gateway.metric(active).await != Some(1.0) {
            tokio::task::yield_now().await;
        }
        drop(live);
        let record = gateway.record(&id).await;
        assert_eq!(record["end"], "client_gone", "{record}");
        assert!(
            record["duration_ms"].as_f64().unwrap() < 10_000.0,
            "{record}"
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_behind_tls_stops_the_provider() {
    let ca = TestCa::new();
    let here = Gate::new();
    let upstream = {
        let here = here.clone();
        Stream::upstream(move |stream| Phase::MidStream.script(&stream, &here)).await
    };
    let setup = Setup::serving(&upstream.url());
    let files = ca.server().write_pem(setup.dir(), "listener");
    let gateway = setup
        .set(
            "gateway.listen.tls_cert",
            json!(files.cert.display().to_string()),
        )
        .set(
            "gateway.listen.tls_key",
            json!(files.key.display().to_string()),
        )
        .start()
        .await;
    for how in LEAVES {
        let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
        let tls = ca.client_config(None, &["http/1.1"]);
        let mut client = Http1Client::connect_tls(gateway.addr(), tls).await;
        client.send(&request).await.unwrap();
        client.head().await.unwrap();
        client.event().await.unwrap();
        let left = Instant::now();
        leave(client, how).await;
        assert_given_up(&upstream, &gateway, left, &id).await;
    }
}

#[tokio::test]
async fn calls_of_others_go_on_when_a_client_leaves() {
    let gate = Gate::new();
    let upstream = {
        let gate = gate.clone();
        Stream::upstream(move |stream| {
            stream
                .begun(2)
                .wait(&gate)
                .all(stream.after(2).to_vec())
                .end()
        })
        .await
    };
    let gateway = Setup::serving(&upstream.url()).start().await;
    let mut staying = Vec::new();
    for carry in CARRIES {
        let mut live = Live::open(&gateway, carry, &call::streaming(Wire::OpenAiChat, "hi")).await;
        live.head().await.unwrap();
        staying.push(live);
        for _ in 0..5 {
            let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hi"));
            let mut leaving = Live::open(&gateway, carry, &request).await;
            leaving.head().await.unwrap();
            drop(leaving);
            assert_eq!(gateway.record(&id).await["end"], "client_gone");
        }
    }
    gate.open();
    for mut live in staying {
        let (events, _) = live.rest().await;
        assert!(
            events.last().is_some_and(|event| event.is_marker()),
            "{events:?}"
        );
    }
}

/// A provider without end, as fast as it goes.
async fn flood() -> Upstream {
    Stream::upstream(|stream| {
        let burst = stream.until(5)[stream.preamble().len()..].concat();
        let begun = stream.begun(1);
        begun.step(Step::Flood(burst.repeat(50).into()))
    })
    .await
}

/// Opens streams that their clients do not read, and checks what becomes of them.
async fn assert_unread_streams_end(carry: Carry) {
    for wire in [Wire::OpenAiChat, Wire::AnthropicMessages] {
        let upstream = flood().await;
        let gateway = Setup::serving(&upstream.url())
            .set("gateway.slow_client_timeout", json!(1.5))
            .start()
            .await;
        let before = gateway.usage().resident;
        let (request, id) = call::named(call::streaming(wire, "hello"));
        let _stuck = unread(&gateway, carry, &request).await;
        let exchange = upstream.last_ended().await;
        let grown = gateway.usage().resident.saturating_sub(before);
        assert!(grown < 24 << 20, "{grown} bytes more");
        assert!(
            matches!(
                exchange.end,
                Some(ExchangeEnd::PeerClosed | ExchangeEnd::PeerReset)
            ),
            "{exchange:?}"
        );
        let record = gateway.record(&id).await;
        assert_eq!(record["end"], "timer_client_write", "{record}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_bounded_memory_and_then_its_connection() {
    assert_unread_streams_end(Carry::Http1).await;
}

#[tokio::test]
async fn an_http2_stream_that_is_not_read_costs_bounded_memory_and_then_ends() {
    assert_unread_streams_end(Carry::Http2).await;
}

/// Opens a stream and reads its head, and nothing more.
async fn unread(gateway: &Gateway, carry: Carry, request: &Request) -> Live {
    match carry {
        Carry::Http1 => {
            let options = ConnectOptions {
                receive_buffer: Some(8192),
                ..ConnectOptions::default()
            };
            let connect = Http1Client::connect_with(gateway.addr(), options);
            let mut client = connect.await.unwrap();
            client.send(request).await.unwrap();
            client.head().await.unwrap();
            Live::Http1(Box::new(client))
        }
        Carry::Http2 => {
            let mut client = gateway.http2().await;
            let mut exchange = client.open(request).await.unwrap();
            exchange.stop_releasing();
            exchange.head().await.unwrap();
            Live::Http2(Box::new(client), Box::new(exchange))
        }
    }
}

/// Eight clients that do not read, and six that do, behind a provider that sends this piece without end.
async fn assert_unread_streams_slow_nobody_down(
    protocol: Protocol,
    unreading: &[Carry],
    piece: &'static [u8],
) {
    let config = Stream::config(move |stream| stream.begun(1).step(Step::Flood(piece.into())));
    let upstream = Upstream::start(config.protocol(protocol)).await;
    let more = match protocol {
        Protocol::Http2 => json!({"http2": "prior_knowledge"}),
        _ => json!({}),
    };
    let gateway = Setup::new().double(&upstream.url(), &more).start().await;
    let before = gateway.usage().resident;
    let mut stuck = Vec::new();
    for carry in unreading.repeat(8 / unreading.len()) {
        let request = call::streaming(Wire::OpenAiChat, "hello");
        stuck.push(unread(&gateway, carry, &request).await);
    }
    upstream.set_handler(|request| Script::events(Stream::answering(request).events));
    for call in call::everywhere(&gateway, "hello").await {
        assert!(call.view.is_complete(), "{call:#?}");
    }
    let exchanges = upstream.exchanges();
    assert_eq!(exchanges.len(), 14);
    for exchange in &exchanges[..8] {
        assert!(exchange.end.is_none(), "given up for another: {exchange:?}");
    }
    let grown = gateway.usage().resident.saturating_sub(before);
    // A window of 64 KiB may be full of frames of three bytes, each of which the HTTP/2 library keeps apart.
    assert!(grown < 160 << 20, "{grown} bytes more");
}

#[tokio::test]
async fn a_client_that_does_not_read_slows_down_nobody_else() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        assert_unread_streams_slow_nobody_down(protocol, &CARRIES, &[b'\n'; 2048]).await;
        // As many frames as possible: what they cost is not their bytes. The library of HTTP/2 clients gives its own
        // connection up for that, so these read HTTP/1.1.
        assert_unread_streams_slow_nobody_down(protocol, &[Carry::Http1], b":\n\n").await;
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_not_slow_enough_to_lose_its_stream() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.slow_client_timeout", json!(1))
        .start()
        .await;
    let options = ConnectOptions {
        receive_buffer: Some(8192),
        ..ConnectOptions::default()
    };
    let mut client = Http1Client::connect_with(gateway.addr(), options)
        .await
        .unwrap();
    let text = "[[double events=1000 bytes=4000]]";
    let (request, id) = call::named(call::streaming(Wire::OpenAiChat, text));
    client.send(&request).await.unwrap();
    let begun = Instant::now();
    // Slow for three times as long as a client may not read at all.
    while begun.elapsed() < Duration::from_secs(3) {
        client.read_some(20_000).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let view = client.view().await;
    assert!(view.is_complete(), "{:?} {:?}", view.status, view.end);
    assert_eq!(gateway.record(&id).await["end"], "complete");
}

/// The promise is a second; a loaded machine gets more.
const SOON: Duration = Duration::from_secs(3);
