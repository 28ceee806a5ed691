//! A whole answer as a text.

use super::logprobs::write_logprobs;
use crate::chat::{Answer, Choice, FinishReason, Part, PartKind};
use crate::dialect::openai_chat::finish::{SaidRefusal, finish_word};
use crate::dialect::openai_chat::usage_write::write_usage;
use crate::json::{Members, write_object};
use crate::translate::Asked;

/// Writes an answer.
pub(super) fn write_answer(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let Answer {
        id,
        model: _,
        created,
        choices,
        usage,
        // It has no place here.
        service_tier: _,
    } = answer;
    let mut out = Vec::with_capacity(1024);
    write_object(&mut out, |members| {
        match id {
            Some(id) => members.value("id", id),
            None => members.value("id", &format!("cmpl-{}", asked.id)),
        }
        members.value("object", "text_completion");
        members.value("created", &created.unwrap_or(asked.created));
        members.value("model", &asked.model);
        members.array("choices", |list| {
            for (index, choice) in choices.iter().enumerate() {
                list.object(|members| write_choice(members, index, choice));
            }
        });
        if !usage.is_empty() {
            members.object("usage", |members| write_usage(members, *usage));
        }
    });
    out
}

fn write_choice(members: &mut Members<'_>, index: usize, choice: &Choice) {
    let Choice {
        parts,
        finish,
        logprobs,
    } = choice;
    let text: String = parts.iter().filter_map(text).collect();
    members.value("text", &text);
    members.value("index", &index);
    match logprobs {
        Some(json) => write_logprobs(members, json, 0),
        None => members.value("logprobs", logprobs),
    }
    members.value("finish_reason", word(finish.reason));
    members.some("stop_reason", finish.stop_sequence.as_ref());
}

/// What of a part is text: what the model thinks is none of it, and tools cannot have been called.
fn text(part: &Part) -> Option<&str> {
    match &part.kind {
        PartKind::Text { text, .. } | PartKind::Refusal { text } => Some(text),
        _ => None,
    }
}

/// A text completion ends in fewer ways than a chat.
pub(super) const fn word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::ToolCalls => "stop",
        reason => finish_word(reason, SaidRefusal::No),
    }
}
