//! Chunks of a chat completion, as far as a continuation must understand them.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{OTHER_CONTENT, REASONING, REFUSAL, SEVERAL, STRUCTURED, Said, TOOL_CALL};
use crate::envelope::{Envelope, Limits};
use crate::json::{is_filled, object};
use crate::usage::Count;

/// Why the answer to this request could not be continued in any case.
pub(super) fn is_ruled_out(request: &Envelope) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Format<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
    }

    if !matches!(request.field("n"), None | Some(b"null" | b"1")) {
        return Some(SEVERAL);
    }
    let is_set = |field: &&str| !matches!(request.field(field), None | Some(b"null"));
    let format = request
        .field("response_format")
        .and_then(|format| serde_json::from_slice::<Option<Format<'_>>>(format).ok());
    let is_text = match format {
        Some(Some(format)) => format.kind.as_deref() == Some("text"),
        Some(None) => true,
        None => !is_set(&"response_format"),
    };
    if !is_text || STRUCTURES.iter().any(is_set) {
        return Some(STRUCTURED);
    }
    is_set(&"audio").then_some(OTHER_CONTENT)
}

/// Other fields that force a structure on the answer: vLLM's, SGLang's and llama.cpp's.
const STRUCTURES: &[&str] = &[
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "json_schema",
    "grammar",
    "regex",
    "ebnf",
];

/// Reads the data of an event; `None` if it is not a chunk.
pub(super) fn read(data: &str) -> Option<Chunk<'_>> {
    let data = data.trim();
    if data == DONE {
        return Some(Chunk::DONE);
    }
    object(data)
}

pub(super) const DONE: &str = "[DONE]";

/// One chunk.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(skip)]
    pub(super) is_marker: bool,
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<Count>,
    delta: Option<Delta>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Default)]
struct Delta {
    text: String,
    has_role: bool,
    other: Option<&'static str>,
}

impl Chunk<'_> {
    const DONE: Self = Self {
        id: None,
        created: None,
        model: None,
        choices: None,
        usage: None,
        is_marker: true,
    };

    pub(super) fn said(&self) -> Said {
        if self.is_marker {
            return Said::End(String::new());
        }
        let choice = match self.choices.as_deref() {
            None | Some([]) => return Said::Nothing,
            Some([choice]) if choice.index.unwrap_or(Count(Some(0))).0 == Some(0) => choice,
            Some(_) => return Said::Else(SEVERAL),
        };
        if choice.message.is_some_and(is_filled) {
            return Said::Else(OTHER_CONTENT);
        }
        let text = self.text();
        match choice.delta.as_ref().and_then(|delta| delta.other) {
            Some(other) => Said::Else(other),
            None if choice.finish_reason.is_some_and(is_filled) => Said::End(text.to_owned()),
            None if text.is_empty() => Said::Nothing,
            None => Said::Text(text.to_owned()),
        }
    }

    /// The text of its only choice.
    pub(super) fn text(&self) -> &str {
        match self.choices.as_deref() {
            Some([choice]) => choice.delta.as_ref().map_or("", |delta| &delta.text),
            _ => "",
        }
    }

    /// Whether it reports the cost of the answer.
    pub(super) fn has_usage(&self) -> bool {
        self.usage.is_some_and(is_filled)
    }

    fn has_role(&self) -> bool {
        self.choices
            .iter()
            .flatten()
            .any(|choice| choice.delta.as_ref().is_some_and(|delta| delta.has_role))
    }
}

/// What every chunk of one stream says of itself, as JSON texts.
#[derive(Default)]
pub(super) struct Head {
    id: Option<Box<str>>,
    created: Option<Box<str>>,
    model: Option<Box<str>>,
}

impl Head {
    /// Keeps what the first chunks say.
    pub(super) fn remember(&mut self, chunk: &Chunk<'_>) {
        for (kept, found) in [
            (&mut self.id, chunk.id),
            (&mut self.created, chunk.created),
            (&mut self.model, chunk.model),
        ] {
            if kept.is_none() {
                *kept = found
                    .map(RawValue::get)
                    .filter(|json| json.len() <= MAX_HEAD)
                    .map(Into::into);
            }
        }
    }

    /// The chunk as one of this stream: under its id, without a role, and with `text` for the text of its only choice.
    /// `None` if the chunk cannot be edited; it is then as good as it is.
    pub(super) fn adopt(&self, data: &str, chunk: &Chunk<'_>, text: &str) -> Option<Vec<u8>> {
        let envelope = parse(data.trim())?;
        let mut edit = envelope.edit();
        for (key, kept) in [
            ("id", &self.id),
            ("created", &self.created),
            ("model", &self.model),
        ] {
            if let (Some(kept), Some(_)) = (kept, envelope.field(key)) {
                edit.set(key, kept.as_bytes());
            }
        }
        if chunk.has_role() || chunk.text() != text {
            let choices = std::str::from_utf8(envelope.field("choices")?).ok()?;
            let only = choices.strip_prefix('[')?.strip_suffix(']')?.trim();
            let choice = parse(only)?;
            let delta = parse(std::str::from_utf8(choice.field("delta")?).ok()?)?;
            let mut delta = delta.edit();
            delta.remove("role");
            if chunk.text() != text {
                delta.set_string("content", text);
            }
            let mut choice = choice.edit();
            choice.set("delta", delta.finish());
            edit.set("choices", [b"[", &choice.finish()[..], b"]"].concat());
        }
        Some([b"data: ", &edit.finish()[..], b"\n\n"].concat())
    }
}

fn parse(json: &str) -> Option<Envelope> {
    Envelope::parse(Bytes::copy_from_slice(json.as_bytes()), Limits::default()).ok()
}

/// In bytes; ids and names of models are far below.
const MAX_HEAD: usize = 512;

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DeltaVisitor;

        impl<'de> Visitor<'de> for DeltaVisitor {
            type Value = Delta;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a delta")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delta, A::Error> {
                let mut delta = Delta::default();
                while let Some((key, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    match (&*key, is_filled(value)) {
                        ("role", _) => delta.has_role = true,
                        (_, false) => {}
                        ("content", true) => match serde_json::from_str::<String>(value.get()) {
                            Ok(text) => delta.text = text,
                            Err(_) => delta.other = Some(OTHER_CONTENT),
                        },
                        ("tool_calls" | "function_call", true) => delta.other = Some(TOOL_CALL),
                        ("refusal", true) => delta.other = Some(REFUSAL),
                        ("reasoning" | "reasoning_content" | "reasoning_details", true) => {
                            delta.other = Some(REASONING);
                        }
                        (_, true) => delta.other = Some(OTHER_CONTENT),
                    }
                }
                Ok(delta)
            }
        }

        deserializer.deserialize_map(DeltaVisitor)
    }
}
