//! The effective values as figment extracts them: what the user said in files, variables and
//! flags, over the defaults. Numbers have the units of the configuration (mostly seconds).

mod telemetry; // The log, traces, callbacks.

use gateway_core::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use telemetry::{Log, OneOrMore, Tracing};

/// The sections that are layered. `model_list` is not: only files have it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) gateway: Gateway,
    #[serde(skip_serializing)]
    pub(super) router_settings: Router,
    #[serde(skip_serializing)]
    pub(super) litellm_settings: LiteLlm,
    #[serde(skip_serializing)]
    pub(super) general_settings: General,
}

/// `gateway`: its `Default` holds the defaults of the gateway.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Gateway {
    /// Worker threads, each with its own runtime. Not given: one per core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) workers: Option<usize>,
    pub(super) listen: Listen,
    pub(super) admin: Admin,
    /// Seconds of silence after which a stream gets a heartbeat; 0 = never.
    pub(super) heartbeat_seconds: f64,
    /// Bytes of the largest request body.
    pub(super) max_body_bytes: u64,
    /// Bytes of the largest event of a stream.
    pub(super) max_event_bytes: u64,
    /// Seconds that a client may take for the head of a request.
    pub(super) head_timeout: f64,
    /// Seconds that an idle connection of a client stays open.
    pub(super) keepalive_timeout: f64,
    /// Seconds that a client may leave a written stream unread.
    pub(super) slow_client_timeout: f64,
    /// Seconds of silence of a provider in a stream, after the first content.
    pub(super) stream_idle_timeout: f64,
    pub(super) retry_budget: RetryBudget,
    /// Calls that may wait for a free slot of one deployment.
    pub(super) max_waiting_per_deployment: u32,
    /// Calls under way at once; not given: LiteLLM's key, else no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_in_flight: Option<usize>,
    /// Calls that wait for a place beyond that; not given: LiteLLM's key, else as many as may be under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_queued: Option<usize>,
    /// Seconds that they wait; not given: LiteLLM's key, else 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) queue_timeout: Option<f64>,
    pub(super) drain: Drain,
    pub(super) reload: Reload,
    /// Seconds that a new process may take until it is ready to take over.
    pub(super) upgrade_timeout: f64,
    pub(super) transport: Transport,
    pub(super) log: Log,
    pub(super) tracing: Tracing,
    pub(super) metrics: Metrics,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            workers: None,
            listen: Listen::default(),
            admin: Admin::default(),
            heartbeat_seconds: 15.0,
            max_body_bytes: 32 << 20,
            max_event_bytes: 16 << 20,
            head_timeout: 30.0,
            keepalive_timeout: 75.0,
            slow_client_timeout: 60.0,
            stream_idle_timeout: 300.0,
            retry_budget: RetryBudget::default(),
            max_waiting_per_deployment: 1000,
            max_in_flight: None,
            max_queued: None,
            queue_timeout: None,
            drain: Drain::default(),
            reload: Reload::default(),
            upgrade_timeout: 60.0,
            transport: Transport::default(),
            log: Log::default(),
            tracing: Tracing::default(),
            metrics: Metrics::default(),
        }
    }
}

/// `gateway.listen`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Listen {
    /// An address, or a name that resolves to one.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path of a PEM file with the certificate chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_cert: Option<String>,
    /// Path of a PEM file with the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_key: Option<String>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            host: String::from("0.0.0.0"),
            port: 4000,
            tls_cert: None,
            tls_key: None,
        }
    }
}

/// `gateway.admin`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Admin {
    pub(super) enabled: bool,
    /// Address of a listener of its own; needs `port`.
    pub(super) host: String,
    /// Not given: the admin routes are on the main listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            enabled: true,
            host: String::from("127.0.0.1"),
            port: None,
        }
    }
}

/// `gateway.retry_budget`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RetryBudget {
    /// Share of a group's calls that may be tried again.
    pub(super) share: f64,
    /// Retries per second that a group may make whatever its calls.
    pub(super) per_second: f64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self {
            share: 0.2,
            per_second: 10.0,
        }
    }
}

/// `gateway.drain`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Drain {
    /// Seconds between "not ready" and the end of accepting.
    pub(super) delay: f64,
    /// Seconds that streams may go on after that; not given: as long as they need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<f64>,
    /// What `/health/drain` asks for; not given: LiteLLM's key, else that route does not exist.
    #[serde(skip_serializing, deserialize_with = "secret")]
    pub(super) token: Option<Secret>,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            delay: 5.0,
            timeout: None,
            token: None,
        }
    }
}

/// `gateway.reload`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Reload {
    /// Whether the files of the configuration are watched.
    pub(super) watch: bool,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch: true }
    }
}

/// `gateway.transport`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Transport {
    /// Share of the time to live by which a generation may end earlier, 0 to 1.
    pub(super) ttl_jitter: f64,
    /// Seconds that an idle connection to a provider stays open.
    pub(super) idle_timeout: f64,
    /// Connections per origin.
    pub(super) max_connections: usize,
    /// Calls per origin and worker that may wait for a connection.
    pub(super) max_waiting: usize,
    /// Streams per HTTP/2 connection.
    pub(super) h2_max_streams: usize,
    /// Connections that are opened before a rotation.
    pub(super) prewarm_max: usize,
    /// Seconds after which a retired generation is closed; not given: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drain_deadline: Option<f64>,
    /// Seconds between looks at the addresses of origins; not given: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dns_check: Option<f64>,
    /// `system`, `bundled`, or the path of a PEM file.
    pub(super) roots: String,
    /// `auto`, `never` or `prior_knowledge`.
    pub(super) http2: String,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            ttl_jitter: 0.1,
            idle_timeout: 30.0,
            max_connections: 16_384,
            max_waiting: 16_384,
            h2_max_streams: 32,
            prewarm_max: 32,
            drain_deadline: None,
            dns_check: None,
            roots: String::from("system"),
            http2: String::from("auto"),
        }
    }
}

/// `gateway.metrics`.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Metrics {
    /// Not given: LiteLLM's key, else no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) require_key: Option<bool>,
    /// Not given: yes if one of LiteLLM's callbacks is `prometheus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) litellm_compat: Option<bool>,
}

/// The honored keys of `router_settings` that are single values. Times are seconds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Router {
    pub(super) timeout: Option<f64>,
    pub(super) timeout_scope: Option<String>,
    pub(super) stream_timeout: Option<f64>,
    pub(super) ttft_timeout: Option<f64>,
    pub(super) stream_idle_timeout: Option<f64>,
    pub(super) connect_timeout: Option<f64>,
    pub(super) pool_timeout: Option<f64>,
    pub(super) client_ttl: Option<f64>,
    pub(super) keepalive_seconds: Option<f64>,
    pub(super) routing_strategy: Option<String>,
    pub(super) routing_strategy_args: StrategyArgs,
    pub(super) num_retries: Option<u32>,
    pub(super) max_fallbacks: Option<u32>,
    pub(super) retry_after: Option<f64>,
    pub(super) allowed_fails: Option<u32>,
    pub(super) cooldown_time: Option<f64>,
    pub(super) disable_cooldowns: bool,
    pub(super) enable_pre_call_checks: bool,
    pub(super) enable_weighted_failover: bool,
    pub(super) enable_mid_stream_fallback_continuation: bool,
    pub(super) enable_tag_filtering: bool,
    pub(super) tag_filtering_match_any: Option<bool>,
    pub(super) default_max_parallel_requests: Option<u32>,
}

/// `routing_strategy_args`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct StrategyArgs {
    /// Seconds that a sample counts.
    pub(super) ttl: Option<f64>,
    /// Who is at most this share slower than the fastest is as good.
    pub(super) lowest_latency_buffer: Option<f64>,
}

/// The honored keys of `litellm_settings`. Times are seconds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LiteLlm {
    pub(super) request_timeout: Option<f64>,
    pub(super) num_retries: Option<u32>,
    pub(super) num_retries_per_request: Option<u32>,
    pub(super) max_fallbacks: Option<u32>,
    pub(super) allowed_fails: Option<u32>,
    pub(super) cooldown_time: Option<f64>,
    pub(super) ssl_verify: Option<FlagOrText>,
    pub(super) ssl_certificate: Option<String>,
    pub(super) http2: Option<bool>,
    pub(super) json_logs: Option<bool>,
    pub(super) set_verbose: Option<bool>,
    pub(super) anthropic_sse_ping_interval_seconds: Option<f64>,
    pub(super) sse_keepalive_ping_interval_seconds: Option<f64>,
    pub(super) require_auth_for_metrics_endpoint: Option<bool>,
    pub(super) callbacks: OneOrMore,
    pub(super) success_callback: OneOrMore,
    pub(super) failure_callback: OneOrMore,
}

impl LiteLlm {
    /// Whether a callback is to be told of calls.
    pub(super) fn has_callback(&self, name: &str) -> bool {
        [
            &self.callbacks,
            &self.success_callback,
            &self.failure_callback,
        ]
        .iter()
        .any(|it| it.has(name))
    }
}

/// `true`, `false` or a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum FlagOrText {
    Flag(bool),
    Text(String),
}

/// The honored keys of `general_settings`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct General {
    #[serde(deserialize_with = "secret")]
    pub(super) master_key: Option<Secret>,
    pub(super) dangerously_permit_weak_or_unset_master_key: bool,
    pub(super) litellm_key_header_name: Option<String>,
    pub(super) public_routes: Vec<String>,
    pub(super) enable_drain_endpoint: bool,
    #[serde(deserialize_with = "secret")]
    pub(super) drain_endpoint_token: Option<Secret>,
    /// Mebibytes.
    pub(super) max_request_size_mb: Option<f64>,
    pub(super) dangerously_allow_mock_testing_request_params: bool,
    pub(super) otel: bool,
    pub(super) max_parallel_requests: Option<usize>,
    pub(super) global_max_parallel_requests: Option<usize>,
    pub(super) max_in_flight_requests_per_worker: Option<usize>,
    pub(super) max_queued_requests_per_worker: Option<usize>,
    pub(super) admission_queue_timeout_seconds: Option<f64>,
    pub(super) background_health_checks: bool,
    pub(super) health_check_interval: Option<f64>,
    pub(super) health_check_details: Option<bool>,
    pub(super) health_check_concurrency: Option<usize>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}
