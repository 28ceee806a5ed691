//! What both sides can say is the same after it was written and read.

use proptest::prelude::*;
use serde_json::{Number, Value, json};

use super::{asked, collected, read, written};
use crate::Dialect;
use crate::chat::{
    Answer, Choice, Effort, Finish, FinishReason, Format, Json, Message, Parameters, Part,
    PartKind, Reasoning, Request, Role, Signature, Source, Tool, ToolChoice, ToolKind,
};
use crate::dialect::openai_responses::{BACK, FRONT};
use crate::usage::Usage;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,12}",
        "\\PC{1,8}",
        Just("\n\"\\\u{2028}🦀".to_owned())
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[a-z]{1,8}"
}

fn own_signature() -> impl Strategy<Value = Option<Signature>> {
    let made = word().prop_map(|value| Signature {
        by: Some(Dialect::OpenAiResponses),
        value,
    });
    proptest::option::of(made)
}

fn said(annotated: bool) -> impl Strategy<Value = Part> {
    let citation = (
        Dialect::OpenAiResponses,
        Json::from(&json!({"type": "file_path", "file_id": "f", "index": 1})),
    );
    let citations = proptest::collection::vec(Just(citation), 0..if annotated { 3 } else { 1 });
    let text_part = (text(), citations).prop_map(|(text, citations)| PartKind::Text {
        text,
        citations,
        signature: None,
    });
    let thinking = (text(), word(), word()).prop_map(|(text, value, id)| PartKind::Thinking {
        text,
        signature: Some(Signature {
            by: Some(Dialect::OpenAiResponses),
            value,
        }),
        id: Some(format!("rs_{id}")),
    });
    prop_oneof![
        text_part,
        thinking,
        call(),
        text().prop_map(|text| PartKind::Refusal { text })
    ]
    .prop_map(Part::new)
}

fn call() -> impl Strategy<Value = PartKind> {
    (word(), word(), text(), any::<bool>()).prop_map(|(id, name, arguments, custom)| {
        PartKind::ToolCall {
            id,
            name,
            arguments,
            custom,
            signature: None,
        }
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || (0_u64..1 << 40).prop_map(Some);
    (count(), count(), count(), count(), count()).prop_map(
        |(input, output, read, write, reasoning)| Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: read,
            cache_write_tokens: write,
            cache_write_1h_tokens: None,
            reasoning_tokens: reasoning,
        },
    )
}

prop_compose! {
    fn answer()(
        parts in proptest::collection::vec(said(true), 0..6),
        cut in proptest::option::of(prop_oneof![Just(FinishReason::Length), Just(FinishReason::ContentFilter)]),
        usage in usage(),
        id in word(),
        tier in proptest::option::of(word()),
    ) -> Answer {
        let has = |is: fn(&PartKind) -> bool| parts.iter().any(|part| is(&part.kind));
        let reason = match cut {
            Some(reason) => reason,
            None if has(|it| matches!(it, PartKind::ToolCall { .. })) => FinishReason::ToolCalls,
            None if has(|it| matches!(it, PartKind::Refusal { .. })) => FinishReason::Refusal,
            None => FinishReason::Stop,
        };
        Answer {
            id: Some(id),
            model: Some("my-group".to_owned()),
            created: Some(1_700_000_001),
            choices: vec![Choice { parts, finish: Finish::new(reason), logprobs: None }],
            usage,
            service_tier: tier,
        }
    }
}

fn shown() -> impl Strategy<Value = Part> {
    let source = prop_oneof![
        word().prop_map(|data| Source::Base64 {
            media_type: "image/png".to_owned(),
            data
        }),
        word().prop_map(|word| Source::Url {
            url: format!("https://{word}.example"),
            media_type: None
        }),
        word().prop_map(|id| Source::FileId { id }),
    ];
    let image = (source.clone(), proptest::option::of(Just("low".to_owned())))
        .prop_map(|(source, detail)| PartKind::Image { source, detail });
    let file = (source, word()).prop_map(|(source, name)| PartKind::File {
        source,
        name: Some(name),
        citations: None,
        context: None,
    });
    let audio = word().prop_map(|data| PartKind::Audio {
        source: Source::Base64 {
            media_type: "audio/mpeg".to_owned(),
            data,
        },
    });
    let text_part = text().prop_map(|text| Part::text(text).kind);
    prop_oneof![text_part, image, file, audio].prop_map(Part::new)
}

fn result() -> impl Strategy<Value = Part> {
    (
        word(),
        proptest::collection::vec(shown(), 1..3),
        any::<bool>(),
    )
        .prop_map(|(id, parts, custom)| {
            Part::new(PartKind::ToolResult {
                id,
                name: None,
                parts,
                is_error: false,
                custom,
            })
        })
}

/// A message of somebody else than the one before: what one says in a row is one message.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let many = |part: BoxedStrategy<Part>| proptest::collection::vec(part, 1..4);
    let role = prop_oneof![Just(Role::User), Just(Role::System), Just(Role::Developer)];
    let user = (role, many(shown().boxed())).prop_map(|(role, parts)| Message::new(role, parts));
    let assistant = many(said(true).boxed()).prop_map(|parts| Message::new(Role::Assistant, parts));
    let results = many(result().boxed()).prop_map(|parts| Message::new(Role::User, parts));
    let turn = (user, assistant, results)
        .prop_map(|(user, assistant, results)| [user, assistant, results]);
    proptest::collection::vec(turn, 0..3).prop_map(|turns| turns.into_iter().flatten().collect())
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let schema = || Json::from(&json!({"type": "object", "properties": {"z": {}, "a": {}}}));
    let kind = prop_oneof![
        any::<bool>().prop_map(move |strict| ToolKind::Function {
            parameters: Some(schema()),
            strict: Some(strict),
        }),
        Just(ToolKind::Custom {
            format: Json::parse(r#"{"type":"grammar","syntax":"lark","definition":"x"}"#),
        }),
        Just(ToolKind::Hosted {
            dialect: Dialect::OpenAiResponses,
            json: Json::parse(r#"{"type":"file_search","vector_store_ids":["v"]}"#).unwrap(),
        }),
    ];
    proptest::collection::vec((kind, proptest::option::of(text())), 0..4).prop_map(|tools| {
        let tools = tools.into_iter().enumerate();
        let mut tools: Vec<_> = tools
            .map(|(at, (kind, description))| {
                let is_hosted = matches!(kind, ToolKind::Hosted { .. });
                Tool {
                    name: if is_hosted {
                        "file_search".to_owned()
                    } else {
                        format!("tool_{at}")
                    },
                    description: description.filter(|_| !is_hosted),
                    kind,
                    cache: None,
                }
            })
            .collect();
        tools.dedup_by(|one, other| one.name == other.name);
        let hosted = tools.iter().position(|tool| tool.name == "file_search");
        let mut at = 0;
        tools.retain(|tool| {
            at += 1;
            tool.name != "file_search" || hosted == Some(at - 1)
        });
        tools
    })
}

prop_compose! {
    fn parameters()(
        max_tokens in proptest::option::of(16_u64..1 << 20),
        temperature in proptest::option::of(0_u64..3),
        top_logprobs in proptest::option::of(1_u64..20),
        effort in proptest::option::of(proptest::sample::select(&Effort::ALL[..])),
        summary in proptest::option::of(Just("auto".to_owned())),
        verbosity in proptest::option::of(Just("low".to_owned())),
        format in proptest::option::of(prop_oneof![Just(Format::Text), Just(Format::JsonObject), Just(Format::JsonSchema {
            name: Some("n".to_owned()), description: None, schema: Json::from(&json!({"type": "object"})), strict: Some(true),
        })]),
        labels in (proptest::option::of(word()), proptest::option::of(word()), proptest::option::of(Just("flex".to_owned()))),
        store in any::<bool>(),
    ) -> Parameters {
        let (user, key, tier) = labels;
        Parameters {
            max_tokens,
            temperature: temperature.map(Number::from),
            top_p: temperature.map(Number::from),
            logprobs: top_logprobs.map(|_| true),
            top_logprobs,
            format,
            reasoning: (effort.is_some() || summary.is_some()).then_some(Reasoning { mode: None, effort, budget: None, summary }),
            verbosity,
            metadata: user.as_ref().map(|user| Json::from(&json!({"who": user}))),
            user,
            service_tier: tier,
            store: Some(store),
            prompt_cache_key: key,
            ..Parameters::default()
        }
    }
}

prop_compose! {
    fn request()(
        messages in messages(),
        tools in tools(),
        parameters in parameters(),
        parallel in proptest::option::of(any::<bool>()),
        stream in any::<bool>(),
        choice in proptest::option::of(prop_oneof![Just(ToolChoice::Auto), Just(ToolChoice::None), Just(ToolChoice::Required),
            Just(ToolChoice::Named("tool_0".to_owned())), Just(ToolChoice::Allowed { required: true, names: vec!["tool_0".to_owned()] })]),
    ) -> Request {
        Request {
            model: "gpt-5".to_owned(),
            stream,
            messages,
            tools,
            tool_choice: choice,
            parallel_tool_calls: parallel,
            parameters: Parameters { usage_in_stream: stream.then_some(true), ..parameters },
            other: Vec::new(),
        }
    }
}

proptest! {
    #[test]
    fn an_answer_is_read_as_it_was_written(answer in answer()) {
        let text = String::from_utf8((FRONT.write_answer)(&answer, &asked("{}"))).unwrap();
        prop_assert_eq!((BACK.read_answer)(&text).unwrap(), answer);
    }

    #[test]
    fn a_stream_is_read_as_it_was_written(answer in answer()) {
        let mut writer = (FRONT.stream_writer)(&asked("{}"));
        let mut out = Vec::new();
        answer.replay(&mut |delta| writer.delta(delta, &mut out));
        writer.finish(&mut out);
        prop_assert_eq!(collected(std::str::from_utf8(&out).unwrap()), answer);
    }

    #[test]
    fn a_request_is_read_as_it_was_written(request in request()) {
        let (body, lost): (Value, _) = written(&request);
        prop_assert!(lost.is_empty(), "{:?}", lost);
        prop_assert_eq!(read(&body.to_string()).unwrap(), request);
    }

    #[test]
    fn what_other_providers_thought_comes_back_to_them(text in "[a-z ]{0,8}", signature in own_signature(), redacted in any::<bool>()) {
        let by = Some(Dialect::AnthropicMessages);
        let signature = signature.map(|it| Signature { by, ..it });
        let kind = match signature {
            Some(signature) if redacted => PartKind::RedactedThinking { signature },
            signature => PartKind::Thinking { text, signature, id: None },
        };
        let is_nothing = matches!(&kind, PartKind::Thinking { text, signature: None, .. } if text.is_empty());
        prop_assume!(!is_nothing);
        let answer = Answer {
            choices: vec![Choice { parts: vec![Part::new(kind)], finish: Finish::new(FinishReason::Stop), logprobs: None }],
            ..Answer::default()
        };
        let written: Value = serde_json::from_slice(&(FRONT.write_answer)(&answer, &asked("{}"))).unwrap();
        let request = read(&json!({"model": "m", "input": written["output"]}).to_string()).unwrap();
        let mut parts = request.messages[0].parts.clone();
        if let PartKind::Thinking { id, .. } = &mut parts[0].kind {
            // Without a signature nobody knows whose it was.
            *id = None;
        }
        prop_assert_eq!(&parts, &answer.choices[0].parts);
    }
}
