//! Reading what was written gives the same, for all that OpenAI can say.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Number;

use super::collect::Collector;
use super::{asked, read, read_answer, written};
use crate::chat::{
    Answer, Choice, Effort, Finish, FinishReason, Format, Json, Message, Parameters, Part,
    PartKind, Reasoning, ReasoningMode, Request, Role, Signature, Source, Tool, ToolChoice,
    ToolKind,
};
use crate::dialect::Dialect;
use crate::translate::Quirks;
use crate::usage::Usage;

fn text() -> BoxedStrategy<String> {
    "[a-zé\"\\\\\n 🦀]{1,12}".boxed()
}

fn word() -> BoxedStrategy<String> {
    "[a-z_]{1,8}".boxed()
}

fn number() -> BoxedStrategy<Number> {
    (-8_i32..8)
        .prop_map(|half| Number::from_f64(f64::from(half) / 2.0).unwrap())
        .boxed()
}

fn json() -> BoxedStrategy<Json> {
    word()
        .prop_map(|key| Json::from(&serde_json::json!({key: [1, "a"]})))
        .boxed()
}

fn texts() -> BoxedStrategy<Vec<Part>> {
    vec(text().prop_map(Part::text), 1..3).boxed()
}

fn bytes(media_types: &'static [&'static str]) -> BoxedStrategy<Source> {
    (select(media_types), "[A-Za-z0-9+/]{4,8}")
        .prop_map(|(media_type, data)| Source::Base64 {
            media_type: media_type.to_owned(),
            data,
        })
        .boxed()
}

fn url() -> BoxedStrategy<Source> {
    word()
        .prop_map(|name| Source::Url {
            url: format!("https://x.test/{name}"),
            media_type: None,
        })
        .boxed()
}

fn said_by_users() -> BoxedStrategy<PartKind> {
    let image = prop_oneof![url(), bytes(&["image/png", "image/jpeg"])];
    let detail = option::of(select(vec!["low".to_owned(), "auto".to_owned()]));
    let file = |source, name| PartKind::File {
        source,
        name,
        citations: None,
        context: None,
    };
    prop_oneof![
        text().prop_map(|text| Part::text(text).kind),
        (image, detail).prop_map(|(source, detail)| PartKind::Image { source, detail }),
        bytes(&["audio/wav", "audio/mpeg", "audio/ogg"])
            .prop_map(|source| PartKind::Audio { source }),
        prop_oneof![url(), bytes(&["video/mp4"])].prop_map(|source| PartKind::Video { source }),
        (bytes(&["application/pdf", "text/plain"]), word())
            .prop_map(move |(source, name)| file(source, Some(name))),
        word().prop_map(move |id| file(Source::FileId { id }, None)),
    ]
    .boxed()
}

fn plain_message() -> BoxedStrategy<Message> {
    let operator = (select(vec![Role::System, Role::Developer]), texts());
    let user = vec(said_by_users().prop_map(Part::new), 1..4).prop_map(|it| (Role::User, it));
    (prop_oneof![operator, user], option::of(word()))
        .prop_map(|((role, parts), name)| Message { role, parts, name })
        .boxed()
}

fn call() -> BoxedStrategy<PartKind> {
    (word(), word(), text(), any::<bool>())
        .prop_map(|(id, name, arguments, custom)| PartKind::ToolCall {
            id,
            name,
            arguments,
            custom,
            signature: None,
        })
        .boxed()
}

/// What a model said, and what tools answered to its calls.
fn turn() -> BoxedStrategy<Vec<Message>> {
    let thought = option::of(text());
    let refusal = option::of(text());
    let said = option::of(texts());
    (thought, said, refusal, vec((call(), texts()), 0..3))
        .prop_map(|(thought, said, refusal, calls)| {
            let mut parts = Vec::new();
            let thinking = |text| PartKind::Thinking {
                text,
                signature: None,
                id: None,
            };
            parts.extend(thought.map(|text| Part::new(thinking(text))));
            parts.extend(said.into_iter().flatten());
            parts.extend(refusal.map(|text| Part::new(PartKind::Refusal { text })));
            let mut results = Vec::new();
            for (index, (mut call, answer)) in calls.into_iter().enumerate() {
                if let PartKind::ToolCall { id, custom, .. } = &mut call {
                    *id = format!("{id}{index}{custom}");
                    results.push(Part::new(PartKind::ToolResult {
                        id: id.clone(),
                        name: None,
                        parts: answer,
                        is_error: false,
                        custom: *custom,
                    }));
                }
                parts.push(Part::new(call));
            }
            let mut turn = vec![Message::new(Role::Assistant, parts)];
            if !results.is_empty() {
                turn.push(Message::new(Role::User, results));
            }
            turn
        })
        .boxed()
}

fn messages() -> BoxedStrategy<Vec<Message>> {
    let one = plain_message().prop_map(|message| vec![message]);
    vec(prop_oneof![one, turn()], 1..5)
        .prop_map(|turns| turns.into_iter().flatten().collect())
        .boxed()
}

fn tool() -> BoxedStrategy<Tool> {
    let function = (option::of(json()), option::of(any::<bool>()))
        .prop_map(|(parameters, strict)| ToolKind::Function { parameters, strict });
    let grammar = serde_json::json!({"type": "grammar", "definition": "x", "syntax": "lark"});
    let format = select(vec![
        Json::from(&serde_json::json!({"type": "text"})),
        Json::from(&grammar),
    ]);
    let custom = option::of(format).prop_map(|format| ToolKind::Custom { format });
    (word(), option::of(text()), prop_oneof![function, custom])
        .prop_map(|(name, description, kind)| Tool {
            name,
            description,
            kind,
            cache: None,
        })
        .boxed()
}

fn tool_choice() -> BoxedStrategy<ToolChoice> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        word().prop_map(ToolChoice::Named),
        (any::<bool>(), vec(word(), 1..3))
            .prop_map(|(required, names)| ToolChoice::Allowed { required, names }),
    ]
    .boxed()
}

fn format() -> BoxedStrategy<Format> {
    let schema = (
        word(),
        option::of(text()),
        json(),
        option::of(any::<bool>()),
    );
    prop_oneof![
        Just(Format::Text),
        Just(Format::JsonObject),
        schema.prop_map(|(name, description, schema, strict)| Format::JsonSchema {
            name: Some(name),
            description,
            schema,
            strict
        }),
    ]
    .boxed()
}

fn reasoning() -> BoxedStrategy<Reasoning> {
    // `max` is not OpenAI's.
    select(&Effort::ALL[..6])
        .prop_map(|effort| Reasoning {
            mode: (effort == Effort::None).then_some(ReasoningMode::Off),
            effort: Some(effort),
            ..Reasoning::default()
        })
        .boxed()
}

fn parameters() -> BoxedStrategy<Parameters> {
    let sampling = (vec(option::of(number()), 6), vec(text(), 0..3));
    let counts = vec(option::of(0_u64..100), 3);
    let shapes = vec(option::of(json()), 5);
    let words = vec(option::of(word()), 4);
    let forms = (option::of(format()), option::of(reasoning()));
    let kept = (option::of(any::<bool>()), option::of(any::<bool>()), json());
    (sampling, counts, shapes, words, forms, kept)
        .prop_map(|((numbers, stop), counts, shapes, words, forms, kept)| {
            let mut numbers = numbers
                .into_iter()
                .flatten()
                .map(Some)
                .chain(std::iter::repeat(None));
            let mut next = || numbers.next().flatten();
            Parameters {
                temperature: next(),
                top_p: next(),
                top_k: next(),
                frequency_penalty: next(),
                presence_penalty: next(),
                seed: next(),
                stop,
                max_tokens: counts[0],
                choices: counts[1],
                top_logprobs: counts[2],
                logit_bias: shapes[0].clone(),
                modalities: shapes[1].clone(),
                audio: shapes[2].clone(),
                prediction: shapes[3].clone(),
                web_search: shapes[4].clone(),
                verbosity: words[0].clone(),
                user: words[1].clone(),
                service_tier: words[2].clone(),
                prompt_cache_key: words[3].clone(),
                format: forms.0,
                reasoning: forms.1,
                logprobs: kept.0,
                store: kept.1,
                metadata: (kept.1 == Some(true)).then_some(kept.2),
                previous_response: None,
                usage_in_stream: None,
            }
        })
        .boxed()
}

fn request() -> BoxedStrategy<Request> {
    let tools = (
        vec(tool(), 1..3),
        option::of(tool_choice()),
        option::of(any::<bool>()),
    );
    (messages(), option::of(tools), parameters(), any::<bool>())
        .prop_map(|(messages, tools, mut parameters, stream)| {
            let (tools, tool_choice, parallel_tool_calls) = tools.unwrap_or_default();
            parameters.usage_in_stream = stream.then_some(true);
            Request {
                model: "gpt".to_owned(),
                stream,
                messages,
                tools,
                tool_choice,
                parallel_tool_calls,
                parameters,
                other: Vec::new(),
            }
        })
        .boxed()
}

fn signature() -> BoxedStrategy<Signature> {
    let by = Some(Dialect::OpenAiChat);
    word()
        .prop_map(move |value| Signature { by, value })
        .boxed()
}

fn thoughts() -> BoxedStrategy<Vec<PartKind>> {
    let thinking = |text, signature| PartKind::Thinking {
        text,
        signature,
        id: None,
    };
    let unsigned = text().prop_map(move |text| vec![thinking(text, None)]);
    let signed = (text(), signature()).prop_map(move |(text, by)| thinking(text, Some(by)));
    let redacted = signature().prop_map(|signature| PartKind::RedactedThinking { signature });
    prop_oneof![unsigned, vec(prop_oneof![signed, redacted], 0..3)].boxed()
}

fn cited_text() -> BoxedStrategy<PartKind> {
    let citation = word().prop_map(|url| {
        let inner = serde_json::json!({"url": url, "title": "t", "start_index": 0, "end_index": 1});
        let json = serde_json::json!({"type": "url_citation", "url_citation": inner});
        (Dialect::OpenAiChat, Json::from(&json))
    });
    (text(), vec(citation, 0..2))
        .prop_map(|(text, citations)| PartKind::Text {
            text,
            citations,
            signature: None,
        })
        .boxed()
}

fn choice() -> BoxedStrategy<Choice> {
    let said = (
        option::of(cited_text()),
        option::of(text()),
        vec(call(), 0..3),
    );
    let end = select(vec![
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::ContentFilter,
    ]);
    (thoughts(), said, end, option::of(word()))
        .prop_map(|(thoughts, (text, refusal, calls), end, stop_sequence)| {
            let reason = match end {
                FinishReason::Stop if !calls.is_empty() => FinishReason::ToolCalls,
                FinishReason::Stop if refusal.is_some() => FinishReason::Refusal,
                end => end,
            };
            let refusal = refusal.map(|text| PartKind::Refusal { text });
            let calls = calls.into_iter().enumerate().map(|(index, mut call)| {
                if let PartKind::ToolCall { id, .. } = &mut call {
                    id.push_str(&index.to_string());
                }
                call
            });
            let kinds = thoughts.into_iter().chain(text).chain(refusal).chain(calls);
            Choice {
                parts: kinds.map(Part::new).collect(),
                finish: Finish {
                    stop_sequence,
                    ..Finish::new(reason)
                },
                logprobs: None,
            }
        })
        .boxed()
}

fn answer() -> BoxedStrategy<Answer> {
    let usage = (0_u64..9, vec(option::of(0_u64..9), 4));
    (
        vec(choice(), 1..3),
        usage,
        option::of(Just("flex".to_owned())),
    )
        .prop_map(|(choices, (count, counts), service_tier)| Answer {
            id: Some("id".to_owned()),
            model: Some("mine".to_owned()),
            created: Some(5),
            choices,
            usage: Usage {
                input_tokens: Some(count),
                output_tokens: Some(count),
                cache_read_tokens: counts[0],
                cache_write_tokens: counts[1],
                cache_write_1h_tokens: counts[2],
                reasoning_tokens: counts[3],
            },
            service_tier,
        })
        .boxed()
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(request in request()) {
        let quirks = Quirks {
            thoughts_field: Some("reasoning_content"),
            top_k: true,
            ..Quirks::default()
        };
        let (body, lost) = written(&request, &quirks);
        prop_assert_eq!(lost, vec![]);
        prop_assert_eq!(read(&body.to_string()).unwrap(), request);
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(answer in answer()) {
        let told = (super::super::FRONT.write_answer)(&answer, &asked());
        prop_assert_eq!(read_answer(std::str::from_utf8(&told).unwrap()), answer);
    }

    #[test]
    fn a_streamed_answer_is_read_as_it_was_written(answer in answer(), cut in 1_usize..40) {
        let mut writer = (super::super::FRONT.stream_writer)(&asked());
        let mut out = Vec::new();
        answer.replay(&mut |delta| writer.delta(delta, &mut out));
        writer.finish(&mut out);
        let mut collector = Collector::default();
        collector.read(&out, cut);
        prop_assert_eq!(collector.answer, answer);
    }
}
