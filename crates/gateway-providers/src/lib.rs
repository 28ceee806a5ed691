#![doc = include_str!("../README.md")]

mod anthropic; // Anthropic.
mod azure; // Azure OpenAI.
mod blueprint; // What those four make of a config.
mod body; // Which bytes go upstream.
mod config; // What an operator says about an endpoint.
mod connect; // Address and options -> the transport's spec.
mod endpoint; // Config -> endpoint; endpoint + call -> signed request.
mod environment; // Variables, tasks and tokens that endpoints share.
mod error;
mod headers; // Which headers go upstream.
mod openai; // OpenAI and everybody who speaks its API.
mod provider; // The table of providers.
mod token; // Access tokens: cached, refreshed ahead of time, one exchange at a time.
mod url; // Base URLs and path segments.
mod vertex; // Claude on Google's Vertex AI. // What can be wrong.

pub use config::{ConnectOptions, EndpointConfig, ProxyChoice};
pub use endpoint::{CallParts, Endpoint};
pub use environment::Environment;
pub use error::{CredentialsError, EndpointError, PrepareError, TokenError};
pub use provider::provider_of_bare_name;
