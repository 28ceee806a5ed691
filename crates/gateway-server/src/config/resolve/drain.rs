//! How the process ends, and who may have it drained.

use gateway_core::Secret;

use super::{Facts, seconds};
use crate::config::problem::{Code, Report};
use crate::config::secrets::secret;
use crate::config::settings::Drain;

impl Facts<'_> {
    pub(super) fn drain(&self, demo: bool) -> Drain {
        let said = &self.said.gateway.drain;
        let is_default = self
            .layers
            .place("gateway.drain.delay", self.root)
            .is_none();
        Drain {
            // Nobody balances load over a demo.
            delay: seconds(if demo && is_default { 0.0 } else { said.delay }),
            timeout: said.timeout.map(seconds),
            upgrade_timeout: seconds(self.said.gateway.upgrade_timeout),
        }
    }

    /// Ours, or LiteLLM's where its route is switched on.
    pub(super) fn drain_token(&self, report: &mut Report) -> Option<Secret> {
        let general = &self.said.general_settings;
        let (own, enabled) = (
            "gateway.drain.token",
            "general_settings.enable_drain_endpoint",
        );
        let (token, path) = match &self.said.gateway.drain.token {
            Some(token) => (Some(token), own),
            None if general.enable_drain_endpoint => (
                general.drain_endpoint_token.as_ref(),
                "general_settings.drain_endpoint_token",
            ),
            None => return None,
        };
        let place = self.place(path);
        let token = token.and_then(|token| secret(token.expose(), &place, report));
        if token.is_none() && general.enable_drain_endpoint {
            let message =
                "`/health/drain` stays off without a token: anybody could end the process";
            report
                .warn(Code::Weak, self.place(enabled), message)
                .hint("set general_settings.drain_endpoint_token or DRAIN_ENDPOINT_TOKEN");
        }
        token
    }
}
