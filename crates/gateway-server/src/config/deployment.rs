//! From the entries of `model_list` to deployments.

pub(super) mod connect; // TLS, HTTP/2.

use super::environment::Environment;
use super::keys::PARAMS;
use super::masks::is_credential;
use super::problem::{Code, Mark, Place, Report};
use super::secrets::secret;
use super::suggest::nearest;
use super::tree::{Node, Tree};
use gateway_core::Secret;
use gateway_providers::{ConnectOptions, Endpoint, EndpointConfig};
use std::collections::HashMap;
use std::time::Duration;

/// One deployment, as the program needs it.
#[derive(Debug, Clone)]
pub struct DeploymentSettings {
    /// `model_name`: the model group. May contain `*`.
    pub group: String,
    /// `model_info.id`; not given: the catalog makes one.
    pub id: Option<String>,
    /// What the provider layer needs.
    pub endpoint: EndpointConfig,
    /// Share of the group's calls, relative to its other deployments.
    pub weight: Option<f64>,
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Priority: the lowest level present is used first.
    pub order: Option<i64>,
    /// The deployment's own timers.
    pub timers: DeploymentTimers,
    /// Where it is written: `file:line:column`, or the flag that made it.
    pub origin: String,
}

/// Timers of one deployment; what is not given comes from the router's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeploymentTimers {
    /// One attempt, to the last byte.
    pub attempt: Option<Duration>,
    /// From the start of an attempt to the first content of a stream.
    pub first_content: Option<Duration>,
    /// Silence between contents of a stream.
    pub idle: Option<Duration>,
    /// DNS, TCP and TLS.
    pub connect: Option<Duration>,
    /// Waiting for a connection.
    pub pool: Option<Duration>,
}

/// All deployments of a checked document.
pub(super) fn all(
    root: &Node,
    connect: &ConnectOptions,
    report: &mut Report,
) -> Vec<DeploymentSettings> {
    let credentials = credentials(root, report);
    let mut deployments = Vec::new();
    for entry in root.get("model_list").map_or(&[][..], Node::items) {
        deployments.extend(one(entry, &credentials, connect, report));
    }
    same_ids(root, report);
    deployments
}

/// Builds each deployment as the catalog will, and reports those that will be left out.
pub(super) fn build_all(
    root: &Node,
    deployments: &[DeploymentSettings],
    variables: &Environment,
    report: &mut Report,
) {
    let variables = variables.clone();
    let lookup = move |name: &str| variables.get(name).map(str::to_owned);
    let environment = gateway_providers::Environment::with_lookup(lookup);
    let entries = root.get("model_list").map_or(&[][..], Node::items);
    for deployment in deployments {
        let Err(error) = Endpoint::build(deployment.endpoint.clone(), &environment) else {
            continue;
        };
        let place = entries
            .iter()
            .map(first_key)
            .find(|place| report.describe(place) == deployment.origin);
        let mut message = format!("this deployment will be left out: {error}");
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            message += &format!(": {inner}");
            cause = inner.source();
        }
        report.warn(Code::Unservable, place.unwrap_or(Place::Nowhere), message);
    }
}

/// Where an entry of `model_list` begins for a reader.
fn first_key(entry: &Node) -> Place {
    Place::File(entry.entries().first().map_or(entry.at, |(key, _)| key.at))
}

/// The deployments of one entry: one for each organization.
fn one(
    entry: &Node,
    credentials: &HashMap<&str, &Node>,
    connect: &ConnectOptions,
    report: &mut Report,
) -> Vec<DeploymentSettings> {
    let (Some(group), Some(own)) = (
        entry.get("model_name").and_then(Node::as_text),
        entry.get("litellm_params"),
    ) else {
        return Vec::new();
    };
    let params = Params {
        own,
        named: credential(own, credentials, report),
    };
    let Some(model) = params.text("model") else {
        return Vec::new();
    };
    let info = entry.get("model_info");
    let number = |key: &str| {
        params
            .get(key)
            .or_else(|| entry.get(key))
            .and_then(Node::as_whole)
            .and_then(|n| u64::try_from(n).ok())
    };
    let deployment = DeploymentSettings {
        group: group.to_owned(),
        id: info
            .and_then(|info| info.get("id"))
            .and_then(Node::as_text)
            .map(str::to_owned),
        endpoint: endpoint(model, &params, connect, report),
        weight: params.get("weight").and_then(Node::as_number),
        rpm: number("rpm"),
        tpm: number("tpm"),
        order: number("order").and_then(|order| i64::try_from(order).ok()),
        timers: timers(&params),
        origin: report.describe(&first_key(entry)),
    };
    match params.get("organization").map(Node::items) {
        Some(organizations) if !organizations.is_empty() => {
            per_organization(&deployment, organizations)
        }
        _ => vec![deployment],
    }
}

fn per_organization(
    deployment: &DeploymentSettings,
    organizations: &[Node],
) -> Vec<DeploymentSettings> {
    let names = organizations.iter().filter_map(Node::as_text);
    names
        .map(|name| {
            let mut each = deployment.clone();
            each.endpoint.organization = Some(name.to_owned());
            each.id = each.id.map(|id| format!("{id}/{name}"));
            each
        })
        .collect()
}

fn endpoint(
    model: &str,
    params: &Params<'_>,
    connect: &ConnectOptions,
    report: &mut Report,
) -> EndpointConfig {
    let mut defaults = serde_json::Map::new();
    for (key, node) in params
        .own
        .entries()
        .iter()
        .filter(|(key, _)| PARAMS.find(&key.name).is_none())
    {
        if !node.is_null() && !is_credential(&key.name) {
            defaults.insert(key.name.clone(), node.to_json());
        }
    }
    if let Some(body) = params.get("extra_body") {
        defaults.insert(String::from("extra_body"), body.to_json());
    }
    EndpointConfig {
        model: model.to_owned(),
        custom_llm_provider: params.owned("custom_llm_provider"),
        api_key: params.secret("api_key", report),
        api_base: params
            .owned("api_base")
            .or_else(|| params.owned("base_url")),
        api_version: params.owned("api_version"),
        organization: params.owned("organization"),
        extra_headers: headers(params, report),
        defaults,
        vertex_project: params.owned("vertex_project"),
        vertex_location: params.owned("vertex_location"),
        vertex_credentials: params.secret("vertex_credentials", report),
        azure_ad_token: params.secret("azure_ad_token", report),
        connect: connect::options(params, connect, report),
    }
}

fn headers(params: &Params<'_>, report: &mut Report) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (key, node) in params.get("extra_headers").map_or(&[][..], Node::entries) {
        let named = http::HeaderName::try_from(key.name.as_str()).is_ok();
        let value = match &node.tree {
            Tree::Text(text) => Some(text.clone()),
            Tree::Integer(number) => Some(number.to_string()),
            Tree::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        match value.filter(|value| named && http::HeaderValue::try_from(value.as_str()).is_ok()) {
            Some(value) => headers.push((key.name.clone(), value)),
            None if node.is_null() => {}
            None => {
                let message = format!(
                    "`{}` in extra_headers is no HTTP header with a text value",
                    key.name.escape_debug()
                );
                report.error(Code::InvalidValue, Place::File(key.at), message);
            }
        }
    }
    headers
}

fn timers(params: &Params<'_>) -> DeploymentTimers {
    let either = |key: &str, alias: &str| params.seconds(key).or_else(|| params.seconds(alias));
    DeploymentTimers {
        attempt: either("timeout", "request_timeout"),
        first_content: either("stream_timeout", "ttft_timeout"),
        idle: params.seconds("stream_idle_timeout"),
        connect: params.seconds("connect_timeout"),
        pool: params.seconds("pool_timeout"),
    }
}

/// `credential_list` by name.
fn credentials<'a>(root: &'a Node, report: &mut Report) -> HashMap<&'a str, &'a Node> {
    let mut named = HashMap::new();
    for entry in root.get("credential_list").map_or(&[][..], Node::items) {
        let Some(name) = entry.get("credential_name") else {
            continue;
        };
        let (Some(text), Some(values)) = (name.as_text(), entry.get("credential_values")) else {
            continue;
        };
        if named.insert(text, values).is_some() {
            let message = format!(
                "there is another credential of the name `{}`",
                text.escape_debug()
            );
            report.error(Code::InvalidValue, name.place(), message);
        }
    }
    named
}

fn credential<'a>(
    own: &Node,
    credentials: &HashMap<&str, &'a Node>,
    report: &mut Report,
) -> Option<&'a Node> {
    let wanted = own.get("litellm_credential_name")?;
    let name = wanted.as_text()?;
    let found = credentials.get(name).copied();
    if found.is_none() {
        let message = format!("credential_list has no `{}`", name.escape_debug());
        let near = nearest(name, credentials.keys().copied());
        report
            .error(Code::Missing, wanted.place(), message)
            .hint_opt(near.map(|near| format!("did you mean `{near}`?")));
    }
    found
}

fn same_ids(root: &Node, report: &mut Report) {
    let mut seen: HashMap<&str, Mark> = HashMap::new();
    for entry in root.get("model_list").map_or(&[][..], Node::items) {
        let Some(node) = entry.get("model_info").and_then(|info| info.get("id")) else {
            continue;
        };
        let Some(id) = node.as_text() else { continue };
        if let Some(first) = seen.insert(id, node.at) {
            let message = format!("another deployment has the id `{}`", id.escape_debug());
            let hint = format!(
                "the other one is at {}",
                report.describe(&Place::File(first))
            );
            report
                .error(Code::InvalidValue, node.place(), message)
                .hint(hint);
        }
    }
}

/// The parameters of a deployment; a named credential fills in what it does not say itself.
struct Params<'a> {
    own: &'a Node,
    named: Option<&'a Node>,
}

impl<'a> Params<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        self.own
            .get(key)
            .or_else(|| self.named.and_then(|named| named.get(key)))
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)
            .and_then(Node::as_text)
            .filter(|text| !text.is_empty())
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    fn seconds(&self, key: &str) -> Option<Duration> {
        self.get(key)
            .and_then(Node::as_number)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    fn secret(&self, key: &str, report: &mut Report) -> Option<Secret> {
        let node = self.get(key)?;
        match &node.tree {
            Tree::Map(_) => Some(Secret::new(node.to_json().to_string())),
            _ => secret(node.as_text()?, &node.place(), report),
        }
    }
}
