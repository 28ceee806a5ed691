//! LiteLLM's environment variables: which of them mean something here.

use super::super::layers;
use super::super::problem::Place;
use super::super::suggest::nearest;
use super::{Finding, Grade, advice, not_supported, plain};

/// What becomes of a variable; `None` if it is not LiteLLM's own.
pub(super) fn judge(name: &str) -> Option<Finding> {
    let place = Place::Variable(name.to_owned());
    let honored = name == "CONFIG_FILE_PATH"
        || layers::VARIABLES.iter().any(|(known, ..)| *known == name)
        || HARMLESS.iter().any(|pattern| matches(pattern, name));
    if honored {
        return Some(plain(Grade::Honored, name.to_owned(), place));
    }
    if let Some((_, consequence, instead)) = IGNORED.iter().find(|row| matches(row.0, name)) {
        let instead = instead.or_else(|| advice::of(consequence));
        return Some(Finding {
            instead: instead.map(str::to_owned),
            ..not_supported(name.to_owned(), place, consequence)
        });
    }
    if !name.starts_with("LITELLM_") {
        return None;
    }
    let known = layers::VARIABLES.iter().map(|(known, ..)| *known);
    let near = nearest(name, known).map(|near| format!("did you mean {near}?"));
    Some(Finding {
        text: Some(String::from("this variable is not read")),
        instead: near,
        ..plain(Grade::Unknown, name.to_owned(), place)
    })
}

/// A name, or with `*` at the end all that begin so.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

/// They do what they do in LiteLLM, or nothing, and nobody can tell.
const HARMLESS: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "LITELLM_SALT_KEY",
    "LITELLM_LICENSE",
    "LITELLM_MODE",
    "LITELLM_HTTP2",
    "LITELLM_LOCAL_*",
    "LITELLM_DISABLE_*",
    "LITELLM_TELEMETRY",
    // Those that mean nothing here are said by the check.
    "OTEL_*",
    "NO_DOCS",
    "NO_REDOC",
    "NO_OPENAPI",
    "DISABLE_SCHEMA_UPDATE",
    "USE_PRISMA_MIGRATE",
    "DISABLE_ADMIN_UI",
    "PROMETHEUS_MULTIPROC_DIR",
    "AIOHTTP_*",
    "DISABLE_AIOHTTP_TRANSPORT",
];

const DATABASE: &str =
    "there is no database: only the master key is accepted, spend and models are not stored";
const SHARED: &str = "nothing is shared between instances";
const CALLBACKS: &str = "callbacks are not called";
const SIGN_ON: &str = "there is no single sign-on";
const SECRETS: &str = "secrets come from the environment or from files (`file:/path`)";
const RESTART: &str = "the process never restarts itself";

/// The variable, what follows, and what to do instead where the tables of keys do not say it.
const IGNORED: &[(&str, &str, Option<&str>)] = &[
    ("DATABASE_*", DATABASE, None),
    ("DIRECT_URL", DATABASE, None),
    ("IAM_TOKEN_DB_AUTH", DATABASE, None),
    ("AZURE_POSTGRESQL_AUTH", DATABASE, None),
    (
        "STORE_MODEL_IN_DB",
        "models come from the configuration only",
        None,
    ),
    ("REDIS_*", SHARED, None),
    ("SLACK_WEBHOOK_URL", "no alerts are sent", None),
    ("SMTP_*", "no alerts are sent", None),
    ("LANGFUSE_*", CALLBACKS, None),
    ("LANGSMITH_*", CALLBACKS, None),
    ("SENTRY_*", CALLBACKS, None),
    ("DD_API_KEY", CALLBACKS, None),
    ("HELICONE_*", CALLBACKS, None),
    ("ARIZE_*", CALLBACKS, None),
    ("UI_USERNAME", "there is no user interface", None),
    ("UI_PASSWORD", "there is no user interface", None),
    ("PROXY_BASE_URL", SIGN_ON, None),
    ("GOOGLE_CLIENT_*", SIGN_ON, None),
    ("MICROSOFT_*", SIGN_ON, None),
    ("GENERIC_*", SIGN_ON, None),
    (
        "JWT_PUBLIC_KEY_URL",
        "tokens are not accepted, only the master key",
        None,
    ),
    ("AZURE_KEY_VAULT_URI", SECRETS, None),
    ("HCP_VAULT_*", SECRETS, None),
    ("CYBERARK_*", SECRETS, None),
    ("LITELLM_SECRET_*", SECRETS, None),
    (
        "LITELLM_CONFIG_BUCKET_*",
        "the configuration is a file of this machine",
        Some("copy it before the start, for example in an init container"),
    ),
    (
        "LITELLM_ENVIRONMENT",
        "this deployment serves in every environment",
        None,
    ),
    (
        "LITELLM_DROP_PARAMS",
        "parameters are dropped where the configuration says so",
        Some("`litellm_settings.drop_params: true`"),
    ),
    (
        "SERVER_ROOT_PATH",
        "routes begin at `/`",
        Some("take the prefix away in the load balancer"),
    ),
    ("MAX_REQUESTS_BEFORE_RESTART*", RESTART, None),
    ("TIMEOUT_WORKER_HEALTHCHECK", RESTART, None),
    (
        "DEFAULT_NUM_WORKERS_LITELLM_PROXY",
        "this variable is not read",
        Some("NUM_WORKERS"),
    ),
    (
        "DEBUG",
        "this variable is not read",
        Some("LITELLM_LOG=DEBUG"),
    ),
    (
        "DETAILED_DEBUG",
        "this variable is not read",
        Some("LITELLM_LOG=DEBUG"),
    ),
];
