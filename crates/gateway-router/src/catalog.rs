//! Names and what they stand for: model groups, aliases, deployment ids, wildcards.

mod build;
mod fallbacks;
mod resolved;

use std::collections::HashMap;
use std::sync::Arc;

use gateway_core::Dialect;
use gateway_providers::{Environment, provider_of_bare_name};
use gateway_transport::Transport;

use crate::config::{Alias, DeploymentConfig, Routing};
use crate::deployment::Deployment;
use crate::error::CatalogProblem;
use crate::ledger::{Books, GroupLedger};
use crate::wildcard::Pattern;

pub use self::resolved::Resolved;

use self::resolved::Matched;

/// What a catalog is made of.
#[derive(Clone, Debug, Default)]
pub struct CatalogConfig {
    /// The entries of `model_list`, in order.
    pub deployments: Vec<DeploymentConfig>,
    /// Other names for model groups.
    pub aliases: Vec<Alias>,
    /// How calls are routed.
    pub routing: Routing,
}

/// All deployments of a configuration under all their names. Immutable: a new configuration is a new catalog.
#[derive(Debug, Default)]
pub struct Catalog {
    groups: HashMap<Arc<str>, Arc<Group>>,
    /// Most specific first.
    patterns: Vec<(Pattern, Arc<Group>)>,
    /// From an alias to the name that it stands for.
    aliases: HashMap<Arc<str>, Box<str>>,
    ids: HashMap<Arc<str>, Arc<Group>>,
    names: Vec<Arc<str>>,
    deployments: Vec<Arc<Deployment>>,
    routing: Routing,
}

impl Catalog {
    /// Builds every deployment and every name. What cannot be built is left out and reported, as LiteLLM's proxy does.
    ///
    /// Reads credentials files, blocking; connects to nothing.
    pub fn build(
        config: CatalogConfig,
        books: &dyn Books,
        environment: &Environment,
        transport: &Transport,
    ) -> (Self, Vec<CatalogProblem>) {
        build::build(config, books, environment, transport)
    }

    /// What the operator says about routing.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// What a client's model name stands for: an alias first, then a model group, a deployment's id, and the most
    /// specific wildcard. A bare name that is known to be a provider's (`gpt-4o`) is looked for among the wildcards
    /// with that provider before it, too.
    pub fn resolve(&self, model: &str) -> Option<Resolved> {
        if let Some((alias, target)) = self.aliases.get_key_value(model) {
            return Some(self.resolve_target(target)?.by_alias(alias));
        }
        self.resolve_target(model)
    }

    /// As [`Self::resolve`], without aliases.
    fn resolve_target(&self, model: &str) -> Option<Resolved> {
        if let Some(group) = self.groups.get(model).or_else(|| self.ids.get(model)) {
            return Some(Resolved::new(Arc::clone(group), None));
        }
        self.resolve_wildcard(model).or_else(|| {
            let provider = provider_of_bare_name(model)?;
            self.resolve_wildcard(&format!("{provider}/{model}"))
        })
    }

    /// The names that a list of models shows: groups in the order of the configuration, then aliases that are not
    /// hidden. Wildcards are no names that a client could use, so they are not among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// All deployments, in the order of the configuration.
    pub fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.deployments.iter()
    }

    fn resolve_wildcard(&self, model: &str) -> Option<Resolved> {
        self.patterns.iter().find_map(|(pattern, group)| {
            let stars = pattern.matches(model)?;
            let matched = Matched::new(model, stars);
            Some(Resolved::new(Arc::clone(group), Some(matched)))
        })
    }
}

/// The deployments of one name.
#[derive(Debug)]
pub(crate) struct Group {
    name: Arc<str>,
    all: Arc<[Arc<Deployment>]>,
    /// What its calls share.
    ledger: Arc<dyn GroupLedger>,
    /// Those that speak a dialect, for each dialect that any of them speaks.
    speaking: Vec<(Dialect, Arc<[Arc<Deployment>]>)>,
    /// The name that stands for it is the id of its only deployment.
    by_id: bool,
}

impl Group {
    fn new(name: Arc<str>, all: Vec<Arc<Deployment>>, books: &dyn Books) -> Self {
        let all: Arc<[_]> = all.into();
        let speaking = Dialect::ALL
            .into_iter()
            .filter_map(|dialect| {
                let speaks = |it: &&Arc<Deployment>| it.endpoint.accepts(dialect);
                let those: Arc<[_]> = all.iter().filter(speaks).cloned().collect();
                (!those.is_empty()).then_some((dialect, those))
            })
            .collect();
        Self {
            ledger: books.group(&name),
            name,
            all,
            speaking,
            by_id: false,
        }
    }

    /// The same as what the id of its only deployment stands for.
    fn by_id(mut self) -> Self {
        self.by_id = true;
        self
    }

    fn speaking(&self, dialect: Dialect) -> Option<&Arc<[Arc<Deployment>]>> {
        let speaks = self.speaking.iter().find(|(spoken, _)| *spoken == dialect);
        speaks.map(|(_, those)| those)
    }
}
