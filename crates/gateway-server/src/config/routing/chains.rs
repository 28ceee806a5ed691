//! `fallbacks`, `context_window_fallbacks`, `content_policy_fallbacks` and `default_fallbacks`.

use super::super::keys::PARAMS;
use super::super::masks::is_credential;
use super::super::problem::{Code, Place, Report};
use super::super::tree::{Key, Node, Tree};
use super::known;
use super::names::Names;
use gateway_router::{Chains, Fallbacks, Routing, Target};
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// All chains. A list of `router_settings` goes before the one of `litellm_settings`.
pub(super) fn all(root: &Node, names: &Names<'_>, report: &mut Report) -> Fallbacks {
    let mut reader = Reader { names, report };
    let mut general = reader.chains(root, "fallbacks");
    reader.default_chain(root, &mut general);
    Fallbacks {
        general,
        context_window: reader.chains(root, "context_window_fallbacks"),
        content_policy: reader.chains(root, "content_policy_fallbacks"),
        max: Routing::default().fallbacks.max,
    }
}

struct Reader<'a, 'n> {
    names: &'a Names<'n>,
    report: &'a mut Report,
}

impl Reader<'_, '_> {
    fn chains(&mut self, root: &Node, list: &str) -> Chains {
        let mut chains = Chains::new();
        for item in self
            .list(root, list)
            .map_or(&[][..], |(_, node)| node.items())
        {
            let Some((from, to)) = self.entry(list, item) else {
                continue;
            };
            if !self.names.has_from(&from.name) {
                known(from, list, self.names, self.report);
            }
            let targets = self.targets(list, Some(from), to);
            match chains.entry(from.name.clone()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(targets);
                }
                Entry::Occupied(_) => {
                    let message = format!(
                        "`{list}` has an earlier entry for `{}`, and this one changes nothing",
                        from.name.escape_debug()
                    );
                    self.report
                        .warn(Code::NoEffect, Place::File(from.at), message)
                        .hint("put all of them into one list");
                }
            }
        }
        chains
    }

    /// `default_fallbacks` is the entry for `*`, and goes before one that `fallbacks` has.
    fn default_chain(&mut self, root: &Node, general: &mut Chains) {
        let list = "default_fallbacks";
        let Some((key, node)) = self.list(root, list) else {
            return;
        };
        let targets = self.targets(list, None, node);
        if general.insert(String::from("*"), targets).is_some() {
            let message = format!("`{list}` takes the place of the entry for `*` in `fallbacks`");
            self.report
                .warn(Code::NoEffect, Place::File(key.at), message);
        }
    }

    /// The list that counts: the first that is not empty.
    fn list<'r>(&mut self, root: &'r Node, list: &str) -> Option<&'r (Key, Node)> {
        let said = |section: &str| {
            let found = root.get(section)?.entry(list);
            found.filter(|(_, node)| !node.items().is_empty())
        };
        let (router, litellm) = (said("router_settings"), said("litellm_settings"));
        if let (Some(_), Some((key, _))) = (router, litellm) {
            let message =
                format!("`{list}` of router_settings counts, and this one changes nothing");
            self.report
                .warn(Code::NoEffect, Place::File(key.at), message);
        }
        router.or(litellm)
    }

    /// `group: [targets]`, alone in its mapping.
    fn entry<'r>(&mut self, list: &str, item: &'r Node) -> Option<(&'r Key, &'r Node)> {
        let found = match item.entries() {
            [(from, to)] => return Some((from, to)),
            [] => item.kind_name().to_owned(),
            several => format!("a mapping of {}", several.len()),
        };
        let message = format!("expected a mapping of one model group in `{list}`, found {found}");
        self.report
            .error(Code::WrongType, item.place(), message)
            .hint("write one entry for each group: `- group: [other, another]`");
        None
    }

    fn targets(&mut self, list: &str, from: Option<&Key>, to: &Node) -> Arc<[Target]> {
        if !matches!(to.tree, Tree::List(_)) {
            let place = from.map_or_else(|| to.place(), |from| Place::File(from.at));
            let message = format!(
                "expected a list of model groups in `{list}`, found {}",
                to.kind_name()
            );
            let hint = match &to.tree {
                Tree::Text(name) => format!("write `[{}]`", name.escape_debug()),
                _ => String::from("write `group: [other, another]`"),
            };
            self.report
                .error(Code::WrongType, place, message)
                .hint(hint);
        }
        let mut targets: Vec<Target> = Vec::new();
        for item in to.items() {
            let Some(target) = self.target(list, item) else {
                continue;
            };
            let useless = if from.is_some_and(|from| *from.name == *target.model) {
                "is a fallback to itself"
            } else if targets.iter().any(|known| known.model == target.model) {
                "is here for the second time: a call goes to a group once"
            } else {
                self.understood(from, &target, item);
                targets.push(target);
                continue;
            };
            let message = format!("`{}` {useless}", target.model.escape_debug());
            self.report.warn(Code::NoEffect, item.place(), message);
        }
        targets.into()
    }

    /// Warns of a group that no call of `from` can go to.
    fn understood(&mut self, from: Option<&Key>, target: &Target, item: &Node) {
        let foreign = from.and_then(|from| self.names.not_understood(&from.name, &target.model));
        let Some(dialects) = foreign else {
            return;
        };
        let message = format!(
            "`{}` is passed over: it serves no {dialects} calls",
            target.model.escape_debug()
        );
        self.report.warn(Code::NoEffect, item.place(), message);
    }

    /// A name, or a mapping with `model` and fields of the request's body.
    fn target(&mut self, list: &str, item: &Node) -> Option<Target> {
        let name = match &item.tree {
            Tree::Text(_) => Some(item),
            Tree::Map(_) => item.get("model"),
            _ => None,
        };
        let Some((node, name)) = name.and_then(|node| Some((node, node.as_text()?))) else {
            let message = format!("an entry of `{list}` does not name a model group");
            self.report
                .error(Code::WrongType, item.place(), message)
                .hint("write `other`, or `{model: other, temperature: 0}`");
            return None;
        };
        if !self.names.has(name) {
            let message = format!(
                "`{list}` leads to `{}`, which no deployment serves",
                name.escape_debug()
            );
            self.report
                .warn(Code::UnknownGroup, node.place(), message)
                .hint_opt(self.names.suggestion(name));
        }
        let mut target = Target::named(name);
        for (key, value) in item.entries() {
            if key.name == "model" {
                continue;
            }
            if PARAMS.find(&key.name).is_some() || is_credential(&key.name) {
                self.report.hide(value);
                let message = format!(
                    "`{}` of a fallback is not honored: deployments of the group have their own",
                    key.name.escape_debug()
                );
                self.report
                    .warn(Code::IgnoredKey, Place::File(key.at), message);
                continue;
            }
            target.overrides.insert(key.name.clone(), value.to_json());
        }
        Some(target)
    }
}
