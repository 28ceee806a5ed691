//! With whose credentials a provider is asked.

use gateway_core::Dialect;
use gateway_providers::{Endpoint, EndpointConfig, Environment};
use gateway_transport::{Origin, Transport};

use super::{ThroughRoute, no_gate};
use crate::respond::Failure;

/// A provider that can be asked in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThroughProvider {
    /// What stands at the beginning of the path.
    pub prefix: &'static str,
    /// The provider's name.
    pub name: &'static str,
    /// The dialect of errors that are ours.
    pub dialect: Dialect,
    /// Variables of the environment of which one says that it is to be asked with credentials from there.
    pub variables: &'static [&'static str],
}

/// All of them, by the beginnings of their paths.
pub(crate) const PROVIDERS: &[ThroughProvider] = &[
    provider(
        "/anthropic/",
        "anthropic",
        Dialect::AnthropicMessages,
        ANTHROPIC,
    ),
    provider("/openai/", "openai", Dialect::OpenAiChat, OPENAI),
    provider(
        "/openai_passthrough/",
        "openai",
        Dialect::OpenAiChat,
        OPENAI,
    ),
    provider("/azure/", "azure", Dialect::OpenAiChat, AZURE),
    provider("/vertex_ai/", "vertex_ai", Dialect::Gemini, VERTEX),
    provider("/vertex-ai/", "vertex_ai", Dialect::Gemini, VERTEX),
    provider("/gemini/", "gemini", Dialect::Gemini, GEMINI),
    provider("/bedrock/", "bedrock", Dialect::BedrockConverse, BEDROCK),
];

// One of them must be set for the environment to be asked: credentials may be found without it, where nobody meant it.
const ANTHROPIC: &[&str] = &["ANTHROPIC_API_KEY"];
const OPENAI: &[&str] = &["OPENAI_API_KEY"];
const AZURE: &[&str] = &["AZURE_API_BASE"];
const VERTEX: &[&str] = &["VERTEXAI_LOCATION"];
const GEMINI: &[&str] = &["GEMINI_API_KEY", "GOOGLE_API_KEY"];
const BEDROCK: &[&str] = &[
    "AWS_REGION",
    "AWS_REGION_NAME",
    "AWS_DEFAULT_REGION",
    "AWS_BEDROCK_RUNTIME_ENDPOINT",
];

const fn provider(
    prefix: &'static str,
    name: &'static str,
    dialect: Dialect,
    variables: &'static [&'static str],
) -> ThroughProvider {
    ThroughProvider {
        prefix,
        name,
        dialect,
        variables,
    }
}

/// Who is asked for each provider.
#[derive(Debug, Default)]
pub(crate) struct Gates(Vec<Gate>);

/// One set of credentials at one address.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(super) endpoint: Endpoint,
    pub(super) origin: Origin,
    /// Vertex: the location.
    location: Option<String>,
}

impl Gates {
    /// Those of `marked` deployments, then those of the environment.
    pub(crate) fn open<'a>(
        marked: impl Iterator<Item = &'a EndpointConfig>,
        environment: &Environment,
        is_set: impl Fn(&str) -> bool,
        transport: &Transport,
    ) -> Self {
        let mut gates: Vec<Gate> = marked
            .filter_map(|config| Gate::open(config.clone(), environment, transport))
            .collect();
        let mut last = "";
        for provider in PROVIDERS {
            // One that has two prefixes stands twice.
            if provider.name != last && provider.variables.iter().any(|name| is_set(name)) {
                let config = EndpointConfig {
                    model: format!("{}/*", provider.name),
                    ..EndpointConfig::default()
                };
                gates.extend(Gate::open(config, environment, transport));
            }
            last = provider.name;
        }
        Self(gates)
    }

    /// Where they are, one for each.
    pub(crate) fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter().map(|gate| &gate.origin)
    }

    /// Who is asked for `route`.
    ///
    /// # Errors
    /// There are no credentials for it.
    pub(super) fn find(&self, route: &ThroughRoute) -> Result<&Gate, Failure> {
        let mut gates = self
            .0
            .iter()
            .filter(|gate| gate.endpoint.provider() == route.provider.name);
        let place = location(&route.path);
        let found = match place {
            None => gates.next(),
            Some(place) => gates.find(|gate| {
                let own = gate.location.as_deref();
                own.is_none_or(|own| own == place)
            }),
        };
        found.ok_or_else(|| no_gate(&route.provider))
    }
}

impl Gate {
    fn open(
        config: EndpointConfig,
        environment: &Environment,
        transport: &Transport,
    ) -> Option<Self> {
        let location = config.vertex_location.clone();
        let endpoint = Endpoint::build(config, environment)
            .inspect_err(|error| tracing::debug!(%error, "no pass-through route"))
            .ok()?;
        if !endpoint.has_credentials() {
            return None;
        }
        let origin = transport.origin(endpoint.connect_spec()).ok()?;
        Some(Self {
            endpoint,
            origin,
            location,
        })
    }
}

/// The location that a path of Vertex names.
fn location(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("/locations/")?;
    rest.split('/').next()
}
