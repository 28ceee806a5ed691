//! What is known of an endpoint's model: the table's word, and over it the operator's.

use std::borrow::Cow;

use super::{ModelFacts, PriceKind};
use crate::config::EndpointConfig;

/// The model of one endpoint.
#[derive(Debug)]
pub(crate) struct KnownModel {
    provider: &'static str,
    prices: Vec<(PriceKind, f64)>,
    facts: ModelFacts,
}

impl KnownModel {
    /// The model that a config names, with the operator's prices.
    pub(crate) fn build(config: &EndpointConfig, provider: &'static str, model: &str) -> Self {
        let mut known = Self {
            provider,
            prices: config.prices.clone(),
            facts: ModelFacts::default(),
        };
        known.facts = known.find(config.base_model.as_deref().unwrap_or(model));
        known
    }

    /// What is known of it, or of the one that a client has chosen.
    pub(crate) fn facts(&self, chosen: Option<&str>) -> Cow<'_, ModelFacts> {
        match chosen {
            Some(model) => Cow::Owned(self.find(model)),
            None => Cow::Borrowed(&self.facts),
        }
    }

    fn find(&self, model: &str) -> ModelFacts {
        let mut facts = ModelFacts::of(self.provider, model).unwrap_or_default();
        for (kind, dollars) in &self.prices {
            facts.prices = facts.prices.with(*kind, *dollars);
        }
        facts
    }
}
