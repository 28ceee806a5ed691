//! Which path is what.

use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::Method;

use crate::edge::Scope;
use crate::pass_through::{PROVIDERS, ThroughRoute};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// A call.
    Call(CallRoute),
    /// A request for a provider, in its own words.
    Through(ThroughRoute),
    /// The list of models.
    Models(ModelShape),
    /// One of them.
    Model(String, ModelShape),
    /// The process works.
    Liveness,
    /// The process takes calls.
    Readiness,
    /// How the deployments are.
    Health,
    /// Prometheus.
    Metrics,
    /// The page for operators.
    Page,
    /// The pools, their generations and what runs on them.
    Pools,
    /// New generations for them.
    Rotate,
    /// Reads the configuration again.
    Reload,
    /// What the log takes, and another filter for it.
    Log,
    /// What would happen to a call.
    Explain,
    /// Sets the deployment with this id aside, or brings it back.
    Cooldown(String),
    /// Drains the deployment with this id, or brings it back.
    Drain(String),
    /// Ends the stream with this name.
    Cut(String),
    /// The state of everything.
    Status,
    /// The last fifteen minutes.
    Timeline,
    /// Both, as they change.
    Live,
    /// Hands the service over to a new process.
    Upgrade,
    /// Drains the process, by the operator's key.
    OrderDrain,
    /// The same, by a token of its own.
    HealthDrain,
    /// How many calls are under way.
    Backlog,
    /// Probes of clients that only want to know whether somebody is here.
    Root,
}

/// A call, as far as its path tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallRoute {
    /// The front end.
    pub dialect: Dialect,
    /// The model's name, where the path has it: then it is the one that counts.
    pub model: Option<String>,
    /// Whether the answer shall be a stream, where the path says it.
    pub stream: Option<bool>,
}

/// Whose shape a list of models has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelShape {
    /// That of the client, as its headers tell.
    OfHeaders,
    /// Google's.
    Gemini,
}

impl CallRoute {
    const fn of(dialect: Dialect) -> Route {
        Route::Call(Self {
            dialect,
            model: None,
            stream: None,
        })
    }
}

impl Route {
    pub(super) fn is_in(&self, scope: Scope) -> bool {
        match self {
            Self::Page
            | Self::Pools
            | Self::Rotate
            | Self::Reload
            | Self::Log
            | Self::Explain
            | Self::Upgrade
            | Self::OrderDrain
            | Self::Cooldown(_)
            | Self::Drain(_)
            | Self::Cut(_)
            | Self::Status
            | Self::Timeline
            | Self::Live => scope != Scope::Calls,
            Self::Call(_) | Self::Through(_) | Self::Models(_) | Self::Model(..) => {
                scope != Scope::Admin
            }
            _ => true,
        }
    }

    /// Answered without a key.
    pub(super) fn is_public(&self) -> bool {
        matches!(
            self,
            Self::Liveness
                | Self::Readiness
                | Self::Metrics
                | Self::Page
                | Self::Root
                | Self::HealthDrain
        )
    }
}

/// What the path means, or what to tell the client.
pub(super) fn route(method: &Method, path: &str, scope: Scope) -> Result<Route, ErrorInfo> {
    let route = match_path(path).filter(|route| route.is_in(scope));
    let route = route.ok_or_else(|| {
        let message = format!("There is no route {path:?}.");
        ErrorInfo::new(ErrorKind::NotFound, message)
    })?;
    let wanted = match route {
        Route::Through(_) => return Ok(route),
        Route::Call(_)
        | Route::Rotate
        | Route::Reload
        | Route::Upgrade
        | Route::OrderDrain
        | Route::Cooldown(_)
        | Route::Drain(_)
        | Route::Cut(_) => Method::POST,
        // Who looks gets what it is, who sends something changes it.
        Route::Log if [Method::POST, Method::PUT].contains(method) => method.clone(),
        // The body of a POST is the request that is meant.
        Route::Explain if *method == Method::POST => Method::POST,
        _ => Method::GET,
    };
    let head_of_get = wanted == Method::GET && method == Method::HEAD;
    if *method == wanted || head_of_get {
        return Ok(route);
    }
    let message = format!("{path:?} answers {wanted}, not {method}.");
    let mut error = ErrorInfo::new(ErrorKind::InvalidRequest, message);
    error.status = 405;
    Err(error)
}

fn match_path(path: &str) -> Option<Route> {
    if let Some(dialect) = dialect(path.strip_prefix("/v1").unwrap_or(path)) {
        return Some(CallRoute::of(dialect));
    }
    Some(match path {
        "/" => Route::Root,
        "/v1/messages" => CallRoute::of(Dialect::AnthropicMessages),
        "/v1/messages/count_tokens" => CallRoute::of(Dialect::AnthropicCountTokens),
        "/openai/v1/responses" => CallRoute::of(Dialect::OpenAiResponses),
        "/v1/models" | "/models" => Route::Models(ModelShape::OfHeaders),
        "/v1beta/models" | "/v1alpha/models" => Route::Models(ModelShape::Gemini),
        "/health/liveliness" | "/health/liveness" => Route::Liveness,
        "/health/readiness" => Route::Readiness,
        "/health" => Route::Health,
        "/health/drain" => Route::HealthDrain,
        "/health/backlog" => Route::Backlog,
        "/metrics" => Route::Metrics,
        "/ui" | "/ui/" => Route::Page,
        "/admin/pools" => Route::Pools,
        "/admin/pools/rotate" => Route::Rotate,
        "/admin/reload" => Route::Reload,
        "/admin/log" => Route::Log,
        "/admin/explain" => Route::Explain,
        "/admin/status" => Route::Status,
        "/admin/timeline" => Route::Timeline,
        "/admin/live" => Route::Live,
        "/admin/upgrade" => Route::Upgrade,
        "/admin/drain" => Route::OrderDrain,
        _ => return match_named(path),
    })
}

/// Paths with a model's name in them.
fn match_named(path: &str) -> Option<Route> {
    for (prefix, shape) in MODELS {
        if let Some(id) = path.strip_prefix(prefix) {
            return match_gemini(id).or_else(|| Some(Route::Model(decode(id)?, *shape)));
        }
    }
    if let Some(rest) = path.strip_prefix("/admin/deployments/") {
        if let Some(id) = rest.strip_suffix("/cooldown") {
            return Some(Route::Cooldown(decode(id)?));
        }
        let id = rest.strip_suffix("/drain")?;
        return Some(Route::Drain(decode(id)?));
    }
    if let Some(rest) = path.strip_prefix("/admin/streams/") {
        return Some(Route::Cut(decode(rest.strip_suffix("/cut")?)?));
    }
    for prefix in ["/openai/deployments/", "/engines/"] {
        if let Some(rest) = path.strip_prefix(prefix) {
            let (model, tail) = rest.split_at(rest.find('/')?);
            let Some(dialect) = dialect(tail) else { break };
            return Some(Route::Call(CallRoute {
                dialect,
                model: Some(decode(model)?),
                stream: None,
            }));
        }
    }
    match_through(path)
}

/// Behind a provider's name, everything is its own.
fn match_through(path: &str) -> Option<Route> {
    let provider = PROVIDERS.iter().find(|it| path.starts_with(it.prefix))?;
    // The slash at the prefix's end begins the provider's path.
    let (_, path) = path.split_at_checked(provider.prefix.len() - 1)?;
    Some(Route::Through(ThroughRoute {
        provider: *provider,
        path: path.to_owned(),
    }))
}

/// `model:method`, as Google writes it. A model's name may hold colons, too.
fn match_gemini(rest: &str) -> Option<Route> {
    let (model, method) = rest.rsplit_once(':')?;
    let (dialect, stream) = match method {
        "generateContent" => (Dialect::Gemini, false),
        "streamGenerateContent" => (Dialect::Gemini, true),
        "countTokens" => (Dialect::GeminiCountTokens, false),
        _ => return None,
    };
    Some(Route::Call(CallRoute {
        dialect,
        model: Some(decode(model)?),
        stream: Some(stream),
    }))
}

/// The OpenAI dialects by the end of their path.
fn dialect(tail: &str) -> Option<Dialect> {
    match tail {
        "/chat/completions" => Some(Dialect::OpenAiChat),
        "/completions" => Some(Dialect::OpenAiCompletions),
        "/embeddings" => Some(Dialect::OpenAiEmbeddings),
        "/responses" => Some(Dialect::OpenAiResponses),
        _ => None,
    }
}

/// The dialect in which a path that leads nowhere is answered.
pub(super) fn dialect_of(path: &str) -> Dialect {
    if path.starts_with("/v1/messages") || path.starts_with("/anthropic") {
        Dialect::AnthropicMessages
    } else if path.starts_with("/v1beta/") || path.starts_with("/v1alpha/") {
        Dialect::Gemini
    } else {
        Dialect::OpenAiChat
    }
}

/// Resolves percent-encoding; `None` when what comes out is no text.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let encoded = (first == b'%').then(|| tail.split_at_checked(2)).flatten();
        let byte = encoded
            .and_then(|(hex, _)| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        rest = match (byte, encoded) {
            (Some(byte), Some((_, tail))) => {
                bytes.push(byte);
                tail
            }
            _ => {
                bytes.push(first);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok()
}

/// What stands before a model's name, and the shape in which it is described.
const MODELS: &[(&str, ModelShape)] = &[
    ("/v1/models/", ModelShape::OfHeaders),
    ("/models/", ModelShape::OfHeaders),
    ("/v1beta/models/", ModelShape::Gemini),
    ("/v1alpha/models/", ModelShape::Gemini),
];

#[cfg(test)]
mod tests;
