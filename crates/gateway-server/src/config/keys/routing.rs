//! Keys of the mappings inside `router_settings` and of single deployments.

use super::super::kind::Kind;
use super::section;

section! {
    /// `retry_policy`, and each entry of `model_group_retry_policy`.
    RETRY_POLICY = "a retry policy" {
        honored "BadRequestErrorRetries": Kind::TIMES;
        honored "AuthenticationErrorRetries": Kind::TIMES;
        honored "TimeoutErrorRetries": Kind::TIMES;
        honored "RateLimitErrorRetries": Kind::TIMES;
        honored "ContentPolicyViolationErrorRetries": Kind::TIMES;
        honored "InternalServerErrorRetries": Kind::TIMES;
        honored "ServiceUnavailableErrorRetries": Kind::TIMES;
        honored "NotFoundErrorRetries": Kind::TIMES;
        honored "DefaultRetries": Kind::TIMES;
    }
}

section! {
    /// `allowed_fails_policy`.
    ALLOWED_FAILS_POLICY = "allowed_fails_policy" {
        honored "BadRequestErrorAllowedFails": Kind::TIMES;
        honored "AuthenticationErrorAllowedFails": Kind::TIMES;
        honored "TimeoutErrorAllowedFails": Kind::TIMES;
        honored "RateLimitErrorAllowedFails": Kind::TIMES;
        honored "ContentPolicyViolationErrorAllowedFails": Kind::TIMES;
        honored "InternalServerErrorAllowedFails": Kind::TIMES;
        honored "ServiceUnavailableErrorAllowedFails": Kind::TIMES;
        honored "NotFoundErrorAllowedFails": Kind::TIMES;
        honored "DefaultAllowedFails": Kind::TIMES;
    }
}

section! {
    /// `routing_strategy_args`.
    STRATEGY_ARGS = "routing_strategy_args" {
        honored "ttl": Kind::SECONDS;
        honored "lowest_latency_buffer": Kind::Number(0.0, 1000.0);
        ignored "max_latency_list_size": Kind::COUNT => "the last ten samples that are younger than `ttl` count";
        ignored "rpm_limit": Kind::COUNT => "the `rpm` of each deployment counts";
    }
}
