//! From the entries of `model_list` to deployments.

mod aws; // Amazon.
mod checks; // Probes.
pub(super) mod connect; // TLS, HTTP/2.
mod credentials; // What they do not say themselves.
mod params; // What is said, in order of precedence.
mod providers; // Those that the config adds.
mod routing; // Timers, limits, prices, tags.

use super::environment::Environment;
use super::keys::{PARAMS, is_price};
use super::masks::is_credential;
use super::problem::{Code, Mark, Place, Report};
use super::suggest::nearest;
use super::tree::{Node, Tree};
pub use checks::{Background, Check};
use credentials::{credential, credentials};
use gateway_core::{Dialect, Policy};
use gateway_providers::{
    ConnectOptions, Endpoint, EndpointConfig, EndpointError, Environment as Providers, PriceKind,
};
use gateway_router::DeploymentConfig;
use params::Params;
use regex_lite::Regex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

/// One deployment, as the program needs it.
#[derive(Debug, Clone, Default)]
pub struct DeploymentSettings {
    /// What the router needs.
    pub config: DeploymentConfig,
    /// Silence after which its streams get a heartbeat, zero: never. `None`: as those of all others.
    pub heartbeat: Option<Duration>,
    /// What it answers without asking its provider.
    pub mock: Mock,
    /// Its credentials serve requests in its provider's own words.
    pub pass_through: bool,
    /// How it is probed.
    pub check: Check,
    /// Where it is written: `file:line:column`, or the flag that made it.
    pub origin: String,
}

/// What a deployment answers without asking its provider. The default is that it asks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mock {
    /// `mock_response`.
    pub response: Option<serde_json::Value>,
    /// `mock_timeout`: it stays silent until a timer fires.
    pub timeout: bool,
}

/// All deployments of a checked document.
pub(super) fn all(
    root: &Node,
    connect: &ConnectOptions,
    report: &mut Report,
) -> Vec<DeploymentSettings> {
    let credentials = credentials(root, report);
    let providers = providers::all(root, report);
    let mut deployments = Vec::new();
    for entry in root.get("model_list").map_or(&[][..], Node::items) {
        for mut deployment in one(entry, root, &credentials, connect, report) {
            deployment.config.endpoint.providers = providers.clone();
            deployments.push(deployment);
        }
    }
    same_ids(root, report);
    routing::levels(root, report);
    deployments
}

/// Builds each deployment as the catalog will, and reports those that will be left out. For each of them the dialects
/// that it speaks, if it is not left out.
pub(super) fn build_all(
    root: &Node,
    deployments: &[DeploymentSettings],
    variables: &Environment,
    report: &mut Report,
) -> Vec<Option<Vec<Dialect>>> {
    let variables = variables.clone();
    let lookup = move |name: &str| variables.get(name).map(str::to_owned);
    let environment = Providers::with_lookup(lookup);
    let entries = root.get("model_list").map_or(&[][..], Node::items);
    let mut listed = false;
    let spoken = |deployment: &DeploymentSettings| {
        let (why, providers) = match usable(&deployment.config, &environment) {
            Ok(dialects) => return Some(dialects),
            Err(why) => why,
        };
        let place = entries
            .iter()
            .map(first_key)
            .find(|place| report.describe(place) == deployment.origin);
        let message = format!("this deployment will be left out: {why}");
        let near = providers.as_ref().and_then(Unserved::near);
        let hint = match (near, providers) {
            (None, Some(providers)) if !std::mem::replace(&mut listed, true) => {
                Some(format!("providers: {}", providers.known))
            }
            (near, _) => near,
        };
        report
            .warn(Code::Unservable, place.unwrap_or(Place::Nowhere), message)
            .hint_opt(hint);
        None
    };
    deployments.iter().map(spoken).collect()
}

/// The name of a provider that is none here, and those that are.
struct Unserved {
    asked: String,
    known: String,
}

impl Unserved {
    fn of(error: EndpointError) -> Option<Self> {
        match error {
            EndpointError::UnknownProvider { model, known } => {
                let asked = model.split('/').next()?.to_owned();
                Some(Self { asked, known })
            }
            EndpointError::UnservedProvider {
                provider, known, ..
            } => Some(Self {
                asked: provider,
                known,
            }),
            _ => None,
        }
    }

    fn near(&self) -> Option<String> {
        let near = nearest(&self.asked, self.known.split(", "))?;
        Some(format!("did you mean `{near}/`?"))
    }
}

/// What a deployment speaks, or why no provider can serve it or no call can be led to it.
fn usable(
    config: &DeploymentConfig,
    environment: &Providers,
) -> Result<Vec<Dialect>, (String, Option<Unserved>)> {
    let endpoint = Endpoint::build(config.endpoint.clone(), environment)
        .map_err(|error| (with_causes(&error), Unserved::of(error)))?;
    for pattern in &config.tag_patterns {
        Regex::new(pattern).map_err(|error| {
            let pattern = pattern.escape_debug();
            let why = format!("`{pattern}` in `tag_regex` cannot be used: {error}");
            (why, None)
        })?;
    }
    let spoken = |dialect: &Dialect| endpoint.accepts(*dialect);
    Ok(Dialect::ALL.into_iter().filter(spoken).collect())
}

/// An error with its causes, those that it does not tell itself.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.ends_with(&text) {
            message += &format!(": {text}");
        }
        cause = inner.source();
    }
    message
}

/// Where an entry of `model_list` begins for a reader.
fn first_key(entry: &Node) -> Place {
    Place::File(entry.entries().first().map_or(entry.at, |(key, _)| key.at))
}

/// The deployments of one entry: one for each organization.
fn one(
    entry: &Node,
    root: &Node,
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
    let named = credential(own, credentials, report);
    let params = Params::new(entry, own, named, root);
    let Some(model) = params.text("model") else {
        return Vec::new();
    };
    let endpoint = endpoint(model, &params, connect, report);
    let deployment = DeploymentSettings {
        config: routing::config(group, endpoint, &params, report),
        heartbeat: params.seconds("keepalive_seconds").map(heartbeat),
        mock: Mock {
            response: params.get("mock_response").map(Node::to_json),
            timeout: params.flag("mock_timeout").unwrap_or(false),
        },
        pass_through: params.flag("use_in_pass_through").unwrap_or(false),
        check: checks::check(&params),
        origin: report.describe(&first_key(entry)),
    };
    match params.get("organization").map(Node::items) {
        Some(organizations) if !organizations.is_empty() => {
            per_organization(&deployment, organizations)
        }
        _ => vec![deployment],
    }
}

/// LiteLLM keeps the interval within these bounds; zero is none.
pub(super) fn heartbeat(said: Duration) -> Duration {
    if said.is_zero() {
        return said;
    }
    said.clamp(Duration::from_secs(1), Duration::from_secs(300))
}

fn per_organization(
    deployment: &DeploymentSettings,
    organizations: &[Node],
) -> Vec<DeploymentSettings> {
    let names = organizations.iter().filter_map(Node::as_text);
    names
        .map(|name| {
            let mut each = deployment.clone();
            each.config.endpoint.organization = Some(name.to_owned());
            each.config.id = each.config.id.map(|id| format!("{id}/{name}"));
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
    for (key, node) in params.entries() {
        let body = PARAMS.find(&key.name).is_none() && !is_price(&key.name);
        if body && !node.is_null() && !is_credential(&key.name) {
            let value = || node.to_json();
            defaults.entry(key.name.as_str()).or_insert_with(value);
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
        tenant_id: params.owned("tenant_id"),
        client_id: params.owned("client_id"),
        client_secret: params.secret("client_secret", report),
        azure_scope: params.owned("azure_scope"),
        aws: aws::config(params, report),
        native_only: params.flag("native_only").unwrap_or(false),
        policy: Policy {
            drop: params.flag_or_litellm("drop_params") == Some(true),
            dropped: params.texts("additional_drop_params"),
            allowed: params.texts("allowed_openai_params"),
        },
        max_output_tokens: params
            .info("max_output_tokens")
            .and_then(Node::as_whole)
            .and_then(|tokens| u64::try_from(tokens).ok()),
        reasons: params.info("supports_reasoning").and_then(Node::as_bool),
        base_model: params
            .info("base_model")
            .and_then(Node::as_text)
            .map(str::to_owned)
            .or_else(|| params.owned("base_model")),
        prices: prices(params),
        // The same for all, and so set for all at once.
        providers: gateway_providers::Providers::default(),
        connect: connect::options(params, connect, report),
    }
}

/// What the operator says of prices, in dollars for a token.
fn prices(params: &Params<'_>) -> Vec<(PriceKind, f64)> {
    let said = PRICES.iter().map(|(key, kind)| {
        let dollars = params.or_info(key).and_then(Node::as_number)?;
        Some((*kind, dollars))
    });
    said.flatten().collect()
}

/// LiteLLM's keys for them.
const PRICES: [(&str, PriceKind); 6] = [
    ("input_cost_per_token", PriceKind::Input),
    ("output_cost_per_token", PriceKind::Output),
    ("cache_read_input_token_cost", PriceKind::CacheRead),
    ("cache_creation_input_token_cost", PriceKind::CacheWrite),
    (
        "cache_creation_input_token_cost_above_1hr",
        PriceKind::CacheWriteHour,
    ),
    ("output_cost_per_reasoning_token", PriceKind::Reasoning),
];

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

fn same_ids(root: &Node, report: &mut Report) {
    let mut seen: HashMap<Cow<'_, str>, Mark> = HashMap::new();
    for entry in root.get("model_list").map_or(&[][..], Node::items) {
        let Some(node) = entry.get("model_info").and_then(|info| info.get("id")) else {
            continue;
        };
        let Some(id) = node.as_name() else { continue };
        let message = format!("another deployment has the id `{}`", id.escape_debug());
        if let Some(first) = seen.insert(id, node.at) {
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
