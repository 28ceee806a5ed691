//! Which models go on with an answer that was begun for them, and how they want to be told.
//!
//! When in doubt, no: a model that does not knows nothing of it and begins its answer anew, in the middle of the
//! client's text, or refuses the request.

use gateway_core::Prefill;

/// How a model of `provider` wants to be told that the last message is one to go on from; `None`: it does not.
pub(crate) fn prefill(provider: &str, model: &str, api_base: &str) -> Option<Prefill> {
    let goes_on = match provider {
        "anthropic" | "bedrock" | "vertex_ai" => continues_claude(model),
        // Only its beta API does: <https://api-docs.deepseek.com/guides/chat_prefix_completion>.
        "deepseek" => api_base.trim_end_matches('/').ends_with("/beta"),
        "mistral" | "moonshot" | "hosted_vllm" => true,
        "dashscope" => model.starts_with("qwen"),
        _ => false,
    };
    goes_on.then(|| style(provider))
}

/// How the models of `provider` want to be told, if an operator says that they go on.
pub(crate) fn style(provider: &str) -> Prefill {
    match provider {
        "deepseek" | "mistral" => Prefill::Prefix,
        "moonshot" | "dashscope" => Prefill::Partial,
        "hosted_vllm" => Prefill::ContinueFinalMessage,
        _ => Prefill::Plain,
    }
}

/// Anthropic's models up to 4.5 do. From 4.6 on they answer 400: "Prefilling assistant messages is no longer
/// supported".
fn continues_claude(model: &str) -> bool {
    let Some((_, version)) = model.split_once("claude-") else {
        return false;
    };
    // `claude-3-5-haiku-…`, `claude-opus-4-5-…`, `claude-sonnet-4@…`.
    let mut words = version.split(['-', '@', '.']).filter_map(|word| {
        let number: u32 = word.parse().ok()?;
        // A date is no version.
        (number < 100).then_some(number)
    });
    let Some(major) = words.next() else {
        return false;
    };
    (major, words.next().unwrap_or_default()) < FIRST_CLAUDE_WITHOUT
}

/// Version of Claude.
const FIRST_CLAUDE_WITHOUT: (u32, u32) = (4, 6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_goes_on_up_to_version_4_5() {
        for model in [
            "claude-3-haiku-20240307",
            "claude-3-5-haiku-latest",
            "claude-3-7-sonnet@20250219",
            "claude-sonnet-4-20250514",
            "claude-opus-4-1",
            "claude-sonnet-4-5-20250929",
            "claude-opus-4-5@20251101",
            "claude-haiku-4-5",
        ] {
            assert_eq!(
                prefill("anthropic", model, ""),
                Some(Prefill::Plain),
                "{model}"
            );
        }
        for model in [
            "claude-opus-4-6",
            "claude-sonnet-4-6",
            "claude-opus-4-7",
            "claude-opus-5",
            "claude-mythos-preview",
            "gemini-2.5-pro",
            "*",
        ] {
            assert_eq!(prefill("vertex_ai", model, ""), None, "{model}");
        }
    }

    #[test]
    fn others_are_told_in_their_own_way_or_not_at_all() {
        for (provider, model, base, told) in [
            ("openai", "gpt-4o", "https://api.openai.com/v1", None),
            (
                "deepseek",
                "deepseek-chat",
                "https://api.deepseek.com/v1",
                None,
            ),
            (
                "deepseek",
                "deepseek-chat",
                "https://api.deepseek.com/beta/",
                Some(Prefill::Prefix),
            ),
            ("mistral", "mistral-large-latest", "", Some(Prefill::Prefix)),
            ("moonshot", "kimi-k2", "", Some(Prefill::Partial)),
            (
                "hosted_vllm",
                "any",
                "",
                Some(Prefill::ContinueFinalMessage),
            ),
            ("openrouter", "anthropic/claude-3-haiku", "", None),
            (
                "bedrock",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "",
                Some(Prefill::Plain),
            ),
            ("bedrock", "anthropic.claude-opus-4-6-v1", "", None),
            ("bedrock", "amazon.nova-pro-v1:0", "", None),
        ] {
            assert_eq!(prefill(provider, model, base), told, "{provider}/{model}");
        }
    }
}
