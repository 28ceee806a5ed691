//! What model names stand for, as far as checks need it.

use super::super::deployment::DeploymentSettings;
use super::super::suggest::nearest;
use gateway_core::Dialect;
use gateway_providers::provider_of_bare_name;
use gateway_router::Alias;
use std::collections::{HashMap, HashSet};

/// Every name that a call can be for.
pub(in crate::config) struct Names<'a> {
    groups: HashMap<&'a str, Group>,
    wildcards: Vec<&'a str>,
    /// Model groups without their provider.
    bare: HashSet<&'a str>,
    /// From an alias to its group.
    aliases: HashMap<&'a str, &'a str>,
    /// From a deployment's id to its group.
    ids: HashMap<&'a str, &'a str>,
}

/// A model group.
#[derive(Default)]
struct Group {
    deployments: usize,
    /// What its deployments speak; `None` if one of them was not built: then it is not known.
    dialects: Option<HashSet<Dialect>>,
}

impl<'a> Names<'a> {
    /// `spoken` are the dialects of each deployment, where it was built.
    pub(in crate::config) fn new(
        deployments: &'a [DeploymentSettings],
        aliases: &'a [Alias],
        spoken: &[Option<Vec<Dialect>>],
    ) -> Self {
        let mut groups: HashMap<&str, Group> = HashMap::new();
        for (at, deployment) in deployments.iter().enumerate() {
            // As the catalog names it.
            let group = groups.entry(deployment.config.group.trim()).or_default();
            let first = group.deployments == 0;
            group.deployments += 1;
            let before = if first {
                Some(HashSet::new())
            } else {
                group.dialects.take()
            };
            let spoken = spoken.get(at).and_then(Option::as_ref);
            group.dialects = before.zip(spoken).map(|(mut all, spoken)| {
                all.extend(spoken);
                all
            });
        }
        let stars = |group: &&str| group.contains('*');
        let wildcards = groups.keys().copied().filter(stars).collect();
        let without_provider = groups.keys().copied().filter_map(bare).collect();
        let ids = deployments
            .iter()
            .filter_map(|it| Some((it.config.id.as_deref()?, it.config.group.as_str())));
        let aliases = aliases
            .iter()
            .map(|alias| (alias.name.as_str(), alias.target.as_str()));
        Self {
            groups,
            wildcards,
            bare: without_provider,
            aliases: aliases.collect(),
            ids: ids.collect(),
        }
    }

    /// Whether a group goes by exactly this name. Without any deployment (there are other problems then) every name
    /// will do.
    pub(super) fn is_group(&self, name: &str) -> bool {
        self.groups.is_empty() || self.groups.contains_key(name)
    }

    /// The group that an alias or a deployment's id stands for.
    pub(super) fn group_behind(&self, name: &str) -> Option<&'a str> {
        self.aliases
            .get(name)
            .or_else(|| self.ids.get(name))
            .copied()
    }

    /// Whether calls can be for this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.ids.contains_key(name) || self.has_without_ids(name)
    }

    fn has_without_ids(&self, name: &str) -> bool {
        self.is_group(name)
            || self.aliases.contains_key(name)
            || self.is_matched(name)
            || provider_of_bare_name(name)
                .is_some_and(|provider| self.is_matched(&format!("{provider}/{name}")))
    }

    /// Whether a fallback for this name is for somebody: `*` is for all, groups are found with and without their
    /// provider, and calls for a deployment's id are calls for its group.
    pub(super) fn has_from(&self, name: &str) -> bool {
        name == "*"
            || self.has_without_ids(name)
            || self.bare.contains(name)
            || bare(name).is_some_and(|bare| self.has_without_ids(bare))
    }

    /// How many deployments a group has that goes by exactly this name.
    pub(super) fn deployments(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.deployments)
    }

    /// What calls for `from` speak, if nobody of `to` speaks any of it: they pass over it.
    pub(super) fn not_understood(&self, from: &str, to: &str) -> Option<String> {
        let dialects = |name: &str| {
            let group = self.groups.get(name);
            let group = group.or_else(|| self.groups.get(self.group_behind(name)?));
            group?.dialects.as_ref()
        };
        let (from, to) = (dialects(from)?, dialects(to)?);
        let names = Dialect::ALL.into_iter().filter(|it| from.contains(it));
        let names: Vec<&str> = names.map(Dialect::name).collect();
        from.is_disjoint(to).then(|| names.join(", "))
    }

    /// "did you mean ...", if a known name is near.
    pub(super) fn suggestion(&self, name: &str) -> Option<String> {
        let known = self.groups.keys().chain(self.aliases.keys()).copied();
        nearest(name, known).map(|near| format!("did you mean `{near}`?"))
    }

    fn is_matched(&self, name: &str) -> bool {
        self.wildcards
            .iter()
            .any(|wildcard| matches(wildcard, name))
    }
}

/// A name without the provider before it.
fn bare(name: &str) -> Option<&str> {
    name.split_once('/').map(|(_, bare)| bare)
}

/// Whether stars, each for any text, make the pattern this name.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let between = name
        .strip_prefix(head)
        .and_then(|name| name.strip_suffix(tail));
    let Some(mut left) = between else {
        return false;
    };
    // The leftmost place of each part leaves the most for those after it.
    middle.split('*').all(|part| match left.split_once(part) {
        Some((_, after)) => {
            left = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_is_any_text_also_none() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("openai/*", "openai/gpt", true),
            ("openai/*", "openai/", true),
            ("openai/*", "azure/gpt", false),
            ("*-mini", "gpt-mini", true),
            ("*-mini", "gpt-mini-2", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXc", false),
            ("a*b*c*d", "abcd", true),
            ("a*b*c*d", "acbd", false),
            ("**", "x", true),
            ("ab*ba", "aba", false),
            ("plain", "plain", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
