//! Streams of chunks.

use super::{asked, steps, through};
use crate::chat::{Delta, Finish, FinishReason, Json, Opened, Signature};
use crate::dialect::Dialect;

/// A chunk with these choices.
fn chunk(choices: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"mine\",\"choices\":[{choices}]}}\n\n"
    )
}

fn delta(delta: &str) -> String {
    chunk(&format!(
        "{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":null}}"
    ))
}

fn end(reason: &str) -> String {
    chunk(&format!(
        "{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{reason}\"}}"
    ))
}

const ROLE: &str = r#""role":"assistant","content":"""#;
const DONE: &str = "data: [DONE]\n\n";

/// Tools, text between them, thoughts, as it comes out again byte for byte.
fn golden() -> String {
    [
        delta(ROLE),
        delta(r#""reasoning_content":"hm","thinking_blocks":[{"index":0,"type":"thinking","thinking":"hm"}]"#),
        delta(r#""content":"Hé\n""#),
        delta(r#""content":"llo""#),
        delta(r#""tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]"#),
        delta(r#""tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]"#),
        delta(r#""tool_calls":[{"index":0,"function":{"arguments":"1}"}}]"#),
        delta(r#""tool_calls":[{"index":1,"id":"b","type":"custom","custom":{"name":"g","input":""}}]"#),
        delta(r#""tool_calls":[{"index":1,"custom":{"input":"ls"}}]"#),
        delta(r#""content":"more""#),
        delta(r#""refusal":"No.""#),
        end("tool_calls"),
        chunk("").replace("\"choices\":[]}", "\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}"),
        DONE.to_owned(),
    ]
    .concat()
}

#[test]
fn a_stream_comes_out_as_it_went_in_however_it_is_cut() {
    let stream = golden();
    assert_eq!(through(&[&stream], &asked()), stream);
    for at in (0..stream.len()).filter(|at| stream.is_char_boundary(*at)) {
        let (before, after) = stream.split_at(at);
        assert_eq!(through(&[before, after], &asked()), stream, "cut at {at}");
    }
}

#[test]
fn usage_is_told_only_if_it_was_asked_for() {
    let mut asked = asked();
    asked.usage_in_stream = false;
    let out = through(&[&golden()], &asked);
    assert!(
        !out.contains("usage") && out.ends_with(&[end("tool_calls"), DONE.to_owned()].concat())
    );
}

#[test]
fn azures_first_chunk_without_choices_begins_nothing() {
    let stream = [
        "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{}]}\n\n",
        &delta(r#""content":"a""#),
        &end("stop"),
        DONE,
    ]
    .concat();
    let expected =
        [&delta(ROLE), &delta(r#""content":"a""#), &end("stop"), DONE].map(|it| it.to_string());
    assert_eq!(through(&[&stream], &asked()), expected.concat());
}

fn kinds(stream: &str) -> Vec<String> {
    let mut kinds = Vec::new();
    for step in steps(stream) {
        let word = step.split([' ', '(']).next().unwrap_or_default();
        let part = step
            .split("part: ")
            .nth(1)
            .and_then(|it| it.split([',', ' ']).next());
        kinds.push(format!("{word}{}", part.unwrap_or_default()));
    }
    kinds
}

#[test]
fn a_call_whose_arguments_are_whole_is_closed_when_the_next_begins() {
    let call = |index: u8, id: &str, arguments: &str| {
        delta(&format!(
            "\"tool_calls\":[{{\"index\":{index},\"id\":\"{id}\",\"function\":{{\"name\":\"f\",\"arguments\":{arguments:?}}}}}]"
        ))
    };
    let more = |index: u8, arguments: &str| {
        delta(&format!(
            "\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":{arguments:?}}}}}]"
        ))
    };
    let stream = [
        call(0, "a", "{\"x\":"),
        more(0, "\"}\"}"),
        call(1, "b", "{}"),
        end("stop"),
    ]
    .concat();
    assert_eq!(
        kinds(&stream),
        [
            "Begin", "Open0", "Piece0", "Piece0", "Close0", "Open1", "Piece1", "Close1", "Finish"
        ]
    );
    // Fragments of calls that take turns: nothing is closed before it is whole.
    let stream = [
        call(0, "a", "{\"x\":"),
        call(1, "b", "{"),
        more(0, "1}"),
        more(1, "}"),
        end("stop"),
    ]
    .concat();
    assert_eq!(
        kinds(&stream),
        [
            "Begin", "Open0", "Piece0", "Open1", "Piece1", "Piece0", "Close0", "Piece1", "Close1",
            "Finish"
        ]
    );
    // Servers that give every call the index 0.
    let stream = [call(0, "a", "{}"), call(0, "b", "{}"), end("tool_calls")].concat();
    assert_eq!(
        kinds(&stream),
        [
            "Begin", "Open0", "Piece0", "Close0", "Open1", "Piece1", "Close1", "Finish"
        ]
    );
}

#[test]
fn a_name_that_comes_late_waits_with_its_arguments() {
    let stream = [
        delta(r#""tool_calls":[{"index":0,"id":"a"}]"#),
        delta(r#""tool_calls":[{"index":0,"function":{"arguments":"{"}}]"#),
        delta(r#""tool_calls":[{"index":0,"function":{"name":"f","arguments":"}"}}]"#),
        end("tool_calls"),
    ]
    .concat();
    let expected = [
        delta(ROLE),
        delta(
            r#""tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]"#,
        ),
        delta(r#""tool_calls":[{"index":0,"function":{"arguments":"{"}}]"#),
        delta(r#""tool_calls":[{"index":0,"function":{"arguments":"}"}}]"#),
        end("tool_calls"),
        DONE.to_owned(),
    ];
    assert_eq!(through(&[&stream], &asked()), expected.concat());
}

#[test]
fn several_choices_are_told_apart() {
    let choice = |index: u8, delta: &str, finish: &str| {
        chunk(&format!(
            "{{\"index\":{index},\"delta\":{{{delta}}},\"finish_reason\":{finish}}}"
        ))
    };
    let stream = [
        choice(1, r#""content":"b""#, "null"),
        choice(0, r#""content":"a""#, "null"),
        choice(1, "", "\"length\""),
        choice(0, "", "\"stop\""),
        DONE.to_owned(),
    ]
    .concat();
    let expected = [
        choice(0, ROLE, "null"),
        choice(1, ROLE, "null"),
        choice(1, r#""content":"b""#, "null"),
        choice(0, r#""content":"a""#, "null"),
        choice(0, "", "\"stop\""),
        choice(1, "", "\"length\""),
        DONE.to_owned(),
    ];
    assert_eq!(through(&[&stream], &asked()), expected.concat());
}

#[test]
fn pieces_of_signed_thoughts_are_parts() {
    let stream = [
        delta(r#""reasoning_content":"a","thinking_blocks":[{"index":0,"type":"thinking","thinking":"a"}]"#),
        delta(r#""thinking_blocks":[{"index":0,"type":"thinking","thinking":"","signature":"s"}]"#),
        delta(r#""thinking_blocks":[{"index":1,"type":"redacted_thinking","data":"r"}]"#),
        delta(r#""content":"b""#),
        end("stop"),
    ]
    .concat();
    assert_eq!(
        kinds(&stream),
        [
            "Begin",
            "Open0",
            "Piece0",
            "Signature0",
            "Close0",
            "Open1",
            "Close1",
            "Open2",
            "Piece2",
            "Close2",
            "Finish"
        ]
    );
    let out = through(&[&stream], &asked());
    assert_eq!(out, [delta(ROLE), stream, DONE.to_owned()].concat());
}

/// What a client is told of these steps, without the first chunk.
fn told(deltas: Vec<Delta<'_>>) -> String {
    let mut writer = (super::super::FRONT.stream_writer)(&asked());
    let mut out = Vec::new();
    let begin = Delta::Begin {
        id: Some("c1".into()),
        model: Some("theirs".into()),
        created: Some(5),
    };
    for delta in std::iter::once(begin).chain(deltas) {
        writer.delta(delta, &mut out);
    }
    let out = String::from_utf8(out).unwrap();
    out.strip_prefix(&delta(ROLE)).unwrap().to_owned()
}

#[test]
fn signatures_of_other_makers_and_their_citations_are_told() {
    let (choice, part) = (0, 0);
    let signature = |by| Signature {
        by: Some(by),
        value: "s".to_owned(),
    };
    let out = told(vec![
        Delta::Open {
            choice,
            part,
            opened: Opened::ToolCall {
                id: "a".into(),
                name: "f".into(),
                custom: false,
                signature: Some(signature(Dialect::Gemini)),
            },
        },
        Delta::Close { choice, part },
        Delta::Open {
            choice,
            part: 1,
            opened: Opened::Text,
        },
        Delta::Piece {
            choice,
            part: 1,
            text: "ab".into(),
        },
        Delta::Citation {
            choice,
            part: 1,
            dialect: Dialect::AnthropicMessages,
            json: Json::parse(r#"{"url":"u","title":"t"}"#).unwrap(),
        },
        Delta::Finish {
            choice,
            finish: Finish {
                reason: FinishReason::Stop,
                stop_sequence: Some("END".to_owned()),
                detail: None,
            },
        },
    ]);
    let expected = [
        delta(
            r#""tool_calls":[{"index":0,"id":"a__thought__cw","type":"function","function":{"name":"f","arguments":""},"extra_content":{"google":{"thought_signature":"s"}}}]"#,
        ),
        delta(r#""content":"ab""#),
        delta(
            r#""annotations":[{"index":0,"type":"url_citation","url_citation":{"end_index":2,"start_index":0,"title":"t","url":"u"}}]"#,
        ),
        end("stop").replace("\"stop\"}", "\"stop\",\"stop_reason\":\"END\"}"),
    ];
    assert_eq!(out, expected.concat());
}

#[test]
fn a_client_of_functions_gets_one_function_call() {
    let stream = [
        delta(ROLE),
        delta(
            r#""tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]"#,
        ),
        delta(
            r#""tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]"#,
        ),
        end("tool_calls"),
        DONE.to_owned(),
    ];
    let expected = [
        delta(ROLE),
        delta(r#""function_call":{"name":"f","arguments":""}"#),
        delta(r#""function_call":{"arguments":"{}"}"#),
        end("function_call"),
        DONE.to_owned(),
    ];
    let mut asked = asked();
    asked.echo = vec![("functions", Json::parse("true").unwrap())];
    assert_eq!(through(&[&stream.concat()], &asked), expected.concat());
}

#[test]
fn what_perplexity_found_is_cited_once() {
    let found = |chunk: String| {
        let results =
            r#""search_results":[{"title":"t","url":"https://a","date":null}],"choices":"#;
        chunk.replace("\"choices\":", results)
    };
    let stream = [
        found(delta(r#""content":"ab""#)),
        found(end("stop")),
        found(end("stop")),
    ];
    let expected = [
        delta(ROLE),
        delta(r#""content":"ab""#),
        delta(
            r#""annotations":[{"index":0,"type":"url_citation","url_citation":{"end_index":2,"start_index":0,"title":"t","url":"https://a"}}]"#,
        ),
        end("stop"),
        DONE.to_owned(),
    ];
    assert_eq!(through(&[&stream.concat()], &asked()), expected.concat());
}

#[test]
fn a_picture_of_googles_is_shown_as_one() {
    let json = Json::parse(r#"{"inlineData":{"mimeType":"image/png","data":"iVBO"}}"#);
    let opened = Opened::Other {
        dialect: Dialect::Gemini,
        json: json.unwrap(),
    };
    let out = told(vec![Delta::Open {
        choice: 0,
        part: 0,
        opened,
    }]);
    let expected = r#""images":[{"type":"image_url","index":0,"image_url":{"url":"data:image/png;base64,iVBO"}}]"#;
    assert_eq!(out, delta(expected));
}

#[test]
fn a_stream_without_words_is_an_answer_without_words() {
    let expected = [
        "Begin { id: None, model: None, created: None }",
        "Finish { choice: 0, finish: Finish { reason: Stop, stop_sequence: None, detail: None } }",
    ];
    assert_eq!(steps(DONE), expected);
}
