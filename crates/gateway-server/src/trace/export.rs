//! To the collector, in batches: one task of the control plane, with a transport of its own, so that what calls use is
//! neither shared nor counted with it, and so that it works until everything else has ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::Secret;
use gateway_providers::Environment;
use gateway_transport::{ConnectSpec, SendOptions, Transport, TransportConfig};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::traces::Flush;
use super::{Finished, otlp, span};
use crate::config::TraceExport;
use crate::worker::Shared;

/// Where spans go, and how.
pub(crate) struct Target {
    url: Secret,
    headers: HeaderMap,
    resource: Vec<(String, String)>,
    spec: ConnectSpec,
    timeout: Duration,
    delay: Duration,
    queue: usize,
    batch: usize,
    older_names: bool,
}

impl Target {
    /// As it is configured; `None`: nowhere, or nowhere that could be reached, which the log then says.
    pub(super) fn new(said: Option<&TraceExport>, environment: &Environment) -> Option<Arc<Self>> {
        let said = said?;
        let url = said.url.expose();
        let spec = match gateway_providers::connect_spec(url, &said.connect, environment) {
            Ok(spec) => spec,
            Err(error) => {
                tracing::warn!(%error, "traces are not exported: nobody can connect to the collector");
                return None;
            }
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &said.headers {
            let name = HeaderName::try_from(name);
            if let (Ok(name), Ok(mut value)) = (name, HeaderValue::try_from(value.expose())) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        Some(Arc::new(Self {
            url: said.url.clone(),
            headers,
            resource: said.resource.clone(),
            spec,
            timeout: said.timeout,
            delay: said.delay,
            queue: said.queue,
            batch: said.batch,
            older_names: said.older_names,
        }))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.spec.host)
            .finish_non_exhaustive()
    }
}

/// Starts the exporter on the control plane. It ends with the runtime.
pub(crate) fn start(shared: &Arc<Shared>, tasks: &TaskTracker, control: &Handle) {
    let Some(flushes) = shared.traces.flushes() else {
        return;
    };
    let exporter = Exporter {
        shared: Arc::clone(shared),
        transport: None,
        reaches: true,
    };
    exporter.make_room();
    tasks.spawn_on(exporter.run(flushes), control);
}

struct Exporter {
    shared: Arc<Shared>,
    /// Made when it is needed for the first time.
    transport: Option<Transport>,
    /// The last export succeeded, as far as the log knows.
    reaches: bool,
}

/// What became of one export.
enum Export {
    /// The collector has it, all but so many spans.
    Taken(u64),
    /// It may have it later, perhaps after so long.
    Later(String, Option<Duration>),
    /// It never wants it.
    Refused(String),
}

impl Exporter {
    async fn run(mut self, mut flushes: mpsc::Receiver<Flush>) {
        loop {
            let delay = self.make_room();
            let flush = tokio::select! {
                () = self.shared.traces.filling.notified() => None,
                () = sleep(delay) => None,
                flush = flushes.recv() => flush,
            };
            let patience = if flush.is_some() { 1 } else { ATTEMPTS };
            self.export(patience).await;
            if let Some(done) = flush {
                // Whoever asked may have gone.
                let _gone = done.send(());
            }
        }
    }

    /// What the configuration in force says of how many calls may wait, and for how long.
    fn make_room(&self) -> Duration {
        let snapshot = self.shared.snapshot.load();
        let target = snapshot.tracing.target.as_deref();
        self.shared
            .traces
            .make_room(target.map_or(ROOM, |it| it.queue));
        target.map_or(IDLE, |it| it.delay)
    }

    /// Exports what waits; each batch is tried so often.
    async fn export(&mut self, attempts: u32) {
        let calls = self.shared.traces.take();
        let target = self.shared.snapshot.load().tracing.target.clone();
        let Some(target) = target.filter(|_| !calls.is_empty()) else {
            return;
        };
        for batch in calls.chunks(target.batch.max(1)) {
            let (body, spans) = encode(&target, batch);
            let (taken, problem) = self.deliver(&target, body, attempts).await;
            let taken = taken.map_or(0, |rejected| spans.saturating_sub(rejected));
            self.shared.traces.became(taken, spans - taken);
            self.tell(problem);
        }
    }

    /// Sends one batch until it is taken, refused, or was tried often enough. `Some`: it was taken, but for so many spans.
    async fn deliver(
        &mut self,
        target: &Target,
        body: Bytes,
        attempts: u32,
    ) -> (Option<u64>, Option<String>) {
        let mut wait = FIRST_WAIT;
        for left in (0..attempts).rev() {
            match self.post(target, body.clone()).await {
                Export::Taken(rejected) => return (Some(rejected), None),
                Export::Refused(problem) => return (None, Some(problem)),
                Export::Later(problem, _) if left == 0 => return (None, Some(problem)),
                Export::Later(problem, asked) => {
                    tracing::debug!(problem, "an export of traces is tried again");
                    sleep(asked.unwrap_or(wait).min(LONGEST_WAIT)).await;
                    wait *= 2;
                }
            }
        }
        (None, None)
    }

    async fn post(&mut self, target: &Target, body: Bytes) -> Export {
        let posted = timeout(target.timeout, self.exchange(target, body)).await;
        posted.unwrap_or_else(|_elapsed| {
            let seconds = target.timeout.as_secs_f64();
            Export::Later(format!("no answer within {seconds} s"), None)
        })
    }

    async fn exchange(&mut self, target: &Target, body: Bytes) -> Export {
        let control = Handle::current();
        let config = TransportConfig::default;
        let transport = self.transport.get_or_insert_with(|| {
            Transport::with_control(config(), vec![control.clone()], &control)
        });
        let origin = match transport.origin(&target.spec) {
            Ok(origin) => origin,
            Err(error) => return Export::Refused(error.to_string()),
        };
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        // The address has been checked; what it says stays out of the log.
        *request.uri_mut() = target.url.expose().parse().unwrap_or_default();
        request.headers_mut().clone_from(&target.headers);
        let (shard, options) = (transport.shard(0), SendOptions::default());
        let response = match shard.send(&origin, request, &options).await {
            Ok(response) => response,
            Err(error) => return Export::Later(error.to_string(), None),
        };
        let (head, body) = response.into_parts();
        let answer = Limited::new(body, LONGEST_ANSWER).collect().await;
        let answer = answer
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        judge(head.status, &head.headers, &answer)
    }

    /// Tells the log of the first failure of a row, and of its end.
    fn tell(&mut self, problem: Option<String>) {
        match (problem, self.reaches) {
            (Some(problem), true) => {
                tracing::warn!(problem, "traces cannot be exported");
                self.reaches = false;
            }
            (None, false) => {
                tracing::info!("traces are exported again");
                self.reaches = true;
            }
            (Some(_), false) | (None, true) => {}
        }
    }
}

/// Which answers mean what: OTLP's specification, section "OTLP/HTTP Response".
fn judge(status: StatusCode, headers: &HeaderMap, answer: &[u8]) -> Export {
    if status.is_success() {
        return Export::Taken(otlp::rejected(answer));
    }
    let problem = format!("the collector answered with status {}", status.as_u16());
    if ![429, 502, 503, 504].contains(&status.as_u16()) {
        return Export::Refused(problem);
    }
    let after = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok());
    let after = after.and_then(|it| it.trim().parse().ok());
    Export::Later(problem, after.map(Duration::from_secs))
}

/// The bytes of a batch, and how many spans are in them.
fn encode(target: &Target, calls: &[Box<Finished>]) -> (Bytes, u64) {
    let mut spans = Vec::with_capacity(calls.len() * 2);
    for call in calls {
        span::spans(call, target.older_names, &mut spans);
    }
    let count = spans.len() as u64;
    (otlp::request(&target.resource, &spans).into(), count)
}

/// As OTLP's exporters call themselves.
const AGENT: &str = concat!(
    "OTel-OTLP-Exporter-gateway-server/",
    env!("CARGO_PKG_VERSION")
);
/// How often a batch is sent.
const ATTEMPTS: u32 = 5;
/// Before the second time; then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Whatever the collector asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Calls that may wait before it is known where they go.
const ROOM: usize = 2_048;
/// How often it is looked whether there is a collector now.
const IDLE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const LONGEST_ANSWER: usize = 64 << 10;
