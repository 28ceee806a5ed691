//! What OpenAI's models do not take, because they reason or because they do not.

use gateway_core::Envelope;

use super::{Compatible, MAX_COMPLETION_TOKENS, MAX_TOKENS};

/// Parameters that a model refuses. They are left out where that is allowed (`drop_params`); else the
/// provider says what it does not take, because it knows its models best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// None.
    Free,
    /// Those that say how to think: it does not.
    Thoughtless,
    /// These.
    Refused(&'static [&'static str]),
    /// These, if the client wants it to reason.
    RefusedWithEffort(&'static [&'static str]),
}

impl Sampling {
    /// The parameters of a request that are refused.
    pub(super) fn refused<'e>(
        &self,
        envelope: &'e Envelope,
    ) -> impl Iterator<Item = &'static str> + use<'e> {
        let names = match self {
            Self::Free => &[][..],
            Self::Thoughtless => THOUGHTS,
            Self::Refused(names) => names,
            Self::RefusedWithEffort(names) => {
                let effort = envelope.field("reasoning_effort");
                let reasons = effort.is_some_and(|it| it != br#""none""# && it != b"null");
                if reasons { names } else { &[][..] }
            }
        };
        let said = |name: &&str| envelope.field(name).is_some();
        names.iter().copied().filter(said)
    }
}

impl Compatible {
    /// OpenAI itself, at one of its models: those that reason know the longest answer by its new name only, and choose
    /// their words themselves.
    ///
    /// Source: OpenAI's "Reasoning models" and "Using GPT-5.2"; Microsoft's "Azure OpenAI reasoning models".
    pub(crate) fn of_openai(model: &str) -> Self {
        let family = model.strip_prefix("gpt-5");
        let sampling = match family {
            Some(rest) if rest.starts_with("-chat") => return Self::OPENAI,
            Some(rest) if rest.starts_with('.') => Sampling::RefusedWithEffort(SAMPLING),
            Some(_) => Sampling::Refused(SAMPLING),
            None if O_SERIES.iter().any(|it| model.starts_with(it)) => {
                Sampling::Refused(SAMPLING_AND_PARALLEL)
            }
            None if THOUGHTLESS.iter().any(|it| model.starts_with(it)) => {
                let sampling = Sampling::Thoughtless;
                return Self {
                    sampling,
                    ..Self::OPENAI
                };
            }
            None => return Self::OPENAI,
        };
        Self {
            renamed: &[(MAX_TOKENS, MAX_COMPLETION_TOKENS)],
            sampling,
            ..Self::OPENAI
        }
    }
}

const THOUGHTLESS: [&str; 3] = ["gpt-3.5", "gpt-4", "chatgpt-"];
const THOUGHTS: &[&str] = &["reasoning_effort", "thinking"];
const O_SERIES: [&str; 3] = ["o1", "o3", "o4"];
const SAMPLING: &[&str] = &[
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "stop",
    "thinking",
];
const SAMPLING_AND_PARALLEL: &[&str] = &[
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "stop",
    "thinking",
    "parallel_tool_calls",
];

#[cfg(test)]
mod tests {
    use gateway_core::Policy;

    use super::super::tests::adapted;
    use super::Compatible;

    #[test]
    fn models_that_reason_get_what_they_take() {
        let body = r#"{"max_tokens":9,"temperature":0.5,"stop":"x","seed":1}"#;
        let sent = |model: &str, body, drop| {
            let policy = Policy {
                drop,
                ..Policy::default()
            };
            adapted(Compatible::of_openai(model), policy, body).unwrap()
        };
        for model in ["o3", "o1-mini", "gpt-5", "gpt-5-mini-2025-08-07"] {
            let (kept, lost) = sent(model, body, false);
            assert!(kept.contains(r#""max_completion_tokens":9"#), "{kept}");
            assert!(kept.contains("temperature") && lost.is_empty(), "{kept}");
            let (kept, lost) = sent(model, body, true);
            assert_eq!(lost, "temperature,stop");
            assert!(kept.contains("seed") && !kept.contains("0.5"), "{kept}");
        }
        let thinks = r#"{"reasoning_effort":"low"}"#;
        assert_eq!(sent("gpt-4o", thinks, true).1, "reasoning_effort");
        assert_eq!(sent("gpt-4o", thinks, false).0, thinks);
        for model in ["gpt-4o", "gpt-5-chat-latest"] {
            assert_eq!(sent(model, body, true), (body.to_owned(), String::new()));
        }
        let said = |effort| sent("gpt-5.2", effort, true).1;
        assert_eq!(said(r#"{"temperature":0.5}"#), "");
        assert_eq!(said(r#"{"temperature":0.5,"reasoning_effort":"none"}"#), "");
        let reasoning = r#"{"temperature":0.5,"reasoning_effort":"low"}"#;
        assert_eq!(said(reasoning), "temperature");
    }
}
