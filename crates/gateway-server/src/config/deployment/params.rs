//! What is said of one deployment, in order of precedence.

use super::super::problem::{Place, Report};
use super::super::secrets::secret;
use super::super::tree::{Key, Node, Tree};
use gateway_core::Secret;
use gateway_router::{Origin, Timer};
use std::time::Duration;

/// The parameters of a deployment: its own, then those of a named credential, then those of all deployments
/// (`default_litellm_params`). Beside them what is known of its model.
pub(super) struct Params<'a> {
    entry: &'a Node,
    levels: [Option<&'a Node>; 2],
    shared: Option<&'a Node>,
    /// What is said for all deployments elsewhere, and so goes before `shared`.
    router: Option<&'a Node>,
    litellm: Option<&'a Node>,
}

impl<'a> Params<'a> {
    pub(super) fn new(
        entry: &'a Node,
        own: &'a Node,
        named: Option<&'a Node>,
        root: &'a Node,
    ) -> Self {
        let router = root.get("router_settings");
        Self {
            entry,
            levels: [Some(own), named],
            shared: router.and_then(|router| router.get("default_litellm_params")),
            router,
            litellm: root.get("litellm_settings"),
        }
    }

    /// The value of a parameter.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry_of(key).map(|(_, node)| node)
    }

    /// A parameter that old configurations have beside `litellm_params`.
    pub(super) fn whole(&self, key: &str) -> Option<u64> {
        let node = value(self.specific(key))
            .or_else(|| self.entry.get(key))
            .or_else(|| self.get(key));
        node.and_then(Node::as_whole)
            .and_then(|number| u64::try_from(number).ok())
    }

    /// The value of a parameter that `model_info` may have too.
    pub(super) fn or_info(&self, key: &str) -> Option<&'a Node> {
        value(self.specific(key))
            .or_else(|| self.info(key))
            .or_else(|| self.get(key))
    }

    pub(super) fn info(&self, key: &str) -> Option<&'a Node> {
        self.entry.get("model_info")?.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)
            .and_then(Node::as_text)
            .filter(|text| !text.is_empty())
    }

    pub(super) fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Node::as_bool)
    }

    /// A flag that `litellm_settings` may have for all deployments.
    pub(super) fn flag_or_litellm(&self, key: &str) -> Option<bool> {
        self.flag(key)
            .or_else(|| entry(self.litellm, key)?.1.as_bool())
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let items = self.get(key).map_or(&[][..], Node::items).iter();
        items.filter_map(Node::as_text).map(str::to_owned).collect()
    }

    pub(super) fn seconds(&self, key: &str) -> Option<Duration> {
        seconds(self.get(key)?)
    }

    pub(super) fn secret(&self, key: &str, report: &mut Report) -> Option<Secret> {
        let node = self.get(key)?;
        match &node.tree {
            Tree::Map(_) => Some(Secret::new(node.to_json().to_string())),
            _ => secret(node.as_text()?, &node.place(), report),
        }
    }

    /// The first of these keys that is said, with its place. What the router says under `router` goes before what is
    /// only said for all deployments.
    pub(super) fn timer(&self, keys: &[&str], router: &[&str], report: &Report) -> Option<Timer> {
        let (key, node) = self.precise(keys, router, &[])?;
        timer(key, node, report)
    }

    /// The first of these keys that is said.
    pub(super) fn precise(
        &self,
        keys: &[&str],
        router: &[&str],
        litellm: &[&str],
    ) -> Option<&'a (Key, Node)> {
        let own = keys.iter().find_map(|key| self.specific(key));
        own.or_else(|| {
            let said = |section: Option<&Node>, keys: &[&str]| {
                keys.iter()
                    .any(|key| section.is_some_and(|section| section.get(key).is_some()))
            };
            if said(self.router, router) || said(self.litellm, litellm) {
                return None;
            }
            keys.iter().find_map(|key| entry(self.shared, key))
        })
    }

    /// Whether the router's `timeout` bounds each attempt.
    pub(super) fn router_bounds_attempts(&self) -> bool {
        let scope = self.router.and_then(|router| router.get("timeout_scope"));
        scope
            .and_then(Node::as_text)
            .is_some_and(|scope| scope.eq_ignore_ascii_case("attempt"))
    }

    /// All entries, those that go before others first.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'a (Key, Node)> {
        // A credential's unknown keys are no parameters of requests.
        let nodes = [self.levels[0], self.shared].into_iter().flatten();
        nodes.flat_map(Node::entries)
    }

    fn entry_of(&self, key: &str) -> Option<&'a (Key, Node)> {
        self.specific(key).or_else(|| entry(self.shared, key))
    }

    /// What is said for this deployment.
    fn specific(&self, key: &str) -> Option<&'a (Key, Node)> {
        self.levels.iter().find_map(|level| entry(*level, key))
    }
}

/// A timer that was said here.
pub(super) fn timer(key: &Key, node: &Node, report: &Report) -> Option<Timer> {
    Some(Timer {
        limit: seconds(node)?,
        origin: Origin::Config(report.describe(&Place::File(key.at)).into()),
    })
}

fn entry<'a>(level: Option<&'a Node>, key: &str) -> Option<&'a (Key, Node)> {
    level?.entry(key).filter(|(_, node)| !node.is_null())
}

fn value(entry: Option<&(Key, Node)>) -> Option<&Node> {
    entry.map(|(_, node)| node)
}

fn seconds(node: &Node) -> Option<Duration> {
    Duration::try_from_secs_f64(node.as_number()?).ok()
}
