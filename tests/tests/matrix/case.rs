//! One fault at one moment, on one route, in both kinds of groups: how it is configured, called and checked.

use end_to_end::call::{self, Call, Carry, course};
use end_to_end::stream::text;
use end_to_end::{Gateway, Setup};
use gateway_testkit::ca::TestCa;
use gateway_testkit::client::Request;
use gateway_testkit::dialect::Wire;
use gateway_testkit::fault::{self, At, Fault, Faulty, On};
use gateway_testkit::upstream::Upstream;
use serde_json::{Value, json};

use crate::table::Want::{
    self, Again, AgainAs, Asks, Broken, Differs, Elsewhere, HalfCall, Late, Lost, Never, Not,
    Refused, Served, Unreached, Unsent,
};
use crate::table::{SAID, wanted};

/// Who is asked by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// The client's dialect.
    pub(crate) client: Wire,
    pub(crate) provider: Provider,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Provider {
    /// Asked for chat completions.
    OpenAi,
    /// Asked for responses.
    Responses,
    /// One that has copied chat completions, but not responses.
    Copy,
    Anthropic,
    Gemini,
    Bedrock,
}

/// A fault at one moment of an answer, in front of one kind of client, and what follows.
pub(crate) struct Case {
    name: &'static str,
    on: On,
    at: At,
    route: Route,
    want: Want,
    /// In a group of its own.
    alone: Faulty,
    /// In a group with a healthy one.
    accompanied: Faulty,
}

/// Both kinds of groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Group {
    Alone,
    Accompanied,
}

/// What the provider may take, in seconds, where its fault is to be slow. Others have as long as the call.
const LIMIT: f64 = 1.0;

impl Provider {
    fn wire(self) -> Option<Wire> {
        match self {
            Self::OpenAi | Self::Copy => Some(Wire::OpenAiChat),
            Self::Responses => Some(Wire::OpenAiResponses),
            Self::Anthropic => Some(Wire::AnthropicMessages),
            Self::Gemini => Some(Wire::Gemini),
            Self::Bedrock => None,
        }
    }

    /// The parameters of a deployment of this provider.
    fn params(self, url: &str) -> Value {
        let (model, base) = match self {
            Self::OpenAi => ("openai/double", format!("{url}/v1")),
            Self::Responses => ("openai/responses/double", format!("{url}/v1")),
            Self::Copy => ("groq/double", format!("{url}/v1")),
            Self::Anthropic => ("anthropic/double", url.to_owned()),
            Self::Gemini => ("gemini/double", format!("{url}/v1beta")),
            Self::Bedrock => {
                return json!({"model": "bedrock/converse/double", "aws_bedrock_runtime_endpoint": url,
                    "aws_region_name": "eu-west-1", "aws_access_key_id": "AKIDEXAMPLE",
                    "aws_secret_access_key": "sk-provider"});
            }
        };
        json!({"model": model, "api_base": base, "api_key": "sk-provider"})
    }

    /// How the path of a call to it ends.
    fn path(self, at: At) -> &'static str {
        match (self, at) {
            (Self::OpenAi | Self::Copy, _) => "/v1/chat/completions",
            (Self::Responses, _) => "/v1/responses",
            (Self::Anthropic, _) => "/v1/messages",
            (Self::Gemini, At::Plain) => "/v1beta/models/double:generateContent",
            (Self::Gemini, _) => "/v1beta/models/double:streamGenerateContent",
            (Self::Bedrock, At::Plain) => "/model/double/converse",
            (Self::Bedrock, _) => "/model/double/converse-stream",
        }
    }
}

impl Route {
    pub(crate) const fn of(client: Wire, provider: Provider) -> Self {
        Self { client, provider }
    }

    pub(crate) fn is_translated(self) -> bool {
        self.provider.wire() != Some(self.client)
    }

    /// A call of the client's for a model.
    fn request(self, at: At, model: &str) -> Request {
        let request = match at {
            At::Plain => call::plain(self.client, "hello"),
            At::BeforeFirstEvent | At::AfterFirstEvent => call::streaming(self.client, "hello"),
        };
        if self.client == Wire::Gemini {
            let path = request.target.replace("double", model);
            return request.to(&path);
        }
        request.model(model)
    }
}

impl Case {
    /// Of a fault of the table.
    pub(crate) async fn start(fault: &'static Fault, at: At, route: Route, ca: &TestCa) -> Self {
        let over_tls = matches!(fault.on, On::Tls | On::Http1Tls);
        let setup = fault::Setup {
            ca: over_tls.then_some(ca),
            http2: fault.on == On::Http2,
            ..fault::Setup::plain(at)
        };
        Self {
            name: fault.name,
            on: fault.on,
            at,
            route,
            want: settled(wanted(fault, at), route),
            alone: fault.start(&setup).await,
            accompanied: fault.start(&setup).await,
        }
    }

    /// Of a fault that only this provider has, made by both of these.
    pub(crate) fn of_own(
        name: &'static str,
        (at, want): (At, Want),
        route: Route,
        [alone, accompanied]: [Upstream; 2],
    ) -> Self {
        Self {
            name,
            on: On::Any,
            at,
            route,
            want: settled(want, route),
            alone: Faulty::Upstream(Box::new(alone)),
            accompanied: Faulty::Upstream(Box::new(accompanied)),
        }
    }

    pub(crate) fn group(&self, group: Group) -> String {
        let Route { client, provider } = self.route;
        let Self { name, at, .. } = self;
        format!("{name}-{at:?}-{client:?}-{provider:?}-{group:?}")
    }

    fn faulty(&self, group: Group) -> &Faulty {
        match group {
            Group::Alone => &self.alone,
            Group::Accompanied => &self.accompanied,
        }
    }

    /// What its deployment has besides address and key.
    fn limit(&self, params: &mut Value, roots: &str) {
        params["ssl_verify"] = json!(roots);
        if self.on == On::Http2 {
            params["http2"] = json!("prior_knowledge");
        }
        // Only the timer that is to fire: two of one length would race.
        match (self.want, self.at) {
            (Unreached(_), _) => params["connect_timeout"] = json!(LIMIT),
            (Late(_), At::Plain) => params["timeout"] = json!(LIMIT),
            (Late(_), _) => params["stream_timeout"] = json!(LIMIT),
            (Broken("timer_idle"), _) => params["stream_idle_timeout"] = json!(LIMIT),
            _ => {}
        }
    }

    /// With its two groups.
    pub(crate) fn configure(&self, setup: Setup, roots: &str, healthy: &Upstream) -> Setup {
        let (alone, both) = (self.group(Group::Alone), self.group(Group::Accompanied));
        let second = format!("{both}-healthy");
        let setup = self.deployment(setup, &alone, &alone, &self.alone.url(), roots, 1);
        let setup = self.deployment(setup, &both, &both, &self.accompanied.url(), roots, 1);
        self.deployment(setup, &both, &second, &healthy.url(), roots, 0)
    }

    fn deployment(
        &self,
        setup: Setup,
        group: &str,
        id: &str,
        url: &str,
        roots: &str,
        weight: u32,
    ) -> Setup {
        let mut params = self.route.provider.params(url);
        params["weight"] = json!(weight);
        params["native_only"] = json!(!self.route.is_translated());
        if weight > 0 {
            self.limit(&mut params, roots);
        }
        setup
            .entry(json!({"model_name": group, "litellm_params": params, "model_info": {"id": id}}))
    }

    pub(crate) async fn call(&self, gateway: &Gateway, group: Group) -> Call {
        let request = self.route.request(self.at, &self.group(group));
        let requests = vec![(self.route.client, Carry::Http1, request)];
        let mut calls = call::calls(gateway, requests).await;
        calls.pop().unwrap()
    }

    /// How often the faulty deployment is to be asked.
    fn attempts(&self, group: Group) -> usize {
        match (self.want, group) {
            (Unsent | Unreached(_) | Again(..) | AgainAs(..) | Late(_), Group::Alone) => 3,
            (Asks(_), Group::Alone) => 2,
            _ => 1,
        }
    }

    /// The status and the end that the client's failure is to have; `None` if it is to be served.
    fn failure(&self, group: Group) -> Option<(u16, &'static str)> {
        let (status, end) = match self.want {
            Served | Refused | Not | Differs(..) => return None,
            Never(status) => return Some((status, SAID)),
            Lost => return Some((502, "truncated")),
            Broken(end) | HalfCall(end) => return Some((200, end)),
            Unsent => (502, SAID),
            Unreached(timer) | Late(timer) => (408, timer),
            Again(status, end) => (status, end),
            AgainAs(status, _) if self.route.provider.wire() == Some(Wire::OpenAiChat) => {
                (status, SAID)
            }
            AgainAs(_, status) | Asks(status) | Elsewhere(status) => (status, SAID),
        };
        // Only Anthropic's clients know 529.
        let status = match (status, self.route.client) {
            (529, client) if client != Wire::AnthropicMessages => 503,
            _ => status,
        };
        (group == Group::Alone).then_some((status, end))
    }

    /// Checks what the client saw, what the record says, and what the provider was asked.
    pub(crate) fn check(&self, group: Group, call: &Call) {
        match self.failure(group) {
            None => self.check_served(call),
            Some((200, end)) => self.check_broken(call, end),
            Some((status, end)) => call.assert_refused(status, end),
        }
        let told = call.view.header("x-should-retry") == Some("false");
        // Also where the wait is longer than any client should wait for.
        let may = matches!(self.want, Lost | Elsewhere(429));
        assert!(told == may || (may && self.want != Lost), "{call:#?}");
        self.check_record(group, call);
        self.check_sent(group, call);
        let shown = String::from_utf8_lossy(&call.view.body).to_lowercase();
        for secret in ["<html", "127.0.0.1", "example.invalid", "sk-provider"] {
            assert!(!shown.contains(secret), "{secret}: {call:#?}");
        }
    }

    fn check_served(&self, call: &Call) {
        call.assert_served();
        if self.want != Refused {
            assert_eq!(call.text(), text(5), "{call:#?}");
            return;
        }
        assert_eq!(call.text(), "", "{call:#?}");
        let shown = String::from_utf8_lossy(&call.view.body);
        let reason = match self.route.client {
            Wire::AnthropicMessages => "\"stop_reason\":\"refusal\"",
            Wire::OpenAiResponses => "\"incomplete_details\":{\"reason\":\"content_filter\"}",
            _ => "\"finish_reason\":\"content_filter\"",
        };
        assert!(shown.contains(reason), "{call:#?}");
    }

    fn check_broken(&self, call: &Call, end: &str) {
        let heard = call.view.text();
        call.assert_broken(&heard, end);
        assert!(text(5).starts_with(&heard), "{call:#?}");
        if !matches!(self.want, HalfCall(_)) {
            assert!(!heard.is_empty(), "{call:#?}");
            return;
        }
        let events = call.view.events.iter().map(|event| event.json());
        let arguments: String = events.filter_map(|event| arguments_in(&event)).collect();
        // Google's clients get calls as a whole or not at all.
        let half = match self.route.client {
            Wire::Gemini => "",
            _ => crate::own::HALF,
        };
        assert_eq!(arguments, half, "{call:#?}");
    }

    fn check_sent(&self, group: Group, call: &Call) {
        let Some(upstream) = self.faulty(group).upstream() else {
            return;
        };
        let requests = upstream.requests();
        let sends = match self.want {
            Unsent | Unreached(_) | Elsewhere(502) => 0,
            _ => self.attempts(group),
        };
        assert_eq!(requests.len(), sends, "{call:#?}");
        for request in requests {
            // Some faults are about requests that are never read whole.
            let body = request.json();
            let asked = ["messages", "contents", "input"].map(|name| !body[name].is_null());
            let asked = asked.contains(&true);
            assert!(asked || body.is_null(), "{request:?}");
            let path = self.route.provider.path(self.at);
            assert_eq!(request.path(), path, "{request:?}");
        }
    }

    fn check_record(&self, group: Group, call: &Call) {
        let attempts = self.attempts(group);
        let elsewhere = self.failure(Group::Alone).is_some() && self.failure(group).is_none();
        let all = attempts + usize::from(elsewhere);
        assert_eq!(call.record["attempts"], all, "{call:#?}");
        assert_eq!(call.record["retries"], all - 1, "{call:#?}");
        let log = course(&call.record);
        let served = self.failure(group).is_none() || matches!(self.want, Broken(_) | HalfCall(_));
        let expected = if all == 1 && served { 0 } else { all };
        assert_eq!(log.len(), expected, "{call:#?}");
        if elsewhere {
            assert!(
                log.last().unwrap().ends_with("healthy retry answered"),
                "{log:?}"
            );
        }
    }
}

/// What a row says of a route.
fn settled(want: Want, route: Route) -> Want {
    match want {
        Differs(verbatim, _) if !route.is_translated() => *verbatim,
        Differs(_, translated) => *translated,
        other => other,
    }
}

/// What an event adds to the arguments of a tool call.
fn arguments_in(event: &Value) -> Option<String> {
    let is_delta = event["type"] == "response.function_call_arguments.delta";
    let piece = match is_delta {
        true => &event["delta"],
        false if event["delta"]["partial_json"].is_string() => &event["delta"]["partial_json"],
        false => &event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"],
    };
    let call = &event["candidates"][0]["content"]["parts"][0]["functionCall"];
    let whole = (!call.is_null()).then(|| call.to_string());
    piece.as_str().map(str::to_owned).or(whole)
}
