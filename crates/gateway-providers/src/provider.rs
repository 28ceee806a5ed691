//! The table of providers: who they are, where they are, and which file knows their wire.
//!
//! A provider that speaks OpenAI's API is one line here. Any other is a file beside this one and one line here.

use gateway_core::Secret;

use crate::blueprint::Blueprint;
use crate::config::EndpointConfig;
use crate::environment::Environment;
use crate::error::EndpointError;
use crate::url::BaseUrl;
use crate::{anthropic, azure, openai, vertex};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Provider {
    /// The prefix of `model`, and the value of `custom_llm_provider`.
    pub(crate) name: &'static str,
    /// The public address; `None` where every operator has an own one.
    pub(crate) base: Option<&'static str>,
    /// Environment variables for the base, first one wins.
    pub(crate) base_variables: &'static [&'static str],
    /// Environment variables for the key, first one wins.
    pub(crate) key_variables: &'static [&'static str],
    /// Makes an endpoint's blueprint of its settings.
    pub(crate) blueprint: fn(&Settings<'_>) -> Result<Blueprint, EndpointError>,
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
            return BaseUrl::parse(base)
                .map_err(|reason| EndpointError::setting("api_base", reason));
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
        let own = self.provider.base.is_none()
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

    fn configured_base(&self) -> Option<&str> {
        let base = self.config.api_base.as_deref()?.trim();
        (!base.is_empty()).then_some(base)
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
    if let Some(name) = config.custom_llm_provider.as_deref().map(str::trim) {
        let provider = find(name).ok_or_else(|| unserved(name, model))?;
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
            return Err(unserved(prefix, model));
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
            known: known(),
        }),
    }
}

fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

fn unserved(provider: &str, model: &str) -> EndpointError {
    EndpointError::UnservedProvider {
        provider: provider.to_owned(),
        model: model.to_owned(),
        known: known(),
    }
}

fn known() -> String {
    let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
    names.join(", ")
}

/// A provider that speaks OpenAI's API at a public address.
const fn public(
    name: &'static str,
    base: &'static str,
    base_variables: &'static [&'static str],
    key_variables: &'static [&'static str],
) -> Provider {
    Provider {
        name,
        base: Some(base),
        base_variables,
        key_variables,
        blueprint: openai::blueprint,
    }
}

/// A server that speaks OpenAI's API and that operators run themselves.
const fn own(
    name: &'static str,
    base_variables: &'static [&'static str],
    key_variables: &'static [&'static str],
) -> Provider {
    Provider {
        name,
        base: None,
        base_variables,
        key_variables,
        blueprint: openai::blueprint,
    }
}

static BARE_NAMES: &[(&str, &str)] = &[
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("codex-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("ft:", "openai"),
    ("text-embedding-", "openai"),
    ("davinci-", "openai"),
    ("babbage-", "openai"),
    ("claude-", "anthropic"),
];

/// Prefixes of LiteLLM that mean another wire: never mistaken for a part of an OpenAI model's name.
static UNSERVED: &[&str] = &[
    "azure_ai",
    "bedrock",
    "bedrock_converse",
    "clarifai",
    "cohere",
    "cohere_chat",
    "databricks",
    "gemini",
    "github_copilot",
    "huggingface",
    "ollama",
    "ollama_chat",
    "oci",
    "petals",
    "predibase",
    "replicate",
    "sagemaker",
    "sagemaker_chat",
    "snowflake",
    "triton",
    "vertex_ai_beta",
    "voyage",
    "watsonx",
    "watsonx_text",
];

#[rustfmt::skip] // One provider, one line.
static PROVIDERS: &[Provider] = &[
    public("openai", "https://api.openai.com/v1", &["OPENAI_BASE_URL", "OPENAI_API_BASE"], &["OPENAI_API_KEY"]),
    Provider { name: "azure", base: None, base_variables: &["AZURE_API_BASE"], key_variables: &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"], blueprint: azure::blueprint },
    Provider { name: "anthropic", base: Some("https://api.anthropic.com"), base_variables: &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"], key_variables: &["ANTHROPIC_API_KEY"], blueprint: anthropic::blueprint },
    // The base of Vertex follows from the location.
    Provider { name: "vertex_ai", base: None, base_variables: &[], key_variables: &[], blueprint: vertex::blueprint },
    public("ai21", "https://api.ai21.com/studio/v1", &["AI21_API_BASE"], &["AI21_API_KEY"]),
    public("anyscale", "https://api.endpoints.anyscale.com/v1", &["ANYSCALE_API_BASE"], &["ANYSCALE_API_KEY"]),
    public("baseten", "https://inference.baseten.co/v1", &["BASETEN_API_BASE"], &["BASETEN_API_KEY"]),
    public("cerebras", "https://api.cerebras.ai/v1", &["CEREBRAS_API_BASE"], &["CEREBRAS_API_KEY"]),
    public("codestral", "https://codestral.mistral.ai/v1", &["CODESTRAL_API_BASE"], &["CODESTRAL_API_KEY"]),
    public("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", &["DASHSCOPE_API_BASE"], &["DASHSCOPE_API_KEY"]),
    public("deepinfra", "https://api.deepinfra.com/v1/openai", &["DEEPINFRA_API_BASE"], &["DEEPINFRA_API_KEY"]),
    public("deepseek", "https://api.deepseek.com/v1", &["DEEPSEEK_API_BASE"], &["DEEPSEEK_API_KEY"]),
    public("featherless_ai", "https://api.featherless.ai/v1", &["FEATHERLESS_AI_API_BASE"], &["FEATHERLESS_AI_API_KEY"]),
    public("fireworks_ai", "https://api.fireworks.ai/inference/v1", &["FIREWORKS_API_BASE"], &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY"]),
    public("friendliai", "https://api.friendli.ai/serverless/v1", &["FRIENDLI_API_BASE"], &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"]),
    public("groq", "https://api.groq.com/openai/v1", &["GROQ_API_BASE"], &["GROQ_API_KEY"]),
    public("hyperbolic", "https://api.hyperbolic.xyz/v1", &["HYPERBOLIC_API_BASE"], &["HYPERBOLIC_API_KEY"]),
    public("lambda_ai", "https://api.lambda.ai/v1", &["LAMBDA_API_BASE"], &["LAMBDA_API_KEY"]),
    public("meta_llama", "https://api.llama.com/compat/v1", &["LLAMA_API_BASE"], &["LLAMA_API_KEY"]),
    public("mistral", "https://api.mistral.ai/v1", &["MISTRAL_API_BASE", "MISTRAL_AZURE_API_BASE"], &["MISTRAL_API_KEY", "MISTRAL_AZURE_API_KEY"]),
    public("moonshot", "https://api.moonshot.ai/v1", &["MOONSHOT_API_BASE"], &["MOONSHOT_API_KEY"]),
    public("nebius", "https://api.studio.nebius.ai/v1", &["NEBIUS_API_BASE"], &["NEBIUS_API_KEY"]),
    public("novita", "https://api.novita.ai/v3/openai", &["NOVITA_API_BASE"], &["NOVITA_API_KEY"]),
    public("nscale", "https://inference.api.nscale.com/v1", &["NSCALE_API_BASE"], &["NSCALE_API_KEY"]),
    public("nvidia_nim", "https://integrate.api.nvidia.com/v1", &["NVIDIA_NIM_API_BASE"], &["NVIDIA_NIM_API_KEY"]),
    public("openrouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_BASE"], &["OPENROUTER_API_KEY", "OR_API_KEY"]),
    public("perplexity", "https://api.perplexity.ai", &["PERPLEXITY_API_BASE"], &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"]),
    public("sambanova", "https://api.sambanova.ai/v1", &["SAMBANOVA_API_BASE"], &["SAMBANOVA_API_KEY"]),
    public("together_ai", "https://api.together.xyz/v1", &["TOGETHER_AI_API_BASE"], &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"]),
    public("vercel_ai_gateway", "https://ai-gateway.vercel.sh/v1", &["VERCEL_AI_GATEWAY_API_BASE"], &["VERCEL_AI_GATEWAY_API_KEY"]),
    public("volcengine", "https://ark.cn-beijing.volces.com/api/v3", &["VOLCENGINE_API_BASE"], &["VOLCENGINE_API_KEY", "ARK_API_KEY"]),
    public("wandb", "https://api.inference.wandb.ai/v1", &["WANDB_API_BASE"], &["WANDB_API_KEY"]),
    public("xai", "https://api.x.ai/v1", &["XAI_API_BASE"], &["XAI_API_KEY"]),
    own("custom_openai", &["OPENAI_BASE_URL", "OPENAI_API_BASE"], &["OPENAI_API_KEY"]),
    own("hosted_vllm", &["HOSTED_VLLM_API_BASE"], &["HOSTED_VLLM_API_KEY"]),
    own("litellm_proxy", &["LITELLM_PROXY_API_BASE"], &["LITELLM_PROXY_API_KEY"]),
    own("llamafile", &["LLAMAFILE_API_BASE"], &["LLAMAFILE_API_KEY"]),
    own("lm_studio", &["LM_STUDIO_API_BASE"], &["LM_STUDIO_API_KEY"]),
    own("openai_like", &["OPENAI_LIKE_API_BASE"], &["OPENAI_LIKE_API_KEY"]),
    own("xinference", &["XINFERENCE_API_BASE"], &["XINFERENCE_API_KEY"]),
];

#[cfg(test)]
mod tests {
    use super::{PROVIDERS, Settings, UNSERVED};
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
                assert!(base.is_https(), "{}", provider.name);
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
            ("bedrock/claude", None, base),
            ("gpt-4o", Some("nobody"), None),
        ] {
            let error = identified(model, provider, base).unwrap_err();
            assert!(
                error.contains("anthropic") && error.contains("groq"),
                "{error}"
            );
        }
        assert!(
            identified("openai/", None, None)
                .unwrap_err()
                .contains("empty")
        );
    }
}
