//! How much to think, in the form that the model takes.

use serde::Serialize;

use super::generation::{Generation, ThinkingForm};
use super::tools::WireChoice;
use crate::chat::{Effort, PartKind, Reasoning, ReasoningMode, Request, Role};
use crate::dialect::Dialect;
use crate::translate::{Losses, Target};

/// What the request says of thinking.
#[derive(Debug)]
pub(super) struct Thinking<'a> {
    pub(super) wire: Option<WireThinking<'a>>,
    pub(super) effort: Option<&'static str>,
    /// The longest answer, thoughts included.
    pub(super) max_tokens: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct WireThinking<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'a str>,
}

impl<'a> Thinking<'a> {
    pub(super) fn of(
        request: &'a Request,
        target: &Target<'_>,
        generation: Generation,
        max_tokens: u64,
        choice: Option<&WireChoice<'_>>,
        losses: &mut Losses,
    ) -> Self {
        let mut thinking = Self {
            wire: None,
            effort: None,
            max_tokens,
        };
        let Some(reasoning) = &request.parameters.reasoning else {
            return thinking;
        };
        let form = match target.reasons {
            Some(false) => ThinkingForm::None,
            _ => generation.thinking(),
        };
        if form != ThinkingForm::None {
            thinking.effort = effort(reasoning, generation);
        }
        let forced = choice.is_some_and(WireChoice::is_forced);
        match (wanted(reasoning), form) {
            (Wanted::Nothing, _) => {}
            (Wanted::Off, ThinkingForm::None) => {}
            (Wanted::Off, _) => thinking.off(generation, losses),
            // A model that does not think answers all the same.
            (Wanted::On, ThinkingForm::None) => losses.hint(EFFORT),
            // The two exclude each other, and the client relies on the call.
            (Wanted::On, _) if forced => losses.hint(EFFORT),
            (Wanted::On, ThinkingForm::Adaptive) => {
                thinking.wire = Some(WireThinking {
                    r#type: "adaptive",
                    budget_tokens: None,
                    display: display(reasoning),
                });
            }
            (Wanted::On, ThinkingForm::Budget) => {
                if misses_thoughts(request) {
                    losses.hint(EFFORT);
                } else {
                    thinking.budget(reasoning, request.parameters.max_tokens, target, losses);
                }
            }
        }
        thinking
    }

    /// Whether the model is told to think.
    pub(super) fn is_on(&self) -> bool {
        let kind = self.wire.as_ref().map(|it| it.r#type);
        matches!(kind, Some("enabled" | "adaptive"))
    }

    fn off(&mut self, generation: Generation, losses: &mut Losses) {
        match generation.without_thinking() {
            Some(kind) => {
                self.wire = Some(WireThinking {
                    r#type: kind,
                    budget_tokens: None,
                    display: None,
                });
            }
            None => {
                self.effort = Some(Effort::Low.as_str());
                losses.hint(EFFORT);
            }
        }
    }

    /// The budget must be below the longest answer. If that is the gateway's choice, it makes room; if it is the
    /// client's, the budget is what fits.
    fn budget(
        &mut self,
        reasoning: &'a Reasoning,
        asked: Option<u64>,
        target: &Target<'_>,
        losses: &mut Losses,
    ) {
        let wanted = reasoning.budget.unwrap_or_else(|| budget(reasoning.effort));
        let wanted = wanted.max(LEAST_BUDGET);
        let longest = match (asked, target.max_output_tokens) {
            (Some(asked), _) => asked,
            (None, Some(longest)) => longest,
            (None, None) => self.max_tokens.saturating_add(wanted),
        };
        if longest <= LEAST_BUDGET {
            losses.hint(EFFORT);
            return;
        }
        self.max_tokens = longest;
        self.wire = Some(WireThinking {
            r#type: "enabled",
            budget_tokens: Some(wanted.min(longest - 1)),
            display: display(reasoning).filter(|it| *it == "omitted"),
        });
    }
}

enum Wanted {
    /// Nothing is said but perhaps an effort, which holds without thoughts as well.
    Nothing,
    Off,
    On,
}

fn wanted(reasoning: &Reasoning) -> Wanted {
    let Reasoning {
        mode,
        effort,
        budget,
        summary: _,
    } = reasoning;
    match (mode, effort, budget) {
        (Some(ReasoningMode::Off), ..) | (None, Some(Effort::None), _) | (None, _, Some(0)) => {
            Wanted::Off
        }
        (None, None, None) => Wanted::Nothing,
        _ => Wanted::On,
    }
}

/// The effort that the model takes and that is nearest to what is wanted.
fn effort(reasoning: &Reasoning, generation: Generation) -> Option<&'static str> {
    let greatest = generation.greatest_effort()?;
    let wanted = match (reasoning.effort, reasoning.budget) {
        (Some(Effort::None), _) => return None,
        (Some(effort), _) => effort,
        // The model takes no budget: the effort that has one of this size.
        (None, Some(tokens)) if generation.thinking() == ThinkingForm::Adaptive && tokens > 0 => {
            BUDGETS
                .iter()
                .find(|(_, budget)| *budget >= tokens)
                .map_or(Effort::High, |(effort, _)| *effort)
        }
        _ => return None,
    };
    let taken = match wanted.max(Effort::Low).min(greatest) {
        Effort::XHigh if !generation.takes_xhigh() => Effort::High,
        taken => taken,
    };
    Some(taken.as_str())
}

fn budget(effort: Option<Effort>) -> u64 {
    let effort = effort.unwrap_or(Effort::Medium).max(Effort::Low);
    BUDGETS
        .iter()
        .find(|(it, _)| *it == effort)
        .map_or(LEAST_BUDGET, |(_, budget)| *budget)
}

/// How many tokens an effort is worth: LiteLLM's figures.
const BUDGETS: [(Effort, u64); 5] = [
    (Effort::Low, 1024),
    (Effort::Medium, 2048),
    (Effort::High, 4096),
    (Effort::XHigh, 8192),
    (Effort::Max, 16384),
];

/// The least that Anthropic takes.
const LEAST_BUDGET: u64 = 1024;

/// What a client is told of the thoughts. Without a word, the newest models say nothing of them, which is not what a
/// client means that asks for an effort.
fn display(reasoning: &Reasoning) -> Option<&str> {
    match reasoning.summary.as_deref() {
        Some("omitted") => Some("omitted"),
        _ => Some("summarized"),
    }
}

/// Whether the model would be in the middle of a turn whose thoughts the client did not keep: with a budget, Anthropic
/// insists on them.
fn misses_thoughts(request: &Request) -> bool {
    let last = request
        .messages
        .iter()
        .rfind(|it| it.role == Role::Assistant);
    let Some(last) = last else { return false };
    let calls = |kind: &PartKind| matches!(kind, PartKind::ToolCall { .. });
    let is_own_thought = |kind: &PartKind| match kind {
        PartKind::Thinking { signature, .. } => signature
            .as_ref()
            .is_some_and(|it| it.is_of(Dialect::AnthropicMessages)),
        PartKind::RedactedThinking { signature } => signature.is_of(Dialect::AnthropicMessages),
        _ => false,
    };
    last.parts.iter().any(|part| calls(&part.kind))
        && !last.parts.iter().any(|part| is_own_thought(&part.kind))
}

/// OpenAI's name of what is asked for here.
const EFFORT: &str = "reasoning_effort";
