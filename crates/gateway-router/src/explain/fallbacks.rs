//! Where a call goes when its group has failed, in the order in which it goes there.

use std::sync::Arc;

use gateway_core::{Dialect, ErrorKind};
use serde::Serialize;

use crate::catalog::{Catalog, Resolved};
use crate::options::{CallOptions, Target};

/// The fallbacks of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedFallbacks {
    /// The request allows them.
    pub enabled: bool,
    /// Groups that one call may fall back to.
    pub max: u32,
    /// After a failure in general.
    pub general: Vec<ExplainedFallback>,
    /// After an input that is too long.
    pub context_window: Vec<ExplainedFallback>,
    /// After a refusal by a content policy.
    pub content_policy: Vec<ExplainedFallback>,
}

/// A group that a call may fall back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedFallback {
    /// The name that is configured, or that the request says.
    pub model: Arc<str>,
    /// The group that it stands for; `None`: there is none.
    pub group: Option<Arc<str>>,
    /// How many groups have to fail before its list comes up: 1 for those of the group asked for.
    pub depth: u32,
    /// The request names it.
    pub of_request: bool,
    /// Fields of the request that are set for it.
    pub overrides: Vec<String>,
    /// What becomes of it.
    pub fate: FallbackFate,
}

/// What becomes of a fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FallbackFate {
    /// It is tried when its turn comes.
    Tried,
    /// There is no such group.
    Missing,
    /// None of its deployments speaks the call's dialect.
    OtherDialect,
    /// It was tried before.
    Repeated,
    /// As many as one call may fall back to come before it.
    BeyondMax,
    /// The request switches fallbacks off.
    SwitchedOff,
}

/// The fallbacks of `asked`.
pub(super) fn explain(
    catalog: &Catalog,
    asked: &Resolved,
    dialect: Option<Dialect>,
    options: &CallOptions,
) -> ExplainedFallbacks {
    let chain = |kind| {
        let mut walk = Walk {
            catalog,
            dialect,
            options,
            entered: vec![asked.clone()],
            told: Vec::new(),
        };
        match &options.fallbacks {
            Some(own) => walk.list(own, kind, 1),
            None => walk.group(asked, kind, 1),
        }
        walk.told
    };
    ExplainedFallbacks {
        enabled: !options.no_fallbacks,
        max: catalog.routing().fallbacks.max,
        general: chain(None),
        context_window: chain(Some(ErrorKind::ContextWindow)),
        content_policy: chain(Some(ErrorKind::ContentPolicy)),
    }
}

/// A walk along the chain of one kind of failure, where every group fails in the same way.
struct Walk<'a> {
    catalog: &'a Catalog,
    dialect: Option<Dialect>,
    options: &'a CallOptions,
    entered: Vec<Resolved>,
    told: Vec<ExplainedFallback>,
}

impl Walk<'_> {
    fn group(&mut self, group: &Resolved, kind: Option<ErrorKind>, depth: u32) {
        if let Some(targets) = self.catalog.fallbacks(group, kind) {
            self.list(targets, kind, depth);
        }
    }

    fn list(&mut self, targets: &[Target], kind: Option<ErrorKind>, depth: u32) {
        for target in targets {
            let group = self.catalog.resolve(&target.model);
            let fate = self.fate(group.as_ref());
            self.told.push(ExplainedFallback {
                model: Arc::clone(&target.model),
                group: group.as_ref().map(Resolved::group),
                depth,
                of_request: self.options.fallbacks.is_some(),
                overrides: target.overrides.keys().cloned().collect(),
                fate,
            });
            if fate != FallbackFate::Tried {
                continue;
            }
            if let Some(group) = group {
                self.entered.push(group.clone());
                // The request's own list stands for everything that is configured.
                if self.options.fallbacks.is_none() {
                    self.group(&group, kind, depth + 1);
                }
            }
        }
    }

    fn fate(&self, group: Option<&Resolved>) -> FallbackFate {
        let made = u32::try_from(self.entered.len() - 1).unwrap_or(u32::MAX);
        let speaks = |group: &Resolved| {
            let members = group.deployments();
            let speaks = |dialect| members.iter().any(|it| it.endpoint.accepts(dialect));
            self.dialect.is_none_or(speaks)
        };
        match group {
            None => FallbackFate::Missing,
            Some(_) if self.options.no_fallbacks => FallbackFate::SwitchedOff,
            Some(group) if self.entered.iter().any(|it| it.is_same(group)) => {
                FallbackFate::Repeated
            }
            Some(group) if !speaks(group) => FallbackFate::OtherDialect,
            Some(_) if made >= self.catalog.routing().fallbacks.max => FallbackFate::BeyondMax,
            Some(_) => FallbackFate::Tried,
        }
    }
}
