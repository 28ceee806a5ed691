//! Catalogs made of a few words.

use std::sync::Arc;

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, Limits};
use gateway_providers::{EndpointConfig, Environment};
use gateway_router::{
    Alias, CallOptions, Catalog, CatalogConfig, CatalogProblem, DeploymentConfig, MemoryBooks,
    Plan, Routing, Step,
};
use gateway_transport::{Transport, TransportConfig};
use tokio::time::Instant;

/// A deployment of `group` that sends to `model` at a place where nobody is.
pub(crate) fn deployment(group: &str, model: &str) -> DeploymentConfig {
    DeploymentConfig {
        group: group.to_owned(),
        endpoint: EndpointConfig {
            model: model.to_owned(),
            api_base: Some("http://127.0.0.1:9/v1".to_owned()),
            api_key: Some("sk-secret".into()),
            ..EndpointConfig::default()
        },
        ..DeploymentConfig::default()
    }
}

/// The same with an id.
pub(crate) fn named(id: &str, group: &str, model: &str) -> DeploymentConfig {
    DeploymentConfig {
        id: Some(id.to_owned()),
        ..deployment(group, model)
    }
}

pub(crate) fn alias(name: &str, target: &str) -> Alias {
    Alias {
        name: name.to_owned(),
        target: target.to_owned(),
        hidden: false,
    }
}

/// A catalog and what was left out of it. Needs a runtime.
pub(crate) fn build(config: CatalogConfig) -> (Arc<Catalog>, Vec<CatalogProblem>) {
    let environment = Environment::with_variables([("", ""); 0]);
    let transport = Transport::single(TransportConfig::default());
    let books = MemoryBooks::default();
    let (catalog, problems) = Catalog::build(config, &books, &environment, &transport);
    (Arc::new(catalog), problems)
}

/// A catalog with nothing wrong in it, routed by `routing`. Needs a runtime.
pub(crate) fn routed(
    deployments: Vec<DeploymentConfig>,
    aliases: Vec<Alias>,
    routing: Routing,
) -> Arc<Catalog> {
    let (catalog, problems) = build(CatalogConfig {
        deployments,
        aliases,
        routing,
    });
    assert!(problems.is_empty(), "{problems:?}");
    catalog
}

/// The same with the routing that nobody has said anything about.
pub(crate) fn catalog(deployments: Vec<DeploymentConfig>, aliases: Vec<Alias>) -> Arc<Catalog> {
    routed(deployments, aliases, Routing::default())
}

/// The plan of a chat call at `model`, which comes in now.
pub(crate) fn plan(catalog: &Arc<Catalog>, model: &str, options: CallOptions, seed: u64) -> Plan {
    let resolved = catalog.resolve(model).expect("known");
    Plan::new(catalog, resolved, CHAT, options, seed, Instant::now())
}

/// Who is tried first for `model`, and by what name of the model: `id`, or `id model`.
pub(crate) fn first(catalog: &Arc<Catalog>, model: &str, seed: u64) -> Option<String> {
    catalog.resolve(model)?;
    match plan(catalog, model, CallOptions::default(), seed).next(None, Instant::now()) {
        Step::Try(attempt) => Some(match &attempt.model {
            Some(model) => format!("{} {model}", attempt.deployment.id),
            None => attempt.deployment.id.as_ref().to_owned(),
        }),
        Step::Wait(_) | Step::GiveUp(_) => None,
    }
}

pub(crate) fn envelope(body: &'static str) -> Envelope {
    Envelope::parse(Bytes::from_static(body.as_bytes()), Limits::default()).expect("a good body")
}

pub(crate) const CHAT: Dialect = Dialect::OpenAiChat;
