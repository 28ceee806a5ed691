//! Keys of the mappings inside `router_settings` and of single deployments.

use super::super::kind::Kind;
use super::section;

section! {
    /// `retry_policy`, and each entry of `model_group_retry_policy`.
    RETRY_POLICY = "a retry policy" {
        /// Retries after 400 and the like.
        honored "BadRequestErrorRetries": Kind::TIMES;
        /// Retries after 401 and 403.
        honored "AuthenticationErrorRetries": Kind::TIMES;
        /// Retries after a timer, or 408.
        honored "TimeoutErrorRetries": Kind::TIMES;
        /// Retries after 429.
        honored "RateLimitErrorRetries": Kind::TIMES;
        /// Retries after a refusal by the content policy.
        honored "ContentPolicyViolationErrorRetries": Kind::TIMES;
        /// Retries after 500 and the like, and lost connections.
        honored "InternalServerErrorRetries": Kind::TIMES;
        /// Retries after 503.
        honored "ServiceUnavailableErrorRetries": Kind::TIMES;
        /// Retries after 404.
        honored "NotFoundErrorRetries": Kind::TIMES;
        /// Retries after all other kinds.
        honored "DefaultRetries": Kind::TIMES;
    }
}

section! {
    /// `allowed_fails_policy`.
    ALLOWED_FAILS_POLICY = "allowed_fails_policy" {
        /// Failures by 400 and the like before a deployment is set aside.
        honored "BadRequestErrorAllowedFails": Kind::TIMES;
        /// Failures by 401 and 403 before a deployment is set aside.
        honored "AuthenticationErrorAllowedFails": Kind::TIMES;
        /// Failures by a timer, or 408 before a deployment is set aside.
        honored "TimeoutErrorAllowedFails": Kind::TIMES;
        /// Failures by 429 before a deployment is set aside.
        honored "RateLimitErrorAllowedFails": Kind::TIMES;
        /// Failures by a refusal by the content policy before a deployment is set aside.
        honored "ContentPolicyViolationErrorAllowedFails": Kind::TIMES;
        /// Failures by 500 and the like, and lost connections before a deployment is set aside.
        honored "InternalServerErrorAllowedFails": Kind::TIMES;
        /// Failures by 503 before a deployment is set aside.
        honored "ServiceUnavailableErrorAllowedFails": Kind::TIMES;
        /// Failures by 404 before a deployment is set aside.
        honored "NotFoundErrorAllowedFails": Kind::TIMES;
        /// Failures by all other kinds before a deployment is set aside.
        honored "DefaultAllowedFails": Kind::TIMES;
    }
}

section! {
    /// `routing_strategy_args`.
    STRATEGY_ARGS = "routing_strategy_args" {
        /// Seconds that a sample counts. Default: 3600.
        honored "ttl": Kind::SECONDS;
        /// Who is at most this share slower than the fastest is as good. Default: 0.
        honored "lowest_latency_buffer": Kind::Number(0.0, 1000.0);
        ignored "max_latency_list_size": Kind::COUNT => "the last ten samples that are younger than `ttl` count";
        ignored "rpm_limit": Kind::COUNT => "the `rpm` of each deployment counts";
    }
}
