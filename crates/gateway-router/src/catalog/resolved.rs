//! What a name stood for, on its way into a plan.

use std::ops::Range;
use std::sync::Arc;

use gateway_core::Dialect;

use super::Group;
use crate::deployment::Deployment;
use crate::ledger::GroupLedger;
use crate::wildcard::substitute;

/// A model name that was found.
#[derive(Clone, Debug)]
pub struct Resolved {
    group: Arc<Group>,
    /// The other name that the client used for it.
    alias: Option<Arc<str>>,
    candidates: Candidates,
}

/// Who may serve a call, and what the `*` of their model stands for.
#[derive(Clone, Debug)]
struct Candidates {
    deployments: Arc<[Arc<Deployment>]>,
    matched: Option<Matched>,
}

/// A name that a wildcard matched.
#[derive(Clone, Debug)]
pub(super) struct Matched {
    name: Box<str>,
    stars: Vec<Range<usize>>,
}

impl Resolved {
    pub(super) fn new(group: Arc<Group>, matched: Option<Matched>) -> Self {
        let deployments = Arc::clone(&group.all);
        Self {
            group,
            alias: None,
            candidates: Candidates {
                deployments,
                matched,
            },
        }
    }

    /// The same, asked for by this other name.
    pub(super) fn by_alias(mut self, alias: &Arc<str>) -> Self {
        self.alias = Some(Arc::clone(alias));
        self
    }

    /// The name of the model group: as configured, so with its `*` for a wildcard.
    pub fn group(&self) -> Arc<str> {
        Arc::clone(&self.group.name)
    }

    /// The deployments that may serve the call.
    pub fn deployments(&self) -> &[Arc<Deployment>] {
        self.candidates.deployments()
    }

    /// The same, with those deployments only that speak `dialect` towards their provider. `None` if none does.
    pub fn speaking(mut self, dialect: Dialect) -> Option<Self> {
        self.candidates.deployments = Arc::clone(self.group.speaking(dialect)?);
        Some(self)
    }

    /// The same, with those deployments only that do: `does` is asked of each, with the provider's name of its model
    /// where its own has a `*`. `None` if none does.
    pub fn only(mut self, does: impl Fn(&Deployment, Option<&str>) -> bool) -> Option<Self> {
        let candidates = &self.candidates;
        let does = |it: &&Arc<Deployment>| does(it, candidates.model_at(it).as_deref());
        let those: Arc<[_]> = candidates
            .deployments
            .iter()
            .filter(does)
            .cloned()
            .collect();
        self.candidates.deployments = those;
        (!self.deployments().is_empty()).then_some(self)
    }

    /// The names that it was asked for by, and the group's own: the client's first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let matched = self.candidates.matched.as_ref();
        let names = [
            self.alias.as_deref(),
            matched.map(|it| &*it.name),
            Some(&*self.group.name),
        ];
        names.into_iter().flatten()
    }

    /// Whether this stands for the same model of the same group.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.group, &other.group) && self.matched_name() == other.matched_name()
    }

    fn matched_name(&self) -> Option<&str> {
        self.candidates.matched.as_ref().map(|it| &*it.name)
    }

    /// What the calls of its group share.
    pub(crate) fn ledger(&self) -> &dyn GroupLedger {
        &*self.group.ledger
    }

    /// Whether it was asked for by the id of a deployment: it and no other is meant.
    pub(crate) fn is_by_id(&self) -> bool {
        self.group.by_id
    }

    /// The name of its group.
    pub(crate) fn group_name(&self) -> &str {
        &self.group.name
    }

    /// The provider's name of the model at `deployment`, if its own has a `*` and a wildcard was matched.
    pub fn model_at(&self, deployment: &Deployment) -> Option<String> {
        self.candidates.model_at(deployment)
    }
}

impl Candidates {
    pub(crate) fn deployments(&self) -> &[Arc<Deployment>] {
        &self.deployments
    }

    /// The provider's name of the model at `deployment`, if its own has a `*` and a wildcard was matched.
    pub(crate) fn model_at(&self, deployment: &Deployment) -> Option<String> {
        let matched = self.matched.as_ref()?;
        let template = deployment.endpoint.upstream_model();
        if !template.contains('*') {
            return None;
        }
        let parts: Vec<&str> = matched.parts().collect();
        Some(substitute(template, &parts).unwrap_or_else(|| {
            // More stars in the group's name than in the model's: as in LiteLLM, the name itself is the model.
            let provider = deployment.endpoint.provider();
            let rest = matched.name.strip_prefix(provider);
            let bare = rest.and_then(|rest| rest.strip_prefix('/'));
            bare.unwrap_or(&matched.name).to_owned()
        }))
    }
}

impl Matched {
    pub(super) fn new(name: &str, stars: Vec<Range<usize>>) -> Self {
        Self {
            name: name.into(),
            stars,
        }
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        let part = |range: &Range<usize>| self.name.get(range.clone()).unwrap_or_default();
        self.stars.iter().map(part)
    }
}
