//! Why an answer ended, in OpenAI's words.

use crate::chat::{Finish, FinishReason};

/// What a provider's word means. Compatible servers have words of their own.
pub(super) fn read_finish(word: &str) -> Finish {
    let known = WORDS.iter().find(|(it, _)| *it == word);
    let reason = known.map_or(FinishReason::Stop, |(_, reason)| *reason);
    Finish {
        detail: (!OPENAI.contains(&word)).then(|| word.to_owned()),
        ..Finish::new(reason)
    }
}

/// The word for a client. `said_refusal`: the answer holds the words of a refusal; OpenAI calls that `stop`.
pub(in crate::dialect) const fn finish_word(
    reason: FinishReason,
    said_refusal: SaidRefusal,
) -> &'static str {
    match (reason, said_refusal) {
        (FinishReason::Refusal, SaidRefusal::No) | (FinishReason::ContentFilter, _) => {
            "content_filter"
        }
        (FinishReason::Length | FinishReason::ContextWindow, _) => "length",
        (FinishReason::ToolCalls, _) => "tool_calls",
        (
            FinishReason::Stop | FinishReason::Pause | FinishReason::Failed | FinishReason::Refusal,
            _,
        ) => "stop",
    }
}

/// Whether an answer holds the words of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialect) enum SaidRefusal {
    Yes,
    No,
}

/// What an end means together with what was said: providers say `stop` where they call tools or refuse.
pub(super) const fn settle(reason: FinishReason, said: Said) -> FinishReason {
    match (reason, said) {
        (FinishReason::Stop, Said { calls: true, .. }) => FinishReason::ToolCalls,
        (FinishReason::Stop, Said { refusal: true, .. }) => FinishReason::Refusal,
        (reason, _) => reason,
    }
}

/// What a choice holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) calls: bool,
    pub(super) refusal: bool,
}

const OPENAI: [&str; 5] = [
    "stop",
    "length",
    "tool_calls",
    "content_filter",
    "function_call",
];

const WORDS: &[(&str, FinishReason)] = &[
    ("stop", FinishReason::Stop),
    ("eos", FinishReason::Stop),
    ("eos_token", FinishReason::Stop),
    ("end_turn", FinishReason::Stop),
    ("stop_sequence", FinishReason::Stop),
    ("COMPLETE", FinishReason::Stop),
    ("length", FinishReason::Length),
    ("max_tokens", FinishReason::Length),
    ("model_length", FinishReason::ContextWindow),
    ("tool_calls", FinishReason::ToolCalls),
    ("tool_use", FinishReason::ToolCalls),
    ("function_call", FinishReason::ToolCalls),
    ("content_filter", FinishReason::ContentFilter),
    ("safety", FinishReason::ContentFilter),
    ("SAFETY", FinishReason::ContentFilter),
    ("refusal", FinishReason::Refusal),
    ("pause_turn", FinishReason::Pause),
    ("error", FinishReason::Failed),
    ("abort", FinishReason::Failed),
    ("insufficient_system_resource", FinishReason::Failed),
    ("repetition_truncation", FinishReason::Failed),
    ("malformed_function_call", FinishReason::Failed),
];
