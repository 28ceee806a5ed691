//! Spans, made of a finished call: one for the call, one for each of its attempts.

mod through; // In a provider's own words.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use gateway_core::{Dialect, EndReason, Usage};
use http::Version;
use tokio::time::Instant;

use super::Finished;
use super::call::RequestFacts;
use super::conventions as names;
use crate::record::{AttemptOutcome, Entry};

/// One span.
#[derive(Debug)]
pub(super) struct Span<'a> {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    pub(super) parent: Option<u64>,
    /// The parent is in another process.
    pub(super) parent_is_remote: bool,
    pub(super) state: Option<&'a str>,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Nanoseconds since 1970.
    pub(super) started: u64,
    pub(super) ended: u64,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) failed: bool,
}

/// Which side of an exchange a span describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Server,
    Client,
}

/// A name and a value.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'static str,
    pub(super) value: Value<'a>,
}

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Decimal(f64),
    Flag(bool),
}

/// The spans of a call: its own, then those of its attempts.
pub(super) fn spans<'a>(call: &'a Finished, older_names: bool, spans: &mut Vec<Span<'a>>) {
    spans.push(of_call(call));
    for at in 0..call.entries.len() {
        spans.extend(of_attempt(call, at, older_names));
    }
    spans.extend(through::of_exchange(call));
}

fn of_call(call: &Finished) -> Span<'_> {
    let trace = &call.trace;
    let mut list = List::new();
    let route = trace.request.as_ref().map(|it| route(&it.path));
    if let Some(request) = &trace.request {
        of_request(&mut list, request);
    }
    list.text(names::HTTP_ROUTE, route.clone());
    list.number(
        names::HTTP_STATUS,
        (call.status > 0).then(|| call.status.into()),
    );
    let error = error_of(call);
    list.text(names::ERROR_TYPE, error.clone());
    list.text(names::CALL_ID, Some(&*call.call_id));
    list.text(names::API, Some(call.dialect.name()));
    list.text(names::MODEL, call.model.as_deref());
    list.text(names::GROUP, call.group.as_deref());
    list.text(names::PASS_THROUGH, call.through);
    list.flag(names::STREAM, call.stream);
    list.text(names::END, Some(call.end.as_str()));
    list.text(names::TIMER, call.timer.map(|it| it.as_str()));
    list.number(names::ATTEMPTS, Some(call.entries.len() as u64));
    let [retries, fallbacks, hedges] = call.course.map(u64::from);
    list.number(names::RETRIES, Some(retries));
    list.number(names::FALLBACKS, Some(fallbacks));
    list.number(names::HEDGES, Some(hedges));
    list.seconds(names::OVERHEAD, call.overhead);
    list.seconds(names::FIRST_CONTENT, call.first_content);
    list.number(names::EVENTS, Some(call.events));
    list.number(names::BYTES, Some(call.bytes));
    list.decimal(names::COST, call.cost);
    if call.made_up {
        list.flag(names::MADE_UP, true);
    }
    Span {
        trace_id: trace.trace_id(),
        span_id: trace.span_id(),
        parent: trace.parent,
        parent_is_remote: true,
        state: trace.state.as_deref(),
        name: name_of(trace.request.as_deref(), route.as_deref()),
        kind: Kind::Server,
        started: at(call, call.started),
        ended: at(call, call.started + call.took),
        attributes: list.0,
        // A request that is refused is the client's error (conventions for HTTP spans, section "Status").
        failed: error.is_some(),
    }
}

/// `{method} {route}`.
fn name_of(request: Option<&RequestFacts>, route: Option<&str>) -> String {
    let method = request.map_or("HTTP", |it| it.method.as_str());
    format!("{method} {}", route.unwrap_or_default())
}

fn of_request<'a>(list: &mut List<'a>, request: &'a RequestFacts) {
    list.text(names::HTTP_METHOD, Some(request.method.as_str()));
    list.text(names::URL_PATH, Some(&*request.path));
    let scheme = if request.encrypted { "https" } else { "http" };
    list.text(names::URL_SCHEME, Some(scheme));
    let host = request.host.as_deref();
    let host = host.and_then(|it| it.parse::<http::uri::Authority>().ok());
    if let Some(host) = host {
        list.text(names::SERVER_ADDRESS, Some(host.host().to_owned()));
        list.number(names::SERVER_PORT, host.port_u16().map(u64::from));
    }
    list.text(names::CLIENT_ADDRESS, Some(request.peer.ip().to_string()));
    let version = match request.version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    list.text(names::PROTOCOL_VERSION, Some(version));
    list.text(names::USER_AGENT, request.user_agent.as_deref());
}

/// What went wrong on the gateway's side of a call, in one word.
fn error_of(call: &Finished) -> Option<Cow<'_, str>> {
    match call.end {
        // It had what it wanted, or it left.
        EndReason::Complete | EndReason::ClientGone => None,
        EndReason::Rejected if call.status < 500 => None,
        EndReason::Rejected => Some(call.status.to_string().into()),
        end => Some(end.as_str().into()),
    }
}

fn of_attempt<'a>(call: &'a Finished, place: usize, older_names: bool) -> Option<Span<'a>> {
    let entry = call.entries.get(place)?;
    let endpoint = &entry.deployment.endpoint;
    let answered = entry.outcome == AttemptOutcome::Answered;
    // The dialect of the answer is known of the last one that answered.
    let last = answered && entry.broke.is_none();
    let dialect = call.spoken.filter(|_| last).unwrap_or(call.dialect);
    let model = entry.model.as_deref().unwrap_or(endpoint.upstream_model());
    let mut list = List::new();
    list.text(names::OPERATION, Some(operation(dialect)));
    let provider = names::provider(endpoint.provider());
    list.text(names::PROVIDER, Some(provider));
    if older_names {
        list.text(names::SYSTEM, Some(provider));
    }
    list.text(names::REQUEST_MODEL, Some(model));
    if call.stream {
        list.flag(names::REQUEST_STREAM, true);
    }
    list.number(names::REQUEST_CHOICES, call.choices.filter(|it| *it != 1));
    let spec = endpoint.connect_spec();
    list.text(names::SERVER_ADDRESS, Some(&*spec.host));
    list.number(names::SERVER_PORT, Some(spec.port.into()));
    list.number(names::HTTP_STATUS, entry.status.map(u64::from));
    list.number(names::HTTP_RESENDS, Some(place as u64).filter(|it| *it > 0));
    if answered && call.stream {
        list.seconds(names::FIRST_CHUNK, entry.took);
    }
    if last {
        of_usage(&mut list, &call.usage);
    }
    let error = error_of_attempt(call, entry);
    list.text(names::ERROR_TYPE, error);
    of_routing(&mut list, call, entry);
    let trace = &call.trace;
    Some(Span {
        trace_id: trace.trace_id(),
        span_id: trace.attempt_id(entry.number),
        parent: Some(trace.span_id()),
        parent_is_remote: false,
        state: trace.state.as_deref(),
        name: format!("{} {model}", operation(dialect)),
        kind: Kind::Client,
        started: at(call, entry.started),
        ended: at(call, end_of(call, place, entry)).max(at(call, entry.started)),
        attributes: list.0,
        failed: error.is_some(),
    })
}

fn of_usage(list: &mut List<'_>, usage: &Usage) {
    for (name, count) in [
        (names::INPUT_TOKENS, usage.input_tokens),
        (names::OUTPUT_TOKENS, usage.output_tokens),
        (names::CACHE_READ_TOKENS, usage.cache_read_tokens),
        (names::CACHE_CREATION_TOKENS, usage.cache_write_tokens),
        (names::REASONING_TOKENS, usage.reasoning_tokens),
    ] {
        list.number(name, count);
    }
}

/// What routing and the transport know of an attempt.
fn of_routing<'a>(list: &mut List<'a>, call: &Finished, entry: &'a Entry) {
    list.text(names::DEPLOYMENT, Some(&*entry.deployment.id));
    list.text(names::GROUP, Some(&*entry.deployment.group));
    list.text(names::ATTEMPT_KIND, Some(entry.kind.as_str()));
    list.text(names::ATTEMPT_OUTCOME, Some(entry.outcome.as_str()));
    if entry.outcome == AttemptOutcome::Answered {
        let end = entry.broke.unwrap_or(call.end);
        list.text(names::END, Some(end.as_str()));
    }
    let connection = |reused| if reused { "reused" } else { "new" };
    list.text(names::CONNECTION, entry.reused.map(connection));
    list.number(names::GENERATION, entry.generation);
    list.text(names::DELIVERY, entry.delivery);
}

/// What went wrong with an attempt, in one word.
fn error_of_attempt(call: &Finished, entry: &Entry) -> Option<&'static str> {
    match entry.outcome {
        // Nobody wanted it any more.
        AttemptOutcome::GivenUp | AttemptOutcome::Lost => None,
        AttemptOutcome::Answered => match entry.broke.unwrap_or(call.end) {
            EndReason::Complete | EndReason::ClientGone | EndReason::Rejected => None,
            end => Some(end.as_str()),
        },
        outcome => Some(outcome.as_str()),
    }
}

/// When an attempt was over: one that answered with the answer, or where another one went on with it.
fn end_of(call: &Finished, place: usize, entry: &Entry) -> Instant {
    let end_of_call = call.started + call.took;
    if entry.outcome != AttemptOutcome::Answered {
        return entry.took.map_or(end_of_call, |took| entry.started + took);
    }
    let next = call.entries.get(place + 1..).and_then(<[Entry]>::first);
    next.filter(|_| entry.broke.is_some())
        .map_or(end_of_call, |next| next.started)
}

/// A moment of the call by the clock of the wall, which was read once, when it had ended.
fn at(call: &Finished, moment: Instant) -> u64 {
    let ended = call.ended.duration_since(UNIX_EPOCH).unwrap_or_default();
    let until_end = (call.started + call.took).saturating_duration_since(moment);
    let since = ended.saturating_sub(until_end);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What is asked for, as the conventions name it.
fn operation(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiEmbeddings => "embeddings",
        Dialect::OpenAiCompletions => "text_completion",
        Dialect::Gemini => "generate_content",
        Dialect::AnthropicCountTokens | Dialect::GeminiCountTokens => "count_tokens",
        _ => "chat",
    }
}

/// A path without the names in it.
fn route(path: &str) -> Cow<'_, str> {
    let models = [
        "/v1beta/models/",
        "/v1alpha/models/",
        "/v1/models/",
        "/models/",
    ];
    for prefix in models {
        if let Some(rest) = path.strip_prefix(prefix) {
            let method = rest.rsplit_once(':').map_or("", |(_, method)| method);
            return format!("{prefix}{{model}}:{method}").into();
        }
    }
    for prefix in ["/openai/deployments/", "/engines/"] {
        if let Some((_, tail)) = path.strip_prefix(prefix).and_then(|it| it.split_once('/')) {
            return format!("{prefix}{{model}}/{tail}").into();
        }
    }
    let through = crate::pass_through::PROVIDERS;
    let through = through.iter().find(|it| path.starts_with(it.prefix));
    match through.filter(|_| path != "/openai/v1/responses") {
        Some(provider) => format!("{}*", provider.prefix).into(),
        None => path.into(),
    }
}

/// Attributes, of which those without a value are left out.
struct List<'a>(Vec<Attribute<'a>>);

impl<'a> List<'a> {
    fn new() -> Self {
        Self(Vec::with_capacity(MOST))
    }

    fn text(&mut self, name: &'static str, value: Option<impl Into<Cow<'a, str>>>) {
        self.push(name, value.map(|it| Value::Text(it.into())));
    }

    fn number(&mut self, name: &'static str, value: Option<u64>) {
        self.push(name, value.map(Value::Number));
    }

    fn decimal(&mut self, name: &'static str, value: Option<f64>) {
        self.push(name, value.map(Value::Decimal));
    }

    fn seconds(&mut self, name: &'static str, value: Option<Duration>) {
        self.decimal(name, value.map(|it| it.as_secs_f64()));
    }

    fn flag(&mut self, name: &'static str, value: bool) {
        self.push(name, Some(Value::Flag(value)));
    }

    fn push(&mut self, name: &'static str, value: Option<Value<'a>>) {
        self.0.extend(value.map(|value| Attribute { name, value }));
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

/// Attributes of a span, about.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::route;

    #[test]
    fn a_route_has_no_names_in_it() {
        for (path, expected) in [
            ("/v1/chat/completions", "/v1/chat/completions"),
            ("/openai/v1/responses", "/openai/v1/responses"),
            (
                "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
                "/v1beta/models/{model}:streamGenerateContent",
            ),
            (
                "/openai/deployments/my-gpt/chat/completions",
                "/openai/deployments/{model}/chat/completions",
            ),
            ("/engines/x/completions", "/engines/{model}/completions"),
            ("/anthropic/v1/files/file_123", "/anthropic/*"),
        ] {
            assert_eq!(route(path), expected);
        }
    }
}
