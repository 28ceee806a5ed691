//! Which of Anthropic's models is asked: they differ in what they take.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/effort>,
//! <https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking>,
//! <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>.

use crate::chat::Effort;

/// A family of models and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    family: Family,
    /// Major and minor. Of a model that is not one of Claude's, the oldest: it takes what all of them took.
    version: (u32, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Haiku,
    Sonnet,
    Opus,
    /// Fable and Mythos: above Opus.
    Above,
    /// An alias, or the model of another maker who speaks Anthropic's dialect.
    Unknown,
}

/// How a model is told to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThinkingForm {
    /// It cannot.
    None,
    /// With a budget of tokens.
    Budget,
    /// As it likes, more or less by the effort.
    Adaptive,
}

impl Generation {
    /// Of a model by the name that Anthropic, Amazon or Google gave it.
    pub(super) fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let claude = model.find("claude").and_then(|at| model.get(at..));
        let Some(claude) = claude else {
            return Self::UNKNOWN;
        };
        let words = || claude.split(['-', '.', '@', ':', '_', '/']);
        let family = words().find_map(|word| match word {
            "haiku" => Some(Family::Haiku),
            "sonnet" => Some(Family::Sonnet),
            "opus" => Some(Family::Opus),
            "fable" | "mythos" => Some(Family::Above),
            _ => None,
        });
        let Some(family) = family else {
            return Self::UNKNOWN;
        };
        // A longer number is a date.
        let mut numbers = words()
            .filter(|it| it.len() <= 2)
            .filter_map(|it| it.parse().ok());
        let major = numbers.next().unwrap_or(match family {
            Family::Above => 5,
            _ => 0,
        });
        Self {
            family,
            version: (major, numbers.next().unwrap_or_default()),
        }
    }

    const UNKNOWN: Self = Self {
        family: Family::Unknown,
        version: (0, 0),
    };

    pub(super) fn thinking(self) -> ThinkingForm {
        match self.version {
            _ if self.family == Family::Unknown => ThinkingForm::Budget,
            version if version >= (4, 6) => ThinkingForm::Adaptive,
            version if version >= (3, 7) => ThinkingForm::Budget,
            _ => ThinkingForm::None,
        }
    }

    /// How it is told not to think: `None` if it cannot be.
    pub(super) fn without_thinking(self) -> Option<&'static str> {
        match (self.family, self.version) {
            (Family::Above, _) => None,
            (Family::Opus, version) if version >= (5, 5) => None,
            (Family::Sonnet, version) if version >= (5, 5) => Some("between_tools"),
            _ => Some("disabled"),
        }
    }

    /// The greatest effort that it takes, if it takes any.
    pub(super) fn greatest_effort(self) -> Option<Effort> {
        match self.version {
            version if version >= (4, 6) => Some(Effort::Max),
            (4, 5) if self.family == Family::Opus => Some(Effort::High),
            _ => None,
        }
    }

    /// Whether it knows the effort between `high` and `max`.
    pub(super) fn takes_xhigh(self) -> bool {
        self.version >= (4, 7)
    }

    /// Whether it can be told how to choose among the candidates for a token.
    pub(super) fn takes_sampling(self) -> bool {
        self.version < (4, 7)
    }

    /// Whether it takes a temperature and nucleus sampling at once.
    pub(super) fn takes_both(self) -> bool {
        self.version < (4, 1)
    }

    /// Whether it can be forced to call a tool.
    pub(super) fn takes_forced_tools(self) -> bool {
        match self.family {
            Family::Above => self.version < (5, 1),
            Family::Opus | Family::Sonnet => self.version < (5, 5),
            Family::Haiku | Family::Unknown => true,
        }
    }

    /// Whether its answers can be made to fit a schema.
    pub(super) fn has_structured_outputs(self) -> bool {
        self.version >= (4, 5)
    }
}

#[cfg(test)]
mod tests {
    use super::{Generation, ThinkingForm};

    #[test]
    fn names_of_all_providers_tell_the_version() {
        for (model, version) in [
            ("claude-opus-4-5-20251101", (4, 5)),
            ("claude-3-7-sonnet-20250219", (3, 7)),
            ("claude-3-7-sonnet-latest", (3, 7)),
            ("claude-sonnet-4-20250514", (4, 0)),
            ("claude-sonnet-4@20250514", (4, 0)),
            ("us.anthropic.claude-opus-4-6-v1", (4, 6)),
            ("anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
            ("anthropic/claude-sonnet-4.6", (4, 6)),
            ("claude-opus-5", (5, 0)),
            ("claude-mythos-preview", (5, 0)),
            ("claude-fable-5-1", (5, 1)),
            ("kimi-k2", (0, 0)),
            ("my-claude", (0, 0)),
        ] {
            assert_eq!(Generation::of(model).version, version, "{model}");
        }
    }

    #[test]
    fn the_table_of_abilities_is_the_documentations() {
        let thinking = |model| Generation::of(model).thinking();
        assert_eq!(thinking("claude-3-5-haiku-20241022"), ThinkingForm::None);
        assert_eq!(thinking("claude-haiku-4-5"), ThinkingForm::Budget);
        assert_eq!(thinking("claude-sonnet-4-6"), ThinkingForm::Adaptive);
        assert_eq!(thinking("kimi-k2"), ThinkingForm::Budget);
        for (model, sampling, forced, effort, off) in [
            ("claude-haiku-4-5", true, true, false, Some("disabled")),
            ("claude-opus-4-5", true, true, true, Some("disabled")),
            ("claude-opus-4-6", true, true, true, Some("disabled")),
            ("claude-opus-4-7", false, true, true, Some("disabled")),
            ("claude-sonnet-5", false, true, true, Some("disabled")),
            (
                "claude-sonnet-5-5",
                false,
                false,
                true,
                Some("between_tools"),
            ),
            ("claude-opus-5-5", false, false, true, None),
            ("claude-fable-5", false, true, true, None),
            ("claude-fable-5-1", false, false, true, None),
            ("claude-haiku-5-5", false, true, true, Some("disabled")),
        ] {
            let it = Generation::of(model);
            assert_eq!(it.takes_sampling(), sampling, "{model}");
            assert_eq!(it.takes_forced_tools(), forced, "{model}");
            assert_eq!(it.greatest_effort().is_some(), effort, "{model}");
            assert_eq!(it.without_thinking(), off, "{model}");
        }
    }
}
