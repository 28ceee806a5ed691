//! What a model answers, in one piece.

use std::borrow::Cow;

use super::{Delta, Json, Opened, Part, PartKind};
use crate::usage::Usage;

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The provider's id for it.
    pub id: Option<String>,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// When it was made, in seconds of Unix time.
    pub created: Option<u64>,
    /// One, or as many as were asked for.
    pub choices: Vec<Choice>,
    /// What it cost; the input counts what came from a cache and what went into one.
    pub usage: Usage,
    /// The tier that served it.
    pub service_tier: Option<String>,
}

/// One of the answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What was said, in order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub finish: Finish,
    /// The tokens' probabilities, in OpenAI's shape.
    pub logprobs: Option<Json>,
}

/// Why a choice ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The reason.
    pub reason: FinishReason,
    /// The stop sequence that was found, where the provider says it.
    pub stop_sequence: Option<String>,
    /// The provider's own words, where they say more.
    pub detail: Option<String>,
}

/// Why a choice ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// It had come to its end, or to a stop sequence.
    Stop,
    /// The token limit.
    Length,
    /// The model waits for the results of its tool calls.
    ToolCalls,
    /// A filter stopped it.
    ContentFilter,
    /// The model will not.
    Refusal,
    /// The provider paused a long turn; sending the answer back goes on.
    Pause,
    /// The context window is full.
    ContextWindow,
    /// The model failed: a tool call that cannot be read, an answer that repeats what it was told.
    Failed,
}

impl Answer {
    /// The answer as the stream that would have brought it.
    pub(crate) fn replay(&self, sink: &mut dyn FnMut(Delta<'_>)) {
        sink(Delta::Begin {
            id: self.id.as_deref().map(Cow::Borrowed),
            model: self.model.as_deref().map(Cow::Borrowed),
            created: self.created,
        });
        for (choice, answer) in (0..).zip(&self.choices) {
            for (part, it) in (0..).zip(&answer.parts) {
                it.replay((choice, part), sink);
            }
            if let Some(json) = &answer.logprobs {
                let json = json.clone();
                sink(Delta::Logprobs { choice, json });
            }
            let finish = answer.finish.clone();
            sink(Delta::Finish { choice, finish });
        }
        if let Some(tier) = &self.service_tier {
            sink(Delta::ServiceTier(Cow::Borrowed(tier)));
        }
        sink(Delta::Usage(self.usage));
    }
}

impl Part {
    /// The part of this number in this choice, as the steps that would have brought it.
    pub(crate) fn replay(&self, (choice, part): (u32, u32), sink: &mut dyn FnMut(Delta<'_>)) {
        let Some(opened) = opened(&self.kind) else {
            return;
        };
        sink(Delta::Open {
            choice,
            part,
            opened,
        });
        let (text, citations, signature) = match &self.kind {
            PartKind::Text {
                text,
                citations,
                signature,
            } => (text.as_str(), citations.as_slice(), signature.as_ref()),
            PartKind::Thinking {
                text, signature, ..
            } => (text.as_str(), &[][..], signature.as_ref()),
            PartKind::ToolCall { arguments, .. } => (arguments.as_str(), &[][..], None),
            PartKind::Refusal { text } => (text.as_str(), &[][..], None),
            _ => ("", &[][..], None),
        };
        if !text.is_empty() {
            let text = Cow::Borrowed(text);
            sink(Delta::Piece { choice, part, text });
        }
        for (dialect, json) in citations {
            sink(Delta::Citation {
                choice,
                part,
                dialect: *dialect,
                json: json.clone(),
            });
        }
        if let Some(signature) = signature.cloned() {
            sink(Delta::Signature {
                choice,
                part,
                signature,
            });
        }
        sink(Delta::Close { choice, part });
    }
}

/// How a part begins. `None` for what no stream brings: pictures, files, results of tools.
fn opened(kind: &PartKind) -> Option<Opened<'_>> {
    Some(match kind {
        PartKind::Text { .. } => Opened::Text,
        PartKind::Refusal { .. } => Opened::Refusal,
        PartKind::Thinking { id, .. } => Opened::Thinking {
            id: id.as_deref().map(Cow::Borrowed),
        },
        PartKind::RedactedThinking { signature } => Opened::RedactedThinking {
            signature: signature.clone(),
        },
        PartKind::ToolCall {
            id,
            name,
            custom,
            signature,
            ..
        } => Opened::ToolCall {
            id: Cow::Borrowed(id),
            name: Cow::Borrowed(name),
            custom: *custom,
            signature: signature.clone(),
        },
        PartKind::Other { dialect, json } => Opened::Other {
            dialect: *dialect,
            json: json.clone(),
        },
        PartKind::Image { .. }
        | PartKind::File { .. }
        | PartKind::Audio { .. }
        | PartKind::Video { .. }
        | PartKind::ToolResult { .. } => return None,
    })
}

impl Finish {
    /// For this reason, and nothing more is known.
    pub const fn new(reason: FinishReason) -> Self {
        Self {
            reason,
            stop_sequence: None,
            detail: None,
        }
    }
}
