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
    /// Where its credentials are in the environment.
    pub variables: &'static str,
}

/// All of them, by the beginnings of their paths.
pub(crate) const PROVIDERS: &[ThroughProvider] = &[
    provider(
        "/anthropic/",
        "anthropic",
        Dialect::AnthropicMessages,
        "ANTHROPIC_API_KEY",
    ),
    provider("/openai/", "openai", Dialect::OpenAiChat, "OPENAI_API_KEY"),
    provider(
        "/openai_passthrough/",
        "openai",
        Dialect::OpenAiChat,
        "OPENAI_API_KEY",
    ),
    provider(
        "/azure/",
        "azure",
        Dialect::OpenAiChat,
        "AZURE_API_BASE and AZURE_API_KEY",
    ),
    provider(
        "/vertex_ai/",
        "vertex_ai",
        Dialect::Gemini,
        "VERTEXAI_PROJECT and VERTEXAI_LOCATION",
    ),
    provider(
        "/vertex-ai/",
        "vertex_ai",
        Dialect::Gemini,
        "VERTEXAI_PROJECT and VERTEXAI_LOCATION",
    ),
    provider("/gemini/", "gemini", Dialect::Gemini, "GEMINI_API_KEY"),
    provider(
        "/bedrock/",
        "bedrock",
        Dialect::BedrockConverse,
        "AWS_REGION and AWS credentials",
    ),
];

const fn provider(
    prefix: &'static str,
    name: &'static str,
    dialect: Dialect,
    variables: &'static str,
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
        transport: &Transport,
    ) -> Self {
        let mut gates: Vec<Gate> = marked
            .filter_map(|config| Gate::open(config.clone(), environment, transport))
            .collect();
        let mut names: Vec<&str> = PROVIDERS.iter().map(|it| it.name).collect();
        names.dedup();
        for name in names {
            // What the environment does not have is no error: nobody may ever ask.
            let config = EndpointConfig {
                model: format!("{name}/*"),
                ..EndpointConfig::default()
            };
            gates.extend(Gate::open(config, environment, transport));
        }
        Self(gates)
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
