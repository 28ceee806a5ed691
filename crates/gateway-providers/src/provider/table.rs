//! The table of providers: who they are, where they are, and which file knows their wire.
//!
//! A provider that speaks OpenAI's API is one line here. Any other is a file beside `openai.rs` and one line here.

use super::Settings;
use crate::blueprint::Blueprint;
use crate::error::EndpointError;
use crate::{anthropic, azure, bedrock, foundry, gemini, openai, vertex};

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

#[rustfmt::skip] // One provider, one line.
pub(super) static PROVIDERS: &[Provider] = &[
    public("openai", "https://api.openai.com/v1", &["OPENAI_BASE_URL", "OPENAI_API_BASE"], &["OPENAI_API_KEY"]),
    Provider { name: "azure", base: None, base_variables: &["AZURE_API_BASE"], key_variables: &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"], blueprint: azure::blueprint },
    Provider { name: "azure_ai", base: None, base_variables: &["AZURE_AI_API_BASE"], key_variables: &["AZURE_AI_API_KEY"], blueprint: foundry::blueprint },
    Provider { name: "anthropic", base: Some("https://api.anthropic.com"), base_variables: &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"], key_variables: &["ANTHROPIC_API_KEY"], blueprint: anthropic::blueprint },
    Provider { name: "gemini", base: Some("https://generativelanguage.googleapis.com/v1beta"), base_variables: &["GEMINI_API_BASE"], key_variables: &["GOOGLE_API_KEY", "GEMINI_API_KEY"], blueprint: gemini::blueprint },
    // The base of Vertex follows from the location.
    Provider { name: "vertex_ai", base: None, base_variables: &[], key_variables: &[], blueprint: vertex::blueprint },
    Provider { name: "bedrock", base: None, base_variables: &["AWS_BEDROCK_RUNTIME_ENDPOINT"], key_variables: &["AWS_BEARER_TOKEN_BEDROCK"], blueprint: bedrock::blueprint },
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

/// How the names of models begin that need no prefix.
pub(super) static BARE_NAMES: &[(&str, &str)] = &[
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
pub(super) static UNSERVED: &[&str] = &[
    "bedrock_converse",
    "clarifai",
    "cohere",
    "cohere_chat",
    "databricks",
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
