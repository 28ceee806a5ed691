//! Calls of clients that do not speak the provider's dialect.

use bytes::Bytes;
use gateway_core::chat::Request;
use gateway_core::{
    Asked, Envelope, Limits, Lost, Policy, Quirks, Target, TranslateError, Translation,
};
use serde_json::{Map, Value};

use crate::blueprint::Route;
use crate::body::{ADDITIONAL_DROP, BodyRules, names};
use crate::compatible::Compatible;
use crate::config::EndpointConfig;
use crate::endpoint::CallParts;
use crate::prices::ModelFacts;

/// What an endpoint must know to have calls translated for it.
#[derive(Debug)]
pub(crate) struct TranslationRules {
    quirks: Quirks,
    max_output_tokens: Option<u64>,
    reasons: Option<bool>,
    policy: Policy,
    /// The operator's parameters, in no dialect.
    defaults: Option<Request>,
    /// What of these has a meaning to the provider only, and what it requires.
    rules: BodyRules,
}

impl TranslationRules {
    /// Of a config whose provider has these quirks.
    pub(crate) fn build(config: &EndpointConfig, quirks: Quirks, compatible: Compatible) -> Self {
        let (defaults, raw) = read_defaults(&config.defaults);
        Self {
            quirks,
            max_output_tokens: config.max_output_tokens,
            reasons: config.reasons,
            policy: config.policy.clone(),
            defaults,
            rules: BodyRules::build(&raw, compatible),
        }
    }

    /// What the operator wants done with parameters.
    pub(crate) fn policy(&self, envelope: &Envelope) -> Policy {
        let mut policy = self.policy.clone();
        if let Some(drop) = flag(envelope, "drop_params") {
            policy.drop = drop;
        }
        policy.dropped.extend(names(envelope, ADDITIONAL_DROP));
        policy
            .allowed
            .extend(names(envelope, "allowed_openai_params"));
        policy
    }

    /// The body to send by `route` for `call` at `model`, and what turns the answer back.
    pub(crate) fn translate(
        &self,
        call: &CallParts<'_>,
        route: &Route,
        (model, facts): (&str, &ModelFacts),
        created: u64,
    ) -> Result<(Bytes, Translation, Vec<Lost>), TranslateError> {
        let target = Target {
            model,
            max_output_tokens: self.max_output_tokens.or(facts.max_output_tokens),
            reasons: self.reasons.or(facts.reasons),
            quirks: &self.quirks,
        };
        let asked = Asked {
            model: call.asked_model.to_owned(),
            id: call.id.to_owned(),
            created,
            usage_in_stream: false,
            echo: Vec::new(),
        };
        let policy = self.policy(call.envelope);
        let (body, translation) = Translation::new(
            (call.dialect, route.dialect),
            call.envelope,
            &target,
            &policy,
            asked,
            self.defaults.as_ref(),
        )?;
        let client = call.client();
        if self.rules.is_empty(route, client) {
            return Ok((body, translation, Vec::new()));
        }
        let envelope =
            Envelope::parse(body, Limits::default()).map_err(|error| TranslateError::Invalid {
                param: "request_body".to_owned(),
                reason: error.to_string(),
            })?;
        let (body, lost) = self
            .rules
            .apply(&envelope, model, (route, client), || policy)?;
        Ok((body, translation, lost))
    }
}

/// The operator's parameters, which have OpenAI's names, in no dialect; and those that OpenAI has not.
fn read_defaults(configured: &Map<String, Value>) -> (Option<Request>, Map<String, Value>) {
    if configured.is_empty() {
        return (None, Map::new());
    }
    let text = Value::Object(configured.clone()).to_string();
    let read = Envelope::parse(Bytes::from(text), Limits::default())
        .ok()
        .and_then(|envelope| Request::of_parameters(&envelope).ok());
    let Some(mut read) = read else {
        return (None, configured.clone());
    };
    let rest = std::mem::take(&mut read.other)
        .into_iter()
        .map(|other| (other.name, other.value.value()))
        .collect();
    (Some(read), rest)
}

fn flag(envelope: &Envelope, field: &str) -> Option<bool> {
    serde_json::from_slice(envelope.field(field)?).ok()
}
