//! The streams under way: who they are, where they stand, and the way to end one.
//!
//! Each worker has a list of its own, so that workers do not wait for each other; only whoever looks takes all of them.
//! A plain call is counted and no more.

mod cut;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use gateway_core::Dialect;
use gateway_router::Deployment;
use slab::Slab;
use tokio::time::Instant;

use crate::relay::Carrier;
pub(crate) use cut::Cut;

/// The calls under way.
#[derive(Debug)]
pub(crate) struct Live {
    lanes: Box<[Lane]>,
}

/// Those of one worker.
#[derive(Debug, Default)]
struct Lane {
    active: AtomicU64,
    streams: Mutex<Slab<Arc<LiveStream>>>,
}

/// A stream under way. Its own task writes the numbers, others read them.
pub(crate) struct LiveStream {
    /// When the head of its request had arrived.
    pub started: Instant,
    /// Its name in logs and headers.
    pub call_id: Box<str>,
    /// The front end.
    pub dialect: Dialect,
    /// The model that was asked for.
    pub model: Box<str>,
    /// The worker that serves it.
    pub worker: usize,
    carrier: Carrier,
    attempt: Mutex<Option<Arc<Deployment>>>,
    generation: AtomicU64,
    first_content: OnceLock<Duration>,
    events: AtomicU64,
    bytes: AtomicU64,
    cut: Cut,
}

/// Keeps a call among those under way.
#[derive(Debug)]
pub(crate) struct Entered {
    live: Arc<Live>,
    lane: usize,
    stream: Option<(usize, Arc<LiveStream>)>,
}

/// What a stream is listed with.
#[derive(Debug)]
pub(crate) struct Introduction<'a> {
    /// When the head of its request had arrived.
    pub started: Instant,
    /// Its name.
    pub call_id: &'a str,
    /// The front end.
    pub dialect: Dialect,
    /// The model that was asked for.
    pub model: &'a str,
    /// How it is carried to its client.
    pub carrier: Carrier,
}

impl Live {
    /// Nothing is under way yet at so many workers.
    pub(crate) fn new(workers: usize) -> Arc<Self> {
        let lanes = (0..workers.max(1)).map(|_| Lane::default());
        Arc::new(Self {
            lanes: lanes.collect(),
        })
    }

    /// A call of worker `lane` has come in.
    pub(crate) fn enter(self: &Arc<Self>, lane: usize) -> Entered {
        let lane = lane % self.lanes.len();
        self.lanes[lane].active.fetch_add(1, Ordering::Relaxed);
        Entered {
            live: Arc::clone(self),
            lane,
            stream: None,
        }
    }

    /// How many calls are under way.
    pub(crate) fn active(&self) -> u64 {
        let active = self
            .lanes
            .iter()
            .map(|it| it.active.load(Ordering::Relaxed));
        active.sum()
    }

    /// All streams under way, in no order.
    pub(crate) fn streams(&self) -> Vec<Arc<LiveStream>> {
        let mut all = Vec::new();
        for lane in &self.lanes {
            let streams = lane.streams();
            // The worker waits for this lock: it must not wait for memory too.
            let missing = streams.len();
            drop(streams);
            all.reserve(missing + missing / 8);
            all.extend(lane.streams().iter().map(|(_, stream)| Arc::clone(stream)));
        }
        all
    }

    /// Ends the streams with this name; how many there were.
    pub(crate) fn cut(&self, call_id: &str, now: Instant) -> usize {
        let streams = self.streams();
        let those = streams.iter().filter(|it| *it.call_id == *call_id);
        those.map(|stream| stream.end(now)).count()
    }
}

impl Lane {
    fn streams(&self) -> MutexGuard<'_, Slab<Arc<LiveStream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    /// The call is a stream: it is listed from now on.
    pub(crate) fn introduce(&mut self, stream: Introduction<'_>) {
        if self.stream.is_some() {
            return;
        }
        let stream = Arc::new(LiveStream {
            started: stream.started,
            call_id: stream.call_id.into(),
            dialect: stream.dialect,
            model: stream.model.into(),
            worker: self.lane,
            carrier: stream.carrier,
            attempt: Mutex::default(),
            generation: AtomicU64::new(0),
            first_content: OnceLock::new(),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            cut: Cut::default(),
        });
        let key = self.live.lanes[self.lane]
            .streams()
            .insert(Arc::clone(&stream));
        self.stream = Some((key, stream));
    }

    /// What others see of it, if it is listed.
    pub(crate) fn stream(&self) -> Option<&Arc<LiveStream>> {
        self.stream.as_ref().map(|(_, stream)| stream)
    }

    /// Whether an operator has ended it.
    pub(crate) fn is_cut(&self) -> bool {
        self.stream().is_some_and(|stream| stream.cut.is_ordered())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let lane = &self.live.lanes[self.lane];
        lane.active.fetch_sub(1, Ordering::Relaxed);
        if let Some((key, _)) = self.stream.take() {
            lane.streams().try_remove(key);
        }
    }
}

impl LiveStream {
    /// An attempt at `deployment` begins.
    pub(crate) fn asks(&self, deployment: &Arc<Deployment>) {
        self.generation.store(0, Ordering::Relaxed);
        *self.attempt() = Some(Arc::clone(deployment));
    }

    /// The head of an answer is there, on a connection of this generation.
    pub(crate) fn connected(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// The first content came after so long.
    pub(crate) fn content(&self, after: Duration) {
        self.first_content.get_or_init(|| after);
    }

    /// So much has been handed over by now.
    #[inline]
    pub(crate) fn handed_over(&self, events: u64, bytes: u64) {
        self.events.store(events, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Ready when an operator has ended it; else whoever polls is woken when one does.
    #[inline]
    pub(crate) fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.cut.poll(cx)
    }

    /// Ends it. A client that does not read hears nothing more: its connection, or its HTTP/2 stream, goes.
    fn end(&self, now: Instant) {
        if self.stalled_for(now).is_some() {
            self.carrier.give_up();
        }
        self.cut.order();
    }

    /// The deployment that is asked, or that answers.
    pub(crate) fn deployment(&self) -> Option<Arc<Deployment>> {
        self.attempt().clone()
    }

    /// The generation of its connection to the provider.
    pub(crate) fn generation(&self) -> Option<u64> {
        let generation = self.generation.load(Ordering::Relaxed);
        (generation > 0).then_some(generation)
    }

    /// When its first content came, from the start.
    pub(crate) fn first_content(&self) -> Option<Duration> {
        self.first_content.get().copied()
    }

    /// Events and bytes handed over.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.events), read(&self.bytes))
    }

    /// How long its client has not taken what was handed over, if that is for longer than networks take.
    pub(crate) fn stalled_for(&self, now: Instant) -> Option<Duration> {
        let blocked = self.carrier.blocked_for(now)?;
        (blocked >= STALLED).then_some(blocked)
    }

    fn attempt(&self) -> MutexGuard<'_, Option<Arc<Deployment>>> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LiveStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveStream")
            .field("call_id", &self.call_id)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// What is in a client's buffers is not stuck yet.
const STALLED: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::SocketState;

    fn introduce(entered: &mut Entered, call_id: &str) {
        entered.introduce(Introduction {
            started: Instant::now(),
            call_id,
            dialect: Dialect::OpenAiChat,
            model: "m",
            carrier: Carrier::Http1(Arc::new(SocketState::default())),
        });
    }

    #[tokio::test]
    async fn a_stream_is_listed_from_its_introduction_to_its_end() {
        let live = Live::new(2);
        let mut calls: Vec<Entered> = (0..4).map(|worker| live.enter(worker)).collect();
        for (call, id) in calls.iter_mut().skip(1).zip(["a", "b", "b"]) {
            introduce(call, id);
            introduce(call, "twice");
        }
        assert_eq!((live.active(), live.streams().len()), (4, 3));
        let stream = Arc::clone(calls[1].stream().unwrap());
        stream.handed_over(3, 40);
        stream.content(Duration::from_secs(1));
        stream.content(Duration::from_secs(2));
        let seen = live.streams();
        let seen = seen.iter().find(|it| *it.call_id == *"a").unwrap();
        assert_eq!(seen.counts(), (3, 40));
        assert_eq!(seen.first_content(), Some(Duration::from_secs(1)));
        drop(calls);
        assert_eq!((live.active(), live.streams().len()), (0, 0));
    }

    #[tokio::test]
    async fn all_streams_of_a_name_are_cut_and_no_others() {
        let live = Live::new(1);
        let mut calls: Vec<Entered> = (0..3).map(|_| live.enter(0)).collect();
        for (call, id) in calls.iter_mut().zip(["a", "b", "b"]) {
            introduce(call, id);
        }
        assert_eq!(live.cut("b", Instant::now()), 2);
        assert_eq!(live.cut("c", Instant::now()), 0);
        let cut: Vec<bool> = calls.iter().map(Entered::is_cut).collect();
        assert_eq!(cut, [false, true, true]);
    }
}
