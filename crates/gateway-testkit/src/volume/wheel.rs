//! The ticker: writes to every paced stream whose time has come, without waking a task for it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use super::counters::{Cells, add};
use super::mode::Answer;

/// A timing wheel of streams, one slot per millisecond.
#[derive(Debug)]
pub(super) struct Wheel {
    state: Mutex<State>,
    /// There is something to do again.
    wake: Notify,
}

/// The end of a stream, for the task that waits for it. Dropping it takes the stream off the wheel.
#[derive(Debug)]
pub(super) struct Done(Arc<End>);

#[derive(Debug, Default)]
struct End {
    notify: Notify,
    finished: AtomicBool,
    over: AtomicBool,
}

#[derive(Debug)]
struct State {
    slots: Vec<Vec<Entry>>,
    now: usize,
    entries: usize,
}

#[derive(Debug)]
struct Entry {
    tcp: Arc<TcpStream>,
    answer: Arc<Answer>,
    left: usize,
    /// Turns of the whole wheel still to wait.
    rounds: usize,
    /// What the socket did not take.
    backlog: BytesMut,
    ended: bool,
    end: Arc<End>,
}

/// An event rendered for this tick, shared by all streams of the same answer.
struct Rendered {
    answer: *const Answer,
    bytes: Bytes,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                slots: std::iter::repeat_with(Vec::new).take(SLOTS).collect(),
                now: 0,
                entries: 0,
            }),
            wake: Notify::new(),
        }
    }

    /// Puts a stream on the wheel; its first event comes after one interval.
    pub(super) fn add(&self, tcp: Arc<TcpStream>, answer: Arc<Answer>) -> Done {
        let (left, every) = match &*answer {
            Answer::Paced { count, every, .. } => (*count, *every),
            Answer::Pieces(_) | Answer::Idle { .. } => (0, TICK),
        };
        let end = Arc::new(End::default());
        let entry = Entry {
            tcp,
            answer,
            left,
            rounds: 0,
            backlog: BytesMut::new(),
            ended: false,
            end: end.clone(),
        };
        let mut state = self.lock();
        state.entries += 1;
        state.put(entry, every);
        drop(state);
        self.wake.notify_one();
        Done(end)
    }

    /// Turns for ever.
    pub(super) async fn run(&self, counters: &Cells) {
        loop {
            while self.lock().entries == 0 {
                self.wake.notified().await;
            }
            let mut ticks = tokio::time::interval(TICK);
            // Late ticks are made up for: a slot is never skipped.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            while self.lock().entries > 0 {
                let due = ticks.tick().await;
                let late = Instant::now().saturating_duration_since(due);
                add(&counters.ticks);
                if late > LATE {
                    add(&counters.ticks_late);
                }
                let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
                counters.ticker_late_us.fetch_max(late, Ordering::Relaxed);
                self.turn(counters);
            }
        }
    }

    fn turn(&self, counters: &Cells) {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = u64::try_from(nanos.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX);
        let mut state = self.lock();
        state.now = (state.now + 1) % SLOTS;
        let now = state.now;
        let due = std::mem::take(&mut state.slots[now]);
        let mut rendered: Vec<Rendered> = Vec::new();
        for mut entry in due {
            if entry.end.over.load(Ordering::Acquire) {
                state.entries -= 1;
                continue;
            }
            if entry.rounds > 0 {
                entry.rounds -= 1;
                state.slots[now].push(entry);
                continue;
            }
            match entry.write(&mut rendered, nanos, counters) {
                Ok(Some(again)) => state.put(entry, again),
                Ok(None) => {
                    state.entries -= 1;
                    entry.end.tell(true);
                }
                Err(_) => {
                    state.entries -= 1;
                    entry.end.tell(false);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn put(&mut self, mut entry: Entry, after: Duration) {
        let ticks = usize::try_from(after.as_millis())
            .unwrap_or(usize::MAX)
            .max(1);
        entry.rounds = (ticks - 1) / SLOTS;
        let slot = (self.now + ticks) % SLOTS;
        self.slots[slot].push(entry);
    }
}

impl Entry {
    /// Writes what is due; says when to come again, `None` at the end.
    fn write(
        &mut self,
        rendered: &mut Vec<Rendered>,
        nanos: u64,
        counters: &Cells,
    ) -> io::Result<Option<Duration>> {
        let answer = self.answer.clone();
        let Answer::Paced {
            event, every, end, ..
        } = &*answer
        else {
            return Ok(None);
        };
        if !self.backlog.is_empty() {
            add(&counters.events_behind);
            if !self.write_backlog()? {
                // The reader is behind: no event is lost and no memory is used, they all come later.
                return Ok(Some(*every));
            }
        }
        if self.left > 0 {
            self.left -= 1;
            let this: *const Answer = &*answer;
            let bytes = match rendered.iter().find(|known| known.answer == this) {
                Some(known) => known.bytes.clone(),
                None => {
                    let bytes = event.at(nanos);
                    rendered.push(Rendered {
                        answer: this,
                        bytes: bytes.clone(),
                    });
                    bytes
                }
            };
            self.write_or_keep(&bytes)?;
        }
        if self.left == 0 && !self.ended {
            self.ended = true;
            self.write_or_keep(end)?;
        }
        let finished = self.ended && self.backlog.is_empty();
        Ok((!finished).then_some(if self.ended { TICK } else { *every }))
    }

    fn write_or_keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut taken = 0;
        if self.backlog.is_empty() {
            match self.tcp.try_write(bytes) {
                Ok(n) => taken = n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        self.backlog.extend_from_slice(&bytes[taken..]);
        Ok(())
    }

    /// `true` when nothing is left.
    fn write_backlog(&mut self) -> io::Result<bool> {
        while !self.backlog.is_empty() {
            match self.tcp.try_write(&self.backlog) {
                Ok(n) => self.backlog.advance(n),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl Done {
    /// `true`: everything was written; `false`: the client went.
    pub(super) async fn finished(&self) -> bool {
        self.0.notify.notified().await;
        self.0.finished.load(Ordering::Acquire)
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
    }
}

impl End {
    fn tell(&self, finished: bool) {
        self.finished.store(finished, Ordering::Release);
        self.notify.notify_one();
    }
}

const TICK: Duration = Duration::from_millis(1);
const LATE: Duration = Duration::from_millis(5);
const SLOTS: usize = 1024;
