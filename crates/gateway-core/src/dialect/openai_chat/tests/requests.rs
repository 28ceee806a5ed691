//! Requests of clients, and what providers are sent.

use serde_json::{Value, json};

use super::{read, written};
use crate::chat::{
    CacheMarker, Effort, Message, Part, PartKind, Reasoning, ReasoningMode, Request, Role,
    Signature, Source, Tool, ToolChoice, ToolKind, Weight, signed_id,
};
use crate::dialect::Dialect;
use crate::translate::{DeveloperRole, Lost, Quirks, TranslateError};

fn request(value: &Value) -> Request {
    read(&value.to_string()).unwrap()
}

fn messages(value: &Value) -> Vec<Message> {
    request(&json!({"model": "m", "messages": value})).messages
}

fn parts(content: &Value) -> Vec<PartKind> {
    let read = messages(&json!([{"role": "user", "content": content}]));
    let parts = read.into_iter().flat_map(|message| message.parts);
    parts.map(|part| part.kind).collect()
}

fn refused(value: &Value) -> (String, String) {
    match read(&value.to_string()) {
        Err(TranslateError::Invalid { param, reason }) => (param, reason),
        other => panic!("{other:?}"),
    }
}

fn sent(request: &Request) -> (Value, Vec<(String, Weight)>) {
    let (body, lost) = written(request, &Quirks::default());
    (body, named(lost))
}

fn named(lost: Vec<Lost>) -> Vec<(String, Weight)> {
    let lost = lost.into_iter();
    lost.map(|it| (it.name.into_owned(), it.weight)).collect()
}

fn of(message: Message) -> Request {
    Request {
        model: "gpt".to_owned(),
        messages: vec![message],
        ..Request::default()
    }
}

/// A request that says all that this dialect can.
fn everything() -> Value {
    json!({
        "model": "gpt",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "name": "ops", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}
            ]},
            {"role": "assistant", "content": "Let me look.", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"a\": 1"}},
                {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "ls"}}
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": null, "refusal": "No."}
        ],
        "tools": [
            {"type": "function", "function": {"name": "look", "description": "d", "parameters": {"type": "object"}, "strict": true}},
            {"type": "custom", "custom": {"name": "run", "format": {"type": "grammar", "grammar": {"definition": "x", "syntax": "lark"}}}}
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
            {"type": "function", "function": {"name": "look"}}, {"type": "custom", "custom": {"name": "run"}}
        ]}},
        "parallel_tool_calls": false,
        "max_completion_tokens": 10,
        "temperature": 0.5,
        "top_p": 0.9,
        "frequency_penalty": 1,
        "presence_penalty": -1,
        "seed": 5,
        "stop": ["a", "b"],
        "n": 2,
        "logprobs": true,
        "top_logprobs": 3,
        "logit_bias": {"50256": -100},
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": true}},
        "reasoning_effort": "low",
        "verbosity": "high",
        "user": "u",
        "store": true,
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "mp3"},
        "prediction": {"type": "content", "content": "x"},
        "web_search_options": {"search_context_size": "low"},
        "stream": true,
        "stream_options": {"include_usage": true}
    })
}

#[test]
fn a_turn_with_tools_goes_there_and_back() {
    let sent = everything();
    let request = request(&sent);
    assert_eq!(request.other, []);
    let (body, lost) = written(&request, &Quirks::default());
    assert_eq!(body, sent);
    assert_eq!(lost, []);
}

#[test]
fn parallel_results_are_one_message_and_know_what_they_answer() {
    let read = messages(&json!([
        {"role": "assistant", "tool_calls": [
            {"id": "1", "type": "custom", "custom": {"name": "run", "input": "ls"}},
            {"id": "2", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "1", "content": "a"},
        {"role": "tool", "tool_call_id": "2", "content": "b", "is_error": true},
        {"role": "user", "content": "c"}
    ]));
    assert_eq!(read.len(), 3);
    let result = |id: &str, text: &str, is_error, custom| {
        Part::new(PartKind::ToolResult {
            id: id.to_owned(),
            name: None,
            parts: vec![Part::text(text)],
            is_error,
            custom,
        })
    };
    let results = vec![result("1", "a", false, true), result("2", "b", true, false)];
    assert_eq!(read[1], Message::new(Role::User, results));
}

#[test]
fn parts_in_every_spelling_are_read() {
    let png = Source::Base64 {
        media_type: "image/png".to_owned(),
        data: "iVBO".to_owned(),
    };
    let image = |source| PartKind::Image {
        source,
        detail: None,
    };
    let url = |url: &str| Source::Url {
        url: url.to_owned(),
        media_type: None,
    };
    let read = parts(&json!([
        {"type": "image_url", "image_url": "data:image/png;base64,iVBO"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://x.test"}},
        {"type": "file", "file": {"file_data": "data:image/png;base64,iVBO"}},
        {"type": "audio_url", "audio_url": {"url": "https://x.test"}},
        {"type": "input_text", "text": "a"},
        "b"
    ]));
    let expected = [
        image(png.clone()),
        image(png.clone()),
        image(url("https://x.test")),
        image(png),
        PartKind::Audio {
            source: url("https://x.test"),
        },
        Part::text("a").kind,
        Part::text("b").kind,
    ];
    assert_eq!(read, expected);
}

#[test]
fn files_in_every_spelling_are_read() {
    let gs = parts(
        &json!([{"type": "file", "file": {"file_id": "gs://b/a.pdf", "format": "application/pdf"}}]),
    );
    let PartKind::File { source, .. } = &gs[0] else {
        panic!("{gs:?}")
    };
    assert_eq!(
        *source,
        Source::Url {
            url: "gs://b/a.pdf".to_owned(),
            media_type: Some("application/pdf".to_owned())
        }
    );
    let document = parts(
        &json!([{"type": "document", "title": "t", "context": "c", "citations": {"enabled": true},
        "source": {"type": "text", "media_type": "text/plain", "data": "d"}}]),
    );
    let PartKind::File {
        name,
        context,
        citations: Some(_),
        ..
    } = &document[0]
    else {
        panic!("{document:?}")
    };
    assert_eq!(
        (name.as_deref(), context.as_deref()),
        (Some("t"), Some("c"))
    );
}

#[test]
fn cache_markers_stand_on_parts_messages_and_tools() {
    let marked = |ttl: Option<&str>| {
        Some(CacheMarker {
            ttl: ttl.map(str::to_owned),
        })
    };
    let read = request(&json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            {"role": "user", "content": "b", "cache_control": {"type": "ephemeral"}}
        ],
        "tools": [
            {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}},
            {"type": "function", "function": {"name": "g", "cache_control": {"type": "ephemeral"}}}
        ]
    }));
    assert_eq!(read.messages[0].parts[0].cache, marked(Some("1h")));
    assert_eq!(read.messages[1].parts[0].cache, marked(None));
    assert!(read.tools.iter().all(|tool| tool.cache == marked(None)));
    let (_, lost) = sent(&read);
    assert_eq!(lost, [("cache_control".to_owned(), Weight::Hint)]);
}

#[test]
fn thoughts_are_read_from_blocks_or_as_text() {
    let gemini = Signature {
        by: Some(Dialect::Gemini),
        value: "c2ln".to_owned(),
    };
    let read = messages(&json!([
        {"role": "assistant", "reasoning_content": "ab", "thinking_blocks": [
            {"type": "thinking", "thinking": "ab", "signature": "gw1.anthropic_messages:sig"},
            {"type": "redacted_thinking", "data": "old"}
        ], "content": "c", "extra_content": {"google": {"thought_signature": "c2ln"}}},
        {"role": "assistant", "reasoning": "d", "content": ""}
    ]));
    let signed = |by, value: &str| Signature {
        by,
        value: value.to_owned(),
    };
    let thinking = |text: &str, signature| PartKind::Thinking {
        text: text.to_owned(),
        signature,
        id: None,
    };
    let expected = [
        thinking("ab", Some(signed(Some(Dialect::AnthropicMessages), "sig"))),
        PartKind::RedactedThinking {
            signature: signed(None, "old"),
        },
        PartKind::Text {
            text: "c".to_owned(),
            citations: Vec::new(),
            signature: Some(gemini),
        },
    ];
    let kinds = |message: &Message| -> Vec<_> {
        message.parts.iter().map(|part| part.kind.clone()).collect()
    };
    assert_eq!(kinds(&read[0]), expected);
    assert_eq!(kinds(&read[1]), [thinking("d", None)]);
}

#[test]
fn a_calls_signature_is_found_in_its_id_and_in_googles_place() {
    let signature = Signature {
        by: Some(Dialect::Gemini),
        value: "c2ln+/==".to_owned(),
    };
    let id = signed_id("call_1", Some(&signature)).into_owned();
    let call = json!({"name": "f", "arguments": "{}"});
    let read = messages(&json!([
        {"role": "assistant", "tool_calls": [
            {"id": id, "type": "function", "function": call},
            {"id": "call_2", "type": "function", "function": call, "extra_content": {"google": {"thought_signature": "c2ln+/=="}}}
        ]},
        {"role": "tool", "tool_call_id": id, "content": "a"}
    ]));
    for (part, own) in read[0].parts.iter().zip(["call_1", "call_2"]) {
        let PartKind::ToolCall {
            id,
            signature: found,
            ..
        } = &part.kind
        else {
            panic!("{part:?}")
        };
        assert_eq!((id.as_str(), found.as_ref()), (own, Some(&signature)));
    }
    let PartKind::ToolResult { id, .. } = &read[1].parts[0].kind else {
        panic!()
    };
    assert_eq!(id, "call_1");
}

#[test]
fn functions_of_the_time_before_tools_are_tools() {
    let read = request(&json!({
        "model": "m",
        "messages": [
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "a"}
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"}
    }));
    let PartKind::ToolCall { id: call, .. } = &read.messages[0].parts[0].kind else {
        panic!()
    };
    let PartKind::ToolResult { id: result, .. } = &read.messages[1].parts[0].kind else {
        panic!()
    };
    assert_eq!(call, result);
    assert_eq!(read.tool_choice, Some(ToolChoice::Named("f".to_owned())));
    assert_eq!(read.tools[0].name, "f");
}

#[test]
fn tools_of_any_provider_are_known_by_their_shape() {
    let read = request(
        &json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "tools": [
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
            {"type": "web_search"},
            {"googleSearch": {}},
            {"name": "f", "input_schema": {"type": "object"}},
            {"type": "function", "name": "g", "parameters": {"type": "object"}}
        ]}),
    );
    let dialects: Vec<_> = read
        .tools
        .iter()
        .map(|tool| match &tool.kind {
            ToolKind::Hosted { dialect, .. } => (tool.name.as_str(), Some(*dialect)),
            _ => (tool.name.as_str(), None),
        })
        .collect();
    let expected = [
        ("web_search", Some(Dialect::AnthropicMessages)),
        ("web_search", Some(Dialect::OpenAiResponses)),
        ("googleSearch", Some(Dialect::Gemini)),
        ("f", None),
        ("g", None),
    ];
    assert_eq!(dialects, expected);
    let (body, lost) = sent(&read);
    assert_eq!(body["tools"].as_array().unwrap().len(), 2);
    let names = ["tools.web_search", "tools.googleSearch"];
    assert_eq!(lost, names.map(|it| (it.to_owned(), Weight::Parameter)));
}

#[test]
fn tool_choices_in_every_form_are_read() {
    let choice = |value: Value| {
        let read = request(
            &json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "tool_choice": value}),
        );
        (read.tool_choice, read.parallel_tool_calls)
    };
    let named = || Some(ToolChoice::Named("f".to_owned()));
    for (value, expected) in [
        (json!("auto"), Some(ToolChoice::Auto)),
        (json!("none"), Some(ToolChoice::None)),
        (json!("required"), Some(ToolChoice::Required)),
        (json!("any"), Some(ToolChoice::Required)),
        (json!({"type": "auto"}), Some(ToolChoice::Auto)),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            named(),
        ),
        (json!({"type": "custom", "custom": {"name": "f"}}), named()),
        (json!({"type": "tool", "name": "f"}), named()),
    ] {
        assert_eq!(choice(value.clone()), (expected, None), "{value}");
    }
    let anthropic = choice(json!({"type": "any", "disable_parallel_tool_use": true}));
    assert_eq!(anthropic, (Some(ToolChoice::Required), Some(false)));
}

#[test]
fn thinking_is_asked_for_in_several_words() {
    let reasoning = |member: &str, value: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "a"}]});
        body[member] = value;
        request(&body).parameters.reasoning.unwrap()
    };
    let on = Reasoning {
        mode: Some(ReasoningMode::On),
        budget: Some(5000),
        ..Reasoning::default()
    };
    assert_eq!(
        reasoning(
            "thinking",
            json!({"type": "enabled", "budget_tokens": 5000})
        ),
        on
    );
    let low = Reasoning {
        effort: Some(Effort::Low),
        summary: Some("auto".to_owned()),
        ..Reasoning::default()
    };
    let object = json!({"effort": "low", "summary": "auto"});
    assert_eq!(reasoning("reasoning", object.clone()), low);
    assert_eq!(reasoning("reasoning_effort", object), low);
    let off = reasoning("reasoning_effort", json!("none"));
    assert_eq!(off.mode, Some(ReasoningMode::Off));
}

#[test]
fn unknown_fields_are_kept_apart_and_the_gateways_own_are_not() {
    let read = request(
        &json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "top_a": 1,
        "prompt_cache_retention": "24h", "timeout": 3, "drop_params": true, "seed": null}),
    );
    let other: Vec<_> = read
        .other
        .iter()
        .map(|it| (it.name.as_str(), it.weight))
        .collect();
    assert_eq!(
        other,
        [
            ("prompt_cache_retention", Weight::Hint),
            ("top_a", Weight::Parameter)
        ]
    );
}

#[test]
fn a_wrong_request_is_told_where_it_is_wrong() {
    let user = json!({"role": "user", "content": "a"});
    for (message, param) in [
        (json!({"role": "robot", "content": "a"}), "messages[1].role"),
        (json!({"content": "a"}), "messages[1].role"),
        (json!({"role": "user", "content": 5}), "messages[1].content"),
        (
            json!({"role": "user", "content": [{"type": "dance"}]}),
            "messages[1].content[0].type",
        ),
        (
            json!({"role": "user", "content": [{"type": "image_url"}]}),
            "messages[1].content[0].image_url",
        ),
        (
            json!({"role": "tool", "content": "a"}),
            "messages[1].tool_call_id",
        ),
        (
            json!({"role": "assistant", "tool_calls": [{"id": "a"}]}),
            "messages[1].tool_calls[0].function",
        ),
        (json!([]), "messages[1]"),
    ] {
        let body = json!({"model": "m", "messages": [user, message]});
        assert_eq!(refused(&body).0, param);
    }
    for (member, value, param) in [
        ("messages", json!([]), "messages"),
        ("messages", json!("a"), "messages"),
        ("temperature", json!("hot"), "temperature"),
        ("tools", json!([{"type": "function"}]), "tools[0].function"),
        ("tool_choice", json!("perhaps"), "tool_choice"),
        (
            "response_format",
            json!({"type": "yaml"}),
            "response_format.type",
        ),
        ("reasoning_effort", json!("very"), "reasoning_effort"),
        ("thinking", json!({"type": "sometimes"}), "thinking.type"),
    ] {
        let mut body = json!({"model": "m", "messages": [user]});
        body[member] = value;
        let (named, reason) = refused(&body);
        assert_eq!(named, param);
        assert!(!reason.contains(" line "), "{reason}");
    }
}

#[test]
fn what_tools_showed_stands_in_a_message_behind_and_failures_in_words() {
    let image = Part::new(PartKind::Image {
        source: Source::Base64 {
            media_type: "image/png".to_owned(),
            data: "iVBO".to_owned(),
        },
        detail: None,
    });
    let result = |id: &str, parts: Vec<Part>, is_error| {
        Part::new(PartKind::ToolResult {
            id: id.to_owned(),
            name: None,
            parts,
            is_error,
            custom: false,
        })
    };
    let message = Message::new(
        Role::User,
        vec![
            result("1", vec![Part::text("shot"), image], false),
            result("2", vec![Part::text("no such file")], true),
            result("3", vec![Part::text("Error: no such file")], true),
            result("4", vec![], true),
            Part::text("go on"),
        ],
    );
    let (body, lost) = sent(&of(message));
    let text = |text: &str| json!({"type": "text", "text": text});
    let moved = "(What the tool returned besides text follows in the next message.)";
    let failed = "Error: the tool failed.";
    let expected = json!([
        {"role": "tool", "tool_call_id": "1", "content": [text("shot"), text(moved)]},
        {"role": "tool", "tool_call_id": "2", "content": [text(failed), text("no such file")]},
        {"role": "tool", "tool_call_id": "3", "content": "Error: no such file"},
        {"role": "tool", "tool_call_id": "4", "content": failed},
        {"role": "user", "content": [
            text("From the tool call 1:"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
            text("go on")
        ]}
    ]);
    assert_eq!(body["messages"], expected);
    assert_eq!(lost, []);
}

#[test]
fn a_provider_gets_what_its_quirks_take() {
    let mut request = of(Message::new(
        Role::Developer,
        vec![Part::text("a"), Part::text("b")],
    ));
    let thinking = Part::new(PartKind::Thinking {
        text: "hm".to_owned(),
        signature: None,
        id: None,
    });
    request.messages.push(Message::new(
        Role::Assistant,
        vec![thinking, Part::text("c")],
    ));
    request.stream = true;
    request.parameters.max_tokens = Some(5);
    request.parameters.top_k = Some(3.into());
    let quirks = Quirks {
        max_tokens_field: "max_tokens",
        developer: DeveloperRole::System,
        stream_options: false,
        content_parts: false,
        thoughts_field: Some("reasoning_content"),
        top_k: true,
        custom_tools: true,
    };
    let (body, lost) = written(&request, &quirks);
    let expected = json!({"model": "gpt", "max_tokens": 5, "top_k": 3, "stream": true, "messages": [
        {"role": "system", "content": "a\n\nb"},
        {"role": "assistant", "content": "c", "reasoning_content": "hm"}
    ]});
    assert_eq!((body, lost), (expected, Vec::new()));

    let (body, lost) = sent(&request);
    assert_eq!(
        body["messages"][1],
        json!({"role": "assistant", "content": "c"})
    );
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
    let lost: Vec<_> = lost
        .iter()
        .map(|(name, weight)| (name.as_str(), *weight))
        .collect();
    assert_eq!(
        lost,
        [("thinking", Weight::Hint), ("top_k", Weight::Parameter)]
    );
}

#[test]
fn thoughts_of_another_maker_stay_away_from_a_provider() {
    let signed = |by| {
        Part::new(PartKind::Thinking {
            text: "hm".to_owned(),
            signature: Some(Signature {
                by: Some(by),
                value: "sig".to_owned(),
            }),
            id: None,
        })
    };
    let parts = vec![
        signed(Dialect::AnthropicMessages),
        signed(Dialect::OpenAiChat),
        Part::text("a"),
    ];
    let (body, lost) = sent(&of(Message::new(Role::Assistant, parts)));
    let expected = json!([{"role": "assistant", "content": "a",
        "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "sig"}]}]);
    assert_eq!(body["messages"], expected);
    assert_eq!(lost, [("thinking".to_owned(), Weight::Hint)]);
}

#[test]
fn what_openai_cannot_say_is_named() {
    let mut request = of(Message::new(
        Role::User,
        vec![
            Part::text("a"),
            Part::new(PartKind::File {
                source: Source::Url {
                    url: "https://x.test/a.pdf".to_owned(),
                    media_type: None,
                },
                name: None,
                citations: None,
                context: None,
            }),
            Part::new(PartKind::Other {
                dialect: Dialect::AnthropicMessages,
                json: crate::chat::Json::from(&json!({"type": "search_result"})),
            }),
        ],
    ));
    request.parameters.previous_response = Some("resp_1".to_owned());
    request.parameters.user = Some("u".repeat(70));
    request.parameters.metadata = Some(crate::chat::Json::from(&json!({"a": "b"})));
    request.tools = vec![Tool {
        name: "code_execution".to_owned(),
        description: None,
        kind: ToolKind::Hosted {
            dialect: Dialect::AnthropicMessages,
            json: crate::chat::Json::from(&json!({})),
        },
        cache: None,
    }];
    let (body, lost) = sent(&request);
    assert_eq!(body["user"], "u".repeat(64));
    let lost: Vec<_> = lost
        .iter()
        .map(|(name, weight)| (name.as_str(), *weight))
        .collect();
    let expected = [
        ("messages[0].content[1]", Weight::Parameter),
        ("search_result", Weight::Parameter),
        ("tools.code_execution", Weight::Parameter),
        ("user", Weight::Hint),
        ("metadata", Weight::Hint),
        ("previous_response_id", Weight::Parameter),
    ];
    assert_eq!(lost, expected);
}

#[test]
fn a_document_in_the_place_of_a_picture_is_a_document() {
    let read = parts(&json!([
        {"type": "image_url", "image_url": {"url": "data:application/pdf;base64,JVBE"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a", "format": "application/pdf"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a"}},
    ]));
    assert!(matches!(read[0], PartKind::File { .. }), "{read:?}");
    assert!(matches!(read[1], PartKind::File { .. }), "{read:?}");
    assert!(matches!(read[2], PartKind::Image { .. }), "{read:?}");
}
