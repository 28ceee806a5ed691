//! Frames made by the crate that reads them, whole, cut, damaged; and one that the service's own client wrote.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;

use super::AwsEvents;
use crate::body::Malformed;

fn frame(headers: &[(&'static str, &'static str)], payload: &str) -> Vec<u8> {
    let mut message = Message::new(Bytes::copy_from_slice(payload.as_bytes()));
    for (name, value) in headers {
        let value = HeaderValue::String((*value).into());
        message = message.add_header(Header::new(*name, value));
    }
    let mut out = Vec::new();
    write_message_to(&message, &mut out).unwrap();
    out
}

/// The frame of an event.
pub(crate) fn event(name: &'static str, payload: &str) -> Vec<u8> {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    frame(&headers, payload)
}

fn exception(name: &'static str, payload: &str) -> Vec<u8> {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    frame(&headers, payload)
}

fn chunk(inner: &str) -> Vec<u8> {
    let bytes = STANDARD.encode(inner);
    event("chunk", &format!(r#"{{"bytes":"{bytes}","p":"abcdefgh"}}"#))
}

/// Feeds the pieces; gives the text, the error, and whether nothing is held.
fn feed<'p>(
    mut events: AwsEvents,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> (String, Option<Malformed>, bool) {
    let mut text = Vec::new();
    let mut error = None;
    for piece in pieces {
        let fed = events.feed(piece);
        assert!(
            error.is_none() || fed.text.is_empty(),
            "text after an error"
        );
        text.extend_from_slice(&fed.text);
        error = fed.error;
    }
    let text = String::from_utf8(text).unwrap();
    (text, error, events.at_boundary())
}

fn converse(bytes: &[u8]) -> (String, Option<Malformed>, bool) {
    feed(AwsEvents::converse(1 << 20), [bytes])
}

fn why(bytes: &[u8]) -> &'static str {
    match converse(bytes) {
        (text, Some(Malformed::BadFrame { why }), true) if text.is_empty() => why,
        other => panic!("{other:?}"),
    }
}

/// With a prelude that says this, and is right in itself.
fn with_prelude(length: u32, headers: u32) -> Vec<u8> {
    let mut bytes = [length.to_be_bytes(), headers.to_be_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

#[test]
fn events_have_the_names_of_their_frames() {
    let stream = [
        event("messageStart", r#"{"role":"assistant"}"#),
        event(
            "contentBlockDelta",
            "{\r\n\"delta\": {\"text\": \"é\\n\"}\n}",
        ),
        event("messageStop", r#"{"stopReason":"end_turn"}"#),
    ]
    .concat();
    let expected = "event: messageStart\ndata: {\"role\":\"assistant\"}\n\n\
                    event: contentBlockDelta\ndata: {  \"delta\": {\"text\": \"é\\n\"} }\n\n\
                    event: messageStop\ndata: {\"stopReason\":\"end_turn\"}\n\n";
    assert_eq!(converse(&stream), (expected.to_owned(), None, true));
}

#[test]
fn failures_are_events_that_are_errors() {
    let stream = [
        exception("throttlingException", r#"{"message":"slow"}"#),
        exception("Broken", r#"{"Message":"why"}"#),
        frame(
            &[
                (":message-type", "error"),
                (":error-code", "InternalError"),
                (":error-message", "An \"internal\" server error occurred"),
            ],
            "",
        ),
    ]
    .concat();
    let expected = "event: throttlingException\ndata: {\"message\":\"slow\"}\n\n\
                    event: error\ndata: {\"code\":\"Broken\",\"message\":\"why\"}\n\n\
                    event: error\ndata: {\"code\":\"InternalError\",\"message\":\"An \\\"internal\\\" server error occurred\"}\n\n";
    assert_eq!(converse(&stream), (expected.to_owned(), None, true));
    let invoked = feed(AwsEvents::invoke(1 << 20), [&stream[..]]).0;
    let expected = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"throttlingException\",\"message\":\"slow\"}}\n\n\
                    event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"Broken\",\"message\":\"why\"}}\n\n\
                    event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"InternalError\",\"message\":\"An \\\"internal\\\" server error occurred\"}}\n\n";
    assert_eq!(invoked, expected);
}

#[test]
fn chunks_are_the_events_that_they_hold() {
    let inner =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ü"}}"#;
    let stream = [
        chunk(inner),
        event("later", "{}"),
        chunk(r#"{"type":"ping"}"#),
    ]
    .concat();
    let expected = format!(
        "event: content_block_delta\ndata: {inner}\n\nevent: ping\ndata: {{\"type\":\"ping\"}}\n\n"
    );
    let read = feed(AwsEvents::invoke(1 << 20), [&stream[..]]);
    assert_eq!(read, (expected, None, true));
    for payload in [
        "{}",
        "[]",
        r#"{"bytes":"!"}"#,
        r#"{"bytes":"e30="}"#,
        r#"{"bytes":"/w=="}"#,
        r#"{"bytes":"eyJ0eXBlIjoiYVxuYiJ9"}"#,
    ] {
        let (text, error, _) = feed(AwsEvents::invoke(1 << 20), [&event("chunk", payload)[..]]);
        assert_eq!((text.as_str(), error.is_some()), ("", true), "{payload}");
    }
}

#[test]
fn what_is_split_at_any_byte_comes_out_the_same() {
    let good = [
        event("messageStart", r#"{"role":"assistant"}"#),
        event("contentBlockDelta", r#"{"delta":{"text":"é"}}"#),
        exception("validationException", "{}"),
    ]
    .concat();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    for stream in [good, bad] {
        let whole = converse(&stream);
        for at in 0..=stream.len() {
            let (before, after) = stream.split_at(at);
            assert_eq!(feed(AwsEvents::converse(1 << 20), [before, after]), whole);
        }
        assert_eq!(feed(AwsEvents::converse(1 << 20), stream.chunks(1)), whole);
    }
}

#[test]
fn half_a_frame_is_held_and_nothing_of_it_comes_out() {
    let frame = event("messageStart", r#"{"role":"assistant"}"#);
    for end in 1..frame.len() {
        assert_eq!(converse(&frame[..end]), (String::new(), None, false));
    }
}

#[test]
fn a_flipped_bit_anywhere_spoils_its_frame_and_no_earlier_one() {
    let first = event("messageStart", r#"{"role":"assistant"}"#);
    let second = event("contentBlockDelta", r#"{"delta":{"text":"a"}}"#);
    let (expected, ..) = converse(&first);
    for bit in 0..second.len() * 8 {
        let mut spoiled = second.clone();
        spoiled[bit / 8] ^= 1 << (bit % 8);
        let (text, error, _) = converse(&[first.as_slice(), &spoiled, &first].concat());
        assert_eq!(text, expected);
        assert!(error.is_some(), "bit {bit}");
    }
}

#[test]
fn lengths_that_cannot_be_are_refused_with_the_prelude_alone() {
    for (length, headers, expected) in [
        (0, 0, "its length is wrong"),
        (15, 0, "its length is wrong"),
        (1 << 31, 0, "it is longer than the limit"),
        (u32::MAX, 0, "it is longer than the limit"),
        ((1 << 20) + 1, 0, "it is longer than the limit"),
    ] {
        assert_eq!(why(&with_prelude(length, headers)), expected, "{length}");
    }
    let mut wrong = with_prelude(100, 0);
    wrong[11] ^= 1;
    assert_eq!(why(&wrong), "the checksum of its lengths is wrong");
    let mut beyond = with_prelude(16, 400);
    beyond.extend([0; 4]);
    assert_eq!(why(&beyond), "its checksum or its headers are wrong");
}

#[test]
fn a_frame_must_say_what_it_is() {
    for headers in [
        &[][..],
        &[(":message-type", "event")],
        &[(":message-type", "event"), (":event-type", "")],
        &[(":message-type", "event"), (":event-type", "a\nb")],
        &[(":message-type", "exception")],
        &[(":message-type", "other"), (":event-type", "a")],
    ] {
        let expected = "its headers do not say what it is";
        assert_eq!(why(&frame(headers, "{}")), expected, "{headers:?}");
    }
}

#[test]
fn after_a_bad_frame_nothing_is_read() {
    let mut events = AwsEvents::converse(1 << 20);
    let error = events.feed(&[0; 12]).error;
    assert!(error.is_some());
    let again = events.feed(&event("messageStart", "{}"));
    assert_eq!((again.text.len(), again.error), (0, error));
    assert!(!format!("{events:?}").contains("messageStart"));
}

/// The example of the specification: an empty message, and one with a header and a payload.
#[test]
fn the_specifications_frames_are_whole() {
    let empty = [
        0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8,
        0xff,
    ];
    assert_eq!(why(&empty), "its headers do not say what it is");
    let mut spoiled = empty;
    spoiled[15] = 0;
    assert_eq!(why(&spoiled), "its checksum or its headers are wrong");
}

proptest! {
    #[test]
    fn any_bytes_are_read_the_same_in_any_pieces(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        names in prop::collection::vec(prop::sample::select(vec!["messageStart", "metadata"]), 0..4),
        sizes in prop::collection::vec(1_usize..40, 1..20),
    ) {
        let mut stream: Vec<u8> = names.iter().flat_map(|name| event(name, "{\"a\":1}")).collect();
        stream.extend(bytes);
        let whole = converse(&stream);
        let mut rest = stream.as_slice();
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(feed(AwsEvents::converse(1 << 20), pieces), whole);
    }
}
