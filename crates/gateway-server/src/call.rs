//! The life of a call: read, resolve, attempt, answer.

// What is asked.
mod asked;
pub(crate) mod intake;
mod options;

// What comes of it: attempts, real and made up, judged.
mod attempt;
mod continuation;
mod count;
mod mock;
mod outcome;
mod wait;

// What the client is told.
mod failure;
mod headers;
mod shown;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use gateway_core::Envelope;
use gateway_router::{Answered, Plan, Unanswered, execute};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::api::CallRoute;
use crate::body::Outgoing;
use crate::edge::{Client, StallWatch};
use crate::opening::{Opening, Pending};
use crate::record::{Entry, OpenRecord};
use crate::relay::{Carrier, Relay, StreamTimers};
use crate::respond::{self, Failure};
use crate::trace::CallTrace;
use crate::upstream::{Batch, UpstreamStream};
use crate::worker::{Snapshot, Worker};
use asked::{Asked, Taken, take};
use attempt::{Attempts, Got};
use continuation::Wish;

pub(crate) use continuation::{Continuation, Continued, GoingOn};
pub(crate) use headers::names;
pub(crate) use mock::Mock;
pub(crate) use options::read as read_options;
pub(crate) use outcome::not_asked as unsent;
pub(crate) use shown::{Configured, Shown, ShownDeployments};

/// What a call is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// In one piece.
    Whole(Bytes),
    /// Event by event; the batch was read before the answer was opened. Without an upstream it is all there is.
    Stream(Option<Box<UpstreamStream>>, Batch),
}

/// Answers a call. Dropping the future gives the call up: its upstream exchange ends at once.
pub(crate) async fn answer(
    worker: Arc<Worker>,
    client: Arc<Client>,
    request: Request<Incoming>,
    route: CallRoute,
) -> Response<Outgoing> {
    let dialect = route.dialect;
    let started = Instant::now();
    let snapshot = worker.shared.snapshot.load_full();
    let call_id = call_id(request.headers());
    let carrier = match request.version() {
        Version::HTTP_2 => Carrier::Http2(StallWatch::current()),
        _ => Carrier::Http1(Arc::clone(&client.socket)),
    };
    let trace = CallTrace::begin(&snapshot.tracing, &request, client.peer);
    let mut record = OpenRecord::new(Arc::clone(&worker), &client, dialect, call_id, started);
    record.trace = trace;
    if let Carrier::Http2(watch) = &carrier {
        record.watched(watch);
    }
    let asked = match take(&snapshot, request, route, &mut record).await {
        Ok(Taken::Asked(asked)) => asked,
        Ok(Taken::Estimated(count)) => return count::answer(record, count),
        Err(failure) => return refuse(record, &snapshot, failure),
    };
    if record.stream {
        record.introduce(&carrier);
    }
    let beat = snapshot.limits.heartbeat(dialect).filter(|_| record.stream);
    let shown_id = beat.and_then(|_| headers::call_id(&record));
    // On the heap, so that it can move into the body and go on there; and most of a call's room is its attempt's.
    let mut attempt: Pending = Box::pin(attempt(Arc::clone(&worker), snapshot, asked, record));
    let Some(beat) = beat else {
        return attempt.await.response(carrier, worker);
    };
    let opens = Instant::now() + beat;
    match timeout_at(opens, &mut attempt).await {
        Ok(attempted) => attempted.response(carrier, worker),
        Err(_elapsed) => {
            let opening = Opening::new(attempt, dialect, beat, carrier, worker);
            let body = Outgoing::Opening(Box::new(opening));
            respond::with(StatusCode::OK, headers::opened(shown_id), body)
        }
    }
}

/// A call whose upstream has answered as far as it must be known, or failed.
#[derive(Debug)]
pub(crate) struct Attempted {
    /// The open record.
    pub record: OpenRecord,
    /// The head that the upstream sent and what follows it, or what the client is told instead.
    pub outcome: Result<(HeaderMap, Answer), Failure>,
    /// The timers of what follows.
    pub timers: StreamTimers,
    /// Goes on with a stream that breaks off.
    pub continuation: Option<Box<Continuation>>,
    /// The configuration that the call began with.
    snapshot: Arc<Snapshot>,
}

impl Attempted {
    fn response(mut self, carrier: Carrier, worker: Arc<Worker>) -> Response<Outgoing> {
        let (upstream, answer) = match self.outcome {
            Ok(answered) => answered,
            Err(failure) => return refuse(self.record, &self.snapshot, failure),
        };
        self.record.status = 200;
        self.record.opens();
        let head = headers::answered(&self.record, &upstream);
        let body = match answer {
            Answer::Whole(bytes) => Outgoing::recorded(bytes, self.record),
            Answer::Stream(upstream, held) => {
                let relay = Relay::new(upstream, held, self.timers, carrier, self.record, worker)
                    .continued_by(self.continuation);
                Outgoing::Stream(Box::pin(relay))
            }
        };
        respond::with(StatusCode::OK, head, body)
    }
}

/// Answers with a status.
pub(crate) fn refuse(
    mut record: OpenRecord,
    snapshot: &Snapshot,
    mut failure: Failure,
) -> Response<Outgoing> {
    let dialect = record.dialect;
    record.opens();
    let mut head = headers::refused(&record, snapshot, &failure);
    let (status, body) = failure.response(&mut head, dialect);
    record.status = status.as_u16();
    record.ends(failure.end);
    record.fired = failure.timer.take();
    record.error = Some(failure.detail.unwrap_or(failure.error.message));
    respond::with(status, head, Outgoing::recorded(body, record))
}

/// From the request to an answer that may be opened towards the client, by as many attempts as it takes.
async fn attempt(
    worker: Arc<Worker>,
    snapshot: Arc<Snapshot>,
    asked: Box<Asked>,
    mut record: OpenRecord,
) -> Attempted {
    let wish = Wish::of(&asked, &snapshot);
    let mut plan = Plan::new(
        &snapshot.catalog,
        asked.resolved,
        record.dialect,
        asked.said.options,
        fastrand::u64(..),
        record.started,
    );
    let beat = snapshot.limits.heartbeat(record.dialect);
    let mut timers = StreamTimers::of_call((plan.due(), plan.call_timer().clone()), beat);
    record.call_timer = Some(plan.call_timer().clone());
    let done = {
        let attempts = Attempts {
            worker: &worker,
            limits: &snapshot.limits,
            dialect: record.dialect,
            asked_model: record.model.as_deref().unwrap_or_default(),
            id: &record.call_id,
            envelope: &asked.envelope,
            headers: &asked.parts.headers,
            query: asked.parts.uri.query(),
            stream: record.stream,
            array: record.array,
            choices: record.choices,
            journal: &record.journal,
            live: record.live().map(|it| &**it),
            shown: &snapshot.shown,
            due: (timers.call.0, &timers.call.1),
            mock: asked.said.mock.as_deref(),
            trace: record.trace.as_deref(),
        };
        // Pinned where it is made: every move of a future is a copy that its owner has room for.
        unless_cut(&record, pin!(execute(&mut plan, &attempts))).await
    };
    let outcome = match done {
        None => Err(failure::cancelled()),
        Some(Ok(answered)) => Ok(settle(answered, &snapshot, &mut record, &mut timers)),
        Some(Err(unanswered)) => {
            let request = (&asked.envelope, asked.said.tell_attempts);
            nobody_answered(unanswered, &plan, &mut record, request)
        }
    };
    let wish = wish.filter(|_| matches!(outcome, Ok((_, Answer::Stream(Some(_), _)))));
    let request = (asked.parts, asked.envelope);
    let going_on = |wish| Continuation::new(wish, request, &record, &worker, &snapshot);
    let continuation = wish.and_then(going_on);
    Attempted {
        record,
        outcome,
        timers,
        continuation,
        snapshot,
    }
}

/// What `work` comes to; `None`: an operator has ended the call before that.
async fn unless_cut<T>(
    record: &OpenRecord,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    poll_fn(|cx| match record.poll_cut(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(cx).map(Some),
    })
    .await
}

/// Notes that nobody answered, and says what the client is told: of all attempts, if the request wants that.
fn nobody_answered(
    unanswered: Unanswered<Failure>,
    plan: &Plan,
    record: &mut OpenRecord,
    (envelope, in_full): (&Envelope, bool),
) -> Result<(HeaderMap, Answer), Failure> {
    let Unanswered { cause, course } = unanswered;
    record.not_served(course);
    let returns = || plan.returns_in(Instant::now());
    let tell = |made: &[Entry]| failure::of(cause, made, in_full, returns);
    let failure = record.journal.read(tell);
    count::or_estimate(failure, record, envelope)
}

/// Notes who answered, and with what.
fn settle(
    answered: Answered<Got>,
    snapshot: &Snapshot,
    record: &mut OpenRecord,
    timers: &mut StreamTimers,
) -> (HeaderMap, Answer) {
    let Answered {
        answer: got,
        attempt,
        course,
    } = answered;
    timers.follow(&attempt);
    record.usage = got.usage;
    record.made_up = got.made_up;
    record.lost = got.lost;
    record.spoken = Some(got.dialect);
    if let Some(at) = got.content {
        record.content_arrived(at);
    }
    let shown = snapshot.shown.of(&attempt.deployment).cloned();
    if let Some(own) = shown.as_ref().and_then(|it| it.configured.heartbeat) {
        let beats = !own.is_zero() && !record.dialect.heartbeat().is_empty();
        timers.heartbeat = beats.then_some(own);
    }
    record.served_by(attempt, shown, course);
    (got.headers, got.answer)
}

/// The client's own name for the call, or a new one.
pub(crate) fn call_id(headers: &HeaderMap) -> Box<str> {
    let given = headers
        .get("x-litellm-call-id")
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_NAME);
    match given {
        Some(id) => id.into(),
        None => format!("{:032x}", fastrand::u128(..)).into(),
    }
}

/// Characters of a name that a client chose which are kept for logs.
const LONGEST_NAME: usize = 128;
