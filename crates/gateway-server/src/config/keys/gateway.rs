//! Keys of `gateway`, the section that LiteLLM does not have (and passes over).

use super::super::kind::Kind;
use super::section;

section! {
    /// `gateway`. Units and defaults are described in `said.rs` and in `config/reference.yaml`.
    GATEWAY = "gateway" {
        honored "workers": Kind::Whole(1, 1024);
        honored "listen": Kind::Section(&LISTEN);
        honored "admin": Kind::Section(&ADMIN);
        honored "heartbeat_seconds": Kind::SECONDS;
        honored "max_body_bytes": Kind::Whole(1, 1 << 40);
        honored "max_event_bytes": Kind::Whole(1024, 1 << 32);
        honored "head_timeout": Kind::POSITIVE_SECONDS;
        honored "keepalive_timeout": Kind::POSITIVE_SECONDS;
        honored "slow_client_timeout": Kind::POSITIVE_SECONDS;
        honored "stream_idle_timeout": Kind::SECONDS;
        honored "retry_budget": Kind::Section(&RETRY_BUDGET);
        honored "hedging": Kind::Named(&HEDGING);
        honored "providers": Kind::Named(&PROVIDER);
        honored "max_waiting_per_deployment": Kind::TIMES;
        honored "max_in_flight": Kind::Whole(1, 1_000_000_000);
        honored "max_queued": Kind::TIMES;
        honored "queue_timeout": Kind::SECONDS;
        honored "drain": Kind::Section(&DRAIN);
        honored "transport": Kind::Section(&TRANSPORT);
        honored "log": Kind::Section(&LOG);
    }
}

section! {
    /// `gateway.listen`.
    LISTEN = "gateway.listen" {
        honored "host": Kind::Text;
        honored "port": Kind::Whole(0, 65_535);
        honored "tls_cert": Kind::Text;
        honored "tls_key": Kind::Text;
    }
}

section! {
    /// `gateway.admin`.
    ADMIN = "gateway.admin" {
        honored "enabled": Kind::Bool;
        honored "host": Kind::Text;
        honored "port": Kind::Whole(0, 65_535);
    }
}

section! {
    /// `gateway.retry_budget`.
    RETRY_BUDGET = "gateway.retry_budget" {
        honored "share": Kind::Number(0.0, 100.0);
        honored "per_second": Kind::Number(0.0, 1_000_000.0);
    }
}

section! {
    /// One entry of `gateway.hedging`.
    HEDGING = "an entry of gateway.hedging" {
        honored "after_seconds": Kind::SECONDS;
        honored "percentile": Kind::Number(1.0, 100.0);
        honored "budget": Kind::Number(0.0, 1.0);
    }
}

section! {
    /// One entry of `gateway.providers`.
    PROVIDER = "an entry of gateway.providers" {
        honored "base_url": Kind::Url;
        honored "api_key_env": Kind::TextOrList;
        honored "api_base_env": Kind::TextOrList;
        honored "param_mappings": Kind::Map;
        honored "unsupported_params": Kind::TextList;
        honored "supported_endpoints": Kind::TextList;
        honored "key_header": Kind::HeaderName;
        honored "developer_role": Kind::Bool;
        honored "special_handling": Kind::Section(&SPECIAL_HANDLING);
        accepted "base_class": Kind::Text;
    }
}

section! {
    /// `special_handling` of an entry of `gateway.providers`.
    SPECIAL_HANDLING = "special_handling" {
        honored "convert_content_list_to_string": Kind::Bool;
    }
}

section! {
    /// `gateway.drain`.
    DRAIN = "gateway.drain" {
        honored "delay": Kind::SECONDS;
        honored "timeout": Kind::SECONDS;
    }
}

section! {
    /// `gateway.transport`.
    TRANSPORT = "gateway.transport" {
        honored "ttl_jitter": Kind::Number(0.0, 1.0);
        honored "idle_timeout": Kind::POSITIVE_SECONDS;
        honored "max_connections": Kind::Whole(1, 1_000_000);
        honored "max_waiting": Kind::Whole(0, 1_000_000);
        honored "h2_max_streams": Kind::Whole(1, 10_000);
        honored "prewarm_max": Kind::Whole(0, 10_000);
        honored "drain_deadline": Kind::SECONDS;
        honored "dns_check": Kind::POSITIVE_SECONDS;
        honored "roots": Kind::Text;
        honored "http2": Kind::Choice(HTTP2);
    }
}

section! {
    /// `gateway.log`.
    LOG = "gateway.log" {
        honored "format": Kind::Choice(&["json", "text"]);
        honored "level": Kind::LogFilter;
    }
}

/// How HTTP/2 is spoken with a provider.
pub(super) const HTTP2: &[&str] = &["auto", "never", "prior_knowledge"];
