//! What was said of the log, of traces, and of callbacks.

use serde::{Deserialize, Serialize};

/// `gateway.log`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Log {
    /// `json` or `text`; not given: `litellm_settings.json_logs` decides, else text at a terminal and JSON elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config) format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config) level: Option<String>,
    /// The calls that leave a line: `all`, `failed` or `none`.
    pub(in crate::config) calls: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: None,
            level: None,
            calls: String::from("all"),
        }
    }
}

/// `gateway.tracing`, but for its mappings, whose keys are the user's.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Tracing {
    /// Not given: traces are exported if there is an endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config) enabled: Option<bool>,
    /// The collector's address, to which `/v1/traces` is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config) endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config) service_name: Option<String>,
    /// Share of the traces that begin here which are exported, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::config) sample_ratio: Option<f64>,
    /// `auto`, `always` or `never`.
    pub(in crate::config) propagate: String,
}

impl Default for Tracing {
    fn default() -> Self {
        Self {
            enabled: None,
            endpoint: None,
            service_name: None,
            sample_ratio: None,
            propagate: String::from("auto"),
        }
    }
}

/// A text, or a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(in crate::config) enum OneOrMore {
    #[default]
    None,
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    /// Whether this text is there.
    pub(super) fn has(&self, text: &str) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => one == text,
            Self::More(more) => more.iter().any(|it| it == text),
        }
    }
}
