//! Google's answers as they are read: a whole one, and each event of a stream, which has the same shape.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::usage::{Count, Usage};

/// A `GenerateContentResponse`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow)]
    pub(super) prompt_feedback: Option<PromptFeedback<'a>>,
    pub(super) usage_metadata: Option<UsageMetadata>,
    #[serde(borrow)]
    pub(super) model_version: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) response_id: Option<Text<'a>>,
}

/// One of the answers, or a piece of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Candidate<'a> {
    pub(super) index: Count,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) finish_message: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) citation_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) logprobs_result: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<Part<'a>>>,
}

/// Why a prompt was not answered.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PromptFeedback<'a> {
    #[serde(borrow)]
    pub(super) block_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) block_reason_message: Option<Text<'a>>,
}

/// A piece of content. What is not known of it is kept.
#[derive(Debug, Default)]
pub(super) struct Part<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) thought: bool,
    pub(super) signature: Option<Cow<'a, str>>,
    pub(super) call: Option<FunctionCall<'a>>,
    pub(super) inline: Option<Blob<'a>>,
    pub(super) file: Option<FileData<'a>>,
    pub(super) response: Option<FunctionResponse<'a>>,
    /// Every other member.
    pub(super) rest: Vec<(Cow<'a, str>, &'a RawValue)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
    /// Arguments by path, of calls whose arguments were asked for in pieces.
    #[serde(borrow, alias = "partial_args")]
    pub(super) partial_args: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    #[serde(borrow, alias = "mime_type")]
    pub(super) mime_type: Text<'a>,
    #[serde(borrow)]
    pub(super) data: Text<'a>,
    #[serde(borrow, alias = "display_name")]
    pub(super) display_name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(borrow, alias = "mime_type")]
    pub(super) mime_type: Option<Text<'a>>,
    #[serde(borrow, alias = "file_uri")]
    pub(super) file_uri: Text<'a>,
    #[serde(borrow, alias = "display_name")]
    pub(super) display_name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionResponse<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) parts: Option<Vec<Part<'a>>>,
}

/// What an answer cost. Tokens of tools that the provider ran are part of the prompt, those of thoughts are not part of
/// the candidates.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct UsageMetadata {
    prompt_token_count: Count,
    candidates_token_count: Count,
    cached_content_token_count: Count,
    thoughts_token_count: Count,
    tool_use_prompt_token_count: Count,
}

impl From<UsageMetadata> for Usage {
    fn from(it: UsageMetadata) -> Self {
        Self {
            input_tokens: sum(it.prompt_token_count.0, it.tool_use_prompt_token_count.0),
            output_tokens: sum(it.candidates_token_count.0, it.thoughts_token_count.0),
            cache_read_tokens: it.cached_content_token_count.0,
            reasoning_tokens: it.thoughts_token_count.0,
            ..Self::default()
        }
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

/// A JSON string, read where it lies if it has no escapes. `null` is an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Part<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;

        impl<'de> Visitor<'de> for PartVisitor {
            type Value = Part<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a part")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part<'de>, A::Error> {
                let mut part = Part::default();
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        "text" => part.text = map.next_value::<Option<Text<'de>>>()?.map(|it| it.0),
                        "thought" => part.thought = map.next_value::<Option<bool>>()? == Some(true),
                        "thoughtSignature" | "thought_signature" => {
                            part.signature = map.next_value::<Option<Text<'de>>>()?.map(|it| it.0);
                        }
                        "functionCall" | "function_call" => part.call = map.next_value()?,
                        "inlineData" | "inline_data" => part.inline = map.next_value()?,
                        "fileData" | "file_data" => part.file = map.next_value()?,
                        "functionResponse" | "function_response" => {
                            part.response = map.next_value()?;
                        }
                        // They describe the part for nobody but Google.
                        "partMetadata" | "part_metadata" => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        _ => part.rest.push((key, map.next_value()?)),
                    }
                }
                Ok(part)
            }
        }

        deserializer.deserialize_map(PartVisitor)
    }
}

impl Part<'_> {
    /// The members that are not known, as an object; `None` if there are none.
    pub(super) fn other(&self) -> Option<String> {
        if self.rest.is_empty() {
            return None;
        }
        let members: Vec<String> = self
            .rest
            .iter()
            .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(&**key)))
            .collect();
        Some(format!("{{{}}}", members.join(",")))
    }
}

/// The text, if there is one and it is not empty.
pub(super) fn filled<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
    text.as_ref().map(|it| &*it.0).filter(|it| !it.is_empty())
}
