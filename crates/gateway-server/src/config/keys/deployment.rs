//! Keys of one entry of `model_list`, and of `credential_list`.

use super::super::kind::Kind;
use super::section;

section! {
    /// One entry of `model_list`.
    DEPLOYMENT = "this model_list entry" {
        /// The name that clients use. Entries of the same name are one group; `*` in it stands for any text. Example: `claude`.
        honored "model_name": Kind::Text;
        /// The provider, its address and credentials, and the deployment's own limits. Keys that are not known are parameters of each request.
        honored "litellm_params": Kind::Section(&PARAMS);
        /// What is known of the model.
        honored "model_info": Kind::Section(&MODEL_INFO);
        /// Requests per minute, as in `litellm_params`.
        honored "rpm": Kind::COUNT;
        /// Tokens per minute, as in `litellm_params`.
        honored "tpm": Kind::COUNT;
    }
}

section! {
    /// One entry of `credential_list`.
    CREDENTIAL = "this credential_list entry" {
        /// The name by which deployments refer to it. Example: `team-anthropic`.
        honored "credential_name": Kind::Text;
        /// Keys of `litellm_params`, for deployments that do not say them themselves.
        honored "credential_values": Kind::Section(&PARAMS);
        /// For people: nothing is done with it.
        accepted "credential_info": Kind::Any;
    }
}

section! {
    /// `litellm_params`. Keys that are not here become request-body parameters.
    PARAMS = "litellm_params" {
        /// `provider/model`. Example: `anthropic/claude-sonnet-4-5`.
        honored "model": Kind::Text;
        /// The provider, if `model` does not begin with it. Example: `hosted_vllm`.
        honored "custom_llm_provider": Kind::Text;
        /// The provider's key; `os.environ/NAME` or `file:/path`. Not given: the provider's usual variable. Example: `os.environ/OPENAI_API_KEY`.
        honored "api_key": Kind::Secret;
        /// Where the provider's API is. Not given: its usual address. Example: `http://127.0.0.1:8000/v1`.
        honored "api_base": Kind::Url;
        /// The same as `api_base`.
        honored "base_url": Kind::Url;
        /// Azure: a date, or `v1`, `latest`, `preview` for the paths without versions. Example: `"2024-10-21"`.
        honored "api_version": Kind::Text;
        /// Sent as `OpenAI-Organization`; a list makes one deployment of each.
        honored "organization": Kind::TextOrList;
        /// Requests per minute: the share of the group's calls where no `weight` is given, and the bound of `usage-based-routing-v2` and of pre-call checks.
        honored "rpm": Kind::COUNT;
        /// Tokens per minute: the share of the group's calls where neither `weight` nor `rpm` is given, and the bound of `usage-based-routing-v2` and of pre-call checks.
        honored "tpm": Kind::COUNT;
        /// Share of the group's calls, relative to its other deployments; else `rpm`, else `tpm`, else even. Example: `3`.
        honored "weight": Kind::AMOUNT;
        /// Priority: the lowest level with somebody who can serve is used first, then the next one. Who has none comes last. Example: `1`.
        honored "order": Kind::Whole(0, 1_000_000);
        /// Headers that are sent with every request to this deployment. Example: `{x-team: platform}`.
        honored "extra_headers": Kind::Map;
        /// Fields that are put into the body of each request. Example: `{service_tier: flex}`.
        honored "extra_body": Kind::Map;
        /// false: certificates are not checked; a path: a PEM file with trusted roots. Default: true.
        honored "ssl_verify": Kind::BoolOrText;
        /// PEM file with our certificate chain and key, for mutual TLS.
        honored "ssl_certificate": Kind::Text;
        /// auto: what ALPN agrees on; never: HTTP/1.1; prior_knowledge: HTTP/2 without asking. Default: `auto`.
        honored "http2": Kind::Choice(super::gateway::HTTP2);
        /// What the deployment does not say itself comes from this entry of `credential_list`.
        honored "litellm_credential_name": Kind::Text;
        /// The Google Cloud project.
        honored "vertex_project": Kind::Text;
        /// The Google Cloud region. Example: `europe-west1`.
        honored "vertex_location": Kind::Text;
        /// Google credentials: as text, as a mapping, as the path of a file, or `file:/path`. Not given: VERTEXAI_CREDENTIALS, GOOGLE_APPLICATION_CREDENTIALS, those of gcloud, the machine's.
        honored "vertex_credentials": Kind::SecretOrMap;
        /// An Entra ID token, where there is no key; or where a token of another issuer is that Entra ID trusts (`oidc/file/PATH`, `oidc/env/NAME`, …).
        honored "azure_ad_token": Kind::Secret;
        /// The tenant of the application of Entra ID for which tokens are fetched. Not given: AZURE_TENANT_ID.
        honored "tenant_id": Kind::Text;
        /// The application of Entra ID for which tokens are fetched. Not given: AZURE_CLIENT_ID.
        honored "client_id": Kind::Text;
        /// Its secret. Not given: AZURE_CLIENT_SECRET, else the token in the file that AZURE_FEDERATED_TOKEN_FILE names.
        honored "client_secret": Kind::Secret;
        /// What Entra ID's tokens are good for. Default: `https://cognitiveservices.azure.com/.default`.
        honored "azure_scope": Kind::Text;
        /// AWS key. Not given: the environment, the shared files, a pod's identity, a container's agent, the machine's metadata.
        honored "aws_access_key_id": Kind::Secret;
        /// The secret of `aws_access_key_id`.
        honored "aws_secret_access_key": Kind::Secret;
        /// The session token of temporary AWS keys.
        honored "aws_session_token": Kind::Secret;
        /// The AWS region. Not given: that of the model's ARN, the variables, the profile, us-west-2. Example: `us-east-1`.
        honored "aws_region_name": Kind::Text;
        /// A profile of AWS's shared files.
        honored "aws_profile_name": Kind::Text;
        /// The ARN of a role that is taken on.
        honored "aws_role_name": Kind::Text;
        /// The name of the session with that role.
        honored "aws_session_name": Kind::Text;
        /// Tags of that session. Example: `[{Key: team, Value: platform}]`.
        honored "aws_session_tags": Kind::List;
        /// Instead of keys: a token of another issuer that the role trusts (`oidc/file/PATH`, `oidc/env/NAME`, …, a path, or the token itself).
        honored "aws_web_identity_token": Kind::Secret;
        /// Where roles are taken on. Not given: AWS_STS_ENDPOINT, else the region's.
        honored "aws_sts_endpoint": Kind::Url;
        /// The external id that the role asks for.
        honored "aws_external_id": Kind::Text;
        /// Where Bedrock is. Not given: AWS_BEDROCK_RUNTIME_ENDPOINT, else the region's; `api_base` goes before it.
        honored "aws_bedrock_runtime_endpoint": Kind::Url;
        /// What is in Bedrock's URL instead of the model: an inference profile of one's own.
        honored "model_id": Kind::Text;
        /// Seconds that one attempt may take, to the last byte of its answer. Not given: what the call has left. Example: `300`.
        honored "timeout": Kind::SECONDS => "bounds one attempt, to the last byte of its answer, and not the silence between two reads";
        /// The same as `timeout`.
        honored "request_timeout": Kind::SECONDS;
        /// Seconds from an attempt's start to the first content of a stream. Not given: that of `router_settings`. Example: `60`.
        honored "stream_timeout": Kind::SECONDS => "bounds the time from an attempt's start to the first content of a stream; comments, pings and empty events do not count";
        /// The same as `stream_timeout`.
        honored "ttft_timeout": Kind::SECONDS;
        /// Seconds of silence between contents of a stream. Not given: that of `router_settings`. Example: `120`.
        honored "stream_idle_timeout": Kind::SECONDS;
        /// Seconds for DNS, TCP and TLS. Not given: that of `router_settings`.
        honored "connect_timeout": Kind::SECONDS;
        /// Seconds of waiting for a connection. Not given: that of `router_settings`.
        honored "pool_timeout": Kind::SECONDS;
        /// `timeout` for requests with this `service_tier`. Example: `{standard_only: 600}`.
        honored "timeout_by_service_tier": Kind::NamedSeconds;
        /// `stream_timeout` for requests with this `service_tier`. Example: `{standard_only: 120}`.
        honored "stream_timeout_by_service_tier": Kind::NamedSeconds;
        /// How often a call that failed here is tried again. Not given: `router_settings.num_retries`.
        honored "max_retries": Kind::TIMES => "counts like `num_retries`, whichever of them is more: the two are not multiplied";
        /// How often a call that failed here is tried again. Not given: `router_settings.num_retries`.
        honored "num_retries": Kind::TIMES;
        /// Attempts under way at once; more of them wait for a free slot. Not given: `router_settings.default_max_parallel_requests`.
        honored "max_parallel_requests": Kind::TIMES => "a slot is held until the answer has ended, streams included; it is not derived from `rpm` or `tpm` where it is not given";
        /// Calls with these tags come here, where tags are filtered; `default`: those without any, too. Example: `[default, paid]`.
        honored "tags": Kind::TextList;
        /// Patterns of the caller's user agent, likewise. Example: `["^User-Agent: claude-code/"]`.
        honored "tag_regex": Kind::TextList;
        /// Seconds for which this deployment is set aside, the first time. Not given: that of `router_settings`.
        honored "cooldown_time": Kind::SECONDS;
        /// Failures within `cooldown_time` before it is set aside. Not given: the router's rules.
        honored "allowed_fails": Kind::TIMES;
        /// The same by kind of failure.
        honored "allowed_fails_policy": Kind::Section(&super::routing::ALLOWED_FAILS_POLICY);
        /// The deployment's region, for calls that must stay in one (`allowed_model_region`). Example: `eu`.
        honored "region_name": Kind::Text;
        /// For tests: this is the answer, and no provider is asked.
        honored "mock_response": Kind::Any;
        /// For tests: silence until a timer fires.
        honored "mock_timeout": Kind::Bool;
        /// Dollars per token of input. Not given: the built-in table of prices.
        honored "input_cost_per_token": Kind::AMOUNT;
        /// Dollars per token of output. Not given: the built-in table of prices.
        honored "output_cost_per_token": Kind::AMOUNT;
        /// Dollars per token of input that was read from the provider's cache. Not given: the built-in table.
        honored "cache_read_input_token_cost": Kind::AMOUNT;
        /// Dollars per token of input that was written to the provider's cache. Not given: the built-in table.
        honored "cache_creation_input_token_cost": Kind::AMOUNT;
        /// Dollars per token of input that was written to the provider's cache for more than an hour. Not given: the built-in table.
        honored "cache_creation_input_token_cost_above_1hr": Kind::AMOUNT;
        /// Dollars per token of thoughts. Not given: the built-in table.
        honored "output_cost_per_reasoning_token": Kind::AMOUNT;
        /// Seconds of silence after which a stream gets a heartbeat, 1 to 300; 0: never. Not given: that of `litellm_settings`.
        honored "keepalive_seconds": Kind::SECONDS;
        ignored "itpm": Kind::COUNT => "this limit is not enforced";
        ignored "otpm": Kind::COUNT => "this limit is not enforced";
        ignored "tpd": Kind::COUNT => "this limit is not enforced";
        ignored "rpd": Kind::COUNT => "this limit is not enforced";
        ignored "daily_reset_time": Kind::Any => "daily limits are not enforced";
        ignored "max_budget": Kind::AMOUNT => "spend is not limited";
        ignored "budget_duration": Kind::Text => "spend is not limited";
        ignored "default_api_key_tpm_limit": Kind::COUNT => "keys are not limited";
        ignored "default_api_key_rpm_limit": Kind::COUNT => "keys are not limited";
        ignored "configurable_clientside_auth_params": Kind::List => "callers cannot choose the address or the key";
        /// Serve only calls in a dialect that the provider speaks itself; else calls of others are translated. Default: false.
        honored "native_only": Kind::Bool;
        /// Whether parameters are left out that the provider's dialect cannot express; else they are refused by name. Not given: that of `litellm_settings`.
        honored "drop_params": Kind::Bool;
        /// Fields of requests that are left out whatever the provider. Example: `[logit_bias]`.
        honored "additional_drop_params": Kind::List;
        /// Fields of requests that are passed on as they are. Example: `[guided_json]`.
        honored "allowed_openai_params": Kind::List;
        ignored "input_cost_per_second": Kind::AMOUNT => "calls cost what their tokens do";
        ignored "output_cost_per_second": Kind::AMOUNT => "calls cost what their tokens do";
        ignored "merge_reasoning_content_in_choices": Kind::Bool, ["false"] => "reasoning stays in its own field";
        ignored "allow_client_keepalive_override": Kind::Bool, ["false"] => "callers cannot choose the interval of heartbeats";
        /// Its credentials serve the pass-through routes too, before those of the environment. Default: false.
        honored "use_in_pass_through": Kind::Bool;
        ignored "use_chat_completions_api": Kind::Bool, ["false"] => "clients of Responses reach the provider's own Responses, where it has them";
        ignored "use_litellm_proxy": Kind::Bool, ["false"] => "set `api_base` to the address of the other proxy";
        ignored "silent_model": Kind::Text => "traffic is not mirrored";
        ignored "auto_router_config": Kind::Any => "models are not chosen automatically";
        ignored "auto_router_config_path": Kind::Any => "models are not chosen automatically";
        ignored "auto_router_default_model": Kind::Any => "models are not chosen automatically";
        ignored "auto_router_embedding_model": Kind::Any => "models are not chosen automatically";
        ignored "complexity_router_config": Kind::Any => "models are not chosen automatically";
        ignored "complexity_router_default_model": Kind::Any => "models are not chosen automatically";
        ignored "adaptive_router_config": Kind::Any => "models are not chosen automatically";
        ignored "quality_router_config": Kind::Any => "models are not chosen automatically";
        ignored "cache_control_injection_points": Kind::Any => "messages get no cache marks";
        ignored "ensure_alternating_roles": Kind::Bool, ["false"] => "messages are sent as they are";
        ignored "user_continue_message": Kind::Any => "messages are sent as they are";
        ignored "assistant_continue_message": Kind::Any => "messages are sent as they are";
        ignored "supports_system_message": Kind::Bool, ["true"] => "messages are sent as they are";
        ignored "prompt_id": Kind::Text => "prompt templates are not filled in";
        ignored "prompt_variables": Kind::Any => "prompt templates are not filled in";
        ignored "guardrails": Kind::Any => "requests and answers are not checked by these guardrails";
        ignored "fallbacks": Kind::Any => "`router_settings.fallbacks` decides";
        ignored "context_window_fallback_dict": Kind::Any => "`router_settings.context_window_fallbacks` decides";
        ignored "s3_bucket_name": Kind::Text => "the files and batches routes do not exist";
        ignored "s3_region_name": Kind::Text => "the files and batches routes do not exist";
        ignored "s3_access_key_id": Kind::Secret => "the files and batches routes do not exist";
        ignored "s3_secret_access_key": Kind::Secret => "the files and batches routes do not exist";
        ignored "aws_batch_role_arn": Kind::Text => "the files and batches routes do not exist";
        ignored "gcs_bucket_name": Kind::Text => "the files and batches routes do not exist";
        ignored "tiered_pricing": Kind::Any => "tiers are those of the built-in table";
        /// The model's name in the built-in table of prices and context windows, where `model` is a name of one's own.
        honored "base_model": Kind::Text;
        /// The model's name at Hugging Face. Nothing is done with it.
        accepted "hf_model_name": Kind::Text;
        ignored "provider_affinity_header": Kind::Any => "calls of one session may go to different deployments";
        ignored "kubernetes_pod_discovery": Kind::Any => "pods are not discovered";
        accepted "model_info": Kind::Map;
        ignored "roles": Kind::Map => "messages are sent as they are";
        ignored "initial_prompt_value": Kind::Any => "messages are sent as they are";
        ignored "final_prompt_value": Kind::Any => "messages are sent as they are";
        ignored "bos_token": Kind::Any => "messages are sent as they are";
        ignored "eos_token": Kind::Any => "messages are sent as they are";
        ignored "auto_router_routing_compression": Kind::Any => "models are not chosen automatically";
        ignored "auto_router_model_compression": Kind::Any => "models are not chosen automatically";
    }
}

section! {
    /// `model_info`.
    MODEL_INFO = "model_info" {
        /// Names this deployment; clients may call it by its id. Not given: derived from the entry. Example: `claude-direct`.
        honored "id": Kind::Name;
        /// Tokens of input that the model takes: longer requests go elsewhere, with `enable_pre_call_checks`. Not given: the built-in table.
        honored "max_input_tokens": Kind::COUNT;
        /// The longest answer, for providers that must be told one. Not given: the built-in table.
        honored "max_output_tokens": Kind::COUNT;
        /// Whether the model can be told how much to think. Not given: the built-in table.
        honored "supports_reasoning": Kind::Bool;
        /// Dollars per token of input; as in `litellm_params`, which goes before it.
        honored "input_cost_per_token": Kind::AMOUNT;
        /// Dollars per token of output; as in `litellm_params`, which goes before it.
        honored "output_cost_per_token": Kind::AMOUNT;
        /// Dollars per token of input from the provider's cache; as in `litellm_params`, which goes before it.
        honored "cache_read_input_token_cost": Kind::AMOUNT;
        /// Dollars per token of input into the provider's cache; as in `litellm_params`, which goes before it.
        honored "cache_creation_input_token_cost": Kind::AMOUNT;
        /// The same for more than an hour; as in `litellm_params`, which goes before it.
        honored "cache_creation_input_token_cost_above_1hr": Kind::AMOUNT;
        /// Dollars per token of thoughts; as in `litellm_params`, which goes before it.
        honored "output_cost_per_reasoning_token": Kind::AMOUNT;
        /// Seconds for which this deployment is set aside, the first time; as in `litellm_params`.
        honored "cooldown_time": Kind::SECONDS;
        /// Failures before it is set aside; as in `litellm_params`.
        honored "allowed_fails": Kind::TIMES;
        /// The same by kind of failure.
        honored "allowed_fails_policy": Kind::Section(&super::routing::ALLOWED_FAILS_POLICY);
        /// Whether the model goes on with a text that was begun for it. Not given: what is known of the model.
        honored "supports_assistant_prefill": Kind::Bool;
        /// The model's name in the built-in table of prices and context windows, where `model` is a name of one's own.
        honored "base_model": Kind::Text;
        /// What the model is for, such as `chat` or `embedding`: that is what a probe asks for. Not given: chat.
        honored "mode": Kind::Text;
        /// For people: nothing is done with it. See `max_output_tokens`.
        accepted "max_tokens": Kind::COUNT;
        /// For people: nothing is done with it.
        accepted "tier": Kind::Text;
        /// For people: nothing is done with it.
        accepted "description": Kind::Text;
        /// Nothing is done with it.
        accepted "created_at": Kind::Any;
        /// Nothing is done with it.
        accepted "updated_at": Kind::Any;
        /// Nothing is done with it.
        accepted "created_by": Kind::Any;
        /// Nothing is done with it.
        accepted "updated_by": Kind::Any;
        /// Nothing is done with it: there is no database.
        accepted "db_model": Kind::Bool;
        /// For people: nothing is done with it.
        accepted "litellm_provider": Kind::Text;
        ignored "team_id": Kind::Text => "every caller can use this deployment";
        ignored "team_public_model_name": Kind::Text => "every caller can use this deployment";
        ignored "access_groups": Kind::TextList => "every caller can use this deployment";
        ignored "access_windows": Kind::Any => "this deployment serves at any time";
        ignored "supported_environments": Kind::TextList => "this deployment serves in every environment";
        ignored "blocked": Kind::Bool, ["false"] => "this deployment serves all the same";
        ignored "enable_tag_filtering": Kind::Bool, ["false"] => "`router_settings.enable_tag_filtering` decides for all deployments";
        /// The provider's model that probes ask in place of the deployment's own, which a wildcard has none of. Example: `openai/gpt-4o-mini`.
        honored "health_check_model": Kind::Text;
        /// Seconds that the answer to a probe may take. Default: 60.
        honored "health_check_timeout": Kind::SECONDS;
        /// Tokens that the answer to a probe may have. Not given: as many as the provider likes.
        honored "health_check_max_tokens": Kind::COUNT;
        /// The deployment is probed only on request. Default: false.
        honored "disable_background_health_check": Kind::Bool;
        ignored "ptu_capacity": Kind::Any => "provisioned throughput is not tracked";
    }
}

/// Whether a key that is in no table is a price, of which LiteLLM has dozens.
pub(in crate::config) fn is_price(key: &str) -> bool {
    key.contains("_cost_per_") || key.contains("_token_cost")
}

/// Parameters of request bodies that are common in `litellm_params`: never a misspelt key of ours.
pub(in crate::config) const BODY_PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "stop_sequences",
    "stream",
    "stream_options",
    "system",
    "seed",
    "user",
    "tools",
    "tool_choice",
    "functions",
    "metadata",
    "thinking",
    "reasoning_effort",
    "verbosity",
    "response_format",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "service_tier",
    "store",
    "dimensions",
    "encoding_format",
    "modalities",
    "parallel_tool_calls",
];
