//! The timers, and the names beside the model groups.

use super::super::deployment::DeploymentSettings;
use super::super::problem::{Code, Place, Report};
use super::super::settings::{AliasSettings, Timer, Timers};
use super::super::suggest::nearest;
use super::super::tree::{Node, Tree};
use super::{Facts, seconds};

impl Facts<'_> {
    pub(super) fn timers(&self, report: &Report) -> Timers {
        let (router, gateway) = (&self.said.router_settings, &self.said.gateway);
        let first = |candidates: &[(Option<f64>, &str)]| {
            let (value, path) = candidates
                .iter()
                .find_map(|(value, path)| Some(((*value)?, *path)))?;
            Some(self.timer(value, path, report))
        };
        let fixed = |value: f64| Timer {
            limit: seconds(value),
            origin: "default".into(),
        };
        Timers {
            call: first(&[
                (router.timeout, "router_settings.timeout"),
                (
                    self.said.litellm_settings.request_timeout,
                    "litellm_settings.request_timeout",
                ),
            ])
            .unwrap_or_else(|| fixed(CALL_SECONDS)),
            first_content: first(&[
                (router.stream_timeout, "router_settings.stream_timeout"),
                (router.ttft_timeout, "router_settings.ttft_timeout"),
            ]),
            idle: first(&[(
                router.stream_idle_timeout,
                "router_settings.stream_idle_timeout",
            )])
            .unwrap_or_else(|| {
                self.timer(
                    gateway.stream_idle_timeout,
                    "gateway.stream_idle_timeout",
                    report,
                )
            }),
            connect: first(&[(router.connect_timeout, "router_settings.connect_timeout")])
                .unwrap_or_else(|| fixed(CONNECT_SECONDS)),
            pool: first(&[(router.pool_timeout, "router_settings.pool_timeout")])
                .unwrap_or_else(|| fixed(POOL_SECONDS)),
            client_write: self.timer(
                gateway.slow_client_timeout,
                "gateway.slow_client_timeout",
                report,
            ),
        }
    }

    fn timer(&self, value: f64, path: &str, report: &Report) -> Timer {
        let origin = match self.layers.place(path, self.root) {
            Some(place) => report.describe(&place).into(),
            None => "default".into(),
        };
        Timer {
            limit: seconds(value),
            origin,
        }
    }
}

/// `model_group_alias`; each must lead to something.
pub(in crate::config) fn aliases(
    root: &Node,
    deployments: &[DeploymentSettings],
    report: &mut Report,
) -> Vec<AliasSettings> {
    let mut aliases = Vec::new();
    let said = root
        .get("router_settings")
        .and_then(|router| router.get("model_group_alias"));
    for (key, node) in said.map_or(&[][..], Node::entries) {
        let (target, hidden) = match &node.tree {
            Tree::Text(target) => (Some(target.as_str()), false),
            Tree::Map(_) => {
                let hidden = node.get("hidden").and_then(Node::as_bool).unwrap_or(false);
                (node.get("model").and_then(Node::as_text), hidden)
            }
            _ => (None, false),
        };
        let Some(target) = target else {
            let message = format!(
                "the alias `{}` must name a model group",
                key.name.escape_debug()
            );
            report
                .error(Code::WrongType, Place::File(key.at), message)
                .hint("write `alias: group` or `alias: {model: group, hidden: true}`");
            continue;
        };
        let groups = || {
            deployments
                .iter()
                .map(|deployment| deployment.group.as_str())
        };
        if !groups().any(|group| group == target || group.contains('*')) {
            let message = format!(
                "the alias `{}` leads to `{}`, which no deployment serves",
                key.name.escape_debug(),
                target.escape_debug()
            );
            let near = nearest(target, groups()).map(|near| format!("did you mean `{near}`?"));
            report
                .error(Code::InvalidValue, Place::File(key.at), message)
                .hint_opt(near);
        }
        aliases.push(AliasSettings {
            name: key.name.clone(),
            target: target.to_owned(),
            hidden,
        });
    }
    aliases
}

const CALL_SECONDS: f64 = 6000.0;
const CONNECT_SECONDS: f64 = 5.0;
const POOL_SECONDS: f64 = 5.0;
