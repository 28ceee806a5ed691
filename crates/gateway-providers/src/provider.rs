//! Which provider a config names, and what the config, the environment and the provider's line in the table say of
//! its address and key.

mod custom;
mod table;

use gateway_core::Secret;

pub use self::custom::{ProviderSpec, Providers};

use self::table::{BARE_NAMES, Key, PROVIDERS, Provider, UNSERVED};
use crate::config::EndpointConfig;
use crate::environment::Environment;
use crate::error::EndpointError;
use crate::url::BaseUrl;

/// Whether a vendor of the table lives at this host, or in its domain.
pub(crate) fn is_vendors_host(host: &str) -> bool {
    let domain = |host: &str| {
        let mut labels = host.rsplit('.').map(str::to_ascii_lowercase);
        (labels.next(), labels.next())
    };
    let wanted = domain(host);
    PROVIDERS.iter().filter_map(|it| it.base).any(|base| {
        let base = BaseUrl::parse(base).expect("a test parses every base of the table");
        base.host().contains('.') && domain(base.host()) == wanted
    })
}

/// A config with the provider and the model that it names.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) provider: &'static Provider,
    /// The model as the provider knows it: without prefix, perhaps with a `*`.
    pub(crate) model: &'a str,
    pub(crate) config: &'a EndpointConfig,
    pub(crate) environment: &'a Environment,
}

impl<'a> Settings<'a> {
    /// Finds the provider that a config names.
    pub(crate) fn read(
        config: &'a EndpointConfig,
        environment: &'a Environment,
    ) -> Result<Self, EndpointError> {
        let (provider, model) = identify(config)?;
        if model.is_empty() {
            return Err(EndpointError::Model {
                model: config.model.clone(),
                reason: "the model's name is empty",
            });
        }
        Ok(Self {
            provider,
            model,
            config,
            environment,
        })
    }

    /// The base: config, else environment, else the provider's public address.
    pub(crate) fn base(&self) -> Result<BaseUrl, EndpointError> {
        if let Some(base) = self.configured_base() {
            return base;
        }
        if let Some((variable, base)) = self.environment.first(self.provider.base_variables) {
            return BaseUrl::parse(&base)
                .map_err(|reason| EndpointError::setting(variable, reason));
        }
        match self.provider.base {
            Some(base) => Ok(BaseUrl::parse(base).expect("a test parses every base of the table")),
            None => Err(self.missing("api_base", self.provider.base_variables)),
        }
    }

    /// The key: config, else environment. Required only at the provider's public address: a server of one's
    /// own may do without.
    pub(crate) fn key(&self) -> Result<Option<Secret>, EndpointError> {
        if let Some(key) = self.configured_key() {
            return Ok(Some(key));
        }
        let own = self.provider.key == Key::Optional
            || self.provider.base.is_none()
            || self.configured_base().is_some()
            || self
                .environment
                .first(self.provider.base_variables)
                .is_some();
        match self.environment.first(self.provider.key_variables) {
            Some((_, key)) => Ok(Some(Secret::new(key))),
            None if own => Ok(None),
            None => Err(self.missing("api_key", self.provider.key_variables)),
        }
    }

    /// The key of the config, if it is not empty.
    pub(crate) fn configured_key(&self) -> Option<Secret> {
        let key = self.config.api_key.clone()?;
        (!key.expose().trim().is_empty()).then_some(key)
    }

    /// That `setting` is absent.
    pub(crate) fn missing(
        &self,
        setting: &'static str,
        variables: &'static [&'static str],
    ) -> EndpointError {
        EndpointError::Missing {
            provider: self.provider.name,
            setting,
            variables,
        }
    }

    /// The base of the config, if it is not empty.
    pub(crate) fn configured_base(&self) -> Option<Result<BaseUrl, EndpointError>> {
        let base = self.config.api_base.as_deref()?.trim();
        let parsed =
            || BaseUrl::parse(base).map_err(|reason| EndpointError::setting("api_base", reason));
        (!base.is_empty()).then(parsed)
    }
}

/// The provider that a bare model name is known to belong to: `gpt-4o` is OpenAI's, `claude-…` Anthropic's.
pub fn provider_of_bare_name(model: &str) -> Option<&'static str> {
    BARE_NAMES
        .iter()
        .find(|(prefix, _)| model.starts_with(prefix))
        .map(|(_, provider)| *provider)
}

fn identify(config: &EndpointConfig) -> Result<(&'static Provider, &str), EndpointError> {
    let model = config.model.trim();
    let find = |name: &str| {
        let table = || PROVIDERS.iter().find(|provider| provider.name == name);
        config.providers.find(name).or_else(table)
    };
    if let Some(name) = config.custom_llm_provider.as_deref().map(str::trim) {
        let provider = find(name).ok_or_else(|| unserved(name, model, config))?;
        let rest = model
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('/'));
        return Ok((provider, rest.unwrap_or(model)));
    }
    if let Some((prefix, rest)) = model.split_once('/') {
        if let Some(provider) = find(prefix) {
            return Ok((provider, rest));
        }
        if UNSERVED.contains(&prefix) {
            return Err(unserved(prefix, model, config));
        }
    }
    let bare = provider_of_bare_name(model).or_else(|| {
        // Whoever gives an address and no provider means a server that speaks OpenAI's API.
        config.api_base.is_some().then_some("openai")
    });
    match bare.and_then(find) {
        Some(provider) => Ok((provider, model)),
        None => Err(EndpointError::UnknownProvider {
            model: model.to_owned(),
            known: known(config),
        }),
    }
}

fn unserved(provider: &str, model: &str, config: &EndpointConfig) -> EndpointError {
    EndpointError::UnservedProvider {
        provider: provider.to_owned(),
        model: model.to_owned(),
        known: known(config),
    }
}

fn known(config: &EndpointConfig) -> String {
    let table = PROVIDERS.iter().map(|provider| provider.name);
    let names: Vec<_> = config.providers.names().chain(table).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{EndpointError, PROVIDERS, Settings, UNSERVED, identify};
    use crate::config::EndpointConfig;
    use crate::environment::Environment;
    use crate::url::BaseUrl;
    use std::collections::HashSet;

    fn identified(
        model: &str,
        provider: Option<&str>,
        base: Option<&str>,
    ) -> Result<String, String> {
        let config = EndpointConfig {
            model: model.to_owned(),
            custom_llm_provider: provider.map(str::to_owned),
            api_base: base.map(str::to_owned),
            ..EndpointConfig::default()
        };
        let environment = Environment::with_variables([("", ""); 0]);
        let settings = Settings::read(&config, &environment).map_err(|error| error.to_string())?;
        Ok(format!("{} {}", settings.provider.name, settings.model))
    }

    #[test]
    fn every_line_of_the_table_has_a_name_of_its_own_and_a_base_that_parses() {
        let mut names = HashSet::new();
        for provider in PROVIDERS {
            assert!(names.insert(provider.name), "{}", provider.name);
            assert!(!UNSERVED.contains(&provider.name), "{}", provider.name);
            if let Some(base) = provider.base {
                let base = BaseUrl::parse(base).expect(provider.name);
                let near = matches!(base.host(), "localhost" | "127.0.0.1");
                assert!(base.is_https() || near, "{}", provider.name);
            }
        }
    }

    #[test]
    fn a_model_names_its_provider() {
        let base = Some("http://a.example/v1");
        for (model, provider, base, expected) in [
            ("openai/gpt-4o", None, None, "openai gpt-4o"),
            ("gpt-4o", None, None, "openai gpt-4o"),
            ("o3-mini", None, None, "openai o3-mini"),
            (
                "text-embedding-3-large",
                None,
                None,
                "openai text-embedding-3-large",
            ),
            ("claude-opus-4", None, None, "anthropic claude-opus-4"),
            ("groq/meta/llama", None, None, "groq meta/llama"),
            (
                "together_ai/meta-llama/Llama",
                None,
                None,
                "together_ai meta-llama/Llama",
            ),
            (
                "meta-llama/Llama-3",
                None,
                base,
                "openai meta-llama/Llama-3",
            ),
            ("mymodel", None, base, "openai mymodel"),
            ("*", None, base, "openai *"),
            ("openai/*", None, None, "openai *"),
            ("azure/dep", None, None, "azure dep"),
            ("dep", Some("azure"), None, "azure dep"),
            ("azure/dep", Some("azure"), None, "azure dep"),
            (
                "openai/gpt-oss",
                Some("hosted_vllm"),
                None,
                "hosted_vllm openai/gpt-oss",
            ),
        ] {
            assert_eq!(identified(model, provider, base).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn an_unknown_provider_is_told_which_ones_are_known() {
        let base = Some("http://a.example/v1");
        for (model, provider, base) in [
            ("nobody/model", None, None),
            ("llama", None, None),
            ("*", None, None),
            ("sagemaker/claude", None, base),
            ("gpt-4o", Some("nobody"), None),
        ] {
            let config = EndpointConfig {
                model: model.to_owned(),
                custom_llm_provider: provider.map(str::to_owned),
                api_base: base.map(str::to_owned),
                ..EndpointConfig::default()
            };
            let known = match identify(&config).err() {
                Some(
                    EndpointError::UnknownProvider { known, .. }
                    | EndpointError::UnservedProvider { known, .. },
                ) => known,
                other => panic!("{other:?}"),
            };
            let known: Vec<&str> = known.split(", ").collect();
            assert!(
                known.contains(&"anthropic") && known.contains(&"groq"),
                "{known:?}"
            );
        }
        assert!(
            identified("openai/", None, None)
                .unwrap_err()
                .contains("empty")
        );
    }
}
