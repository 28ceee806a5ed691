//! One deployment: an endpoint with a name, a group and its share of the calls.

use std::fmt::Write as _;
use std::sync::Arc;

use gateway_core::Secret;
use gateway_providers::{AwsConfig, Endpoint};
use gateway_transport::Origin;
use regex_lite::Regex;
use sha2::{Digest as _, Sha256};

use crate::config::{CooldownRules, DeploymentConfig, Price};
use crate::ledger::Ledger;
use crate::slots::Slots;
use crate::timers::DeploymentTimers;

/// One way to serve a model group. Shared by every call that may use it.
#[derive(Debug)]
pub struct Deployment {
    /// Its name in headers, logs and metrics: the operator's, or 64 hex digits that stay the same as long as nothing
    /// about the deployment changes.
    pub id: Arc<str>,
    /// The name of its model group.
    pub group: Arc<str>,
    /// Where its calls go and how they are signed.
    pub endpoint: Endpoint,
    /// The connections that its calls use.
    pub origin: Origin,
    /// Its share of the group's calls, relative to the others.
    pub weight: Option<f64>,
    /// Requests per minute that it is good for.
    pub rpm: Option<u64>,
    /// Tokens per minute that it is good for.
    pub tpm: Option<u64>,
    /// Its level: the lowest one with somebody who can serve is used first.
    pub order: Option<i64>,
    /// Its own timers.
    pub timers: DeploymentTimers,
    /// How often a call that failed here is tried again.
    pub retries: Option<u32>,
    /// Attempts that it may have under way at once.
    pub max_parallel: Option<u32>,
    /// The slots of those attempts, where they are limited.
    pub slots: Option<Arc<Slots>>,
    /// Tags of calls that it serves.
    pub tags: Box<[String]>,
    /// Patterns of `User-Agent: …` lines that it serves.
    pub tag_patterns: Box<[Regex]>,
    /// Where it is.
    pub region: Option<String>,
    /// Tokens of input that its model takes.
    pub max_input_tokens: Option<u64>,
    /// What tokens cost.
    pub price: Option<Price>,
    /// When it is set aside: the router's rules with its own.
    pub cooldown: CooldownRules,
    /// Its model goes on with a text that was begun for it; `None`: by what is known of the model.
    pub prefill: Option<bool>,
    /// What is known of it while calls run.
    pub ledger: Arc<dyn Ledger>,
}

impl Deployment {
    /// Its level in its group: lower ones are used first, and who has none comes last.
    pub fn level(&self) -> i64 {
        self.order.unwrap_or(i64::MAX)
    }
}

/// A deployment's id where none was given: SHA-256 over the group's name and all parameters, in hex. Secrets are hashed in
/// and cannot be read from it. `occurrence` tells entries apart that are equal in everything.
pub(crate) fn identity(config: &DeploymentConfig, occurrence: usize) -> String {
    let mut hash = Fields(Sha256::new());
    let endpoint = &config.endpoint;
    hash.add("model_name", Some(&config.group));
    hash.add("model", Some(&endpoint.model));
    hash.add(
        "custom_llm_provider",
        endpoint.custom_llm_provider.as_deref(),
    );
    hash.add("api_key", expose(endpoint.api_key.as_ref()));
    hash.add("api_base", endpoint.api_base.as_deref());
    hash.add("api_version", endpoint.api_version.as_deref());
    hash.add("organization", endpoint.organization.as_deref());
    for (name, value) in &endpoint.extra_headers {
        hash.add(name, Some(value));
    }
    for (name, value) in &endpoint.defaults {
        hash.add(name, Some(&value.to_string()));
    }
    hash.add("vertex_project", endpoint.vertex_project.as_deref());
    hash.add("vertex_location", endpoint.vertex_location.as_deref());
    hash.add(
        "vertex_credentials",
        expose(endpoint.vertex_credentials.as_ref()),
    );
    hash.add("azure_ad_token", expose(endpoint.azure_ad_token.as_ref()));
    hash.add("tenant_id", endpoint.tenant_id.as_deref());
    hash.add("client_id", endpoint.client_id.as_deref());
    hash.add("client_secret", expose(endpoint.client_secret.as_ref()));
    hash.add("azure_scope", endpoint.azure_scope.as_deref());
    amazon(&mut hash, &endpoint.aws);
    hash.add("connect", Some(&format!("{:?}", endpoint.connect)));
    for (name, value) in [
        ("weight", config.weight.map(|it| it.to_string())),
        ("rpm", config.rpm.map(|it| it.to_string())),
        ("tpm", config.tpm.map(|it| it.to_string())),
        ("order", config.order.map(|it| it.to_string())),
    ] {
        hash.add(name, value.as_deref());
    }
    if occurrence > 0 {
        hash.add("occurrence", Some(&occurrence.to_string()));
    }
    let mut id = String::with_capacity(64);
    for byte in hash.0.finalize() {
        write!(id, "{byte:02x}").expect("writing to a string does not fail");
    }
    id
}

/// Who a deployment is for Amazon.
fn amazon(hash: &mut Fields, aws: &AwsConfig) {
    for (name, value) in [
        ("aws_access_key_id", expose(aws.access_key_id.as_ref())),
        (
            "aws_secret_access_key",
            expose(aws.secret_access_key.as_ref()),
        ),
        ("aws_session_token", expose(aws.session_token.as_ref())),
        ("aws_region_name", aws.region_name.as_deref()),
        ("aws_profile_name", aws.profile_name.as_deref()),
        ("aws_role_name", aws.role_name.as_deref()),
        ("aws_session_name", aws.session_name.as_deref()),
        ("aws_external_id", aws.external_id.as_deref()),
        (
            "aws_web_identity_token",
            expose(aws.web_identity_token.as_ref()),
        ),
        ("aws_sts_endpoint", aws.sts_endpoint.as_deref()),
        (
            "aws_bedrock_runtime_endpoint",
            aws.bedrock_runtime_endpoint.as_deref(),
        ),
        ("model_id", aws.model_id.as_deref()),
    ] {
        hash.add(name, value);
    }
    for (key, value) in &aws.session_tags {
        hash.add("aws_session_tags", Some(key));
        hash.add("aws_session_tags", Some(value));
    }
}

/// Hashes fields so that no two different lists of fields give the same bytes.
struct Fields(Sha256);

impl Fields {
    fn add(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        for part in [name, value] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }
}

fn expose(secret: Option<&Secret>) -> Option<&str> {
    secret.map(Secret::expose)
}

#[cfg(test)]
mod tests {
    use super::identity;
    use crate::config::DeploymentConfig;
    use gateway_providers::EndpointConfig;
    use std::collections::HashSet;

    fn config() -> DeploymentConfig {
        DeploymentConfig {
            group: "g".to_owned(),
            endpoint: EndpointConfig {
                model: "openai/m".to_owned(),
                api_key: Some("sk-1".into()),
                ..EndpointConfig::default()
            },
            ..DeploymentConfig::default()
        }
    }

    #[test]
    fn an_id_is_64_hex_digits_and_the_same_every_time() {
        let id = identity(&config(), 0);
        assert_eq!(id.len(), 64);
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(id, identity(&config(), 0));
    }

    #[test]
    fn whatever_differs_gives_another_id() {
        let changes: [fn(&mut DeploymentConfig); 12] = [
            |_| {},
            |it| it.group = "h".to_owned(),
            |it| it.endpoint.model = "openai/n".to_owned(),
            |it| it.endpoint.api_key = Some("sk-2".into()),
            |it| it.endpoint.api_key = None,
            |it| it.endpoint.api_base = Some("http://a".to_owned()),
            |it| it.weight = Some(1.0),
            |it| it.rpm = Some(1),
            |it| it.endpoint.client_secret = Some("s".into()),
            |it| it.endpoint.aws.role_name = Some("r".to_owned()),
            |it| it.endpoint.aws.session_tags = vec![("a".to_owned(), "b".to_owned())],
            |it| it.endpoint.extra_headers = vec![("a".to_owned(), "b".to_owned())],
        ];
        let mut ids = HashSet::new();
        for change in changes {
            let mut config = config();
            change(&mut config);
            assert!(ids.insert(identity(&config, 0)));
        }
        assert!(ids.insert(identity(&config(), 1)));
    }
}
