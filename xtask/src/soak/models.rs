//! The models of a soak: what clients ask for, and what stands behind it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::settings::Settings;

/// The dialect in which a client calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/chat/completions`
    Chat,
}

/// A model as clients see it.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) front: Front,
    /// How often it is chosen, relative to the others.
    pub(super) weight: u32,
}

/// Where the upstream of the soak listens; its process prints this as its first line.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Ports {
    /// HTTP/1.1 without TLS.
    pub(super) plain: u16,
    /// HTTP/1.1 with TLS.
    pub(super) tls: u16,
    /// HTTP/2 with TLS.
    pub(super) tls_http2: u16,
    /// Nobody listens here, and nobody else gets it.
    pub(super) nobody: u16,
}

/// One deployment: provider and wire.
struct Deployment {
    provider: Provider,
    wire: Wire,
    weight: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider {
    Vertex,
    Anthropic,
    OpenAi,
}

#[derive(Clone, Copy)]
enum Wire {
    Plain,
    Tls,
    TlsHttp2,
}

/// The original report is `/v1/messages` to Vertex: that is most of the load.
const DEPLOYMENTS: [Deployment; 8] = [
    Deployment::new(Provider::Vertex, Wire::Plain, 4),
    Deployment::new(Provider::Vertex, Wire::Tls, 2),
    Deployment::new(Provider::Vertex, Wire::TlsHttp2, 4),
    Deployment::new(Provider::Anthropic, Wire::Tls, 2),
    Deployment::new(Provider::Anthropic, Wire::TlsHttp2, 2),
    Deployment::new(Provider::OpenAi, Wire::Plain, 2),
    Deployment::new(Provider::OpenAi, Wire::Tls, 1),
    Deployment::new(Provider::OpenAi, Wire::TlsHttp2, 2),
];

impl Deployment {
    const fn new(provider: Provider, wire: Wire, weight: u32) -> Self {
        Self {
            provider,
            wire,
            weight,
        }
    }

    fn name(&self) -> String {
        let provider = match self.provider {
            Provider::Vertex => "vertex",
            Provider::Anthropic => "anthropic",
            Provider::OpenAi => "openai",
        };
        let wire = match self.wire {
            Wire::Plain => "h1",
            Wire::Tls => "h1-tls",
            Wire::TlsHttp2 => "h2-tls",
        };
        format!("{provider}-{wire}")
    }

    const fn front(&self) -> Front {
        match self.provider {
            Provider::OpenAi => Front::Chat,
            Provider::Vertex | Provider::Anthropic => Front::Messages,
        }
    }

    /// The lines of its entry in `model_list`.
    fn yaml(&self, ports: Ports, files: &Files<'_>, foreign: bool) -> String {
        let (scheme, port) = match self.wire {
            Wire::Plain => ("http", ports.plain),
            Wire::Tls => ("https", ports.tls),
            Wire::TlsHttp2 => ("https", ports.tls_http2),
        };
        let (model, rest) = match self.provider {
            Provider::Vertex => (
                "vertex_ai/claude-soak",
                format!(
                    "vertex_project: soak\n      vertex_location: us-east5\n      vertex_credentials: {}",
                    files.service_account.display()
                ),
            ),
            Provider::Anthropic => (
                "anthropic/claude-soak",
                "api_key: sk-soak-upstream".to_owned(),
            ),
            Provider::OpenAi => ("openai/gpt-soak", "api_key: sk-soak-upstream".to_owned()),
        };
        // The OpenAI convention: `api_base` carries the version. The other name of this machine makes other origins.
        let (host, path) = match self.provider {
            Provider::OpenAi => ("localhost", "/v1"),
            Provider::Vertex if foreign => ("127.0.0.1", VERTEX_PATH),
            Provider::Vertex | Provider::Anthropic => ("127.0.0.1", "/"),
        };
        format!(
            "  - model_name: {}\n    litellm_params:\n      model: {model}\n      \
             api_base: {scheme}://{host}:{port}{path}\n      {rest}\n{}",
            self.name(),
            if foreign {
                String::new()
            } else {
                self.tls(files)
            },
        )
    }

    /// How it is connected to, in words that only our gateway needs.
    fn tls(&self, files: &Files<'_>) -> String {
        let (authority, identity) = (files.authority.display(), files.identity.display());
        // The one whose upstream takes both changes it under the streams.
        let http2 = match self.wire {
            Wire::Tls => "      http2: auto\n",
            Wire::Plain | Wire::TlsHttp2 => "",
        };
        format!("      ssl_verify: {authority}\n      ssl_certificate: {identity}\n{http2}")
    }
}

/// Files that the configuration names.
#[derive(Debug)]
pub(super) struct Files<'a> {
    /// The certificate authority of the upstream, as PEM.
    pub(super) authority: &'a Path,
    /// The certificate that the gateway shows to the upstream, with its key.
    pub(super) identity: &'a Path,
    /// A Google service account whose key and token endpoint are ours.
    pub(super) service_account: &'a Path,
}

/// The models that clients choose from.
pub(super) fn models(settings: &Settings) -> Vec<Model> {
    if let Some(target) = &settings.target {
        return target.models.iter().map(|name| foreign(name)).collect();
    }
    DEPLOYMENTS
        .iter()
        .map(|deployment| Model {
            name: deployment.name(),
            front: deployment.front(),
            weight: deployment.weight,
        })
        .collect()
}

/// The model of somebody else's gateway: the dialect is said, known, or guessed from the name.
fn foreign(name: &str) -> Model {
    let known = DEPLOYMENTS
        .iter()
        .find(|deployment| deployment.name() == name);
    let (front, name) = match name.split_once(':') {
        Some(("messages", name)) => (Front::Messages, name),
        Some(("chat", name)) => (Front::Chat, name),
        _ if name.contains("claude") || name.contains("anthropic") => (Front::Messages, name),
        _ => (known.map_or(Front::Chat, Deployment::front), name),
    };
    Model {
        name: name.to_owned(),
        front,
        weight: 1,
    }
}

/// A LiteLLM `config.yaml` for our gateway; its own section is one that LiteLLM passes over.
pub(super) fn config(settings: &Settings, ports: Ports, files: &Files<'_>) -> String {
    let entries = DEPLOYMENTS
        .iter()
        .map(|deployment| deployment.yaml(ports, files, false));
    // With a fault the lifetimes end together, as they do in a process that caches one client.
    let jitter = if settings.sabotage.is_some() {
        0.0
    } else {
        0.1
    };
    format!(
        "# Written by `cargo xtask soak`.\nmodel_list:\n{}router_settings:\n  client_ttl: {}\n\
         general_settings:\n  master_key: {MASTER_KEY}\n\
         gateway:\n  heartbeat_seconds: 15\n  transport:\n    ttl_jitter: {jitter}\n    max_connections: 20000\n",
        entries.collect::<String>(),
        settings.ttl.as_secs(),
    )
}

/// The same load for a gateway that somebody else runs: only what needs no certificate of ours.
pub(super) fn foreign_config(settings: &Settings, ports: Ports, files: &Files<'_>) -> String {
    let plain = DEPLOYMENTS
        .iter()
        .filter(|deployment| matches!(deployment.wire, Wire::Plain));
    let target = settings.target.as_ref();
    // A key that somebody chose is not written down: the gateway takes it from where the soak takes it.
    let key = if target.is_some_and(|target| target.api_key != MASTER_KEY) {
        format!("os.environ/{KEY_VARIABLE}")
    } else {
        MASTER_KEY.to_owned()
    };
    format!(
        "# Written by `cargo xtask soak --target`: a LiteLLM configuration whose upstream is the soak's own.\n\
         model_list:\n{}router_settings:\n  client_ttl: {}\ngeneral_settings:\n  master_key: {key}\n",
        plain
            .map(|deployment| deployment.yaml(ports, files, true))
            .collect::<String>(),
        settings.ttl.as_secs(),
    )
}

/// The whole path of a stream on Vertex: releases of LiteLLM up to 1.83 at least call the `api_base` as it is.
const VERTEX_PATH: &str =
    "/v1/projects/soak/locations/us-east5/publishers/anthropic/models/claude-soak:streamRawPredict";
/// The environment variable of `--api-key`.
pub(super) const KEY_VARIABLE: &str = "SOAK_API_KEY";
/// The key of the gateway that the soak starts.
pub(super) const MASTER_KEY: &str = "sk-soak-master-key-for-loopback-only";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_model_is_called_in_its_dialect() {
        assert_eq!(foreign("claude-sonnet").front, Front::Messages);
        assert_eq!(foreign("gpt-5").front, Front::Chat);
        assert_eq!(foreign("vertex-h1").front, Front::Messages);
        let said = foreign("chat:claude-sonnet");
        assert_eq!(
            (said.front, said.name.as_str()),
            (Front::Chat, "claude-sonnet")
        );
    }

    #[test]
    fn a_key_that_somebody_chose_is_not_written_down() {
        let config = |line| {
            let settings = crate::soak::settings::tests::settings(line).unwrap();
            let ports = Ports {
                plain: 1,
                tls: 2,
                tls_http2: 3,
                nobody: 4,
            };
            let (authority, service_account) = (Path::new("ca.pem"), Path::new("account.json"));
            let files = Files {
                authority,
                identity: authority,
                service_account,
            };
            foreign_config(&settings, ports, &files)
        };
        let chosen = config("--target http://127.0.0.1:4000 --api-key sk-chosen");
        assert!(chosen.contains("os.environ/SOAK_API_KEY") && !chosen.contains("sk-chosen"));
        assert!(chosen.contains("claude-soak:streamRawPredict\n"));
        assert!(config("--target http://127.0.0.1:4000").contains(MASTER_KEY));
    }

    #[test]
    fn every_wire_and_provider_is_in_the_load() {
        let names: Vec<_> = DEPLOYMENTS.iter().map(Deployment::name).collect();
        assert!(names.contains(&"vertex-h2-tls".to_owned()));
        assert!(names.contains(&"openai-h1".to_owned()));
    }
}
