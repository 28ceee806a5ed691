//! Keys of `gateway`, the section that LiteLLM does not have (and passes over).

use super::super::kind::Kind;
use super::section;

section! {
    /// `gateway`. Units and defaults are described in `said.rs` and in `config/reference.yaml`.
    GATEWAY = "gateway" {
        /// Threads, each with its own event loop and its own share of every pool. Not given: one per core.
        honored "workers": Kind::Whole(1, 1024);
        /// Where clients are served.
        honored "listen": Kind::Section(&LISTEN);
        /// The routes under `/admin`.
        honored "admin": Kind::Section(&ADMIN);
        /// Seconds of silence after which a stream gets a heartbeat; 0: never. Default: 15.
        honored "heartbeat_seconds": Kind::SECONDS;
        /// The largest body of a request, in bytes. Default: 33554432.
        honored "max_body_bytes": Kind::Whole(1, 1 << 40);
        /// The largest event of a stream, in bytes. Default: 16777216.
        honored "max_event_bytes": Kind::Whole(1024, 1 << 32);
        /// Seconds that a client may take for its first bytes or its TLS handshake, and for the head of each request; also the longest pause in a request's body. Default: 30.
        honored "head_timeout": Kind::POSITIVE_SECONDS;
        /// Seconds that an idle connection of a client stays open. Default: 75.
        honored "keepalive_timeout": Kind::POSITIVE_SECONDS;
        /// A client that takes no byte for so many seconds loses its connection, over HTTP/2 the stream that it does not read. Default: 60.
        honored "slow_client_timeout": Kind::POSITIVE_SECONDS;
        /// Seconds of silence between contents of a stream, where neither the router nor the deployment says anything. Default: 300.
        honored "stream_idle_timeout": Kind::SECONDS;
        /// Against storms of retries, for each model group.
        honored "retry_budget": Kind::Section(&RETRY_BUDGET);
        /// By model group, `*`: all that are not named. A second attempt at another deployment, when the first content is late; the first that has content wins. Not given: none.
        honored "hedging": Kind::Named(&HEDGING);
        /// Providers that speak OpenAI's API, beside those that are known anyway; each is a prefix of models. The keys are those of LiteLLM's providers.json.
        honored "providers": Kind::Named(&PROVIDER);
        /// Calls that may wait for a free slot of one deployment (`max_parallel_requests`). Default: 1000.
        honored "max_waiting_per_deployment": Kind::TIMES;
        /// Calls under way at once; more of them queue. Not given: `general_settings.max_in_flight_requests_per_worker`, else no bound.
        honored "max_in_flight": Kind::Whole(1, 1_000_000_000);
        /// Calls in that queue; one more is refused with 503. Not given: `general_settings.max_queued_requests_per_worker`, else as many as may be under way.
        honored "max_queued": Kind::TIMES;
        /// Seconds that a call stays in that queue. Not given: `general_settings.admission_queue_timeout_seconds`, else 1.
        honored "queue_timeout": Kind::SECONDS;
        /// How the gateway stops.
        honored "drain": Kind::Section(&DRAIN);
        /// How the gateway takes a changed configuration.
        honored "reload": Kind::Section(&RELOAD);
        /// Seconds that a new process may take until it is ready to take over (`gateway-server upgrade`). Default: 60.
        honored "upgrade_timeout": Kind::POSITIVE_SECONDS;
        /// Connections to providers.
        honored "transport": Kind::Section(&TRANSPORT);
        /// What is logged.
        honored "log": Kind::Section(&LOG);
        /// Which traces calls belong to, and where their spans go.
        honored "tracing": Kind::Section(&TRACING);
        /// How metrics are told.
        honored "metrics": Kind::Section(&METRICS);
    }
}

section! {
    /// `gateway.listen`.
    LISTEN = "gateway.listen" {
        /// An address, or a name that resolves to one. Default: `0.0.0.0`.
        honored "host": Kind::Text;
        /// The port; 0: the system chooses. Default: 4000.
        honored "port": Kind::Whole(0, 65_535);
        /// PEM file with the certificate chain; needs `tls_key`.
        honored "tls_cert": Kind::Text;
        /// PEM file with the private key; needs `tls_cert`.
        honored "tls_key": Kind::Text;
    }
}

section! {
    /// `gateway.admin`.
    ADMIN = "gateway.admin" {
        /// Whether the routes under `/admin` exist. Default: true.
        honored "enabled": Kind::Bool;
        /// The address of a listener of their own; needs `port`. Default: `127.0.0.1`.
        honored "host": Kind::Text;
        /// The port of a listener of their own. Not given: they are on the public one, behind the master key.
        honored "port": Kind::Whole(0, 65_535);
    }
}

section! {
    /// `gateway.retry_budget`.
    RETRY_BUDGET = "gateway.retry_budget" {
        /// Share of a group's calls that may be tried again. Default: 0.2.
        honored "share": Kind::Number(0.0, 100.0);
        /// Retries per second that a group may make whatever its calls. Default: 10.
        honored "per_second": Kind::Number(0.0, 1_000_000.0);
    }
}

section! {
    /// One entry of `gateway.hedging`.
    HEDGING = "an entry of gateway.hedging" {
        /// Seconds after which the first content is late. Not given: `percentile` decides.
        honored "after_seconds": Kind::SECONDS;
        /// The first content is late when it takes longer than so many percent of the group's last ones. Default: 95.
        honored "percentile": Kind::Number(1.0, 100.0);
        /// Share of the group's calls that may get a second attempt. Default: 0.05.
        honored "budget": Kind::Number(0.0, 1.0);
    }
}

section! {
    /// One entry of `gateway.providers`.
    PROVIDER = "an entry of gateway.providers" {
        /// Where its API is. Not given: each deployment has an `api_base`. Example: `https://llm.acme.example/v1`.
        honored "base_url": Kind::Url;
        /// Variables for the key; the first that is set counts. Not given: a key is optional. Example: `ACME_API_KEY`.
        honored "api_key_env": Kind::TextOrList;
        /// Variables for the base; the first that is set counts. Example: `[ACME_API_BASE]`.
        honored "api_base_env": Kind::TextOrList;
        /// OpenAI's name of a parameter, and the provider's. Example: `{max_completion_tokens: max_tokens}`.
        honored "param_mappings": Kind::Map;
        /// Parameters that it does not know: refused by name, or left out with `drop_params`. Example: `[logit_bias]`.
        honored "unsupported_params": Kind::TextList;
        /// The routes that it has. Not given: chat completions, completions, embeddings. Example: `[/v1/chat/completions]`.
        honored "supported_endpoints": Kind::TextList;
        /// The header that carries the key. Not given: Authorization, as Bearer. Example: `x-acme-key`.
        honored "key_header": Kind::HeaderName;
        /// Whether it knows the role `developer`; else these messages are sent as the system's. Default: false.
        honored "developer_role": Kind::Bool;
        /// What it needs beyond that.
        honored "special_handling": Kind::Section(&SPECIAL_HANDLING);
        /// A class of LiteLLM's. Nothing is done with it.
        accepted "base_class": Kind::Text;
    }
}

section! {
    /// `special_handling` of an entry of `gateway.providers`.
    SPECIAL_HANDLING = "special_handling" {
        /// Whether content must be a text, not a list of parts. Default: false.
        honored "convert_content_list_to_string": Kind::Bool;
    }
}

section! {
    /// `gateway.reload`.
    RELOAD = "gateway.reload" {
        /// Whether a change of a file that the configuration was made of (includes, secrets, certificates) is a reload. Default: true.
        honored "watch": Kind::Bool;
    }
}

section! {
    /// `gateway.drain`.
    DRAIN = "gateway.drain" {
        /// Seconds between "not ready" and the end of accepting, for load balancers to notice; not on SIGINT, and 0 with --demo. Default: 5.
        honored "delay": Kind::SECONDS;
        /// Seconds that streams may take after that. Not given: as long as they need.
        honored "timeout": Kind::SECONDS;
        /// What `GET /health/drain` asks for in `X-Drain-Token`. Not given: `general_settings.drain_endpoint_token`, else there is no such route.
        honored "token": Kind::Secret;
    }
}

section! {
    /// `gateway.transport`.
    TRANSPORT = "gateway.transport" {
        /// Share of `client_ttl` by which connections may be replaced earlier, drawn anew each time. Default: 0.1.
        honored "ttl_jitter": Kind::Number(0.0, 1.0);
        /// Seconds that an idle connection to a provider stays open. Default: 30.
        honored "idle_timeout": Kind::POSITIVE_SECONDS;
        /// Connections per origin. Default: 16384.
        honored "max_connections": Kind::Whole(1, 1_000_000);
        /// Calls per origin and worker that may wait for a connection; one more is refused. Default: 16384.
        honored "max_waiting": Kind::Whole(0, 1_000_000);
        /// Streams per HTTP/2 connection: what is lost at once if it dies. Default: 32.
        honored "h2_max_streams": Kind::Whole(1, 10_000);
        /// Connections that are opened before old ones are replaced. Default: 32.
        honored "prewarm_max": Kind::Whole(0, 10_000);
        /// Seconds after which streams on replaced connections are cut. Not given: never.
        honored "drain_deadline": Kind::SECONDS;
        /// Seconds between looks at the addresses of providers, to follow one that moved. Not given: never.
        honored "dns_check": Kind::POSITIVE_SECONDS;
        /// Whose certificates are trusted: `system`, `bundled`, or the path of a PEM file. Default: `system`.
        honored "roots": Kind::Text;
        /// auto: what ALPN agrees on; never: HTTP/1.1; prior_knowledge: HTTP/2 without asking. Default: `auto`.
        honored "http2": Kind::Choice(HTTP2);
    }
}

section! {
    /// `gateway.log`.
    LOG = "gateway.log" {
        /// Not given: `litellm_settings.json_logs` decides, else text at a terminal and JSON elsewhere.
        honored "format": Kind::Choice(&["json", "text"]);
        /// A level (error, warn, info, debug, trace), or a filter. Not given: info. Example: `info,gateway_transport=debug`.
        honored "level": Kind::LogFilter;
        /// The calls that leave a line: `failed` are those that did not end complete. Default: `all`.
        honored "calls": Kind::Choice(&["all", "failed", "none"]);
    }
}

section! {
    /// `gateway.tracing`.
    TRACING = "gateway.tracing" {
        /// Whether spans are exported, by OTLP over HTTP. Not given: if there is an endpoint, here or in OpenTelemetry's variables.
        honored "enabled": Kind::Bool;
        /// The collector; `/v1/traces` is added. Not given: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT, else port 4318 of this machine where `enabled` is true. Example: `http://otel-collector:4318`.
        honored "endpoint": Kind::Url;
        /// What every export has in its head, over OTEL_EXPORTER_OTLP_HEADERS. Secrets.
        honored "headers": Kind::Map;
        /// `service.name`, over OTEL_SERVICE_NAME. Not given: `gateway-server`, with LiteLLM's callback `otel` `litellm`.
        honored "service_name": Kind::Text;
        /// What is said of this process with every export, over OTEL_RESOURCE_ATTRIBUTES.
        honored "attributes": Kind::Map;
        /// Share of the traces that begin here which are recorded; callers with a trace decide themselves. Not given: OTEL_TRACES_SAMPLER, else all.
        honored "sample_ratio": Kind::Number(0.0, 1.0);
        /// Which providers see the trace: `auto` means those that the operator runs. Default: `auto`.
        honored "propagate": Kind::Choice(PROPAGATE);
    }
}

/// Which providers see the trace that a call belongs to.
const PROPAGATE: &[&str] = &["auto", "always", "never"];

section! {
    /// `gateway.metrics`.
    METRICS = "gateway.metrics" {
        /// `/metrics` needs the master key. Not given: `litellm_settings.require_auth_for_metrics_endpoint`, else no.
        honored "require_key": Kind::Bool;
        /// LiteLLM's names are exported beside the gateway's own. Not given: if one of LiteLLM's callbacks is `prometheus`.
        honored "litellm_compat": Kind::Bool;
    }
}

/// How HTTP/2 is spoken with a provider.
pub(super) const HTTP2: &[&str] = &["auto", "never", "prior_knowledge"];
