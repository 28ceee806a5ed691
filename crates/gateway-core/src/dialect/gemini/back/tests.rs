//! Requests as they are sent to Google, and its answers as they are read.

use bytes::Bytes;
use serde_json::{Value, json};

use super::BACK;
use crate::chat::{
    Delta, Effort, FinishReason, Format, Json, Message, Opened, Parameters, Part, PartKind,
    Reasoning, ReasoningMode, Request, Role, Signature, Source, Tool, ToolChoice, ToolKind, Weight,
};
use crate::translate::{Losses, Quirks, Target, TranslateError};
use crate::{Dialect, Flow, Framer};

fn write(request: &Request) -> Result<(Value, Vec<(String, Weight)>), TranslateError> {
    let quirks = Quirks::default();
    let target = Target {
        model: &request.model,
        max_output_tokens: None,
        reasons: None,
        quirks: &quirks,
    };
    let mut losses = Losses::default();
    let body = (BACK.write_request)(request, &target, &mut losses)?;
    let lost = losses
        .into_inner()
        .into_iter()
        .map(|lost| (lost.name.into_owned(), lost.weight))
        .collect();
    Ok((serde_json::from_slice(&body).unwrap(), lost))
}

fn request(model: &str, messages: Vec<Message>) -> Request {
    Request {
        model: model.to_owned(),
        messages,
        ..Request::default()
    }
}

fn said(role: Role, text: &str) -> Message {
    Message::new(role, vec![Part::text(text)])
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

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::new(PartKind::ToolResult {
        id: id.to_owned(),
        name: None,
        parts,
        is_error,
        custom: false,
    })
}

fn image() -> Part {
    Part::new(PartKind::Image {
        source: Source::Base64 {
            media_type: "image/png".to_owned(),
            data: "iVBORw0KGgo=".to_owned(),
        },
        detail: None,
    })
}

fn at(url: &str) -> Part {
    Part::new(PartKind::Image {
        source: Source::Url {
            url: url.to_owned(),
            media_type: None,
        },
        detail: None,
    })
}

fn function(name: &str, schema: &Value) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some("What it does".to_owned()),
        kind: ToolKind::Function {
            parameters: Some(Json::from(schema)),
            strict: None,
        },
        cache: None,
    }
}

/// A whole request with all that Google can be told.
fn everything() -> Request {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": false});
    let mut request = request(
        "gemini-2.5-flash",
        vec![
            said(Role::System, "Be brief."),
            said(Role::Developer, "Be kind."),
            Message::new(
                Role::User,
                vec![
                    Part::text("What is it?"),
                    image(),
                    at("https://a.example/b.PNG?x=1"),
                    at("gs://b/c.pdf"),
                ],
            ),
            said(Role::User, "Well?"),
            Message::new(
                Role::Assistant,
                vec![
                    Part::text("I look."),
                    call("a", "weather", "{\"city\":\"Oslo\"}"),
                    call("b", "weather", ""),
                    call("c", "weather", "{\"city\":"),
                ],
            ),
            Message::new(
                Role::User,
                vec![result("a", vec![Part::text("cold")], false)],
            ),
            Message::new(
                Role::User,
                vec![result("b", vec![Part::text("{\"t\": 1.50}")], false)],
            ),
            Message::new(
                Role::User,
                vec![
                    result("c", vec![Part::text("no"), Part::text("such")], true),
                    Part::text("And now?"),
                ],
            ),
        ],
    );
    request.tools = vec![function("weather", &schema)];
    request.tool_choice = Some(ToolChoice::Named("weather".to_owned()));
    request.parameters = parameters(&schema);
    request
}

fn parameters(schema: &Value) -> Parameters {
    Parameters {
        max_tokens: Some(100),
        temperature: serde_json::from_str("0.5").ok(),
        top_p: serde_json::from_str("0.9").ok(),
        top_k: Some(40.into()),
        frequency_penalty: Some(1.into()),
        presence_penalty: Some(2.into()),
        seed: Some(7.into()),
        stop: vec!["END".to_owned()],
        choices: Some(2),
        logprobs: Some(true),
        top_logprobs: Some(3),
        format: Some(Format::JsonSchema {
            name: Some("answer".to_owned()),
            description: None,
            schema: Json::from(schema),
            strict: Some(true),
        }),
        reasoning: Some(Reasoning {
            effort: Some(Effort::Low),
            ..Reasoning::default()
        }),
        web_search: Json::parse("{}"),
        service_tier: Some("flex".to_owned()),
        ..Parameters::default()
    }
}

#[test]
fn everything_that_google_can_be_told_is_told() {
    let (body, lost) = write(&everything()).unwrap();
    let expected: Value =
        serde_json::from_str(include_str!("../../../../tests/golden/gemini/request.json")).unwrap();
    assert_eq!(body, expected, "{body:#}");
    assert_eq!(lost, []);
}

#[test]
fn the_third_generation_gets_a_placeholder_for_a_signature_that_is_not_there() {
    let own = Signature {
        by: Some(Dialect::Gemini),
        value: "U0lH".to_owned(),
    };
    let signed = |signature: Option<Signature>| {
        Part::new(PartKind::ToolCall {
            id: "x".to_owned(),
            name: "f".to_owned(),
            arguments: "{}".to_owned(),
            custom: false,
            signature,
        })
    };
    let foreign = Signature {
        by: Some(Dialect::AnthropicMessages),
        value: "x".to_owned(),
    };
    for (model, signature, expected) in [
        ("gemini-3-pro-preview", Some(own.clone()), json!("U0lH")),
        (
            "gemini-3-pro-preview",
            None,
            json!("skip_thought_signature_validator"),
        ),
        (
            "gemini-3-pro-preview",
            Some(foreign),
            json!("skip_thought_signature_validator"),
        ),
        ("gemini-2.5-pro", Some(own), json!("U0lH")),
        ("gemini-2.5-pro", None, Value::Null),
    ] {
        let turn = Message::new(Role::Assistant, vec![signed(signature), signed(None)]);
        let (body, _) = write(&request(model, vec![said(Role::User, "q"), turn])).unwrap();
        let parts = &body["contents"][1]["parts"];
        assert_eq!(parts[0]["thoughtSignature"], expected, "{model}");
        assert_eq!(parts[1]["thoughtSignature"], Value::Null, "{model}");
    }
}

#[test]
fn what_a_tool_shows_stands_in_its_result_or_behind_it() {
    let turns = || {
        vec![
            Message::new(Role::Assistant, vec![call("a", "look", "{}")]),
            Message::new(
                Role::User,
                vec![result("a", vec![Part::text("seen"), image()], false)],
            ),
        ]
    };
    let blob = json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}});
    let (body, _) = write(&request("gemini-3-flash-preview", turns())).unwrap();
    assert_eq!(
        body["contents"][1]["parts"],
        json!([{"functionResponse": {"name": "look", "response": {"output": "seen"}, "parts": [blob]}}])
    );
    let (body, _) = write(&request("gemini-2.5-flash", turns())).unwrap();
    assert_eq!(
        body["contents"][1]["parts"],
        json!([{"functionResponse": {"name": "look", "response": {"output": "seen"}}}])
    );
    assert_eq!(
        body["contents"][2],
        json!({"role": "user", "parts": [blob]})
    );
}

#[test]
fn a_result_without_its_call_is_refused_by_its_place() {
    let turns = vec![Message::new(Role::User, vec![result("x", vec![], false)])];
    let error = write(&request("gemini-2.5-flash", turns)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`messages[0].content[0]`: there is no tool call before it with the id `x`"
    );
}

#[test]
fn thoughts_go_back_to_their_maker_only() {
    let thought = |by| {
        Part::new(PartKind::Thinking {
            text: "hm".to_owned(),
            signature: Some(Signature {
                by: Some(by),
                value: "S".to_owned(),
            }),
            id: None,
        })
    };
    let turn = Message::new(
        Role::Assistant,
        vec![
            thought(Dialect::AnthropicMessages),
            thought(Dialect::Gemini),
            Part::text("so"),
        ],
    );
    let (body, lost) = write(&request("gemini-2.5-pro", vec![turn])).unwrap();
    assert_eq!(
        body["contents"][0]["parts"],
        json!([{"text": "hm", "thought": true, "thoughtSignature": "S"}, {"text": "so"}])
    );
    assert_eq!(lost, [("thinking".to_owned(), Weight::Hint)]);
}

#[test]
fn how_much_to_think_is_said_in_the_models_own_measure() {
    let with = |effort, budget, mode| Reasoning {
        mode,
        effort,
        budget,
        summary: None,
    };
    let on = Some(ReasoningMode::On);
    let off = Some(ReasoningMode::Off);
    for (model, reasoning, expected) in [
        (
            "gemini-2.5-flash",
            with(Some(Effort::High), None, None),
            json!({"includeThoughts": true, "thinkingBudget": 24576}),
        ),
        (
            "gemini-2.5-flash",
            with(None, Some(1_000_000), on),
            json!({"includeThoughts": true, "thinkingBudget": 24576}),
        ),
        (
            "gemini-2.5-flash",
            with(None, None, off),
            json!({"includeThoughts": false, "thinkingBudget": 0}),
        ),
        (
            "gemini-2.5-pro",
            with(Some(Effort::None), None, None),
            json!({"includeThoughts": false, "thinkingBudget": 128}),
        ),
        (
            "gemini-3-pro-preview",
            with(Some(Effort::Medium), None, None),
            json!({"includeThoughts": true, "thinkingLevel": "HIGH"}),
        ),
        (
            "gemini-3-flash-preview",
            with(None, Some(8000), on),
            json!({"includeThoughts": true, "thinkingLevel": "MEDIUM"}),
        ),
        (
            "gemini-3-flash-preview",
            with(None, None, off),
            json!({"includeThoughts": false, "thinkingLevel": "MINIMAL"}),
        ),
        (
            "gemini-3-flash-preview",
            with(None, None, Some(ReasoningMode::Adaptive)),
            json!({"includeThoughts": true}),
        ),
    ] {
        let mut request = request(model, vec![said(Role::User, "q")]);
        request.parameters.reasoning = Some(reasoning.clone());
        let (body, _) = write(&request).unwrap();
        assert_eq!(
            body["generationConfig"]["thinkingConfig"], expected,
            "{model} {reasoning:?}"
        );
    }
}

#[test]
fn a_model_that_does_not_think_is_not_told_to() {
    let mut request = request("gemini-2.0-flash", vec![said(Role::User, "q")]);
    request.parameters.reasoning = Some(Reasoning {
        effort: Some(Effort::Low),
        ..Reasoning::default()
    });
    let (body, lost) = write(&request).unwrap();
    assert_eq!(body.get("generationConfig"), None);
    assert_eq!(lost, [("reasoning_effort".to_owned(), Weight::Hint)]);
}

fn three_tools() -> Vec<Tool> {
    vec![
        function("a", &json!({})),
        function("b", &json!({})),
        Tool {
            name: "web_search".to_owned(),
            description: None,
            kind: ToolKind::Hosted {
                dialect: Dialect::AnthropicMessages,
                json: Json::from(
                    &json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a"]}),
                ),
            },
            cache: None,
        },
    ]
}

#[test]
fn what_cannot_be_said_is_told() {
    let mut request = request(
        "gemini-2.5-flash",
        vec![
            said(Role::User, "q"),
            Message::new(
                Role::User,
                vec![
                    at("s3://b/c.png"),
                    Part::new(PartKind::File {
                        source: Source::FileId {
                            id: "file-1".to_owned(),
                        },
                        name: None,
                        citations: None,
                        context: None,
                    }),
                ],
            ),
        ],
    );
    request.tools = three_tools();
    request.parallel_tool_calls = Some(false);
    let parameters = &mut request.parameters;
    parameters.logit_bias = Json::parse("{}");
    parameters.verbosity = Some("low".to_owned());
    parameters.user = Some("u".to_owned());
    parameters.metadata = Json::parse("{}");
    let (body, mut lost) = write(&request).unwrap();
    lost.sort_by(|one, other| one.0.cmp(&other.0));
    let names: Vec<_> = lost
        .iter()
        .map(|(name, weight)| (name.as_str(), *weight == Weight::Parameter))
        .collect();
    assert_eq!(
        names,
        [
            ("logit_bias", true),
            ("messages[1].content[0]", true),
            ("messages[1].content[1]", true),
            ("metadata", false),
            ("parallel_tool_calls", true),
            ("tools[].allowed_domains", true),
            ("tools[].max_uses", false),
            ("user", false),
            ("verbosity", false),
        ]
    );
    assert_eq!(body["tools"][1], json!({"googleSearch": {}}));
}

#[test]
fn instructions_alone_are_what_the_user_says() {
    let (body, _) = write(&request(
        "gemini-2.5-flash",
        vec![said(Role::System, "Say hi.")],
    ))
    .unwrap();
    assert_eq!(
        body,
        json!({"contents": [{"role": "user", "parts": [{"text": "Say hi."}]}]})
    );
}

/// A whole answer with everything in it.
const ANSWER: &str = include_str!("../../../../tests/golden/gemini/answer.json");

#[test]
fn a_whole_answer_is_read() {
    let facts = Dialect::Gemini.read_body(ANSWER.as_bytes()).unwrap();
    assert_eq!(facts.usage.input_tokens, Some(25));
    let answer = (BACK.read_answer)(ANSWER).unwrap();
    assert_eq!(answer.id.as_deref(), Some("mAitaLmkHPPlz7IP"));
    assert_eq!(answer.model.as_deref(), Some("gemini-3-pro-preview"));
    let usage = answer.usage;
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(25), Some(90))
    );
    assert_eq!(
        (usage.cache_read_tokens, usage.reasoning_tokens),
        (Some(8), Some(60))
    );
    let choice = &answer.choices[0];
    assert_eq!(choice.finish.reason, FinishReason::ToolCalls);
    let shown: Vec<String> = choice.parts.iter().map(|it| show(&it.kind)).collect();
    assert_eq!(
        shown,
        [
            "thought Let me see.",
            "text Grüße aus Oslo. [{\"end_index\":15,\"start_index\":0,\"title\":\"a.example\",\"url\":\"https://a.example/1\"}]",
            "call fc_1 weather {\"city\": \"Oslo\", \"days\": 2.0} signed",
            "call call_mAitaLmkHPPlz7IP_2 clock {}",
            "image image/png",
            "other {\"executableCode\":{\"language\": \"PYTHON\", \"code\": \"1+1\"}}",
        ]
    );
    let logprobs = choice.logprobs.as_ref().unwrap().value();
    assert_eq!(
        logprobs["content"][0],
        json!({"token": "Gr", "logprob": -0.1, "bytes": [71, 114],
               "top_logprobs": [{"token": "Gr", "logprob": -0.1, "bytes": [71, 114]}]})
    );
}

fn show(kind: &PartKind) -> String {
    match kind {
        PartKind::Text {
            text, citations, ..
        } => {
            let cited: Vec<Value> = citations
                .iter()
                .map(|(_, json)| json.value()["url_citation"].clone())
                .collect();
            format!("text {text} {}", Value::from(cited))
        }
        PartKind::Thinking { text, .. } => format!("thought {text}"),
        PartKind::ToolCall {
            id,
            name,
            arguments,
            signature,
            ..
        } => {
            let signed = signature.as_ref().map_or("", |_| " signed");
            format!("call {id} {name} {arguments}{signed}")
        }
        PartKind::Image {
            source: Source::Base64 { media_type, .. },
            ..
        } => format!("image {media_type}"),
        PartKind::Other { json, .. } => format!("other {json:?}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_finish_reason_of_googles_has_a_meaning() {
    for (word, reason) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::ContentFilter),
        ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", FinishReason::Failed),
        ("SOMETHING_NEW", FinishReason::Failed),
    ] {
        let body =
            format!(r#"{{"candidates":[{{"finishReason":"{word}","finishMessage":"why"}}]}}"#);
        let finish = (BACK.read_answer)(&body).unwrap().choices[0].finish.clone();
        assert_eq!(finish.reason, reason, "{word}");
        assert_eq!(finish.detail, Some(format!("{word}: why")));
    }
}

#[test]
fn a_prompt_that_was_blocked_is_an_answer_by_the_filter() {
    let body = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3},"modelVersion":"m"}"#;
    assert!(Dialect::Gemini.read_body(body.as_bytes()).is_ok());
    let answer = (BACK.read_answer)(body).unwrap();
    assert_eq!(answer.choices[0].finish.reason, FinishReason::ContentFilter);
    let (deltas, complete) = read_stream(&[format!("data: {body}\n\n").as_bytes()]);
    assert!(complete);
    assert_eq!(deltas.last().unwrap(), "finish 0 ContentFilter");
}

/// A stream with everything in it.
const STREAM: &str = include_str!("../../../../tests/golden/gemini/stream.txt");

#[test]
fn a_stream_is_read_event_by_event_however_it_is_split() {
    let (whole, complete) = read_stream(&[STREAM.as_bytes()]);
    assert!(complete);
    assert_eq!(
        whole,
        [
            "begin Some(\"r1\") Some(\"gemini-3-flash-preview\")",
            "open 0.0 thinking",
            "piece 0.0 Hm.",
            "close 0.0",
            "open 0.1 text",
            "piece 0.1 Grü",
            "piece 0.1 ße.",
            "signature 0.1 U0lHMQ==",
            "close 0.1",
            "open 0.2 call call_r1_1 weather signed",
            "piece 0.2 {\"city\":\"Oslo\"}",
            "close 0.2",
            "open 0.3 call fc2 clock",
            "piece 0.3 {}",
            "close 0.3",
            "usage Some(12) Some(30) Some(20)",
            "finish 0 ToolCalls",
        ]
    );
    for at in 0..STREAM.len() {
        let (start, end) = STREAM.as_bytes().split_at(at);
        assert_eq!(read_stream(&[start, end]), (whole.clone(), true), "{at}");
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_is_complete_only_with_its_finish_reason() {
    let last = STREAM.rfind("data: ").unwrap();
    for at in 0..last {
        let (_, complete) = read_stream(&[&STREAM.as_bytes()[..at]]);
        assert!(!complete, "{at}");
    }
}

/// What a stream's steps are, and whether it counts as complete.
fn read_stream(chunks: &[&[u8]]) -> (Vec<String>, bool) {
    let mut reader = (BACK.stream_reader)();
    let mut observer = Dialect::Gemini.stream_observer();
    let mut framer = Framer::new(1 << 16);
    let mut steps = Vec::new();
    for chunk in chunks {
        let fed = framer.feed(Bytes::copy_from_slice(chunk), |event| {
            observer.event(&event);
            reader
                .event(&event, &mut |delta| steps.push(step(&delta)))
                .unwrap();
            Flow::Continue
        });
        assert_eq!(fed.error, None);
    }
    reader.end(&mut |delta| steps.push(step(&delta)));
    (steps, observer.is_complete())
}

fn step(delta: &Delta<'_>) -> String {
    match delta {
        Delta::Begin { id, model, .. } => format!("begin {id:?} {model:?}"),
        Delta::Open {
            choice,
            part,
            opened,
        } => {
            let what = match opened {
                Opened::Text => "text".to_owned(),
                Opened::Thinking { .. } => "thinking".to_owned(),
                Opened::ToolCall {
                    id,
                    name,
                    signature,
                    ..
                } => {
                    let signed = signature.as_ref().map_or("", |_| " signed");
                    format!("call {id} {name}{signed}")
                }
                other => format!("{other:?}"),
            };
            format!("open {choice}.{part} {what}")
        }
        Delta::Piece { choice, part, text } => format!("piece {choice}.{part} {text}"),
        Delta::Signature {
            choice,
            part,
            signature,
        } => format!("signature {choice}.{part} {}", signature.value),
        Delta::Close { choice, part } => format!("close {choice}.{part}"),
        Delta::Finish { choice, finish } => format!("finish {choice} {:?}", finish.reason),
        Delta::Usage(usage) => format!(
            "usage {:?} {:?} {:?}",
            usage.input_tokens, usage.output_tokens, usage.reasoning_tokens
        ),
        other => format!("{other:?}"),
    }
}
