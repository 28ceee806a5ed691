//! Every family of metrics, one entry each.

pub(super) mod labels;
pub(super) mod litellm;

use super::table::{Family, Group, counter, gauge, histogram};
use labels::{
    API, API_BASE, ATTEMPT_KIND, CONNECT_OUTCOME, CONNECTION, CONNECTION_STATE, CURRENT, DELIVERY,
    DEPLOYMENT, DRAIN_OUTCOME, END, EXPORT, GENERATION_STATE, MODEL, ORIGIN, OUTCOME, PHASE,
    PROVIDER, QUOTA, REASON, ROTATION, STATE, TOKEN_KIND, UPSTREAM_MODEL, VERSION, WAITED, WAITING,
    WORKER,
};

/// All of them that are always there, in the order in which they are on the page.
#[cfg(test)]
pub(super) const NATIVE: &[&Family] = &[
    &CALLS,
    &CALLS_ACTIVE,
    &CALL_DURATION,
    &OVERHEAD,
    &FIRST_CONTENT,
    &STREAMS_ACTIVE,
    &STREAMS_ENDED,
    &TOKENS,
    &COST,
    &UNPRICED,
    &QUEUED,
    &REFUSED,
    &ATTEMPTS,
    &ATTEMPT_DURATION,
    &ATTEMPT_FIRST_CONTENT,
    &RETRIES,
    &FALLBACKS,
    &HEDGES,
    &DEPLOYMENT_INFO,
    &DEPLOYMENT_STATE,
    &COOLDOWNS,
    &IN_FLIGHT,
    &QUOTA_LEFT,
    &POOL_GENERATIONS,
    &POOL_CONNECTIONS,
    &POOL_STREAMS,
    &POOL_WAITING,
    &POOL_OLDEST,
    &POOL_ROTATIONS,
    &POOL_ROTATIONS_FAILED,
    &POOL_CONNECTS,
    &POOL_REQUESTS,
    &POOL_REPEATS,
    &POOL_CONNECT,
    &POOL_DRAIN,
    &POOL_CHECKOUT,
    &RELOAD_OK,
    &RELOAD_AT,
    &GENERATION,
    &BUILD,
    &DRAINING,
    &LINES_DROPPED,
    &SPANS,
    &TRACES_DROPPED,
    &OVERFLOWED,
    &RUNTIME_TASKS,
    &RUNTIME_BUSY,
    &CPU,
    &RESIDENT,
    &VIRTUAL,
    &OPEN_FDS,
    &MAX_FDS,
    &THREADS,
    &STARTED,
];

pub(super) static CALLS: Family = counter(
    "gateway_calls",
    Group::Calls,
    &[&API, &MODEL, &END],
    "Calls by how they ended",
);
pub(super) static CALLS_ACTIVE: Family = gauge(
    "gateway_calls_active",
    Group::Calls,
    &[&API],
    "Calls under way",
);
pub(super) static CALL_DURATION: Family = histogram(
    "gateway_call_duration_seconds",
    Group::Calls,
    &[&API],
    "From the request's head to the end of the response",
);
pub(super) static OVERHEAD: Family = histogram(
    "gateway_overhead_seconds",
    Group::Calls,
    &[&API],
    "From the request's head to the answer's, without the time in which attempts were under way",
);
pub(super) static FIRST_CONTENT: Family = histogram(
    "gateway_time_to_first_content_seconds",
    Group::Calls,
    &[&API],
    "From the request's head to the first meaningful content",
);
pub(super) static STREAMS_ACTIVE: Family = gauge(
    "gateway_streams_active",
    Group::Calls,
    &[],
    "Streams under way to clients; what to scale by",
);
pub(super) static STREAMS_ENDED: Family = counter(
    "gateway_streams_ended",
    Group::Calls,
    &[&MODEL, &END],
    "Streams by how they ended",
);
pub(super) static TOKENS: Family = counter(
    "gateway_tokens",
    Group::Calls,
    &[&MODEL, &DEPLOYMENT, &TOKEN_KIND],
    "Tokens as the providers reported them",
);
pub(super) static COST: Family = counter(
    "gateway_cost_usd",
    Group::Calls,
    &[&MODEL, &DEPLOYMENT],
    "Dollars that answers have cost",
);
pub(super) static UNPRICED: Family = counter(
    "gateway_cost_unknown",
    Group::Calls,
    &[&MODEL, &DEPLOYMENT],
    "Answers with a usage whose cost is not known",
);
pub(super) static QUEUED: Family = gauge(
    "gateway_calls_queued",
    Group::Calls,
    &[],
    "Calls that wait for a place",
);
pub(super) static REFUSED: Family = counter(
    "gateway_calls_refused",
    Group::Calls,
    &[&REASON],
    "Calls that found no place",
);

pub(super) static ATTEMPTS: Family = counter(
    "gateway_attempts",
    Group::Attempts,
    &[&MODEL, &DEPLOYMENT, &ATTEMPT_KIND, &OUTCOME],
    "Attempts by what became of them up to the first content",
);
pub(super) static ATTEMPT_DURATION: Family = histogram(
    "gateway_attempt_duration_seconds",
    Group::Attempts,
    &[&MODEL, &DEPLOYMENT],
    "From the start of an attempt that answered to the end of its answer, streams included",
);
pub(super) static ATTEMPT_FIRST_CONTENT: Family = histogram(
    "gateway_attempt_first_content_seconds",
    Group::Attempts,
    &[&MODEL, &DEPLOYMENT],
    "From the start of an attempt to the first content of its stream",
);
pub(super) static RETRIES: Family = counter(
    "gateway_retries",
    Group::Attempts,
    &[&MODEL],
    "Attempts that tried a model group again",
);
pub(super) static FALLBACKS: Family = counter(
    "gateway_fallbacks",
    Group::Attempts,
    &[&MODEL],
    "Model groups that calls fell back to",
);
pub(super) static HEDGES: Family = counter(
    "gateway_hedges",
    Group::Attempts,
    &[&MODEL],
    "Second attempts against slow ones",
);

pub(super) static DEPLOYMENT_INFO: Family = gauge(
    "gateway_deployment_info",
    Group::Deployments,
    &[&MODEL, &DEPLOYMENT, &PROVIDER, &UPSTREAM_MODEL, &API_BASE],
    "1 for each deployment of the configuration in force",
);
pub(super) static DEPLOYMENT_STATE: Family = gauge(
    "gateway_deployment_state",
    Group::Deployments,
    &[&MODEL, &DEPLOYMENT, &STATE],
    "1 for the state that a deployment is in",
);
pub(super) static COOLDOWNS: Family = counter(
    "gateway_deployment_cooldowns",
    Group::Deployments,
    &[&MODEL, &DEPLOYMENT],
    "How often failures have set a deployment aside",
);
pub(super) static IN_FLIGHT: Family = gauge(
    "gateway_deployment_attempts_active",
    Group::Deployments,
    &[&MODEL, &DEPLOYMENT],
    "Attempts under way at a deployment, streams included",
);
pub(super) static QUOTA_LEFT: Family = gauge(
    "gateway_deployment_quota_remaining",
    Group::Deployments,
    &[&MODEL, &DEPLOYMENT, &QUOTA],
    "What the provider's last answer said was left of its rate limit",
);

pub(super) static POOL_GENERATIONS: Family = gauge(
    "gateway_pool_generations",
    Group::Pools,
    &[&ORIGIN, &GENERATION_STATE],
    "Generations of connections",
);
pub(super) static POOL_CONNECTIONS: Family = gauge(
    "gateway_pool_connections",
    Group::Pools,
    &[&ORIGIN, &CONNECTION_STATE],
    "Connections of the current generation by protocol and state",
);
pub(super) static POOL_STREAMS: Family = gauge(
    "gateway_pool_streams",
    Group::Pools,
    &[&ORIGIN, &GENERATION_STATE],
    "Exchanges that run, by the state of their generation",
);
pub(super) static POOL_WAITING: Family = gauge(
    "gateway_pool_waiting",
    Group::Pools,
    &[&ORIGIN, &WAITING],
    "Exchanges that wait for a connection",
);
pub(super) static POOL_OLDEST: Family = gauge(
    "gateway_pool_oldest_draining_seconds",
    Group::Pools,
    &[&ORIGIN, &CURRENT],
    "Age of the oldest exchange on a retired generation",
);
pub(super) static POOL_ROTATIONS: Family = counter(
    "gateway_pool_rotations",
    Group::Pools,
    &[&ORIGIN, &ROTATION],
    "Generations by the reason of their birth",
);
pub(super) static POOL_ROTATIONS_FAILED: Family = counter(
    "gateway_pool_rotations_failed",
    Group::Pools,
    &[&ORIGIN],
    "Rotations given up because the new generation could not connect",
);
pub(super) static POOL_CONNECTS: Family = counter(
    "gateway_pool_connects",
    Group::Pools,
    &[&ORIGIN, &CONNECT_OUTCOME],
    "Connects by outcome; stale ones were given up or finished for a retired generation",
);
pub(super) static POOL_REQUESTS: Family = counter(
    "gateway_pool_requests",
    Group::Pools,
    &[&ORIGIN, &CONNECTION],
    "Exchanges by the connection that they got",
);
pub(super) static POOL_REPEATS: Family = counter(
    "gateway_pool_repeats",
    Group::Pools,
    &[&ORIGIN, &DELIVERY],
    "Requests sent again because a reused connection was closed before the first byte",
);
pub(super) static POOL_CONNECT: Family = histogram(
    "gateway_pool_connect_seconds",
    Group::Pools,
    &[&ORIGIN, &PHASE],
    "Time per phase of a connect",
);
pub(super) static POOL_DRAIN: Family = histogram(
    "gateway_pool_drain_seconds",
    Group::Pools,
    &[&ORIGIN, &DRAIN_OUTCOME],
    "From the retirement of a generation to its end",
);
pub(super) static POOL_CHECKOUT: Family = histogram(
    "gateway_pool_checkout_seconds",
    Group::Pools,
    &[&ORIGIN, &WAITED],
    "Waits of exchanges that found no connection ready",
);

pub(super) static RELOAD_OK: Family = gauge(
    "gateway_config_last_reload_successful",
    Group::Config,
    &[],
    "1 if the configuration was taken when it was last read, 0 if it was refused and the old one is in force",
);
pub(super) static RELOAD_AT: Family = gauge(
    "gateway_config_last_reload_timestamp_seconds",
    Group::Config,
    &[],
    "When the configuration was last read, in seconds since 1970",
);
pub(super) static GENERATION: Family = gauge(
    "gateway_config_generation",
    Group::Config,
    &[],
    "1 at the start, one more with each configuration that was taken",
);

pub(super) static BUILD: Family = gauge(
    "gateway_build_info",
    Group::Process,
    &[&VERSION],
    "1, with the version",
);
pub(super) static DRAINING: Family = gauge(
    "gateway_draining",
    Group::Process,
    &[],
    "1 from the moment at which the process says that it is not ready because it ends",
);
pub(super) static LINES_DROPPED: Family = counter(
    "gateway_log_lines_dropped",
    Group::Process,
    &[],
    "Log lines lost because nobody read the log in time",
);
pub(super) static SPANS: Family = counter(
    "gateway_trace_spans",
    Group::Process,
    &[&EXPORT],
    "Spans that the collector took, and those that it did not take",
);
pub(super) static TRACES_DROPPED: Family = counter(
    "gateway_trace_calls_dropped",
    Group::Process,
    &[],
    "Calls without spans because too many waited for the collector",
);
pub(super) static OVERFLOWED: Family = counter(
    "gateway_metrics_overflowed",
    Group::Process,
    &[],
    "Series that were not made because a family had too many, and are counted as `other`",
);
pub(super) static RUNTIME_TASKS: Family = gauge(
    "gateway_runtime_tasks",
    Group::Process,
    &[&WORKER],
    "Tasks of a worker",
);
pub(super) static RUNTIME_BUSY: Family = counter(
    "gateway_runtime_busy_seconds",
    Group::Process,
    &[&WORKER],
    "Time in which a worker was not waiting; its rate is the load of the thread, 0 to 1",
);
pub(super) static CPU: Family = counter(
    "process_cpu_seconds",
    Group::Process,
    &[],
    "Processor time, user and system",
);
pub(super) static RESIDENT: Family = gauge(
    "process_resident_memory_bytes",
    Group::Process,
    &[],
    "Resident memory",
);
pub(super) static VIRTUAL: Family = gauge(
    "process_virtual_memory_bytes",
    Group::Process,
    &[],
    "Virtual memory",
);
pub(super) static OPEN_FDS: Family =
    gauge("process_open_fds", Group::Process, &[], "Open descriptors");
pub(super) static MAX_FDS: Family = gauge(
    "process_max_fds",
    Group::Process,
    &[],
    "Descriptors that may be open",
);
pub(super) static THREADS: Family = gauge("process_threads", Group::Process, &[], "Threads");
pub(super) static STARTED: Family = gauge(
    "process_start_time_seconds",
    Group::Process,
    &[],
    "When the process began, in seconds since 1970",
);
