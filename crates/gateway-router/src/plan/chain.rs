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

    /// The groups that were entered: none as long as the one asked for is served.
    pub(super) fn entered(&self) -> &[Resolved] {
        &self.entered
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
            if options.fallbacks.is_some() {
                self.push(Targets::OfRequest);
            }
        }
        // The request's own list stands for everything that is configured.
        if options.fallbacks.is_some() {
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
        if !self.may_enter(catalog) {
            return None;
        }
        while let Some(list) = self.lists.last_mut() {
            let Some(target) = list.left(options).first().cloned() else {
                self.lists.pop();
                continue;
            };
            list.seen += 1;
            let resolved = catalog.resolve(&target.model);
            let Some(group) = resolved.and_then(|it| it.speaking(dialect)) else {
                continue;
            };
            if self.is_new(&group) {
                self.entered.push(group.clone());
                return Some((group, target));
            }
        }
        None
    }

    /// Whether a failure of this kind in `group` leads to another group.
    pub(super) fn leads_on(
        &self,
        group: &Resolved,
        kind: ErrorKind,
        catalog: &Catalog,
        dialect: Dialect,
        options: &CallOptions,
    ) -> bool {
        let configured = || catalog.fallbacks(group, Some(kind));
        let own: &[Target] = match &options.fallbacks {
            Some(own) if self.entered.is_empty() => own,
            Some(_) => &[],
            None => configured().map(|it| &**it).unwrap_or_default(),
        };
        let usable = |target: &Target| {
            let resolved = catalog.resolve(&target.model);
            let usable = resolved.and_then(|it| it.speaking(dialect));
            usable.is_some_and(|it| !it.is_same(group) && self.is_new(&it))
        };
        let outer = |list: &List| list.left(options).iter().any(usable);
        self.may_enter(catalog) && (own.iter().any(usable) || self.lists.iter().any(outer))
    }

    fn may_enter(&self, catalog: &Catalog) -> bool {
        let made = u32::try_from(self.entered.len().saturating_sub(1));
        made.is_ok_and(|made| made < catalog.routing().fallbacks.max)
    }

    fn is_new(&self, group: &Resolved) -> bool {
        !self.entered.iter().any(|it| it.is_same(group))
    }

    fn push(&mut self, targets: Targets) {
        self.lists.push(List { targets, seen: 0 });
    }
}

impl List {
    /// Those that were not looked at yet.
    fn left<'l>(&'l self, options: &'l CallOptions) -> &'l [Target] {
        let all = match &self.targets {
            Targets::OfRequest => options.fallbacks.as_deref().unwrap_or_default(),
            Targets::Configured(targets) => &**targets,
        };
        all.get(self.seen..).unwrap_or_default()
    }
}
