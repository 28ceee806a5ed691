//! Why an answer ended.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::{Finish, FinishReason};

/// The finish of a `stopReason` and of the fields that the model added.
pub(super) fn finish(reason: &str, additional: Option<&RawValue>) -> Finish {
    let known = TABLE.iter().find(|(word, _)| *word == reason);
    // Whatever comes later than this was written is an end; its name is passed on.
    let mut finish = Finish::new(known.map_or(FinishReason::Stop, |(_, meaning)| *meaning));
    if !matches!(reason, "end_turn" | "tool_use" | "max_tokens") {
        finish.detail = Some(reason.to_owned());
    }
    if reason == "stop_sequence" {
        finish.detail = None;
        finish.stop_sequence = additional.and_then(stop_sequence);
    }
    finish
}

/// What was asked for by [`STOP_SEQUENCE`].
fn stop_sequence(additional: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Additional<'a> {
        #[serde(borrow)]
        stop_sequence: Option<Cow<'a, str>>,
    }

    let additional: Additional<'_> = serde_json::from_str(additional.get()).ok()?;
    additional.stop_sequence.map(Cow::into_owned)
}

/// Where Claude says which stop sequence it was, as a JSON pointer.
pub(super) const STOP_SEQUENCE: &str = "/stop_sequence";

const TABLE: &[(&str, FinishReason)] = &[
    ("end_turn", FinishReason::Stop),
    ("stop_sequence", FinishReason::Stop),
    ("tool_use", FinishReason::ToolCalls),
    ("max_tokens", FinishReason::Length),
    ("guardrail_intervened", FinishReason::ContentFilter),
    ("content_filtered", FinishReason::ContentFilter),
    ("malformed_model_output", FinishReason::Failed),
    ("malformed_tool_use", FinishReason::Failed),
    ("model_context_window_exceeded", FinishReason::ContextWindow),
    // What Claude says of itself comes through.
    ("refusal", FinishReason::Refusal),
    ("pause_turn", FinishReason::Pause),
];
