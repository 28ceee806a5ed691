//! What the makers of the models want differently, by the model's name.

/// Whose model it is, as far as requests differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's.
    Claude,
    /// Amazon's first and second generation.
    Nova,
    /// Amazon's second generation, which reasons.
    Nova2,
    /// OpenAI's open weights.
    GptOss,
    /// Anybody else's.
    Other,
    /// An ARN does not say.
    Unknown,
}

impl Family {
    /// Of a model's id, an inference profile's or an ARN.
    pub(super) fn of(model: &str) -> Self {
        let has = |word: &str| model.contains(word);
        if has("claude") || has("anthropic.") {
            Self::Claude
        } else if has("nova-2") {
            Self::Nova2
        } else if has("nova") {
            Self::Nova
        } else if has("gpt-oss") {
            Self::GptOss
        } else if model.starts_with("arn:") && !has("foundation-model/") {
            Self::Unknown
        } else {
            Self::Other
        }
    }

    /// Whether it may be one of Claude's.
    pub(super) fn may_be_claude(self) -> bool {
        matches!(self, Self::Claude | Self::Unknown)
    }

    /// Whether prompts can be cached on demand.
    pub(super) fn caches(self) -> bool {
        !matches!(self, Self::GptOss | Self::Other)
    }

    /// Whether tools can be cached on demand.
    pub(super) fn caches_tools(self) -> bool {
        self.may_be_claude()
    }
}

/// Whether the model's answers can be held to a schema:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html>.
pub(super) fn is_structured(model: &str) -> bool {
    STRUCTURED.iter().any(|name| model.contains(name)) || claude_since(model, (4, 5))
}

/// Whether Claude decides itself how much to think, and is told an effort and no budget.
pub(super) fn is_adaptive(model: &str) -> bool {
    claude_since(model, (4, 6)) && !model.contains("haiku")
}

/// Whether it is a Claude of this version or a later one: `claude-sonnet-4-5-20250929`.
fn claude_since(model: &str, version: (u32, u32)) -> bool {
    let Some((_, name)) = model.split_once("claude-") else {
        return false;
    };
    let mut words = name.split(['-', ':', '@']);
    let Some(tier) = words.next() else {
        return false;
    };
    // Claude 3 has its version before the tier.
    if tier.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    // What is longer is a date.
    let mut number = || {
        let word = words.next().filter(|word| word.len() <= 2)?;
        word.parse::<u32>().ok()
    };
    let Some(major) = number() else {
        return false;
    };
    (major, number().unwrap_or_default()) >= version
}

/// Models of others that can be held to a schema.
const STRUCTURED: [&str; 10] = [
    "openai.gpt-oss",
    "qwen.qwen3",
    "deepseek.v3",
    "google.gemma-3",
    "minimax.",
    "mistral.mistral-large-3",
    "mistral.ministral-3",
    "mistral.magistral",
    "moonshot",
    "nvidia.nemotron",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_says_whose_it_is() {
        for (model, family) in [
            ("anthropic.claude-3-haiku-20240307-v1:0", Family::Claude),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
                Family::Claude,
            ),
            ("us.amazon.nova-pro-v1:0", Family::Nova),
            ("global.amazon.nova-2-lite-v1:0", Family::Nova2),
            ("openai.gpt-oss-120b-1:0", Family::GptOss),
            ("meta.llama3-70b-instruct-v1:0", Family::Other),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-70b-instruct-v1:0",
                Family::Other,
            ),
            (
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
                Family::Unknown,
            ),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }

    #[test]
    fn a_version_is_no_date() {
        for (model, structured, adaptive) in [
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", false, false),
            ("anthropic.claude-opus-4-20250514-v1:0", false, false),
            ("anthropic.claude-opus-4-1-20250805-v1:0", false, false),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", true, false),
            ("us.anthropic.claude-opus-4-6-v1", true, true),
            ("anthropic.claude-sonnet-5", true, true),
            ("openai.gpt-oss-20b-1:0", true, false),
            ("amazon.nova-lite-v1:0", false, false),
        ] {
            assert_eq!(is_structured(model), structured, "{model}");
            assert_eq!(is_adaptive(model), adaptive, "{model}");
        }
    }
}
