//! Anthropic's messages: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

mod answer;
mod back;
mod blocks;
mod citations;
mod format_tool;
mod front;
mod mock;
mod parts;
mod stream_reader;
mod stream_writer;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Dialect, Wire};
use crate::body::AnswerShape;
use crate::error::{ErrorInfo, ErrorKind, read_error_event};
use crate::json::{is_filled, object};
use crate::observe::{Observe, Seen, StreamObserver};
use crate::quick::{Key, is_object_like, key};
use crate::sse::Event;
use crate::usage::Usage;

/// What clients of other dialects may say in its own words.
pub(super) const OWN_FIELDS: &[(&str, &str)] = &[
    ("container", "container"),
    ("inference_geo", "inference_geo"),
    ("mcp_servers", "mcp_servers"),
];

pub(super) static WIRE: Wire = Wire {
    name: "anthropic_messages",
    heartbeat: b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
    write_error,
    // SDKs do not see the error without the name.
    error_event_head: b"event: error\ndata: ",
    observer: || StreamObserver::new(AnthropicObserver::default()),
    mock_answer: mock::message,
    answer: AnswerShape::Content,
    front: Some(&front::FRONT),
    back: Some(&back::BACK),
};

/// `{"type":"error","error":{"type","message"},"request_id"}`, the same as an answer and in a stream. A prompt that is too
/// long has no type of its own: clients know it by Anthropic's words, and shorten the conversation, so those go before
/// what another provider said.
pub(super) fn write_error(error: &ErrorInfo) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        r#type: &'static str,
        error: Inner<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<&'a str>,
    }

    #[derive(Serialize)]
    struct Inner<'a> {
        r#type: &'static str,
        message: Cow<'a, str>,
    }

    let inner = Inner {
        r#type: error.kind.anthropic_type(),
        message: match error.kind {
            ErrorKind::ContextWindow if !TOO_LONG.iter().any(|own| error.message.contains(own)) => {
                format!("{}: {}", TOO_LONG[0], error.message).into()
            }
            _ => error.message.as_str().into(),
        },
    };
    let body = Body {
        r#type: "error",
        error: inner,
        request_id: error.request_id.as_deref(),
    };
    serde_json::to_vec(&body).expect("strings and options always serialize")
}

/// Whether a delta has text of one of the usual kinds. When in doubt, no.
fn is_filled_delta(data: &str) -> bool {
    static TEXT: Key = key!("text");
    static JSON: Key = key!("partial_json");
    static THINKING: Key = key!("thinking");
    is_object_like(data)
        && [&TEXT, &JSON, &THINKING]
            .iter()
            .any(|key| key.has_text(data))
}

/// Watches one stream of named events.
#[derive(Debug, Default)]
struct AnthropicObserver {
    usage: Usage,
    started: bool,
    stopped: bool,
}

impl Observe for AnthropicObserver {
    fn event(&mut self, event: &Event<'_>) -> Seen {
        let data = event.data();
        if event.name() == Some("error") {
            return Seen::Error(error(&data));
        }
        if !event.has_data() {
            return Seen::Other;
        }
        if self.started && event.name() == Some("content_block_delta") && is_filled_delta(&data) {
            return Seen::Content;
        }
        let Some(frame) = object::<Frame<'_>>(&data) else {
            return Seen::Malformed;
        };
        // An error without its `event:` line is still one, though SDKs would not see it.
        if frame.is("error") {
            return Seen::Error(error(&data));
        }
        let name = event
            .name()
            .or_else(|| frame.kind.and_then(plain_string))
            .unwrap_or_default();
        self.frame(name, &frame)
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn is_complete(&self) -> bool {
        self.stopped
    }
}

impl AnthropicObserver {
    fn frame(&mut self, name: &str, frame: &Frame<'_>) -> Seen {
        match name {
            "content_block_delta" => {
                let filled = frame.delta.as_ref().is_some_and(|delta| delta.filled);
                self.content_if(filled)
            }
            "content_block_start" => {
                let filled = frame
                    .content_block
                    .as_ref()
                    .is_some_and(|block| block.filled || !block.is_text);
                self.content_if(filled)
            }
            "message_start" => {
                if let Some(usage) = frame.message.as_ref().and_then(|message| message.usage) {
                    self.usage.merge(Usage::read(usage));
                }
                self.content_if(false)
            }
            "message_delta" => {
                if let Some(usage) = frame.usage {
                    self.usage.merge(Usage::read(usage));
                }
                // A message that stops without having said anything is complete, not empty.
                let stops = frame.delta.as_ref().is_some_and(|delta| delta.stop_reason);
                if stops && !self.started {
                    self.content_if(true)
                } else {
                    Seen::Other
                }
            }
            "message_stop" => {
                self.stopped = true;
                Seen::Terminal
            }
            _ => Seen::Other,
        }
    }

    fn content_if(&mut self, filled: bool) -> Seen {
        Seen::content_if(filled, &mut self.started)
    }
}

fn error(data: &str) -> ErrorInfo {
    read_error_event(Dialect::AnthropicMessages, data)
}

/// The members of any event that say something to the gateway.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<Message<'a>>,
    content_block: Option<Parts>,
    delta: Option<Parts>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl Frame<'_> {
    fn is(&self, kind: &str) -> bool {
        self.kind.and_then(plain_string) == Some(kind)
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// What a `delta` or `content_block` says.
#[derive(Default)]
struct Parts {
    /// Anything besides its type.
    filled: bool,
    is_text: bool,
    stop_reason: bool,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum PartKey {
    Type,
    StopReason,
    #[serde(other)]
    Content,
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartsVisitor;

        impl<'de> Visitor<'de> for PartsVisitor {
            type Value = Parts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a delta or a content block")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
                let mut parts = Parts::default();
                while let Some((key, value)) = map.next_entry::<PartKey, &'de RawValue>()? {
                    match key {
                        PartKey::Type => parts.is_text = value.get() == r#""text""#,
                        PartKey::StopReason => parts.stop_reason = is_filled(value),
                        PartKey::Content => parts.filled |= is_filled(value),
                    }
                }
                Ok(parts)
            }
        }

        deserializer.deserialize_map(PartsVisitor)
    }
}

/// The text of a JSON string without escapes; event names have none.
fn plain_string(raw: &RawValue) -> Option<&str> {
    raw.get().strip_prefix('"')?.strip_suffix('"')
}

/// What Anthropic says of a prompt that is too long, by itself and with the answer that is wanted.
const TOO_LONG: [&str; 2] = ["prompt is too long", "exceed context limit"];

#[cfg(test)]
mod tests;
