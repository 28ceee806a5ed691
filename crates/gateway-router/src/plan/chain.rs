//! The groups that a call falls back to: depth first, none twice.

use std::borrow::Cow;
use std::sync::Arc;

use gateway_core::{Dialect, ErrorKind};

use crate::catalog::{Catalog, Resolved};
use crate::config::{Chains, Fallbacks};
use crate::options::{CallOptions, Target};

/// Where a call may still go when its group has failed.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Groups that were entered, the one asked for first; empty as long as that one is served.
    entered: Vec<Resolved>,
    /// Lists of groups, the innermost last.
    lists: Vec<List>,
}

/// A list of groups, and how many of them were looked at.
#[derive(Debug)]
struct List {
    targets: Targets,
    seen: usize,
}

#[derive(Debug)]
enum Targets {
    /// The request's own.
    OfRequest,
    /// The operator's.
    Configured(Arc<[Target]>),
}

impl Chain {
    /// The group that was asked for, if it was left.
    pub(super) fn asked(&self) -> Option<&Resolved> {
        self.entered.first()
    }

    /// `group` has failed, for a reason of this kind if it was tried at all: its own fallbacks come next.
    pub(super) fn descend(
        &mut self,
        group: &Resolved,
        kind: Option<ErrorKind>,
        fallbacks: &Fallbacks,
        options: &CallOptions,
    ) {
        if self.entered.is_empty() {
            self.entered.push(group.clone());
            if !options.fallbacks.is_empty() {
                self.push(Targets::OfRequest);
            }
        }
        // The request's own list stands for everything that is configured.
        if !options.fallbacks.is_empty() {
            return;
        }
        let chains = match kind {
            Some(ErrorKind::ContextWindow) if !fallbacks.context_window.is_empty() => {
                &fallbacks.context_window
            }
            Some(ErrorKind::ContentPolicy) if !fallbacks.content_policy.is_empty() => {
                &fallbacks.content_policy
            }
            _ => &fallbacks.general,
        };
        if let Some(targets) = find(chains, group) {
            self.push(Targets::Configured(Arc::clone(targets)));
        }
    }

    /// The next group that speaks `dialect` and was not entered yet, and what led there. `None`: there is none, or as
    /// many as `most` were entered.
    pub(super) fn next(
        &mut self,
        catalog: &Catalog,
        dialect: Dialect,
        options: &CallOptions,
        most: u32,
    ) -> Option<(Resolved, Target)> {
        let fallbacks = self.entered.len().saturating_sub(1);
        if u32::try_from(fallbacks).is_ok_and(|made| made >= most) {
            return None;
        }
        while let Some(list) = self.lists.last_mut() {
            let target = match &list.targets {
                Targets::OfRequest => options.fallbacks.get(list.seen),
                Targets::Configured(targets) => targets.get(list.seen),
            };
            let Some(target) = target.cloned() else {
                self.lists.pop();
                continue;
            };
            list.seen += 1;
            let resolved = catalog.resolve(&target.model);
            let Some(group) = resolved.and_then(|it| it.speaking(dialect)) else {
                continue;
            };
            if !self.entered.iter().any(|it| it.is_same(&group)) {
                self.entered.push(group.clone());
                return Some((group, target));
            }
        }
        None
    }

    fn push(&mut self, targets: Targets) {
        self.lists.push(List { targets, seen: 0 });
    }
}

/// The entry of a group: under one of its names, under one without or with its provider, or the one for all others.
fn find<'c>(chains: &'c Chains, group: &Resolved) -> Option<&'c Arc<[Target]>> {
    if chains.is_empty() {
        return None;
    }
    let providers = || group.deployments().iter().map(|it| it.endpoint.provider());
    let bare = |name: &'_ str| {
        let (prefix, bare) = name.split_once('/')?;
        providers().any(|it| it == prefix).then(|| bare.to_owned())
    };
    let exact = group.names().map(Cow::Borrowed);
    let stripped = group.names().filter_map(bare).map(Cow::Owned);
    let prefixed = group
        .names()
        .flat_map(|name| providers().map(move |it| Cow::Owned(format!("{it}/{name}"))));
    exact
        .chain(stripped)
        .chain(prefixed)
        .find_map(|name: Cow<'_, str>| chains.get(&*name))
        .or_else(|| chains.get(ALL_OTHERS))
}

/// Stands for every group without an entry.
const ALL_OTHERS: &str = "*";
