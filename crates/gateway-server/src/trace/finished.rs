//! What is kept of a call that has ended, until its spans are made. No word of what was asked or answered is in it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_core::{Dialect, EndReason, TimerName, Usage};
use tokio::time::Instant;

use super::CallTrace;
use crate::record::Entry;

/// A call that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Its place in its trace.
    pub trace: Arc<CallTrace>,
    /// When it began.
    pub started: Instant,
    /// How long it took.
    pub took: Duration,
    /// When it ended, by the clock of the wall.
    pub ended: SystemTime,
    /// Its name in logs and headers.
    pub call_id: Box<str>,
    /// The front end.
    pub dialect: Dialect,
    /// The dialect in which the provider answered.
    pub spoken: Option<Dialect>,
    /// A stream was asked for.
    pub stream: bool,
    /// How many answers were asked for, if the client said so.
    pub choices: Option<u64>,
    /// The model that the client asked for.
    pub model: Option<Box<str>>,
    /// Its model group.
    pub group: Option<Arc<str>>,
    /// The provider that was asked in its own words.
    pub through: Option<&'static str>,
    /// The attempts.
    pub entries: Vec<Entry>,
    /// Attempts that tried a group again, groups it fell back to, second attempts against slow ones.
    pub course: [u32; 3],
    /// What the gateway itself took up to the head of the answer.
    pub overhead: Option<Duration>,
    /// Status towards the client; 0 if it got none.
    pub status: u16,
    /// From the start to the first meaningful content.
    pub first_content: Option<Duration>,
    /// Bytes and events handed to the client.
    pub bytes: u64,
    /// See `bytes`.
    pub events: u64,
    /// What the last provider says it used.
    pub usage: Usage,
    /// What the answer cost, in dollars.
    pub cost: Option<f64>,
    /// How it ended.
    pub end: EndReason,
    /// The timer that ended it.
    pub timer: Option<TimerName>,
    /// The gateway made the answer up, or estimated it.
    pub made_up: bool,
}
