//! What clients ask for.

use serde_json::json;

use super::read;
use crate::Dialect;
use crate::chat::{
    CacheMarker, Effort, Format, Message, Part, PartKind, Request, Role, Signature, Source, Tool,
    ToolChoice, ToolKind, Weight,
};
use crate::translate::{Policy, Quirks, TranslateError, Translation};

fn of(request: &serde_json::Value) -> Request {
    read(&request.to_string()).unwrap()
}

fn refused(request: &serde_json::Value) -> (String, String) {
    match read(&request.to_string()) {
        Err(TranslateError::Invalid { param, reason }) => (param, reason),
        other => panic!("{other:?}"),
    }
}

fn function(tool: &Tool) -> &str {
    assert!(matches!(tool.kind, ToolKind::Function { .. }));
    &tool.name
}

fn lost(request: &Request) -> Vec<(&str, Weight)> {
    let other = request.other.iter();
    other.map(|it| (it.name.as_str(), it.weight)).collect()
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
    })
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::new(PartKind::ToolResult {
        id: id.to_owned(),
        name: None,
        parts,
        is_error: false,
        custom: false,
    })
}

#[test]
fn a_text_is_what_the_user_says_and_instructions_come_first() {
    let request = of(&json!({"model": "m", "input": "Hi", "instructions": "Be brief."}));
    assert_eq!(
        request.messages,
        [
            Message::new(Role::System, vec![Part::text("Be brief.")]),
            Message::new(Role::User, vec![Part::text("Hi")]),
        ]
    );
    assert!(request.other.is_empty());
}

/// As Codex sends it in the second step of a turn.
fn from_codex() -> serde_json::Value {
    json!({
        "model": "m", "stream": true, "store": false, "parallel_tool_calls": true, "tool_choice": "auto",
        "include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"},
        "prompt_cache_key": "k", "client_metadata": {"a": "b"},
        "input": [
            {"type": "message", "id": "msg_1", "role": "developer", "content": [{"type": "input_text", "text": "You are"}]},
            {"type": "message", "id": "msg_2", "role": "user", "content": [{"type": "input_text", "text": "List"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "gw1.anthropic_messages:SIG"},
            {"type": "function_call", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}", "call_id": "c1"},
            {"type": "function_call", "name": "spawn_agent", "namespace": "multi_agent_v1", "arguments": "{}", "call_id": "c2"},
            {"type": "function_call_output", "call_id": "c1", "output": "a.txt"},
            {"type": "function_call_output", "call_id": "c2", "output": [
                {"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:image/png;base64,QQ=="}]},
        ],
        "tools": [
            {"type": "function", "name": "exec_command", "description": "Runs", "strict": false, "parameters": {"type": "object"}},
            {"type": "namespace", "name": "multi_agent_v1", "description": "d", "tools": [
                {"type": "function", "name": "spawn_agent", "parameters": {}, "strict": false}]},
            {"type": "web_search", "external_web_access": false},
            {"type": "custom", "name": "apply_patch", "description": "p", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        ],
    })
}

#[test]
fn what_codex_sends_is_read_and_nothing_of_it_is_a_reason_to_refuse() {
    let request = of(&from_codex());
    assert_eq!(
        lost(&request),
        [
            ("tools.web_search", Weight::Hint),
            ("client_metadata", Weight::Hint)
        ]
    );
    let [exec, spawn, patch] = request.tools.as_slice() else {
        panic!("{:?}", request.tools);
    };
    assert_eq!(function(exec), "exec_command");
    assert_eq!(function(spawn), "multi_agent_v1__spawn_agent");
    assert!(matches!(&patch.kind, ToolKind::Custom { format: Some(_) }));
    let [developer, user, said, answered] = request.messages.as_slice() else {
        panic!("{:?}", request.messages);
    };
    assert_eq!((developer.role, user.role), (Role::Developer, Role::User));
    let thinking = Part::new(PartKind::Thinking {
        text: "Hm".to_owned(),
        signature: Some(Signature {
            by: Some(Dialect::AnthropicMessages),
            value: "SIG".to_owned(),
        }),
        id: None,
    });
    let calls = [
        call("c1", "exec_command", "{\"cmd\":\"ls\"}"),
        call("c2", "multi_agent_v1__spawn_agent", "{}"),
    ];
    assert_eq!(said.parts, [&[thinking][..], &calls].concat());
    let image = Part::new(PartKind::Image {
        source: Source::Base64 {
            media_type: "image/png".to_owned(),
            data: "QQ==".to_owned(),
        },
        detail: None,
    });
    assert_eq!(
        answered.parts,
        [
            result("c1", vec![Part::text("a.txt")]),
            result("c2", vec![Part::text("see"), image]),
        ]
    );
}

#[test]
fn every_provider_takes_what_codex_sends() {
    let quirks = Quirks {
        custom_tools: false,
        ..Quirks::default()
    };
    let mut target = super::target(&quirks);
    target.max_output_tokens = Some(4_096);
    let request = super::envelope(&from_codex().to_string());
    for back in Dialect::ALL {
        if !Translation::exists(Dialect::OpenAiResponses, back) {
            continue;
        }
        let asked = super::asked("{}");
        let way = (Dialect::OpenAiResponses, back);
        let made = Translation::new(way, &request, &target, &Policy::default(), asked, None);
        let (body, _) = made.unwrap_or_else(|error| panic!("{}: {error}", back.name()));
        let body = std::str::from_utf8(&body).unwrap();
        for name in [
            "exec_command",
            "multi_agent_v1__spawn_agent",
            "apply_patch",
            "a.txt",
        ] {
            assert!(body.contains(name), "{}: {body}", back.name());
        }
    }
}

#[test]
fn parameters_have_their_places() {
    let request = of(&json!({
        "model": "m", "input": [], "max_output_tokens": 9, "temperature": 0.5, "top_p": 1, "top_logprobs": 3,
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true}},
        "reasoning": {"effort": "high", "summary": "detailed"}, "user": "u", "safety_identifier": "s",
        "metadata": {"k": "v"}, "service_tier": "flex", "store": true, "prompt_cache_key": "p", "stream": true,
    }));
    let own = request.parameters;
    assert_eq!(
        (own.max_tokens, own.top_logprobs, own.logprobs),
        (Some(9), Some(3), Some(true))
    );
    assert!(matches!(
        own.format,
        Some(Format::JsonSchema {
            strict: Some(true),
            ..
        })
    ));
    let reasoning = own.reasoning.unwrap();
    assert_eq!(reasoning.effort, Some(Effort::High));
    assert_eq!(reasoning.summary.as_deref(), Some("detailed"));
    assert_eq!(
        (own.user.as_deref(), own.service_tier.as_deref()),
        (Some("u"), Some("flex"))
    );
    assert_eq!((own.store, own.usage_in_stream), (Some(true), Some(true)));
    assert_eq!(request.other.len(), 1, "{:?}", request.other);
    assert_eq!(request.other[0].name, "safety_identifier");
}

#[test]
fn what_the_provider_must_keep_is_refused_with_the_reason() {
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("background", json!(true)),
    ] {
        let (param, reason) = refused(&json!({"model": "m", "input": "Hi", field: value}));
        assert_eq!(param, field);
        assert!(reason.contains("keeps no responses"), "{reason}");
    }
    let item = json!({"type": "item_reference", "id": "msg_1"});
    let (param, reason) = refused(&json!({"model": "m", "input": [item]}));
    assert_eq!(param, "input[0]");
    assert!(reason.contains("`store`"), "{reason}");
    let thoughts = json!({"type": "item_reference", "id": "rs_1"});
    let request = of(&json!({"model": "m", "input": [thoughts]}));
    assert_eq!(lost(&request), [("input.item_reference", Weight::Hint)]);
}

#[test]
fn what_says_nothing_is_no_loss() {
    let request = of(&json!({
        "model": "m", "input": "Hi", "background": false, "previous_response_id": null, "truncation": "disabled",
        "stream_options": {"include_obfuscation": false}, "temperature": null, "safety_identifier": "s",
    }));
    assert!(request.other.is_empty(), "{:?}", request.other);
    assert_eq!(request.parameters.user.as_deref(), Some("s"));
}

#[test]
fn what_is_not_known_changes_the_answer_and_hints_do_not() {
    let request = of(&json!({
        "model": "m", "input": "Hi", "prompt": {"id": "p"}, "truncation": "auto", "max_tool_calls": 2,
        "include": ["web_search_call.action.sources"], "new_field": 1,
    }));
    assert_eq!(
        lost(&request),
        [
            ("include.web_search_call.action.sources", Weight::Hint),
            ("max_tool_calls", Weight::Hint),
            ("new_field", Weight::Parameter),
            ("prompt", Weight::Parameter),
            ("truncation", Weight::Hint),
        ]
    );
}

#[test]
fn a_tool_can_be_chosen_in_every_form() {
    for (choice, expected) in [
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Required),
        (
            json!({"type": "function", "name": "f"}),
            ToolChoice::Named("f".to_owned()),
        ),
        (
            json!({"type": "custom", "name": "c"}),
            ToolChoice::Named("c".to_owned()),
        ),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "mcp"}]}),
            ToolChoice::Allowed {
                required: true,
                names: vec!["f".to_owned()],
            },
        ),
    ] {
        let request = of(&json!({"model": "m", "input": "Hi", "tool_choice": choice}));
        assert_eq!(request.tool_choice, Some(expected));
    }
    let request =
        of(&json!({"model": "m", "input": "Hi", "tool_choice": {"type": "web_search_preview"}}));
    assert_eq!(lost(&request), [("tool_choice", Weight::Parameter)]);
    let (param, _) = refused(&json!({"model": "m", "input": "Hi", "tool_choice": "any"}));
    assert_eq!(param, "tool_choice");
}

#[test]
fn tools_that_were_chosen_for_the_question_stay_and_those_that_agents_always_offer_are_hints() {
    let request = of(&json!({"model": "m", "input": "Hi", "tools": [
        {"type": "file_search", "vector_store_ids": ["v"]}, {"type": "mcp", "server_label": "s"},
        {"type": "web_search_preview"}, {"type": "image_generation"}]}));
    let hosted: Vec<_> = request
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(hosted, ["file_search", "mcp"]);
    assert_eq!(
        lost(&request),
        [
            ("tools.web_search_preview", Weight::Hint),
            ("tools.image_generation", Weight::Hint)
        ]
    );
}

#[test]
fn a_search_of_tools_by_the_client_is_a_function_and_what_it_found_are_tools() {
    let found = json!([{"type": "namespace", "name": "mcp__git__", "description": "", "tools": [
        {"type": "function", "name": "log", "defer_loading": true, "parameters": {}}]}]);
    let request = of(&json!({"model": "m", "tools": [
    {"type": "tool_search", "execution": "client", "description": "Finds", "parameters": {"type": "object"}}],
    "input": [
        {"type": "tool_search_call", "call_id": "c", "execution": "client", "arguments": {"query": "git"}},
        {"type": "tool_search_output", "call_id": "c", "execution": "client", "status": "completed", "tools": found},
    ]}));
    let names: Vec<_> = request.tools.iter().map(function).collect();
    assert_eq!(names, ["tool_search", "mcp__git__log"]);
    assert_eq!(
        request.messages,
        [
            Message::new(
                Role::Assistant,
                vec![call("c", "tool_search", "{\"query\":\"git\"}")]
            ),
            Message::new(
                Role::User,
                vec![result("c", vec![Part::text(found.to_string())])]
            ),
        ]
    );
}

#[test]
fn calls_of_tools_with_a_shape_of_their_own_are_calls() {
    let request = of(&json!({"model": "m", "input": [
        {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"]}},
        {"type": "local_shell_call_output", "call_id": "c", "output": "a"},
        {"type": "custom_tool_call", "call_id": "d", "name": "patch", "input": "***"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": "ok"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]}));
    let [shell, shown, patch, patched] = request.messages.as_slice() else {
        panic!("{:?}", request.messages);
    };
    assert_eq!(
        shell.parts,
        [call(
            "c",
            "local_shell",
            "{\"command\":[\"ls\"],\"type\":\"exec\"}"
        )]
    );
    assert_eq!(shown.parts, [result("c", vec![Part::text("a")])]);
    assert!(matches!(
        &patch.parts[0].kind,
        PartKind::ToolCall { custom: true, .. }
    ));
    assert!(matches!(
        &patched.parts[0].kind,
        PartKind::ToolResult { custom: true, .. }
    ));
    assert_eq!(lost(&request), [("input.web_search_call", Weight::Hint)]);
}

#[test]
fn parts_of_every_kind_are_read() {
    let request = of(&json!({"model": "m", "input": [
        {"role": "user", "content": [
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "low"},
            {"type": "input_image", "file_id": "file_1"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"},
            {"type": "input_file", "file_url": "https://a.example/c.pdf"},
            {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "b", "annotations": []}, {"type": "refusal", "refusal": "no"}]},
    ]}));
    let user = &request.messages[0].parts;
    assert_eq!(user[0].cache, Some(CacheMarker { ttl: None }));
    assert!(matches!(
        &user[1].kind,
        PartKind::Image {
            source: Source::Url { .. },
            detail: Some(_)
        }
    ));
    assert!(matches!(
        &user[2].kind,
        PartKind::Image {
            source: Source::FileId { .. },
            ..
        }
    ));
    assert!(matches!(
        &user[3].kind,
        PartKind::File {
            source: Source::Base64 { .. },
            name: Some(_),
            ..
        }
    ));
    assert!(matches!(
        &user[4].kind,
        PartKind::File {
            source: Source::Url { .. },
            ..
        }
    ));
    assert!(
        matches!(&user[5].kind, PartKind::Audio { source: Source::Base64 { media_type, .. } } if media_type == "audio/mpeg")
    );
    assert!(
        matches!(&request.messages[1].parts[1].kind, PartKind::Refusal { text } if text == "no")
    );
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    for (request, place) in [
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": 3}), "input"),
        (json!({"model": "m", "input": [3]}), "input[0]"),
        (json!({"model": "m", "input": [{}]}), "input[0].type"),
        (
            json!({"model": "m", "input": [{"role": "tool", "content": "x"}]}),
            "input[0].role",
        ),
        (
            json!({"model": "m", "input": [{"role": "user"}]}),
            "input[0].content",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "input_text"}]}]}),
            "input[0].content[0].text",
        ),
        (
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "x"}]}]}),
            "input[0].content[0].type",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call", "call_id": "c", "name": "n"}]}),
            "input[0].arguments",
        ),
        (
            json!({"model": "m", "input": [{"type": "function_call_output", "output": "x"}]}),
            "input[0].call_id",
        ),
        (
            json!({"model": "m", "input": "x", "tools": [{"type": "function"}]}),
            "tools[0].name",
        ),
        (
            json!({"model": "m", "input": "x", "max_output_tokens": "9"}),
            "max_output_tokens",
        ),
        (
            json!({"model": "m", "input": "x", "reasoning": {"effort": "huge"}}),
            "reasoning.effort",
        ),
        (
            json!({"model": "m", "input": "x", "text": {"format": {"type": "xml"}}}),
            "text.format.type",
        ),
    ] {
        assert_eq!(refused(&request).0, place);
    }
}
