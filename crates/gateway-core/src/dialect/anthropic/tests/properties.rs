//! There and back: what both sides can say comes back as it was.

use std::borrow::Cow;

use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{asked, feed, read, write, written};
use crate::chat::{
    Answer, CacheMarker, Choice, Delta, Finish, FinishReason, Json, Message, Opened, Parameters,
    Part, PartKind, Request, Role, Signature, Source, Tool, ToolChoice, ToolKind,
};
use crate::dialect::Dialect;
use crate::usage::Usage;

const MODEL: &str = "claude-sonnet-4-5";

fn own(value: String) -> Signature {
    Signature {
        by: Some(Dialect::AnthropicMessages),
        value,
    }
}

fn arguments() -> impl Strategy<Value = String> {
    prop::collection::btree_map("[a-z]{1,3}", ".{0,8}", 0..3)
        .prop_map(|members| json!(members).to_string())
}

fn text() -> impl Strategy<Value = PartKind> {
    ".{0,12}[a-zé🌍\"\\\\]".prop_map(|text| PartKind::Text {
        text,
        citations: Vec::new(),
        signature: None,
    })
}

/// What an answer consists of.
fn spoken() -> impl Strategy<Value = PartKind> {
    let call = (
        "[a-zA-Z0-9-]{1,20}",
        "[a-z_]{1,9}",
        arguments(),
        option::of(".{0,9}"),
    );
    prop_oneof![
        text(),
        (".{0,20}", option::of("[a-zA-Z+/=]{1,20}")).prop_map(|(text, signature)| {
            PartKind::Thinking {
                text,
                signature: signature.map(own),
                id: None,
            }
        }),
        "[a-zA-Z+/=]{1,20}".prop_map(|data| PartKind::RedactedThinking {
            signature: own(data)
        }),
        call.prop_map(|(id, name, arguments, signature)| PartKind::ToolCall {
            id,
            name,
            arguments,
            custom: false,
            signature: signature.map(|value| Signature {
                by: Some(Dialect::Gemini),
                value,
            }),
        }),
    ]
}

fn is_call(kind: &PartKind) -> bool {
    matches!(kind, PartKind::ToolCall { .. })
}

fn finish() -> impl Strategy<Value = Finish> {
    let reason = prop::sample::select(vec![
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::ToolCalls,
        FinishReason::ContentFilter,
        FinishReason::Pause,
        FinishReason::ContextWindow,
    ]);
    (reason, option::of(".{1,5}")).prop_map(|(reason, sequence)| {
        let mut finish = Finish::new(reason);
        match reason {
            FinishReason::Stop => finish.stop_sequence = sequence,
            FinishReason::ContentFilter => finish.detail = sequence,
            _ => {}
        }
        finish
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    let few = || option::of(0..1000_u64);
    (0..1000_u64, 0..1000_u64, few(), few(), few()).prop_map(
        |(input, output, hit, put, thought)| Usage {
            input_tokens: Some(input + hit.unwrap_or_default() + put.unwrap_or_default()),
            output_tokens: Some(output),
            cache_read_tokens: hit,
            cache_write_tokens: put,
            cache_write_1h_tokens: put.map(|it| it / 2),
            reasoning_tokens: thought,
        },
    )
}

/// With the reason that calls of tools have.
fn settled(mut finish: Finish, kinds: &[PartKind]) -> Finish {
    if finish.reason == FinishReason::Stop && kinds.iter().any(is_call) {
        finish = Finish::new(FinishReason::ToolCalls);
    }
    finish
}

/// The steps of a part, its text cut in two.
fn steps(part: u32, kind: &PartKind) -> Vec<Delta<'static>> {
    let choice = 0;
    let (opened, text, proof) = match kind.clone() {
        PartKind::Text { text, .. } => (Opened::Text, text, None),
        PartKind::Thinking {
            text, signature, ..
        } => (Opened::Thinking { id: None }, text, signature),
        PartKind::RedactedThinking { signature } => {
            (Opened::RedactedThinking { signature }, String::new(), None)
        }
        PartKind::ToolCall {
            id,
            name,
            arguments,
            custom,
            signature,
        } => {
            let opened = Opened::ToolCall {
                id: Cow::Owned(id),
                name: Cow::Owned(name),
                custom,
                signature,
            };
            (opened, arguments, None)
        }
        other => panic!("{other:?} is not spoken"),
    };
    let middle = text.chars().count() / 2;
    let pieces = [
        text.chars().take(middle).collect::<String>(),
        text.chars().skip(middle).collect(),
    ];
    let mut steps = vec![Delta::Open {
        choice,
        part,
        opened,
    }];
    let filled = pieces.into_iter().filter(|it| !it.is_empty());
    steps.extend(filled.map(|text| Delta::Piece {
        choice,
        part,
        text: Cow::Owned(text),
    }));
    steps.extend(proof.map(|signature| Delta::Signature {
        choice,
        part,
        signature,
    }));
    steps.push(Delta::Close { choice, part });
    steps
}

fn owned(delta: Delta<'_>) -> Option<Delta<'static>> {
    Some(match delta {
        Delta::Open {
            choice,
            part,
            opened,
        } => Delta::Open {
            choice,
            part,
            opened: match opened {
                Opened::ToolCall {
                    id,
                    name,
                    custom,
                    signature,
                } => Opened::ToolCall {
                    id: Cow::Owned(id.into_owned()),
                    name: Cow::Owned(name.into_owned()),
                    custom,
                    signature,
                },
                Opened::Thinking { .. } => Opened::Thinking { id: None },
                Opened::RedactedThinking { signature } => Opened::RedactedThinking { signature },
                _ => Opened::Text,
            },
        },
        Delta::Piece { choice, part, text } => Delta::Piece {
            choice,
            part,
            text: Cow::Owned(text.into_owned()),
        },
        Delta::Signature {
            choice,
            part,
            signature,
        } => Delta::Signature {
            choice,
            part,
            signature,
        },
        Delta::Close { choice, part } => Delta::Close { choice, part },
        Delta::Finish { choice, finish } => Delta::Finish { choice, finish },
        _ => return None,
    })
}

fn cache() -> impl Strategy<Value = Option<CacheMarker>> {
    option::of(option::of(Just("1h".to_owned())).prop_map(|ttl| CacheMarker { ttl }))
}

/// What a user's message consists of.
fn given() -> impl Strategy<Value = PartKind> {
    let source = || {
        prop_oneof![
            "[a-zA-Z]{4}".prop_map(|data| Source::Base64 {
                media_type: "image/png".to_owned(),
                data,
            }),
            "[a-z]{1,5}".prop_map(|host| Source::Url {
                url: format!("https://{host}.example/"),
                media_type: None,
            }),
            "[a-z]{1,5}".prop_map(|id| Source::FileId { id }),
        ]
    };
    let image = || {
        source().prop_map(|source| PartKind::Image {
            source,
            detail: None,
        })
    };
    prop_oneof![
        text(),
        image(),
        (".{0,9}", option::of(".{1,5}")).prop_map(|(text, name)| PartKind::File {
            source: Source::Text {
                media_type: "text/plain".to_owned(),
                text,
            },
            name,
            citations: Json::parse(r#"{"enabled":true}"#),
            context: None,
        }),
        Just(PartKind::Other {
            dialect: Dialect::AnthropicMessages,
            json: Json::from(&json!({"type": "container_upload", "file_id": "f"})),
        }),
    ]
}

fn parts(kind: impl Strategy<Value = PartKind>) -> impl Strategy<Value = Vec<Part>> {
    let part = (kind, cache()).prop_map(|(kind, cache)| {
        let thought = matches!(
            kind,
            PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } | PartKind::Other { .. }
        );
        Part {
            kind,
            cache: cache.filter(|_| !thought),
        }
    });
    prop::collection::vec(part, 1..4)
}

fn result() -> impl Strategy<Value = Part> {
    ("[a-z]{1,5}", parts(text()), any::<bool>(), cache()).prop_map(
        |(id, parts, is_error, cache)| Part {
            kind: PartKind::ToolResult {
                id,
                name: None,
                parts,
                is_error,
                custom: false,
            },
            cache,
        },
    )
}

/// A message of the user's, the results of tools first; and one of the model's, whose thoughts are Anthropic's.
fn turn() -> impl Strategy<Value = [Message; 2]> {
    let said = spoken().prop_map(|kind| match kind {
        PartKind::Thinking { text, .. } => PartKind::Thinking {
            text,
            signature: Some(own("c2ln".to_owned())),
            id: None,
        },
        PartKind::ToolCall {
            id,
            name,
            arguments,
            ..
        } => PartKind::ToolCall {
            id,
            name,
            arguments,
            custom: false,
            signature: None,
        },
        other => other,
    });
    let user = (prop::collection::vec(result(), 0..3), parts(given()));
    (user, parts(said)).prop_map(|((mut results, given), said)| {
        results.extend(given);
        [
            Message::new(Role::User, results),
            Message::new(Role::Assistant, said),
        ]
    })
}

fn tools() -> impl Strategy<Value = (Vec<Tool>, Option<ToolChoice>, Option<bool>)> {
    let tool =
        ("[a-z]{1,9}", option::of(".{0,9}"), cache()).prop_map(|(name, description, cache)| Tool {
            name,
            description,
            kind: ToolKind::Function {
                parameters: Json::parse(r#"{"type": "object", "properties": {"b": {}, "a": {}}}"#),
                strict: None,
            },
            cache,
        });
    let choice = prop_oneof![
        Just(None),
        Just(Some(ToolChoice::Auto)),
        Just(Some(ToolChoice::Required)),
        Just(Some(ToolChoice::Named("a".to_owned()))),
    ];
    (prop::collection::vec(tool, 1..3), choice, any::<bool>()).prop_map(
        |(tools, choice, single)| {
            let single = (single && choice.is_some()).then_some(false);
            (tools, choice, single)
        },
    )
}

fn parameters() -> impl Strategy<Value = Parameters> {
    let stop = prop::collection::vec("[a-z]{1,4}", 0..3);
    (
        1..9999_u64,
        0..100_u32,
        stop,
        option::of("[a-z]{1,9}"),
        any::<bool>(),
    )
        .prop_map(|(max_tokens, percent, stop, user, stream)| Parameters {
            max_tokens: Some(max_tokens),
            temperature: serde_json::Number::from_f64(f64::from(percent) / 100.0),
            stop,
            user,
            service_tier: Some("auto".to_owned()),
            usage_in_stream: stream.then_some(true),
            ..Parameters::default()
        })
}

proptest! {
    #[test]
    fn an_answer_comes_back(kinds in prop::collection::vec(spoken(), 0..5), finish in finish(), usage in usage()) {
        let answer = Answer {
            id: Some("msg_1".to_owned()),
            model: Some("my-model".to_owned()),
            choices: vec![Choice {
                finish: settled(finish, &kinds),
                parts: kinds.into_iter().map(Part::new).collect(),
                logprobs: None,
            }],
            usage,
            ..Answer::default()
        };
        let body = (Dialect::AnthropicMessages.front().unwrap().write_answer)(&answer, &asked());
        let text = String::from_utf8(body).unwrap();
        let back = (Dialect::AnthropicMessages.back().unwrap().read_answer)(&text).unwrap();
        prop_assert_eq!(back, answer);
    }

    #[test]
    fn a_stream_comes_back(kinds in prop::collection::vec(spoken(), 0..5), finish in finish(), usage in usage()) {
        let mut deltas: Vec<_> = (0..).zip(&kinds).flat_map(|(at, kind)| steps(at, kind)).collect();
        deltas.push(Delta::Finish { choice: 0, finish: settled(finish, &kinds) });
        let mut all = vec![Delta::Begin { id: None, model: None, created: None }];
        all.extend(deltas.iter().cloned());
        all.push(Delta::Usage(usage));
        let stream = written(all);
        let mut back = Vec::new();
        let mut figures = Usage::default();
        let mut reader = super::super::stream_reader::new();
        feed(stream.as_bytes(), &[], &mut *reader, &mut |delta| {
            if let Delta::Usage(usage) = delta {
                figures = usage;
            }
            back.extend(owned(delta));
        });
        prop_assert_eq!(back, deltas);
        prop_assert_eq!(figures, usage);
    }

    #[test]
    fn a_request_comes_back(
        system in option::of(parts(text())),
        turns in prop::collection::vec(turn(), 0..3),
        last in parts(given()),
        (tools, tool_choice, parallel_tool_calls) in tools(),
        parameters in parameters(),
    ) {
        let mut messages: Vec<_> = system.map(|it| Message::new(Role::System, it)).into_iter().collect();
        messages.extend(turns.into_iter().flatten());
        messages.push(Message::new(Role::User, last));
        let request = Request {
            model: MODEL.to_owned(),
            stream: parameters.usage_in_stream.is_some(),
            messages,
            tools,
            tool_choice,
            parallel_tool_calls,
            parameters,
            other: Vec::new(),
        };
        let (body, lost): (Value, _) = write(&request, MODEL);
        prop_assert!(lost.is_empty(), "{:?}", lost);
        prop_assert_eq!(read(&body).unwrap(), request);
    }
}
