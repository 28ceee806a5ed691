//! What clients ask.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{asked, read};
use crate::chat::{
    CacheMarker, Effort, Format, Json, Part, PartKind, ReasoningMode, Role, Signature, Source,
    ToolChoice, ToolKind, Weight,
};
use crate::dialect::Dialect;
use crate::envelope::{Envelope, Limits};
use crate::translate::{Policy, Quirks, Target, TranslateError, Translation};

fn body(fields: &Value) -> Value {
    let mut body = json!({
        "model": "my-model",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    });
    for (key, value) in fields.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn kinds(content: &Value) -> Vec<PartKind> {
    let request = read(&body(
        &json!({"messages": [{"role": "user", "content": content}]}),
    ))
    .unwrap();
    let parts = request.messages.into_iter().flat_map(|it| it.parts);
    parts.map(|it| it.kind).collect()
}

#[test]
fn parameters_have_their_places() {
    let request = read(&body(&json!({
        "stream": true,
        "system": "Be brief.",
        "temperature": 0.50,
        "top_p": 0.9,
        "top_k": 5,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
        "output_config": {"effort": "xhigh", "format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": false}}},
    })))
    .unwrap();
    assert!(request.stream);
    assert_eq!(request.messages[0].role, Role::System);
    assert_eq!(request.messages[0].parts, [Part::text("Be brief.")]);
    let it = request.parameters;
    assert_eq!(it.max_tokens, Some(100));
    assert_eq!(it.stop, ["END"]);
    assert_eq!(it.user.as_deref(), Some("u"));
    assert_eq!(it.service_tier.as_deref(), Some("auto"));
    assert_eq!(it.usage_in_stream, Some(true));
    let reasoning = it.reasoning.unwrap();
    assert_eq!(reasoning.mode, Some(ReasoningMode::On));
    assert_eq!(
        (reasoning.budget, reasoning.effort),
        (Some(2000), Some(Effort::XHigh))
    );
    assert_eq!(reasoning.summary.as_deref(), Some("omitted"));
    assert!(matches!(
        it.format,
        Some(Format::JsonSchema {
            strict: Some(true),
            ..
        })
    ));
    assert!(request.other.is_empty(), "{:?}", request.other);
}

/// A request of Claude Code's, in short.
fn claude_code() -> Value {
    let tools: Vec<_> = (0..25)
        .map(|at| {
            json!({"name": format!("mcp__server__tool_{at}"), "description": "d",
                   "input_schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
                                    "properties": {"path": {"type": "string"}}, "additionalProperties": false},
                   "eager_input_streaming": true, "defer_loading": at > 20})
        })
        .collect();
    body(&json!({
        "stream": true,
        "max_tokens": 32000,
        "temperature": 1,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cch=0;"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
            {"role": "system", "content": "A hint."},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "", "signature": "c2ln"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "mcp__server__tool_1", "input": {"path": "a"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "No such file.", "is_error": true},
            ]},
        ],
        "tools": tools,
        "metadata": {"user_id": "user_1_account__session_2"},
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "medium", "task_budget": {"type": "tokens", "total": 1}},
        "speed": "fast",
        "diagnostics": {"previous_message_id": null},
    }))
}

#[test]
fn what_claude_code_sends_is_read_and_only_hints_are_left() {
    let request = read(&claude_code()).unwrap();
    assert_eq!(request.tools.len(), 25);
    let system = &request.messages[0].parts;
    assert_eq!(system.len(), 1, "who pays is told to Anthropic only");
    let ttl = Some("1h".to_owned());
    assert_eq!(system[0].cache, Some(CacheMarker { ttl }));
    assert_eq!(request.messages[2].role, Role::System);
    let is_heavy = |weight| weight == Weight::Parameter;
    let heavy = request.other.iter().find(|it| is_heavy(it.weight));
    assert_eq!(heavy, None);
    let names: Vec<_> = request.other.iter().map(|it| it.name.as_str()).collect();
    for name in [
        "context_management",
        "tools.defer_loading",
        "x-anthropic-billing-header",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[test]
fn claude_code_is_served_by_every_provider_without_a_parameter_dropped() {
    let body = Bytes::from(claude_code().to_string());
    let envelope = Envelope::parse(body, Limits::default()).unwrap();
    let quirks = Quirks::default();
    let front = Dialect::AnthropicMessages;
    let backs = Dialect::ALL
        .into_iter()
        .filter(|back| *back != Dialect::OpenAiCompletions && Translation::exists(front, *back));
    for back in backs {
        for model in [
            "some-model",
            "gemini-2.0-flash",
            "amazon.nova-pro-v1:0",
            "gpt-4o",
        ] {
            let target = Target {
                model,
                max_output_tokens: None,
                reasons: None,
                quirks: &quirks,
            };
            let ways = (front, back);
            let policy = Policy::default();
            let made = Translation::new(ways, &envelope, &target, &policy, asked(), None);
            assert!(made.is_ok(), "{model}, {}: {:?}", back.name(), made.err());
        }
    }
}

#[test]
fn every_kind_of_block_is_read() {
    let found = kinds(&json!([
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aQ=="}},
        {"type": "image", "source": {"type": "url", "url": "https://a.example/i.png"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "T", "context": "C",
         "citations": {"enabled": true}},
        {"type": "search_result", "source": "s", "title": "t", "content": []},
    ]));
    assert_eq!(found.len(), 4);
    assert_eq!(
        found[0],
        PartKind::Image {
            source: Source::Base64 {
                media_type: "image/png".to_owned(),
                data: "aQ==".to_owned()
            },
            detail: None,
        }
    );
    let url = Source::Url {
        url: "https://a.example/i.png".to_owned(),
        media_type: None,
    };
    assert_eq!(
        found[1],
        PartKind::Image {
            source: url,
            detail: None
        }
    );
    let PartKind::File {
        source,
        name,
        citations,
        context,
    } = &found[2]
    else {
        panic!()
    };
    assert_eq!(
        *source,
        Source::FileId {
            id: "file_1".to_owned()
        }
    );
    assert_eq!(
        (name.as_deref(), context.as_deref()),
        (Some("T"), Some("C"))
    );
    assert_eq!(*citations, Json::parse(r#"{"enabled":true}"#));
    let PartKind::Other { dialect, .. } = &found[3] else {
        panic!()
    };
    assert_eq!(*dialect, Dialect::AnthropicMessages);
}

#[test]
fn a_document_of_texts_is_a_text() {
    let found = kinds(&json!([
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "content", "content": "all"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}},
    ]));
    let text = |kind: &PartKind| match kind {
        PartKind::File {
            source: Source::Text { text, .. },
            ..
        } => text.clone(),
        other => panic!("{other:?}"),
    };
    let texts: Vec<_> = found.iter().map(text).collect();
    assert_eq!(texts, ["words", "all", "a\nb"]);
}

#[test]
fn calls_results_and_thoughts_come_back() {
    let found = kinds(&json!([
        {"type": "thinking", "thinking": "Hm.", "signature": "gw1.openai_responses:enc"},
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        {"type": "redacted_thinking", "data": "own"},
        {"type": "tool_use", "id": "call_1__thought__c2ln", "name": "f", "input": {"a": 1.0}},
        {"type": "tool_result", "tool_use_id": "call_1__thought__c2ln", "is_error": true,
         "content": [{"type": "text", "text": "no"}, {"type": "image", "source": {"type": "file", "file_id": "x"}}]},
        {"type": "tool_result", "tool_use_id": "b", "content": "yes"},
        {"type": "tool_result", "tool_use_id": "c"},
    ]));
    let signed = |by, value: &str| Signature {
        by: Some(by),
        value: value.to_owned(),
    };
    let thought = |signature| PartKind::Thinking {
        text: "Hm.".to_owned(),
        signature,
        id: None,
    };
    assert_eq!(
        found[0],
        thought(Some(signed(Dialect::OpenAiResponses, "enc")))
    );
    assert_eq!(found[1], thought(None));
    let own = signed(Dialect::AnthropicMessages, "own");
    assert_eq!(found[2], PartKind::RedactedThinking { signature: own });
    let PartKind::ToolCall {
        id,
        arguments,
        signature,
        ..
    } = &found[3]
    else {
        panic!()
    };
    assert_eq!(
        (id.as_str(), arguments.as_str()),
        ("call_1", r#"{"a":1.0}"#)
    );
    assert_eq!(*signature, Some(signed(Dialect::Gemini, "sig")));
    let PartKind::ToolResult {
        id,
        parts,
        is_error: true,
        ..
    } = &found[4]
    else {
        panic!()
    };
    assert_eq!((id.as_str(), parts.len()), ("call_1", 2));
    let PartKind::ToolResult { parts, .. } = &found[5] else {
        panic!()
    };
    assert_eq!(*parts, [Part::text("yes")]);
    assert!(
        matches!(&found[6], PartKind::ToolResult { parts, is_error: false, .. } if parts.is_empty())
    );
}

#[test]
fn tools_are_the_clients_or_a_providers() {
    let request = read(&body(&json!({
        "tools": [
            {"name": "a", "input_schema": {"type": "object", "additionalProperties": false}, "strict": true, "cache_control": {"type": "ephemeral"}},
            {"type": "custom", "name": "b", "input_schema": {}},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.example"],
             "user_location": {"type": "approximate", "city": "Bern"}},
        ],
        "tool_choice": {"type": "tool", "name": "a", "disable_parallel_tool_use": true},
    })))
    .unwrap();
    let names: Vec<_> = request.tools.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "bash"]);
    assert!(matches!(
        request.tools[0].kind,
        ToolKind::Function {
            strict: Some(true),
            ..
        }
    ));
    assert!(request.tools[0].cache.is_some());
    assert!(matches!(request.tools[2].kind, ToolKind::Hosted { .. }));
    assert_eq!(
        request.parameters.web_search.unwrap().value(),
        json!({"user_location": {"type": "approximate", "approximate": {"city": "Bern"}}})
    );
    let weights: Vec<_> = request
        .other
        .iter()
        .map(|it| (it.name.as_str(), it.weight))
        .collect();
    assert_eq!(
        weights,
        [
            ("tools.max_uses", Weight::Hint),
            ("tools.allowed_domains", Weight::Parameter)
        ]
    );
    assert_eq!(request.tool_choice, Some(ToolChoice::Named("a".to_owned())));
    assert_eq!(request.parallel_tool_calls, Some(false));
}

#[test]
fn unknown_fields_are_kept_with_their_weight() {
    let request = read(&body(
        &json!({"mcp_servers": [], "container": "c", "brand_new": 1, "tags": ["x"], "top_k": null}),
    ))
    .unwrap();
    let weights: Vec<_> = request
        .other
        .iter()
        .map(|it| (it.name.as_str(), it.weight))
        .collect();
    assert_eq!(
        weights,
        [
            ("brand_new", Weight::Parameter),
            ("container", Weight::Hint),
            ("mcp_servers", Weight::Parameter)
        ]
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (fields, param, reason) in [
        (json!({"max_tokens": null}), "max_tokens", "field required"),
        (
            json!({"max_tokens": "9"}),
            "max_tokens",
            "must be a whole number",
        ),
        (json!({"messages": {}}), "messages", "must be a list"),
        (
            json!({"messages": [{"role": "tool", "content": "x"}]}),
            "messages[0].role",
            "must be `user`, `assistant` or `system`",
        ),
        (
            json!({"messages": [{"role": "user"}]}),
            "messages[0]",
            "must be an object with `role` and `content`",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text"}]}]}),
            "messages[0].content[0]",
            "missing field `text`",
        ),
        (
            json!({"messages": [{"role": "user", "content": 1}]}),
            "messages[0].content",
            "must be a text or a list of blocks",
        ),
        (
            json!({"tools": [{"name": "a"}]}),
            "tools[0].input_schema",
            "field required",
        ),
        (
            json!({"tool_choice": {"type": "tool"}}),
            "tool_choice.name",
            "field required",
        ),
        (
            json!({"thinking": {"type": "on"}}),
            "thinking.type",
            "must be `enabled`, `disabled`, `adaptive` or `between_tools`",
        ),
        (
            json!({"output_config": {"format": {"type": "xml", "schema": {}}}}),
            "output_config.format.type",
            "must be `json_schema`",
        ),
    ] {
        assert_eq!(
            read(&body(&fields)).unwrap_err(),
            TranslateError::invalid(param, reason)
        );
    }
}
