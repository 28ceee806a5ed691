//! LiteLLM's words for what happened.

use gateway_core::{Dialect, EndReason, TimerName};

use super::super::families::litellm::STATUSES;

/// The status that a client saw; who saw none had gone.
pub(super) fn status(status: u16) -> &'static str {
    let status = if status == 0 { 499 } else { status };
    let known = STATUSES.iter().find(|it| it.parse() == Ok(status));
    known.copied().unwrap_or("other")
}

/// What LiteLLM would have raised for a call that ended like this after the client saw `seen`.
pub(super) fn exception(seen: u16, end: EndReason) -> (&'static str, &'static str) {
    match (seen, end) {
        (400.., _) => (status(seen), class(seen)),
        (_, EndReason::Timer(TimerName::ClientWrite) | EndReason::Cancelled) => ("499", "APIError"),
        (_, EndReason::Timer(_)) => ("408", "Timeout"),
        (_, EndReason::ShutdownDeadline) => ("503", "ServiceUnavailableError"),
        _ => ("500", "APIConnectionError"),
    }
}

fn class(status: u16) -> &'static str {
    match status {
        400 | 413 => "BadRequestError",
        401 => "AuthenticationError",
        403 => "PermissionDeniedError",
        404 => "NotFoundError",
        408 | 504 => "Timeout",
        422 => "UnprocessableEntityError",
        429 => "RateLimitError",
        500 => "InternalServerError",
        502 => "BadGatewayError",
        503 | 529 => "ServiceUnavailableError",
        _ => "APIError",
    }
}

/// What LiteLLM would have raised for an attempt with this outcome; `None` where it would not have made one.
pub(super) fn failure(outcome: &str) -> Option<(&'static str, &'static str)> {
    Some(match outcome {
        "answered" | "lost" | "given_up" => return None,
        "rate_limit" => ("429", "RateLimitError"),
        "authentication" => ("401", "AuthenticationError"),
        "permission" => ("403", "PermissionDeniedError"),
        "billing" => ("402", "APIError"),
        "not_found" => ("404", "NotFoundError"),
        "invalid_request" => ("400", "BadRequestError"),
        "too_large" => ("413", "BadRequestError"),
        "context_window" => ("400", "ContextWindowExceededError"),
        "content_policy" => ("400", "ContentPolicyViolationError"),
        "overloaded" | "unavailable" => ("503", "ServiceUnavailableError"),
        "internal" => ("500", "InternalServerError"),
        "upstream" => ("500", "APIConnectionError"),
        "timeout" => ("408", "Timeout"),
        timer if timer.starts_with("timer") => ("408", "Timeout"),
        _ => ("500", "APIError"),
    })
}

/// The path of a front end, without what it may hold of a model.
pub(super) const fn route(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "/v1/chat/completions",
        Dialect::OpenAiCompletions => "/v1/completions",
        Dialect::OpenAiEmbeddings => "/v1/embeddings",
        Dialect::OpenAiResponses => "/v1/responses",
        Dialect::AnthropicMessages => "/v1/messages",
        Dialect::AnthropicCountTokens => "/v1/messages/count_tokens",
        Dialect::Gemini => "/v1beta/models/{model}:generateContent",
        Dialect::GeminiCountTokens => "/v1beta/models/{model}:countTokens",
        Dialect::BedrockConverse => "/bedrock",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::families::labels::OUTCOME;
    use super::super::super::table::Values;
    use super::*;

    #[test]
    fn what_a_client_saw_is_the_status_and_a_broken_stream_is_an_exception_of_its_own() {
        assert_eq!(status(200), "200");
        assert_eq!(status(0), "499");
        assert_eq!(status(418), "other");
        let truncated = EndReason::Truncated;
        assert_eq!(exception(200, truncated), ("500", "APIConnectionError"));
        let idle = EndReason::Timer(TimerName::Idle);
        assert_eq!(exception(200, idle), ("408", "Timeout"));
        let refused = EndReason::UpstreamError;
        assert_eq!(exception(429, refused), ("429", "RateLimitError"));
    }

    #[test]
    fn every_outcome_of_an_attempt_has_a_status_that_is_a_series() {
        let Values::These(outcomes) = OUTCOME.values else {
            panic!("outcomes are words");
        };
        let failures: Vec<_> = outcomes.iter().filter_map(|it| failure(it)).collect();
        assert_eq!(failures.len(), outcomes.len() - 3);
        for (status, _) in failures {
            assert!(STATUSES.contains(&status), "{status}");
        }
    }
}
