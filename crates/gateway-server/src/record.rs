//! One record per call: opened when the call is understood, closed exactly once, whatever happens in between.

#[cfg(feature = "otlp")]
mod finished;
mod journal;
mod line;
mod live;
mod spent;
pub(crate) mod told;
mod used;
mod written;

use std::sync::Arc;
use std::time::Duration;

use gateway_core::{Dialect, EndReason, ErrorKind, Lost, TimerName, Usage};
use gateway_providers::{Cost, ServiceTier};
use gateway_router::{Again, Attempt, Course, Outcome, Timer};
use http::HeaderMap;
use tokio::time::Instant;

use crate::admission::{Places, Refused};
use crate::call::Shown;
use crate::edge::{Client, InFlight, StallWatch, Verdict};
use crate::live::Entered;
use crate::log::Format;
use crate::metrics::{Ended, Streamed};
use crate::respond::Failure;
use crate::trace::CallTrace;
use crate::worker::Worker;
use used::sum;
use written::Paint;

pub(crate) use journal::{AttemptOutcome, Entry, Journal};

/// What is known of a call. Filled in on its way, written as one log line and counted when it ends.
#[derive(Debug)]
pub(crate) struct Record {
    /// When the head of the request had arrived.
    pub started: Instant,
    /// The call's name in logs and headers.
    pub call_id: Box<str>,
    /// Its place in a trace, if it is in one.
    pub trace: Option<Arc<CallTrace>>,
    /// The front end.
    pub dialect: Dialect,
    /// The client asked for a stream.
    pub stream: bool,
    /// As one JSON array, as Google's clients may.
    pub array: bool,
    /// How many answers it asked for, if it said so.
    pub choices: Option<u64>,
    /// The model that the client asked for, cut to a sane length.
    pub model: Option<Box<str>>,
    /// The model group that it asked for, also where a fallback serves it: each attempt has its own group.
    pub group: Option<Arc<str>>,
    /// What was attempted.
    pub journal: Journal,
    /// The attempt that answered, under way as long as the record is open.
    pub attempt: Option<Box<Attempt>>,
    /// What is known of the attempt's deployment beside routing.
    pub shown: Option<Arc<Shown>>,
    /// What was done for it.
    pub course: Course,
    /// How often the client allows a group to be tried again, if it says so.
    pub max_retries: Option<u32>,
    /// The timer of the whole call.
    pub call_timer: Option<Timer>,
    /// The timer that fired before an answer was there.
    pub fired: Option<Box<(TimerName, Timer)>>,
    /// How long it took until the call had its place, where somebody wants to know.
    pub queued: Option<Duration>,
    /// When the answer's head was made, if it was not sent before there was an answer.
    pub head: Option<Head>,
    /// Status towards the client; 0 while there is none.
    pub status: u16,
    /// From the start to the first meaningful content.
    pub first_content: Option<Duration>,
    /// Bytes of the body handed to the client.
    pub bytes: u64,
    /// Events handed to the client.
    pub events: u64,
    /// What the provider says it used.
    pub usage: Usage,
    /// Nobody was asked for the answer, so that it says nothing of its deployment.
    pub made_up: bool,
    /// The dialect in which the provider answered.
    pub spoken: Option<Dialect>,
    /// The tier of service that was asked for.
    pub tier: ServiceTier,
    /// What the answer cost, known when the record is closed.
    pub cost: Option<Cost>,
    /// The provider that was asked in its own words.
    pub through: Option<&'static str>,
    /// What of the request did not reach the provider.
    pub lost: Vec<Lost>,
    /// The answer is an estimate of the gateway's.
    pub estimated: bool,
    /// What went wrong, for the operator.
    pub error: Option<String>,
    /// What kind of failure a stream ended with after its first content.
    pub error_kind: Option<ErrorKind>,
}

/// How long it took up to the head of the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// From the head of the request.
    pub took: Duration,
    /// The same without the time in which attempts were under way.
    pub overhead: Duration,
}

/// A record that is still open. Dropping it closes it: without a reason given before, the client is gone.
#[derive(Debug)]
pub(crate) struct OpenRecord {
    record: Box<Record>,
    worker: Arc<Worker>,
    /// The front end as which it was counted when it came in: a provider's own words tell more later.
    came_as: Dialect,
    streamed: Streamed,
    in_flight: InFlight,
    live: Entered,
    stall: Option<Arc<StallWatch>>,
    places: Option<Box<Places>>,
    /// What was used at deployments whose streams broke off.
    spent: Option<Box<Usage>>,
    end: Option<EndReason>,
}

impl OpenRecord {
    /// Opens the record of a call of `client`'s that came in at `started`.
    pub(crate) fn new(
        worker: Arc<Worker>,
        client: &Arc<Client>,
        dialect: Dialect,
        call_id: Box<str>,
        started: Instant,
    ) -> Self {
        worker.metrics().call_started(dialect);
        Self {
            record: Box::new(Record::new(dialect, call_id, started)),
            live: worker.shared.live.enter(worker.lane()),
            worker,
            came_as: dialect,
            streamed: Streamed::Never,
            in_flight: client.enter(),
            stall: None,
            places: None,
            spent: None,
            end: None,
        }
    }

    /// The call's client is watched over by this, beside its socket.
    pub(crate) fn watched(&mut self, stall: &Arc<StallWatch>) {
        self.stall = Some(Arc::clone(stall));
    }

    /// Waits for a place among the calls under way, which it keeps until the record is closed.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn take_places(&mut self, headers: &HeaderMap) -> Result<(), Failure> {
        let entered = if self.in_flight.is_crowded() {
            Err(Refused::Crowded)
        } else {
            let admission = &self.worker.shared.admission;
            admission.enter(headers, self.record.started).await
        };
        let metrics = self.worker.metrics();
        self.places = entered.inspect_err(|refused| metrics.refused(refused))?;
        let times = metrics.times_places();
        self.record.queued = times.then(|| self.record.started.elapsed());
        Ok(())
    }

    /// Notes who answered.
    pub(crate) fn served_by(
        &mut self,
        attempt: Box<Attempt>,
        shown: Option<Arc<Shown>>,
        course: Course,
    ) {
        self.attempt = Some(attempt);
        self.shown = shown;
        self.course = course;
    }

    /// Notes that the stream ended like this where it began, and goes on elsewhere: the first deployment is judged.
    pub(crate) fn continued_by(
        &mut self,
        attempt: Box<Attempt>,
        shown: Option<Arc<Shown>>,
        end: EndReason,
    ) {
        self.record.judge(end, Instant::now());
        if let Some(broken) = &self.record.attempt {
            self.record.journal.broke(broken, end);
        }
        self.shown(|stream| stream.asks(&attempt.deployment));
        let usage = std::mem::take(&mut self.record.usage);
        let spent = self.spent.take().map_or(usage, |spent| sum(*spent, usage));
        self.spent = Some(Box::new(spent));
        self.attempt = Some(attempt);
        self.shown = shown;
    }

    /// Notes that nobody did.
    pub(crate) fn not_served(&mut self, course: Course) {
        self.course = course;
    }

    /// Says how the call will have ended once the client has what is on its way; the first reason stays.
    pub(crate) fn ends(&mut self, end: EndReason) {
        self.end.get_or_insert(end);
    }

    /// Notes that a stream to the client begins.
    pub(crate) fn streams(&mut self) {
        if self.streamed == Streamed::Never {
            self.streamed = Streamed::Begun;
            self.worker.metrics().stream_started();
        }
    }

    /// Notes that the head of the answer is about to be made.
    pub(crate) fn opens(&mut self) {
        let took = self.record.started.elapsed();
        let overhead = self.record.overhead(took);
        self.record.head = Some(Head { took, overhead });
    }

    /// Closes the record of an answer in one piece that hyper has taken.
    pub(crate) fn answered(mut self, bytes: usize) {
        self.record.bytes = bytes as u64;
        self.ends(EndReason::Complete);
    }

    /// Notes that the first meaningful content is there.
    pub(crate) fn content_arrived(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.record.started);
        let since = *self.record.first_content.get_or_insert(since);
        self.shown(|stream| stream.content(since));
    }
}

impl std::ops::Deref for OpenRecord {
    type Target = Record;
    fn deref(&self) -> &Record {
        &self.record
    }
}

impl std::ops::DerefMut for OpenRecord {
    fn deref_mut(&mut self) -> &mut Record {
        &mut self.record
    }
}

impl Drop for OpenRecord {
    fn drop(&mut self) {
        // The next call need not wait for the log.
        drop(self.places.take());
        let stalled = self.stall.as_ref().is_some_and(|watch| watch.has_stalled());
        let end = self.end.unwrap_or_else(|| match self.in_flight.verdict() {
            _ if self.live.is_cut() => EndReason::Cancelled,
            Verdict::Alive | Verdict::Gone if !stalled => EndReason::ClientGone,
            _ => EndReason::Timer(TimerName::ClientWrite),
        });
        let record = &mut *self.record;
        let entries = record.journal.take();
        let now = Instant::now();
        record.judge(end, now);
        #[cfg(feature = "otlp")]
        let last = record.usage;
        if let Some(spent) = self.spent.as_deref() {
            record.usage = sum(*spent, record.usage);
        }
        record.cost = record.price();
        let took = now.saturating_duration_since(record.started);
        let metrics = self.worker.metrics();
        metrics.call_ended(Ended {
            record,
            entries: &entries,
            end,
            took,
            came_as: self.came_as,
            streamed: self.streamed,
        });
        self.worker.shared.board.call_ended(record, &entries, end);
        let lines = self.worker.lines();
        if lines.takes_call(end == EndReason::Complete) {
            lines.push(self.worker.lane(), |out| match lines.format() {
                Format::Json => record.write_json(&entries, end, took, out),
                Format::Text => record.write_text(&entries, end, took, Paint::default(), out),
                Format::Colored => record.write_text(&entries, end, took, Paint::TERMINAL, out),
            });
        }
        #[cfg(feature = "otlp")]
        if let Some(call) = record.finished(entries, end, took, last) {
            self.worker.shared.traces.push(self.worker.lane(), call);
        }
    }
}

impl Record {
    fn new(dialect: Dialect, call_id: Box<str>, started: Instant) -> Self {
        Self {
            started,
            call_id,
            trace: None,
            dialect,
            stream: false,
            array: false,
            choices: None,
            model: None,
            group: None,
            journal: Journal::default(),
            attempt: None,
            shown: None,
            course: Course::default(),
            max_retries: None,
            call_timer: None,
            fired: None,
            queued: None,
            head: None,
            status: 0,
            first_content: None,
            bytes: 0,
            events: 0,
            usage: Usage::default(),
            made_up: false,
            spoken: None,
            tier: ServiceTier::default(),
            cost: None,
            through: None,
            lost: Vec::new(),
            estimated: false,
            error: None,
            error_kind: None,
        }
    }

    /// Tells the deployment that answered what came of it.
    fn judge(&self, end: EndReason, now: Instant) {
        let Some(attempt) = &self.attempt else {
            return;
        };
        if self.made_up {
            return;
        }
        let tokens = [self.usage.input_tokens, self.usage.output_tokens];
        let tokens: u64 = tokens.into_iter().flatten().sum();
        if tokens > 0 {
            attempt.running.used(tokens, now);
        }
        let by_caller = |timer: &Timer| timer.origin.is_caller();
        let timers = &attempt.timers;
        let kind = match end {
            EndReason::Truncated | EndReason::Malformed => ErrorKind::Upstream,
            EndReason::UpstreamError => self.error_kind.unwrap_or(ErrorKind::Internal),
            EndReason::Timer(TimerName::Idle) if !by_caller(&timers.idle) => ErrorKind::Timeout,
            EndReason::Timer(TimerName::FirstContent)
                if !timers.first_content.as_ref().is_some_and(by_caller) =>
            {
                ErrorKind::Timeout
            }
            _ => return,
        };
        let outcome = Outcome::new(kind, Again::Never);
        let rules = &attempt.deployment.cooldown;
        attempt.running.failed(&outcome, rules, now);
    }

    /// The timer that ended the call, and who said it.
    fn timer(&self, end: EndReason) -> Option<(TimerName, &Timer)> {
        if let Some((name, timer)) = self.fired.as_deref() {
            return Some((*name, timer));
        }
        let EndReason::Timer(name) = end else {
            return None;
        };
        let timers = || Some(&self.attempt.as_ref()?.timers);
        let timer = match name {
            TimerName::Call => self.call_timer.as_ref(),
            TimerName::Attempt => timers()?.attempt.as_ref(),
            TimerName::FirstContent => timers()?.first_content.as_ref(),
            TimerName::Idle => Some(&timers()?.idle),
            _ => None,
        };
        timer.map(|timer| (name, timer))
    }
}

#[cfg(test)]
mod tests;
