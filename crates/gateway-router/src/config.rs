//! What an operator says about deployments and names.

use gateway_providers::EndpointConfig;

/// One entry of LiteLLM's `model_list`.
#[derive(Clone, Debug, Default)]
pub struct DeploymentConfig {
    /// The name that clients use (`model_name`); entries with the same name form a group. A `*` stands for any text.
    pub group: String,
    /// The deployment's own name (`model_info.id`); else one is made of everything that is configured here.
    pub id: Option<String>,
    /// Where it is.
    pub endpoint: EndpointConfig,
    /// Its share of the group's calls, relative to the others.
    pub weight: Option<f64>,
    /// Requests per minute that it is good for; its share where nobody has a weight.
    pub rpm: Option<u64>,
    /// Tokens per minute that it is good for; its share where nobody has a weight or `rpm`.
    pub tpm: Option<u64>,
    /// Its level: only the lowest one present in a group is used.
    pub order: Option<i64>,
}

/// Another name for a model group (`router_settings.model_group_alias`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alias {
    /// The name that clients use.
    pub name: String,
    /// The model group that is meant.
    pub target: String,
    /// Works, but is in no list of models.
    pub hidden: bool,
}
