//! What providers are asked.

use serde_json::{Value, json};

use super::{names, read, write};
use crate::chat::{
    Effort, Format, Json, Message, Parameters, Part, PartKind, Reasoning, Request, Role, Signature,
    Source, Tool, ToolChoice, ToolKind,
};
use crate::dialect::Dialect;

const OLD: &str = "claude-sonnet-4-5";
const NEW: &str = "claude-opus-4-8";

fn request(messages: Vec<Message>) -> Request {
    Request {
        messages,
        ..Request::default()
    }
}

fn asks(parameters: Parameters) -> Request {
    Request {
        parameters,
        ..request(vec![Message::new(Role::User, vec![Part::text("Hi")])])
    }
}

fn say(role: Role, text: &str) -> Message {
    Message::new(role, vec![Part::text(text)])
}

fn function(name: &str, parameters: Option<&Value>) -> Tool {
    Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Function {
            parameters: parameters.map(Json::from),
            strict: None,
        },
        cache: None,
    }
}

fn number(value: &str) -> Option<serde_json::Number> {
    serde_json::from_str(value).ok()
}

#[test]
fn the_operator_is_heard_first_and_stays_in_its_place_later() {
    let (body, lost) = write(
        &request(vec![
            say(Role::System, "A"),
            say(Role::Developer, "B"),
            say(Role::User, "1"),
            say(Role::User, "2"),
            say(Role::Assistant, "3"),
            say(Role::System, "C"),
            say(Role::User, ""),
            say(Role::Assistant, "4 \n"),
        ]),
        OLD,
    );
    assert_eq!(
        body["system"],
        json!([{"type": "text", "text": "A"}, {"type": "text", "text": "B"}])
    );
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "3"}]},
            {"role": "user", "content": [{"type": "text", "text": "<system>\nC\n</system>"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "4"}]},
        ])
    );
    assert_eq!(names(&lost), ["messages.role"]);
    assert_eq!(body["max_tokens"], 4096);
}

#[test]
fn an_operator_who_is_alone_speaks_for_the_user() {
    let (body, _) = write(&request(vec![say(Role::System, "Write a poem.")]), OLD);
    assert_eq!(body.get("system"), None);
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": [{"type": "text", "text": "Write a poem."}]}])
    );
}

#[test]
fn results_of_tools_come_first_and_arguments_are_never_repaired() {
    let call = |id: &str, arguments: &str| {
        Part::new(PartKind::ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            arguments: arguments.to_owned(),
            custom: false,
            signature: None,
        })
    };
    let result = |id: &str, is_error| {
        Message::new(
            Role::User,
            vec![Part::new(PartKind::ToolResult {
                id: id.to_owned(),
                name: None,
                parts: vec![Part::text("r"), Part::text("")],
                is_error,
                custom: false,
            })],
        )
    };
    let (body, _) = write(
        &request(vec![
            Message::new(
                Role::Assistant,
                vec![
                    Part::text("I call."),
                    call("a", r#"{"x": 1}"#),
                    call("b", r#"{"x"#),
                ],
            ),
            result("a", false),
            say(Role::User, "And?"),
            result("b", true),
        ]),
        OLD,
    );
    let content = json!([{"type": "text", "text": "r"}]);
    assert_eq!(
        body["messages"],
        json!([
            {"role": "assistant", "content": [
                {"type": "text", "text": "I call."},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "f", "input": {"arguments": "{\"x"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": content},
                {"type": "tool_result", "tool_use_id": "b", "content": content, "is_error": true},
                {"type": "text", "text": "And?"},
            ]},
        ])
    );
}

#[test]
fn thoughts_of_others_are_left_out() {
    let thought = |by| {
        Part::new(PartKind::Thinking {
            text: "Hm.".to_owned(),
            signature: Some(Signature {
                by,
                value: "s".to_owned(),
            }),
            id: None,
        })
    };
    let parts = vec![
        thought(Some(Dialect::AnthropicMessages)),
        thought(Some(Dialect::Gemini)),
        Part::text("x"),
    ];
    let (body, lost) = write(&request(vec![Message::new(Role::Assistant, parts)]), OLD);
    assert_eq!(
        body["messages"][0]["content"],
        json!([{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "x"}])
    );
    assert_eq!(names(&lost), ["thinking"]);
}

#[test]
fn files_are_documents_or_pictures() {
    let file = |media_type: &str, data: &str| {
        Part::new(PartKind::File {
            source: Source::Base64 {
                media_type: media_type.to_owned(),
                data: data.to_owned(),
            },
            name: Some("n".to_owned()),
            citations: None,
            context: None,
        })
    };
    let audio = Part::new(PartKind::Audio {
        source: Source::FileId { id: "a".to_owned() },
    });
    let parts = vec![
        file("application/pdf", "cGRm"),
        file("text/csv", "YSxi"),
        file("image/png", "aQ=="),
        audio,
    ];
    let (body, lost) = write(&request(vec![Message::new(Role::User, parts)]), OLD);
    assert_eq!(
        body["messages"][0]["content"],
        json!([
            {"type": "document", "title": "n", "source": {"type": "base64", "media_type": "application/pdf", "data": "cGRm"}},
            {"type": "document", "title": "n", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aQ=="}},
        ])
    );
    assert_eq!(names(&lost), ["input_audio"]);
}

#[test]
fn tools_and_the_choice_among_them() {
    let mut asked = asks(Parameters::default());
    asked.tools = vec![
        function("a", None),
        function("b", Some(&json!({"properties": {}}))),
    ];
    asked.tool_choice = Some(ToolChoice::Allowed {
        required: true,
        names: vec!["b".to_owned()],
    });
    asked.parallel_tool_calls = Some(false);
    let (body, lost) = write(&asked, OLD);
    assert_eq!(
        body["tools"],
        json!([{"name": "b", "input_schema": {"type": "object", "properties": {}}}])
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "any", "disable_parallel_tool_use": true})
    );
    assert!(lost.is_empty(), "{lost:?}");
    asked.tool_choice = Some(ToolChoice::Named("a".to_owned()));
    let (body, lost) = write(&asked, "claude-opus-5-5");
    assert_eq!(body["tool_choice"]["type"], "auto");
    assert_eq!(names(&lost), ["tool_choice"]);
    asked.tool_choice = None;
    asked.parallel_tool_calls = None;
    assert_eq!(write(&asked, OLD).0.get("tool_choice"), None);
}

#[test]
fn a_search_of_the_web_is_anthropics_tool() {
    let options = json!({
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Bern", "country": "CH"}},
    });
    let asked = asks(Parameters {
        web_search: Some(Json::from(&options)),
        ..Parameters::default()
    });
    assert_eq!(
        write(&asked, OLD).0["tools"],
        json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 1,
                "user_location": {"type": "approximate", "city": "Bern", "country": "CH"}}])
    );
}

fn effort(effort: Effort) -> Request {
    asks(Parameters {
        reasoning: Some(Reasoning {
            effort: Some(effort),
            ..Reasoning::default()
        }),
        ..Parameters::default()
    })
}

fn check_effort(wanted: Effort, model: &str, thinking: &Value, config: &Value, limit: u64) {
    let (body, _) = write(&effort(wanted), model);
    assert_eq!(body["thinking"], *thinking, "{wanted:?} {model}");
    assert_eq!(body["output_config"], *config, "{wanted:?} {model}");
    assert_eq!(body["max_tokens"], limit, "{wanted:?} {model}");
}

#[test]
fn an_effort_is_a_budget_for_models_up_to_4_5() {
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    let high = json!({"effort": "high"});
    check_effort(Effort::Minimal, OLD, &budget(1024), &Value::Null, 5120);
    check_effort(Effort::High, OLD, &budget(4096), &Value::Null, 8192);
    let off = json!({"type": "disabled"});
    check_effort(Effort::None, OLD, &off, &Value::Null, 4096);
    check_effort(Effort::High, "claude-opus-4-5", &budget(4096), &high, 8192);
    let haiku = "claude-3-5-haiku-20241022";
    check_effort(Effort::High, haiku, &Value::Null, &Value::Null, 4096);
}

#[test]
fn an_effort_is_an_effort_for_later_models() {
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    let effort = |word: &str| json!({"effort": word});
    check_effort(Effort::Low, NEW, &adaptive, &effort("low"), 4096);
    check_effort(Effort::XHigh, NEW, &adaptive, &effort("xhigh"), 4096);
    let before = "claude-sonnet-4-6";
    check_effort(Effort::XHigh, before, &adaptive, &effort("high"), 4096);
    let always = "claude-fable-5";
    check_effort(Effort::None, always, &Value::Null, &effort("low"), 4096);
}

#[test]
fn the_clients_limit_bounds_the_budget() {
    let mut asked = effort(Effort::High);
    asked.parameters.max_tokens = Some(3000);
    let (body, _) = write(&asked, OLD);
    assert_eq!(
        (&body["max_tokens"], &body["thinking"]["budget_tokens"]),
        (&json!(3000), &json!(2999))
    );
    asked.parameters.max_tokens = Some(1000);
    let (body, lost) = write(&asked, OLD);
    assert_eq!(body.get("thinking"), None);
    assert_eq!(names(&lost), ["reasoning_effort"]);
}

#[test]
fn a_forced_call_goes_before_thinking() {
    let mut asked = effort(Effort::High);
    asked.tools = vec![function("a", None)];
    asked.tool_choice = Some(ToolChoice::Required);
    let (body, lost) = write(&asked, OLD);
    assert_eq!(body.get("thinking"), None);
    assert_eq!(body["tool_choice"]["type"], "any");
    assert_eq!(names(&lost), ["reasoning_effort"]);
}

#[test]
fn sampling_follows_the_model_and_its_thinking() {
    let sampled = |temperature, top_p, top_k| {
        asks(Parameters {
            temperature: number(temperature),
            top_p: number(top_p),
            top_k: number(top_k),
            ..Parameters::default()
        })
    };
    let all = sampled("0.5", "0.9", "5");
    let (body, lost) = write(&all, "claude-3-5-haiku-20241022");
    assert_eq!(
        (&body["temperature"], &body["top_p"], &body["top_k"]),
        (&json!(0.5), &json!(0.9), &json!(5))
    );
    assert!(lost.is_empty());
    let (body, lost) = write(&all, OLD);
    assert_eq!(
        (&body["temperature"], &body["top_p"]),
        (&json!(0.5), &Value::Null)
    );
    assert_eq!(names(&lost), ["top_p"]);
    assert_eq!(
        names(&write(&all, NEW).1),
        ["temperature", "top_p", "top_k"]
    );
    let (body, lost) = write(&sampled("1", "1.0", "null"), NEW);
    assert_eq!((body.get("temperature"), lost.len()), (None, 0));
    assert_eq!(
        names(&write(&sampled("1.5", "null", "null"), OLD).1),
        ["temperature"]
    );
    let mut thinks = effort(Effort::Low);
    thinks.parameters.temperature = number("0");
    assert_eq!(names(&write(&thinks, OLD).1), ["temperature"]);
}

fn formatted(schema: &Value, strict: Option<bool>) -> Request {
    asks(Parameters {
        format: Some(Format::JsonSchema {
            name: Some("n".to_owned()),
            description: None,
            schema: Json::from(schema),
            strict,
        }),
        ..Parameters::default()
    })
}

#[test]
fn a_schema_is_structured_output_or_a_tool() {
    let named = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let (body, lost) = write(&formatted(&named, Some(true)), OLD);
    assert_eq!(
        body["output_config"]["format"],
        json!({"type": "json_schema", "schema": {
            "type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false,
        }})
    );
    assert!(lost.is_empty());
    for (schema, model) in [
        (named, "claude-3-5-haiku-20241022"),
        (json!({"type": "object"}), OLD),
    ] {
        let (body, lost) = write(&formatted(&schema, None), model);
        assert_eq!(body["tools"][0]["input_schema"], schema);
        assert_eq!(
            body["tool_choice"],
            json!({"type": "tool", "name": super::super::format_tool::NAME})
        );
        assert!(lost.is_empty());
    }
    let object = asks(Parameters {
        format: Some(Format::JsonObject),
        ..Parameters::default()
    });
    let (body, lost) = write(&object, OLD);
    assert!(
        body["system"][0]["text"]
            .as_str()
            .unwrap()
            .contains("JSON object")
    );
    assert_eq!(names(&lost), ["response_format"]);
}

#[test]
fn what_anthropic_has_not_is_named() {
    let (_, lost) = write(
        &asks(Parameters {
            frequency_penalty: number("0"),
            presence_penalty: number("1"),
            seed: number("1"),
            choices: Some(2),
            logprobs: Some(true),
            top_logprobs: Some(3),
            stop: vec![" ".to_owned(), "END".to_owned()],
            user: Some("a@b.example".to_owned()),
            service_tier: Some("flex".to_owned()),
            store: Some(false),
            metadata: Json::parse(r#"{"a":"b"}"#),
            ..Parameters::default()
        }),
        OLD,
    );
    assert_eq!(
        names(&lost),
        [
            "presence_penalty",
            "seed",
            "n",
            "logprobs",
            "top_logprobs",
            "metadata",
            "stop",
            "user",
            "service_tier"
        ]
    );
}

#[test]
fn what_a_client_of_anthropics_asks_comes_out_as_it_came_in() {
    let body = json!({
        "model": OLD,
        "max_tokens": 5000,
        "stream": true,
        "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "Q", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "url", "url": "https://a.example"}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"},
                 "title": "t", "context": "c", "citations": {"enabled": true}},
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "ZGF0YQ=="},
                {"type": "text", "text": "A"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"z": 1, "a": 2}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true,
                 "content": [{"type": "text", "text": "r"}]},
            ]},
        ],
        "tools": [
            {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}},
            {"type": "bash_20250124", "name": "bash"},
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"format": {"type": "json_schema", "schema":
            {"type": "object", "properties": {}, "additionalProperties": false}}},
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "service_tier": "standard_only",
    });
    let (out, lost) = write(&read(&body).unwrap(), OLD);
    assert_eq!(out, body);
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_user_who_says_nothing_last_is_heard() {
    let (body, _) = write(
        &request(vec![
            say(Role::User, "1"),
            say(Role::Assistant, "2"),
            say(Role::User, " "),
        ]),
        OLD,
    );
    // Else the model would go on from its own words.
    assert_eq!(body["messages"][2]["content"][0]["text"], ".");
    let asked = request(vec![say(Role::User, "1"), say(Role::User, " ")]);
    let said = json!([{"role": "user", "content": [{"type": "text", "text": "1"}]}]);
    assert_eq!(write(&asked, OLD).0["messages"], said);
}

#[test]
fn tools_that_were_called_are_told_where_none_are_offered() {
    let call = PartKind::ToolCall {
        id: "1".to_owned(),
        name: "get".to_owned(),
        arguments: "{}".to_owned(),
        custom: false,
        signature: None,
    };
    let result = PartKind::ToolResult {
        id: "1".to_owned(),
        name: None,
        parts: vec![Part::text("a")],
        is_error: false,
        custom: false,
    };
    let mut asked = request(vec![
        say(Role::User, "1"),
        Message::new(Role::Assistant, vec![Part::new(call)]),
        Message::new(Role::User, vec![Part::new(result)]),
    ]);
    let (body, lost) = write(&asked, OLD);
    assert_eq!(names(&lost), [""; 0]);
    assert_eq!(body["tools"][0]["name"], "get");
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
    asked.tools = vec![function("set", None)];
    let (body, _) = write(&asked, OLD);
    assert_eq!(body["tools"][0]["name"], "set");
    assert_eq!(body["tool_choice"], Value::Null);
}

#[test]
fn the_user_may_be_named_by_a_label() {
    let of = |metadata: &Value, user: Option<&str>| {
        let (body, lost) = write(
            &asks(Parameters {
                metadata: Some(Json::from(metadata)),
                user: user.map(str::to_owned),
                ..Parameters::default()
            }),
            OLD,
        );
        (body["metadata"]["user_id"].clone(), names(&lost).join(" "))
    };
    let labels = json!({"user_id": "u1"});
    assert_eq!(of(&labels, None), (json!("u1"), String::new()));
    assert_eq!(of(&labels, Some("u2")).0, "u2");
    let more = json!({"user_id": "u1", "team": "a"});
    assert_eq!(of(&more, None), (json!("u1"), "metadata".to_owned()));
    assert_eq!(of(&json!({"user_id": 7}), None).1, "metadata");
}
