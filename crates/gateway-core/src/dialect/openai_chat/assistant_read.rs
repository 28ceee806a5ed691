//! What a model said, in one piece: a message of the history, or the message of an answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::{self, WireCache};
use crate::chat::{Json, Part, PartKind, Signature, unsigned_id};
use crate::dialect::Dialect;
use crate::translate::TranslateError;

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// A client sends back what it was told.
    Client,
    /// A provider answers.
    Provider,
}

/// The members that only a model's message has.
#[derive(Deserialize, Default)]
pub(super) struct WireAssistant<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    /// The name that OpenRouter, Groq, Ollama and newer versions of vLLM give it.
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    thinking_blocks: Option<Vec<WireThinking>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<WireCall<'a>>>,
    #[serde(borrow)]
    function_call: Option<WireFunction<'a>>,
    #[serde(borrow)]
    annotations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    images: Option<Vec<content::WirePart<'a>>>,
    extra_content: Option<WireExtra>,
}

/// LiteLLM's shape of Anthropic's thinking.
#[derive(Deserialize)]
pub(super) struct WireThinking {
    #[serde(rename = "type")]
    kind: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    id: Option<String>,
    cache_control: Option<WireCache>,
}

#[derive(Deserialize)]
pub(super) struct WireCall<'a> {
    id: Option<String>,
    #[serde(borrow)]
    function: Option<WireFunction<'a>>,
    custom: Option<WireCustom>,
    extra_content: Option<WireExtra>,
    /// LiteLLM's place for the signature.
    provider_specific_fields: Option<WireGoogle>,
    cache_control: Option<WireCache>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    name: Option<String>,
    /// A string; some servers give the object itself.
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    /// Where LiteLLM keeps them as well.
    cache_control: Option<WireCache>,
    provider_specific_fields: Option<WireGoogle>,
}

#[derive(Deserialize)]
struct WireCustom {
    name: Option<String>,
    input: Option<String>,
}

/// Google's own place for what it adds:
/// <https://ai.google.dev/gemini-api/docs/thought-signatures#openai>.
#[derive(Deserialize, Default)]
pub(super) struct WireExtra {
    google: Option<WireGoogle>,
}

#[derive(Deserialize, Default)]
struct WireGoogle {
    thought_signature: Option<String>,
}

impl WireExtra {
    pub(super) fn signature(self, sender: Sender) -> Option<Signature> {
        Some(googles(self.google?.thought_signature?, sender))
    }
}

impl WireAssistant<'_> {
    /// Its parts: thoughts, then content, then calls; OpenAI's message knows no other order. `path` is where it stands.
    pub(super) fn parts(self, path: &str, sender: Sender) -> Result<Vec<Part>, TranslateError> {
        let mut parts = Vec::new();
        let reasoning = self.reasoning_content.or_else(|| string(self.reasoning));
        thinking(self.thinking_blocks, reasoning, sender, &mut parts);
        if let Some(raw) = self.content {
            content::read(raw, &format!("{path}.content"), sender, &mut parts)?;
        }
        for image in self.images.unwrap_or_default() {
            parts.push(image.part(&format!("{path}.images"), sender)?);
        }
        annotate(&mut parts, self.annotations.unwrap_or_default());
        sign_text(
            &mut parts,
            self.extra_content.and_then(|it| it.signature(sender)),
        );
        if let Some(text) = self.refusal.filter(|text| !text.is_empty()) {
            parts.push(Part::new(PartKind::Refusal { text }));
        }
        if let Some(audio) = self.audio {
            parts.push(Part::new(PartKind::Other {
                dialect: Dialect::OpenAiChat,
                json: audio_part(audio),
            }));
        }
        for (index, call) in self.tool_calls.unwrap_or_default().into_iter().enumerate() {
            parts.push(call.part(index, path, sender)?);
        }
        if let Some(call) = self.function_call {
            parts.push(call.part(&format!("{path}.function_call"))?);
        }
        Ok(parts)
    }
}

impl WireCall<'_> {
    fn part(self, index: usize, path: &str, sender: Sender) -> Result<Part, TranslateError> {
        let path = format!("{path}.tool_calls[{index}]");
        let missing =
            |what: &str| TranslateError::invalid(format!("{path}.{what}"), "it is missing");
        let id = match (self.id, sender) {
            (Some(id), _) => id,
            // Its client needs one for the result.
            (None, Sender::Provider) => format!("call_{index}"),
            (None, Sender::Client) => return Err(missing("id")),
        };
        let (own, in_id) = match sender {
            Sender::Client => unsigned_id(&id),
            Sender::Provider => (id.as_str(), None),
        };
        let extra = self.extra_content.and_then(|it| it.signature(sender));
        let (kind, cache) = match (self.function, self.custom) {
            (Some(function), _) => {
                let beside = self.provider_specific_fields;
                let beside = beside.or(function.provider_specific_fields);
                let beside = beside.and_then(|it| it.thought_signature);
                let kind = PartKind::ToolCall {
                    id: own.to_owned(),
                    name: function.name.ok_or_else(|| missing("function.name"))?,
                    arguments: text_or_json(function.arguments),
                    custom: false,
                    signature: extra.or(in_id).or(beside.map(|it| googles(it, sender))),
                };
                (kind, function.cache_control)
            }
            (None, Some(custom)) => {
                let kind = PartKind::ToolCall {
                    id: own.to_owned(),
                    name: custom.name.ok_or_else(|| missing("custom.name"))?,
                    arguments: custom.input.unwrap_or_default(),
                    custom: true,
                    signature: extra.or(in_id),
                };
                (kind, None)
            }
            (None, None) => return Err(missing("function")),
        };
        let cache = self.cache_control.or(cache).map(WireCache::marker);
        Ok(Part { kind, cache })
    }
}

impl WireFunction<'_> {
    /// As the one call of the time before there were several; it has no id.
    fn part(self, path: &str) -> Result<Part, TranslateError> {
        let name = self
            .name
            .ok_or_else(|| TranslateError::invalid(format!("{path}.name"), "it is missing"))?;
        Ok(Part::new(PartKind::ToolCall {
            id: legacy_id(&name),
            name,
            arguments: text_or_json(self.arguments),
            custom: false,
            signature: None,
        }))
    }
}

/// The id of a legacy call, which has none: its result has only the function's name, too.
pub(super) fn legacy_id(name: &str) -> String {
    format!("call_{name}")
}

fn thinking(
    blocks: Option<Vec<WireThinking>>,
    text: Option<String>,
    sender: Sender,
    parts: &mut Vec<Part>,
) {
    let blocks = blocks.unwrap_or_default();
    if blocks.is_empty() {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            parts.push(Part::new(PartKind::Thinking {
                text,
                signature: None,
                id: None,
            }));
        }
        return;
    }
    parts.extend(blocks.into_iter().filter_map(|block| block.part(sender)));
}

impl WireThinking {
    pub(super) fn part(self, sender: Sender) -> Option<Part> {
        let signed = |text: Option<String>| {
            let text = text.filter(|text| !text.is_empty())?;
            Some(signature(text, sender))
        };
        let kind = match (self.kind.as_deref(), self.data) {
            (Some("redacted_thinking"), data) => PartKind::RedactedThinking {
                signature: signed(data)?,
            },
            _ => PartKind::Thinking {
                text: self.thinking.unwrap_or_default(),
                signature: signed(self.signature),
                id: self.id,
            },
        };
        Some(Part {
            kind,
            cache: self.cache_control.map(WireCache::marker),
        })
    }
}

/// A proof as it came. One without the name of its maker may have come from another gateway at which the chat began,
/// so that nobody knows who made it.
pub(super) fn signature(value: String, sender: Sender) -> Signature {
    match sender {
        Sender::Provider => Signature {
            by: Some(Dialect::OpenAiChat),
            value,
        },
        Sender::Client => {
            let read = Signature::untagged(&value, Dialect::OpenAiChat);
            let by = read.by.filter(|_| read.value != value);
            Signature { by, ..read }
        }
    }
}

/// The same where Google's name stands beside it.
pub(super) fn googles(value: String, sender: Sender) -> Signature {
    let read = signature(value, sender);
    Signature {
        by: read.by.or(Some(Dialect::Gemini)),
        ..read
    }
}

/// Annotations speak of the text as a whole: they go to its last part.
fn annotate(parts: &mut [Part], annotations: Vec<&RawValue>) {
    let text = parts
        .iter_mut()
        .rev()
        .find_map(|part| match &mut part.kind {
            PartKind::Text { citations, .. } => Some(citations),
            _ => None,
        });
    if let Some(citations) = text {
        let read = annotations
            .into_iter()
            .map(|raw| (Dialect::OpenAiChat, Json::from(raw)));
        citations.extend(read);
    }
}

fn sign_text(parts: &mut [Part], proof: Option<Signature>) {
    let text = parts
        .iter_mut()
        .rev()
        .find_map(|part| match &mut part.kind {
            PartKind::Text { signature, .. } => Some(signature),
            _ => None,
        });
    if let (Some(place), Some(proof)) = (text, proof) {
        *place = Some(proof);
    }
}

/// Spoken output as a part that only this dialect knows.
fn audio_part(audio: &RawValue) -> Json {
    let text = format!(r#"{{"type":"audio","audio":{}}}"#, audio.get());
    Json::parse(text).unwrap_or_else(|| Json::from(audio))
}

/// The text of a string, or a value's JSON text.
pub(super) fn text_or_json(raw: Option<&RawValue>) -> String {
    string(raw).unwrap_or_else(|| raw.map(|it| it.get().to_owned()).unwrap_or_default())
}

fn string(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}
