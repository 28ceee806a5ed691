//! The bytes of the benchmark: what a client asks, and what the mock upstream answers.

mod messages;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use self::messages::MESSAGE;
use super::dialect::{Dialect, Route};

/// Key that every client sends, and that the gateway under test accepts.
pub(crate) const KEY: &str = "sk-bench-4f1d9c0a7e5b2386";

/// Events of one stream, from the role frame to `[DONE]`.
pub(crate) const EVENTS: usize = 64;

/// Time between two events of a paced stream, in milliseconds.
pub(crate) const PACE_MS: u64 = 20;

/// Time between two events of a flushed stream, in microseconds.
pub(crate) const FLUSH_US: u64 = 250;

/// Stands before the time stamp that a paced event carries.
pub(crate) const STAMP_MARK: &[u8] = b"\"system_fingerprint\":\"t";

/// Digits of that time stamp: nanoseconds of the monotonic clock, padded with zeros.
pub(crate) const STAMP_DIGITS: usize = 20;

/// How the mock upstream answers; named by the end of the model's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// One JSON body.
    Plain,
    /// A stream, each event in a write of its own, one every [`FLUSH_US`].
    Flushed,
    /// The same stream, the same chunks, all in one write.
    Burst,
    /// The same stream, one event every [`PACE_MS`]; the role comes with the first content.
    Paced,
    /// The role and the first content, then silence until the client leaves.
    Idle,
    /// As [`Self::Plain`], for a group that is guarded against failures.
    Guarded,
    /// No answer at all.
    Silent,
}

impl Mode {
    /// Every mode, in the order of the reports.
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::Flushed,
        Self::Burst,
        Self::Paced,
        Self::Idle,
        Self::Guarded,
        Self::Silent,
    ];

    /// The word that ends the model's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Flushed => "flushed",
            Self::Burst => "burst",
            Self::Paced => "paced",
            Self::Idle => "idle",
            Self::Guarded => "guarded",
            Self::Silent => "silent",
        }
    }

    /// The mode that a request body asks for: what follows the last `-` of its model's name.
    pub(crate) fn of_body(body: &[u8]) -> Option<Self> {
        let at = memchr::memmem::find(body, b"\"model\"")? + b"\"model\"".len();
        let rest = body.get(at..)?;
        let open = memchr::memchr(b'"', rest)? + 1;
        let rest = rest.get(open..)?;
        let value = rest.get(..memchr::memchr(b'"', rest)?)?;
        let word = value.rsplit(|byte| *byte == b'-').next()?;
        Self::ALL
            .into_iter()
            .find(|mode| mode.name().as_bytes() == word)
    }
}

/// The name that clients use for a mode's model at an upstream of this dialect.
pub(crate) fn client_model(upstream: Dialect, mode: Mode) -> String {
    format!("{}-{}", upstream.name(), mode.name())
}

/// The name that the upstream knows it by; it differs, as it does behind most gateways.
pub(crate) fn upstream_model(mode: Mode) -> String {
    format!("upstream-{}", mode.name())
}

/// A whole request, as the Python client of the dialect would write it: some 600 bytes of body.
pub(crate) fn request(route: Route, mode: Mode, host: &str, prefix: &str) -> Vec<u8> {
    let plain = matches!(mode, Mode::Plain | Mode::Guarded);
    let stream = if plain { "false" } else { "true" };
    let model = client_model(route.upstream, mode);
    let rest = format!(r#""model":"{model}","max_tokens":512,"temperature":0.7,"stream":{stream}"#);
    let (body, head) = match route.client {
        Dialect::Chat => (
            format!(
                r#"{{"messages":[{{"role":"system","content":"{SYSTEM}"}},{{"role":"user","content":"{USER}"}}],{rest},"top_p":1,"user":"bench"}}"#
            ),
            format!("User-Agent: OpenAI/Python 2.8.1\r\nAuthorization: Bearer {KEY}\r\n"),
        ),
        Dialect::Messages => (
            format!(
                r#"{{"system":"{SYSTEM}","messages":[{{"role":"user","content":"{USER}"}}],{rest},"metadata":{{"user_id":"bench"}}}}"#
            ),
            format!(
                "User-Agent: Anthropic/Python 0.75.0\r\nanthropic-version: 2023-06-01\r\nX-Api-Key: {KEY}\r\n"
            ),
        ),
    };
    format!(
        "POST {prefix}{} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\n{head}Content-Length: {}\r\n\r\n{body}",
        route.client.path(),
        body.len()
    )
    .into_bytes()
}

const SYSTEM: &str = "You are a careful assistant for network engineers. Answer briefly, name the protocol layer that you \
    talk about, and say so when you do not know.";
const USER: &str = "A client reports that long streams end early once in an hour, all at the same second, while short \
    calls never fail. The proxy between us and the provider keeps connections in a pool with a time to live. What would \
    you look at first, and which counter would prove it?";

/// A request that nobody answers, with a timer in a header. A retry would begin the timer of a stream anew.
pub(crate) fn timed_request(stream: bool, host: &str, header: &str, value: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"model":"{}","messages":[{{"role":"user","content":"Silence."}}],"stream":{stream},"num_retries":0}}"#,
        client_model(Dialect::Chat, Mode::Silent)
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {KEY}\r\n{header}: {value}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Everything that the mock upstream writes, rendered once.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Head and body of the plain answer.
    pub(crate) plain: Vec<u8>,
    /// The writes of a flushed stream: the head goes with the first event, the last chunk with
    /// `[DONE]`.
    pub(crate) parts: Vec<Vec<u8>>,
    /// All of those writes in one.
    pub(crate) burst: Vec<u8>,
    /// The first of them in one: a gateway that can still retry holds back what comes before the first content.
    pub(crate) opening: Vec<u8>,
    /// How many those are.
    pub(crate) opened: usize,
    /// Answer to what the mock does not understand.
    pub(crate) refused: Vec<u8>,
}

impl Answers {
    /// Renders all answers of a dialect.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let (plain, event, opened): (_, fn(usize) -> String, _) = match dialect {
            Dialect::Chat => (CHAT.to_owned(), chat_event, 2),
            Dialect::Messages => (MESSAGE.to_owned(), messages::event, 3),
        };
        let parts = parts(event);
        Self {
            plain: whole(&plain),
            burst: parts.concat(),
            opening: parts[..opened].concat(),
            opened,
            parts,
            refused: b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec(),
        }
    }
}

/// Writes `nanoseconds` over the time stamp of an event; an event without one stays as it is.
pub(crate) fn stamp(event: &mut [u8], nanoseconds: u64) {
    let Some(at) = memchr::memmem::find(event, STAMP_MARK) else {
        return;
    };
    let from = at + STAMP_MARK.len();
    let mut rest = nanoseconds;
    for digit in event[from..from + STAMP_DIGITS].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).expect("a remainder of ten fits in a byte");
        rest /= 10;
    }
}

/// Calls `each` with every whole time stamp in a piece of a stream.
pub(crate) fn stamps(piece: &[u8], mut each: impl FnMut(u64)) {
    for at in memchr::memmem::find_iter(piece, STAMP_MARK) {
        let from = at + STAMP_MARK.len();
        let Some(digits) = piece.get(from..from + STAMP_DIGITS) else {
            return;
        };
        let value = digits.iter().fold(0_u64, |value, digit| {
            value
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        });
        // Zeros: an event that was written together with the one that has the stamp.
        if value > 0 {
            each(value);
        }
    }
}

const CHAT: &str = concat!(
    r#"{"id":"chatcmpl-BenchA1b2C3d4E5f6G7h8I9j0","object":"chat.completion","created":1763600000,"#,
    r#""model":"upstream-plain","choices":[{"index":0,"message":{"role":"assistant","content":"#,
    r#""Transport layer. Compare the seconds of the failures with the pool's rotation times; if a "#,
    r#"counter of connections closed while in use moves at those seconds, that is the proof.","#,
    r#""refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":118,"#,
    r#""completion_tokens":39,"total_tokens":157},"system_fingerprint":"fp_bench"}"#
);

fn whole(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ndate: Thu, 20 Nov 2025 10:00:00 GMT\r\nserver: mock\r\n\
         content-type: application/json\r\nx-request-id: req_bench_0011223344556677\r\n\
         openai-processing-ms: 412\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn parts(event: fn(usize) -> String) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = (0..EVENTS).map(|index| chunk(&event(index))).collect();
    let head = b"HTTP/1.1 200 OK\r\ndate: Thu, 20 Nov 2025 10:00:00 GMT\r\nserver: mock\r\n\
        content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n\
        x-request-id: req_bench_0011223344556677\r\nopenai-processing-ms: 97\r\n\
        transfer-encoding: chunked\r\n\r\n";
    parts[0].splice(0..0, head.iter().copied());
    parts[EVENTS - 1].extend_from_slice(b"0\r\n\r\n");
    parts
}

fn chat_event(index: usize) -> String {
    if index == EVENTS - 1 {
        return "data: [DONE]\n\n".to_owned();
    }
    let (delta, finish) = match index {
        0 => (
            r#"{"role":"assistant","content":"","refusal":null}"#.to_owned(),
            "null",
        ),
        _ if index == EVENTS - 2 => ("{}".to_owned(), "\"stop\""),
        _ => (format!(r#"{{"content":" word{index:02}"}}"#), "null"),
    };
    let zeros = "0".repeat(STAMP_DIGITS);
    let mut text = String::with_capacity(256);
    write!(
        text,
        "data: {{\"id\":\"chatcmpl-BenchA1b2C3d4E5f6G7h8I9j0\",\"object\":\"chat.completion.chunk\",\
         \"created\":1763600000,\"model\":\"upstream\",\"system_fingerprint\":\"t{zeros}\",\
         \"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
    .expect("writing to a string does not fail");
    text
}

fn chunk(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_read_from_either_name_of_the_model() {
        for mode in Mode::ALL {
            for client in Dialect::ALL {
                let request = request(Route::of(client, Dialect::Messages), mode, "h", "");
                assert_eq!(Mode::of_body(&request), Some(mode));
                assert_eq!(Dialect::of_request(&request), client);
            }
            let other = format!(
                "{{\"stream\": true, \"model\" : \"{}\"}}",
                upstream_model(mode)
            );
            assert_eq!(Mode::of_body(other.as_bytes()), Some(mode));
        }
        assert_eq!(Mode::of_body(b"{}"), None);
    }

    #[test]
    fn a_stamp_is_read_back() {
        let mut part = Answers::new(Dialect::Chat).parts[3].clone();
        stamp(&mut part, 12_345_678_901_234);
        let mut found = Vec::new();
        stamps(&part, |value| found.push(value));
        assert_eq!(found, [12_345_678_901_234]);
    }

    #[test]
    fn sizes_are_those_of_the_method() {
        for dialect in Dialect::ALL {
            let answers = Answers::new(dialect);
            assert_eq!(answers.parts.len(), EVENTS);
            let event = answers.parts[5].len();
            assert!((100..260).contains(&event), "{event}");
            let request = request(Route::of(dialect, dialect), Mode::Plain, "h", "");
            let text = String::from_utf8(request).unwrap();
            let body = text.split("\r\n\r\n").nth(1).unwrap().len();
            assert!((550..750).contains(&body), "{body}");
        }
    }
}
