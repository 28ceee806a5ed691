//! What an answer cost, in OpenAI's figures and with those that LiteLLM shows besides.

use crate::json::Members;
use crate::usage::Usage;

/// Writes the members of a `usage` object. The input counts what came from a cache and what went into one.
pub(in crate::dialect) fn write_usage(members: &mut Members<'_>, usage: Usage) {
    let Usage {
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_write_tokens,
        cache_write_1h_tokens,
        reasoning_tokens,
    } = usage;
    let (input, output) = (
        input_tokens.unwrap_or_default(),
        output_tokens.unwrap_or_default(),
    );
    members.value("prompt_tokens", &input);
    members.value("completion_tokens", &output);
    members.value("total_tokens", &input.saturating_add(output));
    if cache_read_tokens.is_some() || cache_write_tokens.is_some() {
        members.object("prompt_tokens_details", |details| {
            details.some("cached_tokens", cache_read_tokens.as_ref());
            details.some("cache_creation_tokens", cache_write_tokens.as_ref());
        });
    }
    if reasoning_tokens.is_some() {
        members.object("completion_tokens_details", |details| {
            details.some("reasoning_tokens", reasoning_tokens.as_ref());
        });
    }
    if let Some(written) = cache_write_tokens {
        members.value("cache_creation_input_tokens", &written);
        members.some("cache_read_input_tokens", cache_read_tokens.as_ref());
    }
    if let Some(long) = cache_write_1h_tokens {
        members.object("cache_creation", |created| {
            created.value("ephemeral_1h_input_tokens", &long);
        });
    }
}

/// The tier that served an answer, by one of the words that OpenAI's clients know.
pub(in crate::dialect) fn tier_word(tier: &str) -> Option<&str> {
    match tier {
        "auto" | "default" | "flex" | "scale" | "priority" | "fast" => Some(tier),
        "standard" | "on_demand" | "ON_DEMAND" => Some("default"),
        _ => None,
    }
}
