//! Streams, both ways.

use std::borrow::Cow;

use super::{feed, through, written};
use crate::chat::{Delta, Finish, FinishReason, Json, Opened, Signature};
use crate::dialect::Dialect;
use crate::usage::Usage;

/// Everything that a stream of the documentation has, as Anthropic writes it.
const STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"my-model","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me \"see\".\n"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds=="}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"EmwKAhgB"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Grüße, 世界 🌍"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"x","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":1}}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"get_weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"location\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":" \"San Francisco\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: content_block_start
data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":4}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":25,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":89,"output_tokens_details":{"thinking_tokens":7}}}

event: message_stop
data: {"type":"message_stop"}

"#;

/// What a client gets of it: figures stand at the end, because other providers know none at the beginning, and the input
/// of a call that has none is told, because clients of other dialects read nothing else.
fn expected() -> String {
    let bare = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":4}";
    let told = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":4,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}";
    STREAM
        .replacen(
            r#""input_tokens":25,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1"#,
            r#""input_tokens":0,"output_tokens":0"#,
            1,
        )
        .replacen(bare, &format!("{told}\n\n{bare}"), 1)
}

#[test]
fn a_stream_comes_out_as_it_came_in_wherever_it_is_split() {
    assert_eq!(through(STREAM.as_bytes(), &[]), expected());
    for at in 1..STREAM.len() {
        assert_eq!(
            through(STREAM.as_bytes(), &[at]),
            expected(),
            "split at {at}"
        );
    }
}

#[test]
fn pings_unknown_events_and_what_only_anthropic_understands_do_no_harm() {
    let stream = STREAM.replace(
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2",
        ": note\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: new\ndata: {\"type\":\"new\",\"x\":[1]}\n\n\
         event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2",
    );
    assert_eq!(through(stream.as_bytes(), &[]), expected());
}

#[test]
fn a_servers_tool_call_is_told_whole() {
    let stream = r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"query\":"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\"x\"}"}}

data: {"type":"content_block_stop","index":0}

"#;
    let mut found = Vec::new();
    let mut reader = super::super::stream_reader::new();
    feed(stream.as_bytes(), &[], &mut *reader, &mut |delta| {
        if let Delta::Open { opened, .. } = delta {
            found.push(format!("{opened:?}"));
        }
    });
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains(r#""input":{"query":"x"}"#),
        "{}",
        found[0]
    );
}

fn begin() -> Delta<'static> {
    Delta::Begin {
        id: None,
        model: None,
        created: None,
    }
}

fn open(part: u32, opened: Opened<'static>) -> Delta<'static> {
    Delta::Open {
        choice: 0,
        part,
        opened,
    }
}

fn call(part: u32, custom: bool) -> Delta<'static> {
    open(
        part,
        Opened::ToolCall {
            id: Cow::Owned(format!("call_{part}")),
            name: Cow::Borrowed("f"),
            custom,
            signature: None,
        },
    )
}

fn piece(part: u32, text: &'static str) -> Delta<'static> {
    Delta::Piece {
        choice: 0,
        part,
        text: Cow::Borrowed(text),
    }
}

fn close(part: u32) -> Delta<'static> {
    Delta::Close { choice: 0, part }
}

fn finish(reason: FinishReason) -> Delta<'static> {
    Delta::Finish {
        choice: 0,
        finish: Finish::new(reason),
    }
}

/// The events of a stream in short: name, index, and what they add.
fn short(stream: &str) -> Vec<String> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| {
            let event: serde_json::Value = serde_json::from_str(data).unwrap();
            let name = event["type"]
                .as_str()
                .unwrap()
                .replace("content_block_", "");
            let text = [
                "text",
                "thinking",
                "partial_json",
                "signature",
                "stop_reason",
            ]
            .iter()
            .find_map(|key| event["delta"][key].as_str());
            match (event["index"].as_u64(), text) {
                (Some(index), Some(text)) => format!("{name} {index} {text}"),
                (Some(index), None) => format!("{name} {index}"),
                (None, Some(text)) => format!("{name} {text}"),
                (None, None) => name,
            }
        })
        .collect()
}

#[test]
fn the_first_event_goes_out_when_the_stream_begins() {
    let mut writer = super::super::stream_writer::new(&super::asked());
    let mut out = Vec::new();
    writer.delta(begin(), &mut out);
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("event: message_start\ndata: "), "{out}");
    assert!(out.contains(r#""id":"msg_7""#) && out.contains(r#""model":"my-model""#));
    assert!(
        out.contains(r#""usage":{"input_tokens":0,"output_tokens":0}"#),
        "{out}"
    );
}

#[test]
fn calls_that_end_together_are_told_one_after_the_other() {
    let stream = written(vec![
        begin(),
        call(0, false),
        piece(0, r#"{"a":"}"#),
        piece(0, r#"\"{"}"#),
        call(1, false),
        piece(1, "{}"),
        close(0),
        close(1),
        finish(FinishReason::Stop),
    ]);
    assert_eq!(
        short(&stream),
        [
            "message_start",
            "start 0",
            r#"delta 0 {"a":"}"#,
            r#"delta 0 \"{"}"#,
            "stop 0",
            "start 1",
            "delta 1 {}",
            "stop 1",
            "message_delta tool_use",
            "message_stop",
        ]
    );
}

#[test]
fn calls_that_overlap_keep_their_index_and_nothing_waits() {
    let stream = written(vec![
        begin(),
        call(0, false),
        piece(0, r#"{"a":"#),
        call(1, false),
        piece(1, r#"{"b":"#),
        piece(0, "1}"),
        piece(1, "2}"),
        close(0),
        close(1),
        finish(FinishReason::ToolCalls),
    ]);
    assert_eq!(
        short(&stream)[1..9],
        [
            "start 0",
            r#"delta 0 {"a":"#,
            "start 1",
            r#"delta 1 {"b":"#,
            "delta 0 1}",
            "delta 1 2}",
            "stop 0",
            "stop 1",
        ]
    );
}

#[test]
fn free_text_for_a_tool_becomes_the_member_of_an_object() {
    let stream = written(vec![
        begin(),
        call(0, true),
        piece(0, "say \"hi\"\n"),
        piece(0, "\\"),
        close(0),
        finish(FinishReason::ToolCalls),
    ]);
    let input: String = short(&stream)
        .iter()
        .filter_map(|it| it.strip_prefix("delta 0 ").map(str::to_owned))
        .collect();
    let input: serde_json::Value = serde_json::from_str(&input).unwrap();
    assert_eq!(input["input"], "say \"hi\"\n\\");
}

#[test]
fn reasons_and_late_figures_stand_at_the_end() {
    for (reason, word) in [
        (FinishReason::Stop, "end_turn"),
        (FinishReason::Length, "max_tokens"),
        (FinishReason::ToolCalls, "tool_use"),
        (FinishReason::ContentFilter, "refusal"),
        (FinishReason::Refusal, "refusal"),
        (FinishReason::Pause, "pause_turn"),
        (FinishReason::ContextWindow, "model_context_window_exceeded"),
        (FinishReason::Failed, "end_turn"),
    ] {
        let usage = Usage {
            input_tokens: Some(10),
            output_tokens: Some(4),
            cache_read_tokens: Some(6),
            ..Usage::default()
        };
        let stream = written(vec![begin(), finish(reason), Delta::Usage(usage)]);
        let end = format!(
            r#"event: message_delta
data: {{"type":"message_delta","delta":{{"stop_reason":"{word}","stop_sequence":null}},"usage":{{"input_tokens":4,"cache_read_input_tokens":6,"output_tokens":4}}}}

event: message_stop
data: {{"type":"message_stop"}}

"#
        );
        assert!(stream.ends_with(&end), "{stream}");
    }
}

#[test]
fn the_matched_sequence_and_the_words_of_a_filter_are_told() {
    let mut stop = Finish::new(FinishReason::Stop);
    stop.stop_sequence = Some("END".to_owned());
    let stream = written(vec![
        begin(),
        Delta::Finish {
            choice: 0,
            finish: stop,
        },
    ]);
    assert!(stream.contains(r#""stop_reason":"stop_sequence","stop_sequence":"END""#));
    let mut filter = Finish::new(FinishReason::ContentFilter);
    filter.detail = Some("SAFETY".to_owned());
    let stream = written(vec![
        begin(),
        Delta::Finish {
            choice: 0,
            finish: filter,
        },
    ]);
    assert!(
        stream.contains(
            r#""stop_details":{"type":"refusal","category":null,"explanation":"SAFETY"}"#
        )
    );
}

#[test]
fn what_others_signed_is_tagged_and_comes_back() {
    let signature = |by| Signature {
        by: Some(by),
        value: "c2ln".to_owned(),
    };
    let stream = written(vec![
        begin(),
        open(0, Opened::Thinking { id: None }),
        Delta::Signature {
            choice: 0,
            part: 0,
            signature: signature(Dialect::OpenAiResponses),
        },
        close(0),
        open(
            1,
            Opened::ToolCall {
                id: "call_1".into(),
                name: "f".into(),
                custom: false,
                signature: Some(signature(Dialect::Gemini)),
            },
        ),
        close(1),
    ]);
    assert!(
        stream.contains(r#""signature":"gw1.openai_responses:c2ln""#),
        "{stream}"
    );
    assert!(
        stream.contains(r#""id":"call_1__thought__YzJsbg""#),
        "{stream}"
    );
}

#[test]
fn an_address_that_another_provider_cites_is_a_result_of_a_search() {
    let json = r#"{"type":"url_citation","url_citation":{"url":"https://a.example","title":"A","start_index":0,"end_index":1}}"#;
    let stream = written(vec![
        begin(),
        open(0, Opened::Text),
        Delta::Citation {
            choice: 0,
            part: 0,
            dialect: Dialect::OpenAiChat,
            json: Json::parse(json).unwrap(),
        },
        close(0),
    ]);
    assert!(
        stream.contains(r#""type":"citations_delta","citation":{"#),
        "{stream}"
    );
    assert!(stream.contains(r#""url":"https://a.example""#), "{stream}");
}

#[test]
fn an_answer_by_the_gateways_tool_is_a_text() {
    let stream = STREAM
        .replace("get_weather", super::super::format_tool::NAME)
        .replace(
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":4,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"now\",\"input\":{}}}\n\n\
             event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":4}\n\n",
            "",
        );
    let out = short(&through(stream.as_bytes(), &[]));
    assert!(
        out.contains(&r#"delta 3 {"location":"#.to_owned()),
        "{out:?}"
    );
    assert!(
        out.contains(&"message_delta end_turn".to_owned()),
        "{out:?}"
    );
}

#[test]
fn an_event_that_cannot_be_understood_ends_the_stream() {
    for data in [
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
        "event: message_start\ndata: {\"type\":\"message_start\"}\n\n",
        "event: content_block_start\ndata: {\"index\":0}\n\n",
        "event: message_delta\ndata: [1]\n\n",
    ] {
        let mut reader = super::super::stream_reader::new();
        let mut failed = false;
        let mut framer = crate::sse::Framer::new(1 << 16);
        let fed = framer.feed(bytes::Bytes::copy_from_slice(data.as_bytes()), |event| {
            failed = reader.event(&event, &mut |_| {}).is_err();
            crate::sse::Flow::Continue
        });
        assert_eq!(fed.error, None);
        assert!(failed, "{data}");
    }
}
