//! Streams and plain answers of Google's, and what only looks like them.

use bytes::Bytes;

use crate::observe::{Seen, StreamObserver};
use crate::{Dialect, ErrorInfo, ErrorKind, Flow, Framer, Malformed};

/// The letter of each thing seen, those at the end of the body included.
fn observe(observer: &mut StreamObserver, stream: &str) -> String {
    let mut letters = String::new();
    let mut framer = Framer::new(1 << 20);
    let mut each = |event: crate::Event<'_>| {
        letters.push(match observer.event(&event) {
            Seen::Preamble => 'P',
            Seen::Content => 'C',
            Seen::Other => 'O',
            Seen::Terminal => 'T',
            Seen::Error(_) => 'E',
            Seen::Malformed => 'M',
        });
        Flow::Continue
    };
    let fed = framer.feed(Bytes::copy_from_slice(stream.as_bytes()), &mut each);
    let last = framer.finish(&mut each);
    assert_eq!((fed.error, last.error), (None, None));
    letters
}

fn seen(stream: &str) -> (String, bool) {
    let mut observer = Dialect::Gemini.stream_observer();
    let letters = observe(&mut observer, stream);
    (letters, observer.is_complete())
}

fn data(events: &[&str]) -> String {
    events
        .iter()
        .map(|event| format!("data: {event}\r\n\r\n"))
        .collect()
}

const TEXT: &str = r#"{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":1}}"#;
const EMPTY: &str = r#"{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"x"}],"role":"model"},"index":0}]}"#;
const STOP: &str = r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}]}"#;

#[test]
fn a_stream_is_complete_with_the_finish_reason_of_every_candidate() {
    assert_eq!(
        seen(&data(&[EMPTY, TEXT, EMPTY, STOP])),
        ("PCOC".to_owned(), true)
    );
    assert_eq!(seen(&data(&[TEXT, TEXT])), ("CC".to_owned(), false));
    let second =
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"index":1}]}"#;
    assert_eq!(
        seen(&data(&[TEXT, second, STOP])),
        ("CCC".to_owned(), false)
    );
    let unspecified = r#"{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#;
    assert_eq!(seen(&data(&[TEXT, unspecified])), ("CO".to_owned(), false));
    let far = r#"{"candidates":[{"finishReason":"STOP","index":64}]}"#;
    assert!(!seen(&data(&[STOP, far])).1);
}

#[test]
fn candidates_that_were_asked_for_must_finish_although_they_have_not_begun() {
    let mut observer = Dialect::Gemini.stream_observer();
    observer.expect_choices(2);
    observe(&mut observer, &data(&[STOP]));
    assert!(!observer.is_complete());
    assert_eq!(observer.closing(), None);
}

#[test]
fn a_blocked_prompt_is_a_complete_answer() {
    let blocked = r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":4}}"#;
    assert_eq!(seen(&data(&[blocked])), ("C".to_owned(), true));
    let ratings = r#"{"promptFeedback":{"safetyRatings":[]}}"#;
    assert_eq!(seen(&data(&[ratings])), ("P".to_owned(), false));
}

#[test]
fn an_error_is_seen_with_the_word_data_before_it_and_without() {
    let error = r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#;
    let pretty = "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"m\"\n  }\n}\n";
    for last in [
        data(&[error]),
        data(&[&format!("[{error}]")]),
        format!("event: error\ndata: {error}\n\n"),
        format!("{error}\n\n"),
        pretty.to_owned(),
        format!("[{pretty}]\n"),
    ] {
        let (letters, complete) = seen(&(data(&[TEXT]) + &last));
        assert_eq!((letters.as_str(), complete), ("CE", false), "{last}");
    }
    assert_eq!(seen("data: nonsense\n\n: note\n\n").0, "MO");
}

#[test]
fn our_own_error_event_reads_back_as_it_was_told() {
    for kind in [
        ErrorKind::RateLimit,
        ErrorKind::Authentication,
        ErrorKind::NotFound,
        ErrorKind::Timeout,
        ErrorKind::Unavailable,
        ErrorKind::Internal,
    ] {
        let told = ErrorInfo::new(kind, "line\nline");
        let mut observer = Dialect::Gemini.stream_observer();
        let mut read = None;
        let event = Dialect::Gemini.error_event(&told);
        let fed = Framer::new(1 << 16).feed(event, |event| {
            if let Seen::Error(error) = observer.event(&event) {
                read = Some((error.kind, error.status, error.message));
            }
            Flow::Continue
        });
        assert_eq!(fed.error, None);
        assert_eq!(read, Some((kind, told.status, told.message)));
    }
    let body = Dialect::Gemini.error_body(&ErrorInfo::new(ErrorKind::Overloaded, "m"));
    assert_eq!(
        body,
        r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#
    );
    assert!(Dialect::Gemini.heartbeat().is_empty());
}

#[test]
fn a_plain_answer_has_candidates_or_the_reason_for_none() {
    let read = |body: &str| Dialect::Gemini.read_body(body.as_bytes());
    let whole = r#"{"candidates":[],"usageMetadata":{"promptTokenCount":2,"candidatesTokenCount":3,"thoughtsTokenCount":4},"modelVersion":"m"}"#;
    let facts = read(whole).unwrap();
    assert_eq!(
        (facts.usage.input_tokens, facts.usage.output_tokens),
        (Some(2), Some(7))
    );
    let restamped = facts.restamped(Bytes::from(whole), "mine");
    assert!(restamped.ends_with(br#""modelVersion":"mine"}"#));
    let missing = Malformed::WrongShape {
        missing: "candidates",
    };
    for (body, error) in [
        (r#"{"choices":[]}"#, missing),
        (r#"{"candidates":{}}"#, missing),
        (r#"[{"candidates":[]}]"#, Malformed::NotJson),
        (r#"{"candidates":[{"#, Malformed::Cut),
        ("<html>", Malformed::NotJson),
    ] {
        assert_eq!(read(body).unwrap_err(), error, "{body}");
    }
    let failed = read(r#"{"error":{"code":500,"message":"m","status":"INTERNAL"}}"#).unwrap();
    assert_eq!(failed.error.map(|it| it.status), Some(500));
}
