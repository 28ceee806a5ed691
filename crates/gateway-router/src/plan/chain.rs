//! The groups that a call falls back to: depth first, none twice.

use std::sync::Arc;

use gateway_core::{Dialect, ErrorKind};

use crate::catalog::{Catalog, Resolved};
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
        catalog: &Catalog,
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
        if let Some(targets) = catalog.fallbacks(group, kind) {
            self.push(Targets::Configured(Arc::clone(targets)));
        }
    }

    /// The next group that speaks `dialect` and was not entered yet, and what led there. `None`: there is none, or as
    /// many as one call may enter were entered.
    pub(super) fn next(
        &mut self,
        catalog: &Catalog,
        dialect: Dialect,
        options: &CallOptions,
    ) -> Option<(Resolved, Target)> {
        let most = catalog.routing().fallbacks.max;
        let made = u32::try_from(self.entered.len().saturating_sub(1));
        if made.is_ok_and(|made| made >= most) {
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
