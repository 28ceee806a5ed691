//! From a configuration's lists to a catalog, with everything that is wrong in them.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gateway_core::Dialect;
use gateway_providers::{Endpoint, Environment};
use gateway_transport::Transport;
use regex_lite::Regex;

use super::{Catalog, CatalogConfig, Group};
use crate::config::{Alias, CooldownOverrides, CooldownRules, DeploymentConfig, Price, Routing};
use crate::deployment::{Deployment, identity};
use crate::error::CatalogProblem;
use crate::ledger::Books;
use crate::wildcard::Pattern;

pub(super) fn build(
    config: CatalogConfig,
    books: &dyn Books,
    environment: &Environment,
    transport: &Transport,
) -> (Catalog, Vec<CatalogProblem>) {
    let CatalogConfig {
        deployments,
        aliases,
        routing,
    } = config;
    let mut builder = Builder {
        environment,
        transport,
        books,
        routing: &routing,
        given_ids: HashSet::new(),
        occurrences: HashMap::new(),
        groups: Vec::new(),
        problems: Vec::new(),
    };
    for (index, config) in deployments.into_iter().enumerate() {
        match builder.deployment(index, config) {
            Ok(deployment) => builder.add(deployment),
            Err(problem) => builder.problems.push(problem),
        }
    }
    let (groups, mut problems) = (builder.groups, builder.problems);
    let mut catalog = catalog(groups, books);
    catalog.routing = routing;
    for alias in aliases {
        problems.extend(add_alias(&mut catalog, alias));
    }
    (catalog, problems)
}

struct Builder<'a> {
    environment: &'a Environment,
    transport: &'a Transport,
    books: &'a dyn Books,
    routing: &'a Routing,
    given_ids: HashSet<Arc<str>>,
    occurrences: HashMap<String, usize>,
    /// In the order of the configuration.
    groups: Vec<(Arc<str>, Vec<Deployment>)>,
    problems: Vec<CatalogProblem>,
}

impl Builder<'_> {
    fn deployment(
        &mut self,
        index: usize,
        config: DeploymentConfig,
    ) -> Result<Deployment, CatalogProblem> {
        let group = config.group.trim().to_owned();
        if group.is_empty() {
            return Err(CatalogProblem::Nameless { index });
        }
        check_weight(index, &group, config.weight)?;
        let tag_patterns = patterns(&config.tag_patterns).map_err(|(pattern, source)| {
            CatalogProblem::TagPattern {
                index,
                group: group.clone(),
                pattern,
                source,
            }
        })?;
        let id = self.id(index, &group, &config)?;
        let endpoint = Endpoint::build(config.endpoint, self.environment).map_err(|source| {
            CatalogProblem::Endpoint {
                index,
                group: group.clone(),
                source,
            }
        })?;
        let origin = self
            .transport
            .origin(endpoint.connect_spec())
            .map_err(|source| CatalogProblem::Origin {
                index,
                group: group.clone(),
                source,
            })?;
        let Routing {
            default_max_parallel,
            max_waiting,
            ..
        } = *self.routing;
        let max_parallel = config.max_parallel.or(default_max_parallel);
        let max_parallel = max_parallel.filter(|limit| *limit > 0);
        let facts = endpoint.facts(None).into_owned();
        Ok(Deployment {
            slots: max_parallel.map(|limit| self.books.slots(&id, limit, max_waiting)),
            ledger: self.books.ledger(&id),
            id,
            group: group.into(),
            endpoint,
            origin,
            weight: config.weight,
            rpm: config.rpm,
            tpm: config.tpm,
            order: config.order,
            timers: config.timers,
            retries: config.retries,
            max_parallel,
            tags: config.tags.into(),
            tag_patterns,
            region: config.region,
            max_input_tokens: config.max_input_tokens.or(facts.max_input_tokens),
            price: config.price.or_else(|| Price::of(&facts.prices)),
            cooldown: rules(&self.routing.cooldown, config.cooldown),
            prefill: config.prefill,
        })
    }

    fn id(
        &mut self,
        index: usize,
        group: &str,
        config: &DeploymentConfig,
    ) -> Result<Arc<str>, CatalogProblem> {
        if let Some(id) = config.id.as_deref().filter(|id| !id.is_empty()) {
            let id: Arc<str> = id.into();
            if self.given_ids.insert(Arc::clone(&id)) {
                return Ok(id);
            }
            return Err(CatalogProblem::DuplicateId {
                index,
                group: group.to_owned(),
                id: id.as_ref().to_owned(),
            });
        }
        let occurrence = self.occurrences.entry(identity(config, 0)).or_default();
        let id = identity(config, *occurrence);
        *occurrence += 1;
        Ok(id.into())
    }

    fn add(&mut self, mut deployment: Deployment) {
        let mut groups = self.groups.iter_mut();
        match groups.find(|(name, _)| *name == deployment.group) {
            Some((name, members)) => {
                // One text for all members of a group.
                deployment.group = Arc::clone(name);
                members.push(deployment);
            }
            None => {
                let group = Arc::clone(&deployment.group);
                self.groups.push((group, vec![deployment]));
            }
        }
    }
}

fn check_weight(index: usize, group: &str, weight: Option<f64>) -> Result<(), CatalogProblem> {
    match weight {
        Some(weight) if !weight.is_finite() || weight < 0.0 => Err(CatalogProblem::Weight {
            index,
            group: group.to_owned(),
            weight,
        }),
        _ => Ok(()),
    }
}

/// The router's rules with a deployment's own.
fn rules(router: &CooldownRules, own: CooldownOverrides) -> CooldownRules {
    CooldownRules {
        allowed_fails: own.allowed_fails.or(router.allowed_fails),
        policy: own.policy.unwrap_or_else(|| router.policy.clone()),
        time: own.time.unwrap_or(router.time),
        time_is_own: own.time.is_some(),
        ..*router
    }
}

/// Compiles patterns, or says which one cannot be.
fn patterns(texts: &[String]) -> Result<Box<[Regex]>, (String, regex_lite::Error)> {
    let compile = |text: &String| Regex::new(text).map_err(|error| (text.clone(), error));
    texts.iter().map(compile).collect()
}

/// Whether no other member serves any call that this one serves: others that speak other dialects cannot stand in.
fn is_alone(at: usize, members: &[Deployment]) -> bool {
    let speaks = |member: &Deployment, dialect| member.endpoint.accepts(dialect);
    let shares = |other: &Deployment| {
        let mut dialects = Dialect::ALL.into_iter();
        dialects.any(|it| speaks(other, it) && speaks(&members[at], it))
    };
    let others = members.iter().enumerate().filter(|(place, _)| *place != at);
    !others.map(|(_, other)| other).any(shares)
}

fn catalog(groups: Vec<(Arc<str>, Vec<Deployment>)>, books: &dyn Books) -> Catalog {
    let mut catalog = Catalog::default();
    for (name, mut members) in groups {
        for at in 0..members.len() {
            members[at].cooldown.alone = is_alone(at, &members);
        }
        let members: Vec<_> = members.into_iter().map(Arc::new).collect();
        for deployment in &members {
            let alone = Group::new(Arc::clone(&name), vec![Arc::clone(deployment)], books).by_id();
            catalog
                .ids
                .insert(Arc::clone(&deployment.id), Arc::new(alone));
        }
        catalog.deployments.extend(members.iter().cloned());
        let group = Arc::new(Group::new(Arc::clone(&name), members, books));
        match Pattern::parse(&name) {
            Some(pattern) => catalog.patterns.push((pattern, group)),
            None => {
                catalog.names.push(Arc::clone(&name));
                catalog.groups.insert(name, group);
            }
        }
    }
    // Stable: among equals the order of the configuration counts.
    catalog
        .patterns
        .sort_by_cached_key(|(pattern, _)| Reverse(pattern.specificity()));
    catalog
}

fn add_alias(catalog: &mut Catalog, alias: Alias) -> Option<CatalogProblem> {
    let Alias {
        name,
        target,
        hidden,
    } = alias;
    // An alias of an alias is not followed, so the target is looked for among everything else.
    let known = catalog.groups.contains_key(&*target)
        || catalog.ids.contains_key(&*target)
        || catalog.resolve_wildcard(&target).is_some();
    if !known {
        return Some(CatalogProblem::Alias { name, target });
    }
    if !hidden && !catalog.names.iter().any(|known| **known == *name) {
        catalog.names.push(name.as_str().into());
    }
    catalog.aliases.insert(name.into(), target.into());
    None
}
