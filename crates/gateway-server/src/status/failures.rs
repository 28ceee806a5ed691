//! The last failed calls.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use gateway_core::EndReason;
use gateway_router::Deployment;

use super::shape::{FailedCall, FailureGroup};
use crate::control::seconds;
use crate::record::{AttemptOutcome, Entry, Record};

/// The last failed calls, oldest first.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<VecDeque<Failed>>);

#[derive(Debug)]
struct Failed {
    at: SystemTime,
    cause: &'static str,
    call_id: Box<str>,
    deployment: Option<Arc<Deployment>>,
    status: u16,
    message: Box<str>,
}

impl Failures {
    /// One more.
    pub(super) fn add(&self, record: &Record, entries: &[Entry], end: EndReason) {
        let last = entries.last();
        let cause = match last.map(|it| it.outcome) {
            Some(outcome @ (AttemptOutcome::Failed(_) | AttemptOutcome::Expired(..))) => {
                outcome.as_str()
            }
            _ => end.as_str(),
        };
        let message = record.error.as_deref().unwrap_or_default();
        let failed = Failed {
            at: SystemTime::now(),
            cause,
            call_id: record.call_id.clone(),
            deployment: last.map(|it| Arc::clone(&it.deployment)),
            status: record.status,
            message: message.chars().take(LONGEST_MESSAGE).collect(),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(failed);
    }

    /// By cause, the most frequent first.
    pub(super) fn groups(&self) -> Vec<FailureGroup> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut groups: HashMap<&'static str, (usize, &Failed)> = HashMap::new();
        for failed in &*kept {
            let (count, last) = groups.entry(failed.cause).or_insert((0, failed));
            (*count, *last) = (*count + 1, failed);
        }
        let told = groups
            .into_iter()
            .map(|(cause, (count, last))| FailureGroup {
                cause: cause.to_owned(),
                count,
                last: last.told(),
            });
        let mut told: Vec<_> = told.collect();
        drop(kept);
        told.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cause.cmp(&b.cause)));
        told
    }
}

impl Failed {
    fn told(&self) -> FailedCall {
        FailedCall {
            at: seconds(self.at),
            call_id: self.call_id.to_string(),
            deployment: self.deployment.as_ref().map(|it| it.id.to_string()),
            status: self.status,
            message: self.message.to_string(),
        }
    }
}

/// How many are kept.
const KEPT: usize = 100;
/// Characters of a message that are kept.
const LONGEST_MESSAGE: usize = 500;
