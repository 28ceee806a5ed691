//! What the tests of this crate have in common: deployments out of a few words, at places where nobody is.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::ErrorKind;
use gateway_providers::{EndpointConfig, Environment};
use gateway_transport::{Transport, TransportConfig};
use tokio::time::Instant;

use crate::catalog::{Catalog, CatalogConfig};
use crate::config::{DeploymentConfig, Routing};
use crate::deployment::Deployment;
use crate::memory::MemoryBooks;
use crate::outcome::{Again, Outcome};

/// An entry of the group `g` with this id.
pub(crate) fn entry(id: &str) -> DeploymentConfig {
    DeploymentConfig {
        id: Some(id.to_owned()),
        group: "g".to_owned(),
        endpoint: EndpointConfig {
            model: "openai/m".to_owned(),
            api_base: Some("http://127.0.0.1:9/v1".to_owned()),
            api_key: Some("sk-secret".into()),
            ..EndpointConfig::default()
        },
        ..DeploymentConfig::default()
    }
}

/// A catalog of these entries, with books whose first minute begins at `start`.
pub(crate) fn catalog(
    deployments: Vec<DeploymentConfig>,
    routing: Routing,
    start: Instant,
) -> Catalog {
    // Connections belong to a runtime; none is made.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let inside = runtime.enter();
    let (catalog, problems) = Catalog::build(
        CatalogConfig {
            deployments,
            routing,
            ..CatalogConfig::default()
        },
        &MemoryBooks::starting(start),
        &Environment::with_variables([("", ""); 0]),
        &Transport::single(TransportConfig::default()),
    );
    drop(inside);
    // Also where another runtime is running already.
    runtime.shutdown_background();
    assert!(problems.is_empty(), "{problems:?}");
    catalog
}

/// The deployments of these entries.
pub(crate) fn group(entries: Vec<DeploymentConfig>, start: Instant) -> Vec<Arc<Deployment>> {
    let catalog = catalog(entries, Routing::default(), start);
    catalog.deployments().cloned().collect()
}

/// A failure with the usual status of its kind.
pub(crate) const fn failure(kind: ErrorKind) -> Outcome {
    Outcome::new(kind, Again::Failed)
}

pub(crate) const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
