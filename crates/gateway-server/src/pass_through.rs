//! Routes that lead to a provider itself: its own words in both directions, our credentials, pools, timers and ends.

mod body;
mod gates;
mod head;

use std::sync::Arc;

use gateway_core::{EndReason, ErrorInfo, ErrorKind, Passage, TimerName};
use gateway_providers::{Framing, Through};
use gateway_router::{AttemptTimers, DeploymentTimers, RequestTimers, SendFailure, Timer};
use gateway_transport::{ResponseBody, SendOptions};
use http::request::Parts;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::body::Outgoing;
use crate::call::{call_id, intake, refuse, unsent};
use crate::edge::{Client, StallWatch};
use crate::record::OpenRecord;
use crate::relay::{Carrier, Relay, StreamTimers};
use crate::respond::{self, Failure};
use crate::trace::CallTrace;
use crate::upstream::{Batch, Judge, UpstreamStream};
use crate::worker::{Snapshot, Worker};

pub(crate) use body::ThroughBody;
pub(crate) use gates::{Gates, PROVIDERS, ThroughProvider};

/// A request for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThroughRoute {
    /// Which.
    pub provider: ThroughProvider,
    /// The path behind the provider's name, still percent-encoded, with a slash before it.
    pub path: String,
}

/// Answers a request for a provider. Dropping the future gives the exchange up at once.
pub(crate) async fn answer(
    worker: Arc<Worker>,
    client: Arc<Client>,
    request: Request<Incoming>,
    route: ThroughRoute,
) -> Response<Outgoing> {
    let started = Instant::now();
    let snapshot = worker.shared.snapshot.load_full();
    let carrier = match request.version() {
        Version::HTTP_2 => Carrier::Http2(StallWatch::current()),
        _ => Carrier::Http1(Arc::clone(&client.socket)),
    };
    let id = call_id(request.headers());
    let dialect = route.provider.dialect;
    let trace = CallTrace::begin(&snapshot.tracing, &request, client.peer);
    let mut record = OpenRecord::new(Arc::clone(&worker), &client, dialect, id, started);
    record.trace = trace;
    record.through = Some(route.provider.name);
    if let Carrier::Http2(watch) = &carrier {
        record.watched(watch);
    }
    let timers = Timers::of(&snapshot, started);
    record.call_timer = Some(timers.call.1.clone());
    let exchanged = exchange(&worker, &snapshot, request, &route, &timers, &mut record);
    match Box::pin(exchanged).await {
        Ok(response) => relayed(response, &route, &snapshot, timers, carrier, record, worker),
        Err(failure) => refuse(record, &snapshot, failure),
    }
}

/// The timers of a request that no deployment has.
struct Timers {
    call: (Instant, Timer),
    attempt: AttemptTimers,
}

impl Timers {
    fn of(snapshot: &Snapshot, started: Instant) -> Self {
        let said = &snapshot.catalog.routing().timers;
        let call = said.call(&RequestTimers::default());
        Self {
            call: (call.from(started), call),
            attempt: said.attempt(&RequestTimers::default(), &DeploymentTimers::default()),
        }
    }
}

/// Asks the provider, up to the head of its answer.
async fn exchange(
    worker: &Worker,
    snapshot: &Snapshot,
    request: Request<Incoming>,
    route: &ThroughRoute,
    timers: &Timers,
    record: &mut OpenRecord,
) -> Result<Response<ResponseBody>, Failure> {
    let (parts, body) = request.into_parts();
    let limits = &snapshot.limits;
    let key = intake::key_in_query(route.provider.dialect, parts.uri.query());
    if let Err(denied) = snapshot.keys.check(&parts.headers, key.as_deref()) {
        let message = denied.message();
        return Err(Failure::rejected(ErrorKind::Authentication, message));
    }
    intake::admit_size(&parts.headers, limits.request_bytes)?;
    record.take_places(&parts.headers).await?;
    let body = intake::collect(body, limits.request_bytes, limits.request_idle).await?;
    let gate = snapshot.gates.find(route)?;
    let (due, timer) = &timers.call;
    let trace = record.trace.clone();
    let trace = trace.as_deref();
    let sent = send(worker, gate, &parts, route, body, &timers.attempt, trace);
    match timeout_at(*due, sent).await {
        Ok(sent) => sent.map_err(|error| unsent(&error, &timers.attempt)),
        Err(_elapsed) => Err(Failure::timer(TimerName::Call, timer)),
    }
}

async fn send(
    worker: &Worker,
    gate: &gates::Gate,
    parts: &Parts,
    route: &ThroughRoute,
    body: bytes::Bytes,
    timers: &AttemptTimers,
    trace: Option<&CallTrace>,
) -> Result<Response<ResponseBody>, SendFailure> {
    let query = head::without_key(parts.uri.query());
    let asked = Through {
        method: &parts.method,
        path: &route.path,
        query: query.as_deref(),
        headers: &parts.headers,
        body,
    };
    let mut request = gate.endpoint.through(asked, &worker.shard).await?;
    if let Some(trace) = trace {
        let own = gate.endpoint.is_self_hosted();
        trace.propagate(0, own, request.headers_mut());
        trace.asks(gate.endpoint.connect_spec());
    }
    let options = SendOptions {
        connect_timeout: Some(timers.connect.limit),
        pool_timeout: Some(timers.pool.limit),
        ..SendOptions::default()
    };
    Ok(worker.shard.send(&gate.origin, request, &options).await?)
}

/// Hands the provider's answer on. A stream whose dialect is known ends as all streams do; of anything else only the
/// framing says whether it is whole, and one that is not is cut.
fn relayed(
    response: Response<ResponseBody>,
    route: &ThroughRoute,
    snapshot: &Snapshot,
    timers: Timers,
    carrier: Carrier,
    mut record: OpenRecord,
    worker: Arc<Worker>,
) -> Response<Outgoing> {
    let (parts, body) = response.into_parts();
    record.status = parts.status.as_u16();
    record.opens();
    let head = head::of_answer(&record, &parts.headers);
    let streamed = head::is_event_stream(&parts.headers) && parts.status.is_success();
    let observed = streamed.then(|| head::dialect_of(&route.path)).flatten();
    let Some(dialect) = observed else {
        let body = ThroughBody::new(body, timers.call, timers.attempt.idle, record);
        let body = Outgoing::Through(Box::new(body));
        return respond::with(parts.status, head, body);
    };
    record.stream = true;
    record.dialect = dialect;
    record.introduce(&carrier);
    // The provider's words, and nothing else: no heartbeats.
    let mut told = StreamTimers::of_call(timers.call, None);
    told.idle = Some(timers.attempt.idle);
    let judge = Judge::new(
        dialect,
        Framing::EventStream,
        None,
        Passage::verbatim(),
        snapshot.limits.event_bytes,
    );
    let upstream = Box::new(UpstreamStream::new(body, judge));
    let held = Batch::default();
    let relay = Relay::new(Some(upstream), held, told, carrier, record, worker);
    respond::with(parts.status, head, Outgoing::Stream(Box::pin(relay)))
}

/// There is nobody to ask.
fn no_gate(provider: &ThroughProvider) -> Failure {
    let message = format!(
        "There are no credentials for requests to {} itself: set them in the environment ({}), or mark a deployment with \
         `use_in_pass_through: true`.",
        provider.name,
        provider.variables.join(" or ")
    );
    let error = ErrorInfo::new(ErrorKind::NotFound, message);
    Failure::new(EndReason::Rejected, error)
}
