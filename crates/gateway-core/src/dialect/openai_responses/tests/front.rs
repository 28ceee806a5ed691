//! What clients get: streams and whole answers, compared with files that the official SDKs have read.

use serde_json::Value;

use super::{asked, streamed};
use crate::chat::{
    Answer, Choice, Delta, Finish, FinishReason, Json, Opened, Part, PartKind, Signature,
};
use crate::dialect::openai_responses::FRONT;
use crate::usage::Usage;
use crate::{Dialect, ErrorInfo, ErrorKind, MockAnswer};

const REQUEST: &str = r#"{"model": "my-group", "input": "Hi", "instructions": "Be brief.", "temperature": 0.5,
    "tools": [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}},
      {"type": "namespace", "name": "agents", "description": "", "tools": [{"type": "function", "name": "spawn"}]},
      {"type": "tool_search", "execution": "client"}, {"type": "custom", "name": "patch"}],
    "metadata": {"a": "b"}, "stream": true}"#;

fn signature() -> Signature {
    Signature {
        by: Some(Dialect::AnthropicMessages),
        value: "EqQBCg==".to_owned(),
    }
}

fn gemini() -> Signature {
    Signature {
        by: Some(Dialect::Gemini),
        value: "CtQB".to_owned(),
    }
}

fn usage() -> Usage {
    Usage {
        input_tokens: Some(30),
        output_tokens: Some(12),
        cache_read_tokens: Some(10),
        cache_write_tokens: Some(5),
        cache_write_1h_tokens: None,
        reasoning_tokens: Some(4),
    }
}

fn citation() -> Json {
    Json::parse(r#"{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"x"}"#)
        .unwrap()
}

fn logprobs() -> Json {
    Json::parse(
        r#"{"content":[{"token":"One","bytes":[79],"logprob":-0.5,"top_logprobs":[]}],"refusal":null}"#,
    )
    .unwrap()
}

fn call(id: &str, name: &str, arguments: &str, signature: Option<Signature>) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        custom: name == "patch",
        signature,
    })
}

/// Everything that an answer can have.
fn answer() -> Answer {
    let parts = vec![
        Part::new(PartKind::RedactedThinking {
            signature: signature(),
        }),
        Part::new(PartKind::Thinking {
            text: "Let me \"see\".\nYes.".to_owned(),
            signature: Some(signature()),
            id: None,
        }),
        Part::new(PartKind::Text {
            text: "One".to_owned(),
            citations: vec![(Dialect::AnthropicMessages, citation())],
            signature: None,
        }),
        Part::new(PartKind::Text {
            text: " Two — 🦀".to_owned(),
            citations: Vec::new(),
            signature: Some(gemini()),
        }),
        call("call_1", "look", "{\"a\": 1}", Some(gemini())),
        call("call_2", "agents__spawn", "{}", None),
        call("call_3", "patch", "*** Begin\n", None),
        call("call_4", "tool_search", "{\"query\": \"x\"}", None),
    ];
    Answer {
        id: Some("msg_provider".to_owned()),
        model: Some("claude-x".to_owned()),
        created: None,
        choices: vec![Choice {
            parts,
            finish: Finish::new(FinishReason::ToolCalls),
            logprobs: None,
        }],
        usage: usage(),
        service_tier: Some("priority".to_owned()),
    }
}

/// The stream of a whole answer.
fn stream_of(answer: &Answer) -> String {
    let mut writer = (FRONT.stream_writer)(&asked(REQUEST));
    let mut out = Vec::new();
    answer.replay(&mut |delta| writer.delta(delta, &mut out));
    writer.finish(&mut out);
    String::from_utf8(out).unwrap()
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

fn piece(part: u32, text: &'static str) -> Delta<'static> {
    Delta::Piece {
        choice: 0,
        part,
        text: text.into(),
    }
}

fn finish(reason: FinishReason) -> Delta<'static> {
    Delta::Finish {
        choice: 0,
        finish: Finish::new(reason),
    }
}

fn close(part: u32) -> Delta<'static> {
    Delta::Close { choice: 0, part }
}

/// The data of each event.
fn events(stream: &str) -> Vec<Value> {
    stream
        .split_terminator("\n\n")
        .map(|event| {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
            data
        })
        .collect()
}

#[track_caller]
fn is_as_in(file: &str, text: &str) {
    let path = format!(
        "{}/tests/golden/openai_responses/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(text == expected, "{file} is not as expected:\n{text}");
}

#[test]
fn a_stream_of_everything_is_as_the_sdks_read_it() {
    let answer = answer();
    is_as_in("everything.sse", &stream_of(&answer));
}

#[test]
fn a_whole_answer_is_what_its_stream_ends_in() {
    let answer = answer();
    let whole = (FRONT.write_answer)(&answer, &asked(REQUEST));
    let whole = String::from_utf8(whole).unwrap();
    is_as_in("everything.json", &whole);
    let stream = stream_of(&answer);
    let events = events(&stream);
    let whole: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(events.last().unwrap()["response"], whole);
}

#[test]
fn events_are_numbered_and_one_ends_the_stream() {
    let answer = answer();
    let events = events(&stream_of(&answer));
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at);
    }
    let is_end = |event: &&Value| {
        let kind = event["type"].as_str().unwrap();
        [
            "response.completed",
            "response.incomplete",
            "response.failed",
            "error",
        ]
        .contains(&kind)
    };
    assert_eq!(events.iter().filter(is_end).count(), 1);
    assert!(events.iter().rposition(|it| is_end(&it)) == Some(events.len() - 1));
}

#[test]
fn parallel_calls_may_overlap_and_stay_in_their_order() {
    let tool = |id: &'static str| Opened::ToolCall {
        id: id.into(),
        name: "look".into(),
        custom: false,
        signature: None,
    };
    let stream = streamed(
        REQUEST,
        vec![
            begin(),
            open(0, tool("a")),
            piece(0, "{\"x\":"),
            open(1, tool("b")),
            piece(1, "{\"y"),
            piece(0, "1}"),
            piece(1, "\":2}"),
            close(1),
            close(0),
            finish(FinishReason::ToolCalls),
            Delta::Usage(usage()),
        ],
    );
    is_as_in("parallel.sse", &stream);
    let events = events(&stream);
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!(output[0]["arguments"], "{\"x\":1}");
    assert_eq!(output[1]["arguments"], "{\"y\":2}");
    assert_eq!(output[1]["call_id"], "b");
}

#[test]
fn an_answer_that_was_cut_says_where_and_arguments_are_not_repaired() {
    let stream = streamed(
        REQUEST,
        vec![
            begin(),
            open(0, Opened::Text),
            piece(0, "Let me"),
            close(0),
            open(
                1,
                Opened::ToolCall {
                    id: "a".into(),
                    name: "look".into(),
                    custom: false,
                    signature: None,
                },
            ),
            piece(1, "{\"x\": \"y"),
            close(1),
            finish(FinishReason::Length),
        ],
    );
    is_as_in("cut.sse", &stream);
    let events = events(&stream);
    let response = &events.last().unwrap()["response"];
    assert_eq!(
        response["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    assert_eq!(response["output"][0]["status"], "completed");
    assert_eq!(response["output"][1]["status"], "incomplete");
    assert_eq!(response["output"][1]["arguments"], "{\"x\": \"y");
}

#[test]
fn each_end_has_its_own_status() {
    for (reason, kind, status, incomplete) in [
        (FinishReason::Stop, "response.completed", "completed", None),
        (FinishReason::Pause, "response.completed", "completed", None),
        (
            FinishReason::Length,
            "response.incomplete",
            "incomplete",
            Some("max_output_tokens"),
        ),
        (
            FinishReason::ContextWindow,
            "response.incomplete",
            "incomplete",
            Some("max_output_tokens"),
        ),
        (
            FinishReason::ContentFilter,
            "response.incomplete",
            "incomplete",
            Some("content_filter"),
        ),
        (FinishReason::Failed, "response.failed", "failed", None),
    ] {
        let events = events(&streamed(REQUEST, vec![begin(), finish(reason)]));
        let last = events.last().unwrap();
        assert_eq!(
            (&last["type"], &last["response"]["status"]),
            (&kind.into(), &status.into())
        );
        assert_eq!(
            last["response"]["incomplete_details"]["reason"].as_str(),
            incomplete
        );
        assert_eq!(
            last["response"]["error"].is_null(),
            reason != FinishReason::Failed
        );
    }
}

#[test]
fn a_refusal_is_one_by_its_part_also_where_the_provider_has_no_words_for_it() {
    let said = vec![
        begin(),
        open(0, Opened::Refusal),
        piece(0, "I cannot."),
        close(0),
        finish(FinishReason::Refusal),
    ];
    is_as_in("refusal.sse", &streamed(REQUEST, said));
    let silent = events(&streamed(
        REQUEST,
        vec![begin(), finish(FinishReason::Refusal)],
    ));
    let content = &silent.last().unwrap()["response"]["output"][0]["content"][0];
    assert_eq!(content["type"], "refusal");
    assert!(!content["refusal"].as_str().unwrap().is_empty());
}

#[test]
fn probabilities_come_with_the_text_they_belong_to() {
    let json = logprobs();
    let stream = streamed(
        REQUEST,
        vec![
            begin(),
            open(0, Opened::Text),
            piece(0, "One"),
            Delta::Logprobs { choice: 0, json },
            close(0),
            finish(FinishReason::Stop),
        ],
    );
    is_as_in("logprobs.sse", &stream);
}

#[test]
fn an_error_in_between_is_the_last_event_and_the_one_on_which_clients_raise() {
    let mut writer = (FRONT.stream_writer)(&asked(REQUEST));
    let mut out = Vec::new();
    for delta in [begin(), open(0, Opened::Text), piece(0, "Let me")] {
        writer.delta(delta, &mut out);
    }
    let error = ErrorInfo::new(ErrorKind::ContextWindow, "It is too long.").with_request_id("r1");
    out.extend_from_slice(&Dialect::OpenAiResponses.error_event(&error));
    is_as_in("error.sse", std::str::from_utf8(&out).unwrap());
}

#[test]
fn an_empty_stream_begins_and_ends() {
    let events = events(&streamed("{}", vec![]));
    let kinds: Vec<_> = events
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.completed"
        ]
    );
}

#[test]
fn a_made_up_answer_is_a_providers() {
    let mock = MockAnswer {
        text: "This is made up, and long enough for several pieces.",
        model: "my-group",
        id: "m1",
        created: 1_700_000_000,
    };
    for (file, request) in [
        ("mock.json", r#"{"model": "my-group", "input": "Hi"}"#),
        (
            "mock.sse",
            r#"{"model": "my-group", "input": "Hi", "stream": true}"#,
        ),
    ] {
        let answer = Dialect::OpenAiResponses.mock_answer(&mock, &super::envelope(request));
        is_as_in(file, std::str::from_utf8(&answer).unwrap());
    }
}
