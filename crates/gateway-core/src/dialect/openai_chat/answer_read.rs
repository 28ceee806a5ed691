//! A provider's whole answer: <https://platform.openai.com/docs/api-reference/chat/object>.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::assistant_read::{Sender, WireAssistant};
use super::citations::found;
use super::finish::{Said, read_finish, settle};
use crate::body::Malformed;
use crate::chat::{Answer, Choice, Finish, FinishReason, Json, Part, PartKind};
use crate::dialect::Dialect;
use crate::json::object;
use crate::usage::{Count, Usage};

#[derive(Deserialize)]
struct WireAnswer<'a> {
    id: Option<String>,
    model: Option<String>,
    created: Option<Count>,
    #[serde(borrow)]
    choices: Vec<WireChoice<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    service_tier: Option<String>,
    /// Perplexity's.
    #[serde(borrow)]
    search_results: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireChoice<'a> {
    #[serde(borrow)]
    message: Option<WireAssistant<'a>>,
    finish_reason: Option<String>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
    /// vLLM: the sequence that was found, or a token's number.
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
}

/// Reads an answer.
pub(super) fn read_answer(text: &str) -> Result<Answer, Malformed> {
    let wire: WireAnswer<'_> = object(text).ok_or(Malformed::NotJson)?;
    let choices = wire.choices.into_iter().map(WireChoice::choice);
    let mut choices: Vec<Choice> = choices.collect::<Result<_, _>>()?;
    let parts = choices.iter_mut().flat_map(|it| &mut it.parts);
    let mut texts = parts.filter_map(|part| match &mut part.kind {
        PartKind::Text { citations, .. } => Some(citations),
        _ => None,
    });
    if let Some(citations) = texts.next() {
        let found = found(wire.search_results).into_iter();
        citations.extend(found.map(|json| (Dialect::OpenAiChat, json)));
    }
    Ok(Answer {
        id: wire.id.filter(|id| !id.is_empty()),
        model: wire.model,
        created: wire.created.and_then(|it| it.0),
        choices,
        usage: wire.usage.map(Usage::read).unwrap_or_default(),
        service_tier: wire.service_tier,
    })
}

impl WireChoice<'_> {
    fn choice(self) -> Result<Choice, Malformed> {
        let message = self.message.ok_or(Malformed::WrongShape {
            missing: "choices[].message",
        })?;
        let parts = message
            .parts("choices[].message", Sender::Provider)
            .map_err(|_| Malformed::WrongShape {
                missing: "choices[].message",
            })?;
        let said = said(&parts);
        let stop = Finish::new(FinishReason::Stop);
        let finish = self.finish_reason.as_deref().map_or(stop, read_finish);
        let stop_sequence = self.stop_reason.and_then(stop_sequence);
        Ok(Choice {
            finish: Finish {
                reason: settle(finish.reason, said),
                stop_sequence,
                ..finish
            },
            parts,
            logprobs: self.logprobs.map(Json::from),
        })
    }
}

/// The sequence that a server of vLLM found; its numbers of tokens are no text.
pub(super) fn stop_sequence(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn said(parts: &[Part]) -> Said {
    let has = |kind: fn(&PartKind) -> bool| parts.iter().any(|part| kind(&part.kind));
    Said {
        calls: has(|kind| matches!(kind, PartKind::ToolCall { .. })),
        refusal: has(|kind| matches!(kind, PartKind::Refusal { .. })),
    }
}
