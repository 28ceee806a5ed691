//! Providers that a config adds to the table.

use std::sync::{Mutex, PoisonError};

use gateway_core::{DeveloperRole, Dialect};
use http::HeaderName;

use super::table::{Key, Provider};
use crate::compatible::Compatible;
use crate::error::EndpointError;
use crate::openai;
use crate::url::BaseUrl;

/// A provider that speaks OpenAI's API, as an entry of LiteLLM's `providers.json` describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderSpec {
    /// The prefix of models.
    pub name: String,
    /// Where its API is; `None` where each deployment says that.
    pub base_url: Option<String>,
    /// Environment variables for the key, first one wins.
    pub api_key_env: Vec<String>,
    /// Environment variables for the base, first one wins.
    pub api_base_env: Vec<String>,
    /// Parameters that it knows under another name: OpenAI's, and its own.
    pub param_mappings: Vec<(String, String)>,
    /// Parameters that it does not know.
    pub unsupported_params: Vec<String>,
    /// The routes that it has (`/v1/chat/completions`, …); none named: chat, completions and embeddings.
    pub supported_endpoints: Vec<String>,
    /// The header that carries the key; `None`: `Authorization`, as Bearer.
    pub key_header: Option<String>,
    /// It knows the role `developer`; else these messages become system messages.
    pub developer_role: bool,
    /// Content must be a text, not a list of parts.
    pub text_content: bool,
}

/// The providers that a config adds. They go before those of the table.
#[derive(Clone, Debug, Default)]
pub struct Providers(Vec<&'static Provider>);

impl Providers {
    /// Adds a provider.
    ///
    /// # Errors
    /// Something of it cannot be used; the error names it as a key of the entry.
    pub fn add(&mut self, spec: ProviderSpec) -> Result<(), EndpointError> {
        check(&spec)?;
        self.0.push(kept(spec)?);
        Ok(())
    }

    /// The provider of this name.
    pub(super) fn find(&self, name: &str) -> Option<&'static Provider> {
        self.0.iter().copied().find(|it| it.name == name)
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|it| it.name)
    }
}

fn check(spec: &ProviderSpec) -> Result<(), EndpointError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if spec.name.is_empty() || !spec.name.bytes().all(plain) {
        let reason = "a provider's name is letters, digits, `-`, `_` and `.`";
        return Err(EndpointError::setting("name", reason));
    }
    if let Some(base) = &spec.base_url {
        BaseUrl::parse(base).map_err(|reason| EndpointError::setting("base_url", reason))?;
    }
    if let Some(name) = &spec.key_header
        && HeaderName::try_from(name.as_str()).is_err()
    {
        return Err(EndpointError::setting(
            "key_header",
            "it is no header's name",
        ));
    }
    Ok(())
}

/// A line of the table lives as long as the process. So do these: there are few, and an equal one is made once, however
/// often the config is read.
fn kept(spec: ProviderSpec) -> Result<&'static Provider, EndpointError> {
    static KEPT: Mutex<Vec<(ProviderSpec, &'static Provider)>> = Mutex::new(Vec::new());
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, provider)) = all.iter().find(|(it, _)| *it == spec) {
        return Ok(provider);
    }
    let provider: &'static Provider = Box::leak(Box::new(provider(spec.clone())?));
    all.push((spec, provider));
    Ok(provider)
}

fn provider(spec: ProviderSpec) -> Result<Provider, EndpointError> {
    let developer = if spec.developer_role {
        DeveloperRole::Kept
    } else {
        DeveloperRole::System
    };
    let renamed: Vec<_> = spec
        .param_mappings
        .into_iter()
        .map(|(name, own)| (leaked(name), leaked(own)))
        .collect();
    let serves = serves(&spec.supported_endpoints)?;
    let key_header = spec.key_header.map(|name| name.to_ascii_lowercase());
    Ok(Provider {
        name: leaked(spec.name),
        base: spec.base_url.map(|base| leaked(base.trim().to_owned())),
        base_variables: names(spec.api_base_env),
        key: if spec.api_key_env.is_empty() {
            Key::Optional
        } else {
            Key::Required
        },
        key_variables: names(spec.api_key_env),
        blueprint: openai::blueprint,
        compatible: Compatible {
            serves: serves.leak(),
            renamed: renamed.leak(),
            unknown: names(spec.unsupported_params),
            developer,
            content_parts: !spec.text_content,
            key_header: key_header.map_or("", leaked),
            ..Compatible::OPENAI
        },
    })
}

fn serves(endpoints: &[String]) -> Result<Vec<Dialect>, EndpointError> {
    if endpoints.is_empty() {
        return Ok(Compatible::COPY.serves.to_vec());
    }
    let dialect = |endpoint: &String| {
        let path = endpoint.trim().trim_start_matches("/v1");
        let found = openai::PATHS.iter().find(|(_, own)| *own == path);
        found.map(|(dialect, _)| *dialect).ok_or_else(|| {
            let known: Vec<_> = openai::PATHS
                .iter()
                .map(|(_, path)| format!("/v1{path}"))
                .collect();
            let reason = format!(
                "`{}` is none of {}",
                endpoint.escape_debug(),
                known.join(", ")
            );
            EndpointError::setting("supported_endpoints", reason)
        })
    };
    endpoints.iter().map(dialect).collect()
}

fn leaked(text: String) -> &'static str {
    text.leak()
}

fn names(names: Vec<String>) -> &'static [&'static str] {
    names.into_iter().map(leaked).collect::<Vec<_>>().leak()
}

#[cfg(test)]
mod tests {
    use super::{ProviderSpec, Providers};

    fn spec(name: &str) -> ProviderSpec {
        ProviderSpec {
            name: name.to_owned(),
            base_url: Some("https://a.example/v1".to_owned()),
            ..ProviderSpec::default()
        }
    }

    #[test]
    fn an_equal_one_is_made_once() {
        let find = |spec: ProviderSpec| {
            let mut providers = Providers::default();
            providers.add(spec).unwrap();
            providers.find("twice").unwrap()
        };
        assert!(std::ptr::eq(find(spec("twice")), find(spec("twice"))));
        let other = ProviderSpec {
            base_url: None,
            ..spec("twice")
        };
        assert!(!std::ptr::eq(find(spec("twice")), find(other)));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refused = |spec: ProviderSpec| Providers::default().add(spec).unwrap_err().to_string();
        let with = |change: fn(&mut ProviderSpec)| {
            let mut spec = spec("good");
            change(&mut spec);
            spec
        };
        for (spec, named) in [
            (spec("a/b"), "name"),
            (spec(""), "name"),
            (
                with(|it| it.base_url = Some("a.example".into())),
                "base_url",
            ),
            (with(|it| it.key_header = Some("a b".into())), "key_header"),
            (
                with(|it| it.supported_endpoints = vec!["/v1/rerank".into()]),
                "/v1/rerank",
            ),
        ] {
            let text = refused(spec);
            assert!(text.contains(named), "{text}");
        }
    }
}
