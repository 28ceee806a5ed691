//! A call that has ended, as those see it who count it.

use std::time::Duration;

use gateway_core::{Dialect, EndReason};
use gateway_router::{AttemptKind, Deployment};

use super::calls::DeploymentCounters;
use super::series::{OTHER, Word};
use crate::record::{AttemptOutcome, Entry, Record};

/// How a call ended, as all that count it see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'r> {
    /// What is known of it.
    pub record: &'r Record,
    /// Its attempts.
    pub entries: &'r [Entry],
    /// Why.
    pub end: EndReason,
    /// From its start.
    pub took: Duration,
    /// The front end as which it was counted when it came in.
    pub came_as: Dialect,
    /// Whether a stream to its client had begun.
    pub streamed: Streamed,
}

/// Whether a stream to the client had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streamed {
    /// It had.
    Begun,
    /// The answer was, or would have been, in one piece.
    Never,
}

/// The counters of a call that its first attempt answered, in the group that was asked for.
pub(super) fn plain<'r>(record: &'r Record, entries: &[Entry]) -> Option<&'r DeploymentCounters> {
    let [only] = entries else { return None };
    let first = only.kind == AttemptKind::First && only.outcome == AttemptOutcome::Answered;
    let shown = record.shown.as_ref().filter(|_| first)?;
    (record.group.as_deref() == Some(&*only.deployment.group)).then_some(&shown.counters)
}

/// How long an attempt that answered lasted, and how long its stream's first content took.
pub(super) fn timings(entry: &Entry, ended: Ended<'_>) -> (Duration, Option<Duration>) {
    let now = ended.record.started + ended.took;
    let lasted = now.saturating_duration_since(entry.started);
    let streamed = ended.streamed == Streamed::Begun;
    (lasted, entry.took.filter(|_| streamed))
}

/// Names that the config does not know would be series without end.
pub(super) fn model(record: &Record) -> Word {
    record.group.as_ref().map_or(Word::Own(OTHER), Word::from)
}

/// The deployment that answered; none for what was made up or refused.
pub(super) fn deployment(record: &Record) -> Word {
    let attempt = record.attempt.as_ref();
    attempt.map_or(Word::Own(""), |it| Word::from(&it.deployment.id))
}

/// A deployment's group and id.
pub(super) fn names(deployment: &Deployment) -> [Word; 2] {
    [Word::from(&deployment.group), Word::from(&deployment.id)]
}
