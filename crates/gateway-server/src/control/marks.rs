//! What happened lately: a bounded list, oldest first.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// What happened lately.
#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    marks: VecDeque<Mark>,
    next: u64,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Counted from 0, so that a reader knows what it has seen.
    pub number: u64,
    /// Seconds since 1970.
    pub at: f64,
    /// What.
    pub kind: MarkKind,
    /// To whom: a deployment's id, an origin, or nothing for the process.
    pub subject: String,
    /// In a sentence.
    pub text: String,
}

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarkKind {
    /// A new configuration is in force.
    Reload,
    /// A new configuration was refused.
    ReloadRefused,
    /// An origin has a new generation.
    Rotation,
    /// A deployment was set aside.
    Cooldown,
    /// It is back.
    Recovery,
    /// Many failures within a second.
    Burst,
    /// An operator did something else.
    Operator,
    /// The process takes no new connections any more, or hands over to another one.
    Drain,
}

impl Marks {
    /// Notes one more; the oldest is forgotten when there are too many.
    pub(crate) fn add(&self, kind: MarkKind, subject: impl Into<String>, text: impl Into<String>) {
        let mut kept = self.lock();
        if kept.marks.len() == KEPT {
            kept.marks.pop_front();
        }
        let number = kept.next;
        kept.next += 1;
        kept.marks.push_back(Mark {
            number,
            at: seconds(SystemTime::now()),
            kind,
            subject: subject.into(),
            text: text.into(),
        });
    }

    /// Those from `number` on.
    pub(crate) fn since(&self, number: u64) -> Vec<Mark> {
        let kept = self.lock();
        let new = kept.marks.iter().filter(|mark| mark.number >= number);
        new.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// How many are kept.
const KEPT: usize = 512;
