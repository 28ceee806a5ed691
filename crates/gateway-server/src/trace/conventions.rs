//! The names of attributes. Those of `http`, `url`, `server`, `client`, `network`, `user_agent`, `error` and `gen_ai` are
//! OpenTelemetry's (semantic conventions for HTTP spans, and for spans of generative clients), those of `gateway` ours.

pub(super) const HTTP_METHOD: &str = "http.request.method";
pub(super) const HTTP_ROUTE: &str = "http.route";
pub(super) const HTTP_STATUS: &str = "http.response.status_code";
pub(super) const HTTP_RESENDS: &str = "http.request.resend_count";
pub(super) const URL_PATH: &str = "url.path";
pub(super) const URL_SCHEME: &str = "url.scheme";
pub(super) const SERVER_ADDRESS: &str = "server.address";
pub(super) const SERVER_PORT: &str = "server.port";
pub(super) const CLIENT_ADDRESS: &str = "client.address";
pub(super) const PROTOCOL_VERSION: &str = "network.protocol.version";
pub(super) const USER_AGENT: &str = "user_agent.original";
pub(super) const ERROR_TYPE: &str = "error.type";

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
/// What `gen_ai.provider.name` was called up to version 1.36 of the conventions.
pub(super) const SYSTEM: &str = "gen_ai.system";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub(super) const REQUEST_CHOICES: &str = "gen_ai.request.choice.count";
pub(super) const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const CACHE_CREATION_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
pub(super) const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";

pub(super) const CALL_ID: &str = "gateway.call_id";
pub(super) const API: &str = "gateway.api";
pub(super) const MODEL: &str = "gateway.model";
pub(super) const GROUP: &str = "gateway.group";
pub(super) const STREAM: &str = "gateway.stream";
pub(super) const END: &str = "gateway.end";
pub(super) const TIMER: &str = "gateway.timer";
pub(super) const ATTEMPTS: &str = "gateway.attempts";
pub(super) const RETRIES: &str = "gateway.retries";
pub(super) const FALLBACKS: &str = "gateway.fallbacks";
pub(super) const HEDGES: &str = "gateway.hedges";
/// Seconds.
pub(super) const OVERHEAD: &str = "gateway.overhead";
/// Seconds.
pub(super) const FIRST_CONTENT: &str = "gateway.time_to_first_content";
pub(super) const EVENTS: &str = "gateway.events";
pub(super) const BYTES: &str = "gateway.bytes";
pub(super) const COST: &str = "gateway.cost_usd";
pub(super) const PASS_THROUGH: &str = "gateway.pass_through";
pub(super) const MADE_UP: &str = "gateway.made_up";
pub(super) const DEPLOYMENT: &str = "gateway.deployment";
pub(super) const ATTEMPT_KIND: &str = "gateway.attempt.kind";
pub(super) const ATTEMPT_OUTCOME: &str = "gateway.attempt.outcome";
pub(super) const CONNECTION: &str = "gateway.connection";
pub(super) const GENERATION: &str = "gateway.generation";
pub(super) const DELIVERY: &str = "gateway.delivery";

/// A provider's name in the conventions, where it is another than LiteLLM's.
pub(super) fn provider(name: &str) -> &str {
    match name {
        "azure" => "azure.ai.openai",
        "azure_ai" => "azure.ai.inference",
        "bedrock" => "aws.bedrock",
        "gemini" => "gcp.gemini",
        "vertex_ai" => "gcp.vertex_ai",
        "mistral" | "codestral" => "mistral_ai",
        "xai" => "x_ai",
        "cohere_chat" => "cohere",
        other => other,
    }
}
