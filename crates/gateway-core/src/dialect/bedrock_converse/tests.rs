//! Answers and streams as Bedrock sends them, and what becomes of requests.

use bytes::Bytes;
use serde_json::{Value, json};

use super::BACK;
use crate::aws_events::tests::event;
use crate::chat::{Answer, Delta, FinishReason, Json, Opened, PartKind, Signature};
use crate::{AwsEvents, Dialect, ErrorKind, Flow, Framer, Malformed, Seen, StreamObserver, Usage};

mod requests;

/// Events by their names and data, as text.
fn events(all: &[(&str, Value)]) -> String {
    let event = |(name, data): &(&str, Value)| format!("event: {name}\ndata: {data}\n\n");
    all.iter().map(event).collect()
}

fn observe(stream: &str) -> (String, StreamObserver) {
    let mut observer = Dialect::BedrockConverse.stream_observer();
    let mut letters = String::new();
    let fed = Framer::new(1 << 20).feed(Bytes::copy_from_slice(stream.as_bytes()), |event| {
        letters.push(match observer.event(&event) {
            Seen::Preamble => 'P',
            Seen::Content => 'C',
            Seen::Other => 'O',
            Seen::Terminal => 'T',
            Seen::Error(_) => 'E',
            Seen::Malformed => 'M',
        });
        Flow::Continue
    });
    assert_eq!(fed.error, None);
    (letters, observer)
}

/// The steps of a stream, one line each.
fn read(stream: &str) -> Result<Vec<String>, Malformed> {
    let mut reader = (BACK.stream_reader)();
    let mut lines = Vec::new();
    let mut result = Ok(());
    let fed = Framer::new(1 << 20).feed(Bytes::copy_from_slice(stream.as_bytes()), |event| {
        if let Err(error) = reader.event(&event, &mut |delta| lines.push(line(&delta))) {
            result = Err(error);
            return Flow::StopBefore;
        }
        Flow::Continue
    });
    assert_eq!(fed.error, None);
    reader.end(&mut |delta| lines.push(line(&delta)));
    result.map(|()| lines)
}

fn line(delta: &Delta<'_>) -> String {
    match delta {
        Delta::Begin { .. } => "begin".to_owned(),
        Delta::Open { part, opened, .. } => match opened {
            Opened::Text => format!("{part} text"),
            Opened::Thinking { .. } => format!("{part} thinking"),
            Opened::RedactedThinking { signature } => {
                format!("{part} redacted {}", signature.value)
            }
            Opened::ToolCall { id, name, .. } => format!("{part} call {id} {name}"),
            Opened::Refusal => format!("{part} refusal"),
            Opened::Other { json, .. } => format!("{part} other {}", json.text()),
        },
        Delta::Piece { part, text, .. } => format!("{part} + {text}"),
        Delta::Signature {
            part, signature, ..
        } => format!("{part} signed {}", signature.value),
        Delta::Citation { part, json, .. } => format!("{part} cites {}", json.text()),
        Delta::Close { part, .. } => format!("{part} end"),
        Delta::Finish { finish, .. } => format!(
            "finish {:?} {:?} {:?}",
            finish.reason, finish.stop_sequence, finish.detail
        ),
        Delta::Usage(usage) => format!(
            "usage {:?} {:?} {:?}",
            usage.input_tokens, usage.output_tokens, usage.cache_read_tokens
        ),
        Delta::ServiceTier(tier) => format!("tier {tier}"),
        Delta::Logprobs { .. } => "logprobs".to_owned(),
    }
}

fn delta(index: u32, delta: &Value) -> (&'static str, Value) {
    let data = json!({"contentBlockIndex": index, "delta": delta, "p": "abcd"});
    ("contentBlockDelta", data)
}

fn stop(index: u32) -> (&'static str, Value) {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn start() -> (&'static str, Value) {
    ("messageStart", json!({"role": "assistant", "p": "ab"}))
}

fn metadata() -> (&'static str, Value) {
    let usage = json!({"inputTokens": 5, "outputTokens": 7, "totalTokens": 42,
        "cacheReadInputTokens": 20, "cacheWriteInputTokens": 10,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 10}]});
    let data = json!({"usage": usage, "metrics": {"latencyMs": 9},
        "serviceTier": {"type": "flex"}});
    ("metadata", data)
}

/// Thoughts, a text and a call.
fn turn() -> String {
    events(&steps())
}

fn steps() -> Vec<(&'static str, Value)> {
    vec![
        start(),
        delta(0, &json!({"reasoningContent": {"text": "hm"}})),
        delta(0, &json!({"reasoningContent": {"signature": "c2ln"}})),
        stop(0),
        delta(1, &json!({"text": "I look \"é\""})),
        delta(1, &json!({"text": " it up."})),
        stop(1),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 2,
                "start": {"toolUse": {"toolUseId": "t1", "name": "get"}}}),
        ),
        delta(2, &json!({"toolUse": {"input": "{\"a\":"}})),
        delta(2, &json!({"toolUse": {"input": "1}"}})),
        stop(2),
        ("messageStop", json!({"stopReason": "tool_use"})),
        metadata(),
    ]
}

#[test]
fn a_stream_is_read_step_by_step() {
    let expected = [
        "begin",
        "0 thinking",
        "0 + hm",
        "0 signed c2ln",
        "0 end",
        "1 text",
        "1 + I look \"é\"",
        "1 +  it up.",
        "1 end",
        "2 call t1 get",
        "2 + {\"a\":",
        "2 + 1}",
        "2 end",
        "finish ToolCalls None None",
        "usage Some(35) Some(7) Some(20)",
        "tier flex",
    ];
    assert_eq!(read(&turn()).unwrap(), expected);
}

#[test]
fn frames_that_are_split_at_any_byte_are_read_the_same() {
    let frames: Vec<u8> = steps()
        .iter()
        .flat_map(|(name, data)| event(name, &data.to_string()))
        .collect();
    let expected = read(&turn()).unwrap();
    for at in 0..=frames.len() {
        let (before, after) = frames.split_at(at);
        let mut unwrapper = AwsEvents::converse(1 << 20);
        let texts = [before, after].map(|part| unwrapper.feed(part).text);
        assert!(unwrapper.at_boundary());
        let text = String::from_utf8(texts.concat()).unwrap();
        assert_eq!(read(&text).unwrap(), expected, "{at}");
    }
}

#[test]
fn a_stream_is_complete_with_its_metadata() {
    let (seen, observer) = observe(&turn());
    assert_eq!(seen, "PCCOCCOCCCOOT");
    assert!(observer.is_complete());
    let usage = Usage {
        input_tokens: Some(5),
        output_tokens: Some(7),
        cache_read_tokens: Some(20),
        cache_write_tokens: Some(10),
        cache_write_1h_tokens: Some(10),
        reasoning_tokens: None,
    };
    assert_eq!(observer.usage(), usage);
}

#[test]
fn a_stream_without_metadata_is_complete_with_its_stop() {
    let whole = turn();
    let (begun, _) = whole.split_once("event: messageStop").unwrap();
    assert!(!observe(begun).1.is_complete());
    let (stopped, _) = whole.split_once("event: metadata").unwrap();
    assert!(observe(stopped).1.is_complete());
}

#[test]
fn what_says_nothing_is_no_content() {
    for (data, expected) in [
        (json!({"text": ""}), "PP"),
        (json!({"toolUse": {"input": ""}}), "PP"),
        (json!({"reasoningContent": {"text": ""}}), "PP"),
        (json!({}), "PP"),
        (json!({"text": "a"}), "PC"),
        (json!({"toolUse": {"input": "{"}}), "PC"),
        (json!({"reasoningContent": {"signature": "a"}}), "PC"),
        (
            json!({"reasoningContent": {"redactedContent": "YQ=="}}),
            "PC",
        ),
        (json!({"later": 1}), "PC"),
    ] {
        let stream = events(&[start(), delta(0, &data)]);
        assert_eq!(observe(&stream).0, expected, "{data}");
    }
    let silent = events(&[start(), ("messageStop", json!({"stopReason": "end_turn"}))]);
    assert_eq!(observe(&silent).0, "PC");
    assert_eq!(observe("event: messageStart\ndata: {\n\n").0, "M");
    assert_eq!(observe("event: laterEvent\ndata: {}\n\n").0, "O");
}

#[test]
fn every_exception_is_an_error_of_its_kind() {
    for (name, kind, status) in [
        ("throttlingException", ErrorKind::RateLimit, 429),
        ("validationException", ErrorKind::InvalidRequest, 400),
        ("internalServerException", ErrorKind::Internal, 500),
        ("modelStreamErrorException", ErrorKind::Upstream, 502),
        ("modelTimeoutException", ErrorKind::Timeout, 408),
        ("serviceUnavailableException", ErrorKind::Unavailable, 503),
        ("brandNewException", ErrorKind::Upstream, 502),
    ] {
        for data in ["{\"message\":\"m\"}", "{}", ""] {
            let stream = format!("event: {name}\ndata: {data}\n\n");
            let mut observer = Dialect::BedrockConverse.stream_observer();
            let mut found = None;
            let fed = Framer::new(1 << 20).feed(Bytes::from(stream), |event| {
                found = Some(observer.event(&event));
                Flow::Continue
            });
            assert_eq!(fed.error, None);
            let Some(Seen::Error(error)) = found else {
                panic!("{name} {data:?}: {found:?}");
            };
            assert_eq!(
                (error.kind, error.status),
                (kind, status),
                "{name} {data:?}"
            );
        }
    }
    let context = events(&[(
        "validationException",
        json!({"message": "Input is too long for requested model."}),
    )]);
    assert_eq!(observe(&context).0, "E");
}

#[test]
fn a_refusal_is_named_by_its_header_or_by_its_body() {
    let read = |status, name: Option<&str>, body: &str| {
        let error = Dialect::BedrockConverse.read_named_error(status, name, body.as_bytes());
        error.map(|error| (error.kind, error.status, error.message))
    };
    let m = || "m".to_owned();
    let body = r#"{"message":"m"}"#;
    for (status, name, kind) in [
        (400, "ValidationException", ErrorKind::InvalidRequest),
        (403, "AccessDeniedException", ErrorKind::Permission),
        (
            403,
            "UnrecognizedClientException",
            ErrorKind::Authentication,
        ),
        (
            403,
            "ExpiredTokenException:http://internal.amazon.com/coral/",
            ErrorKind::Authentication,
        ),
        (404, "ResourceNotFoundException", ErrorKind::NotFound),
        (408, "ModelTimeoutException", ErrorKind::Timeout),
        (424, "ModelErrorException", ErrorKind::Upstream),
        (429, "ThrottlingException", ErrorKind::RateLimit),
        (429, "ModelNotReadyException", ErrorKind::RateLimit),
        (500, "InternalServerException", ErrorKind::Internal),
        (503, "ServiceUnavailableException", ErrorKind::Unavailable),
    ] {
        assert_eq!(
            read(status, Some(name), body),
            Some((kind, status, m())),
            "{name}"
        );
        let own = format!(r#"{{"__type":"com.amazon.coral.service#{name}","Message":"m"}}"#);
        assert_eq!(
            read(status, None, &own),
            Some((kind, status, m())),
            "{name}"
        );
    }
    assert_eq!(read(403, Some("AccessDeniedException"), ""), None);
}

#[test]
fn stop_reasons_keep_their_meaning() {
    for (word, reason, detail) in [
        ("end_turn", FinishReason::Stop, None),
        ("max_tokens", FinishReason::Length, None),
        (
            "guardrail_intervened",
            FinishReason::ContentFilter,
            Some("guardrail_intervened"),
        ),
        (
            "content_filtered",
            FinishReason::ContentFilter,
            Some("content_filtered"),
        ),
        (
            "malformed_tool_use",
            FinishReason::Failed,
            Some("malformed_tool_use"),
        ),
        (
            "malformed_model_output",
            FinishReason::Failed,
            Some("malformed_model_output"),
        ),
        (
            "model_context_window_exceeded",
            FinishReason::ContextWindow,
            Some("model_context_window_exceeded"),
        ),
        ("later", FinishReason::Stop, Some("later")),
    ] {
        let finish = super::finish::finish(word, None);
        assert_eq!(
            (finish.reason, finish.detail.as_deref()),
            (reason, detail),
            "{word}"
        );
    }
    let body = json!({"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}},
        "stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "END"}});
    let finish = answer(&body).choices.remove(0).finish;
    assert_eq!(finish.stop_sequence.as_deref(), Some("END"));
    assert_eq!((finish.reason, finish.detail), (FinishReason::Stop, None));
}

fn answer(body: &Value) -> Answer {
    (BACK.read_answer)(&body.to_string()).unwrap()
}

/// A part of each kind.
fn rich_answer() -> Value {
    let server =
        json!({"toolUse": {"toolUseId": "s", "name": "x", "input": {}, "type": "server_tool_use"}});
    json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "YQ=="}},
            {"text": "Look:"},
            {"citationsContent": {"content": [{"text": "b"}], "citations": [{"title": "t"}]}},
            {"toolUse": {"toolUseId": "t1", "name": "get", "input": {"b": 1, "a": 1.50}}},
            server,
        ]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12},
        "metrics": {"latencyMs": 1},
        "serviceTier": {"type": "priority"},
    })
}

#[test]
fn a_whole_answer_is_read_part_by_part() {
    let body = rich_answer();
    let answer = answer(&body);
    assert_eq!(answer.usage.input_tokens, Some(5));
    assert_eq!(answer.service_tier.as_deref(), Some("priority"));
    let [choice] = &answer.choices[..] else {
        panic!("{answer:?}");
    };
    assert_eq!(choice.finish.reason, FinishReason::ToolCalls);
    let kinds: Vec<_> = choice.parts.iter().map(|part| &part.kind).collect();
    let [
        PartKind::Thinking {
            text, signature, ..
        },
        PartKind::RedactedThinking {
            signature: redacted,
        },
        PartKind::Text { text: look, .. },
        PartKind::Text {
            text: cited,
            citations,
            ..
        },
        PartKind::ToolCall {
            id,
            name,
            arguments,
            ..
        },
        PartKind::Other { json: other, .. },
    ] = &kinds[..]
    else {
        panic!("{kinds:?}");
    };
    let signed = |by, value: &str| Signature {
        by: Some(by),
        value: value.to_owned(),
    };
    assert_eq!(text, "hm");
    assert_eq!(signature, &Some(signed(Dialect::AnthropicMessages, "c2ln")));
    assert_eq!(redacted, &signed(Dialect::BedrockConverse, "YQ=="));
    assert_eq!(
        (look.as_str(), cited.as_str(), citations.len()),
        ("Look:", "b", 1)
    );
    assert_eq!((id.as_str(), name.as_str()), ("t1", "get"));
    assert_eq!(
        serde_json::from_str::<Value>(arguments).unwrap(),
        json!({"a": 1.5, "b": 1})
    );
    let server = &body["output"]["message"]["content"][5];
    assert_eq!(*other, Json::from(server));
}

#[test]
fn what_is_no_answer_is_told() {
    let shape = |body: &str| Dialect::BedrockConverse.read_body(body.as_bytes());
    let missing = |missing| Err(Malformed::WrongShape { missing });
    assert_eq!(shape("{}"), missing("output"));
    assert_eq!(shape(r#"{"output":{}}"#), missing("output.message"));
    assert_eq!(
        shape(r#"{"output":{"message":{}}}"#),
        missing("output.message.content")
    );
    assert_eq!(shape(r#"{"output":{"mess"#), Err(Malformed::Cut));
    let facts = shape(r#"{"output":{"message":{"content":[]}},"usage":{"outputTokens":3}}"#);
    assert_eq!(facts.unwrap().usage.output_tokens, Some(3));
}

#[test]
fn a_call_that_stood_for_a_schema_is_the_answers_text() {
    let call = json!({"toolUse": {"toolUseId": "t", "name": "json_tool_call"}});
    let stream = events(&[
        start(),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": call}),
        ),
        delta(0, &json!({"toolUse": {"input": "{\"a\":"}})),
        delta(0, &json!({"toolUse": {"input": "1}"}})),
        stop(0),
        ("messageStop", json!({"stopReason": "tool_use"})),
    ]);
    let expected = [
        "begin",
        "0 text",
        "0 + {\"a\":",
        "0 + 1}",
        "0 end",
        "finish Stop None None",
    ];
    assert_eq!(read(&stream).unwrap(), expected);
    let content =
        json!([{"toolUse": {"toolUseId": "t", "name": "json_tool_call", "input": {"a": 1}}}]);
    let body = json!({"output": {"message": {"content": content}}, "stopReason": "tool_use"});
    let choice = answer(&body).choices.remove(0);
    assert_eq!(choice.finish.reason, FinishReason::Stop);
    assert!(matches!(&choice.parts[0].kind, PartKind::Text { text, .. } if text == "{\"a\":1}"));
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let call = json!({"toolUse": {"toolUseId": "t", "name": "now"}});
    let stream = events(&[
        start(),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": call}),
        ),
        delta(0, &json!({"toolUse": {"input": ""}})),
        stop(0),
    ]);
    assert_eq!(
        read(&stream).unwrap(),
        ["begin", "0 call t now", "0 + {}", "0 end"]
    );
}

#[test]
fn blocks_of_kinds_that_the_model_has_not_are_passed_on_whole() {
    let call = json!({"toolUse": {"toolUseId": "s", "name": "x", "type": "server_tool_use"}});
    let stream = events(&[
        start(),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": call}),
        ),
        delta(0, &json!({"toolUse": {"input": "{"}})),
        delta(0, &json!({"toolUse": {"input": "}"}})),
        stop(0),
        delta(1, &json!({"text": "a"})),
        delta(1, &json!({"citation": {"title": "t"}})),
        delta(2, &json!({"reasoningContent": {"redactedContent": "YQ=="}})),
        delta(3, &json!({"image": {"source": {"bytes": "YQ=="}}})),
    ]);
    let expected = [
        "begin".to_owned(),
        format!(
            r#"0 other {{"start":{call},"deltas":[{{"toolUse":{{"input":"{{"}}}},{{"toolUse":{{"input":"}}"}}}}]}}"#
        ),
        "0 end".to_owned(),
        "1 text".to_owned(),
        "1 + a".to_owned(),
        "1 cites {\"title\":\"t\"}".to_owned(),
        "2 redacted YQ==".to_owned(),
        "2 end".to_owned(),
        "1 end".to_owned(),
        r#"3 other {"start":{},"deltas":[{"image":{"source":{"bytes":"YQ=="}}}]}"#.to_owned(),
        "3 end".to_owned(),
    ];
    assert_eq!(read(&stream).unwrap(), expected);
}

#[test]
fn arguments_without_a_call_end_the_stream() {
    let stream = events(&[start(), delta(0, &json!({"toolUse": {"input": "{"}}))]);
    let missing = "contentBlockStart.start.toolUse";
    assert_eq!(read(&stream), Err(Malformed::WrongShape { missing }));
    assert_eq!(
        read("event: messageStop\ndata: {\n\n"),
        Err(Malformed::NotJson)
    );
}
