//! Counting: what the connections saw, and what the kernel accounted meanwhile.

use hdrhistogram::Histogram;

use super::super::account::{self, Cpu};
use super::super::clock;
use super::super::job::{Cell, Quantiles, Watch};

/// What the connections of one measurement have seen.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Whether the measurement proper is on; before and after it nothing is counted.
    pub(crate) recording: bool,
    /// Silent streams that have begun.
    pub(crate) open: u64,
    /// Failed calls; these count at any time.
    pub(crate) errors: u64,
    first_error: Option<String>,
    calls: u64,
    events: u64,
    reads: u64,
    body_bytes: Option<(u64, u64)>,
    latency: Histogram<u64>,
    first_byte: Histogram<u64>,
    event_delay: Histogram<u64>,
    late: Histogram<u64>,
}

/// Times of one call that ended well, in nanoseconds of the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// When it should have begun.
    pub(crate) planned: u64,
    /// When it began.
    pub(crate) begun: u64,
    /// When its first byte came.
    pub(crate) first_byte: u64,
    /// When its last byte came.
    pub(crate) ended: u64,
}

impl Tally {
    /// Nothing seen.
    pub(crate) fn new() -> Self {
        Self {
            recording: false,
            open: 0,
            errors: 0,
            first_error: None,
            calls: 0,
            events: 0,
            reads: 0,
            body_bytes: None,
            latency: histogram(),
            first_byte: histogram(),
            event_delay: histogram(),
            late: histogram(),
        }
    }

    /// A call failed.
    pub(crate) fn fail(&mut self, error: String) {
        self.errors += 1;
        self.first_error.get_or_insert(error);
    }

    /// A read brought `events` whole events, of which some carried a time stamp.
    pub(crate) fn read(&mut self, now: u64, events: u64, stamps: &[u64]) {
        if !self.recording {
            return;
        }
        self.reads += 1;
        self.events += events;
        for stamp in stamps {
            self.event_delay
                .saturating_record(now.saturating_sub(*stamp));
        }
    }

    /// A call ended well.
    pub(crate) fn call(&mut self, timing: Timing, body_bytes: u64) {
        if !self.recording {
            return;
        }
        self.calls += 1;
        let (least, most) = self.body_bytes.unwrap_or((body_bytes, body_bytes));
        self.body_bytes = Some((least.min(body_bytes), most.max(body_bytes)));
        let Timing {
            planned,
            begun,
            first_byte,
            ended,
        } = timing;
        self.latency.saturating_record(ended - planned);
        self.first_byte.saturating_record(first_byte - begun);
        self.late.saturating_record(begun - planned);
    }

    /// The counts as a cell without the kernel's accounts.
    pub(crate) fn cell(&self) -> Cell {
        Cell {
            calls: self.calls,
            events: self.events,
            reads: self.reads,
            errors: self.errors,
            first_error: self.first_error.clone(),
            body_bytes: self.body_bytes,
            latency: Quantiles::from(&self.latency),
            first_byte: Quantiles::from(&self.first_byte),
            event_delay: Quantiles::from(&self.event_delay),
            late: Quantiles::from(&self.late),
            ..Cell::default()
        }
    }
}

/// The kernel's accounts at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    at: u64,
    proxy: Cpu,
    mock: Cpu,
    load: Cpu,
    load_core: u64,
}

impl Snapshot {
    /// The accounts now.
    pub(crate) fn take(watch: &Watch) -> Self {
        Self {
            at: clock::now(),
            proxy: account::cpu(&watch.proxy),
            mock: account::cpu(&[watch.mock]),
            load: account::cpu(&[std::process::id()]),
            load_core: account::core_busy_ns(watch.load_core),
        }
    }

    /// Writes what was used since `begin` into a cell.
    pub(crate) fn since(&self, begin: &Self, cell: &mut Cell) {
        cell.wall_ns = self.at.saturating_sub(begin.at);
        cell.proxy_cpu_ns = self.proxy.used_ns.saturating_sub(begin.proxy.used_ns);
        cell.proxy_waited_ns = self.proxy.waited_ns.saturating_sub(begin.proxy.waited_ns);
        cell.mock_cpu_ns = self.mock.used_ns.saturating_sub(begin.mock.used_ns);
        cell.load_cpu_ns = self.load.used_ns.saturating_sub(begin.load.used_ns);
        cell.load_core_ns = self.load_core.saturating_sub(begin.load_core);
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60 * clock::SECOND, 3).expect("the bounds are constants in range")
}
