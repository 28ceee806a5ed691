//! Requests of Google's clients, and answers for them.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::FRONT;
use crate::chat::{
    Answer, Choice, Delta, Effort, Finish, FinishReason, Format, Json, Message, Opened, Part,
    PartKind, Reasoning, ReasoningMode, Request, Role, Signature, Source, ToolChoice, ToolKind,
    Weight,
};
use crate::dialect::gemini::back::BACK;
use crate::translate::{Asked, Losses, Quirks, Target, TranslateError};
use crate::usage::Usage;
use crate::{Dialect, Envelope, Flow, Framer, Limits};

fn read(body: &Value) -> Result<Request, TranslateError> {
    let body = Bytes::from(body.to_string());
    (FRONT.read_request)(&Envelope::parse(body, Limits::default()).unwrap())
}

fn write(request: &Request) -> Value {
    let quirks = Quirks::default();
    let target = Target {
        model: &request.model,
        max_output_tokens: None,
        reasons: None,
        quirks: &quirks,
    };
    let body = (BACK.write_request)(request, &target, &mut Losses::default()).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn asked() -> Asked {
    Asked {
        model: "my-group".to_owned(),
        id: "0a1b".to_owned(),
        created: 1,
        usage_in_stream: true,
        echo: Vec::new(),
    }
}

#[test]
fn what_a_provider_is_told_is_read_back_as_it_was_meant() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../tests/golden/gemini/request.json")).unwrap();
    let mut body = golden.clone();
    body["model"] = "gemini-2.5-flash".into();
    let request = read(&body).unwrap();
    assert_eq!(request.other, []);
    assert_eq!(write(&request), golden);
}

/// A request in the spelling of protobuf, with the shortcuts that Google takes.
fn in_protobufs_spelling() -> Value {
    json!({
        "model": "m",
        "stream": true,
        "system_instruction": {"parts": {"text": "Be brief."}},
        "contents": {"parts": [
            {"text": "q"},
            {"inline_data": {"mime_type": "audio/wav", "data": "UklGRg=="}},
            {"file_data": {"mime_type": "video/mp4", "file_uri": "gs://b/v"}, "video_metadata": {"fps": 2}},
        ]},
        "tools": {"function_declarations": {"name": "f", "parameters": {"type": "OBJECT"}}},
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f", "g"]}},
        "generation_config": {
            "max_output_tokens": 5, "top_k": 3.0, "response_mime_type": "application/json",
            "response_schema": {"type": "STRING"},
            "thinking_config": {"include_thoughts": true, "thinking_level": "HIGH"},
            "media_resolution": "MEDIA_RESOLUTION_LOW",
        },
        "safety_settings": [{"category": "X", "threshold": "Y"}],
        "cached_content": "cachedContents/1",
        "labels": {"team": "a"},
    })
}

#[test]
fn either_spelling_is_read_and_lists_of_one_may_lack_their_brackets() {
    let request = read(&in_protobufs_spelling()).unwrap();
    assert!(request.stream);
    assert_eq!(request.messages[0].role, Role::System);
    let parts = &request.messages[1].parts;
    assert!(matches!(parts[1].kind, PartKind::Audio { .. }));
    assert!(matches!(
        &parts[2].kind,
        PartKind::Video { source: Source::Url { url, .. } } if url == "gs://b/v"
    ));
    let ToolKind::Function {
        parameters: Some(schema),
        ..
    } = &request.tools[0].kind
    else {
        panic!("{:?}", request.tools);
    };
    assert_eq!(schema.value(), json!({"type": "object"}));
    assert_eq!(
        request.tool_choice,
        Some(ToolChoice::Allowed {
            required: true,
            names: vec!["f".to_owned(), "g".to_owned()]
        })
    );
    let parameters = &request.parameters;
    assert_eq!(parameters.max_tokens, Some(5));
    assert!(matches!(parameters.format, Some(Format::JsonSchema { .. })));
    let expected = Reasoning {
        effort: Some(Effort::High),
        summary: Some("auto".to_owned()),
        ..Reasoning::default()
    };
    assert_eq!(parameters.reasoning, Some(expected));
    assert_eq!(parameters.metadata, Json::parse(r#"{"team":"a"}"#));
    let mut other: Vec<_> = request
        .other
        .iter()
        .map(|it| (it.name.as_str(), it.weight))
        .collect();
    other.sort_unstable_by_key(|(name, _)| *name);
    assert_eq!(
        other,
        [
            ("cached_content", Weight::Parameter),
            ("contents[0].parts[2].video_metadata", Weight::Parameter),
            ("generationConfig.mediaResolution", Weight::Hint),
            ("safetySettings", Weight::Hint),
        ]
    );
}

#[test]
fn a_wrong_request_is_refused_by_its_place() {
    let call =
        json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]});
    for (body, expected) in [
        (json!({}), "`contents`: it is missing"),
        (
            json!({"contents": [{"role": "assistant", "parts": []}]}),
            "`contents[0].role`: it must be `user` or `model`",
        ),
        (
            json!({"contents": [call]}),
            "`contents[0].parts[0]`: there is no function call before it that it answers",
        ),
        (
            json!({"contents": [{"parts": [{"text": 1}]}]}),
            "`contents[0].parts[0]`: invalid type: integer `1`, expected a text",
        ),
        (
            json!({"contents": [], "tools": [{"functionDeclarations": [{}]}]}),
            "`tools[0].functionDeclarations[0].name`: a function must have a name",
        ),
        (
            json!({"contents": [], "generationConfig": {"topP": "x"}}),
            "`generationConfig.topP`: invalid type: string \"x\", expected a JSON number",
        ),
    ] {
        assert_eq!(read(&body).unwrap_err().to_string(), expected);
    }
}

#[test]
fn results_find_their_calls_by_id_or_by_name_and_order() {
    let call = |name: &str, id: Option<&str>| json!({"functionCall": {"name": name, "id": id, "args": {"a": 1.0}}});
    let result = |name: &str, id: Option<&str>, response: Value| json!({"functionResponse": {"name": name, "id": id, "response": response}});
    let request = read(&json!({"contents": [
        {"role": "model", "parts": [call("f", None), call("g", Some("x")), call("f", None)]},
        {"role": "user", "parts": [
            result("f", None, json!({"result": "1"})),
            result("f", None, json!({"error": "2"})),
            result("g", Some("x"), json!({"output": {"n": 3}})),
        ]},
    ]}))
    .unwrap();
    let shown: Vec<_> = request.messages[1]
        .parts
        .iter()
        .map(|part| match &part.kind {
            PartKind::ToolResult {
                id,
                parts,
                is_error,
                ..
            } => (id.as_str(), parts.clone(), *is_error),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("call_0_0", vec![Part::text("1")], false),
            ("call_0_2", vec![Part::text("2")], true),
            ("x", vec![Part::text("{\"n\":3}")], false),
        ]
    );
}

#[test]
fn a_turn_that_was_kept_event_by_event_is_one_message_again() {
    let signature = Signature {
        by: Some(Dialect::AnthropicMessages),
        value: "EqQB+/==".to_owned(),
    };
    let text = super::signature::written(&signature);
    let said = |part: Value| json!({"role": "model", "parts": [part]});
    let request = read(&json!({"contents": [
        said(json!({"text": "Let ", "thought": true})),
        said(json!({"text": "me.", "thought": true})),
        said(json!({"text": "", "thought": true, "thoughtSignature": text})),
        said(json!({"text": "Hel"})),
        said(json!({"text": "lo."})),
        said(json!({"text": ""})),
    ]}))
    .unwrap();
    assert_eq!(request.messages.len(), 1);
    let thoughts = PartKind::Thinking {
        text: "Let me.".to_owned(),
        signature: Some(signature),
        id: None,
    };
    assert_eq!(
        request.messages[0].parts,
        [Part::new(thoughts), Part::text("Hello.")]
    );
}

const LOGPROBS: &str = r#"{"content":[{"token":"G","logprob":-0.5,"bytes":[71],"top_logprobs":[{"token":"G","logprob":-0.5,"bytes":[71]}]}],"refusal":null}"#;

const CITATION: &str = r#"{"type":"url_citation","url_citation":{"start_index":0,"end_index":5,"url":"https://a.example/1","title":"A"}}"#;

/// An answer with all that Google's clients can be told.
fn everything() -> Answer {
    let signature = |by: Dialect| Signature {
        by: Some(by),
        value: "EqQB".to_owned(),
    };
    let parts = vec![
        Part::new(PartKind::Thinking {
            text: "Hm.".to_owned(),
            signature: Some(signature(Dialect::AnthropicMessages)),
            id: None,
        }),
        Part::new(PartKind::RedactedThinking {
            signature: signature(Dialect::AnthropicMessages),
        }),
        Part::new(PartKind::Text {
            text: "Grüße.".to_owned(),
            citations: vec![(Dialect::OpenAiChat, Json::parse(CITATION).unwrap())],
            signature: None,
        }),
        Part::new(PartKind::ToolCall {
            id: "toolu_1".to_owned(),
            name: "weather".to_owned(),
            arguments: "{\"city\": \"Oslo\", \"big\": 12345678901234567890123}".to_owned(),
            custom: false,
            signature: None,
        }),
        Part::new(PartKind::ToolCall {
            id: "toolu_2".to_owned(),
            name: "broken".to_owned(),
            arguments: "{\"city\":".to_owned(),
            custom: false,
            signature: None,
        }),
        Part::new(PartKind::Image {
            source: Source::Base64 {
                media_type: "image/png".to_owned(),
                data: "iVBORw0KGgo=".to_owned(),
            },
            detail: None,
        }),
    ];
    Answer {
        id: Some("msg_1".to_owned()),
        model: Some("claude-x".to_owned()),
        created: None,
        choices: vec![Choice {
            parts,
            finish: Finish::new(FinishReason::ToolCalls),
            logprobs: Json::parse(LOGPROBS),
        }],
        usage: Usage {
            input_tokens: Some(10),
            output_tokens: Some(9),
            cache_read_tokens: Some(4),
            reasoning_tokens: Some(3),
            ..Usage::default()
        },
        service_tier: None,
    }
}

#[test]
fn a_whole_answer_is_written_as_googles_clients_read_it() {
    let body = (FRONT.write_answer)(&everything(), &asked());
    let expected = include_str!("../../../../tests/golden/gemini/written_answer.json");
    assert_eq!(String::from_utf8(body).unwrap(), expected.trim());
}

fn call(id: &'static str) -> Opened<'static> {
    Opened::ToolCall {
        id: id.into(),
        name: "weather".into(),
        custom: false,
        signature: None,
    }
}

/// The steps of an answer as a stream.
fn steps() -> Vec<Delta<'static>> {
    let open = |part, opened| Delta::Open {
        choice: 0,
        part,
        opened,
    };
    let piece = |part, text: &'static str| Delta::Piece {
        choice: 0,
        part,
        text: text.into(),
    };
    let close = |part| Delta::Close { choice: 0, part };
    vec![
        Delta::Begin {
            id: Some("chatcmpl-1".into()),
            model: Some("gpt-x".into()),
            created: None,
        },
        open(0, Opened::Thinking { id: None }),
        piece(0, "Hm.\n"),
        Delta::Signature {
            choice: 0,
            part: 0,
            signature: Signature {
                by: Some(Dialect::AnthropicMessages),
                value: "EqQB".to_owned(),
            },
        },
        close(0),
        open(1, Opened::Text),
        piece(1, "Grü"),
        piece(1, "ße."),
        Delta::Citation {
            choice: 0,
            part: 1,
            dialect: Dialect::OpenAiChat,
            json: Json::parse(CITATION).unwrap(),
        },
        close(1),
        open(2, call("call_1")),
        open(3, call("call_2")),
        piece(2, "{\"city\""),
        piece(3, "{\"ci"),
        piece(2, ":\"Oslo\"}"),
        close(2),
        close(3),
        Delta::Usage(Usage {
            input_tokens: Some(10),
            output_tokens: Some(9),
            ..Usage::default()
        }),
        Delta::Finish {
            choice: 0,
            finish: Finish::new(FinishReason::ToolCalls),
        },
    ]
}

fn written(steps: Vec<Delta<'_>>) -> String {
    let mut writer = (FRONT.stream_writer)(&asked());
    let mut out = Vec::new();
    for step in steps {
        writer.delta(step, &mut out);
    }
    writer.finish(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_stream_is_written_as_googles_clients_read_it() {
    let stream = written(steps());
    assert_eq!(
        stream,
        include_str!("../../../../tests/golden/gemini/written_stream.txt")
    );
    let mut observer = Dialect::Gemini.stream_observer();
    let fed = Framer::new(1 << 16).feed(Bytes::from(stream), |event| {
        observer.event(&event);
        Flow::Continue
    });
    assert_eq!(fed.error, None);
    assert!(observer.is_complete());
}

#[test]
fn arguments_in_several_lines_stay_one_event() {
    let call = Opened::ToolCall {
        id: "a".into(),
        name: "f".into(),
        custom: false,
        signature: None,
    };
    let (choice, part) = (0, 0);
    let stream = written(vec![
        Delta::Open {
            choice,
            part,
            opened: call,
        },
        Delta::Piece {
            choice,
            part,
            text: "{\n\n  \"a\": \"x\\n\"\r\n}".into(),
        },
        Delta::Close { choice, part },
    ]);
    assert!(stream.contains(r#""args":{    "a": "x\n"  }"#), "{stream}");
    assert_eq!(stream.matches('\n').count(), 4);
}

#[test]
fn a_stream_that_says_nothing_still_ends() {
    assert_eq!(
        written(Vec::new()),
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":\"my-group\",\"responseId\":\"0a1b\"}\n\n"
    );
}

#[test]
fn a_finish_keeps_its_meaning_and_its_words() {
    for (finish, word, message) in [
        (Finish::new(FinishReason::Stop), "STOP", None),
        (Finish::new(FinishReason::ToolCalls), "STOP", None),
        (Finish::new(FinishReason::Length), "MAX_TOKENS", None),
        (Finish::new(FinishReason::ContextWindow), "MAX_TOKENS", None),
        (Finish::new(FinishReason::ContentFilter), "SAFETY", None),
        (Finish::new(FinishReason::Refusal), "SAFETY", None),
        (Finish::new(FinishReason::Failed), "OTHER", None),
        (
            Finish {
                reason: FinishReason::ContentFilter,
                stop_sequence: None,
                detail: Some("SPII: no".to_owned()),
            },
            "SPII",
            Some("SPII: no"),
        ),
    ] {
        let answer = Answer {
            choices: vec![Choice {
                parts: Vec::new(),
                finish: finish.clone(),
                logprobs: None,
            }],
            ..Answer::default()
        };
        let body: Value = serde_json::from_slice(&(FRONT.write_answer)(&answer, &asked())).unwrap();
        let candidate = &body["candidates"][0];
        assert_eq!(candidate["finishReason"], word, "{finish:?}");
        assert_eq!(candidate["finishMessage"].as_str(), message);
    }
}

fn signature() -> impl Strategy<Value = Option<Signature>> {
    prop::option::of("[A-Za-z0-9+/]{4}").prop_map(|value| {
        value.map(|value| Signature {
            by: Some(Dialect::Gemini),
            value,
        })
    })
}

fn arguments() -> impl Strategy<Value = String> {
    prop::collection::btree_map("[a-z]{1,4}", ".{0,6}", 0..3)
        .prop_map(|members| json!(members).to_string())
}

/// Parts of an answer that are said in the same way on both sides. Texts that follow each other would be one.
fn answer_parts() -> impl Strategy<Value = Vec<Part>> {
    let text = (".{1,8}", signature()).prop_map(|(text, signature)| {
        Part::new(PartKind::Text {
            text,
            citations: Vec::new(),
            signature,
        })
    });
    let thought = (".{1,8}", signature()).prop_map(|(text, signature)| {
        Part::new(PartKind::Thinking {
            text,
            signature,
            id: None,
        })
    });
    let call = ("[a-z]{1,6}", "[a-z_]{1,8}", arguments(), signature()).prop_map(
        |(id, name, arguments, signature)| {
            Part::new(PartKind::ToolCall {
                id,
                name,
                arguments,
                custom: false,
                signature,
            })
        },
    );
    prop::collection::vec(prop_oneof![text, thought, call], 0..5).prop_map(|mut parts| {
        parts.dedup_by_key(|part| match part.kind {
            PartKind::Text { .. } => 1,
            PartKind::Thinking { .. } => 2,
            _ => 0,
        });
        let mut calls = 0;
        for part in &mut parts {
            if let PartKind::ToolCall { id, .. } = &mut part.kind {
                *id = format!("{id}{calls}");
                calls += 1;
            }
        }
        parts
    })
}

/// The steps in which parts would come.
fn stream_of(parts: &[Part]) -> Vec<Delta<'_>> {
    let mut steps = vec![Delta::Begin {
        id: Some("i".into()),
        model: None,
        created: None,
    }];
    for (at, part) in (0_u32..).zip(parts) {
        let (opened, text, signature) = match &part.kind {
            PartKind::Text {
                text, signature, ..
            } => (Opened::Text, text, signature.clone()),
            PartKind::Thinking {
                text, signature, ..
            } => (Opened::Thinking { id: None }, text, signature.clone()),
            PartKind::ToolCall {
                id,
                name,
                arguments,
                custom,
                signature,
            } => (
                Opened::ToolCall {
                    id: id.into(),
                    name: name.into(),
                    custom: *custom,
                    signature: signature.clone(),
                },
                arguments,
                None,
            ),
            other => panic!("{other:?}"),
        };
        let (choice, part) = (0, at);
        steps.push(Delta::Open {
            choice,
            part,
            opened,
        });
        let text = text.into();
        steps.push(Delta::Piece { choice, part, text });
        steps.extend(signature.map(|signature| Delta::Signature {
            choice,
            part,
            signature,
        }));
        steps.push(Delta::Close { choice, part });
    }
    let called = parts
        .iter()
        .any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
    let reason = if called {
        FinishReason::ToolCalls
    } else {
        FinishReason::Stop
    };
    steps.push(Delta::Finish {
        choice: 0,
        finish: Finish::new(reason),
    });
    steps
}

proptest! {
    #[test]
    fn an_answer_comes_back_as_it_was_written(parts in answer_parts()) {
        let called = parts.iter().any(|it| matches!(it.kind, PartKind::ToolCall { .. }));
        let reason = if called { FinishReason::ToolCalls } else { FinishReason::Stop };
        let answer = Answer {
            id: Some("i".to_owned()),
            model: Some("my-group".to_owned()),
            choices: vec![Choice { parts, finish: Finish::new(reason), logprobs: None }],
            usage: Usage { input_tokens: Some(3), output_tokens: Some(5), reasoning_tokens: Some(2), ..Usage::default() },
            ..Answer::default()
        };
        let body = String::from_utf8((FRONT.write_answer)(&answer, &asked())).unwrap();
        prop_assert_eq!((BACK.read_answer)(&body).unwrap(), answer);
    }

    #[test]
    fn a_stream_comes_back_as_it_was_written(parts in answer_parts()) {
        let steps = stream_of(&parts);
        let stream = written(steps.clone());
        let mut reader = (BACK.stream_reader)();
        let mut found: Vec<String> = Vec::new();
        let fed = Framer::new(1 << 16).feed(Bytes::from(stream), |event| {
            reader.event(&event, &mut |delta| found.push(format!("{delta:?}"))).unwrap();
            Flow::Continue
        });
        prop_assert_eq!(fed.error, None);
        reader.end(&mut |delta| found.push(format!("{delta:?}")));
        let mut expected: Vec<String> = steps.iter().map(|it| format!("{it:?}")).collect();
        expected[0] = expected[0].replace("model: None", "model: Some(\"my-group\")");
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_request_comes_back_as_it_was_written(
        system in prop::option::of(".{1,8}"),
        asked in ".{1,8}",
        parts in answer_parts(),
        answered in ".{0,8}",
        is_error in any::<bool>(),
        budget in prop::option::of(1_u64..20_000),
    ) {
        let parts: Vec<Part> = parts
            .into_iter()
            .filter(|it| !matches!(it.kind, PartKind::Thinking { signature: None, .. }))
            .collect();
        // Their ids are not sent: they come back as their places.
        prop_assume!(!parts.is_empty());
        let mut messages: Vec<Message> = system
            .map(|text| Message::new(Role::System, vec![Part::text(text)]))
            .into_iter()
            .collect();
        messages.push(Message::new(Role::User, vec![Part::text(asked)]));
        let mut parts = parts;
        parts.dedup_by_key(|part| u8::from(matches!(part.kind, PartKind::Text { .. })));
        let mut results = Vec::new();
        for (at, part) in parts.iter_mut().enumerate() {
            if let PartKind::ToolCall { id, name, .. } = &mut part.kind {
                *id = format!("call_1_{at}");
                *name = format!("f{at}");
                results.push(Part::new(PartKind::ToolResult {
                    id: id.clone(),
                    name: Some(name.clone()),
                    parts: vec![Part::text(answered.clone())],
                    is_error,
                    custom: false,
                }));
            }
        }
        messages.push(Message::new(Role::Assistant, parts));
        if !results.is_empty() {
            messages.push(Message::new(Role::User, results));
        }
        let mut request = Request { model: "gemini-2.5-flash".to_owned(), messages, ..Request::default() };
        request.parameters.usage_in_stream = Some(true);
        request.parameters.reasoning = budget.map(|budget| Reasoning {
            mode: Some(ReasoningMode::On),
            budget: Some(budget),
            summary: Some("auto".to_owned()),
            effort: None,
        });
        let mut body = write(&request);
        body["model"] = "gemini-2.5-flash".into();
        prop_assert_eq!(read(&body).unwrap(), request);
    }
}
