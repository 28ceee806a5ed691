//! Every label, with what it may say.

use super::super::table::{Label, Values};

pub(super) const fn these(name: &'static str, words: &'static [&'static str]) -> Label {
    Label {
        name,
        values: Values::These(words),
    }
}

pub(super) const fn of(name: &'static str, set: &'static str) -> Label {
    Label {
        name,
        values: Values::Of(set),
    }
}

pub(in crate::metrics) static API: Label = Label {
    name: "api",
    values: Values::Apis,
};
pub(in crate::metrics) static MODEL: Label = of(
    "model",
    "the model group; what the configuration does not know is `other`",
);
pub(in crate::metrics) static DEPLOYMENT: Label = of(
    "deployment",
    "the deployment's id, as in `x-litellm-model-id`",
);
pub(in crate::metrics) static PROVIDER: Label = of("provider", "the provider's name");
pub(in crate::metrics) static UPSTREAM_MODEL: Label =
    of("upstream_model", "the provider's name of the model");
pub(in crate::metrics) static API_BASE: Label = of("api_base", "where the provider's API is");
pub(in crate::metrics) static ORIGIN: Label = of(
    "origin",
    "scheme, host and port of a provider; generations have no series",
);
pub(in crate::metrics) static VERSION: Label = of("version", "the gateway's version");
pub(in crate::metrics) static WORKER: Label = of("worker", "the worker's number");
pub(in crate::metrics) static END: Label = these(
    "end",
    &[
        "complete",
        "client_gone",
        "truncated",
        "upstream_error",
        "malformed",
        "timer_call",
        "timer_attempt",
        "timer_first_content",
        "timer_idle",
        "timer_connect",
        "timer_pool",
        "timer_client_write",
        "cancelled",
        "shutdown_deadline",
        "rejected",
    ],
);
pub(in crate::metrics) static TOKEN_KIND: Label = these(
    "kind",
    &["input", "output", "cache_read", "cache_write", "reasoning"],
);
pub(in crate::metrics) static REASON: Label = these(
    "reason",
    &[
        "queue_full",
        "queue_timeout",
        "deadline",
        "parallel",
        "descriptors",
    ],
);
pub(in crate::metrics) static ATTEMPT_KIND: Label = these(
    "kind",
    &[
        "first",
        "retry",
        "next_level",
        "failover",
        "fallback",
        "hedge",
        "continuation",
    ],
);
pub(in crate::metrics) static OUTCOME: Label = these(
    "outcome",
    &[
        "answered",
        "lost",
        "given_up",
        "timer_call",
        "timer_attempt",
        "timer_first_content",
        "timer_connect",
        "timer_pool",
        "timer",
        "rate_limit",
        "internal",
        "upstream",
        "overloaded",
        "unavailable",
        "timeout",
        "authentication",
        "billing",
        "permission",
        "not_found",
        "invalid_request",
        "context_window",
        "content_policy",
        "too_large",
        "other",
    ],
);
pub(in crate::metrics) static STATE: Label = these("state", &["ready", "set_aside", "probation"]);
pub(in crate::metrics) static QUOTA: Label = these("quota", &["requests", "tokens"]);
pub(in crate::metrics) static GENERATION_STATE: Label = these("state", &["current", "draining"]);
pub(in crate::metrics) static CONNECTION_STATE: Label = these(
    "state",
    &[
        "http1_idle",
        "http1_active",
        "http2_idle",
        "http2_active",
        "connecting",
    ],
);
pub(in crate::metrics) static WAITING: Label = these("state", &["waiting"]);
pub(in crate::metrics) static CURRENT: Label = these("state", &["draining"]);
pub(in crate::metrics) static WAITED: Label = these("state", &["waited"]);
pub(in crate::metrics) static ROTATION: Label = these(
    "reason",
    &[
        "first", "ttl", "config", "identity", "dns", "command", "health", "shutdown",
    ],
);
pub(in crate::metrics) static CONNECT_OUTCOME: Label = these("outcome", &["ok", "failed", "stale"]);
pub(in crate::metrics) static CONNECTION: Label = these("connection", &["new", "reused"]);
pub(in crate::metrics) static DELIVERY: Label = these("delivery", &["not_sent"]);
pub(in crate::metrics) static PHASE: Label = these(
    "phase",
    &["resolve", "connect", "proxy", "tls", "handshake"],
);
pub(in crate::metrics) static EXPORT: Label = these("outcome", &["exported", "failed"]);
pub(in crate::metrics) static DRAIN_OUTCOME: Label = these("outcome", &["complete", "cut"]);
