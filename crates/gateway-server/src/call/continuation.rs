//! Goes on with a plain text that broke off in the middle, at a deployment whose model accepts a begun answer.
//!
//! Off unless `enable_mid_stream_fallback_continuation` is set. Then the text of every stream that could be continued is
//! kept while it runs.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_core::{
    Collected, Dialect, EndReason, Envelope, ErrorInfo, ErrorKind, Flow, Framer, Limits, Prefill,
    Splicer, TextCollector, TimerName,
};
use gateway_router::{Attempt, CallOptions, Deployment, Plan, Resolved, Target, Timer, execute};
use http::request::Parts;
use tokio::time::Instant;

use super::attempt::Attempts;
use super::shown::Shown;
use super::{Answer, Asked};
use crate::record::{Entry, Journal, Record};
use crate::trace::CallTrace;
use crate::upstream::{Batch, UpstreamStream};
use crate::worker::{Snapshot, Worker};

/// A call whose stream can go on elsewhere if it breaks off.
#[derive(Debug)]
pub(crate) struct Continuation {
    call: Arc<ContinuedCall>,
    framer: Framer,
    text: Text,
    made: u32,
    left: u32,
}

/// What the attempts of a continuation need of their call.
#[derive(Debug)]
struct ContinuedCall {
    worker: Arc<Worker>,
    snapshot: Arc<Snapshot>,
    parts: Parts,
    envelope: Envelope,
    dialect: Dialect,
    model: Box<str>,
    id: Box<str>,
    choices: Option<u64>,
    started: Instant,
    journal: Journal,
    trace: Option<Arc<CallTrace>>,
    asked: Box<Wish>,
}

/// Who may serve a call, and how it wants to be served: kept from a call for its continuation.
#[derive(Debug)]
pub(super) struct Wish {
    resolved: Resolved,
    options: CallOptions,
}

/// The text of the stream, so far.
#[derive(Debug)]
enum Text {
    /// Of a provider's stream as it came.
    Collected(Box<TextCollector>),
    /// Of a stream that continues another one.
    Spliced(Box<Splicer>),
    /// Cannot be continued, and needs no change.
    Forgotten,
}

/// An attempt to go on. Dropping it gives the attempt up.
pub(crate) struct GoingOn(Pin<Box<dyn Future<Output = Option<Continued>> + Send>>);

/// A stream that goes on.
#[derive(Debug)]
pub(crate) struct Continued {
    /// Where.
    pub attempt: Box<Attempt>,
    /// What is known of its deployment beside routing.
    pub shown: Option<Arc<Shown>>,
    /// What is still to come.
    pub upstream: Option<Box<UpstreamStream>>,
    /// What was read of it already.
    pub held: Batch,
}

impl Wish {
    /// Of a call whose stream may be continued one day.
    pub(super) fn of(asked: &Asked, snapshot: &Snapshot) -> Option<Box<Self>> {
        let on = snapshot.catalog.routing().continuation && asked.said.options.stream;
        on.then(|| {
            Box::new(Self {
                resolved: asked.resolved.clone(),
                options: asked.said.options.clone(),
            })
        })
    }
}

impl Continuation {
    /// For a call that is answered by a stream. `None`: its request rules a continuation out.
    pub(super) fn new(
        asked: Box<Wish>,
        (parts, envelope): (Parts, Envelope),
        record: &Record,
        worker: &Arc<Worker>,
        snapshot: &Arc<Snapshot>,
    ) -> Option<Box<Self>> {
        let collector = TextCollector::new(record.dialect, &envelope, LONGEST_TEXT);
        if let Collected::Impossible(_) = collector.collected() {
            return None;
        }
        let call = ContinuedCall {
            worker: Arc::clone(worker),
            snapshot: Arc::clone(snapshot),
            parts,
            envelope,
            dialect: record.dialect,
            model: record.model.clone().unwrap_or_default(),
            id: record.call_id.clone(),
            choices: record.choices,
            started: record.started,
            journal: Journal::default(),
            trace: record.trace.clone(),
            asked,
        };
        Some(Box::new(Self {
            framer: Framer::new(snapshot.limits.event_bytes),
            made: record.journal.count(),
            call: Arc::new(call),
            text: Text::Collected(Box::new(collector)),
            left: MOST,
        }))
    }

    /// Takes whole events on their way to the client, and gives what the client gets of them.
    pub(crate) fn pass(&mut self, events: Bytes) -> Bytes {
        match &mut self.text {
            Text::Forgotten => events,
            Text::Collected(collector) => {
                // What cannot be framed was not forwarded.
                let _framed = self.framer.feed(events.clone(), |event| {
                    collector.event(&event);
                    Flow::Continue
                });
                if let Collected::Impossible(_) = collector.collected() {
                    self.text = Text::Forgotten;
                }
                events
            }
            Text::Spliced(splicer) => {
                let mut spliced = Vec::with_capacity(events.len());
                let _framed = self.framer.feed(events, |event| {
                    spliced.extend_from_slice(&splicer.event(&event));
                    Flow::Continue
                });
                spliced.into()
            }
        }
    }

    /// Begins to go on with a stream of `broken`'s that ended like this. `None`: it cannot be continued.
    pub(crate) fn begin(
        &mut self,
        end: EndReason,
        error: &ErrorInfo,
        broken: Option<&Deployment>,
    ) -> Option<GoingOn> {
        if !breaks_off(end, error.kind) || self.left == 0 {
            return None;
        }
        let (resolved, prefill) = self.call.others(broken)?;
        let collector = match std::mem::replace(&mut self.text, Text::Forgotten) {
            Text::Collected(collector) => *collector,
            Text::Spliced(splicer) => splicer.into_collector(),
            Text::Forgotten => return None,
        };
        let body = collector
            .continue_request(&self.call.envelope, prefill)
            .ok()?;
        let envelope = Envelope::parse(body, Limits::default()).ok()?;
        self.text = Text::Spliced(Box::new(collector.into_splicer()));
        self.framer = Framer::new(self.call.snapshot.limits.event_bytes);
        self.left -= 1;
        self.made += 1;
        let call = Arc::clone(&self.call);
        let made = self.made - 1;
        Some(GoingOn(Box::pin(async move {
            call.attempt(resolved, envelope, made).await
        })))
    }

    /// What was attempted to go on: each attempt once.
    pub(crate) fn attempts(&self) -> Vec<Entry> {
        self.call.journal.drain()
    }
}

impl ContinuedCall {
    /// Who can go on, and how they want to be told: members of the group, else of the first of its fallbacks with
    /// somebody. The deployment whose stream broke off comes last.
    fn others(&self, broken: Option<&Deployment>) -> Option<(Resolved, Prefill)> {
        let Wish { resolved, options } = &*self.asked;
        let catalog = &self.snapshot.catalog;
        let configured = catalog
            .fallbacks(resolved, None)
            .map(|targets| &targets[..]);
        let targets: &[Target] = match (options.no_fallbacks, options.fallbacks.as_deref()) {
            (true, _) => &[],
            (false, None) => configured.unwrap_or_default(),
            (false, Some(own)) => own,
        };
        let fallback = |target: &Target| {
            // What a fallback changes in the request was not asked of the text that there is.
            let group = target
                .overrides
                .is_empty()
                .then(|| catalog.resolve(&target.model));
            group??.speaking(self.dialect)
        };
        let groups =
            || std::iter::once(resolved.clone()).chain(targets.iter().filter_map(fallback));
        let is_broken = |it: &Deployment| broken.is_some_and(|broken| broken.id == it.id);
        groups()
            .find_map(|group| able(group, |it| !is_broken(it)))
            .or_else(|| groups().find_map(|group| able(group, |_| true)))
    }

    async fn attempt(
        &self,
        resolved: Resolved,
        envelope: Envelope,
        made: u32,
    ) -> Option<Continued> {
        let (catalog, options) = (&self.snapshot.catalog, self.asked.options.clone());
        let seed = fastrand::u64(..);
        let plan = Plan::new(catalog, resolved, self.dialect, options, seed, self.started);
        let mut plan = plan.continuing(made);
        let (due, timer): (Instant, Timer) = (plan.due(), plan.call_timer().clone());
        let attempts = Attempts {
            worker: &self.worker,
            limits: &self.snapshot.limits,
            dialect: self.dialect,
            asked_model: &self.model,
            id: &self.id,
            envelope: &envelope,
            headers: &self.parts.headers,
            query: self.parts.uri.query(),
            stream: true,
            array: false,
            choices: self.choices,
            journal: &self.journal,
            // Its call shows where it goes on when it does.
            live: None,
            shown: &self.snapshot.shown,
            due: (due, &timer),
            mock: None,
            trace: self.trace.as_deref(),
        };
        let answered = pin!(execute(&mut plan, &attempts)).await.ok()?;
        let Answer::Stream(upstream, held) = answered.answer.answer else {
            return None;
        };
        let deployment = &answered.attempt.deployment;
        Some(Continued {
            shown: self.snapshot.shown.of(deployment).cloned(),
            attempt: answered.attempt,
            upstream,
            held,
        })
    }
}

impl GoingOn {
    /// See [`Future::poll`].
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Continued>> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for GoingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoingOn").finish_non_exhaustive()
    }
}

/// Those of `group` that may and can go on, and are told so in the same way.
fn able(group: Resolved, may: impl Fn(&Deployment) -> bool) -> Option<(Resolved, Prefill)> {
    let prefill = |it: &Deployment, model: Option<&str>| it.endpoint.prefill(model, it.prefill);
    let able = group.only(|it, model| may(it) && prefill(it, model).is_some())?;
    let first = Arc::clone(able.deployments().first()?);
    let way = prefill(&first, able.model_at(&first).as_deref())?;
    let same = able.only(|it, model| prefill(it, model) == Some(way))?;
    Some((same, way))
}

/// Whether a stream that ended like this may be continued: it was cut, and not told that it must not go on.
fn breaks_off(end: EndReason, kind: ErrorKind) -> bool {
    match end {
        EndReason::Truncated | EndReason::Timer(TimerName::Idle) => true,
        EndReason::UpstreamError => matches!(
            kind,
            ErrorKind::Overloaded
                | ErrorKind::Unavailable
                | ErrorKind::Upstream
                | ErrorKind::Internal
                | ErrorKind::Timeout
                | ErrorKind::RateLimit
        ),
        _ => false,
    }
}

/// Continuations of one call.
const MOST: u32 = 2;
/// Bytes of text that are kept of one answer.
const LONGEST_TEXT: usize = 1024 * 1024;
