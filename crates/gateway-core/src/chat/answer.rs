//! What a model answers, in one piece.

use super::{Json, Part};
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
