//! What an operator says about one deployment's endpoint.

use std::fmt;

use gateway_core::{Policy, Secret};
use gateway_transport::{Http2Mode, SocketOptions, TlsSpec};
use serde_json::{Map, Value};

use crate::prices::PriceKind;

use crate::provider::Providers;

/// The parameters of one endpoint, as LiteLLM's `litellm_params` name them.
#[derive(Clone, Default)]
pub struct EndpointConfig {
    /// `provider/model`, for example `anthropic/claude-opus-4`, `azure/my-deployment`, `groq/llama-3`; a `*` in the
    /// model stands for what the client asked for.
    pub model: String,
    /// The provider, if `model` does not begin with it.
    pub custom_llm_provider: Option<String>,
    /// The provider's key; else the provider's own environment variables are asked.
    pub api_key: Option<Secret>,
    /// Where the provider's API is, if not at its public address.
    pub api_base: Option<String>,
    /// Azure: `api-version`, or `v1`, `latest`, `preview` for the paths without versions.
    pub api_version: Option<String>,
    /// OpenAI: sent as `OpenAI-Organization`.
    pub organization: Option<String>,
    /// Sent with every request, over whatever else says so. Values are never shown.
    pub extra_headers: Vec<(String, String)>,
    /// Request-body parameters that are set when the request does not set them; the members of a nested
    /// `extra_body` object count as if they stood beside it. `null` is skipped.
    pub defaults: Map<String, Value>,
    /// Vertex: the project; else `VERTEXAI_PROJECT`, else the one that the credentials name.
    pub vertex_project: Option<String>,
    /// Vertex: the location; else `VERTEXAI_LOCATION`.
    pub vertex_location: Option<String>,
    /// Vertex: Google credentials of any kind, as JSON text or as the path of a file with it; else those that
    /// `VERTEXAI_CREDENTIALS` or `GOOGLE_APPLICATION_CREDENTIALS` name, else those of `gcloud`, else the machine's.
    pub vertex_credentials: Option<Secret>,
    /// Azure: an Entra token, sent as Bearer where there is no key. `oidc/file/PATH`, `oidc/env/NAME`, `oidc/env_path/NAME`
    /// and `oidc/azure/` name a token of another issuer instead, for which Entra gives one.
    pub azure_ad_token: Option<Secret>,
    /// Azure: the tenant of the application; else `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// Azure: the application; else `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// Azure: its secret; else `AZURE_CLIENT_SECRET`, else the token in the file that `AZURE_FEDERATED_TOKEN_FILE` names.
    pub client_secret: Option<Secret>,
    /// Azure: what the token is to be good for; else `AZURE_SCOPE`, else Azure's AI services.
    pub azure_scope: Option<String>,
    /// Bedrock: who we are for Amazon, and where.
    pub aws: AwsConfig,
    /// Serve only calls in a dialect that the provider speaks itself.
    pub native_only: bool,
    /// What to do with parameters that the provider's dialect has not.
    pub policy: Policy,
    /// The longest answer that the model can give, in tokens; else what the table of models says.
    pub max_output_tokens: Option<u64>,
    /// Whether the model can be told how much to think; else what the table of models says.
    pub reasons: Option<bool>,
    /// The model's name in the table of models, where `model` is a name of the operator's own.
    pub base_model: Option<String>,
    /// Dollars for a token, over what the table of models says.
    pub prices: Vec<(PriceKind, f64)>,
    /// Providers beside those that are known anyway.
    pub providers: Providers,
    /// How to connect.
    pub connect: ConnectOptions,
}

impl fmt::Debug for EndpointConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.extra_headers.iter().map(|(name, _)| name).collect();
        let defaults: Vec<_> = self.defaults.keys().collect();
        formatter
            .debug_struct("EndpointConfig")
            .field("model", &self.model)
            .field("custom_llm_provider", &self.custom_llm_provider)
            .field("api_version", &self.api_version)
            .field("organization", &self.organization)
            .field("extra_headers", &headers)
            .field("defaults", &defaults)
            .field("vertex_project", &self.vertex_project)
            .field("vertex_location", &self.vertex_location)
            .field("tenant_id", &self.tenant_id)
            .field("client_id", &self.client_id)
            .field("azure_scope", &self.azure_scope)
            .field("aws", &self.aws)
            .field("connect", &self.connect)
            // Keys are secret; people write keys into the base as well.
            .finish_non_exhaustive()
    }
}

/// Who we are for Amazon, and where. What is not said is looked for in the variables that LiteLLM and Amazon's own SDKs
/// know, then in Amazon's shared files, then on the machine.
#[derive(Clone, Default)]
pub struct AwsConfig {
    /// `aws_access_key_id`; else `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<Secret>,
    /// `aws_secret_access_key`; else `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<Secret>,
    /// `aws_session_token`, of temporary keys; else `AWS_SESSION_TOKEN`, if the key is the environment's too.
    pub session_token: Option<Secret>,
    /// `aws_region_name`; else the region of the model's ARN, else `AWS_REGION_NAME`, `AWS_REGION`,
    /// `AWS_DEFAULT_REGION`, else the profile's, else us-west-2.
    pub region_name: Option<String>,
    /// `aws_profile_name`: a profile of the shared files; else `AWS_PROFILE_NAME`.
    pub profile_name: Option<String>,
    /// `aws_role_name`: the ARN of a role to take on; else `AWS_ROLE_NAME`.
    pub role_name: Option<String>,
    /// `aws_session_name`, for who looks into the role's logs; else `AWS_SESSION_NAME`.
    pub session_name: Option<String>,
    /// `aws_external_id`, which the role may ask for; else `AWS_EXTERNAL_ID`.
    pub external_id: Option<String>,
    /// `aws_session_tags`: key and value.
    pub session_tags: Vec<(String, String)>,
    /// `aws_web_identity_token`: `oidc/file/PATH`, `oidc/env/NAME`, `oidc/env_path/NAME`, `oidc/azure/`, `oidc/circleci/`,
    /// a path, or the token of another issuer itself; else `AWS_WEB_IDENTITY_TOKEN`.
    pub web_identity_token: Option<Secret>,
    /// `aws_sts_endpoint`: where roles are assumed; else `AWS_STS_ENDPOINT`, else Amazon's endpoint of the region.
    pub sts_endpoint: Option<String>,
    /// `aws_bedrock_runtime_endpoint`: where the models are, if `api_base` does not say so; else
    /// `AWS_BEDROCK_RUNTIME_ENDPOINT`, else Amazon's endpoint of the region.
    pub bedrock_runtime_endpoint: Option<String>,
    /// `model_id`: what is in the URL instead of the model, an inference profile's ARN for one.
    pub model_id: Option<String>,
}

impl fmt::Debug for AwsConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AwsConfig")
            .field("region_name", &self.region_name)
            .field("profile_name", &self.profile_name)
            .field("role_name", &self.role_name)
            .field("session_name", &self.session_name)
            .field("model_id", &self.model_id)
            // Keys are secret; people write keys into addresses as well.
            .finish_non_exhaustive()
    }
}

/// How an endpoint's connections are made, beyond its address.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// Certificates: `ssl_verify: false` is [`Verify::DangerouslyOff`](gateway_transport::Verify), a path is
    /// [`Roots::File`](gateway_transport::Roots).
    pub tls: TlsSpec,
    /// How HTTP/2 is chosen.
    pub http2: Http2Mode,
    /// Whether there is a proxy on the way.
    pub proxy: ProxyChoice,
    /// Options of the TCP socket.
    pub socket: SocketOptions,
}

/// Which HTTP CONNECT proxy is used.
#[derive(Clone, Default)]
pub enum ProxyChoice {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in lower case too.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one: `http://[user:password@]host[:port]`.
    Url(Secret),
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::Url(_) => "Url(..)",
        })
    }
}
