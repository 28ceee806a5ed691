//! Made-up answers, read by what reads real ones.

use bytes::Bytes;
use serde_json::Value;

use super::{EXCEPTIONS, MAX_PIECES, MockAnswer, mock_error};
use crate::{Dialect, Envelope, ErrorKind, Flow, Framer, Limits, Seen};

fn envelope(body: &str) -> Envelope {
    Envelope::parse(Bytes::copy_from_slice(body.as_bytes()), Limits::default()).expect(body)
}

fn answer(dialect: Dialect, text: &str, body: &str) -> Bytes {
    let mock = MockAnswer {
        text,
        model: "m",
        id: "7",
        created: 1,
    };
    dialect.mock_answer(&mock, &envelope(body))
}

const WITH_STREAMS: [Dialect; 3] = [
    Dialect::OpenAiChat,
    Dialect::OpenAiCompletions,
    Dialect::AnthropicMessages,
];

#[test]
fn a_whole_answer_is_one_of_its_dialect_with_usage() {
    for dialect in Dialect::ALL {
        let body = answer(dialect, "A text.", r#"{"prompt":"12345678","input":"x"}"#);
        let facts = dialect.read_body(&body).expect("it is an answer");
        assert_eq!(facts.error, None);
        let usage = (!dialect.counts_tokens()).then_some(3);
        assert_eq!(facts.usage.input_tokens, usage, "{}", dialect.name());
    }
    let body = answer(Dialect::OpenAiChat, "A text.", "{}");
    let json: Value = serde_json::from_slice(&body).expect("an answer is JSON");
    assert_eq!(json["choices"][0]["message"]["content"], "A text.");
    assert_eq!(
        (&json["id"], &json["model"]),
        (&"chatcmpl-7".into(), &"m".into())
    );
    let body = answer(Dialect::AnthropicMessages, "A text.", "{}");
    let json: Value = serde_json::from_slice(&body).expect("an answer is JSON");
    assert_eq!(json["content"][0]["text"], "A text.");
}

#[test]
fn a_streamed_answer_is_complete_and_says_the_text_whatever_its_length() {
    for text in [
        "",
        "short",
        "日本語のテキストです。",
        &"long \"text\"\n".repeat(500),
    ] {
        for dialect in WITH_STREAMS {
            let stream = answer(dialect, text, r#"{"stream":true}"#);
            let mut observer = dialect.stream_observer();
            let mut said = String::new();
            let mut events = 0;
            let mut terminals = 0;
            let fed = Framer::new(1 << 20).feed(stream.clone(), |event| {
                let seen = observer.event(&event);
                assert!(!matches!(seen, Seen::Malformed | Seen::Error(_)));
                terminals += usize::from(seen == Seen::Terminal);
                events += 1;
                let json: Value = serde_json::from_str(&event.data()).unwrap_or_default();
                for place in ["/choices/0/delta/content", "/choices/0/text", "/delta/text"] {
                    said += json
                        .pointer(place)
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                }
                Flow::Continue
            });
            assert_eq!(
                (fed.error, fed.ready),
                (None, stream),
                "nothing is left over"
            );
            assert_eq!((said.as_str(), terminals), (text, 1), "{}", dialect.name());
            assert!(observer.is_complete() && observer.closing().is_none());
            assert!(observer.usage().output_tokens.is_some());
            assert!(events <= MAX_PIECES + 6);
        }
    }
}

#[test]
fn there_is_a_vector_for_each_input_in_the_encoding_asked_for() {
    for (body, vectors, encoded) in [
        (r#"{"input":"a"}"#, 1, false),
        (r#"{"input":["a","b"],"encoding_format":"float"}"#, 2, false),
        (r#"{"input":[1,2,3],"encoding_format":"base64"}"#, 1, true),
        (r#"{"input":[[1],[2],[3]]}"#, 3, false),
        (r#"{"stream":true}"#, 1, false),
    ] {
        let json: Value =
            serde_json::from_slice(&answer(Dialect::OpenAiEmbeddings, "", body)).expect(body);
        let data = json["data"].as_array().expect("there is an array");
        assert_eq!(data.len(), vectors, "{body}");
        assert_eq!(data[0]["embedding"].is_string(), encoded, "{body}");
    }
}

#[test]
fn the_names_of_exceptions_ask_for_errors() {
    for (name, kind, status) in EXCEPTIONS {
        let error = mock_error(&format!("litellm.{name}")).expect(name);
        assert_eq!((error.kind, error.status), (*kind, *status));
        let error = mock_error(&format!("litellm.{name}: by hand")).expect(name);
        assert_eq!(error.message, "by hand");
        for dialect in Dialect::ALL {
            let read = dialect
                .read_error_body(dialect.status(&error), &dialect.error_body(&error))
                .expect("our own errors are known");
            assert_eq!(read.status, *status, "{name}");
            // Anthropic's words for a prompt that is too long may go before.
            assert!(read.message.ends_with("by hand"), "{name}: {read:?}");
        }
    }
    let refused = mock_error("Exception: content_filter_policy").expect("it is known");
    assert_eq!(refused.kind, ErrorKind::ContentPolicy);
    for text in [
        "",
        "litellm",
        "litellm.",
        "litellm.Nothing",
        "RateLimitError",
        "litellm.Timeouts",
    ] {
        assert_eq!(mock_error(text), None, "{text}");
    }
}
