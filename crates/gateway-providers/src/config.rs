//! What an operator says about one deployment's endpoint.

use std::fmt;

use gateway_core::{Policy, Secret};
use gateway_transport::{Http2Mode, SocketOptions, TlsSpec};
use serde_json::{Map, Value};

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
    /// What to do with parameters that the provider's dialect has not.
    pub policy: Policy,
    /// The longest answer that the model can give, in tokens, where it is known.
    pub max_output_tokens: Option<u64>,
    /// Whether the model can be told how much to think; `None` if nobody knows.
    pub reasons: Option<bool>,
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
            .field("connect", &self.connect)
            // Keys are secret; people write keys into the base as well.
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
