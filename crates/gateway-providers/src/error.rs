//! What can be wrong with an endpoint's configuration, and with the preparation of one call.

use gateway_core::TranslateError;
use gateway_transport::SpecError;

/// Why an endpoint cannot be built. Says what to change in the config; never shows a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The model names no provider, and nothing else does.
    #[error("`{model}` names no provider that this gateway knows; write `provider/model`")]
    UnknownProvider {
        /// The model as configured.
        model: String,
        /// The names of all providers, with `, ` between them.
        known: String,
    },
    /// The provider exists elsewhere, but is not served here.
    #[error("the provider `{provider}` of `{model}` is not served by this gateway")]
    UnservedProvider {
        /// The provider's name.
        provider: String,
        /// The model as configured.
        model: String,
        /// The names of all providers, with `, ` between them.
        known: String,
    },
    /// The provider cannot serve this model.
    #[error("`{model}`: {reason}")]
    Model {
        /// The model as configured.
        model: String,
        /// Why not.
        reason: &'static str,
    },
    /// A setting that the provider requires is absent.
    #[error("{provider}: `{setting}` is not set{}", or_variables(.variables))]
    Missing {
        /// The provider's name.
        provider: &'static str,
        /// The key of the config.
        setting: &'static str,
        /// Environment variables that would do as well.
        variables: &'static [&'static str],
    },
    /// A setting cannot be used.
    #[error("`{setting}` cannot be used: {reason}")]
    Setting {
        /// The key of the config, or the environment variable.
        setting: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Google credentials cannot be used.
    #[error("`vertex_credentials` cannot be used: {0}")]
    Credentials(#[from] CredentialsError),
    /// The connection settings contradict each other or cannot be read.
    #[error("cannot connect to the `api_base` as configured")]
    Connect(#[from] SpecError),
}

impl EndpointError {
    pub(crate) fn setting(setting: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting {
            setting: setting.into(),
            reason: reason.into(),
        }
    }
}

/// What is wrong with a credentials file.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("the file {path} cannot be read ({kind})")]
    Read {
        /// Its path as configured.
        path: String,
        /// What the system said.
        kind: std::io::ErrorKind,
    },
    /// It is no JSON, or a field has the wrong type.
    #[error("no valid JSON at line {line}, column {column}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Another kind of credentials.
    #[error(
        "its `type` is {kind:?}; served are service_account, authorized_user, external_account and impersonated_service_account"
    )]
    Kind {
        /// The `type` it has.
        kind: String,
    },
    /// A field is absent.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// It has a token from a place that is not served.
    #[error("its `credential_source` is {0}; files and URLs are served")]
    Source(&'static str),
    /// The credentials behind an impersonation impersonate somebody themselves.
    #[error("its `source_credentials` act as somebody else, too; use `delegates`")]
    Chain,
    /// The private key is no RSA key in PEM form.
    #[error("`private_key` holds no usable RSA key in PEM form")]
    Key,
}

/// Why no request could be made for a call. Nothing was sent to the provider.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The endpoint does not speak this dialect.
    #[error("{provider} does not serve {dialect} calls")]
    Dialect {
        /// The provider's name.
        provider: &'static str,
        /// The dialect's name.
        dialect: &'static str,
    },
    /// The path that the client chose cannot be asked for.
    #[error("the path cannot be used at {provider}: {reason}")]
    Path {
        /// The provider's name.
        provider: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// The request cannot be said in the provider's dialect.
    #[error("{0}")]
    Translate(TranslateError),
    /// The model that the client chose through a wildcard cannot be served.
    #[error("the model name cannot be used at {provider}: {reason}")]
    Model {
        /// The provider's name.
        provider: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// The request cannot be signed.
    #[error(
        "the request to {provider} cannot be signed: its address or one of its headers is none that can be"
    )]
    Signature {
        /// The provider's name.
        provider: &'static str,
    },
    /// There is no access token.
    #[error("no access token for {provider}")]
    Token {
        /// The provider's name.
        provider: &'static str,
        /// Why not.
        source: TokenError,
    },
}

/// Why there is no access token. Shared by all callers that waited for it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token endpoint's address cannot be used.
    #[error("the token endpoint's address cannot be used")]
    Address,
    /// The machine's clock is before 1970.
    #[error("the clock of this machine is wrong")]
    Clock,
    /// The assertion could not be signed.
    #[error("the credentials cannot sign")]
    Sign,
    /// The token endpoint was not reached, or the exchange broke.
    #[error("the token endpoint did not answer: {reason}")]
    Send {
        /// What happened.
        reason: String,
    },
    /// The exchange took longer than 15 s.
    #[error("the token endpoint did not answer in time")]
    TimedOut,
    /// The token endpoint said no.
    #[error("the token endpoint refused with status {status}: {reason}")]
    Refused {
        /// Its status.
        status: u16,
        /// Its words, shortened.
        reason: String,
    },
    /// The answer is no token.
    #[error("the token endpoint answered with status {status} and no token")]
    Malformed {
        /// Its status.
        status: u16,
    },
    /// There is no token that could be exchanged.
    #[error("the token to exchange cannot be had from {place}: {reason}")]
    Subject {
        /// A file, or a URL's path.
        place: String,
        /// Why not.
        reason: String,
    },
    /// What was given is not good any more.
    #[error(
        "the credentials that were given have expired already; is the clock of this machine right?"
    )]
    Expired,
    /// A profile of Amazon's shared files gives no keys.
    #[error("the AWS profile cannot be used: {reason}")]
    Profile {
        /// Why not.
        reason: String,
    },
    /// Nobody gives any credentials.
    #[error(
        "there are no AWS credentials: neither in the config nor in the environment, a profile, a container or an instance"
    )]
    NoCredentials,
    /// The exchange was given up because the process is ending.
    #[error("the exchange was given up")]
    Abandoned,
}

impl TokenError {
    /// Says at which of several steps it happened.
    pub(crate) fn at(self, step: &str) -> Self {
        match self {
            Self::Send { reason } => Self::Send {
                reason: format!("{step}: {reason}"),
            },
            Self::Refused { status, reason } => Self::Refused {
                status,
                reason: format!("{step}: {reason}"),
            },
            error => error,
        }
    }
}

fn or_variables(variables: &[&str]) -> String {
    match variables {
        [] => String::new(),
        names => format!(", and neither is {}", names.join(" or ")),
    }
}
