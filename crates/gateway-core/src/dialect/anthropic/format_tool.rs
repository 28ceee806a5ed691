//! The tool by which a model that has no structured outputs is made to answer in JSON: its input is the answer.

use crate::chat::{FinishReason, Part, PartKind};

/// No client's tool has this name.
pub(super) const NAME: &str = "gateway_json_answer";

/// Makes calls of the tool texts, and says whether there were any.
pub(super) fn unwrap(parts: &mut [Part]) -> bool {
    let mut found = false;
    for part in parts {
        if let PartKind::ToolCall {
            name, arguments, ..
        } = &mut part.kind
            && name == NAME
        {
            found = true;
            *part = Part::text(std::mem::take(arguments));
        }
    }
    found
}

/// An answer by the tool has come to its end when the model waits for the tool.
pub(super) fn reason(reason: FinishReason) -> FinishReason {
    match reason {
        FinishReason::ToolCalls => FinishReason::Stop,
        other => other,
    }
}

/// What the model is told of it where the schema says nothing.
pub(super) const DESCRIPTION: &str =
    "Gives the final answer. Call it exactly once, with the whole answer as its input.";
