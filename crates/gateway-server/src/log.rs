//! Log lines: written where they arise into memory, carried to standard output by one thread.
//!
//! A worker never waits for whoever reads the log, and never pays a system call per line. What does not fit into a
//! lane while the reader is stuck is dropped and counted.

mod level; // Changed while the process runs.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::config::{Log, LogFormat, LoggedCalls};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime as Rfc3339};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

pub(crate) use level::Level;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object each.
    Json,
    /// For people.
    Text,
    /// The same in colors.
    Colored,
}

impl Format {
    /// What is configured, at this standard output. Colors are for terminals, unless `NO_COLOR` is set.
    pub(crate) fn of(configured: LogFormat, colorless: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        match configured {
            LogFormat::Json => Self::Json,
            LogFormat::Auto if !terminal => Self::Json,
            LogFormat::Auto | LogFormat::Text if terminal && !colorless => Self::Colored,
            LogFormat::Auto | LogFormat::Text => Self::Text,
        }
    }
}

/// The lanes that lines travel in, one per worker and one for everybody else.
#[derive(Debug)]
pub(crate) struct Lines {
    format: Format,
    level: Level,
    /// The [`LoggedCalls`] that leave a line, as [`place`] numbers them.
    calls: AtomicU8,
    lanes: Box<[Mutex<Vec<u8>>]>,
    dropped: AtomicU64,
    closing: Mutex<bool>,
    wake: Condvar,
}

impl Lines {
    /// Lanes for `workers` workers.
    pub(crate) fn new(format: Format, workers: usize) -> Arc<Self> {
        Arc::new(Self {
            format,
            level: Level::default(),
            calls: AtomicU8::new(place(LoggedCalls::All)),
            lanes: (0..=workers).map(|_| Mutex::default()).collect(),
            dropped: AtomicU64::new(0),
            closing: Mutex::new(false),
            wake: Condvar::new(),
        })
    }

    /// How lines shall look.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// What the log takes of events.
    pub(crate) fn level(&self) -> &Level {
        &self.level
    }

    /// The configuration was read, for the first time or again.
    pub(crate) fn configure(&self, log: &Log) {
        self.calls.store(place(log.calls), Ordering::Relaxed);
        self.level.configure(&log.level);
    }

    /// Whether a call leaves a line that ended as it should, or did not.
    pub(crate) fn takes_call(&self, complete: bool) -> bool {
        match self.calls.load(Ordering::Relaxed) {
            EVERY => true,
            FAILED => !complete,
            _ => false,
        }
    }

    /// How many lanes there are.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Appends one line, without its line feed, to a worker's lane.
    pub(crate) fn push(&self, lane: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(lane) = self.lanes.get(lane) else {
            return;
        };
        let mut lane = lock(lane);
        if lane.len() > LANE_LIMIT {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        write(&mut lane);
        lane.push(b'\n');
    }

    /// Lines that were lost because nobody read the log in time.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Starts the thread that carries the lines to `out`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn carry(self: &Arc<Self>, out: impl Write + Send + 'static) -> io::Result<Carrier> {
        let lines = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || lines.run(out))?;
        Ok(Carrier {
            lines: Arc::clone(self),
            thread: Some(thread),
        })
    }

    fn run(&self, mut out: impl Write) {
        let mut batch = Vec::new();
        loop {
            let closing = lock(&self.closing);
            let (closing, _timed_out) = self
                .wake
                .wait_timeout_while(closing, PERIOD, |closing| !*closing)
                .unwrap_or_else(PoisonError::into_inner);
            let last = *closing;
            drop(closing);
            self.level.tick();
            for lane in &self.lanes {
                std::mem::swap(&mut batch, &mut lock(lane));
                // Nobody is left to tell when standard output is gone; serving goes on.
                let _gone = out.write_all(&batch).and_then(|()| out.flush());
                batch.clear();
            }
            if last {
                return;
            }
        }
    }
}

/// The running log thread. Dropping it writes what is left.
#[derive(Debug)]
pub(crate) struct Carrier {
    lines: Arc<Lines>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Carrier {
    fn drop(&mut self) {
        *lock(&self.lines.closing) = true;
        self.lines.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the log thread has been printed already.
            let _panicked = thread.join();
        }
    }
}

/// Sends `tracing` events to the lines as well. `level` is a `tracing_subscriber` filter, for example
/// `info,gateway_transport=debug`.
///
/// # Errors
/// When the filter cannot be read, or when a subscriber was installed before.
pub(crate) fn install(
    lines: &Arc<Lines>,
    level: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(level)?);
    let events = tracing_subscriber::fmt::layer().with_writer(SharedLane(Arc::clone(lines)));
    let events = match lines.format {
        Format::Json => events.json().flatten_event(true).boxed(),
        Format::Text => events.with_ansi(false).boxed(),
        Format::Colored => events.with_ansi(true).boxed(),
    };
    // The filter stands below, so that what it refuses costs nothing above it.
    Registry::default().with(filter).with(events).try_init()?;
    lines.level.installed(handle, level);
    Ok(())
}

/// The number of a choice.
const fn place(calls: LoggedCalls) -> u8 {
    match calls {
        LoggedCalls::All => EVERY,
        LoggedCalls::Failed => FAILED,
        LoggedCalls::None => NONE,
    }
}

const EVERY: u8 = 0;
const FAILED: u8 = 1;
const NONE: u8 = 2;

/// Appends the time as RFC 3339 in UTC with microseconds, as `tracing` events have it. The part down to the second is
/// formatted once per second and thread.
pub(crate) fn timestamp(out: &mut Vec<u8>) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.as_secs() || text.is_empty() {
            *second = now.as_secs();
            text.clear();
            // Writing to a `String` does not fail.
            let _never = Rfc3339.format_time(&mut Writer::new(text));
            text.truncate(TO_THE_SECOND);
        }
        out.extend_from_slice(text.as_bytes());
    });
    let mut digits = itoa::Buffer::new();
    // A leading one keeps the zeros behind the point.
    let micros = digits.format(1_000_000 + now.subsec_micros());
    out.push(b'.');
    out.extend_from_slice(micros.as_bytes().get(1..).unwrap_or_default());
    out.push(b'Z');
}

thread_local! {
    /// The second that was formatted last, and its text.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Length of `2026-11-20T10:33:55`.
const TO_THE_SECOND: usize = 19;

/// Where `tracing` events go: the lane behind the workers'.
#[derive(Clone, Debug)]
struct SharedLane(Arc<Lines>);

impl<'a> MakeWriter<'a> for SharedLane {
    type Writer = EventWriter;

    fn make_writer(&'a self) -> Self::Writer {
        EventWriter {
            lines: Arc::clone(&self.0),
            event: Vec::new(),
        }
    }
}

/// Collects one event, and hands it on as a whole when dropped.
#[derive(Debug)]
struct EventWriter {
    lines: Arc<Lines>,
    event: Vec<u8>,
}

impl Write for EventWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.event.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        let line = self.event.strip_suffix(b"\n").unwrap_or(&self.event);
        if !line.is_empty() {
            let lane = self.lines.lanes.len() - 1;
            self.lines.push(lane, |out| out.extend_from_slice(line));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a line may wait in memory.
const PERIOD: Duration = Duration::from_millis(100);
/// Bytes that a lane may hold while the log's reader is stuck.
const LANE_LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests;
