//! From settings to the parts that run.

use std::net::SocketAddr;
use std::sync::Arc;

use gateway_core::Secret;
use gateway_providers::{EndpointConfig, Environment};
use gateway_router::{Books, Catalog, CatalogConfig, DeploymentConfig};
use gateway_transport::{DnsWatch, Http2Config, Sabotage, Transport, TransportConfig};

use crate::auth::Keys;
use crate::call::{Configured, Mock, ShownDeployments};
use crate::config::{DeploymentSettings, Settings};
use crate::edge::{ConnectionLimits, Scope};
use crate::pass_through::Gates;
use crate::trace::TraceRules;
use crate::worker::{CallLimits, LeftOut, Snapshot, with_causes};

/// What the transport is told.
pub(crate) fn transport(settings: &Settings) -> TransportConfig {
    let said = &settings.transport;
    TransportConfig {
        ttl: said.ttl,
        ttl_jitter: said.ttl_jitter,
        idle_timeout: said.idle_timeout,
        max_connections: said.max_connections,
        max_waiting: said.max_waiting,
        prewarm_max: said.prewarm_max,
        drain_deadline: said.drain_deadline,
        dns: said.dns_check.map(|interval| DnsWatch {
            interval,
            grace: interval * DNS_GRACE,
        }),
        http2: Http2Config {
            max_streams: said.h2_max_streams,
            ..Http2Config::default()
        },
        connect_timeout: settings.routing.timers.connect.limit,
        pool_timeout: settings.routing.timers.pool.limit,
        sabotage: sabotage(settings),
        ..TransportConfig::default()
    }
}

/// What endpoints take from the process. One for its whole life: tokens in it serve every configuration.
pub(crate) fn environment(settings: &Settings) -> Environment {
    Environment::with_lookup(variables(settings))
}

/// The same for a new configuration, whose variables may be others.
pub(crate) fn changed_environment(before: &Environment, settings: &Settings) -> Environment {
    before.with_other_lookup(variables(settings))
}

fn variables(settings: &Settings) -> impl Fn(&str) -> Option<String> + Send + Sync + 'static {
    let variables = settings.environment.clone();
    move |name| variables.get(name).map(str::to_owned)
}

/// One configuration's snapshot. Deployments that cannot be used are left out, as LiteLLM does.
pub(crate) fn snapshot(
    settings: &Settings,
    environment: &Environment,
    transport: &Transport,
    books: &dyn Books,
) -> Snapshot {
    let deployments = settings.deployments.iter();
    let config = CatalogConfig {
        deployments: deployments.map(|it| it.config.clone()).collect(),
        aliases: settings.aliases.clone(),
        routing: settings.routing.clone(),
    };
    let (catalog, problems) = Catalog::build(config, books, environment, transport);
    let left_out = problems.iter().map(|problem| {
        let index = problem.index();
        let deployment = index.and_then(|index| settings.deployments.get(index));
        LeftOut {
            place: deployment.map(|it| it.origin.clone()),
            message: with_causes(problem),
        }
    });
    let problematic: Vec<LeftOut> = left_out.collect();
    let left_out = |at: &usize| problems.iter().any(|it| it.index() == Some(*at));
    let said = (settings.deployments.iter().enumerate())
        .filter(|(at, _)| !left_out(at))
        .map(|(_, said)| (said.config.group.trim(), configured(said)));
    Snapshot {
        shown: ShownDeployments::new(&catalog, said),
        catalog: Arc::new(catalog),
        gates: Gates::open(
            settings
                .deployments
                .iter()
                .filter(|it| it.pass_through)
                .map(|it| &it.config.endpoint),
            environment,
            |name| {
                settings
                    .environment
                    .get(name)
                    .is_some_and(|value| !value.is_empty())
            },
            transport,
        ),
        keys: Keys::new(
            settings.auth.master_key.clone(),
            settings.auth.key_header.clone(),
        )
        .with_drain(settings.auth.drain_token.clone()),
        limits: call_limits(settings),
        checks: settings.checks,
        connections: connection_limits(settings),
        left_out: problematic,
        tracing: TraceRules::new(settings, environment),
        metrics: settings.metrics,
    }
}

/// What a client's connection may do.
fn connection_limits(settings: &Settings) -> ConnectionLimits {
    ConnectionLimits {
        handshake: settings.listen.head_timeout,
        head: settings.listen.head_timeout,
        idle: settings.listen.keepalive_timeout,
        slow_client: settings.slow_client.limit,
        h2_streams: H2_STREAMS,
        head_bytes: HEAD_BYTES,
    }
}

/// What the public listener offers.
pub(crate) fn public_scope(settings: &Settings) -> Scope {
    if settings.admin.enabled && settings.admin.listen.is_none() {
        Scope::All
    } else {
        Scope::Calls
    }
}

/// Serves the embedded upstream under the name `demo`, in both families of dialects.
pub(crate) fn add_demo(settings: &mut Settings, upstream: SocketAddr) {
    for (model, path) in [("openai/demo", "/v1"), ("anthropic/demo", "")] {
        settings.deployments.push(DeploymentSettings {
            config: DeploymentConfig {
                group: "demo".to_owned(),
                endpoint: EndpointConfig {
                    model: model.to_owned(),
                    api_base: Some(format!("http://{upstream}{path}")),
                    api_key: Some(Secret::new("none".to_owned())),
                    ..EndpointConfig::default()
                },
                ..DeploymentConfig::default()
            },
            origin: "--demo".to_owned(),
            ..DeploymentSettings::default()
        });
    }
}

fn configured(said: &DeploymentSettings) -> Configured {
    Configured {
        mock: Mock::configured(said.mock.response.as_ref(), said.mock.timeout),
        heartbeat: said.heartbeat,
        check: said.check.clone(),
    }
}

fn call_limits(settings: &Settings) -> CallLimits {
    CallLimits {
        request_bytes: settings.limits.max_body_bytes,
        response_bytes: RESPONSE_BYTES,
        event_bytes: settings.limits.max_event_bytes,
        request_idle: settings.listen.head_timeout,
        heartbeat_openai: settings.heartbeats.openai,
        heartbeat_anthropic: settings.heartbeats.anthropic,
        mocks: settings.mocks,
    }
}

/// The soak must be able to fail: this variable switches on the fault that it looks for.
fn sabotage(settings: &Settings) -> Option<Sabotage> {
    let wanted = settings.environment.get(SABOTAGE)?;
    let sabotage = (wanted == "evict-closes").then_some(Sabotage::EvictCloses);
    tracing::warn!(
        on = sabotage.is_some(),
        "{SABOTAGE} is set: streams will be cut on purpose"
    );
    sabotage
}

/// An address may be missing from so many lookups in a row before it counts as gone.
const DNS_GRACE: u32 = 3;
/// Requests that one HTTP/2 client connection may have open.
const H2_STREAMS: u32 = 250;
/// Bytes of a request's head. Coding agents send long headers.
const HEAD_BYTES: usize = 96 * 1024;
/// Bytes of an answer in one piece.
const RESPONSE_BYTES: usize = 128 << 20;
/// Names a fault of [`Sabotage`]; for tests of tests.
const SABOTAGE: &str = "GATEWAY_SABOTAGE";

#[cfg(test)]
mod tests {
    use super::{environment, snapshot};
    use crate::config::{self, Environment, Sources};
    use gateway_router::{MemoryBooks, RequestTimers};
    use gateway_transport::{Transport, TransportConfig};
    use std::time::Duration;

    #[tokio::test]
    async fn what_a_file_says_of_routing_is_what_calls_are_routed_by() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../config/examples/timeouts.yaml"
        );
        let variables = ["AZURE_WEST_KEY", "OPENAI_API_KEY", "LITELLM_MASTER_KEY"];
        let variables: Environment = variables.map(|name| (name, "sk-own")).into_iter().collect();
        let sources = Sources {
            file: Some(path.into()),
            ..Sources::default()
        };
        let settings = config::load(&sources, &variables).settings.unwrap();
        let transport = Transport::single(TransportConfig::default());
        let books = MemoryBooks::default();
        let catalog = snapshot(&settings, &environment(&settings), &transport, &books).catalog;
        let routing = catalog.routing();
        assert_eq!(routing.timers.call.limit, Duration::from_secs(30));
        assert!(routing.fallbacks.general.contains_key("gpt-4o"));
        let fast = catalog.deployments().next().unwrap();
        assert_eq!(fast.retries, Some(5));
        let timers = routing
            .timers
            .attempt(&RequestTimers::default(), &fast.timers);
        let attempt = timers.attempt.unwrap();
        assert_eq!(attempt.limit, Duration::from_millis(100));
        let place = attempt.origin.to_string();
        assert!(place.contains("timeouts.yaml:"), "{place}");
        let first = timers.first_content.unwrap();
        assert_eq!(first.limit, Duration::from_millis(10));
    }
}
