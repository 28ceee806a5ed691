//! A provider's whole answer, and the items of its output.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::OWN;
use crate::body::Malformed;
use crate::chat::{Answer, Choice, Finish, FinishReason, Json, Part, PartKind, Signature};
use crate::json::object;
use crate::usage::Usage;

/// The response around the output.
#[derive(Deserialize)]
pub(super) struct Response<'a> {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    /// Some servers give fractions.
    created_at: Option<f64>,
    #[serde(borrow, default)]
    pub(super) output: Vec<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    pub(super) service_tier: Option<String>,
    incomplete_details: Option<Incomplete>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

/// One item of the output.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: Option<String>,
    pub(super) call_id: Option<String>,
    pub(super) name: Option<String>,
    arguments: Option<String>,
    input: Option<String>,
    #[serde(borrow, default)]
    content: Option<Vec<Content<'a>>>,
    summary: Option<Vec<Summary>>,
    encrypted_content: Option<String>,
}

#[derive(Deserialize)]
struct Summary {
    text: String,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
    annotations: Option<Vec<Json>>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
}

/// Reads a whole answer.
pub(super) fn read(text: &str) -> Result<Answer, Malformed> {
    let response: Response<'_> = object(text).ok_or(Malformed::NotJson)?;
    let mut parts = Vec::new();
    let mut tokens = Vec::new();
    for raw in &response.output {
        let item: Item<'_> = object(raw.get()).ok_or(Malformed::NotJson)?;
        tokens.extend(item.logprobs());
        parts.extend(item.parts(raw));
    }
    let logprobs = (!tokens.is_empty())
        .then(|| {
            Json::parse(format!(
                r#"{{"content":[{}],"refusal":null}}"#,
                tokens.join(",")
            ))
        })
        .flatten();
    let choice = Choice {
        finish: response.finish(Said::of(&parts)),
        parts,
        logprobs,
    };
    Ok(Answer {
        usage: response.usage(),
        created: response.created(),
        id: response.id,
        model: response.model,
        choices: vec![choice],
        service_tier: response.service_tier,
    })
}

/// What of an answer tells why it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Said {
    #[default]
    Text,
    Refusal,
    /// A call that the client answers.
    Call,
}

impl Said {
    pub(super) fn of(parts: &[Part]) -> Self {
        let said = parts.iter().map(|part| match part.kind {
            PartKind::ToolCall { .. } => Self::Call,
            PartKind::Refusal { .. } => Self::Refusal,
            _ => Self::Text,
        });
        said.fold(Self::Text, Self::and)
    }

    /// Calls tell more than a refusal, and that more than text.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Call, _) | (_, Self::Call) => Self::Call,
            (Self::Refusal, _) | (_, Self::Refusal) => Self::Refusal,
            _ => Self::Text,
        }
    }
}

impl Response<'_> {
    pub(super) fn created(&self) -> Option<u64> {
        // Whole seconds, far below what a float can hold.
        let seconds = self.created_at.filter(|it| (0.0..1e12).contains(it))?;
        format!("{seconds:.0}").parse().ok()
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage.map(Usage::read).unwrap_or_default()
    }

    pub(super) fn finish(&self, said: Said) -> Finish {
        let details = self.incomplete_details.as_ref();
        let reason = details.and_then(|it| it.reason.as_deref());
        let is_incomplete = self.status.as_deref() == Some("incomplete");
        match (reason, said) {
            (Some("content_filter"), _) => Finish::new(FinishReason::ContentFilter),
            (Some("max_output_tokens"), _) => Finish::new(FinishReason::Length),
            (reason, _) if is_incomplete => Finish {
                detail: reason.map(str::to_owned),
                ..Finish::new(FinishReason::Length)
            },
            (_, Said::Call) => Finish::new(FinishReason::ToolCalls),
            (_, Said::Refusal) => Finish::new(FinishReason::Refusal),
            (_, Said::Text) => Finish::new(FinishReason::Stop),
        }
    }
}

impl Item<'_> {
    /// What the item, whose JSON is `raw`, says.
    pub(super) fn parts(self, raw: &RawValue) -> Vec<Part> {
        match self.kind.as_str() {
            "message" => {
                let contents = self.content.unwrap_or_default();
                contents.into_iter().filter_map(Content::part).collect()
            }
            "reasoning" => {
                let text = self.thoughts();
                vec![Part::new(PartKind::Thinking {
                    text,
                    signature: self.signature(),
                    id: self.id,
                })]
            }
            "function_call" => vec![self.call("function_call")],
            "custom_tool_call" => vec![self.call("custom_tool_call")],
            _ => vec![Part::new(PartKind::Other {
                dialect: OWN,
                json: raw.into(),
            })],
        }
    }

    /// The summary of the thoughts, or the thoughts themselves where a model gives them.
    pub(super) fn thoughts(&self) -> String {
        let summary = self.summary.iter().flatten().map(|it| it.text.as_str());
        let summary: Vec<_> = summary.collect();
        if !summary.is_empty() {
            return summary.join(BETWEEN);
        }
        let contents = self.content.iter().flatten();
        contents.filter_map(|it| it.text.as_deref()).collect()
    }

    pub(super) fn signature(&self) -> Option<Signature> {
        let value = self.encrypted_content.as_ref().filter(|it| !it.is_empty());
        value.map(|value| Signature {
            by: Some(OWN),
            value: value.clone(),
        })
    }

    /// What a tool is called with.
    pub(super) fn argument(&self) -> &str {
        let text = self.arguments.as_deref().or(self.input.as_deref());
        text.unwrap_or_default()
    }

    fn call(self, kind: &str) -> Part {
        let arguments = self.argument().to_owned();
        Part::new(PartKind::ToolCall {
            id: self.call_id.or(self.id).unwrap_or_default(),
            name: self.name.unwrap_or_default(),
            arguments,
            custom: kind == "custom_tool_call",
            signature: None,
        })
    }

    fn logprobs(&self) -> impl Iterator<Item = String> {
        let contents = self.content.iter().flatten();
        contents.filter_map(|content| Some(inside(content.logprobs?)?.to_owned()))
    }
}

impl Content<'_> {
    fn part(self) -> Option<Part> {
        let kind = match self.kind.as_str() {
            "output_text" => {
                let annotations = self.annotations.unwrap_or_default();
                PartKind::Text {
                    text: self.text.unwrap_or_default(),
                    citations: annotations.into_iter().map(|it| (OWN, it)).collect(),
                    signature: None,
                }
            }
            "refusal" => PartKind::Refusal {
                text: self.refusal.unwrap_or_default(),
            },
            _ => return None,
        };
        Some(Part::new(kind))
    }
}

/// The elements of a list that has some.
pub(super) fn inside(list: &RawValue) -> Option<&str> {
    let inside = list.get().strip_prefix('[')?.strip_suffix(']')?.trim();
    (!inside.is_empty()).then_some(inside)
}

/// Between two parts of a summary.
pub(super) const BETWEEN: &str = "\n\n";
