//! What must hold for every input. The fuzz targets and the tests share these functions.

use bytes::Bytes;
use gateway_core::{
    Collected, Dialect, Envelope, EnvelopeError, ErrorInfo, ErrorKind, Flow, Framer, Limits,
    MockAnswer, Prefill, Seen, TextCollector, Usage, is_gateway_field,
};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// A fuzz target by its name, and by the name of its corpus.
pub(crate) type Property = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const ALL: [Property; 7] = [
    ("sse", sse),
    ("envelope", envelope),
    ("openai_chat_stream", openai_chat_stream),
    ("openai_completions_stream", openai_completions_stream),
    ("anthropic_stream", anthropic_stream),
    ("error_body", error_body),
    ("continuation", continuation),
];

/// Runs the property of one target.
pub(crate) fn run(target: &str, input: &[u8]) {
    let (_, property) = ALL
        .into_iter()
        .find(|(name, _)| *name == target)
        .expect("the target is in the table");
    property(input);
}

/// What comes out of the framer does not depend on how the bytes arrived, and it is framed already.
pub(crate) fn sse(input: &[u8]) {
    let whole = frame(&[input]);
    let trickled: Vec<_> = input.chunks(1).collect();
    assert_eq!(frame(&trickled), whole);
    let by_sevens: Vec<_> = input.chunks(7).collect();
    assert_eq!(frame(&by_sevens), whole);
    assert!(!whole.0.contains(&b'\r'));
    assert!(std::str::from_utf8(&whole.0).is_ok());
    // A BOM that follows a BOM is data at first, and a BOM when the output is read again.
    if !whole.0.starts_with(b"\xEF\xBB\xBF") {
        let again = frame(&[&whole.0]);
        assert_eq!((again.0, again.1), (whole.0, whole.1));
    }
}

/// The envelope accepts what serde accepts, but for the differences listed here, and its splices say what was meant.
pub(crate) fn envelope(input: &[u8]) {
    let body = Bytes::copy_from_slice(input);
    let serde: Result<Value, _> = serde_json::from_slice(input);
    let envelope = match Envelope::parse(body, Limits::default()) {
        Ok(envelope) => envelope,
        Err(error) => {
            assert!(error.offset() <= input.len());
            let is_stricter = matches!(
                error,
                EnvelopeError::DuplicateField { .. }
                    | EnvelopeError::WrongType { .. }
                    | EnvelopeError::TooManyFields { .. }
            );
            let is_object = serde.is_ok_and(|value| value.is_object());
            assert!(
                is_stricter || !is_object,
                "serde accepts what is refused here: {error}"
            );
            return;
        }
    };
    assert!(
        serde_json::from_slice::<IgnoredAny>(input).is_ok(),
        "serde refuses what is accepted here"
    );
    let Ok(Value::Object(mut expected)) = serde else {
        // Numbers beyond a float's range and 128 levels: serde cannot hold them, the envelope need not.
        return;
    };
    let model = expected.get("model").and_then(Value::as_str);
    assert_eq!(envelope.model(), model);
    assert_eq!(
        envelope.stream(),
        expected.get("stream") == Some(&json!(true))
    );
    assert_eq!(envelope.fields().count(), expected.len());
    ask(&envelope);
    let mut edit = envelope.edit();
    edit.set_string("model", "a \"model\"")
        .set_if_absent("stream", "true")
        .remove("user")
        .remove_gateway_fields();
    let edited = edit.finish();
    expected.retain(|key, _| !is_gateway_field(key) && key != "user");
    expected.insert("model".to_owned(), json!("a \"model\""));
    expected.entry("stream").or_insert(json!(true));
    let found: Value = serde_json::from_slice(&edited).expect("an edited body is JSON");
    assert_eq!(found, Value::Object(expected));
    assert!(Envelope::parse(edited, Limits::default()).is_ok());
}

/// See [`stream`].
pub(crate) fn openai_chat_stream(input: &[u8]) {
    stream(Dialect::OpenAiChat, input);
}

/// See [`stream`].
pub(crate) fn openai_completions_stream(input: &[u8]) {
    stream(Dialect::OpenAiCompletions, input);
}

/// See [`stream`].
pub(crate) fn anthropic_stream(input: &[u8]) {
    stream(Dialect::AnthropicMessages, input);
}

/// What an upstream says of its failure can be told in every dialect, and reads back as it was told.
pub(crate) fn error_body(input: &[u8]) {
    for dialect in Dialect::ALL {
        if let Ok(facts) = dialect.read_body(input) {
            assert!(
                facts
                    .error
                    .is_none_or(|error| (400..=599).contains(&error.status))
            );
        }
        for status in [200, 400, 401, 429, 500, 503, 529] {
            let Some(error) = dialect.read_error_body(status, input) else {
                continue;
            };
            assert!((400..=599).contains(&error.status));
            assert!(!error.message.is_empty() && error.message.len() <= 4096);
            let told = dialect.error_body(&error);
            let read = dialect
                .read_error_body(error.status, &told)
                .expect("our own error bodies are known");
            assert_eq!(read.status, error.status);
            assert!(says(&read, &error));
            let mut observer = dialect.stream_observer();
            let mut seen = Vec::new();
            let fed = Framer::new(1 << 20).feed(dialect.error_event(&error), |event| {
                seen.push(observer.event(&event));
                Flow::Continue
            });
            assert_eq!((fed.error, seen.len()), (None, 1));
            if dialect.streams() {
                assert!(matches!(&seen[..], [Seen::Error(seen)] if says(seen, &error)));
            }
        }
    }
}

/// Whether an error that was read back says what was told. Of a prompt that is too long a dialect may have own words, which
/// go before, and may push out the last of a long message.
fn says(read: &ErrorInfo, told: &ErrorInfo) -> bool {
    let begin: String = told.message.chars().take(256).collect();
    let own_words = told.kind == ErrorKind::ContextWindow && read.message.contains(&begin);
    read.message == told.message || own_words
}

/// Whatever is asked and however two streams look, what is spliced of them is whole events with at most one terminal
/// marker, the text is bounded, and the request that continues them is one. The input is a request and two streams,
/// each behind a NUL.
pub(crate) fn continuation(input: &[u8]) {
    let mut parts = input.splitn(3, |&byte| byte == 0);
    let request = Bytes::copy_from_slice(parts.next().unwrap_or_default());
    let Ok(request) = Envelope::parse(request, Limits::default()) else {
        return;
    };
    let [first, second] =
        [(); 2].map(|()| Bytes::copy_from_slice(parts.next().unwrap_or_default()));
    for dialect in [Dialect::OpenAiChat, Dialect::AnthropicMessages] {
        let mut collector = TextCollector::new(dialect, &request, LIMIT);
        drop(Framer::new(LIMIT).feed(first.clone(), |event| {
            collector.event(&event);
            Flow::Continue
        }));
        for prefill in [
            Prefill::Plain,
            Prefill::Prefix,
            Prefill::Partial,
            Prefill::ContinueFinalMessage,
        ] {
            if let Ok(body) = collector.continue_request(&request, prefill) {
                // Long texts and deep messages may pass a limit of the envelope, never the grammar.
                assert!(serde_json::from_slice::<IgnoredAny>(&body).is_ok());
            }
        }
        let mut spliced = Vec::new();
        let mut splicer = collector.into_splicer();
        drop(Framer::new(LIMIT).feed(second.clone(), |event| {
            spliced.extend_from_slice(&splicer.event(&event));
            Flow::Continue
        }));
        if let Collected::Text(text) = splicer.collected() {
            assert!(text.len() <= LIMIT);
        }
        let mut observer = dialect.stream_observer();
        let mut terminals = 0;
        let mut framer = Framer::new(LIMIT * 4);
        let fed = framer.feed(Bytes::copy_from_slice(&spliced), |event| {
            terminals += usize::from(observer.event(&event) == Seen::Terminal);
            Flow::Continue
        });
        assert_eq!(fed.error, None);
        assert!(framer.at_boundary() && terminals <= 1);
    }
}

/// What can be asked of any request.
fn ask(envelope: &Envelope) {
    let tokens = envelope.estimate_input_tokens();
    // At most one for each byte, and a thousand for each file.
    assert!(tokens <= envelope.body().len() as u64 * 2 + 1);
    let _ = envelope.is_repeatable();
    let mock = MockAnswer {
        text: "text",
        model: "m",
        id: "1",
        created: 1,
    };
    for dialect in Dialect::ALL {
        let answer = dialect.mock_answer(&mock, envelope);
        if !envelope.stream() || !dialect.streams() {
            assert!(
                dialect
                    .read_body(&answer)
                    .is_ok_and(|facts| facts.error.is_none())
            );
        }
    }
}

/// An observer sees the same however the bytes arrived, and a stream that it closes is complete.
fn stream(dialect: Dialect, input: &[u8]) {
    let whole = observe(dialect, &[input]);
    let trickled: Vec<_> = input.chunks(1).collect();
    assert_eq!(observe(dialect, &trickled), whole);
    if let Some(closing) = whole.closing {
        assert!(whole.is_complete);
        let closed = [whole.ready.as_slice(), &closing].concat();
        let closed = observe(dialect, &[&closed]);
        // A stream that begins with two BOMs loses the second when it is read again.
        assert!(closed.is_complete || whole.ready.starts_with(b"\xEF\xBB\xBF"));
        assert_eq!(closed.closing, None);
    }
}

#[derive(Debug, PartialEq)]
struct Observed {
    ready: Vec<u8>,
    seen: Vec<Seen>,
    usage: Usage,
    is_complete: bool,
    closing: Option<Bytes>,
}

fn observe(dialect: Dialect, chunks: &[&[u8]]) -> Observed {
    let mut framer = Framer::new(LIMIT);
    let mut observer = dialect.stream_observer();
    let mut seen = Vec::new();
    let mut ready = Vec::new();
    for chunk in chunks {
        let fed = framer.feed(Bytes::copy_from_slice(chunk), |event| {
            seen.push(observer.event(&event));
            match seen.last() {
                Some(Seen::Terminal) => Flow::Stop,
                Some(Seen::Error(_)) => Flow::StopBefore,
                _ => Flow::Continue,
            }
        });
        ready.extend_from_slice(&fed.ready);
    }
    let (usage, is_complete, closing) =
        (observer.usage(), observer.is_complete(), observer.closing());
    Observed {
        ready,
        seen,
        usage,
        is_complete,
        closing,
    }
}

/// The ready bytes, the events as name and data, the error, and whether the end was a boundary.
type Framed = (
    Vec<u8>,
    Vec<(Option<String>, String)>,
    Option<gateway_core::FrameError>,
    bool,
);

fn frame(chunks: &[&[u8]]) -> Framed {
    let mut framer = Framer::new(LIMIT);
    let mut ready = Vec::new();
    let mut events = Vec::new();
    for chunk in chunks {
        let fed = framer.feed(Bytes::copy_from_slice(chunk), |event| {
            events.push((event.name().map(str::to_owned), event.data().into_owned()));
            Flow::Continue
        });
        ready.extend_from_slice(&fed.ready);
    }
    let fed = framer.finish(|event| {
        events.push((event.name().map(str::to_owned), event.data().into_owned()));
        Flow::Continue
    });
    ready.extend_from_slice(&fed.ready);
    (ready, events, fed.error, framer.at_boundary())
}

/// Small, so that the limit is met.
const LIMIT: usize = 512;
