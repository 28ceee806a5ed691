//! What providers say only in prose: sentences of error messages that have one meaning.
//!
//! Many providers answer a prompt that is too long, a refusal by policy and an exhausted credit with a plain 400 (or
//! 429) and a general code, so that the message is all there is to tell them apart.

use super::ErrorKind;

/// The kind that a message means by one of the known phrases; `None` if it has none. Looks at the first
/// [`MAX_SEARCHED`] bytes, whatever their case.
pub(super) fn kind_of_message(message: &str) -> Option<ErrorKind> {
    let end = message.floor_char_boundary(MAX_SEARCHED);
    let text = message.get(..end)?.to_ascii_lowercase();
    PHRASES
        .iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| text.contains(phrase)))
        .map(|(kind, _)| *kind)
}

/// In bytes. The phrases stand at the beginning; what follows is often the caller's own prompt.
const MAX_SEARCHED: usize = 2048;

/// In lower case; the first kind with a phrase in the message wins.
///
/// Rejected, because they mean a rate limit as well: "exceeded your current quota" (Gemini, per minute), "request too
/// large" and "tokens per min" (OpenAI, Groq), "too many tokens" (Bedrock).
const PHRASES: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::Billing,
        &[
            // Anthropic.
            "credit balance is too low",
            "reached your specified api usage limits",
            "reached your specified workspace api usage limits",
            // OpenAI.
            "billing hard limit has been reached",
            // DeepSeek, Moonshot, Z.ai.
            "insufficient balance",
            // OpenRouter.
            "insufficient credits",
            "requires more credits",
            // xAI.
            "used all available credits",
            "reached its monthly spending limit",
            // Google.
            "prepayment credits are depleted",
            "requires billing to be enabled",
            // LiteLLM's own budgets.
            "budget has been exceeded",
        ],
    ),
    (
        ErrorKind::ContextWindow,
        &[
            // OpenAI, Azure, vLLM, DeepSeek, OpenRouter, Mistral, Fireworks.
            "maximum context length",
            "exceeds the context window",
            "input tokens exceed the configured limit",
            "expected a string with maximum length",
            // Anthropic, on Bedrock and Vertex as well.
            "prompt is too long",
            "exceed context limit",
            // Google.
            "exceeds the maximum number of tokens allowed",
            "but model only supports up to",
            // Bedrock.
            "input is too long for requested model",
            "too many input tokens",
            "model's maximum context limit",
            // vLLM, SGLang, Together.
            "longer than the model's context length",
            "exceeds the model's context length",
            "longer than the maximum model length",
            "`inputs` tokens + `max_new_tokens` must be",
            // Groq, Cerebras.
            "please reduce the length of the messages or completion",
            // xAI.
            "maximum prompt length",
            // Cohere.
            "too many tokens: size limit exceeded",
            // llama.cpp, LM Studio, Ollama.
            "exceeds the available context size",
            "greater than the context length",
            "exceeds the context length",
            "exceeded max context length",
            // Moonshot, MiniMax, Alibaba, Poolside.
            "exceeded model token limit",
            "context window exceeds limit",
            "range of input length should be",
            "exceeds the maximum allowed input length",
            // Another gateway of LiteLLM's kind.
            "contextwindowexceedederror",
        ],
    ),
    (
        ErrorKind::ContentPolicy,
        &[
            // OpenAI, Azure.
            "content management policy",
            "rejected as a result of our safety system",
            "potentially violating our usage policy",
            "content_policy_violation",
            // Anthropic.
            "blocked by content filtering policy",
            "request contains prohibited content",
            // Google.
            "blocked due to safety",
            "violates google's responsible ai practices",
            "violate google's responsible ai practices",
            "prompt was blocked",
            "response was blocked",
            // Bedrock.
            "blocked by our content filters",
            // xAI.
            "content violates usage guidelines",
            // DeepSeek, Alibaba, Moonshot.
            "content exists risk",
            "may contain inappropriate content",
            "rejected because it was considered high risk",
            // OpenRouter.
            "requires moderation",
            // Another gateway of LiteLLM's kind.
            "contentpolicyviolationerror",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::{MAX_SEARCHED, PHRASES, kind_of_message};
    use crate::ErrorKind;

    #[test]
    fn phrases_are_in_lower_case_and_lead_to_their_kind() {
        for (kind, phrases) in PHRASES {
            for phrase in *phrases {
                assert_eq!(*phrase, phrase.to_ascii_lowercase());
                let message = format!("Error: {}!", phrase.to_ascii_uppercase());
                assert_eq!(kind_of_message(&message), Some(*kind), "{phrase}");
            }
        }
    }

    #[test]
    fn messages_about_other_things_have_no_phrase() {
        for message in [
            "",
            "Rate limit reached for requests",
            "You exceeded your current quota, please check your plan and billing details.",
            "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 8000",
            "Too many tokens, please wait before trying again.",
            "max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens",
            "The context is large, but acceptable.",
        ] {
            assert_eq!(kind_of_message(message), None, "{message}");
        }
    }

    #[test]
    fn what_stands_far_behind_is_not_searched() {
        let message = format!("{}é prompt is too long", "x".repeat(MAX_SEARCHED - 1));
        assert_eq!(kind_of_message(&message), None);
    }

    #[test]
    fn the_kinds_are_those_that_no_status_tells() {
        for (kind, _) in PHRASES {
            assert!(matches!(
                kind,
                ErrorKind::Billing | ErrorKind::ContextWindow | ErrorKind::ContentPolicy
            ));
        }
    }
}
