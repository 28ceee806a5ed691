//! What the ops page, `top`, `status` and others are told, as JSON: additions are fine, a change of a name is not.
//!
//! Times are in seconds unless a name ends in `_ms`, instants are seconds since 1970, and what is not known is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control::Mark;

/// `GET /admin/status`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The program's.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// When it began.
    pub started: f64,
    /// How long ago that was.
    pub uptime: f64,
    /// Whether it takes calls.
    pub state: Readiness,
    /// Why it does not.
    pub reasons: Vec<String>,
    /// The configuration in force, and what became of the last attempt to change it.
    pub config: Value,
    /// Of all calls.
    pub calls: Calls,
    /// Each deployment, in the order of the configuration.
    pub deployments: Vec<DeploymentStatus>,
    /// The origins of `GET /admin/pools`.
    pub pools: Vec<Value>,
    /// Streams under way: the oldest, the slowest, and those that wait for a slow client.
    pub streams: Vec<StreamStatus>,
    /// How many streams there are.
    pub streams_total: usize,
    /// The last failed calls by cause.
    pub failures: Vec<FailureGroup>,
}

/// Whether the process takes calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Readiness {
    /// It does.
    Ready,
    /// It ends what runs.
    Draining,
    /// It does not.
    #[default]
    NotReady,
}

/// Of all calls; rates and percentiles are those of the last minute.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// Under way.
    pub active: u64,
    /// Of these, streams.
    pub streams: usize,
    /// Those that wait for a place.
    pub queued: u64,
    /// Calls that ended.
    pub per_second: f64,
    /// Calls that failed.
    pub failures_per_second: f64,
    /// From the head of the request to the head of the answer, without the time of attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead_ms: Option<Percentiles>,
    /// From the head of the request to the first content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_content_ms: Option<Percentiles>,
}

/// Half of all values are below the one, all but a hundredth below the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// One deployment; counts, rates and percentiles are those of the last minute.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DeploymentStatus {
    /// Its id.
    pub id: String,
    /// Its model group.
    pub model_name: String,
    /// The provider.
    pub provider: String,
    /// The provider's name of its model.
    pub model: String,
    /// Where it is asked, without anything secret.
    #[serde(default)]
    pub api_base: String,
    /// Whether it may serve.
    pub state: DeploymentState,
    /// Why it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it may again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns_in: Option<f64>,
    /// Attempts under way, streams included.
    pub active: u32,
    /// Attempts that ended.
    pub per_minute: f64,
    /// The share of them that did not fail: 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<f64>,
    /// Those that failed, by kind.
    pub failures: BTreeMap<String, u64>,
    /// From the start of an attempt to its first content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_content_ms: Option<Percentiles>,
    /// Tokens of output.
    pub tokens_per_second: f64,
    /// Dollars since the process began.
    pub cost_usd: f64,
}

/// Whether a deployment may serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeploymentState {
    /// It may.
    #[default]
    Ready,
    /// Not for some time.
    SetAside,
    /// One attempt decides whether it returns.
    Probation,
    /// Not until an operator brings it back.
    Drained,
}

/// One stream under way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StreamStatus {
    /// Its name in logs and headers.
    pub call_id: String,
    /// The front end.
    pub api: String,
    /// The model that was asked for.
    pub model: String,
    /// The deployment that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// How long ago it came in.
    pub age: f64,
    /// When its first content came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_content_ms: Option<f64>,
    /// Events handed over.
    pub events: u64,
    /// Bytes handed over.
    pub bytes: u64,
    /// Where it stands.
    pub state: StreamState,
    /// How long its client has not taken what was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_for: Option<f64>,
    /// The generation of its connection to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The worker that serves it.
    pub worker: usize,
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamState {
    /// It has no connection to a provider yet.
    #[default]
    Connecting,
    /// The provider is to say something.
    Waiting,
    /// It has content.
    Streaming,
    /// Its client does not read.
    Stalled,
}

/// Failed calls of one cause.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FailureGroup {
    /// What they failed of.
    pub cause: String,
    /// How many of the last failed calls.
    pub count: usize,
    /// The last one.
    pub last: FailedCall,
}

/// A failed call.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FailedCall {
    /// When it ended.
    pub at: f64,
    /// Its name in logs and headers.
    pub call_id: String,
    /// The deployment that was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Status towards the client; 0: none was sent.
    pub status: u16,
    /// What went wrong, for the operator.
    pub message: String,
}

/// `GET /admin/timeline`, and, with the newest column only, an event of `GET /admin/live`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Timeline {
    /// When the first column begins.
    pub from: f64,
    /// When the last one ends.
    pub to: f64,
    /// Seconds per column.
    pub step: u32,
    /// One per deployment, in the order of the configuration.
    pub lanes: Vec<Lane>,
    /// What happened.
    pub marks: Vec<Mark>,
}

impl Timeline {
    /// Adds what is newer; what is older than fifteen minutes falls out.
    pub(crate) fn extend(&mut self, newest: Self) {
        self.marks.extend(newest.marks);
        let excess = self.marks.len().saturating_sub(MARKS);
        self.marks.drain(..excess);
        if newest.lanes.is_empty() || newest.to <= self.to {
            return;
        }
        for lane in newest.lanes {
            match self.lanes.iter_mut().find(|it| it.id == lane.id) {
                Some(known) => {
                    known.states.push_str(&lane.states);
                    let excess = known.states.chars().count().saturating_sub(COLUMNS);
                    known.states = known.states.chars().skip(excess).collect();
                }
                None => self.lanes.push(lane),
            }
        }
        self.to = newest.to;
    }
}

/// The past of a deployment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Lane {
    /// The deployment's id.
    pub id: String,
    /// Its model group.
    pub model_name: String,
    /// A letter per column: `r` ready, `s` set aside, `p` probation, `d` drained, `f` failing, blank: not known.
    pub states: String,
}

/// Columns that a timeline has.
pub(super) const COLUMNS: usize = 180;
/// Marks that whoever looks on keeps.
const MARKS: usize = 512;
