//! LLM providers: a deployment and a call become one signed HTTP request.
#![doc = include_str!("../README.md")]

// What an operator says, and the surroundings that endpoints share.
mod config;
mod environment;

// Config -> endpoint; endpoint + call -> signed request.
mod endpoint;

// The table of providers; which of their models go on with a begun answer.
mod prefill;
mod provider;

// One file for each wire.
mod anthropic;
mod azure;
mod bedrock;
mod foundry;
mod gemini;
mod openai;
mod vertex;

// What those make of a config, as data.
mod blueprint;

// Calls of clients that speak another dialect; how the answers are read.
mod reply;
mod translation;

// Which addresses, headers and bytes that gives, and how to connect.
mod additions;
mod betas;
mod body;
mod compatible;
mod connect;
mod headers;
mod hosting;
mod url;

// Requests in a provider's own words.
mod through;

// What models cost and take.
mod prices;

// Access tokens: cached, refreshed ahead of time, one exchange at a time.
mod token;

// Amazon's keys and signatures.
mod aws;

// What can be wrong.
mod error;

pub use betas::refused_betas;
pub use config::{AwsConfig, ConnectOptions, EndpointConfig, ProxyChoice};
pub use connect::connect_spec;
pub use endpoint::{CallParts, Endpoint};
pub use environment::Environment;
pub use error::{CredentialsError, EndpointError, PrepareError, TokenError};
pub use prices::{Cost, ModelFacts, PriceKind, Prices, ServiceTier};
pub use provider::{ProviderSpec, Providers, provider_of_bare_name};
pub use reply::{Framing, Prepared, Reply};
pub use through::Through;
