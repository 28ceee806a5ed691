//! What the volume upstream counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// A reading of all counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections open now.
    pub connections_open: u64,
    /// Connections accepted.
    pub connections_total: u64,
    /// Requests read.
    pub requests: u64,
    /// Streams running now.
    pub streams_open: u64,
    /// Streams that were written to their end.
    pub streams_finished: u64,
    /// Streams whose client went before the end.
    pub streams_abandoned: u64,
    /// Paced events that found the socket full and had to wait: the reader is behind.
    pub events_behind: u64,
    /// Turns of the ticker, one per millisecond while there are paced streams.
    pub ticks: u64,
    /// Those that came more than 5 ms late. If it is a notable share, the volume upstream itself is the bottleneck.
    pub ticks_late: u64,
    /// The largest delay of the ticker so far, in microseconds.
    pub ticker_late_us: u64,
}

#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) connections_open: AtomicU64,
    pub(super) connections_total: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) streams_open: AtomicU64,
    pub(super) streams_finished: AtomicU64,
    pub(super) streams_abandoned: AtomicU64,
    pub(super) events_behind: AtomicU64,
    pub(super) ticks: AtomicU64,
    pub(super) ticks_late: AtomicU64,
    pub(super) ticker_late_us: AtomicU64,
}

/// Counts something open up now, and down when dropped.
#[derive(Debug)]
pub(super) struct Open<'a>(&'a AtomicU64);

impl Counters {
    /// As JSON, with the field names of this struct.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "connections_open": self.connections_open,
            "connections_total": self.connections_total,
            "requests": self.requests,
            "streams_open": self.streams_open,
            "streams_finished": self.streams_finished,
            "streams_abandoned": self.streams_abandoned,
            "events_behind": self.events_behind,
            "ticks": self.ticks,
            "ticks_late": self.ticks_late,
            "ticker_late_us": self.ticker_late_us,
        })
    }

    /// From JSON; what is missing is 0.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        let field = |name: &str| json[name].as_u64().unwrap_or(0);
        Self {
            connections_open: field("connections_open"),
            connections_total: field("connections_total"),
            requests: field("requests"),
            streams_open: field("streams_open"),
            streams_finished: field("streams_finished"),
            streams_abandoned: field("streams_abandoned"),
            events_behind: field("events_behind"),
            ticks: field("ticks"),
            ticks_late: field("ticks_late"),
            ticker_late_us: field("ticker_late_us"),
        }
    }
}

impl Cells {
    pub(super) fn read(&self) -> Counters {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Counters {
            connections_open: read(&self.connections_open),
            connections_total: read(&self.connections_total),
            requests: read(&self.requests),
            streams_open: read(&self.streams_open),
            streams_finished: read(&self.streams_finished),
            streams_abandoned: read(&self.streams_abandoned),
            events_behind: read(&self.events_behind),
            ticks: read(&self.ticks),
            ticks_late: read(&self.ticks_late),
            ticker_late_us: read(&self.ticker_late_us),
        }
    }
}

impl<'a> Open<'a> {
    pub(super) fn new(cell: &'a AtomicU64) -> Self {
        cell.fetch_add(1, Ordering::Relaxed);
        Self(cell)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn add(cell: &AtomicU64) {
    cell.fetch_add(1, Ordering::Relaxed);
}
