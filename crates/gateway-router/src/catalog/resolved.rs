//! What a name stood for, on its way into a plan.

use std::ops::Range;
use std::sync::Arc;

use gateway_core::Dialect;

use super::Group;
use crate::deployment::Deployment;
use crate::wildcard::substitute;

/// A model name that was found.
#[derive(Clone, Debug)]
pub struct Resolved {
    group: Arc<Group>,
    candidates: Candidates,
}

/// Who may serve a call, and what the `*` of their model stands for.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
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
            candidates: Candidates {
                deployments,
                matched,
            },
        }
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

    pub(crate) fn into_candidates(self) -> Candidates {
        self.candidates
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
