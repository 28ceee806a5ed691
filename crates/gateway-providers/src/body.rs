//! What becomes of a request body on its way: the client's bytes with a few members changed, or untouched.

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, Lost, Policy, TranslateError, is_gateway_field};
use serde_json::{Map, Value};

use crate::betas::Client;
use crate::blueprint::{ModelField, Route};
use crate::compatible::Compatible;

/// The body rules of one endpoint, ready to be applied.
#[derive(Debug)]
pub(crate) struct BodyRules {
    /// Members that are set when the client does not set them: key and raw JSON.
    defaults: Vec<(String, String)>,
    /// Members that are left out.
    dropped: Vec<String>,
    /// How a chat is asked for.
    compatible: Compatible,
}

impl BodyRules {
    /// Rules from what an operator wants. The client's word counts more, and a route's less.
    pub(crate) fn build(configured: &Map<String, Value>, compatible: Compatible) -> Self {
        let mut rules = Self {
            compatible,
            defaults: Vec::new(),
            dropped: Vec::new(),
        };
        if let Some(Value::Object(extra)) = configured.get(EXTRA_BODY) {
            rules.add_all(extra);
        }
        // What is the gateway's own in a request is its own in a config too. Inside of `extra_body` an operator
        // means the provider, whatever the name.
        let ours = |key: &str| key == EXTRA_BODY || is_gateway_field(key);
        rules.add_all(configured.iter().filter(|(key, _)| !ours(key)));
        rules
    }

    /// The same, leaving out these members of what the client sends.
    pub(crate) fn without(mut self, dropped: &[String]) -> Self {
        self.dropped = dropped.to_vec();
        self
    }

    /// Whether a body that was written for `route` needs no change.
    pub(crate) fn is_empty(&self, route: &Route, client: Client<'_>) -> bool {
        route.model_field == ModelField::Set
            && self.compatible.is_openai()
            && self.defaults.is_empty()
            && route.additions.is_empty(client)
    }

    /// The body to send by `route` for a call at `model`, and what of the client's is not in it. The client's own bytes,
    /// not a copy, if nothing differs. `policy` is asked for where the provider does not know a parameter.
    ///
    /// # Errors
    /// A parameter would change the answer, and is not to be left out.
    pub(crate) fn apply(
        &self,
        envelope: &Envelope,
        model: &str,
        (route, client): (&Route, Client<'_>),
        policy: impl FnOnce() -> Policy,
    ) -> Result<(Bytes, Vec<Lost>), TranslateError> {
        let mut edit = envelope.edit();
        edit.remove_gateway_fields();
        let mut lost = Vec::new();
        if route.dialect == Dialect::OpenAiChat && self.compatible.adapts() {
            lost = self.compatible.adapt(envelope, policy, &mut edit)?;
        }
        let mut drop = |key: &str| {
            edit.remove(key);
            let own = self.compatible.own_name(key);
            if envelope.field(own).is_none() {
                edit.remove(own);
            }
        };
        self.dropped.iter().for_each(|key| drop(key));
        if envelope.field(ADDITIONAL_DROP).is_some() {
            names(envelope, ADDITIONAL_DROP)
                .iter()
                .for_each(|key| drop(key));
        }
        match route.model_field {
            ModelField::Set if envelope.model() == Some(model) => {}
            ModelField::Set => {
                edit.set_string("model", model);
            }
            ModelField::Removed => {
                edit.remove("model");
            }
            ModelField::RemovedWithStream => {
                edit.remove("model").remove("stream");
            }
        }
        for (key, raw) in &self.defaults {
            edit.set_if_absent(key, raw.as_bytes());
        }
        route.additions.apply(envelope, client, &mut edit);
        Ok((edit.finish(), lost))
    }

    fn add_all<'v>(&mut self, configured: impl IntoIterator<Item = (&'v String, &'v Value)>) {
        for (key, value) in configured {
            if !value.is_null() {
                self.add(key, value.to_string());
            }
        }
    }

    fn add(&mut self, key: &str, raw: String) {
        let key = self.compatible.own_name(key);
        let known = self.defaults.iter().any(|(existing, _)| existing == key);
        // Which model and whether it streams is decided per call.
        if !known && key != "model" && key != "stream" {
            self.defaults.push((key.to_owned(), raw));
        }
    }
}

/// The texts in a list of the body.
pub(crate) fn names(envelope: &Envelope, field: &str) -> Vec<String> {
    envelope
        .field(field)
        .and_then(|json| serde_json::from_slice(json).ok())
        .unwrap_or_default()
}

/// LiteLLM's name for fields that one request wants left out.
pub(crate) const ADDITIONAL_DROP: &str = "additional_drop_params";

/// LiteLLM's name for a nested object of body parameters.
const EXTRA_BODY: &str = "extra_body";

#[cfg(test)]
mod tests {
    use super::BodyRules;
    use crate::additions::Additions;
    use crate::betas::Client;
    use crate::blueprint::{ModelField, Route, Target};
    use crate::compatible::Compatible;
    use crate::url::BaseUrl;
    use bytes::Bytes;
    use gateway_core::{Dialect, Envelope, Limits, Policy};
    use http::HeaderMap;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn route(model_field: ModelField, constants: &'static [(&'static str, &'static str)]) -> Route {
        let base = BaseUrl::parse("http://h").unwrap();
        let target = Target::fixed(&base, "/", None).unwrap();
        Route {
            model_field,
            additions: Additions {
                constants,
                betas: None,
            },
            ..Route::new(Dialect::OpenAiChat, target)
        }
    }

    fn apply(rules: &BodyRules, envelope: &Envelope, model: &str, route: &Route) -> Bytes {
        let client = Client {
            headers: &HeaderMap::new(),
            refused: &[],
        };
        let sent = rules.apply(envelope, model, (route, client), Policy::default);
        sent.expect("nothing is unknown").0
    }

    fn sent(rules: &BodyRules, body: &'static str, model: &str) -> String {
        sent_by(&route(ModelField::Set, &[]), rules, body, model)
    }

    fn sent_by(route: &Route, rules: &BodyRules, body: &'static str, model: &str) -> String {
        let envelope =
            Envelope::parse(Bytes::from_static(body.as_bytes()), Limits::default()).unwrap();
        let sent = apply(rules, &envelope, model, route);
        if sent.as_ptr() == envelope.body().as_ptr() {
            return "the same bytes".to_owned();
        }
        String::from_utf8(sent.to_vec()).unwrap()
    }

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn a_body_that_needs_no_change_is_not_copied() {
        let rules = BodyRules::build(&Map::new(), Compatible::OPENAI);
        assert_eq!(
            sent(&rules, r#"{"model":"m","x":1}"#, "m"),
            "the same bytes"
        );
        let rules = BodyRules::build(&map(json!({"x": 2})), Compatible::OPENAI);
        assert_eq!(
            sent_by(
                &route(ModelField::Set, &[("v", "1")]),
                &rules,
                r#"{"model":"m","x":1,"v":0}"#,
                "m"
            ),
            "the same bytes"
        );
    }

    #[test]
    fn the_model_becomes_the_upstreams_and_the_rest_stays_as_it_was_written() {
        let rules = BodyRules::build(&Map::new(), Compatible::OPENAI);
        let body = r#"{ "x" : 1.50, "model":"group" , "y":"\u00e9" }"#;
        let expected = r#"{ "x" : 1.50, "model":"up\"m" , "y":"\u00e9" }"#;
        assert_eq!(sent(&rules, body, "up\"m"), expected);
    }

    #[test]
    fn vertex_loses_the_model_and_gains_the_version() {
        let rules = BodyRules::build(&Map::new(), Compatible::OPENAI);
        let route = route(
            ModelField::Removed,
            &[("anthropic_version", "\"vertex-2023-10-16\"")],
        );
        let sent = |rules, body, model| sent_by(&route, rules, body, model);
        assert_eq!(
            sent(&rules, r#"{"model":"g","stream":true,"max_tokens":9}"#, "m"),
            r#"{"stream":true,"max_tokens":9,"anthropic_version":"vertex-2023-10-16"}"#
        );
        assert_eq!(
            sent(&rules, r#"{"model":"g","anthropic_version":"newer"}"#, "m"),
            r#"{"anthropic_version":"newer"}"#
        );
    }

    #[test]
    fn fields_of_the_gateway_go_nowhere() {
        let rules = BodyRules::build(&map(json!({"num_retries": 3})), Compatible::OPENAI);
        assert_eq!(
            sent(
                &rules,
                r#"{"model":"m","timeout":1,"num_retries":2,"x":1}"#,
                "m"
            ),
            r#"{"model":"m","x":1}"#
        );
        assert_eq!(sent(&rules, r#"{"model":"m"}"#, "m"), "the same bytes");
    }

    #[test]
    fn defaults_yield_to_the_client_and_extra_body_to_nobody_else() {
        let configured = json!({
            "temperature": 0.5, "seed": 7, "unset": null, "model": "x", "stream": true,
            "extra_body": {"seed": 8, "tags": ["a"], "none": null},
        });
        let rules = BodyRules::build(&map(configured), Compatible::OPENAI);
        let body = sent_by(
            &route(ModelField::Set, &[("seed", "9")]),
            &rules,
            r#"{"model":"m","temperature":0}"#,
            "m",
        );
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            body,
            json!({"model": "m", "temperature": 0, "seed": 8, "tags": ["a"]})
        );
    }

    proptest! {
        #[test]
        fn the_result_is_what_editing_a_tree_would_give(
            client in object(), configured in object(), model in "[a-z\"\\\\é]{1,8}",
        ) {
            let rules = BodyRules::build(&configured, Compatible::OPENAI);
            let body = Value::Object(client.clone()).to_string();
            let envelope = Envelope::parse(Bytes::from(body), Limits::default()).expect("a good body");
            let sent: Value = serde_json::from_slice(&apply(&rules, &envelope, &model, &route(ModelField::Set, &[("constant", "1")]))).expect("JSON");

            let mut expected = configured;
            expected.retain(|key, value| !value.is_null() && key != "timeout" && key != "stream");
            expected.insert("constant".into(), json!(1));
            expected.extend(client.into_iter().filter(|(key, _)| key != "timeout"));
            expected.insert("model".into(), Value::String(model));
            prop_assert_eq!(sent, Value::Object(expected));
        }
    }

    fn object() -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\é]{0,6}".prop_map(Value::from),
            Just(json!({"nested": [1, {"model": "x"}]})),
        ];
        let key = proptest::sample::select(vec!["a", "b", "é\"", "timeout", "seed", "user"]);
        proptest::collection::btree_map(key, value, 0..6).prop_map(|map| {
            map.into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()
        })
    }
}
