//! What a request gets, and its bytes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;

use super::Family;
use crate::dialect::{EventStream, Knobs, anthropic, openai};
use crate::http1::{Framing, chunk, last_chunk};
use crate::script::ResponseHead;

/// What a request gets. Its text form is what goes into a path: `plain`, `plain-1000`, `events-64`, `burst-64`,
/// `paced-100-20`, `idle`; a last number, where there may be one more, is the length of each text in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A JSON answer whose text has so many bytes.
    Plain {
        /// Length of the text.
        bytes: usize,
    },
    /// A stream of so many events in all, each in a write of its own, without a pause.
    Events {
        /// Events, those around the content included.
        count: usize,
        /// Length of each text.
        bytes: usize,
    },
    /// The same bytes in one write.
    Burst {
        /// Events, those around the content included.
        count: usize,
        /// Length of each text.
        bytes: usize,
    },
    /// A stream whose contents come one by one. Each text begins with `t=` and the time of its writing, in
    /// nanoseconds since 1970 with 19 digits, so that a reader can tell how long it took.
    Paced {
        /// Content events.
        count: usize,
        /// Milliseconds between two of them, at least 1.
        every_ms: u64,
        /// Length of each text, at least 22.
        bytes: usize,
    },
    /// The head and the first content, then silence until the release.
    Idle,
}

/// The bytes of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// Written piece by piece.
    Pieces(Vec<Bytes>),
    /// `start`, then `count` times `event`, then `end`.
    Paced {
        start: Bytes,
        event: PacedEvent,
        count: usize,
        every: Duration,
        end: Bytes,
    },
    /// `start`, silence, `end`.
    Idle { start: Bytes, end: Bytes },
}

/// An event with room for a time.
#[derive(Debug, Clone)]
pub(super) struct PacedEvent {
    bytes: Vec<u8>,
    digits_at: usize,
}

impl Answer {
    pub(super) fn render(mode: Mode, family: Family) -> Self {
        match mode {
            Mode::Plain { bytes } => Self::Pieces(vec![plain(bytes, family)]),
            Mode::Events { count, bytes } => Self::Pieces(stream_pieces(count, bytes, family)),
            Mode::Burst { count, bytes } => {
                Self::Pieces(vec![stream_pieces(count, bytes, family).concat().into()])
            }
            Mode::Paced {
                count,
                every_ms,
                bytes,
            } => {
                let (start, end) = around(family);
                Self::Paced {
                    start,
                    event: PacedEvent::new(bytes, family),
                    count,
                    every: Duration::from_millis(every_ms.max(1)),
                    end,
                }
            }
            Mode::Idle => {
                let (start, end) = around(family);
                let first = chunk(&content("hello", family));
                Self::Idle {
                    start: [start, first].concat().into(),
                    end,
                }
            }
        }
    }
}

impl PacedEvent {
    fn new(bytes: usize, family: Family) -> Self {
        let mut text = format!("t={} ", "0".repeat(DIGITS));
        let fill = bytes.saturating_sub(text.len());
        text.push_str(&"x".repeat(fill));
        let bytes = chunk(&content(&text, family)).to_vec();
        let at = memchr::memmem::find(&bytes, b"t=000").expect("the text is in the event");
        Self {
            bytes,
            digits_at: at + 2,
        }
    }

    /// The event with this time.
    pub(super) fn at(&self, nanos: u64) -> Bytes {
        let mut bytes = self.bytes.clone();
        let digits = format!("{nanos:0DIGITS$}");
        bytes[self.digits_at..self.digits_at + DIGITS].copy_from_slice(digits.as_bytes());
        bytes.into()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { bytes } => write!(f, "plain-{bytes}"),
            Self::Events { count, bytes } => write!(f, "events-{count}-{bytes}"),
            Self::Burst { count, bytes } => write!(f, "burst-{count}-{bytes}"),
            Self::Paced {
                count,
                every_ms,
                bytes,
            } => write!(f, "paced-{count}-{every_ms}-{bytes}"),
            Self::Idle => f.write_str("idle"),
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split('-');
        let name = words.next().unwrap_or_default();
        let numbers = words
            .map(str::parse)
            .collect::<Result<Vec<usize>, _>>()
            .map_err(|_| format!("not a number in mode {text:?}"))?;
        let bytes = |index: usize| numbers.get(index).copied().unwrap_or(TEXT);
        let mode = match (name, numbers.len()) {
            ("plain", 0 | 1) => Self::Plain { bytes: bytes(0) },
            ("events", 1 | 2) => Self::Events {
                count: numbers[0],
                bytes: bytes(1),
            },
            ("burst", 1 | 2) => Self::Burst {
                count: numbers[0],
                bytes: bytes(1),
            },
            ("paced", 2 | 3) => Self::Paced {
                count: numbers[0],
                every_ms: numbers[1] as u64,
                bytes: bytes(2),
            },
            ("idle", 0) => Self::Idle,
            _ => return Err(format!("unknown mode {text:?}")),
        };
        Ok(mode)
    }
}

fn plain(bytes: usize, family: Family) -> Bytes {
    let knobs = Knobs {
        events: 1,
        bytes,
        ..Knobs::default()
    };
    let body = match family {
        Family::OpenAi => openai::chat_body(MODEL, &knobs),
        Family::Anthropic => anthropic::message_body(MODEL, &knobs),
    }
    .to_string();
    let head = ResponseHead::json(200).framed(Framing::Length(body.len() as u64));
    [head.to_http1(), body.into()].concat().into()
}

/// One piece per event; the head goes with the first, the last chunk with the last.
fn stream_pieces(count: usize, bytes: usize, family: Family) -> Vec<Bytes> {
    let around = stream(0, bytes, family).count();
    let mut pieces: Vec<Vec<u8>> = stream(count.saturating_sub(around), bytes, family)
        .map(|event| chunk(&event).to_vec())
        .collect();
    let head = ResponseHead::sse().to_http1();
    if let Some(first) = pieces.first_mut() {
        first.splice(0..0, head);
    }
    if let Some(last) = pieces.last_mut() {
        last.extend_from_slice(&last_chunk(&[]));
    }
    pieces.into_iter().map(Bytes::from).collect()
}

/// Head and events before the content; events after it and the last chunk.
fn around(family: Family) -> (Bytes, Bytes) {
    let events: Vec<Bytes> = stream(0, 0, family).map(|event| chunk(&event)).collect();
    let before = match family {
        Family::OpenAi => 1,
        Family::Anthropic => 3,
    };
    let (before, after) = events.split_at(before);
    let start = [&[ResponseHead::sse().to_http1()], before]
        .concat()
        .concat();
    let end = [after, &[last_chunk(&[])]].concat().concat();
    (start.into(), end.into())
}

fn stream(events: usize, bytes: usize, family: Family) -> EventStream {
    let knobs = Knobs {
        events,
        bytes,
        ..Knobs::default()
    };
    match family {
        Family::OpenAi => openai::chat_stream(MODEL, &knobs, false, false),
        Family::Anthropic => anthropic::message_stream(MODEL, &knobs),
    }
}

fn content(text: &str, family: Family) -> Bytes {
    match family {
        Family::OpenAi => {
            let delta = serde_json::json!({"content": text});
            openai::chat_frame(MODEL)(delta, serde_json::Value::Null)
        }
        Family::Anthropic => anthropic::content(text),
    }
}

const MODEL: &str = "volume";
const TEXT: usize = 24;
const DIGITS: usize = 19;
