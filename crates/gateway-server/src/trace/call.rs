//! The place of one call in its trace.

use gateway_transport::ConnectSpec;
use http::header::{HOST, HeaderMap, USER_AGENT};
use http::{Method, Request, Version};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::time::Instant;

use super::TraceRules;
use super::context::{self, Context, TRACEPARENT, TRACESTATE};
use crate::config::Propagate;

/// The place of one call in its trace.
#[derive(Debug)]
pub(crate) struct CallTrace {
    /// Where the call itself stands: its own span, or the caller's where nothing is collected.
    own: Context,
    /// The caller's span.
    pub parent: Option<u64>,
    /// What tracing systems said of the trace.
    pub state: Option<Box<str>>,
    /// Whether spans are made of calls at all: then each attempt has its own.
    collects: bool,
    propagate: Propagate,
    /// What the span of the call tells of its request, if it is made.
    pub request: Option<Box<RequestFacts>>,
    /// Who was asked in a provider's own words.
    asked: OnceLock<Asked>,
}

/// Who was asked, and when, where no attempt tells.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The host.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// When the request was sent.
    pub at: Instant,
}

/// What is told of a request.
#[derive(Debug)]
pub(crate) struct RequestFacts {
    /// The method.
    pub method: Method,
    /// The path, without the query, which may hold a key.
    pub path: Box<str>,
    /// What the client called us, with the port.
    pub host: Option<Box<str>>,
    /// What the client calls itself.
    pub user_agent: Option<Box<str>>,
    /// Where it is.
    pub peer: SocketAddr,
    /// What it speaks.
    pub version: Version,
    /// Whether it does so over TLS.
    pub encrypted: bool,
}

impl CallTrace {
    /// The place of a call that begins with this request; `None`: it is in no trace.
    pub(crate) fn begin<B>(
        rules: &TraceRules,
        request: &Request<B>,
        peer: SocketAddr,
    ) -> Option<Arc<Self>> {
        if !rules.collects() && !request.headers().contains_key(TRACEPARENT) {
            return None;
        }
        Self::of(rules, request, peer)
    }

    fn of<B>(rules: &TraceRules, request: &Request<B>, peer: SocketAddr) -> Option<Arc<Self>> {
        let headers = request.headers();
        let caller = Context::read(headers);
        // Without the one the other means nothing.
        let state = caller.and_then(|_| context::state(headers));
        let collects = rules.collects();
        let own = match caller {
            Some(caller) if !collects => caller,
            None if !collects => return None,
            caller => {
                let trace_id = caller.map_or_else(|| fastrand::u128(1..), |it| it.trace_id);
                Context {
                    trace_id,
                    span_id: fastrand::u64(1..),
                    sampled: rules.samples(caller.map(|it| it.sampled), trace_id),
                }
            }
        };
        let facts = (collects && own.sampled).then(|| facts(rules, request, peer));
        Some(Arc::new(Self {
            own,
            parent: caller.map(|it| it.span_id),
            state,
            collects,
            propagate: rules.propagate,
            request: facts.map(Box::new),
            asked: OnceLock::new(),
        }))
    }

    /// The trace and the call's span in it, or the caller's where nothing is collected, in digits for the log.
    pub(crate) fn told(&self, tell: impl FnOnce(&str, &str)) {
        let (mut trace, mut span) = ([0; 32], [0; 16]);
        context::write_hex(&mut trace, self.own.trace_id);
        context::write_hex(&mut span, self.own.span_id.into());
        if let (Ok(trace), Ok(span)) = (std::str::from_utf8(&trace), std::str::from_utf8(&span)) {
            tell(trace, span);
        }
    }

    /// The trace.
    pub(crate) fn trace_id(&self) -> u128 {
        self.own.trace_id
    }

    /// The call's span, or the caller's where nothing is collected.
    pub(crate) fn span_id(&self) -> u64 {
        self.own.span_id
    }

    /// The span of the call's attempt with this number. It follows from the call's, so that nobody has to keep it.
    pub(crate) fn attempt_id(&self, number: u32) -> u64 {
        // The finalizer of SplitMix64: each number has its own id, as it maps no two values to one.
        let mut id = self.own.span_id ^ (u64::from(number) + 1).wrapping_mul(GOLDEN);
        id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (id ^ (id >> 31)).max(1)
    }

    /// Notes that somebody is asked without an attempt, if that is told one day.
    pub(crate) fn asks(&self, spec: &ConnectSpec) {
        if self.request.is_some() {
            let asked = Asked {
                host: spec.host.as_str().into(),
                port: spec.port,
                at: Instant::now(),
            };
            // There is one exchange.
            let _first = self.asked.set(asked);
        }
    }

    /// Who was asked without an attempt.
    pub(crate) fn asked(&self) -> Option<&Asked> {
        self.asked.get()
    }

    /// Puts the trace into the head of an attempt's request, if its provider may see it. What was there goes.
    pub(crate) fn propagate(&self, number: u32, self_hosted: bool, headers: &mut HeaderMap) {
        headers.remove(TRACEPARENT);
        headers.remove(TRACESTATE);
        let sees = match self.propagate {
            Propagate::Always => true,
            Propagate::Auto => self_hosted,
            Propagate::Never => false,
        };
        if !sees {
            return;
        }
        let mut context = self.own;
        if self.collects {
            context.span_id = self.attempt_id(number);
        }
        headers.extend(context.header().map(|it| (TRACEPARENT, it)));
        let state = self.state.as_deref().and_then(|it| it.parse().ok());
        headers.extend(state.map(|it| (TRACESTATE, it)));
    }
}

fn facts<B>(rules: &TraceRules, request: &Request<B>, peer: SocketAddr) -> RequestFacts {
    let text = |name| Some(cut(request.headers().get(name)?.to_str().ok()?));
    let host = request.uri().authority().map(|it| it.as_str().into());
    RequestFacts {
        method: request.method().clone(),
        path: cut(request.uri().path()),
        host: host.or_else(|| text(HOST)),
        user_agent: text(USER_AGENT),
        peer,
        version: request.version(),
        encrypted: rules.encrypted,
    }
}

/// Not more of a text than is kept.
fn cut(text: &str) -> Box<str> {
    let kept = text.get(..LONGEST.min(text.len()));
    // A letter of several bytes lies across the end.
    kept.map_or_else(|| text.chars().take(LONGEST / 4).collect(), Box::from)
}

/// The fraction of the golden ratio, as SplitMix64 has it.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bytes that are kept of what a client says.
const LONGEST: usize = 256;
