//! What the OpenAI dialects share: error shape, chunks, observer.

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Dialect;
use crate::error::{ErrorInfo, ErrorKind, read_upstream_error};
use crate::json::{is_filled, object};
use crate::observe::Seen;
use crate::quick::{Key, is_object_like, key};
use crate::sse::Event;
use crate::usage::{Count, Usage};

pub(super) const HEARTBEAT: &[u8] = b": keep-alive\n\n";
pub(super) const ERROR_EVENT_HEAD: &[u8] = b"data: ";
const DONE: &[u8] = b"data: [DONE]\n\n";

/// `{"error":{"message","type","param","code"}}`: SDKs raise on the top-level `error` object, as an answer and in a
/// stream. `code` is the status as a string unless the upstream gave one, as LiteLLM has it.
pub(super) fn write_error(error: &ErrorInfo) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }

    #[derive(Serialize)]
    struct Inner<'a> {
        message: &'a str,
        r#type: &'static str,
        param: Option<&'a str>,
        code: &'a str,
    }

    let status = Dialect::OpenAiChat.status(error).to_string();
    let inner = Inner {
        message: &error.message,
        r#type: error.kind.openai_type(),
        param: error.param.as_deref(),
        code: error.code.as_deref().unwrap_or(&status),
    };
    serde_json::to_vec(&Body { error: inner }).expect("strings and options always serialize")
}

/// Watches one stream of chunks.
#[derive(Debug)]
pub(crate) struct OpenAiObserver {
    dialect: Dialect,
    usage: Usage,
    /// Content, or a finish reason, was seen.
    started: bool,
    done: bool,
    choices: ChoiceSet,
}

impl OpenAiObserver {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            usage: Usage::default(),
            started: false,
            done: false,
            choices: ChoiceSet::default(),
        }
    }

    /// Tells how many choices the request asked for, so that a stream in which one of them never began is not taken
    /// for complete.
    pub(crate) fn expect_choices(&mut self, count: u64) {
        self.choices.expect(count);
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) -> Seen {
        if !event.has_data() {
            return match event.name() {
                Some("error") => Seen::Error(unreadable_error()),
                _ => Seen::Other,
            };
        }
        let data = event.data();
        let data = data.trim();
        if self.choices.saw_first() && event.name().is_none() && is_plain_content(data) {
            self.started = true;
            return Seen::Content;
        }
        if data == "[DONE]" {
            self.done = true;
            return Seen::Terminal;
        }
        if event.name() == Some("error") {
            return Seen::Error(self.error(data));
        }
        let Some(chunk) = object::<Chunk<'_>>(data) else {
            return Seen::Malformed;
        };
        if chunk.error.is_some_and(is_filled)
            || chunk
                .object
                .is_some_and(|object| object.get() == r#""error""#)
        {
            return Seen::Error(self.error(data));
        }
        self.chunk(&chunk)
    }

    pub(crate) const fn usage(&self) -> Usage {
        self.usage
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.done || self.choices.all_finished()
    }

    /// Whether the stream is complete by its finish reasons and the marker is missing.
    pub(crate) fn lacks_marker(&self) -> bool {
        !self.done && self.choices.all_finished()
    }

    pub(crate) const fn marker() -> Bytes {
        Bytes::from_static(DONE)
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) -> Seen {
        let in_vendor_part = chunk.x_groq.as_ref().and_then(|vendor| vendor.usage);
        for usage in [in_vendor_part, chunk.usage].into_iter().flatten() {
            self.usage.merge(Usage::read(usage));
        }
        let Some(choices) = &chunk.choices else {
            return Seen::Other;
        };
        self.usage.merge(choices.usage);
        self.choices.merge(choices.set);
        if choices.content || choices.set.finished != 0 {
            self.started = true;
            return Seen::Content;
        }
        if self.started {
            Seen::Other
        } else {
            Seen::Preamble
        }
    }

    fn error(&self, data: &str) -> ErrorInfo {
        read_upstream_error(data, self.dialect.in_band()).unwrap_or_else(unreadable_error)
    }
}

/// Whether a chunk has text for the first choice, and nothing else that counts. When in doubt, no.
fn is_plain_content(data: &str) -> bool {
    static CONTENT: Key = key!("content");
    static TEXT: Key = key!("text");
    static FINISH: Key = key!("finish_reason");
    static USAGE: Key = key!("usage");
    static ERROR: Key = key!("error");
    static INDEX: Key = key!("index");
    is_object_like(data)
        && (CONTENT.has_text(data) || TEXT.has_text(data))
        && INDEX.is_only(data, b'0')
        && ![&FINISH, &USAGE, &ERROR].iter().any(|key| key.is_set(data))
}

/// For an error event whose data nobody can read, and which may hold anything.
pub(super) fn unreadable_error() -> ErrorInfo {
    ErrorInfo::new(
        ErrorKind::Upstream,
        "The provider ended the stream with an error.",
    )
}

/// Which choices of the first 128 were seen, and which have their finish reason. OpenAI allows 128 choices.
#[derive(Debug, Clone, Copy, Default)]
struct ChoiceSet {
    seen: u128,
    finished: u128,
    /// An index beyond what is tracked was seen: then only the marker tells the end.
    untracked: bool,
}

impl ChoiceSet {
    fn add(&mut self, index: Option<u64>, finished: bool) {
        match index
            .and_then(|index| u32::try_from(index).ok())
            .and_then(|index| 1u128.checked_shl(index))
        {
            Some(bit) => {
                self.seen |= bit;
                self.finished |= if finished { bit } else { 0 };
            }
            None => self.untracked = true,
        }
    }

    fn expect(&mut self, count: u64) {
        match u32::try_from(count)
            .ok()
            .and_then(|count| 1u128.checked_shl(count))
        {
            Some(next) => self.seen |= next - 1,
            None if count == 128 => self.seen = u128::MAX,
            None => self.untracked = true,
        }
    }

    fn merge(&mut self, other: Self) {
        self.seen |= other.seen;
        self.finished |= other.finished;
        self.untracked |= other.untracked;
    }

    fn saw_first(&self) -> bool {
        self.seen & 1 == 1
    }

    fn all_finished(&self) -> bool {
        self.finished != 0 && self.finished == self.seen && !self.untracked
    }
}

/// The members of a chunk that say something to the gateway. All others are skipped.
#[derive(Deserialize)]
struct Chunk<'a> {
    choices: Option<Choices>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    x_groq: Option<Vendor<'a>>,
}

#[derive(Deserialize)]
struct Vendor<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// The `choices` of one chunk, summed up while they are parsed: no list is built.
#[derive(Default)]
struct Choices {
    set: ChoiceSet,
    content: bool,
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<Count>,
    delta: Option<Delta>,
    /// Some servers send a whole message in place of a delta.
    message: Option<Delta>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoicesVisitor;

        impl<'de> Visitor<'de> for ChoicesVisitor {
            type Value = Choices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of choices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Choices, A::Error> {
                let mut sum = Choices::default();
                while let Some(choice) = seq.next_element::<Choice<'de>>()? {
                    let index = choice.index.map_or(Some(0), |index| index.0);
                    sum.set
                        .add(index, choice.finish_reason.is_some_and(is_filled));
                    sum.content |= [&choice.delta, &choice.message]
                        .into_iter()
                        .flatten()
                        .any(|delta| delta.filled)
                        || choice.text.is_some_and(is_filled);
                    sum.usage
                        .merge(choice.usage.map(Usage::read).unwrap_or_default());
                }
                Ok(sum)
            }
        }

        deserializer.deserialize_seq(ChoicesVisitor)
    }
}

/// Whether a delta says anything besides its role. Unknown members count: they are somebody's new kind of content.
struct Delta {
    filled: bool,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum DeltaKey {
    Role,
    #[serde(other)]
    Content,
}

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DeltaVisitor;

        impl<'de> Visitor<'de> for DeltaVisitor {
            type Value = Delta;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a delta")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delta, A::Error> {
                let mut filled = false;
                while let Some((key, value)) = map.next_entry::<DeltaKey, &'de RawValue>()? {
                    filled |= matches!(key, DeltaKey::Content) && is_filled(value);
                }
                Ok(Delta { filled })
            }
        }

        deserializer.deserialize_map(DeltaVisitor)
    }
}
