//! Whole answers.

use serde_json::{Value, json};

use super::{asked, read_answer, write_answer};
use crate::chat::{
    Answer, Choice, Finish, FinishReason, Json, Part, PartKind, Signature, unsigned_id,
};
use crate::dialect::Dialect;
use crate::usage::Usage;

fn said(parts: Vec<Part>, reason: FinishReason) -> Answer {
    Answer {
        choices: vec![Choice {
            parts,
            finish: Finish::new(reason),
            logprobs: None,
        }],
        ..Answer::default()
    }
}

fn message(parts: Vec<Part>) -> Value {
    write_answer(&said(parts, FinishReason::Stop), &asked())["choices"][0]["message"].clone()
}

#[test]
fn an_answer_goes_there_and_back() {
    let told = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 5, "model": "mine",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "a", "refusal": null, "reasoning_content": "hm",
                "annotations": [{"type": "url_citation", "url_citation": {"end_index": 1, "start_index": 0, "title": "t", "url": "u"}}],
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}},
                    {"id": "2", "type": "custom", "custom": {"name": "g", "input": "x"}}]},
             "logprobs": {"content": [], "refusal": null}, "finish_reason": "tool_calls"},
            {"index": 1, "message": {"role": "assistant", "content": null, "refusal": "No."}, "logprobs": null, "finish_reason": "stop"},
            {"index": 2, "message": {"role": "assistant", "content": "b", "refusal": null}, "logprobs": null,
             "finish_reason": "stop", "stop_reason": "END"},
            {"index": 3, "message": {"role": "assistant", "content": "c", "refusal": null}, "logprobs": null, "finish_reason": "content_filter"}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 7}},
        "service_tier": "default"
    });
    let answer = read_answer(&told.to_string());
    let reasons: Vec<_> = answer.choices.iter().map(|it| it.finish.reason).collect();
    let expected = [
        FinishReason::ToolCalls,
        FinishReason::Refusal,
        FinishReason::Stop,
        FinishReason::ContentFilter,
    ];
    assert_eq!(reasons, expected);
    assert_eq!(write_answer(&answer, &asked()), told);
}

#[test]
fn the_clients_name_of_the_model_and_what_is_missing_are_filled_in() {
    let mut answer = said(vec![Part::text("a")], FinishReason::Length);
    answer.model = Some("theirs".to_owned());
    answer.usage = Usage {
        input_tokens: Some(10),
        output_tokens: Some(2),
        cache_read_tokens: Some(3),
        cache_write_tokens: Some(4),
        ..Usage::default()
    };
    answer.service_tier = Some("standard".to_owned());
    let expected = json!({
        "id": "chatcmpl-abc", "object": "chat.completion", "created": 7, "model": "mine",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "a", "refusal": null}, "logprobs": null, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 3, "cache_creation_tokens": 4},
            "cache_creation_input_tokens": 4, "cache_read_input_tokens": 3},
        "service_tier": "default"
    });
    assert_eq!(write_answer(&answer, &asked()), expected);
}

#[test]
fn words_of_compatible_servers_are_understood() {
    for (finish, message, reason) in [
        (
            "stop",
            json!({"content": "a", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}]}),
            FinishReason::ToolCalls,
        ),
        ("eos", json!({"content": "a"}), FinishReason::Stop),
        (
            "model_length",
            json!({"content": "a"}),
            FinishReason::ContextWindow,
        ),
        (
            "insufficient_system_resource",
            json!({"content": "a"}),
            FinishReason::Failed,
        ),
        (
            "function_call",
            json!({"content": null, "function_call": {"name": "f", "arguments": "{}"}}),
            FinishReason::ToolCalls,
        ),
    ] {
        let body = json!({"choices": [{"message": message, "finish_reason": finish}]});
        assert_eq!(
            read_answer(&body.to_string()).choices[0].finish.reason,
            reason,
            "{finish}"
        );
    }
    let body = json!({"choices": [{"message": {"content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "a"}
    ], "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, "finish_reason": "stop"}]});
    let answer = read_answer(&body.to_string());
    let parts = &answer.choices[0].parts;
    assert!(matches!(&parts[0].kind, PartKind::Thinking { text, .. } if text == "hm"));
    assert_eq!(parts[1], Part::text("a"));
    assert!(
        matches!(&parts[2].kind, PartKind::ToolCall { id, arguments, .. } if id == "call_0" && arguments == r#"{"a":1}"#)
    );
}

#[test]
fn signed_thoughts_and_calls_reach_the_client_with_their_makers_name() {
    let signature = |by| Signature {
        by: Some(by),
        value: "c2ln".to_owned(),
    };
    let told = message(vec![
        Part::new(PartKind::Thinking {
            text: "hm".to_owned(),
            signature: Some(signature(Dialect::AnthropicMessages)),
            id: None,
        }),
        Part::new(PartKind::RedactedThinking {
            signature: signature(Dialect::AnthropicMessages),
        }),
        Part::new(PartKind::ToolCall {
            id: "1".to_owned(),
            name: "f".to_owned(),
            arguments: "{}".to_owned(),
            custom: false,
            signature: Some(signature(Dialect::Gemini)),
        }),
    ]);
    assert_eq!(told["content"], Value::Null);
    assert_eq!(told["reasoning_content"], "hm");
    let blocks = json!([
        {"type": "thinking", "thinking": "hm", "signature": "gw1.anthropic_messages:c2ln"},
        {"type": "redacted_thinking", "data": "gw1.anthropic_messages:c2ln"}
    ]);
    assert_eq!(told["thinking_blocks"], blocks);
    let call = &told["tool_calls"][0];
    assert_eq!(call["extra_content"]["google"]["thought_signature"], "c2ln");
    let id = call["id"].as_str().unwrap();
    assert_eq!(unsigned_id(id), ("1", Some(signature(Dialect::Gemini))));
}

#[test]
fn citations_of_any_dialect_become_annotations() {
    let text = |text: &str, dialect, json: Value| {
        Part::new(PartKind::Text {
            text: text.to_owned(),
            citations: vec![(dialect, Json::from(&json))],
            signature: None,
        })
    };
    let told = message(vec![
        Part::text("äb"),
        text(
            "cd",
            Dialect::AnthropicMessages,
            json!({"type": "web_search_result_location", "url": "https://a", "title": "t"}),
        ),
        text(
            "e",
            Dialect::Gemini,
            json!({"web": {"uri": "https://b"}, "startIndex": 1, "endIndex": 2}),
        ),
        text(
            "f",
            Dialect::AnthropicMessages,
            json!({"type": "char_location", "document_title": "d"}),
        ),
    ]);
    let annotation = |start, end, title: &str, url: &str| json!({"type": "url_citation", "url_citation": {"end_index": end, "start_index": start, "title": title, "url": url}});
    let expected = json!([
        annotation(2, 4, "t", "https://a"),
        annotation(1, 2, "https://b", "https://b")
    ]);
    assert_eq!(told["content"], "äbcdef");
    assert_eq!(told["annotations"], expected);
    let foreign = json!({"citations": [[{"type": "char_location", "document_title": "d"}]]});
    assert_eq!(told["provider_specific_fields"], foreign);
}

#[test]
fn an_annotation_gets_the_places_that_its_maker_does_not_know() {
    let cited = json!({"type": "url_citation", "url_citation": {"url": "u", "title": "t"}});
    let told = message(vec![Part::new(PartKind::Text {
        text: "ab".to_owned(),
        citations: vec![(Dialect::OpenAiChat, Json::from(&cited))],
        signature: None,
    })]);
    let expected = json!([{"type": "url_citation",
        "url_citation": {"end_index": 2, "start_index": 0, "title": "t", "url": "u"}}]);
    assert_eq!(told["annotations"], expected);
}

#[test]
fn what_perplexity_found_is_cited() {
    let body = json!({"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}],
        "search_results": [{"title": "t", "url": "https://a"}, {"title": "no address"}]});
    let told = write_answer(&read_answer(&body.to_string()), &asked());
    let expected = json!([{"type": "url_citation",
        "url_citation": {"end_index": 2, "start_index": 0, "title": "t", "url": "https://a"}}]);
    assert_eq!(told["choices"][0]["message"]["annotations"], expected);
}

#[test]
fn an_end_without_a_word_of_openais_gets_the_nearest() {
    for (reason, word) in [
        (FinishReason::Refusal, "content_filter"),
        (FinishReason::ContentFilter, "content_filter"),
        (FinishReason::ContextWindow, "length"),
        (FinishReason::Pause, "stop"),
        (FinishReason::Failed, "stop"),
    ] {
        let told = write_answer(&said(vec![Part::text("a")], reason), &asked());
        assert_eq!(told["choices"][0]["finish_reason"], word);
    }
}

#[test]
fn a_client_of_functions_gets_a_function_call() {
    let mut asked = asked();
    asked.echo = vec![("functions", Json::parse("true").unwrap())];
    let call = Part::new(PartKind::ToolCall {
        id: "1".to_owned(),
        name: "f".to_owned(),
        arguments: "{}".to_owned(),
        custom: false,
        signature: None,
    });
    let told = write_answer(&said(vec![call], FinishReason::ToolCalls), &asked);
    let choice = &told["choices"][0];
    assert_eq!(choice["finish_reason"], "function_call");
    let message = json!({"role": "assistant", "content": null, "refusal": null, "function_call": {"name": "f", "arguments": "{}"}});
    assert_eq!(choice["message"], message);
}
