//! Streams end truthfully, in every dialect and over both kinds of HTTP: complete only with the provider's terminal
//! marker, and otherwise with an error that the official clients raise on.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use end_to_end::call::{self, CARRIES, Call, Carry, Live, STREAMING};
use end_to_end::stream::text;
use end_to_end::{Gateway, Setup, Stream};
use gateway_testkit::client::BodyEnd;
use gateway_testkit::dialect::{Wire, openai};
use gateway_testkit::http1::Framing;
use gateway_testkit::script::{Gate, ResponseHead, Script, Step};
use gateway_testkit::upstream::{ExchangeEnd, Protocol, Upstream};
use serde_json::json;

/// The same call in all dialects, over both kinds of HTTP, of a provider that answers by this script.
async fn calls(script: impl Fn(Stream) -> Script + Send + Sync + 'static) -> Vec<Call> {
    let upstream = Stream::upstream(script).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    call::everywhere(&gateway, "hello").await
}

#[tokio::test]
async fn a_whole_stream_is_complete_and_its_record_has_the_figures() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for call in call::everywhere(&gateway, "[[double events=5 usage=1]]").await {
        call.assert_complete(&text(5));
        let record = &call.record;
        assert_eq!(record["events"], call.view.events.len() as u64, "{call:#?}");
        assert_eq!(record["bytes"], call.view.body.len() as u64, "{call:#?}");
        assert_eq!(record["stream"], true);
        assert_eq!(record["model"], "double");
        assert_eq!(record["upstream_status"], 200);
        for figure in [
            "duration_ms",
            "upstream_head_ms",
            "first_content_ms",
            "generation",
        ] {
            assert!(record[figure].is_number(), "{figure}: {call:#?}");
        }
        if call.wire != Wire::OpenAiCompletions {
            assert_eq!(record["input_tokens"], 11, "{call:#?}");
            assert_eq!(record["output_tokens"], 5, "{call:#?}");
        }
    }
}

#[tokio::test]
async fn a_clean_end_without_the_marker_is_an_error() {
    for call in calls(|stream| stream.begun(3).end()).await {
        call.assert_broken(&text(3), "truncated");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_mid_stream_is_an_error() {
    for call in calls(|stream| stream.begun(3).close()).await {
        call.assert_broken(&text(3), "truncated");
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_mid_stream_is_an_error_behind_all_that_came() {
    let sent = Gate::new();
    let upstream = {
        let sent = sent.clone();
        Stream::upstream(move |stream| stream.begun(3).wait(&sent).reset()).await
    };
    let gateway = Setup::serving(&upstream.url()).start().await;
    let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
    let mut live = Live::open(&gateway, Carry::Http1, &request).await;
    live.head().await.unwrap();
    let mut came = String::new();
    for _ in 0..3 {
        came += &live.content().await;
    }
    assert_eq!(came, text(3));
    sent.open();
    let (events, end) = live.rest().await;
    assert!(
        events.last().is_some_and(|event| event.is_error()),
        "{events:?}"
    );
    assert_eq!(end, BodyEnd::Eof);
    assert_eq!(gateway.record(&id).await["end"], "truncated");
}

#[tokio::test]
async fn a_stream_reset_by_an_http2_provider_is_an_error() {
    let config = Stream::config(|stream| stream.begun(3).step(Step::ResetStream(2)));
    let upstream = Upstream::start(config.protocol(Protocol::Http2)).await;
    let gateway = Setup::new()
        .double(&upstream.url(), &json!({"http2": "prior_knowledge"}))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        // A reset may overtake what was sent before it.
        assert_eq!(call.record["end"], "truncated", "{call:#?}");
        assert!(!call.view.has_marker(), "{call:#?}");
        if call.view.status == 200 {
            assert!(
                call.view
                    .events
                    .last()
                    .is_some_and(|event| event.is_error()),
                "{call:#?}"
            );
        } else {
            call.assert_refused(502, "truncated");
        }
    }
}

#[tokio::test]
async fn half_an_event_is_not_forwarded() {
    let half = |stream: Stream| {
        let next = stream.after(2)[0].clone();
        stream.begun(2).bytes(next.slice(..next.len() / 2)).close()
    };
    for call in calls(half).await {
        call.assert_broken(&text(2), "truncated");
    }
}

#[tokio::test]
async fn an_event_without_its_blank_line_is_not_half_an_event() {
    let unended = |stream: Stream| {
        let (last, rest) = stream.events.split_last().unwrap();
        let head = Script::new().head(ResponseHead::sse()).all(rest.to_vec());
        head.bytes(last.slice(..last.len() - 1)).end()
    };
    for call in calls(unended).await {
        call.assert_complete(&text(5));
    }
}

#[tokio::test]
async fn an_event_over_the_limit_is_an_error_and_not_forwarded() {
    let giant = |stream: Stream| {
        let line = Bytes::from("y".repeat(40_000));
        stream.begun(2).bytes("data: ").bytes(line).stall()
    };
    let upstream = Stream::upstream(giant).await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.max_event_bytes", json!(32_768))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_broken(&text(2), "malformed");
        assert!(!String::from_utf8_lossy(&call.view.body).contains("yyyy"));
    }
    for exchange in 0..6 {
        let ended = upstream.ended(exchange).await;
        assert_ne!(ended.end, Some(ExchangeEnd::Answered));
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_an_error_and_not_forwarded() {
    let broken = |stream: Stream| {
        let bad = Bytes::from_static(b"data: {\"x\":\"\xff\xfe\"}\n\n");
        stream
            .begun(2)
            .bytes(bad)
            .all(stream.after(2).to_vec())
            .end()
    };
    for call in calls(broken).await {
        call.assert_broken(&text(2), "malformed");
        assert!(!call.view.body.contains(&0xff), "{call:#?}");
    }
}

#[tokio::test]
async fn an_error_event_of_the_provider_is_the_last_event_even_before_a_marker() {
    let failing = |stream: Stream| {
        let error = stream.wire.error_event(529, "the provider is overloaded");
        stream
            .begun(2)
            .bytes(error)
            .bytes(stream.wire.marker())
            .end()
    };
    for call in calls(failing).await {
        call.assert_broken(&text(2), "upstream_error");
        let error = call.view.error_event().unwrap().json();
        assert_eq!(
            error["error"]["message"], "the provider is overloaded",
            "{call:#?}"
        );
    }
}

#[tokio::test]
async fn an_error_as_first_event_is_a_real_status() {
    let failing = |stream: Stream| {
        let error = stream.wire.error_event(429, "slow down");
        Script::new().head(ResponseHead::sse()).bytes(error).end()
    };
    for call in calls(failing).await {
        call.assert_refused(429, "upstream_error");
        assert_eq!(call.view.json()["error"]["type"], "rate_limit_error");
        assert_eq!(call.view.json()["error"]["message"], "slow down");
    }
}

#[tokio::test]
async fn a_failure_behind_nothing_but_preamble_is_a_real_status() {
    let failing = |stream: Stream| {
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.preamble().to_vec()).close()
    };
    for call in calls(failing).await {
        call.assert_refused(502, "truncated");
    }
}

#[tokio::test]
async fn an_empty_answer_is_a_bad_gateway() {
    for call in calls(|_| Script::answer(200, "text/event-stream", "")).await {
        call.assert_refused(502, "truncated");
    }
    for call in calls(|_| {
        Script::new()
            .head(ResponseHead::new(204).framed(Framing::None))
            .end()
    })
    .await
    {
        call.assert_refused(502, "malformed");
    }
}

#[tokio::test]
async fn a_page_of_html_is_a_bad_gateway_and_never_shown() {
    let page = |_| Script::answer(200, "text/html", "<html>cdn-node-7 says hello</html>");
    for call in calls(page).await {
        call.assert_refused(502, "malformed");
        assert!(!String::from_utf8_lossy(&call.view.body).contains("cdn-node"));
    }
}

#[tokio::test]
async fn one_answer_where_a_stream_was_asked_for_is_a_bad_gateway() {
    let upstream = Upstream::answering(|request| {
        let wire = Wire::of_path(request.path()).unwrap();
        Script::json(200, &wire.body(request, &Default::default()))
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_refused(502, "malformed");
    }
}

#[tokio::test]
async fn a_stream_where_one_answer_was_asked_for_is_a_bad_gateway() {
    let upstream = Stream::upstream(|stream| Script::events(stream.events)).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for wire in STREAMING {
        let request = call::plain(wire, "hello");
        let (view, record) = call::call(&gateway, Carry::Http1, request).await;
        Call {
            wire,
            carry: Carry::Http1,
            view,
            record,
        }
        .assert_refused(502, "malformed");
    }
}

#[tokio::test]
async fn an_error_object_with_status_200_is_the_status_that_it_means() {
    let upstream = Upstream::answering(|request| {
        let wire = Wire::of_path(request.path()).unwrap();
        Script::json(200, &wire.error_body(429, "slow down"))
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_refused(429, "upstream_error");
    }
}

#[tokio::test]
async fn a_compressed_stream_is_a_bad_gateway_and_was_not_asked_for() {
    let upstream = Stream::upstream(|_| {
        let head = ResponseHead::sse().with("content-encoding", "gzip");
        let bytes = Bytes::from_static(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xff\n\n\n");
        Script::new().head(head).bytes(bytes).end()
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_refused(502, "malformed");
    }
    for request in upstream.requests() {
        assert_eq!(request.header("accept-encoding"), Some("identity"));
    }
}

#[tokio::test]
async fn a_silent_provider_costs_heartbeats_then_an_error_that_names_the_timer() {
    let upstream = Stream::upstream(|stream| stream.begun(2).stall()).await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0.3))
        .set("gateway.stream_idle_timeout", json!(1.5))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_broken(&text(2), "timer_idle");
        let message = call.view.error_event().unwrap().json();
        let message = message["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("idle") && message.contains("1.5"),
            "{message}"
        );
        assert!(heartbeats(&call) >= 2, "{call:#?}");
    }
    for exchange in 0..6 {
        assert_eq!(
            upstream.ended(exchange).await.end,
            Some(ExchangeEnd::PeerClosed)
        );
    }
}

#[tokio::test]
async fn pings_of_the_provider_are_passed_on_but_are_no_content() {
    let upstream = Stream::upstream(|stream| {
        let ping = match stream.wire {
            Wire::AnthropicMessages => gateway_testkit::dialect::anthropic::ping(),
            _ => Bytes::from_static(b": alive\n\n"),
        };
        let pings = ping.repeat(1);
        let trickle = Step::Trickle {
            size: pings.len(),
            bytes: pings.repeat(200).into(),
            pause: Duration::from_millis(100),
        };
        stream.begun(1).step(trickle).end()
    })
    .await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0))
        .set("gateway.stream_idle_timeout", json!(1))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_broken(&text(1), "timer_idle");
        assert!(heartbeats(&call) >= 3, "{call:#?}");
    }
}

#[tokio::test]
async fn silence_before_the_first_content_opens_the_answer_with_a_heartbeat() {
    let upstream = Stream::upstream(|stream| {
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.preamble().to_vec())
            .sleep(Duration::from_secs(1))
            .close()
    })
    .await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0.2))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_broken("", "truncated");
        assert!(heartbeats(&call) >= 1, "{call:#?}");
    }
}

#[tokio::test]
async fn silence_before_the_head_opens_the_answer_with_a_heartbeat() {
    let upstream = Stream::upstream(|stream| {
        let head = Script::new()
            .sleep(Duration::from_millis(1200))
            .head(ResponseHead::sse());
        head.all(stream.events).end()
    })
    .await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0.2))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_complete(&text(5));
        assert!(heartbeats(&call) >= 2, "{call:#?}");
    }
}

#[tokio::test]
async fn an_answer_that_silence_opens_begins_with_a_heartbeat() {
    let upstream = Stream::upstream(|_| Script::new().head(ResponseHead::sse()).stall()).await;
    // Two periods fit before the timer: the first heartbeat must come with the end of the first.
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0.8))
        .set("router_settings.stream_timeout", json!(2))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_broken("", "timer_first_content");
        // The double sends nothing here: every ping is the gateway's.
        let pings = call.view.events.iter().filter(|event| event.name == "ping");
        let beats = pings.count() + call.view.comments.len();
        assert!(beats >= 2, "{call:#?}");
    }
}

#[tokio::test]
async fn a_failure_behind_a_heartbeat_is_an_error_event() {
    let upstream = Stream::upstream(|stream| {
        let failure = stream.wire.error_body(429, "slow down");
        let answer = Script::json(429, &failure).into_steps().into_iter();
        answer.fold(Script::new().sleep(Duration::from_secs(1)), Script::step)
    })
    .await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0.2))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_broken("", "upstream_error");
        let error = call.view.error_event().unwrap().json();
        assert_eq!(error["error"]["message"], "slow down", "{call:#?}");
    }
}

#[tokio::test]
async fn a_first_content_that_does_not_come_behind_heartbeats_is_an_error_event() {
    let upstream = Stream::upstream(|_| Script::new().stall()).await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0.2))
        .set("router_settings.stream_timeout", json!(1))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_broken("", "timer_first_content");
    }
    for exchange in 0..6 {
        assert_eq!(
            upstream.ended(exchange).await.end,
            Some(ExchangeEnd::PeerClosed)
        );
    }
}

#[tokio::test]
async fn a_first_content_that_does_not_come_is_a_timeout_that_names_the_timer() {
    type Beginning = fn(Stream) -> Script;
    let nothing: Beginning = |_| Script::new().stall();
    let head: Beginning = |_| Script::new().head(ResponseHead::sse()).stall();
    let preamble: Beginning = |stream| {
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.preamble().to_vec()).stall()
    };
    for beginning in [nothing, head, preamble] {
        let upstream = Stream::upstream(beginning).await;
        let gateway = Setup::serving(&upstream.url())
            .set("router_settings.stream_timeout", json!(0.7))
            .start()
            .await;
        for call in call::everywhere(&gateway, "hello").await {
            call.assert_refused(408, "timer_first_content");
            let message = call.view.json()["error"]["message"].to_string();
            assert!(
                message.contains("first_content") && message.contains("0.7"),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_and_names_the_timer() {
    let upstream = Stream::upstream(|stream| {
        let all: Vec<u8> = stream.until(5).concat();
        let trickle = Step::Trickle {
            bytes: all.repeat(100).into(),
            size: all.len(),
            pause: Duration::from_millis(50),
        };
        Script::new().head(ResponseHead::sse()).step(trickle).end()
    })
    .await;
    let gateway = Setup::serving(&upstream.url())
        .set("router_settings.timeout", json!(1))
        .start()
        .await;
    for call in call::everywhere(&gateway, "hello").await {
        assert_eq!(call.record["end"], "timer_call", "{call:#?}");
        let error = call.view.events.last().unwrap();
        assert!(error.is_error() && error.data.contains("call"), "{error:?}");
    }
}

#[tokio::test]
async fn the_client_has_its_end_at_once_when_the_framing_goes_on_behind_the_marker() {
    let upstream = Stream::upstream(|stream| {
        let more = stream.until(1).to_vec();
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.events).all(more).stall()
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_complete(&text(5));
        let took = call.record["duration_ms"].as_f64().unwrap();
        assert!(took < 5_000.0, "{call:#?}");
    }
    // The provider is not waited for much longer, and its connections are not used again.
    for exchange in 0..6 {
        assert_eq!(
            upstream.ended(exchange).await.end,
            Some(ExchangeEnd::PeerClosed)
        );
    }
    let mut connections: Vec<u64> = upstream.requests().iter().map(|it| it.connection).collect();
    connections.dedup();
    assert_eq!(connections.len(), 6);
}

#[tokio::test]
async fn openais_marker_is_added_behind_a_finish_reason_and_a_clean_end() {
    for call in calls(|stream| Script::events(stream.unmarked().to_vec())).await {
        match call.wire {
            // Anthropic's stream is complete with its own last event only.
            Wire::AnthropicMessages => call.assert_broken(&text(5), "truncated"),
            _ => call.assert_complete(&text(5)),
        }
    }
}

#[tokio::test]
async fn a_finish_reason_before_a_cut_is_not_a_complete_stream() {
    let cut = |stream: Stream| {
        let head = Script::new().head(ResponseHead::sse());
        head.all(stream.unmarked().to_vec()).close()
    };
    for call in calls(cut).await {
        call.assert_broken(&text(5), "truncated");
    }
}

#[tokio::test]
async fn byte_order_mark_and_line_ends_become_what_every_client_reads() {
    for ending in ["\r\n", "\r", "\n"] {
        let odd = move |stream: Stream| {
            let whole = stream.events.concat();
            let whole = String::from_utf8(whole).unwrap().replace('\n', ending);
            let bytes = [b"\xef\xbb\xbf", whole.as_bytes()].concat();
            let trickle = Step::Trickle {
                bytes: bytes.into(),
                size: 97,
                pause: Duration::ZERO,
            };
            Script::new().head(ResponseHead::sse()).step(trickle).end()
        };
        for call in calls(odd).await {
            call.assert_complete(&text(5));
            assert!(!call.view.body.contains(&b'\r'), "{call:#?}");
            assert!(!call.view.body.starts_with(b"\xef\xbb\xbf"), "{call:#?}");
        }
    }
}

#[tokio::test]
async fn unknown_fields_and_events_survive_byte_for_byte() {
    let with_unknown = |stream: &Stream| -> Vec<Bytes> {
        let mut events = stream.until(2).to_vec();
        events.extend([
            Bytes::from_static(
                b"event: future_thing\ndata: {\"type\":\"future_thing\", \"n\" : 1.50}\n\n",
            ),
            Bytes::from_static(b": a comment\n\n"),
            Bytes::from_static(b"id: 7\nretry: 10\ndata: {\"choices\":[],\"type\":\"x\",\n"),
            Bytes::from_static("data: \"\u{e4}\":\"\\u00e4\"}\n\n".as_bytes()),
        ]);
        events.extend(stream.after(2).to_vec());
        events
    };
    let upstream = Stream::upstream(move |stream| Script::events(with_unknown(&stream))).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for call in call::everywhere(&gateway, "hello").await {
        call.assert_complete(&text(5));
    }
    for (exchange, request) in upstream.requests().iter().enumerate() {
        let stream = Stream::answering(request);
        let sent = with_unknown(&stream).concat();
        let again = call::streaming(stream.wire, "hello");
        let (view, _) = call::call(&gateway, Carry::Http1, again).await;
        assert_eq!(view.body, sent, "exchange {exchange}");
    }
}

#[tokio::test]
async fn a_stream_that_comes_byte_by_byte_is_the_same_stream() {
    let trickled = |stream: Stream| {
        let bytes: Bytes = stream.events.concat().into();
        let trickle = Step::Trickle {
            bytes,
            size: 1,
            pause: Duration::ZERO,
        };
        Script::new().head(ResponseHead::sse()).step(trickle).end()
    };
    for call in calls(trickled).await {
        call.assert_complete(&text(5));
    }
}

#[tokio::test]
async fn of_a_body_without_length_only_the_marker_tells_whether_it_is_whole() {
    let unframed = |events: Vec<Bytes>| {
        let head = ResponseHead::sse().framed(Framing::Close);
        Script::new().head(head).all(events).close()
    };
    for call in calls(move |stream| unframed(stream.events)).await {
        call.assert_complete(&text(5));
    }
    for call in calls(move |stream| unframed(stream.until(3).to_vec())).await {
        call.assert_broken(&text(3), "truncated");
    }
}

#[tokio::test]
async fn a_length_that_is_too_short_is_an_error() {
    let short = |stream: Stream| {
        let length = stream.until(3).concat().len() as u64;
        let head = ResponseHead::sse().framed(Framing::Length(length));
        Script::new().head(head).all(stream.events).close()
    };
    for call in calls(short).await {
        call.assert_broken(&text(3), "truncated");
    }
}

#[tokio::test]
async fn a_plain_answer_that_breaks_off_is_a_bad_gateway() {
    let upstream = Upstream::answering(|request| {
        let wire = Wire::of_path(request.path()).unwrap();
        let body = Bytes::from(wire.body(request, &Default::default()).to_string());
        let head = ResponseHead::json(200).framed(Framing::Length(body.len() as u64));
        Script::new()
            .head(head)
            .bytes(body.slice(..body.len() / 2))
            .close()
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for wire in STREAMING {
        for carry in CARRIES {
            let (view, record) = call::call(&gateway, carry, call::plain(wire, "hello")).await;
            assert_eq!(view.header("x-should-retry"), Some("false"));
            Call {
                wire,
                carry,
                view,
                record,
            }
            .assert_refused(502, "truncated");
        }
    }
}

/// How many signs of life a client got beside the events that matter.
fn heartbeats(call: &Call) -> usize {
    let pings = call.view.events.iter().filter(|event| event.name == "ping");
    // The double itself sends one in its preamble.
    let own = usize::from(call.wire == Wire::AnthropicMessages);
    (pings.count() + call.view.comments.len()).saturating_sub(own)
}

/// Runs a stream that is cut behind its third content, with a client that begins to read after a pause, and gives
/// whether its last event was an error.
async fn ends_with_error(gateway: &Gateway, pause: Duration) -> bool {
    let (request, _) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
    let mut client = gateway.http1().await;
    client.send(&request).await.unwrap();
    tokio::time::sleep(pause).await;
    let view = client.view().await;
    view.status == 200
        && view.end == BodyEnd::Eof
        && view.text() == text(3)
        && view.events.last().is_some_and(|event| event.is_error())
}

#[tokio::test]
async fn the_error_event_reaches_the_client_in_every_one_of_300_cuts() {
    let upstream = Stream::upstream(|stream| {
        // One read brings the contents and the cut.
        let contents = stream.until(3).concat();
        Script::new()
            .head(ResponseHead::sse())
            .bytes(contents)
            .close()
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let mut lost = 0;
    for run in 0..300 {
        let pause = Duration::from_millis(if run % 10 == 0 { 20 } else { 0 });
        lost += usize::from(!ends_with_error(&gateway, pause).await);
    }
    assert_eq!(lost, 0, "of 300");
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_the_error_event_behind_megabytes() {
    let upstream = Stream::upstream(|stream| stream.begun(3000).close()).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for carry in CARRIES {
        let request = call::streaming(Wire::OpenAiChat, "[[double events=3000 bytes=1000]]");
        let (request, id) = call::named(request);
        let mut live = Live::open(&gateway, carry, &request).await;
        live.head().await.unwrap();
        live.content().await;
        // Long enough for everything between the two to be full.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (events, _) = live.rest().await;
        assert_eq!(
            events
                .iter()
                .filter(|event| !event.text().is_empty())
                .count(),
            2999
        );
        assert!(events.last().is_some_and(|event| event.is_error()));
        assert_eq!(gateway.record(&id).await["end"], "truncated");
    }
}

#[tokio::test]
async fn a_finish_reason_in_the_same_read_as_the_cut_of_an_h2_client_is_no_marker() {
    let upstream = Stream::upstream(|stream| {
        let finish = openai::chat_frame("double")(json!({}), json!("stop"));
        stream.begun(2).bytes(finish).close()
    })
    .await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let (view, record) = call::call(&gateway, Carry::Http2, request).await;
    Call {
        wire: Wire::OpenAiChat,
        carry: Carry::Http2,
        view,
        record,
    }
    .assert_broken(&text(2), "truncated");
}
