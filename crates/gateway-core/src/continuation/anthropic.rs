//! Events of Anthropic's messages, as far as a continuation must understand them.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{OTHER_CONTENT, REASONING, SEVERAL, STRUCTURED, Said, TOOL_CALL};
use crate::envelope::{Envelope, Limits};
use crate::json::{is_filled, object};

/// Why the answer to this request could not be continued in any case.
pub(super) fn is_ruled_out(request: &Envelope) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Thinking<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
    }

    #[derive(Deserialize)]
    struct Output<'a> {
        #[serde(borrow)]
        format: Option<&'a RawValue>,
    }

    let is_set = |field| !matches!(request.field(field), None | Some(b"null"));
    if is_set("thinking") {
        let thinking = request
            .field("thinking")
            .and_then(|thinking| serde_json::from_slice::<Thinking<'_>>(thinking).ok());
        if thinking.is_none_or(|thinking| thinking.kind.as_deref() != Some("disabled")) {
            return Some(REASONING);
        }
    }
    let output = request
        .field("output_config")
        .map(serde_json::from_slice::<Option<Output<'_>>>);
    let is_structured = match output {
        None | Some(Ok(None)) => false,
        Some(Ok(Some(output))) => output.format.is_some_and(is_filled),
        Some(Err(_)) => true,
    };
    (is_structured || is_set("output_format")).then_some(STRUCTURED)
}

/// Reads an event; `None` if its data is not a JSON object that can be one of the dialect.
pub(super) fn read<'a>(name: Option<&'a str>, data: &'a str) -> Option<Frame<'a>> {
    let fields: Fields<'_> = object(data)?;
    let kind = match (name, &fields.kind) {
        (Some(name), _) => Cow::Borrowed(name),
        (None, Some(kind)) => Cow::Owned(kind.clone().into_owned()),
        (None, None) => Cow::Borrowed(""),
    };
    Some(Frame { kind, fields })
}

/// One event.
pub(super) struct Frame<'a> {
    kind: Cow<'a, str>,
    fields: Fields<'a>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    index: Option<u64>,
    #[serde(borrow)]
    content_block: Option<Part<'a>>,
    #[serde(borrow)]
    delta: Option<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
}

impl Frame<'_> {
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// Which content block it belongs to.
    pub(super) fn index(&self) -> u64 {
        self.fields.index.unwrap_or(0)
    }

    /// The text of its block or delta, if it is one of text.
    pub(super) fn text(&self) -> Option<&str> {
        let (part, kind) = match &*self.kind {
            "content_block_start" => (&self.fields.content_block, "text"),
            "content_block_delta" => (&self.fields.delta, "text_delta"),
            _ => return None,
        };
        let part = part.as_ref()?;
        (part.kind.as_deref() == Some(kind)).then(|| part.text.as_deref().unwrap_or_default())
    }

    fn part_kind(&self) -> &str {
        [&self.fields.content_block, &self.fields.delta]
            .into_iter()
            .flatten()
            .find_map(|part| part.kind.as_deref())
            .unwrap_or_default()
    }

    fn stops(&self) -> bool {
        self.fields
            .delta
            .as_ref()
            .and_then(|delta| delta.stop_reason)
            .is_some_and(is_filled)
    }
}

/// The one block of text that an answer may have.
#[derive(Default)]
pub(super) struct Block(Option<u64>);

impl Block {
    /// Its index, if it was begun.
    pub(super) const fn index(&self) -> Option<u64> {
        self.0
    }

    /// Notes what the event does to the block, and tells what it adds to the text.
    pub(super) fn follow(&mut self, frame: &Frame<'_>) -> Said {
        match (frame.kind(), frame.text()) {
            ("content_block_start", _) if self.0.is_some() => Said::Else(SEVERAL),
            ("content_block_start", Some(text)) => {
                self.0 = Some(frame.index());
                Said::Text(text.to_owned())
            }
            ("content_block_delta", Some(text)) if self.0 == Some(frame.index()) => {
                Said::Text(text.to_owned())
            }
            ("content_block_start" | "content_block_delta", _) => {
                Said::Else(match frame.part_kind() {
                    "thinking" | "redacted_thinking" | "thinking_delta" | "signature_delta" => {
                        REASONING
                    }
                    "tool_use" | "server_tool_use" | "mcp_tool_use" | "input_json_delta" => {
                        TOOL_CALL
                    }
                    _ => OTHER_CONTENT,
                })
            }
            ("content_block_stop" | "message_stop", _) => Said::End(String::new()),
            ("message_delta", _) if frame.stops() => Said::End(String::new()),
            _ => Said::Nothing,
        }
    }
}

/// The event with another index, and as a delta with this text if one is given. `None` if it cannot be edited.
pub(super) fn adopt(data: &str, kind: &str, index: u64, text: Option<&str>) -> Option<Vec<u8>> {
    let envelope = parse(data)?;
    let mut edit = envelope.edit();
    edit.set("index", index.to_string());
    if let Some(text) = text {
        let delta = parse(std::str::from_utf8(envelope.field("delta")?).ok()?)?;
        let mut delta = delta.edit();
        delta.set_string("text", text);
        edit.set("delta", delta.finish());
    }
    Some(event(kind, &edit.finish()))
}

/// A delta of text, from nothing.
pub(super) fn text_delta(index: u64, text: &str) -> Vec<u8> {
    let kind = "content_block_delta";
    let delta = serde_json::json!({"type": "text_delta", "text": text});
    let data = serde_json::json!({"type": kind, "index": index, "delta": delta});
    event(kind, data.to_string().as_bytes())
}

/// The end of a block, from nothing.
pub(super) fn block_stop(index: u64) -> Vec<u8> {
    let kind = "content_block_stop";
    let data = serde_json::json!({"type": kind, "index": index});
    event(kind, data.to_string().as_bytes())
}

fn event(kind: &str, data: &[u8]) -> Vec<u8> {
    [b"event: ", kind.as_bytes(), b"\ndata: ", data, b"\n\n"].concat()
}

fn parse(json: &str) -> Option<Envelope> {
    Envelope::parse(Bytes::copy_from_slice(json.as_bytes()), Limits::default()).ok()
}
