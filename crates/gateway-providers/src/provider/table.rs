//! The table of providers: who they are, where they are, and which file knows their wire.
//!
//! A provider that speaks OpenAI's API is one line here. Any other is a file beside `openai.rs` and one line here.
//!
//! Sources: the providers' own pages; LiteLLM's `providers.json`, `constants.py` and provider pages for names and variables.

use gateway_core::{DeveloperRole, Dialect};

use super::Settings;
use crate::blueprint::Blueprint;
use crate::compatible::Compatible;
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
    /// Whether it can do without a key at the public address.
    pub(crate) key: Key,
    /// Makes an endpoint's blueprint of its settings.
    pub(crate) blueprint: MakeBlueprint,
    /// How it differs from OpenAI, if it speaks OpenAI's API.
    pub(crate) compatible: Compatible,
}

/// Whether somebody without a key is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Required,
    Optional,
}

#[rustfmt::skip] // One provider, one line.
pub(super) static PROVIDERS: &[Provider] = &[
    public("openai", "https://api.openai.com/v1", &["OPENAI_BASE_URL", "OPENAI_API_BASE"], &["OPENAI_API_KEY"]).like_openai(),
    other("azure", None, &["AZURE_API_BASE"], &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"], azure::blueprint),
    other("azure_ai", None, &["AZURE_AI_API_BASE"], &["AZURE_AI_API_KEY"], foundry::blueprint),
    other("anthropic", Some("https://api.anthropic.com"), &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"], &["ANTHROPIC_API_KEY"], anthropic::blueprint),
    other("gemini", Some("https://generativelanguage.googleapis.com/v1beta"), &["GEMINI_API_BASE"], &["GOOGLE_API_KEY", "GEMINI_API_KEY"], gemini::blueprint),
    // The base of Vertex follows from the location.
    other("vertex_ai", None, &[], &[], vertex::blueprint),
    other("bedrock", None, &["AWS_BEDROCK_RUNTIME_ENDPOINT"], &["AWS_BEARER_TOKEN_BEDROCK"], bedrock::blueprint),
    public("abliteration", "https://api.abliteration.ai/v1", &[], &["ABLITERATION_API_KEY"]),
    public("ai21", "https://api.ai21.com/studio/v1", &["AI21_API_BASE"], &["AI21_API_KEY"]),
    public("ai21_chat", "https://api.ai21.com/studio/v1", &["AI21_API_BASE"], &["AI21_API_KEY"]),
    public("aihubmix", "https://aihubmix.com/v1", &["AIHUBMIX_API_BASE"], &["AIHUBMIX_API_KEY"]).modern(),
    public("aiml", "https://api.aimlapi.com/v1", &["AIML_API_BASE"], &["AIML_API_KEY"]),
    public("amazon_nova", "https://api.nova.amazon.com/v1", &["AMAZON_NOVA_API_BASE"], &["AMAZON_NOVA_API_KEY"]),
    public("anyscale", "https://api.endpoints.anyscale.com/v1", &["ANYSCALE_API_BASE"], &["ANYSCALE_API_KEY"]),
    public("apertis", "https://api.stima.tech/v1", &["APERTIS_API_BASE"], &["STIMA_API_KEY"]),
    public("assemblyai", "https://llm-gateway.assemblyai.com/v1", &["ASSEMBLYAI_API_BASE"], &["ASSEMBLYAI_API_KEY"]),
    public("baseten", "https://inference.baseten.co/v1", &["BASETEN_API_BASE"], &["BASETEN_API_KEY"]),
    public("cerebras", "https://api.cerebras.ai/v1", &["CEREBRAS_API_BASE"], &["CEREBRAS_API_KEY"]).keeps_max_completion_tokens(),
    public("charity_engine", "https://api.charityengine.services/remotejobs/v2/inference", &[], &["CHARITY_ENGINE_API_KEY"]),
    public("chutes", "https://llm.chutes.ai/v1", &["CHUTES_API_BASE"], &["CHUTES_API_KEY"]).knows_top_k(),
    public("clarifai", "https://api.clarifai.com/v2/ext/openai/v1", &["CLARIFAI_API_BASE"], &["CLARIFAI_API_KEY", "CLARIFAI_PAT"]),
    public("codestral", "https://codestral.mistral.ai/v1", &["CODESTRAL_API_BASE"], &["CODESTRAL_API_KEY"]),
    public("cognition", "https://api.cognition.ai/v1", &["COGNITION_API_BASE"], &["COGNITION_API_KEY"]),
    public("cohere", "https://api.cohere.ai/compatibility/v1", &[], &["COHERE_API_KEY", "CO_API_KEY"]),
    public("cohere_chat", "https://api.cohere.ai/compatibility/v1", &[], &["COHERE_API_KEY", "CO_API_KEY"]),
    public("cometapi", "https://api.cometapi.com/v1", &["COMETAPI_BASE_URL", "COMETAPI_API_BASE"], &["COMETAPI_KEY", "COMETAPI_API_KEY", "COMET_API_KEY"]),
    public("cortecs", "https://api.cortecs.ai/v1", &["CORTECS_API_BASE"], &["CORTECS_API_KEY"]),
    public("crusoe", "https://managed-inference-api-proxy.crusoecloud.com/v1", &["CRUSOE_API_BASE"], &["CRUSOE_API_KEY"]),
    public("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", &["DASHSCOPE_API_BASE"], &["DASHSCOPE_API_KEY"]).knows_top_k(),
    public("deepinfra", "https://api.deepinfra.com/v1/openai", &["DEEPINFRA_API_BASE"], &["DEEPINFRA_API_KEY"]).knows_top_k(),
    public("deepseek", "https://api.deepseek.com/v1", &["DEEPSEEK_API_BASE"], &["DEEPSEEK_API_KEY"]).takes_thoughts("reasoning_content"),
    public("edenai", "https://api.edenai.run/v3", &["EDENAI_API_BASE"], &["EDENAI_API_KEY"]).modern(),
    public("empower", "https://app.empower.dev/api/v1", &["EMPOWER_API_BASE"], &["EMPOWER_API_KEY"]),
    public("featherless_ai", "https://api.featherless.ai/v1", &["FEATHERLESS_AI_API_BASE"], &["FEATHERLESS_AI_API_KEY"]).knows_top_k(),
    public("fireworks_ai", "https://api.fireworks.ai/inference/v1", &["FIREWORKS_API_BASE"], &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"]).knows_top_k(),
    public("friendliai", "https://api.friendli.ai/serverless/v1", &["FRIENDLI_API_BASE"], &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"]),
    public("galadriel", "https://api.galadriel.com/v1", &["GALADRIEL_API_BASE"], &["GALADRIEL_API_KEY"]),
    public("github", "https://models.github.ai/inference", &["GITHUB_API_BASE"], &["GITHUB_API_KEY", "GITHUB_TOKEN"]).modern(),
    public("gmi", "https://api.gmi-serving.com/v1", &["GMI_API_BASE"], &["GMI_API_KEY"]),
    public("gradient_ai", "https://inference.do-ai.run/v1", &[], &["GRADIENT_AI_API_KEY"]),
    public("groq", "https://api.groq.com/openai/v1", &["GROQ_API_BASE"], &["GROQ_API_KEY"]).keeps_max_completion_tokens().without(&["logit_bias", "logprobs", "top_logprobs", "store"]),
    public("helicone", "https://ai-gateway.helicone.ai", &["HELICONE_API_BASE"], &["HELICONE_API_KEY"]).modern(),
    public("hostinger_router", "https://router.hostinger.com/v1", &["HOSTINGER_ROUTER_API_BASE"], &["HOSTINGER_ROUTER_API_KEY"]).modern(),
    public("hyperbolic", "https://api.hyperbolic.xyz/v1", &["HYPERBOLIC_API_BASE"], &["HYPERBOLIC_API_KEY"]).knows_top_k(),
    public("inception", "https://api.inceptionlabs.ai/v1", &["INCEPTION_API_BASE"], &["INCEPTION_API_KEY"]),
    public("jina_ai", "https://api.jina.ai/v1", &["JINA_AI_API_BASE"], &["JINA_AI_API_KEY", "JINA_AI_TOKEN"]).serving(EMBEDDINGS),
    public("lambda_ai", "https://api.lambda.ai/v1", &["LAMBDA_API_BASE"], &["LAMBDA_API_KEY"]),
    public("libertai", "https://api.libertai.io/v1", &["LIBERTAI_API_BASE"], &["LIBERTAI_API_KEY"]),
    public("llamagate", "https://api.llamagate.dev/v1", &["LLAMAGATE_API_BASE"], &["LLAMAGATE_API_KEY"]),
    public("meta", "https://api.meta.ai/v1", &["META_API_BASE"], &["META_API_KEY"]),
    public("meta_llama", "https://api.llama.com/compat/v1", &["LLAMA_API_BASE"], &["LLAMA_API_KEY"]),
    public("minimax", "https://api.minimax.io/v1", &["MINIMAX_API_BASE"], &["MINIMAX_API_KEY"]),
    public("mistral", "https://api.mistral.ai/v1", &["MISTRAL_API_BASE", "MISTRAL_AZURE_API_BASE"], &["MISTRAL_API_KEY", "MISTRAL_AZURE_API_KEY"]).renaming(MISTRAL).without(&["logit_bias", "logprobs", "top_logprobs", "store", "stream_options", "user", "service_tier"]),
    public("modelscope", "https://api-inference.modelscope.cn/v1", &["MODELSCOPE_API_BASE"], &["MODELSCOPE_API_KEY"]),
    public("moonshot", "https://api.moonshot.ai/v1", &["MOONSHOT_API_BASE"], &["MOONSHOT_API_KEY"]).takes_thoughts("reasoning_content"),
    public("morph", "https://api.morphllm.com/v1", &["MORPH_API_BASE"], &["MORPH_API_KEY"]),
    public("nano-gpt", "https://nano-gpt.com/api/v1", &["NANOGPT_API_BASE"], &["NANOGPT_API_KEY"]),
    public("nebius", "https://api.studio.nebius.ai/v1", &["NEBIUS_API_BASE"], &["NEBIUS_API_KEY"]).knows_top_k(),
    public("novita", "https://api.novita.ai/v3/openai", &["NOVITA_API_BASE"], &["NOVITA_API_KEY"]).knows_top_k(),
    public("nscale", "https://inference.api.nscale.com/v1", &["NSCALE_API_BASE"], &["NSCALE_API_KEY"]).knows_top_k(),
    public("nvidia_nim", "https://integrate.api.nvidia.com/v1", &["NVIDIA_NIM_API_BASE"], &["NVIDIA_NIM_API_KEY"]),
    public("opencode_go", "https://opencode.ai/zen/go/v1", &["OPENCODE_API_BASE"], &["OPENCODE_API_KEY"]),
    public("openrouter", "https://openrouter.ai/api/v1", &["OPENROUTER_API_BASE"], &["OPENROUTER_API_KEY", "OR_API_KEY"]).modern().serving(RESPONSES_TOO).knows_top_k().takes_thoughts("reasoning"),
    public("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1", &["OVHCLOUD_API_BASE"], &["OVHCLOUD_API_KEY"]),
    public("parasail", "https://api.parasail.io/v1", &["PARASAIL_API_BASE"], &["PARASAIL_API_KEY"]).knows_top_k(),
    public("perplexity", "https://api.perplexity.ai", &["PERPLEXITY_API_BASE"], &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"]).serving(CHAT).knows_top_k(),
    public("pinstripes", "https://pinstripes.io/v1", &["PINSTRIPES_API_BASE"], &["PINSTRIPES_API_KEY"]),
    public("poe", "https://api.poe.com/v1", &["POE_API_BASE"], &["POE_API_KEY"]),
    public("publicai", "https://api.publicai.co/v1", &["PUBLICAI_API_BASE"], &["PUBLICAI_API_KEY"]).text_only(),
    public("reka", "https://api.reka.ai/v1", &["REKA_API_BASE"], &["REKA_API_KEY"]),
    public("sambanova", "https://api.sambanova.ai/v1", &["SAMBANOVA_API_BASE"], &["SAMBANOVA_API_KEY"]).knows_top_k(),
    public("sarvam", "https://api.sarvam.ai/v1", &["SARVAM_API_BASE"], &["SARVAM_API_KEY"]).key_header("api-subscription-key"),
    public("scaleway", "https://api.scaleway.ai/v1", &["SCALEWAY_API_BASE"], &["SCW_SECRET_KEY"]),
    public("scx-ai", "https://api.scx.ai/v1", &["SCX_API_BASE"], &["SCX_API_KEY"]),
    public("streamlake", "https://vanchin.streamlake.ai/api/gateway/v1/endpoints", &["STREAMLAKE_API_BASE"], &["STREAMLAKE_API_KEY"]),
    public("synthetic", "https://api.synthetic.new/openai/v1", &["SYNTHETIC_API_BASE"], &["SYNTHETIC_API_KEY"]),
    public("tencent", "https://api.hunyuan.cloud.tencent.com/v1", &["TENCENT_API_BASE"], &["TENCENT_API_KEY"]),
    public("tensormesh", "https://serverless.tensormesh.ai/v1", &["TENSORMESH_API_BASE"], &["TENSORMESH_API_KEY"]),
    public("together_ai", "https://api.together.xyz/v1", &["TOGETHER_AI_API_BASE"], &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"]).knows_top_k(),
    public("v0", "https://api.v0.dev/v1", &["V0_API_BASE"], &["V0_API_KEY"]),
    public("veniceai", "https://api.venice.ai/api/v1", &["VENICE_AI_API_BASE"], &["VENICE_AI_API_KEY"]),
    public("vercel_ai_gateway", "https://ai-gateway.vercel.sh/v1", &["VERCEL_AI_GATEWAY_API_BASE"], &["VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"]).modern(),
    public("volcengine", "https://ark.cn-beijing.volces.com/api/v3", &["VOLCENGINE_API_BASE"], &["VOLCENGINE_API_KEY", "ARK_API_KEY"]),
    public("voyage", "https://api.voyageai.com/v1", &["VOYAGE_API_BASE"], &["VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"]).serving(EMBEDDINGS),
    public("wandb", "https://api.inference.wandb.ai/v1", &["WANDB_API_BASE"], &["WANDB_API_KEY"]),
    public("xai", "https://api.x.ai/v1", &["XAI_API_BASE"], &["XAI_API_KEY"]).modern().serving(RESPONSES_TOO),
    public("xiaomi_mimo", "https://api.xiaomimimo.com/v1", &["XIAOMI_MIMO_API_BASE"], &["XIAOMI_MIMO_API_KEY"]).takes_thoughts("reasoning_content"),
    public("zai", "https://api.z.ai/api/paas/v4", &["ZAI_API_BASE"], &["ZAI_API_KEY"]).takes_thoughts("reasoning_content"),
    // On this machine, without a key.
    local("docker_model_runner", "http://localhost:22088/engines/llama.cpp/v1", &["DOCKER_MODEL_RUNNER_API_BASE"], &["DOCKER_MODEL_RUNNER_API_KEY"]),
    local("lemonade", "http://localhost:8000/api/v1", &["LEMONADE_API_BASE"], &["LEMONADE_API_KEY"]),
    local("llamafile", "http://127.0.0.1:8080/v1", &["LLAMAFILE_API_BASE"], &["LLAMAFILE_API_KEY"]).knows_top_k(),
    local("lm_studio", "http://localhost:1234/v1", &["LM_STUDIO_API_BASE"], &["LM_STUDIO_API_KEY"]).knows_top_k(),
    local("ollama", "http://localhost:11434/v1", &["OLLAMA_API_BASE"], &["OLLAMA_API_KEY"]).path("/v1"),
    local("ollama_chat", "http://localhost:11434/v1", &["OLLAMA_API_BASE"], &["OLLAMA_API_KEY"]).path("/v1"),
    local("xinference", "http://127.0.0.1:9997/v1", &["XINFERENCE_API_BASE"], &["XINFERENCE_API_KEY"]).knows_top_k(),
    // Wherever their operators put them.
    own("aiand", &["AIAND_API_BASE"], &["AIAND_API_KEY"]),
    own("clf_ai_gateway", &["CLF_AI_GATEWAY_API_BASE"], &["CLF_AI_GATEWAY_API_KEY"]).modern(),
    own("coralbricks", &["CORALBRICKS_API_BASE"], &["CORALBRICKS_API_KEY"]),
    own("custom_openai", &["OPENAI_BASE_URL", "OPENAI_API_BASE"], &["OPENAI_API_KEY"]).like_openai(),
    own("darkbloom", &["DARKBLOOM_API_BASE"], &["DARKBLOOM_API_KEY"]),
    own("databricks", &["DATABRICKS_API_BASE"], &["DATABRICKS_API_KEY"]).path("/serving-endpoints"),
    own("heroku", &["HEROKU_API_BASE"], &["HEROKU_API_KEY"]).path("/v1"),
    own("hosted_vllm", &["HOSTED_VLLM_API_BASE"], &["HOSTED_VLLM_API_KEY"]).modern().serving(RESPONSES_TOO).knows_top_k(),
    own("litellm_proxy", &["LITELLM_PROXY_API_BASE"], &["LITELLM_PROXY_API_KEY"]).like_openai(),
    own("openai_like", &["OPENAI_LIKE_API_BASE"], &["OPENAI_LIKE_API_KEY"]),
    own("openinfer", &["OPENINFER_API_BASE"], &["OPENINFER_API_KEY"]),
    own("prism", &["PRISM_API_BASE"], &["PRISM_API_KEY"]),
    own("qwencloud", &["QWENCLOUD_API_BASE"], &["QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"]),
    own("ragflow", &["RAGFLOW_API_BASE"], &["RAGFLOW_API_KEY"]),
    own("sail", &["SAIL_API_BASE"], &["SAIL_API_KEY"]),
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
    "chatgpt",
    "bedrock_converse",
    "github_copilot",
    "huggingface",
    "oci",
    "petals",
    "predibase",
    "replicate",
    "sagemaker",
    "sagemaker_chat",
    "snowflake",
    "triton",
    "vertex_ai_beta",
    "watsonx",
    "watsonx_text",
];

/// A provider that speaks OpenAI's API at a public address.
const fn public(
    name: &'static str,
    base: &'static str,
    base_variables: Names,
    key_variables: Names,
) -> Provider {
    let blueprint = openai::blueprint;
    Provider {
        compatible: Compatible::COPY,
        ..other(name, Some(base), base_variables, key_variables, blueprint)
    }
}

/// A server that speaks OpenAI's API, usually on this machine and without a key.
const fn local(
    name: &'static str,
    base: &'static str,
    base_variables: Names,
    key_variables: Names,
) -> Provider {
    Provider {
        key: Key::Optional,
        ..public(name, base, base_variables, key_variables)
    }
}

/// A server that speaks OpenAI's API and that operators run themselves.
const fn own(name: &'static str, base_variables: Names, key_variables: Names) -> Provider {
    Provider {
        base: None,
        ..local(name, "", base_variables, key_variables)
    }
}

/// A provider with a wire of its own.
const fn other(
    name: &'static str,
    base: Option<&'static str>,
    base_variables: Names,
    key_variables: Names,
    blueprint: MakeBlueprint,
) -> Provider {
    Provider {
        name,
        base,
        base_variables,
        key_variables,
        key: Key::Required,
        blueprint,
        compatible: Compatible::OPENAI,
    }
}

impl Provider {
    /// It is in everything as OpenAI.
    const fn like_openai(mut self) -> Self {
        self.compatible = Compatible::OPENAI;
        self
    }

    /// Its parameters and roles are those of today's OpenAI.
    const fn modern(mut self) -> Self {
        self.compatible.renamed = &[];
        self.compatible.developer = DeveloperRole::Kept;
        self
    }

    const fn keeps_max_completion_tokens(mut self) -> Self {
        self.compatible.renamed = &[];
        self
    }

    const fn renaming(mut self, renamed: &'static [(&'static str, &'static str)]) -> Self {
        self.compatible.renamed = renamed;
        self
    }

    /// It does not know these parameters.
    const fn without(mut self, unknown: Names) -> Self {
        self.compatible.unknown = unknown;
        self
    }

    /// Contents are texts there, not lists.
    const fn text_only(mut self) -> Self {
        self.compatible.content_parts = false;
        self
    }

    const fn serving(mut self, dialects: &'static [Dialect]) -> Self {
        self.compatible.serves = dialects;
        self
    }

    const fn knows_top_k(mut self) -> Self {
        self.compatible.top_k = true;
        self
    }

    /// What a model thought goes back to it in this field of its messages.
    const fn takes_thoughts(mut self, field: &'static str) -> Self {
        self.compatible.thoughts_field = Some(field);
        self
    }

    /// A base without a path gets this one.
    const fn path(mut self, path: &'static str) -> Self {
        self.compatible.path = path;
        self
    }

    const fn key_header(mut self, name: &'static str) -> Self {
        self.compatible.key_header = name;
        self
    }
}

type Names = &'static [&'static str];
pub(super) type MakeBlueprint = fn(&Settings<'_>) -> Result<Blueprint, EndpointError>;

const CHAT: &[Dialect] = &[Dialect::OpenAiChat];
const EMBEDDINGS: &[Dialect] = &[Dialect::OpenAiEmbeddings];
const RESPONSES_TOO: &[Dialect] = Compatible::OPENAI.serves;
/// Source: Mistral's "Chat completions" reference.
const MISTRAL: &[(&str, &str)] = &[
    ("max_completion_tokens", "max_tokens"),
    ("seed", "random_seed"),
];
