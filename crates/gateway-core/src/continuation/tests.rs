//! Streams that are cut and continued.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Collected, Prefill, Splicer, TextCollector};
use crate::{Dialect, Envelope, Event, Flow, Framer, Limits, MockAnswer, Seen};

const CHAT: Dialect = Dialect::OpenAiChat;
const MESSAGES: Dialect = Dialect::AnthropicMessages;

fn envelope(body: &str) -> Envelope {
    Envelope::parse(Bytes::copy_from_slice(body.as_bytes()), Limits::default()).expect(body)
}

fn request() -> Envelope {
    envelope(r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Say it."}]}"#)
}

/// Feeds whole events; gives what is ready.
fn feed(stream: &[u8], mut each: impl FnMut(&Event<'_>)) -> Bytes {
    let fed = Framer::new(1 << 20).feed(Bytes::copy_from_slice(stream), |event| {
        each(&event);
        Flow::Continue
    });
    assert_eq!(fed.error, None);
    fed.ready
}

fn collect(dialect: Dialect, request: &Envelope, stream: &str) -> TextCollector {
    let mut collector = TextCollector::new(dialect, request, 1 << 16);
    let _ = feed(stream.as_bytes(), |event| collector.event(event));
    collector
}

fn splice(splicer: &mut Splicer, stream: &str) -> String {
    let mut out = Vec::new();
    let _ = feed(stream.as_bytes(), |event| {
        out.extend_from_slice(&splicer.event(event));
    });
    String::from_utf8(out).expect("events are UTF-8")
}

fn data(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| format!("data: {line}\n\n"))
        .collect()
}

fn events(lines: &[Value]) -> String {
    lines
        .iter()
        .map(|line| {
            let name = line["type"].as_str().expect("every event has a type");
            format!("event: {name}\ndata: {line}\n\n")
        })
        .collect()
}

fn text_block(index: u64) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}})
}

fn text_delta(index: u64, text: &str) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}})
}

#[test]
fn plain_text_is_collected_and_anything_else_rules_a_continuation_out() {
    let begun = r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"A "},"finish_reason":null}]}"#;
    for (next, expected) in [
        (
            r#"{"choices":[{"index":0,"delta":{"content":"te\u0078t"}}]}"#,
            Collected::Text("A text"),
        ),
        (
            r#"{"choices":[],"usage":{"prompt_tokens":1}}"#,
            Collected::Text("A "),
        ),
        (
            r#"{"choices":[{"delta":{"content":null,"refusal":null,"tool_calls":[]}}]}"#,
            Collected::Text("A "),
        ),
        (
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            Collected::Impossible(super::TOOL_CALL),
        ),
        (
            r#"{"choices":[{"delta":{"function_call":{"name":"f"}}}]}"#,
            Collected::Impossible(super::TOOL_CALL),
        ),
        (
            r#"{"choices":[{"delta":{"reasoning_content":"Hm"}}]}"#,
            Collected::Impossible(super::REASONING),
        ),
        (
            r#"{"choices":[{"delta":{"refusal":"No"}}]}"#,
            Collected::Impossible(super::REFUSAL),
        ),
        (
            r#"{"choices":[{"delta":{"content":[{"type":"text"}]}}]}"#,
            Collected::Impossible(super::OTHER_CONTENT),
        ),
        (
            r#"{"choices":[{"delta":{"audio":{"id":"a"}}}]}"#,
            Collected::Impossible(super::OTHER_CONTENT),
        ),
        (
            r#"{"choices":[{"message":{"content":"a"}}]}"#,
            Collected::Impossible(super::OTHER_CONTENT),
        ),
        (
            r#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
            Collected::Impossible(super::SEVERAL),
        ),
        (
            r#"{"choices":[{"index":0,"delta":{}},{"index":1,"delta":{}}]}"#,
            Collected::Impossible(super::SEVERAL),
        ),
        (
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            Collected::Impossible("it had come to its end"),
        ),
        ("[DONE]", Collected::Impossible("it had come to its end")),
        ("{", Collected::Impossible("an event cannot be read")),
    ] {
        let collector = collect(CHAT, &request(), &data(&[begun, next]));
        assert_eq!(collector.collected(), expected, "{next}");
    }
}

#[test]
fn of_a_message_one_block_of_text_is_collected() {
    let start = json!({"type": "message_start", "message": {"role": "assistant", "content": []}});
    let tool = json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "f"}});
    let thinking = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}});
    let citation = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {}}});
    let ping = json!({"type": "ping"});
    let stop = json!({"type": "content_block_stop", "index": 0});
    let end = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}});
    let [block, a, b] = [text_block(0), text_delta(0, "A "), text_delta(0, "text")];
    for (stream, expected) in [
        (vec![&start], Collected::Text("")),
        (
            vec![&start, &block, &ping, &a, &b],
            Collected::Text("A text"),
        ),
        (
            vec![&start, &thinking],
            Collected::Impossible(super::REASONING),
        ),
        (vec![&start, &tool], Collected::Impossible(super::TOOL_CALL)),
        (
            vec![&start, &block, &a, &tool],
            Collected::Impossible(super::SEVERAL),
        ),
        (
            vec![&start, &block, &a, &citation],
            Collected::Impossible(super::OTHER_CONTENT),
        ),
        (
            vec![&start, &block, &a, &stop],
            Collected::Impossible("it had come to its end"),
        ),
        (
            vec![&start, &end],
            Collected::Impossible("it had come to its end"),
        ),
    ] {
        let stream: Vec<_> = stream.into_iter().cloned().collect();
        let collector = collect(MESSAGES, &request(), &events(&stream));
        assert_eq!(collector.collected(), expected, "{stream:?}");
    }
}

#[test]
fn some_requests_rule_a_continuation_out() {
    for (dialect, body, possible) in [
        (
            CHAT,
            r#"{"n":1,"response_format":{"type":"text"},"audio":null}"#,
            true,
        ),
        (CHAT, r#"{"response_format":null}"#, true),
        (CHAT, r#"{"n":2}"#, false),
        (CHAT, r#"{"response_format":{"type":"json_object"}}"#, false),
        (CHAT, r#"{"response_format":7}"#, false),
        (CHAT, r#"{"guided_regex":"a+"}"#, false),
        (CHAT, r#"{"audio":{"voice":"v"}}"#, false),
        (
            MESSAGES,
            r#"{"thinking":{"type":"disabled"},"output_config":{"effort":"low"}}"#,
            true,
        ),
        (
            MESSAGES,
            r#"{"thinking":{"type":"enabled","budget_tokens":1024}}"#,
            false,
        ),
        (MESSAGES, r#"{"thinking":{"type":"adaptive"}}"#, false),
        (
            MESSAGES,
            r#"{"output_format":{"type":"json_schema"}}"#,
            false,
        ),
        (
            MESSAGES,
            r#"{"output_config":{"format":{"type":"json_schema"}}}"#,
            false,
        ),
        (Dialect::OpenAiCompletions, "{}", false),
        (Dialect::OpenAiEmbeddings, "{}", false),
    ] {
        let collector = TextCollector::new(dialect, &envelope(body), 10);
        let is_possible = matches!(collector.collected(), Collected::Text(""));
        assert_eq!(is_possible, possible, "{body}");
    }
}

#[test]
fn text_over_the_limit_is_not_kept() {
    let piece = r#"{"choices":[{"index":0,"delta":{"content":"12345"}}]}"#;
    for (limit, possible) in [(10, true), (9, false), (0, false)] {
        let mut collector = TextCollector::new(CHAT, &request(), limit);
        let _ = feed(data(&[piece, piece]).as_bytes(), |event| {
            collector.event(event)
        });
        assert_eq!(
            matches!(collector.collected(), Collected::Text(_)),
            possible
        );
        assert!(collector.text.len() <= limit);
    }
}

#[test]
fn the_text_becomes_the_last_message_and_all_else_stays() {
    const BEFORE: &str =
        r#"{"model":"m", "messages": [ {"role":"user","content":"?"} ], "max_tokens":9,"new":{}}"#;
    let collector = collect(
        CHAT,
        &request(),
        &data(&[r#"{"choices":[{"delta":{"content":"A \"q\" \n "}}]}"#]),
    );
    let said = r#""A \"q\"""#;
    for (prefill, expected) in [
        (
            Prefill::Plain,
            format!(
                r#"{{"model":"m", "messages": [ {{"role":"user","content":"?"}},{{"role":"assistant","content":{said}}}], "max_tokens":9,"new":{{}}}}"#
            ),
        ),
        (
            Prefill::Prefix,
            format!(
                r#"{{"model":"m", "messages": [ {{"role":"user","content":"?"}},{{"role":"assistant","content":{said},"prefix":true}}], "max_tokens":9,"new":{{}}}}"#
            ),
        ),
        (
            Prefill::Partial,
            format!(
                r#"{{"model":"m", "messages": [ {{"role":"user","content":"?"}},{{"role":"assistant","content":{said},"partial":true}}], "max_tokens":9,"new":{{}}}}"#
            ),
        ),
        (
            Prefill::ContinueFinalMessage,
            format!(
                r#"{{"model":"m", "messages": [ {{"role":"user","content":"?"}},{{"role":"assistant","content":{said}}}], "max_tokens":9,"new":{{}},"continue_final_message":true,"add_generation_prompt":false}}"#
            ),
        ),
    ] {
        let body = collector
            .continue_request(&envelope(BEFORE), prefill)
            .expect("it is plain text");
        assert_eq!(body, expected);
    }
}

#[test]
fn the_clients_own_beginning_is_gone_on_with() {
    let stream = events(&[text_block(0), text_delta(0, " b ")]);
    let collector = collect(MESSAGES, &request(), &stream);
    for (before, after) in [
        (
            r#"{"role":"assistant","content":"a","x":1}"#,
            r#"{"role":"assistant","content":"a b","x":1}"#,
        ),
        (
            r#"{"role":"assistant","content":[{"type":"image"},{"type":"text","text":"a","cache_control":{}} ]}"#,
            r#"{"role":"assistant","content":[{"type":"image"},{"type":"text","text":"a b","cache_control":{}}]}"#,
        ),
    ] {
        let body = |last| {
            envelope(&format!(
                r#"{{"messages":[{{"role":"user","content":"?"}},{last}]}}"#
            ))
        };
        let continued = collector.continue_request(&body(before), Prefill::Plain);
        assert_eq!(continued.expect(before), *body(after).body());
    }
    for body in [
        r#"{"messages":[]}"#,
        r#"{"messages":"?"}"#,
        r#"{"messages":[1]}"#,
        r#"{}"#,
        r#"{"messages":[{"role":"assistant","content":null}]}"#,
        r#"{"messages":[{"role":"assistant","content":[]}]}"#,
        r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use"}]}]}"#,
        r#"{"messages":[{"role":"assistant","content":"a","tool_calls":[{}]}]}"#,
    ] {
        assert!(
            collector
                .continue_request(&envelope(body), Prefill::Plain)
                .is_err(),
            "{body}"
        );
    }
}

#[test]
fn without_text_the_request_is_sent_as_it_was() {
    for text in ["", " \n\u{2003}"] {
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string();
        let collector = collect(CHAT, &request(), &data(&[&chunk]));
        let body = collector.continue_request(&request(), Prefill::Prefix);
        assert_eq!(body.as_ref(), Ok(request().body()));
    }
}

#[test]
fn chunks_go_on_in_the_first_stream_under_its_name() {
    let first = r#"{"id":"first","created":1,"model":"a","choices":[{"index":0,"delta":{"role":"assistant","content":"One "}}]}"#;
    let mut splicer = collect(CHAT, &request(), &data(&[first])).into_splicer();
    let second = format!(
        ": comment\n\n{}",
        data(&[
            r#"{"id":"second","created":2,"model":"b","choices":[],"prompt_filter_results":[{}]}"#,
            r#"{"id":"second","created":2,"model":"b","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"id":"second","created":2,"model":"b","choices":[{"index":0,"delta":{"content":" "}}]}"#,
            r#"{"id":"second","created":2,"model":"b","choices":[{"index":0,"delta":{"role":"assistant","content":" two"},"logprobs":null}],"new":1}"#,
            r#"{"id":"second","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t"}]}}]}"#,
            r#"{"id":"second","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"id":"second","choices":[],"usage":{"completion_tokens":2}}"#,
            "[DONE]",
            r#"{"id":"second","choices":[{"index":0,"delta":{"content":"more"}}]}"#,
            "[DONE]",
        ])
    );
    let expected = format!(
        ": comment\n\n{}",
        data(&[
            r#"{"id":"first","created":1,"model":"a","choices":[{"index":0,"delta":{"content":" two"},"logprobs":null}],"new":1}"#,
            r#"{"id":"first","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t"}]}}]}"#,
            r#"{"id":"first","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"id":"first","choices":[],"usage":{"completion_tokens":2}}"#,
            "[DONE]",
        ])
    );
    assert_eq!(splice(&mut splicer, &second), expected);
    assert_eq!(splicer.collected(), Collected::Impossible(super::TOOL_CALL));
}

#[test]
fn the_block_of_text_stays_open_and_others_follow_it() {
    let start = || json!({"type": "message_start", "message": {"id": "second"}});
    let ping = || json!({"type": "ping"});
    let stop = |index| json!({"type": "content_block_stop", "index": index});
    let tool = |index| json!({"type": "content_block_start", "index": index, "content_block": {"type": "tool_use", "id": "t"}});
    let end = || json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}});
    let over = || json!({"type": "message_stop"});
    let cases = [
        // The client's block has another index than the continuation's.
        (
            vec![
                start(),
                text_block(0),
                ping(),
                text_delta(0, "\n"),
                text_delta(0, "\ntwo"),
                stop(0),
                tool(1),
                stop(1),
                end(),
                over(),
            ],
            vec![
                ping(),
                text_delta(2, "two"),
                stop(2),
                tool(3),
                stop(3),
                end(),
                over(),
            ],
        ),
        // The model goes over to a tool at once.
        (
            vec![start(), tool(0), stop(0), end(), over()],
            vec![stop(2), tool(3), stop(3), end(), over()],
        ),
        // The model has nothing to add.
        (
            vec![start(), end(), over(), over()],
            vec![stop(2), end(), over()],
        ),
        // The block begins with text.
        (
            vec![
                start(),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "\n\ntwo"}}),
                stop(0),
                end(),
                over(),
            ],
            vec![text_delta(2, "two"), stop(2), end(), over()],
        ),
    ];
    for (second, expected) in cases {
        let first = events(&[text_block(2), text_delta(2, "one\n\n")]);
        let mut splicer = collect(MESSAGES, &request(), &first).into_splicer();
        assert_eq!(splice(&mut splicer, &events(&second)), events(&expected));
        assert!(matches!(splicer.collected(), Collected::Impossible(_)));
    }
}

/// What a client makes of a stream: its text, how often it began, how often it ended.
fn told(dialect: Dialect, stream: &[u8]) -> (String, usize, usize) {
    let mut observer = dialect.stream_observer();
    let (mut text, mut begins, mut ends) = (String::new(), 0, 0);
    let ready = feed(stream, |event| {
        let seen = observer.event(event);
        assert!(!matches!(seen, Seen::Malformed | Seen::Error(_)));
        ends += usize::from(seen == Seen::Terminal);
        let json: Value = serde_json::from_str(&event.data()).unwrap_or_default();
        begins += usize::from(json.pointer("/choices/0/delta/role").is_some());
        begins += usize::from(json["type"] == "message_start");
        for place in ["/choices/0/delta/content", "/delta/text"] {
            text += json
                .pointer(place)
                .and_then(Value::as_str)
                .unwrap_or_default();
        }
    });
    assert_eq!(ready, stream, "it ends at the end of an event");
    (text, begins, ends)
}

/// What a model streams that was asked to say `all`, if its answer is begun as `body` has it.
fn model(dialect: Dialect, all: &str, body: Bytes) -> Bytes {
    let body = Envelope::parse(body, Limits::default()).expect("a continued request is a request");
    let json: Value = serde_json::from_slice(body.body()).expect("it is JSON");
    let last = json["messages"]
        .as_array()
        .and_then(|messages| messages.last());
    let begun = last
        .filter(|last| last["role"] == "assistant")
        .map_or("", |last| last["content"].as_str().expect("a text"));
    assert_eq!(
        begun,
        begun.trim_end(),
        "Anthropic refuses white space there"
    );
    let mock = MockAnswer {
        text: all.strip_prefix(begun).expect("it begins as it was said"),
        model: "m",
        id: "i",
        created: 0,
    };
    dialect.mock_answer(&mock, &body)
}

/// A call whose streams are cut after the given shares of their bytes: what the client gets in the end.
fn cut_and_continued(dialect: Dialect, all: &str, cuts: &[usize]) -> Vec<u8> {
    let request = request();
    let mut stream = model(dialect, all, request.body().clone());
    let mut client = Vec::new();
    let mut collector = TextCollector::new(dialect, &request, 1 << 16);
    let cut = |stream: &Bytes, at: usize| stream.slice(..at.min(stream.len()));
    let mut cuts = cuts.iter();
    if let Some(&at) = cuts.next() {
        let ready = feed(&cut(&stream, at), |event| collector.event(event));
        client.extend_from_slice(&ready);
        if ready.is_empty() {
            // Nothing was committed: that is a retry, no continuation.
            return stream.to_vec();
        }
        stream = match collector.continue_request(&request, Prefill::Plain) {
            Ok(body) => model(dialect, all, body),
            Err(_) => return client,
        };
    } else {
        return stream.to_vec();
    }
    let mut splicer = collector.into_splicer();
    for &at in cuts {
        let _ = feed(&cut(&stream, at), |event| {
            client.extend_from_slice(&splicer.event(event))
        });
        let collector = splicer.into_collector();
        stream = match collector.continue_request(&request, Prefill::Plain) {
            Ok(body) => model(dialect, all, body),
            Err(_) => return client,
        };
        splicer = collector.into_splicer();
    }
    let _ = feed(&stream, |event| {
        client.extend_from_slice(&splicer.event(event))
    });
    client
}

/// Whole and told once; or the cut fell behind the text, where nothing is left to continue.
fn assert_whole(dialect: Dialect, all: &str, cuts: &[usize]) {
    let client = cut_and_continued(dialect, all, cuts);
    let (text, begins, ends) = told(dialect, &client);
    assert_eq!(
        (text.as_str(), begins),
        (all, 1),
        "{} {cuts:?}",
        dialect.name()
    );
    assert!(ends <= 1);
    let json = String::from_utf8_lossy(&client);
    if json.contains("message_stop") || json.contains("[DONE]") {
        assert_eq!(ends, 1);
        assert_eq!(
            json.matches("event: content_block_stop").count(),
            usize::from(dialect == MESSAGES)
        );
    }
}

#[test]
fn a_stream_cut_at_every_byte_and_continued_says_the_same() {
    for all in [
        "One two  three \n\n- four,  fünf 日本語\u{2003} six  ",
        "   leading",
        "x",
        "   ",
    ] {
        for dialect in [CHAT, MESSAGES] {
            let whole = model(dialect, all, request().body().clone());
            for at in 0..=whole.len() {
                assert_whole(dialect, all, &[at]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn streams_cut_again_and_again_say_the_same(
        all in "[ a-z\n\"\\\\é]{0,200}",
        cuts in prop::collection::vec(0usize..3000, 1..5),
    ) {
        for dialect in [CHAT, MESSAGES] {
            assert_whole(dialect, &all, &cuts);
        }
    }
}
