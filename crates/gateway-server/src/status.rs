//! What an operator sees: the state of everything now, the last fifteen minutes, and both as they change.
//!
//! Calls only count; a task of the control plane looks once a second and remembers.

mod failures; // The last failed calls.
mod report; // Everything now.
mod sampler; // The look once a second.
pub(crate) mod shape; // All of it as JSON.
mod timeline; // The last fifteen minutes.
mod watchers; // Who looks all the time.

use gateway_core::EndReason;
use tokio::time::Instant;

use crate::record::{Entry, Record};
use crate::window::Windows;
use failures::Failures;
use timeline::History;
use watchers::Watchers;

pub(crate) use report::{DRAINED, report};
pub(crate) use sampler::{event, watch};

/// What is remembered for operators.
#[derive(Debug)]
pub(crate) struct Board {
    /// The last minute.
    pub windows: Windows,
    /// The last fifteen minutes.
    pub history: History,
    /// Who looks all the time.
    pub watchers: Watchers,
    failures: Failures,
}

impl Board {
    /// Nothing has happened yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            windows: Windows::new(now),
            history: History::default(),
            watchers: Watchers::default(),
            failures: Failures::default(),
        }
    }

    /// A call has ended, after these attempts.
    pub(crate) fn call_ended(&self, record: &Record, entries: &[Entry], end: EndReason) {
        if self.windows.call_ended(record, entries, end) {
            self.failures.add(record, entries, end);
        }
    }
}
