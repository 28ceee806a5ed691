//! From what was said to what the program needs.

mod calls; // Aliases, and how much is taken on.
mod drain; // How the process ends.
mod metrics; // How they are told.
mod routing; // Timers, retries, cooldowns, strategies.
mod telemetry; // The log, and traces.

pub(super) use calls::aliases;

use super::checks::Checks;
use super::deployment::{self, DeploymentSettings, connect};
use super::environment::Environment;
use super::layers::Layers;
use super::problem::{Code, Place, Report};
use super::routing::{Names, written};
use super::said::{FlagOrText, Said};
use super::secrets::secret;
use super::settings::{
    Admin, Auth, Exposure, Heartbeats, Limits, Listen, Settings, TlsFiles, TransportSettings,
};
use super::tree::Node;
use super::{Depth, SingleModel, Sources};
use gateway_core::Secret;
use gateway_providers::{ConnectOptions, EndpointConfig};
use gateway_router::DeploymentConfig;
use gateway_transport::{Http2Mode, Roots};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

/// Puts the settings together. What does not fit goes to the report; then the result is not used.
pub(super) fn settings(
    said: &Said,
    layers: &Layers,
    root: &Node,
    environment: &Environment,
    sources: &Sources,
    report: &mut Report,
) -> Settings {
    let facts = Facts { said, layers, root };
    let connect = facts.connect(report);
    let mut deployments = deployment::all(root, &connect, report);
    deployments.extend(
        sources
            .single
            .iter()
            .flat_map(|single| configless(single, &connect)),
    );
    credential_files(&deployments, environment, report);
    let spoken = match sources.depth {
        Depth::Settings => Vec::new(),
        Depth::Endpoints => deployment::build_all(root, &deployments, environment, report),
    };
    let auth = facts.auth(report);
    let exposure = facts.exposure(&auth);
    let aliases = aliases(root, &deployments, report);
    let names = Names::new(&deployments, &aliases, &spoken);
    let written = written(root, &names, report);
    let workers = facts.workers(report);
    Settings {
        listen: facts.listen(&exposure, report),
        exposure,
        mocks: facts.mocks(&auth),
        auth,
        admin: facts.admin(report),
        workers,
        limits: facts.limits(),
        admission: facts.admission(workers),
        routing: facts.routing(written, report),
        slow_client: facts.slow_client(report),
        heartbeats: facts.heartbeats(),
        checks: Checks::said(&said.general_settings),
        drain: facts.drain(sources.demo),
        watch: said.gateway.reload.watch,
        log: facts.log(),
        tracing: facts.tracing(&connect, environment, report),
        transport: facts.transport(connect),
        metrics: facts.metrics(),
        aliases,
        deployments,
        demo: sources.demo,
        environment: environment.clone(),
    }
}

/// What was said, and where.
struct Facts<'a> {
    said: &'a Said,
    layers: &'a Layers,
    root: &'a Node,
}

impl Facts<'_> {
    fn place(&self, path: &str) -> Place {
        self.layers.place(path, self.root).unwrap_or(Place::Nowhere)
    }

    fn connect(&self, report: &mut Report) -> ConnectOptions {
        let (gateway, litellm) = (&self.said.gateway.transport, &self.said.litellm_settings);
        let mut connect = ConnectOptions {
            http2: connect::http2(&gateway.http2),
            ..ConnectOptions::default()
        };
        connect.tls.roots = match gateway.roots.as_str() {
            "system" => Roots::System,
            "bundled" => Roots::Bundled,
            path => Roots::File(
                connect::readable(path, &self.place("gateway.transport.roots"), report).into(),
            ),
        };
        if litellm.http2 == Some(false) {
            connect.http2 = Http2Mode::Never;
        }
        let (flag, path) = match &litellm.ssl_verify {
            Some(FlagOrText::Flag(flag)) => (Some(*flag), None),
            Some(FlagOrText::Text(text)) => {
                (Node::text(text.as_str()).as_bool(), Some(text.as_str()))
            }
            None => (None, None),
        };
        connect::verify(
            &mut connect,
            flag,
            path,
            &self.place("litellm_settings.ssl_verify"),
            report,
        );
        if let Some(path) = &litellm.ssl_certificate {
            connect::identity(
                &mut connect,
                path,
                &self.place("litellm_settings.ssl_certificate"),
                report,
            );
        }
        connect
    }

    fn auth(&self, report: &mut Report) -> Auth {
        let general = &self.said.general_settings;
        let place = self.place("general_settings.master_key");
        let master_key = general
            .master_key
            .as_ref()
            .and_then(|key| secret(key.expose(), &place, report));
        Auth {
            master_key,
            // The table has checked that it is a header name.
            key_header: general
                .litellm_key_header_name
                .as_deref()
                .and_then(|name| http::HeaderName::try_from(name).ok()),
            public_routes: general.public_routes.clone(),
            drain_token: self.drain_token(report),
        }
    }

    fn exposure(&self, auth: &Auth) -> Exposure {
        let why = match auth.master_key.as_ref().map(Secret::expose) {
            None => "no master key is set",
            Some("sk-1234") => "the master key is the published example `sk-1234`",
            Some(_) => return Exposure::AsConfigured,
        };
        if self
            .said
            .general_settings
            .dangerously_permit_weak_or_unset_master_key
        {
            return Exposure::AsConfigured;
        }
        Exposure::LoopbackOnly {
            why: why.to_owned(),
        }
    }

    fn listen(&self, exposure: &Exposure, report: &mut Report) -> Listen {
        let gateway = &self.said.gateway;
        let mut address = self.address(
            &gateway.listen.host,
            gateway.listen.port,
            "gateway.listen.host",
            report,
        );
        if let Exposure::LoopbackOnly { why } = exposure
            && !address.ip().is_loopback()
        {
            let place = self.place("general_settings.master_key");
            let message = format!(
                "{why}: the gateway listens on 127.0.0.1 only, not on {}",
                address.ip()
            );
            report.warn(Code::Weak, place, message).hint(
                "set general_settings.master_key or LITELLM_MASTER_KEY (or dangerously_permit_weak_or_unset_master_key)",
            );
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Listen {
            address,
            tls: self.tls(report),
            head_timeout: seconds(gateway.head_timeout),
            keepalive_timeout: seconds(gateway.keepalive_timeout),
        }
    }

    /// A name is looked up, which may block; an address is not.
    fn address(&self, host: &str, port: u16, path: &str, report: &mut Report) -> SocketAddr {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match (bare, port)
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next())
        {
            Some(address) => address,
            None => {
                let message =
                    format!("`{path}`: this is neither an address nor a name that resolves to one");
                report.error(Code::InvalidValue, self.place(path), message);
                SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
            }
        }
    }

    fn workers(&self, report: &mut Report) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self.said.gateway.workers.unwrap_or(cores);
        if workers > cores {
            let message = format!(
                "{workers} workers on {cores} cores: each is a thread with its own event loop, so more of them only wait for each other"
            );
            report.warn(Code::Weak, self.place("gateway.workers"), message);
        }
        workers
    }

    fn tls(&self, report: &mut Report) -> Option<TlsFiles> {
        let listen = &self.said.gateway.listen;
        let (cert, key) = ("gateway.listen.tls_cert", "gateway.listen.tls_key");
        match (&listen.tls_cert, &listen.tls_key) {
            (None, None) => None,
            (Some(certificate), Some(private)) => Some(TlsFiles {
                certificate: connect::readable(certificate, &self.place(cert), report).into(),
                key: connect::readable(private, &self.place(key), report).into(),
                origin: report.describe(&self.place(cert)),
            }),
            (Some(_), None) => {
                report.error(
                    Code::Missing,
                    self.place(cert),
                    "a TLS certificate needs its key (`gateway.listen.tls_key`)",
                );
                None
            }
            (None, Some(_)) => {
                report.error(
                    Code::Missing,
                    self.place(key),
                    "a TLS key needs its certificate (`gateway.listen.tls_cert`)",
                );
                None
            }
        }
    }

    fn admin(&self, report: &mut Report) -> Admin {
        let admin = &self.said.gateway.admin;
        let listen = admin
            .port
            .map(|port| self.address(&admin.host, port, "gateway.admin.host", report));
        Admin {
            enabled: admin.enabled,
            listen,
        }
    }

    fn limits(&self) -> Limits {
        let gateway = &self.said.gateway;
        // LiteLLM's key counts if it is given: mebibytes, fractions allowed.
        let body = match self.said.general_settings.max_request_size_mb {
            Some(megabytes) => Duration::try_from_secs_f64(megabytes)
                .map_or(0, |exact| exact.as_micros() * MEBIBYTE / 1_000_000),
            None => gateway.max_body_bytes.into(),
        };
        Limits {
            max_body_bytes: usize::try_from(body).unwrap_or(usize::MAX).max(1),
            max_event_bytes: usize::try_from(gateway.max_event_bytes).unwrap_or(usize::MAX),
        }
    }

    fn heartbeats(&self) -> Heartbeats {
        let (litellm, gateway) = (&self.said.litellm_settings, &self.said.gateway);
        let router = self.said.router_settings.keepalive_seconds;
        let shared = router.map(|said| deployment::heartbeat(seconds(said)));
        let interval = |own: Option<f64>| {
            let own = own.map(seconds).or(shared);
            Some(own.unwrap_or_else(|| seconds(gateway.heartbeat_seconds)))
                .filter(|interval| !interval.is_zero())
        };
        Heartbeats {
            openai: interval(litellm.sse_keepalive_ping_interval_seconds),
            anthropic: interval(litellm.anthropic_sse_ping_interval_seconds),
        }
    }

    fn transport(&self, connect: ConnectOptions) -> TransportSettings {
        let said = &self.said.gateway.transport;
        let ttl = self.said.router_settings.client_ttl.unwrap_or(TTL_SECONDS);
        TransportSettings {
            ttl: Some(seconds(ttl)).filter(|ttl| !ttl.is_zero()),
            ttl_jitter: said.ttl_jitter,
            idle_timeout: seconds(said.idle_timeout),
            max_connections: said.max_connections,
            max_waiting: said.max_waiting,
            h2_max_streams: said.h2_max_streams,
            prewarm_max: said.prewarm_max,
            drain_deadline: said.drain_deadline.map(seconds),
            dns_check: said.dns_check.map(seconds),
            connect,
        }
    }
}

/// `--model NAME` without a configuration: that model serves its own name and every other one.
fn configless(single: &SingleModel, connect: &ConnectOptions) -> [DeploymentSettings; 2] {
    let deployment = |group: &str| DeploymentSettings {
        config: DeploymentConfig {
            group: group.to_owned(),
            endpoint: EndpointConfig {
                model: single.model.clone(),
                api_base: single.api_base.clone(),
                api_version: single.api_version.clone(),
                connect: connect.clone(),
                ..EndpointConfig::default()
            },
            ..DeploymentConfig::default()
        },
        origin: String::from("command line --model"),
        ..DeploymentSettings::default()
    };
    [deployment(&single.model), deployment("*")]
}

/// Google's credentials may be a path. Whether it can be read is found out when the deployment is built.
fn credential_files(
    deployments: &[DeploymentSettings],
    environment: &Environment,
    report: &mut Report,
) {
    let configured = deployments.iter().filter_map(|deployment| {
        let said = deployment.config.endpoint.vertex_credentials.as_ref()?;
        Some(said.expose())
    });
    let variables = GOOGLE_CREDENTIALS.iter();
    let paths = configured.chain(variables.filter_map(|name| environment.non_empty(name)));
    for path in paths.map(str::trim).filter(|said| !said.starts_with('{')) {
        let _unreadable = report.sources.count(Path::new(path));
    }
}

/// The tables keep seconds finite, positive and below ten years.
fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

/// Variables that may hold the path of Google's credentials.
const GOOGLE_CREDENTIALS: &[&str] = &["VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"];
const TTL_SECONDS: f64 = 3600.0;
const MEBIBYTE: u128 = 1 << 20;
