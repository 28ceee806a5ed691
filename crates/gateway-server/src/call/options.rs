//! What a request says of how it wants to be served: in headers, which go first, and in fields of its body.

use std::sync::Arc;

use gateway_core::{Envelope, Limits};
use gateway_router::{CallOptions, Origin, RequestTimers, Routing, Target, Timer};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use super::mock::{self, Mock};
use crate::respond::Failure;
use crate::worker::Snapshot;

pub(super) mod read;

use read::{bad, field, flag, parse_count, parse_seconds, text, value};

/// What a request says, read.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// For the router.
    pub options: CallOptions,
    /// What is made up instead of asking a provider.
    pub mock: Option<Box<Mock>>,
    /// `include_fallback_errors`: an error tells how each attempt failed.
    pub tell_attempts: bool,
    /// The request without what in its `metadata` was meant for the gateway, where there is such a thing.
    pub envelope: Option<Envelope>,
}

/// The tags of a call.
type Tags = Vec<Box<str>>;

/// Reads everything that `headers` and the body say. Costs next to nothing when they say nothing.
///
/// # Errors
/// The failure to answer with: it names the header or the field that cannot be used.
pub(crate) fn read(
    headers: &HeaderMap,
    envelope: &Envelope,
    snapshot: &Snapshot,
) -> Result<Said, Failure> {
    let routing = snapshot.catalog.routing();
    let mut said = Said::default();
    said.options.stream = envelope.stream();
    read_headers(headers, routing, &mut said.options)?;
    if envelope.fields().any(is_read) {
        read_body(envelope, routing, &mut said)?;
        said.mock = mock::read(envelope, snapshot.limits.mocks)?;
    }
    if routing.pre_call_checks {
        said.options.input_tokens = Some(envelope.estimate_input_tokens());
    }
    Ok(said)
}

/// Whether a field of the body is one of those read here.
fn is_read(key: &str) -> bool {
    FIELDS.contains(&key) || key.starts_with(mock::PREFIX)
}

fn read_headers(
    headers: &HeaderMap,
    routing: &Routing,
    options: &mut CallOptions,
) -> Result<(), Failure> {
    for (name, value) in headers {
        // All that is read here begins like this, and little else does.
        let Some(rest) = name.as_str().strip_prefix("x-") else {
            continue;
        };
        let timers = &mut options.timers;
        match rest {
            "litellm-timeout" => header_timer(TIMEOUT, value, &mut timers.timeout)?,
            "litellm-stream-timeout" => {
                header_timer(STREAM_TIMEOUT, value, &mut timers.first_content)?;
            }
            "litellm-stream-idle-timeout" => header_timer(IDLE, value, &mut timers.idle)?,
            "litellm-num-retries" => options.retries = Some(header_count(RETRIES, value)?),
            "litellm-tags" => options.tags = header_tags(value)?,
            // The client's library says this of itself: what is no number is no reason to refuse a call.
            "stainless-retry-count" => {
                options.client_retries = header_count("", value).unwrap_or_default();
            }
            _ => {}
        }
    }
    if routing.tags.enabled {
        let agent = headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        options.user_agent = agent.map(Box::from);
    }
    Ok(())
}

fn header_timer(
    name: &'static str,
    value: &HeaderValue,
    timer: &mut Option<Timer>,
) -> Result<(), Failure> {
    let limit = value.to_str().ok().and_then(parse_seconds);
    let limit = limit.ok_or_else(|| bad(name, SECONDS))?;
    // Of a header that is there twice the first counts, as everywhere.
    timer.get_or_insert(Timer {
        limit,
        origin: Origin::Header(name),
    });
    Ok(())
}

fn header_count(name: &str, value: &HeaderValue) -> Result<u32, Failure> {
    let count = value.to_str().ok().and_then(parse_count);
    count.ok_or_else(|| bad(name, COUNT))
}

fn header_tags(value: &HeaderValue) -> Result<Tags, Failure> {
    let text = value.to_str().map_err(|_| bad(TAGS, "text"))?;
    Ok(split_tags(text))
}

fn split_tags(text: &str) -> Tags {
    let tags = text.split(',').map(str::trim);
    tags.filter(|tag| !tag.is_empty()).map(Box::from).collect()
}

fn read_body(envelope: &Envelope, routing: &Routing, said: &mut Said) -> Result<(), Failure> {
    let options = &mut said.options;
    body_timers(envelope, &mut options.timers)?;
    if options.retries.is_none() {
        options.retries = match field(envelope, "num_retries", parse_count, COUNT)? {
            Some(count) => Some(count),
            None => field(envelope, "max_retries", parse_count, COUNT)?,
        };
    }
    if let Some(fallbacks) = value(envelope, "fallbacks") {
        let asked = envelope.model().unwrap_or_default();
        let targets = targets(fallbacks, asked);
        options.fallbacks = Some(targets.ok_or_else(|| bad("fallbacks", TARGETS))?);
    }
    options.no_fallbacks = flag(envelope, "disable_fallbacks")?;
    options.region = text(envelope, "allowed_model_region")?;
    said.tell_attempts = flag(envelope, "include_fallback_errors")?;
    let tags = body_tags(envelope, &mut said.envelope)?;
    if options.tags.is_empty() && routing.tags.enabled {
        options.tags = tags;
    }
    Ok(())
}

fn body_timers(envelope: &Envelope, timers: &mut RequestTimers) -> Result<(), Failure> {
    let first = |names: &[&'static str]| -> Result<Option<Timer>, Failure> {
        for name in names {
            if let Some(limit) = field(envelope, name, parse_seconds, SECONDS)? {
                let origin = Origin::Body(name);
                return Ok(Some(Timer { limit, origin }));
            }
        }
        Ok(None)
    };
    let timeout = first(&["timeout", "request_timeout"])?;
    let first_content = first(&["stream_timeout", "ttft_timeout"])?;
    let idle = first(&["stream_idle_timeout"])?;
    timers.timeout = timers.timeout.take().or(timeout);
    timers.first_content = timers.first_content.take().or(first_content);
    timers.idle = timers.idle.take().or(idle);
    if timers.tier.is_none()
        && let Some(Value::String(tier)) = value(envelope, "service_tier")
    {
        // Whoever serves the call judges whether there is such a tier.
        timers.tier = Some(tier.into());
    }
    Ok(())
}

/// The tags of the body: the first of its three places that has any. What stands in `metadata` would be refused by
/// providers, so it is taken out there.
fn body_tags(envelope: &Envelope, changed: &mut Option<Envelope>) -> Result<Tags, Failure> {
    let top = match value(envelope, "tags") {
        None => Vec::new(),
        Some(Value::String(list)) => split_tags(&list),
        Some(Value::Array(list)) => tags(&list).ok_or_else(|| bad("tags", "a list of texts"))?,
        Some(_) => return Err(bad("tags", "a list of texts")),
    };
    let meant = metadata_tags(envelope, "litellm_metadata").map(|(tags, _)| tags);
    let mut tags = top;
    if let Some((found, rest)) = metadata_tags(envelope, "metadata") {
        let mut edit = envelope.edit();
        if rest.is_empty() {
            edit.remove("metadata");
        } else {
            edit.set("metadata", Value::Object(rest).to_string());
        }
        *changed = Envelope::parse(edit.finish(), Limits::default()).ok();
        if tags.is_empty() {
            tags = found;
        }
    }
    if tags.is_empty() {
        tags = meant.unwrap_or_default();
    }
    Ok(tags)
}

/// The list `tags` in an object of the body, and the object without it. A text in its place is the provider's.
fn metadata_tags(envelope: &Envelope, key: &str) -> Option<(Tags, Map<String, Value>)> {
    let raw = envelope.field(key)?;
    // Agents send `metadata` with every call, and hardly ever with tags: look before it is taken apart.
    let mentioned = raw.windows(6).any(|window| window == b"\"tags\"");
    let Value::Object(mut object) = mentioned.then(|| value(envelope, key))?? else {
        return None;
    };
    let found = tags(object.get("tags")?.as_array()?)?;
    object.remove("tags");
    Some((found, object))
}

fn tags(list: &[Value]) -> Option<Tags> {
    list.iter().map(|tag| tag.as_str().map(Box::from)).collect()
}

/// Where a call may go instead: names, mappings with a `model` and fields that change with it, or LiteLLM's mappings
/// from the model asked for to names.
fn targets(value: Value, asked: &str) -> Option<Vec<Target>> {
    let list = match value {
        Value::Array(list) => list,
        name @ Value::String(_) => vec![name],
        _ => return None,
    };
    let mut targets = Vec::new();
    for entry in list {
        match entry {
            Value::String(name) => targets.push(Target::named(name)),
            Value::Object(mut fields) if fields.contains_key("model") => {
                let Some(Value::String(model)) = fields.remove("model") else {
                    return None;
                };
                targets.push(Target {
                    model: Arc::from(model),
                    overrides: fields,
                });
            }
            Value::Object(groups) => {
                for (group, chain) in groups {
                    let chain = chain.is_array().then(|| self::targets(chain, asked))??;
                    if group == asked || group == "*" {
                        targets.extend(chain);
                    }
                }
            }
            _ => return None,
        }
    }
    Some(targets)
}

/// Every field of a body that is read here, but for those of mocks.
const FIELDS: [&str; 15] = [
    "timeout",
    "request_timeout",
    "stream_timeout",
    "ttft_timeout",
    "stream_idle_timeout",
    "num_retries",
    "max_retries",
    "fallbacks",
    "disable_fallbacks",
    "include_fallback_errors",
    "metadata",
    "litellm_metadata",
    "tags",
    "allowed_model_region",
    "service_tier",
];

/// The call's own time.
const TIMEOUT: &str = "x-litellm-timeout";
/// The time of the first content of a stream.
const STREAM_TIMEOUT: &str = "x-litellm-stream-timeout";
/// The longest silence of a stream.
const IDLE: &str = "x-litellm-stream-idle-timeout";
/// How often it may be tried again.
const RETRIES: &str = "x-litellm-num-retries";
/// Tags of deployments.
const TAGS: &str = "x-litellm-tags";

/// What a timer must be.
const SECONDS: &str = "a number of seconds, 0 or more";
/// What a count must be.
const COUNT: &str = "a whole number, 0 or more";
/// What fallbacks must be.
const TARGETS: &str = "a list of model names, or of mappings with a `model`";

#[cfg(test)]
mod tests;
