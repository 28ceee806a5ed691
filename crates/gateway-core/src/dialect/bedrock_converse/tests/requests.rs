//! Requests of clients, and the bodies that Bedrock gets. The bodies are files, which Amazon's own client judges in the
//! end-to-end tests; `UPDATE_GOLDEN=1` writes them anew.

use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::chat::{
    Effort, Format, Json, Message, Other, Parameters, Part, PartKind, Reasoning, ReasoningMode,
    Request, Role, Source, Tool, ToolChoice, ToolKind, Weight,
};
use crate::dialect::bedrock_converse::BACK;
use crate::translate::{Losses, Target};
use crate::{Asked, Dialect, Envelope, Limits, Policy, Quirks, TranslateError, Translation};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const CLAUDE_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "us.amazon.nova-pro-v1:0";

/// What Bedrock gets of an Anthropic client's request, and what was lost.
fn of_anthropic(model: &str, body: &Value, drop: bool) -> Result<(Value, String), TranslateError> {
    let envelope = Envelope::parse(Bytes::from(body.to_string()), Limits::default()).unwrap();
    let quirks = Quirks::default();
    let target = target(model, &quirks);
    let policy = Policy {
        drop,
        ..Policy::default()
    };
    let asked = Asked {
        model: "m".to_owned(),
        id: "1".to_owned(),
        created: 1,
        usage_in_stream: false,
        echo: Vec::new(),
    };
    let dialects = (Dialect::AnthropicMessages, Dialect::BedrockConverse);
    let (body, translation) = Translation::new(dialects, &envelope, &target, &policy, asked, None)?;
    let lost: Vec<_> = translation.lost().iter().map(|lost| &*lost.name).collect();
    Ok((serde_json::from_slice(&body).unwrap(), lost.join(" ")))
}

/// The same of a request in no dialect.
fn of_chat(model: &str, request: &Request) -> (Value, String) {
    let quirks = Quirks::default();
    let mut losses = Losses::default();
    let body = (BACK.write_request)(request, &target(model, &quirks), &mut losses).unwrap();
    let lost = losses.into_inner();
    let lost: Vec<_> = lost.iter().map(|lost| &*lost.name).collect();
    (serde_json::from_slice(&body).unwrap(), lost.join(" "))
}

const fn target<'a>(model: &'a str, quirks: &'a Quirks) -> Target<'a> {
    Target {
        model,
        max_output_tokens: None,
        reasons: None,
        quirks,
    }
}

fn golden(name: &str, body: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/bedrock_converse");
    let file = folder.join(format!("{name}.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        let text = serde_json::to_string_pretty(body).unwrap() + "\n";
        std::fs::write(&file, text).unwrap();
    }
    let text = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("no {}", file.display()));
    let expected: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(*body, expected, "{name}");
}

fn user(text: &str) -> Message {
    Message::new(Role::User, vec![Part::text(text)])
}

fn call(id: &str, arguments: &str) -> Part {
    Part::new(PartKind::ToolCall {
        id: id.to_owned(),
        name: "get".to_owned(),
        arguments: arguments.to_owned(),
        custom: false,
        signature: None,
    })
}

fn result(id: &str) -> Part {
    Part::new(PartKind::ToolResult {
        id: id.to_owned(),
        name: None,
        parts: vec![Part::text("done")],
        is_error: false,
        custom: false,
    })
}

fn tool(name: &str) -> Tool {
    let schema = r#"{"type":"object","properties":{"b":{},"a":{}}}"#;
    Tool {
        name: name.to_owned(),
        description: Some("It gets.".to_owned()),
        kind: ToolKind::Function {
            parameters: Json::parse(schema),
            strict: None,
        },
        cache: None,
    }
}

fn request(messages: Vec<Message>) -> Request {
    Request {
        messages,
        ..Request::default()
    }
}

/// A turn with everything that Claude and its clients say.
fn agent() -> Value {
    let cached = json!({"type": "ephemeral"});
    let pixel = "iVBORw0KGgo=";
    json!({
        "model": "m", "max_tokens": 4096, "stream": true,
        "temperature": 1, "top_k": 40, "stop_sequences": ["END"],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "metadata": {"user_id": "u"},
        "system": [{"type": "text", "text": "Be brief."},
            {"type": "text", "text": "Rules.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "tools": [
            {"name": "read", "description": "Reads.", "input_schema": {"type": "object",
                "properties": {"path": {"type": "string"}}, "required": ["path"]}},
            {"name": "now", "input_schema": {"type": "object"}, "cache_control": cached}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "messages": [
            {"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": pixel}},
                {"type": "document", "title": "My report_v1.pdf", "context": "of today",
                    "citations": {"enabled": true},
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
                {"type": "document", "title": "My report:v1.pdf",
                    "source": {"type": "text", "media_type": "text/plain", "data": "plain"}},
                {"type": "text", "text": "Look.", "cache_control": cached}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "gw1.bedrock_converse:YQ=="},
                {"type": "text", "text": "I read."},
                {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}},
                {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
                    {"type": "text", "text": "seen"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": pixel}}]},
                {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true,
                    "content": "no clock", "cache_control": cached}]},
        ],
    })
}

#[test]
fn an_agents_turn_keeps_everything() {
    let (body, lost) = of_anthropic(CLAUDE, &agent(), false).unwrap();
    assert_eq!(lost, "user");
    golden("agent", &body);
}

#[test]
fn another_makers_model_gets_what_it_understands() {
    let error = of_anthropic(NOVA, &agent(), false).unwrap_err();
    let TranslateError::Unsupported { params, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(params, ["parallel_tool_calls"]);
    let (body, lost) = of_anthropic(NOVA, &agent(), true).unwrap();
    let expected = "thinking reasoning_effort user cache_control parallel_tool_calls";
    assert_eq!(lost, expected);
    golden("agent_nova", &body);
    let (body, _) = of_anthropic("meta.llama3-3-70b-instruct-v1:0", &agent(), true).unwrap();
    golden("agent_llama", &body);
}

#[test]
fn a_picture_somewhere_else_is_named_by_its_place() {
    let image = |url: &str| {
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "Look."},
            {"type": "image", "source": {"type": "url", "url": url}}]}]})
    };
    let error = of_anthropic(CLAUDE, &image("https://example.com/a.png"), false).unwrap_err();
    let told = error.to_string();
    assert!(
        told.starts_with("`messages[0].content[1]` cannot be"),
        "{told}"
    );
    let (body, lost) = of_anthropic(CLAUDE, &image("s3://bucket/a.png"), false).unwrap();
    assert_eq!(lost, "");
    golden("s3", &body);
}

#[test]
fn sound_films_and_documents_have_their_formats() {
    let base64 = |media_type: &str| Source::Base64 {
        media_type: media_type.to_owned(),
        data: "AAAA".to_owned(),
    };
    let file = |media_type: &str, name: &str| PartKind::File {
        source: base64(media_type),
        name: Some(name.to_owned()),
        citations: None,
        context: None,
    };
    let parts = [
        PartKind::Audio {
            source: base64("audio/wav"),
        },
        PartKind::Video {
            source: base64("video/mp4"),
        },
        file("text/csv; charset=utf-8", "ä  ö.csv"),
        file("application/octet-stream", "notes.md"),
        file("application/zip", "all.zip"),
    ];
    let parts = parts.into_iter().map(Part::new).collect();
    let (body, lost) = of_chat(NOVA, &request(vec![Message::new(Role::User, parts)]));
    assert_eq!(lost, "messages[0].content[4]");
    golden("media", &body);
}

#[test]
fn the_sides_take_turns_and_blank_texts_are_left_out() {
    let assistant = |text: &str| Message::new(Role::Assistant, vec![Part::text(text)]);
    let system = |text: &str| Message::new(Role::System, vec![Part::text(text)]);
    let (body, lost) = of_chat(
        CLAUDE,
        &request(vec![
            system("one"),
            user("a"),
            user(" "),
            assistant(""),
            user("b"),
            system(""),
            assistant("c"),
            assistant("d"),
            system("two"),
        ]),
    );
    assert_eq!(lost, "messages.role");
    let expected = json!({
        "messages": [
            {"role": "user", "content": [{"text": "a"}, {"text": "b"}]},
            {"role": "assistant", "content": [{"text": "c"}, {"text": "d"}]},
            {"role": "user", "content": [{"text": "<system>\ntwo\n</system>"}]}],
        "system": [{"text": "one"}],
    });
    assert_eq!(body, expected);
    let (body, _) = of_chat(CLAUDE, &request(vec![user(" "), assistant("I say \n")]));
    let expected = json!([
        {"role": "user", "content": [{"text": "."}]},
        {"role": "assistant", "content": [{"text": "I say"}]},
    ]);
    assert_eq!(body["messages"], expected);
    let (body, lost) = of_chat(CLAUDE, &request(vec![system("one")]));
    let expected = json!({"messages": [{"role": "user", "content": [{"text": "one"}]}]});
    assert_eq!((body, lost.as_str()), (expected, "messages.role"));
}

#[test]
fn nova_gets_schemas_of_three_members_without_references() {
    let mut asked = request(vec![user("a")]);
    asked.tools = vec![tool("get")];
    let schema = r##"{"$defs":{"P":{"type":"string"}},"properties":{"z":{"$ref":"#/$defs/P"},"a":{}},"additionalProperties":false}"##;
    if let ToolKind::Function { parameters, .. } = &mut asked.tools[0].kind {
        *parameters = Json::parse(schema);
    }
    let (body, _) = of_chat(NOVA, &asked);
    let spec = &body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"];
    let expected = json!({"type": "object", "properties": {"z": {"type": "string"}, "a": {}}});
    assert_eq!(*spec, expected);
    let (body, _) = of_chat(CLAUDE, &asked);
    let spec = &body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"];
    assert_eq!(spec["$defs"]["P"]["type"], "string");
}

#[test]
fn who_must_call_does_not_think() {
    let mut asked = request(vec![user("a")]);
    asked.tools = vec![tool("get")];
    asked.tool_choice = Some(ToolChoice::Required);
    asked.parameters.reasoning = Some(Reasoning {
        effort: Some(Effort::Low),
        ..Reasoning::default()
    });
    let (body, lost) = of_chat(CLAUDE_4_5, &asked);
    assert_eq!(lost, "reasoning_effort");
    assert_eq!(body["additionalModelRequestFields"], Value::Null);
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"any": {}}));
}

#[test]
fn tools_that_were_called_are_told_where_none_are_given() {
    let mut asked = request(vec![
        user("a"),
        Message::new(Role::Assistant, vec![call("1", ""), call("2", "{\"a\":")]),
        Message::new(Role::User, vec![result("1"), result("2")]),
    ]);
    let (body, lost) = of_chat(CLAUDE, &asked);
    assert_eq!(lost, "");
    golden("history", &body);
    asked.tools = vec![tool("get")];
    asked.tool_choice = Some(ToolChoice::None);
    assert_eq!(of_chat(CLAUDE, &asked).1, "tool_choice");
}

#[test]
fn who_must_be_called_is_said_or_arranged() {
    let mut asked = request(vec![user("a")]);
    asked.tools = vec![tool("get"), tool("set")];
    let names = vec!["set".to_owned()];
    let required = true;
    for (choice, expected, tools) in [
        (ToolChoice::Auto, json!({"auto": {}}), 2),
        (ToolChoice::Required, json!({"any": {}}), 2),
        (
            ToolChoice::Named("get".to_owned()),
            json!({"tool": {"name": "get"}}),
            2,
        ),
        (
            ToolChoice::Allowed { required, names },
            json!({"any": {}}),
            1,
        ),
    ] {
        asked.tool_choice = Some(choice);
        let (body, lost) = of_chat(CLAUDE, &asked);
        assert_eq!(lost, "");
        assert_eq!(body["toolConfig"]["toolChoice"], expected);
        assert_eq!(body["toolConfig"]["tools"].as_array().unwrap().len(), tools);
    }
    asked.tool_choice = Some(ToolChoice::None);
    let (body, lost) = of_chat(CLAUDE, &asked);
    assert_eq!((&body["toolConfig"], lost.as_str()), (&Value::Null, ""));
}

#[test]
fn the_order_of_a_schemas_members_survives() {
    let mut asked = request(vec![user("a")]);
    asked.tools = vec![tool("get")];
    let quirks = Quirks::default();
    let mut losses = Losses::default();
    let body = (BACK.write_request)(&asked, &target(CLAUDE, &quirks), &mut losses).unwrap();
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains(r#""properties":{"b":{},"a":{}}"#), "{text}");
}

fn schema(strict: Option<bool>) -> Format {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#;
    Format::JsonSchema {
        name: Some("form".to_owned()),
        description: None,
        schema: Json::parse(schema).unwrap(),
        strict,
    }
}

#[test]
fn a_schema_holds_the_model_or_is_a_tool_that_it_must_call() {
    let mut asked = request(vec![user("a")]);
    asked.parameters.format = Some(schema(Some(true)));
    let (body, lost) = of_chat(CLAUDE_4_5, &asked);
    assert_eq!((lost.as_str(), &body["toolConfig"]), ("", &Value::Null));
    golden("schema", &body);
    for (model, format) in [
        (CLAUDE, schema(Some(true))),
        (CLAUDE_4_5, schema(Some(false))),
    ] {
        asked.parameters.format = Some(format);
        let (body, lost) = of_chat(model, &asked);
        assert_eq!((lost.as_str(), &body["outputConfig"]), ("", &Value::Null));
        let choice = json!({"tool": {"name": "json_tool_call"}});
        assert_eq!(body["toolConfig"]["toolChoice"], choice);
    }
    asked.tools = vec![tool("get")];
    let (body, _) = of_chat(CLAUDE, &asked);
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"any": {}}));
    golden("schema_tool", &body);
    // An empty object fits the schema of any object, and is what a model that must call gives.
    asked.parameters.format = Some(Format::JsonObject);
    let (body, lost) = of_chat(CLAUDE_4_5, &asked);
    assert_eq!(lost, "response_format");
    let said = body["system"][0]["text"].as_str().unwrap();
    assert!(said.contains("one JSON object"), "{said}");
    assert_eq!(body["toolConfig"]["toolChoice"], Value::Null);
}

#[test]
fn thinking_has_the_words_of_the_models_maker() {
    let fields = |model: &str, reasoning: Reasoning, max_tokens: Option<u64>| {
        let mut asked = request(vec![user("a")]);
        asked.parameters = Parameters {
            reasoning: Some(reasoning),
            max_tokens,
            ..Parameters::default()
        };
        let (body, lost) = of_chat(model, &asked);
        (body["additionalModelRequestFields"].clone(), lost)
    };
    let effort = |effort| Reasoning {
        effort: Some(effort),
        ..Reasoning::default()
    };
    let none = String::new;
    let enabled = |budget: u64| json!({"thinking": {"type": "enabled", "budget_tokens": budget}});
    assert_eq!(
        fields(CLAUDE, effort(Effort::High), None),
        (enabled(4096), none())
    );
    assert_eq!(
        fields(CLAUDE, effort(Effort::High), Some(2000)),
        (enabled(1999), none())
    );
    let (thinking, lost) = fields(CLAUDE, effort(Effort::High), Some(500));
    assert_eq!((thinking, lost.as_str()), (Value::Null, "reasoning_effort"));
    assert_eq!(
        fields(CLAUDE, effort(Effort::None), None),
        (Value::Null, none())
    );
    let adaptive = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}});
    let as_it_likes = Reasoning {
        mode: Some(ReasoningMode::Adaptive),
        ..Reasoning::default()
    };
    assert_eq!(
        fields(CLAUDE_4_5, as_it_likes, None),
        (enabled(2048), none())
    );
    let opus = "us.anthropic.claude-opus-4-6-v1";
    assert_eq!(
        fields(opus, effort(Effort::Minimal), None),
        (adaptive, none())
    );
    let nova = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}});
    let nova_2 = "us.amazon.nova-2-lite-v1:0";
    assert_eq!(fields(nova_2, effort(Effort::Medium), None), (nova, none()));
    let oss = json!({"reasoning_effort": "high"});
    assert_eq!(
        fields("openai.gpt-oss-20b-1:0", effort(Effort::XHigh), None),
        (oss, none())
    );
    let (_, lost) = fields(NOVA, effort(Effort::Low), None);
    assert_eq!(lost, "reasoning_effort");
}

#[test]
fn claude_does_not_think_on_where_its_thoughts_are_gone() {
    let mut asked = request(vec![
        user("a"),
        Message::new(Role::Assistant, vec![call("1", "{}")]),
        Message::new(Role::User, vec![result("1")]),
    ]);
    asked.tools = vec![tool("get")];
    asked.parameters.reasoning = Some(Reasoning {
        effort: Some(Effort::High),
        ..Reasoning::default()
    });
    let (body, lost) = of_chat(CLAUDE, &asked);
    assert_eq!(lost, "reasoning_effort");
    assert_eq!(body["additionalModelRequestFields"], Value::Null);
}

#[test]
fn what_bedrock_has_not_is_named() {
    let number = || Some(1.into());
    let mut asked = request(vec![user("a")]);
    asked.parameters = Parameters {
        max_tokens: Some(100),
        temperature: Some(0.into()),
        top_p: Some(1.into()),
        top_k: number(),
        stop: vec!["END".to_owned()],
        frequency_penalty: Some(0.into()),
        presence_penalty: number(),
        seed: number(),
        choices: Some(2),
        logprobs: Some(false),
        metadata: Json::parse(r#"{"team":"a b"}"#),
        service_tier: Some("priority".to_owned()),
        store: Some(false),
        user: Some("u".to_owned()),
        ..Parameters::default()
    };
    let other = |name: &str, json: &str| Other {
        name: name.to_owned(),
        value: Json::parse(json).unwrap(),
        weight: Weight::Parameter,
    };
    asked.other = vec![
        other(
            "additionalModelRequestFields",
            r#"{"anthropic_beta":["x"]}"#,
        ),
        other("additionalModelResponseFieldPaths", r#"["/usage"]"#),
    ];
    let (body, lost) = of_chat(CLAUDE, &asked);
    assert_eq!(lost, "presence_penalty seed n user");
    golden("parameters", &body);
    asked.parameters.metadata = Json::parse(r#"{"team":{"a":1}}"#);
    assert!(of_chat(CLAUDE, &asked).1.contains("metadata"));
}

#[test]
fn fields_of_bedrocks_own_are_passed_on() {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}],
        "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "enabled"},
        "performanceConfig": {"latency": "optimized"},
        "additionalModelRequestFields": {"anthropic_beta": ["x"]}});
    let (body, lost) = of_anthropic(CLAUDE, &body, false).unwrap();
    assert_eq!(lost, "");
    golden("own_fields", &body);
}

#[test]
fn one_call_at_a_time_is_no_wish_where_there_is_one_function() {
    let body = |count: usize| {
        let tool =
            |at: usize| json!({"name": format!("f{at}"), "input_schema": {"type": "object"}});
        json!({
            "messages": [{"role": "user", "content": "a"}],
            "max_tokens": 9,
            "tools": (0..count).map(tool).collect::<Vec<_>>(),
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        })
    };
    let (_, lost) = of_anthropic(NOVA, &body(1), false).unwrap();
    assert_eq!(lost, "parallel_tool_calls");
    assert!(of_anthropic(NOVA, &body(2), false).is_err());
}
