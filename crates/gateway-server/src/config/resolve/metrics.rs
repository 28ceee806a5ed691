//! How metrics are told.

use super::super::settings::MetricsSettings;
use super::Facts;

impl Facts<'_> {
    /// Our keys go before LiteLLM's. Who has its Prometheus callback has its dashboards, too.
    pub(super) fn metrics(&self) -> MetricsSettings {
        let (said, litellm) = (&self.said.gateway.metrics, &self.said.litellm_settings);
        MetricsSettings {
            require_key: said
                .require_key
                .or(litellm.require_auth_for_metrics_endpoint)
                .unwrap_or(false),
            litellm_compat: said
                .litellm_compat
                .unwrap_or_else(|| litellm.has_callback("prometheus")),
        }
    }
}
