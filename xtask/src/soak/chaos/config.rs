//! The gateway's configuration: groups of several deployments, with everything on that is there against failures.

use crate::soak::models::{Files, MASTER_KEY, Ports};
use crate::soak::settings::Settings;

/// A model group, and where its deployments are.
struct Group {
    name: &'static str,
    /// Model and first segment of the path of each deployment.
    deployments: &'static [(&'static str, At)],
    plain: bool,
    spare: Option<&'static str>,
}

/// Where a deployment is.
#[derive(Clone, Copy)]
enum At {
    Plain(&'static str),
    Tls(&'static str),
    Http2(&'static str),
    /// Nobody listens there.
    Nowhere,
}

const CHAT: &str = "openai/gpt-soak";
const MESSAGES: &str = "anthropic/claude-soak";

const GROUPS: &[Group] = &[
    Group {
        name: "chat",
        deployments: &[
            (CHAT, At::Plain("a")),
            (CHAT, At::Tls("b")),
            (CHAT, At::Http2("p")),
            (CHAT, At::Nowhere),
        ],
        plain: false,
        spare: Some("chat-spare"),
    },
    Group {
        name: "chat-spare",
        deployments: &[(CHAT, At::Plain("c")), (CHAT, At::Tls("d"))],
        plain: false,
        spare: None,
    },
    Group {
        name: "messages",
        deployments: &[
            (MESSAGES, At::Plain("e")),
            (MESSAGES, At::Tls("f")),
            (MESSAGES, At::Http2("q")),
            (MESSAGES, At::Nowhere),
        ],
        plain: false,
        spare: Some("messages-spare"),
    },
    Group {
        name: "messages-spare",
        deployments: &[(MESSAGES, At::Plain("g")), (MESSAGES, At::Tls("h"))],
        plain: false,
        spare: None,
    },
    Group {
        name: "chat-plain",
        deployments: &[(CHAT, At::Plain("i")), (CHAT, At::Http2("j"))],
        plain: true,
        spare: Some("chat-plain-spare"),
    },
    Group {
        name: "chat-plain-spare",
        deployments: &[(CHAT, At::Plain("k")), (CHAT, At::Tls("l"))],
        plain: true,
        spare: None,
    },
    Group {
        name: "messages-plain",
        deployments: &[(MESSAGES, At::Plain("m")), (MESSAGES, At::Tls("n"))],
        plain: true,
        spare: Some("messages-plain-spare"),
    },
    Group {
        name: "messages-plain-spare",
        deployments: &[(MESSAGES, At::Http2("o")), (MESSAGES, At::Nowhere)],
        plain: true,
        spare: None,
    },
];

/// A LiteLLM `config.yaml`.
pub(super) fn config(settings: &Settings, ports: Ports, files: &Files<'_>) -> String {
    let list: String = GROUPS
        .iter()
        .flat_map(|group| group.deployments.iter().map(move |it| (group, it)))
        .map(|(group, (model, at))| deployment(group, model, *at, ports, files))
        .collect();
    let fallbacks: String = GROUPS
        .iter()
        .filter_map(|group| Some(format!("    - {}: [{}]\n", group.name, group.spare?)))
        .collect();
    format!(
        "# Written by `cargo xtask soak --chaos`.\nmodel_list:\n{list}router_settings:\n  timeout: {}\n  \
         stream_timeout: {SILENCE}\n  stream_idle_timeout: {SILENCE}\n  connect_timeout: {SILENCE}\n  num_retries: {RETRIES}\n  \
         allowed_fails: {}\n  cooldown_time: 1\n  client_ttl: {}\n  fallbacks:\n{fallbacks}\
         litellm_settings:\n  json_logs: true\ngeneral_settings:\n  master_key: {MASTER_KEY}\n\
         gateway:\n  retry_budget:\n    share: 0.5\n    per_second: 50\n  transport:\n    max_connections: 20000\n",
        if settings.short { 10 } else { 15 },
        // Failures count until none has come for the cooldown's time, so at this rate everybody is set aside in turn: rarely
        // enough that most calls find somebody, and those who are not there at all most of all.
        settings.streams * 5,
        settings.ttl.as_secs(),
    )
}

fn deployment(group: &Group, model: &str, at: At, ports: Ports, files: &Files<'_>) -> String {
    // The OpenAI convention: `api_base` carries the version.
    let version = if model == CHAT { "/v1" } else { "" };
    let base = match at {
        At::Plain(segment) => format!("http://127.0.0.1:{}/{segment}{version}", ports.plain),
        At::Tls(segment) => format!("https://localhost:{}/{segment}{version}", ports.tls),
        At::Http2(segment) => {
            format!("https://localhost:{}/{segment}{version}", ports.tls_http2)
        }
        At::Nowhere => format!("http://127.0.0.1:{}{version}", ports.nobody),
    };
    // A stream may last; a plain answer that does not come at once does not come.
    let limit = match group.plain {
        true => format!("\n      timeout: {SILENCE}"),
        false => String::new(),
    };
    format!(
        "  - model_name: {}\n    litellm_params:\n      model: {model}\n      api_base: {base}\n      \
         api_key: sk-soak-upstream\n      cooldown_time: 1\n      ssl_verify: {}\n      ssl_certificate: {}{limit}\n",
        group.name,
        files.authority.display(),
        files.identity.display(),
    )
}

/// Tries of one call, at the most: its group and the one to fall back to, each with all retries.
pub(super) const MOST_SENDS: usize = 2 * (1 + RETRIES);
/// Seconds after which silence is a fault: far more than an answer takes, even where processors are scarce.
const SILENCE: u32 = 3;
/// Tries of one group after the first.
const RETRIES: usize = 2;
