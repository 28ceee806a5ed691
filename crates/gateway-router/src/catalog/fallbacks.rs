//! Where the calls of a group go when it has failed.

use std::borrow::Cow;
use std::sync::Arc;

use gateway_core::ErrorKind;

use super::{Catalog, Resolved};
use crate::config::Chains;
use crate::options::Target;

impl Catalog {
    /// What is configured as the fallbacks of `group` after a failure of this kind; `None` as kind stands for a group
    /// that could not be tried. Chains for full contexts and content policies, where there are any, stand for those
    /// kinds alone: a group without an entry there has no fallback then.
    pub fn fallbacks(&self, group: &Resolved, kind: Option<ErrorKind>) -> Option<&Arc<[Target]>> {
        let all = &self.routing.fallbacks;
        let own = match kind {
            Some(ErrorKind::ContextWindow) => &all.context_window,
            Some(ErrorKind::ContentPolicy) => &all.content_policy,
            _ => &all.general,
        };
        let chains = if own.is_empty() { &all.general } else { own };
        find(chains, group)
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
