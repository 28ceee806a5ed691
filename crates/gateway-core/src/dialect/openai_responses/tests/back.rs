//! What providers are asked, and what they answer.

use serde_json::{Value, json};

use super::{collected, read_stream, target, written};
use crate::chat::{
    CacheMarker, Choice, Effort, Finish, FinishReason, Json, Message, Parameters, Part, PartKind,
    Reasoning, ReasoningMode, Request, Role, Signature, Source, Tool, ToolChoice, ToolKind, Weight,
};
use crate::dialect::openai_responses::BACK;
use crate::usage::Usage;
use crate::{Dialect, Losses};

fn sse(events: &[Value]) -> String {
    let lines = events.iter().map(|event| {
        let name = event["type"].as_str().unwrap();
        format!("event: {name}\ndata: {event}\n\n")
    });
    lines.collect()
}

fn signature(by: Dialect) -> Option<Signature> {
    Some(Signature {
        by: Some(by),
        value: "sig".to_owned(),
    })
}

fn thinking(signature: Option<Signature>) -> Part {
    Part::new(PartKind::Thinking {
        text: "hm".to_owned(),
        signature,
        id: None,
    })
}

fn conversation() -> Vec<Message> {
    let mut marked = Part::text("Look");
    marked.cache = Some(CacheMarker { ttl: None });
    let image = Part::new(PartKind::Image {
        source: Source::Base64 {
            media_type: "image/png".to_owned(),
            data: "QQ==".to_owned(),
        },
        detail: None,
    });
    let call = Part::new(PartKind::ToolCall {
        id: "toolu_1".to_owned(),
        name: "look".to_owned(),
        arguments: "{\"a\": 1}".to_owned(),
        custom: false,
        signature: None,
    });
    let result = Part::new(PartKind::ToolResult {
        id: "toolu_1".to_owned(),
        name: None,
        parts: vec![Part::text("no such file"), image.clone()],
        is_error: true,
        custom: false,
    });
    vec![
        Message::new(Role::System, vec![Part::text("Be brief.")]),
        Message::new(Role::User, vec![marked, image]),
        Message::new(
            Role::Assistant,
            vec![
                thinking(signature(Dialect::AnthropicMessages)),
                thinking(signature(Dialect::OpenAiResponses)),
                Part::text("I look."),
                call,
            ],
        ),
        Message::new(Role::User, vec![result, Part::text("And?")]),
    ]
}

/// As a client of Anthropic's messages might ask.
fn request() -> Request {
    let look = Tool {
        name: "look".to_owned(),
        description: Some("Looks".to_owned()),
        kind: ToolKind::Function {
            parameters: Json::parse(r#"{"type": "object"}"#),
            strict: None,
        },
        cache: None,
    };
    Request {
        model: "gpt-5".to_owned(),
        stream: true,
        messages: conversation(),
        tools: vec![look],
        tool_choice: Some(ToolChoice::Named("look".to_owned())),
        parallel_tool_calls: Some(false),
        parameters: Parameters {
            max_tokens: Some(1),
            top_k: Some(5.into()),
            stop: vec!["END".to_owned()],
            reasoning: Some(Reasoning {
                mode: Some(ReasoningMode::On),
                effort: None,
                budget: Some(8_000),
                summary: None,
            }),
            ..Parameters::default()
        },
        other: Vec::new(),
    }
}

#[test]
fn a_request_is_written_in_items() {
    let (body, lost) = written(&request());
    assert_eq!(
        body,
        json!({
            "model": "gpt-5", "stream": true, "store": false,
            "input": [
                {"type": "message", "role": "system", "content": "Be brief."},
                {"type": "message", "role": "user", "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "data:image/png;base64,QQ=="}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "sig"},
                {"type": "message", "role": "assistant", "content": "I look."},
                {"type": "function_call", "call_id": "toolu_1", "name": "look", "arguments": "{\"a\": 1}"},
                {"type": "function_call_output", "call_id": "toolu_1", "output": [
                    {"type": "input_text", "text": "Error: no such file"},
                    {"type": "input_image", "image_url": "data:image/png;base64,QQ=="}]},
                {"type": "message", "role": "user", "content": "And?"},
            ],
            "tools": [{"type": "function", "name": "look", "description": "Looks", "parameters": {"type": "object"}, "strict": false}],
            "tool_choice": {"type": "function", "name": "look"},
            "parallel_tool_calls": false,
            "max_output_tokens": 16,
            "reasoning": {"effort": "medium", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
        })
    );
    let lost: Vec<_> = lost
        .iter()
        .map(|(name, weight)| (name.as_str(), *weight))
        .collect();
    assert_eq!(
        lost,
        [
            ("cache_control", Weight::Hint),
            ("thinking", Weight::Hint),
            ("top_k", Weight::Parameter),
            ("stop", Weight::Parameter),
            ("max_tokens", Weight::Hint),
        ]
    );
}

#[test]
fn a_model_that_does_not_reason_is_not_asked_to() {
    let quirks = crate::Quirks::default();
    let mut target = target(&quirks);
    target.reasons = Some(false);
    let mut losses = Losses::default();
    let body = (BACK.write_request)(&request(), &target, &mut losses).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((body.get("reasoning"), body.get("include")), (None, None));
}

#[test]
fn thinking_that_is_off_is_not_asked_for_and_efforts_are_kept() {
    let mut request = request();
    for (mode, effort, expected) in [
        (Some(ReasoningMode::Off), None, Value::Null),
        (None, Some(Effort::XHigh), json!({"effort": "xhigh"})),
        (
            Some(ReasoningMode::Adaptive),
            None,
            json!({"summary": "auto"}),
        ),
    ] {
        request.parameters.reasoning = Some(Reasoning {
            mode,
            effort,
            budget: None,
            summary: None,
        });
        assert_eq!(written(&request).0["reasoning"], expected);
    }
}

#[test]
fn tools_of_other_providers_are_searches_of_the_web_or_lost() {
    let mut request = request();
    let hosted = |name: &str, json: &str| Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Hosted {
            dialect: Dialect::AnthropicMessages,
            json: Json::parse(json).unwrap(),
        },
        cache: None,
    };
    request.tools = vec![
        hosted(
            "web_search",
            r#"{"type":"web_search_20250305","name":"web_search"}"#,
        ),
        hosted("bash", r#"{"type":"bash_20250124","name":"bash"}"#),
    ];
    request.tool_choice = None;
    request.parameters.web_search = Json::parse(
        r#"{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Bern"}}}"#,
    );
    let (body, lost) = written(&request);
    assert_eq!(
        body["tools"],
        json!([
            {"type": "web_search"},
            {"type": "web_search", "search_context_size": "low", "user_location": {"type": "approximate", "city": "Bern"}},
        ])
    );
    assert!(lost.contains(&("tools.bash".to_owned(), Weight::Parameter)));
}

fn usage() -> Value {
    json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15})
}

fn response(status: &str, output: &Value, usage: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "error": null,
        "incomplete_details": null, "model": "gpt-5-2025", "output": output, "service_tier": "default", "usage": usage})
}

fn output() -> Value {
    json!([
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "One"}, {"type": "summary_text", "text": "Two"}], "encrypted_content": "enc"},
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [
            {"type": "output_text", "text": "Hello", "annotations": [{"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 5}],
             "logprobs": [{"token": "Hello", "logprob": -1.0, "bytes": [], "top_logprobs": []}]}]},
        {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "f", "arguments": "{\"a\":1}"},
    ])
}

/// The same as [`output`], as a provider streams it.
fn stream() -> String {
    let items = output();
    let begun = |at: usize, empty: Value| {
        let mut item = items[at].clone();
        item.as_object_mut()
            .unwrap()
            .extend(empty.as_object().unwrap().clone());
        json!({"type": "response.output_item.added", "output_index": at, "item": item})
    };
    let done = |at: usize| json!({"type": "response.output_item.done", "output_index": at, "item": items[at]});
    let thought = |at: usize, text: &str| json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0, "summary_index": at, "delta": text});
    let text = |text: &str, logprobs: Value| json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 2, "content_index": 0, "delta": text, "logprobs": logprobs});
    let arguments = |text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 3, "delta": text});
    sse(&[
        json!({"type": "response.created", "response": response("in_progress", &json!([]), &Value::Null)}),
        json!({"type": "response.in_progress", "response": response("in_progress", &json!([]), &Value::Null)}),
        begun(0, json!({"summary": [], "encrypted_content": "partial"})),
        json!({"type": "response.reasoning_summary_part.added", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "part": {}}),
        thought(0, "O"),
        thought(0, "ne"),
        thought(1, "Two"),
        done(0),
        begun(1, json!({"status": "in_progress"})),
        json!({"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 1}),
        done(1),
        begun(2, json!({"content": []})),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 2, "content_index": 0, "part": {"type": "output_text", "text": ""}}),
        text("Hel", json!([])),
        text("lo", items[2]["content"][0]["logprobs"].clone()),
        json!({"type": "response.output_text.annotation.added", "item_id": "msg_1", "output_index": 2, "content_index": 0, "annotation_index": 0, "annotation": items[2]["content"][0]["annotations"][0]}),
        json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 2, "content_index": 0, "text": "Hello"}),
        json!({"type": "response.content_part.done", "item_id": "msg_1", "output_index": 2, "content_index": 0, "part": {}}),
        done(2),
        begun(3, json!({"arguments": ""})),
        arguments("{\"a\""),
        arguments(":1}"),
        json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 3, "arguments": "{\"a\":1}"}),
        done(3),
        json!({"type": "response.completed", "response": response("completed", &items, &usage())}),
    ])
}

#[test]
fn a_stream_says_what_its_whole_answer_says() {
    let whole = response("completed", &output(), &usage()).to_string();
    let whole = (BACK.read_answer)(&whole).unwrap();
    assert_eq!(
        whole.choices[0].finish,
        Finish::new(FinishReason::ToolCalls)
    );
    assert_eq!(whole.created, Some(1_700_000_000));
    assert_eq!(whole.usage.cache_read_tokens, Some(4));
    assert_eq!(collected(&stream()), whole);
}

#[test]
fn a_stream_that_is_cut_anywhere_into_reads_is_the_same() {
    let stream = stream();
    let whole = collected(&stream);
    for at in 0..stream.len() {
        let mut deltas = Vec::new();
        read_stream(
            &[&stream.as_bytes()[..at], &stream.as_bytes()[at..]],
            |delta| {
                deltas.push(format!("{delta:?}"));
            },
        );
        if at == 0 {
            assert_eq!(collected(&stream), whole);
        }
        let mut once = Vec::new();
        read_stream(&[stream.as_bytes()], |delta| {
            once.push(format!("{delta:?}"))
        });
        assert_eq!(deltas, once);
    }
}

#[test]
fn an_answer_that_comes_only_at_the_end_is_read_from_there() {
    let whole = response("completed", &output(), &usage());
    let end = json!({"type": "response.completed", "response": whole});
    let mut expected = (BACK.read_answer)(&whole.to_string()).unwrap();
    expected.choices[0].logprobs = None;
    assert_eq!(collected(&sse(std::slice::from_ref(&end))), expected);
    let done = (0..4).map(
        |at| json!({"type": "response.output_item.done", "output_index": at, "item": output()[at]}),
    );
    let begin = json!({"type": "response.created", "response": whole});
    let events: Vec<_> = [begin].into_iter().chain(done).chain([end]).collect();
    assert_eq!(collected(&sse(&events)), expected);
}

#[test]
fn thoughts_of_open_models_are_thoughts() {
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]});
    let events = [
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        json!({"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "Hm."}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": response("completed", &json!([item]), &Value::Null)}),
    ];
    let answer = collected(&sse(&events));
    let thinking = Part::new(PartKind::Thinking {
        text: "Hm.".to_owned(),
        signature: None,
        id: Some("rs_1".to_owned()),
    });
    assert_eq!(answer.choices[0].parts, [thinking]);
    assert_eq!(answer.usage, Usage::default());
}

#[test]
fn an_end_is_what_the_details_say() {
    let of = |reason: &str, output: Value| {
        let mut response = response("incomplete", &output, &usage());
        response["incomplete_details"] = json!({"reason": reason});
        let answer = (BACK.read_answer)(&response.to_string()).unwrap();
        let [Choice { finish, .. }] = answer.choices.try_into().unwrap();
        finish
    };
    assert_eq!(
        of("max_output_tokens", output()).reason,
        FinishReason::Length
    );
    assert_eq!(
        of("content_filter", json!([])).reason,
        FinishReason::ContentFilter
    );
    assert_eq!(of("steered", json!([])).detail.as_deref(), Some("steered"));
    let refusal = json!([{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]);
    let response = response("completed", &refusal, &usage()).to_string();
    let answer = (BACK.read_answer)(&response).unwrap();
    assert_eq!(answer.choices[0].finish.reason, FinishReason::Refusal);
}
