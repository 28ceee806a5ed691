//! What the program needs: everything resolved, nothing left to look up.

use super::checks::Checks;
use super::deployment::DeploymentSettings;
use super::environment::Environment;
use gateway_core::Secret;
use gateway_providers::ConnectOptions;
use gateway_router::{Alias, Routing, Timer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of one run. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The public listener.
    pub listen: Listen,
    /// Who may connect at all, and why.
    pub exposure: Exposure,
    /// Who may call.
    pub auth: Auth,
    /// The routes under `/admin`.
    pub admin: Admin,
    /// Worker threads, at least one.
    pub workers: usize,
    /// Bounds of what is read.
    pub limits: Limits,
    /// How much is taken on at once.
    pub admission: Admission,
    /// How calls are routed, with the timers that hold where a request or a deployment says nothing.
    pub routing: Routing,
    /// How long a client may leave a written answer unread.
    pub slow_client: Timer,
    /// Whether requests may ask for mock answers and mock failures.
    pub mocks: bool,
    /// What a silent stream gets.
    pub heartbeats: Heartbeats,
    /// How deployments are probed.
    pub checks: Checks,
    /// How the process ends.
    pub drain: Drain,
    /// Whether a change of a file that the configuration was made of is a reload.
    pub watch: bool,
    /// The pools.
    pub transport: TransportSettings,
    /// The log.
    pub log: Log,
    /// Traces.
    pub tracing: Tracing,
    /// How metrics are told.
    pub metrics: MetricsSettings,
    /// The deployments of `model_list`, in order.
    pub deployments: Vec<DeploymentSettings>,
    /// `model_group_alias`.
    pub aliases: Vec<Alias>,
    /// Whether an embedded upstream is wanted.
    pub demo: bool,
    /// The variables that the provider layer may look up, `environment_variables` included.
    pub environment: Environment,
}

/// The public listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Already loopback if the exposure says so. Port 0 lets the system choose.
    pub address: SocketAddr,
    /// Not given: plain text.
    pub tls: Option<TlsFiles>,
    /// How long the head of a request may take.
    pub head_timeout: Duration,
    /// How long an idle connection stays open.
    pub keepalive_timeout: Duration,
}

/// Two PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Where the certificate is named: `file:line:column`, a flag or a variable.
    pub origin: String,
}

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// Everybody who reaches the configured address.
    AsConfigured,
    /// Only this machine.
    LoopbackOnly {
        /// One sentence for the log.
        why: String,
    },
}

/// Who may call.
#[derive(Debug, Clone)]
pub struct Auth {
    /// `None`: nobody is asked for a key.
    pub master_key: Option<Secret>,
    /// The header that carries the key, in place of the usual ones.
    pub key_header: Option<http::HeaderName>,
    /// Paths that need no key, as configured; nothing acts on them yet, and a warning says so.
    pub public_routes: Vec<String>,
    /// What `/health/drain` asks for; `None`: that route does not exist.
    pub drain_token: Option<Secret>,
}

/// The routes under `/admin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Whether they exist.
    pub enabled: bool,
    /// A listener of their own; `None`: they are on the public one.
    pub listen: Option<SocketAddr>,
}

/// Bounds of what is read, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The body of a request.
    pub max_body_bytes: usize,
    /// One event of a stream.
    pub max_event_bytes: usize,
}

/// How many calls the process takes on at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Calls under way, all workers together; beyond them calls queue. `None`: no bound.
    pub max_in_flight: Option<usize>,
    /// Calls that may wait for a place; beyond them calls are refused.
    pub max_queued: usize,
    /// How long they wait.
    pub queue_timeout: Duration,
    /// LiteLLM's limits of parallel requests, of the key and of all, whichever is less: one more is refused at once
    /// as a rate limit. `None`: no bound.
    pub max_parallel: Option<usize>,
}

/// Silence after which a stream gets a heartbeat; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeats {
    /// For the OpenAI dialects.
    pub openai: Option<Duration>,
    /// For the Anthropic dialect.
    pub anthropic: Option<Duration>,
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Between "not ready" and the end of accepting.
    pub delay: Duration,
    /// What streams may take after that; `None`: as long as they need.
    pub timeout: Option<Duration>,
    /// What a new process may take until it is ready to take over.
    pub upgrade_timeout: Duration,
}

/// The pools.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// `client_ttl`: the age at which a generation is replaced; `None`: never.
    pub ttl: Option<Duration>,
    /// Share of `ttl` by which a generation may end earlier, 0 to 1.
    pub ttl_jitter: f64,
    /// How long an idle connection stays open.
    pub idle_timeout: Duration,
    /// Connections per origin.
    pub max_connections: usize,
    /// Calls per origin and worker that may wait for a connection.
    pub max_waiting: usize,
    /// Streams per HTTP/2 connection.
    pub h2_max_streams: usize,
    /// Connections that are opened before a rotation.
    pub prewarm_max: usize,
    /// Age at which a retired generation is closed; `None`: never.
    pub drain_deadline: Option<Duration>,
    /// Interval between looks at the addresses of origins; `None`: never.
    pub dns_check: Option<Duration>,
    /// What deployments start from; each of them already has its own copy.
    pub connect: ConnectOptions,
}

/// How metrics are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Only to who has the master key.
    pub require_key: bool,
    /// Also by LiteLLM's names.
    pub litellm_compat: bool,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// What is written: a level, or a filter such as `info,gateway_transport=debug`.
    pub level: String,
    /// The calls that leave a line.
    pub calls: LoggedCalls,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text at a terminal, JSON elsewhere.
    Auto,
    /// One JSON object.
    Json,
    /// Text for people.
    Text,
}

/// The calls that leave a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedCalls {
    /// Every one.
    All,
    /// Those that did not end as they should, or were refused.
    Failed,
    /// None.
    None,
}

/// Traces: which calls belong to one, who is told of it, and where they go.
#[derive(Debug, Clone)]
pub struct Tracing {
    /// Where spans go; `None`: nothing is collected.
    pub export: Option<TraceExport>,
    /// Which calls are traced.
    pub sampler: Sampler,
    /// Which providers see the trace that a call belongs to.
    pub propagate: Propagate,
}

/// Where spans go, and how.
#[derive(Debug, Clone)]
pub struct TraceExport {
    /// The whole address that spans are posted to. It may hold credentials.
    pub url: Secret,
    /// What every export has in its head.
    pub headers: Vec<(String, Secret)>,
    /// What is said of this process with every export.
    pub resource: Vec<(String, String)>,
    /// How long one export may take.
    pub timeout: Duration,
    /// How long a finished call may wait for its export.
    pub delay: Duration,
    /// Finished calls that may wait; of further ones the spans are lost.
    pub queue: usize,
    /// Calls in one export.
    pub batch: usize,
    /// Attributes of conventions before the latest are set too.
    pub older_names: bool,
    /// How to connect.
    pub connect: ConnectOptions,
}

/// Which calls are traced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Whether the caller's decision counts, where there is one.
    pub by_parent: bool,
    /// Share of the other calls, 0 to 1.
    pub ratio: f64,
}

/// Which providers see the trace that a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagate {
    /// Those that the operator runs.
    Auto,
    /// All.
    Always,
    /// None.
    Never,
}
