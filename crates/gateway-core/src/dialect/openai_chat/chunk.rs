//! One chunk of a provider's stream: <https://platform.openai.com/docs/api-reference/chat-streaming>.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::assistant_read::{WireExtra, WireThinking};
use crate::json::Text;
use crate::usage::Count;

#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
    pub(super) created: Option<Count>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<WireChoice<'a>>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) service_tier: Option<Text<'a>>,
    /// Perplexity's; the same in every chunk.
    #[serde(borrow)]
    pub(super) search_results: Option<&'a RawValue>,
    /// Groq's place for the usage.
    #[serde(borrow)]
    pub(super) x_groq: Option<Vendor<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Vendor<'a> {
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct WireChoice<'a> {
    pub(super) index: Option<Count>,
    #[serde(borrow)]
    pub(super) delta: Option<WireDelta<'a>>,
    /// Some servers send a whole message in place of a delta.
    #[serde(borrow)]
    pub(super) message: Option<WireDelta<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
    /// Moonshot's place for the usage.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct WireDelta<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<Text<'a>>,
    /// The name that OpenRouter, Groq, Ollama and newer versions of vLLM give it.
    #[serde(borrow)]
    pub(super) reasoning: Option<&'a RawValue>,
    pub(super) thinking_blocks: Option<Vec<WireThinking>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) annotations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<WireCall<'a>>>,
    #[serde(borrow)]
    pub(super) function_call: Option<WireFunction<'a>>,
    #[serde(borrow)]
    pub(super) images: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
pub(super) struct WireCall<'a> {
    pub(super) index: Option<Count>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) function: Option<WireFunction<'a>>,
    #[serde(borrow)]
    pub(super) custom: Option<WireCustom<'a>>,
    pub(super) extra_content: Option<WireExtra>,
}

#[derive(Deserialize)]
pub(super) struct WireFunction<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    /// A string; some servers give the object itself.
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct WireCustom<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) input: Option<Text<'a>>,
}

/// A text, or Mistral's list of texts and thoughts.
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<WirePart<'a>>),
}

#[derive(Deserialize)]
pub(super) struct WirePart<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    pub(super) thinking: Option<Vec<WireThought>>,
}

#[derive(Deserialize)]
pub(super) struct WireThought {
    pub(super) text: Option<String>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;

        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Content<'de>, E> {
                Ok(Content::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Content<'de>, E> {
                Ok(Content::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content<'de>, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = seq.next_element()? {
                    parts.push(part);
                }
                Ok(Content::Parts(parts))
            }
        }

        deserializer.deserialize_any(ContentVisitor)
    }
}

/// The text of a JSON string, or a value's own text.
pub(super) fn text_of(raw: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<Text<'_>>(raw.get()) {
        Ok(text) => text.0,
        Err(_) if raw.get() == "null" => Cow::Borrowed(""),
        Err(_) => Cow::Borrowed(raw.get()),
    }
}
