//! The kinds of failure, and the one table that maps them to statuses and to the types of both dialects, and back.

/// What went wrong, in the words of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong, and would be wrong again.
    InvalidRequest,
    /// The prompt, or prompt and answer together, are longer than the model can take.
    ContextWindow,
    /// The provider refuses the prompt or its answer by its content policy.
    ContentPolicy,
    /// No key, or one that is not known.
    Authentication,
    /// The account behind the key has no credit left.
    Billing,
    /// The key may not do this.
    Permission,
    /// No such model, route or object.
    NotFound,
    /// The body is over a limit.
    TooLarge,
    /// Too many requests or tokens.
    RateLimit,
    /// A timer fired: one of the gateway's (408), or the upstream's own (504).
    Timeout,
    /// The upstream has too much to do.
    Overloaded,
    /// Nothing can serve this now.
    Unavailable,
    /// The upstream cannot be reached, or what it answered cannot be used.
    Upstream,
    /// Something failed inside: in the gateway, or in the upstream by its own words.
    Internal,
}

impl ErrorKind {
    /// The status of this kind; an OpenAI client's, where the dialects differ.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// The status of this kind for Anthropic's clients: they know 529 for an overload.
    pub const fn anthropic_status(self) -> u16 {
        match self {
            Self::Overloaded => ANTHROPIC_OVERLOADED,
            _ => self.status(),
        }
    }

    /// The `type` in an error body of the OpenAI dialects.
    pub const fn openai_type(self) -> &'static str {
        self.row().openai_type
    }

    /// The `type` in an error body of the Anthropic dialect.
    pub const fn anthropic_type(self) -> &'static str {
        self.row().anthropic_type
    }

    /// The kind that a `type`, `code` or `status` word of an upstream's error body means; `None` if the word is not
    /// known.
    pub fn from_word(word: &str) -> Option<Self> {
        let known = |word: &str| TABLE.iter().find(|row| row.words.contains(&word));
        let row = known(word).or_else(|| {
            // AWS's exceptions have a small letter in front where they are events.
            let name = word.strip_suffix("Exception")?;
            let first = name.chars().next()?.to_ascii_uppercase();
            known(&format!("{first}{}Exception", name.get(1..)?))
        });
        row.map(|row| row.kind)
    }

    /// The kind that a status means.
    pub const fn from_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimit,
            400..=499 => Self::InvalidRequest,
            502 | 520..=524 => Self::Upstream,
            503 => Self::Unavailable,
            ANTHROPIC_OVERLOADED => Self::Overloaded,
            500..=599 => Self::Internal,
            _ => Self::Upstream,
        }
    }

    /// The kind of which this is a special case, or itself: what clients and statuses tell apart.
    #[must_use]
    pub const fn general(self) -> Self {
        match self {
            Self::ContextWindow | Self::ContentPolicy => Self::InvalidRequest,
            _ => self,
        }
    }

    /// Whether providers use for it statuses that mean something else as well.
    pub(super) const fn is_told_by_words_alone(self) -> bool {
        matches!(
            self,
            Self::Billing | Self::ContextWindow | Self::ContentPolicy
        )
    }

    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

/// The status that Anthropic invented for an overload.
pub(crate) const ANTHROPIC_OVERLOADED: u16 = 529;

struct Row {
    kind: ErrorKind,
    status: u16,
    openai_type: &'static str,
    anthropic_type: &'static str,
    /// What upstreams write when they mean this kind: `type` and `code` of OpenAI, Azure and Anthropic, `status` of
    /// Google, exception names of AWS.
    words: &'static [&'static str],
}

/// In the order of the variants.
const TABLE: [Row; 14] = [
    Row {
        kind: ErrorKind::InvalidRequest,
        status: 400,
        openai_type: "invalid_request_error",
        anthropic_type: "invalid_request_error",
        words: &[
            "invalid_request_error",
            "BadRequestError",
            "bad_request",
            "unsupported_parameter",
            "unknown_parameter",
            "INVALID_ARGUMENT",
            "FAILED_PRECONDITION",
            "OUT_OF_RANGE",
            "ValidationException",
        ],
    },
    Row {
        kind: ErrorKind::ContextWindow,
        status: 400,
        openai_type: "invalid_request_error",
        anthropic_type: "invalid_request_error",
        words: &[
            "context_length_exceeded",
            "context_window_exceeded",
            "model_context_window_exceeded",
            "exceed_context_size_error",
            "string_above_max_length",
            "ContextWindowExceededError",
        ],
    },
    Row {
        kind: ErrorKind::ContentPolicy,
        status: 400,
        openai_type: "invalid_request_error",
        anthropic_type: "invalid_request_error",
        words: &[
            "content_filter",
            "content_policy_violation",
            "ContentPolicyViolationError",
            "ResponsibleAIPolicyViolation",
            "moderation_blocked",
            "data_inspection_failed",
            "DataInspectionFailed",
        ],
    },
    Row {
        kind: ErrorKind::Authentication,
        status: 401,
        openai_type: "authentication_error",
        anthropic_type: "authentication_error",
        words: &[
            "authentication_error",
            "invalid_api_key",
            "AuthenticationError",
            "UNAUTHENTICATED",
            "API_KEY_INVALID",
            "ACCESS_TOKEN_EXPIRED",
            "CREDENTIALS_MISSING",
            "unauthorized",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "IncompleteSignatureException",
            "MissingAuthenticationTokenException",
            "ExpiredTokenException",
        ],
    },
    Row {
        kind: ErrorKind::Billing,
        status: 402,
        openai_type: "insufficient_quota",
        anthropic_type: "billing_error",
        words: &[
            "billing_error",
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
            "insufficient_balance",
            "insufficient_credits",
            "exceeded_current_quota_error",
            "budget_exceeded",
            "Arrearage",
            "BILLING_DISABLED",
        ],
    },
    Row {
        kind: ErrorKind::Permission,
        status: 403,
        openai_type: "permission_error",
        anthropic_type: "permission_error",
        words: &[
            "permission_error",
            "permission_denied",
            "PERMISSION_DENIED",
            "IAM_PERMISSION_DENIED",
            "SERVICE_DISABLED",
            "API_KEY_SERVICE_BLOCKED",
            "AccessDeniedException",
        ],
    },
    Row {
        kind: ErrorKind::NotFound,
        status: 404,
        // OpenAI has no type of its own for this; the status tells.
        openai_type: "invalid_request_error",
        anthropic_type: "not_found_error",
        words: &[
            "not_found_error",
            "model_not_found",
            "NotFoundError",
            "DeploymentNotFound",
            "NOT_FOUND",
            "ResourceNotFoundException",
        ],
    },
    Row {
        kind: ErrorKind::TooLarge,
        status: 413,
        openai_type: "invalid_request_error",
        anthropic_type: "request_too_large",
        words: &["request_too_large", "payload_too_large"],
    },
    Row {
        kind: ErrorKind::RateLimit,
        status: 429,
        openai_type: "rate_limit_error",
        anthropic_type: "rate_limit_error",
        words: &[
            "rate_limit_error",
            "rate_limit_exceeded",
            "RateLimitError",
            "requests",
            "tokens",
            "too_many_requests",
            "throttling_error",
            "RESOURCE_EXHAUSTED",
            "RATE_LIMIT_EXCEEDED",
            "RateLimitReached",
            "ThrottlingException",
            "ServiceQuotaExceededException",
        ],
    },
    Row {
        kind: ErrorKind::Timeout,
        status: 408,
        openai_type: "timeout_error",
        anthropic_type: "timeout_error",
        words: &[
            "timeout_error",
            "timeout",
            "request_timeout",
            "DEADLINE_EXCEEDED",
            "ModelTimeoutException",
        ],
    },
    Row {
        kind: ErrorKind::Overloaded,
        status: 503,
        openai_type: "overloaded_error",
        anthropic_type: "overloaded_error",
        words: &[
            "overloaded_error",
            "overloaded",
            "engine_overloaded",
            "server_overloaded",
            "server_is_overloaded",
            "slow_down",
            "MODEL_CAPACITY_EXHAUSTED",
        ],
    },
    Row {
        kind: ErrorKind::Unavailable,
        status: 503,
        openai_type: "service_unavailable_error",
        anthropic_type: "api_error",
        words: &[
            "service_unavailable_error",
            "service_unavailable",
            "ServiceUnavailableError",
            "UNAVAILABLE",
            "ServiceUnavailableException",
            "ModelNotReadyException",
        ],
    },
    Row {
        kind: ErrorKind::Upstream,
        status: 502,
        openai_type: "server_error",
        anthropic_type: "api_error",
        words: &[
            "bad_gateway",
            "upstream_error",
            "BadGatewayError",
            "ModelErrorException",
            "ModelStreamErrorException",
        ],
    },
    Row {
        kind: ErrorKind::Internal,
        status: 500,
        openai_type: "internal_server_error",
        anthropic_type: "api_error",
        words: &[
            "api_error",
            "server_error",
            "internal_server_error",
            "internal_error",
            "InternalServerError",
            "INTERNAL",
            "UNKNOWN",
            "InternalServerException",
            "InternalFailure",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::{ErrorKind, TABLE};

    #[test]
    fn every_kind_has_its_own_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, index);
        }
    }

    #[test]
    fn a_word_means_one_kind_only() {
        let mut words: Vec<_> = TABLE.iter().flat_map(|row| row.words).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn the_usual_status_of_a_kind_leads_back_to_it_or_to_what_it_is_a_case_of() {
        for row in &TABLE {
            let kind = ErrorKind::from_status(row.kind.anthropic_status());
            assert_eq!(kind, row.kind.general());
        }
    }

    #[test]
    fn anthropic_types_lead_back_to_a_kind_of_the_same_type() {
        for row in &TABLE {
            let kind =
                ErrorKind::from_word(row.anthropic_type).expect("every type is a known word");
            assert_eq!(kind.anthropic_type(), row.anthropic_type);
        }
    }
}
