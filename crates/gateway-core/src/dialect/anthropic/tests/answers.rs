//! Whole answers, both ways.

use serde_json::{Value, json};

use super::asked;
use crate::chat::{Answer, Choice, Finish, FinishReason, Part, PartKind, Signature};
use crate::dialect::Dialect;
use crate::usage::Usage;

fn read(body: &Value) -> Answer {
    let back = Dialect::AnthropicMessages.back().unwrap();
    (back.read_answer)(&body.to_string()).unwrap()
}

fn write(answer: &Answer) -> Value {
    let front = Dialect::AnthropicMessages.front().unwrap();
    serde_json::from_slice(&(front.write_answer)(answer, &asked())).unwrap()
}

fn message() -> Value {
    json!({
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "my-model",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "ZGF0YQ=="},
            {"type": "text", "text": "Found.", "citations": [
                {"type": "page_location", "cited_text": "x", "document_index": 0, "document_title": null,
                 "start_page_number": 1, "end_page_number": 2},
            ]},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"b": 1, "a": [1.50]}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": null,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5},
            "output_tokens": 40,
            "output_tokens_details": {"thinking_tokens": 4},
            "service_tier": "priority",
        },
    })
}

#[test]
fn a_message_comes_out_as_it_came_in() {
    assert_eq!(write(&read(&message())), message());
}

#[test]
fn figures_count_the_cache_inside() {
    let usage = read(&message()).usage;
    assert_eq!(usage.input_tokens, Some(60));
    assert_eq!(usage.reasoning_tokens, Some(4));
}

#[test]
fn every_reason_comes_back() {
    for word in [
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    ] {
        let mut body = message();
        body["content"] = json!([]);
        body["stop_reason"] = json!(word);
        if word == "stop_sequence" {
            body["stop_sequence"] = json!("END");
        }
        assert_eq!(write(&read(&body)), body);
    }
}

#[test]
fn a_filter_of_anthropics_is_no_length_cut() {
    let mut body = message();
    body["stop_reason"] = json!("refusal");
    body["stop_details"] = json!({"type": "refusal", "category": "cyber", "explanation": "No."});
    let finish = &read(&body).choices[0].finish;
    assert_eq!(finish.reason, FinishReason::ContentFilter);
    assert_eq!(finish.detail.as_deref(), Some("No."));
}

fn answer(kinds: Vec<PartKind>, reason: FinishReason) -> Answer {
    Answer {
        choices: vec![Choice {
            parts: kinds.into_iter().map(Part::new).collect(),
            finish: Finish::new(reason),
            logprobs: None,
        }],
        ..Answer::default()
    }
}

fn call(arguments: &str, custom: bool) -> PartKind {
    PartKind::ToolCall {
        id: "call_1".to_owned(),
        name: "f".to_owned(),
        arguments: arguments.to_owned(),
        custom,
        signature: Some(Signature {
            by: Some(Dialect::Gemini),
            value: "sig".to_owned(),
        }),
    }
}

#[test]
fn arguments_are_never_repaired() {
    for (arguments, custom, input) in [
        ("", false, json!({})),
        (r#"{"a": 1}"#, false, json!({"a": 1})),
        (r#"{"a": "#, false, json!({"arguments": r#"{"a": "#.trim()})),
        ("[1]", false, json!({"arguments": "[1]"})),
        ("free", true, json!({"input": "free"})),
    ] {
        let body = write(&answer(vec![call(arguments, custom)], FinishReason::Stop));
        assert_eq!(body["content"][0]["input"], input, "{arguments}");
        assert_eq!(body["stop_reason"], "tool_use");
        assert_eq!(body["content"][0]["id"], "call_1__thought__c2ln");
    }
}

#[test]
fn an_answer_without_figures_has_those_that_sdks_want() {
    let body = write(&answer(
        vec![PartKind::Refusal {
            text: "No.".to_owned(),
        }],
        FinishReason::Refusal,
    ));
    assert_eq!(
        body["usage"],
        json!({"input_tokens": 0, "output_tokens": 0})
    );
    assert_eq!(body["content"], json!([{"type": "text", "text": "No."}]));
    assert_eq!(
        (&body["id"], &body["stop_reason"]),
        (&json!("msg_7"), &json!("refusal"))
    );
    let empty = write(&Answer {
        usage: Usage::default(),
        ..Answer::default()
    });
    assert_eq!(empty["content"], json!([]));
}

#[test]
fn an_answer_by_the_gateways_tool_is_a_text() {
    let mut body = message();
    body["content"] = json!([
        {"type": "tool_use", "id": "toolu_1", "name": super::super::format_tool::NAME, "input": {"a": 1}},
    ]);
    let answer = read(&body);
    assert_eq!(answer.choices[0].parts, [Part::text(r#"{"a":1}"#)]);
    assert_eq!(answer.choices[0].finish.reason, FinishReason::Stop);
}
