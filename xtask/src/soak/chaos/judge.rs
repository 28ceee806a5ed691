//! What each call should have come to, given what the upstream did to it, against what it came to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::account::{Account, CallRecord};
use super::client::{End, Seen};
use super::config::MOST_SENDS;
use super::run::Found;
use super::sends::{Moment, Send, Worth};
use crate::soak::outcome::Outcome;

/// A broken promise of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Breach {
    /// The upstream gave a whole, right answer, and the client did not get it.
    CutWithoutCause,
    /// An answer ended, or stopped, without a word.
    CutUntold,
    /// Records are missing, doubled or changed, or nothing that a client understands came.
    Damaged,
    /// A failed answer passed for a whole one.
    Hidden,
    /// A status that nothing of what happened explains.
    UntrueStatus,
    /// More requests than the budget of a call allows.
    SentTooOften,
    /// A request after the client had content of an earlier one.
    SentAfterContent,
    /// The log has no line of a call, or several.
    NotAccountedOnce,
    /// The log says something else than the client saw.
    AccountedWrong,
}

/// Everything that a run came to.
#[derive(Debug, Default, Serialize)]
pub(super) struct Judgment {
    pub(super) calls: u64,
    pub(super) whole: u64,
    pub(super) told: u64,
    pub(super) refused: u64,
    pub(super) left: u64,
    /// Requests that the upstream got.
    pub(super) sends: u64,
    /// Those that met a fault.
    pub(super) faults: u64,
    /// Calls that came whole although a request of theirs had failed.
    pub(super) rescued: u64,
    /// Calls by their number of requests.
    pub(super) sends_per_call: BTreeMap<usize, u64>,
    /// How calls ended, by the last fault that they met.
    pub(super) by_fault: BTreeMap<String, Ends>,
    pub(super) breaches: BTreeMap<Breach, Breaches>,
    /// Calls whose client had gone before the gateway took them up: nobody has heard of them.
    pub(super) unheard: u64,
    /// Calls by the gateway's own counter.
    pub(super) counted: u64,
    /// Calls that the gateway still counts as running.
    pub(super) active: i64,
    /// Lines of its log that the gateway says it has dropped.
    pub(super) dropped: u64,
}

/// Ends of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Ends {
    pub(super) whole: u64,
    pub(super) told: u64,
    pub(super) refused: u64,
    pub(super) left: u64,
    pub(super) broken: u64,
}

/// All breaches of one kind.
#[derive(Debug, Default, Serialize)]
pub(super) struct Breaches {
    pub(super) count: u64,
    /// The first ones in words.
    pub(super) examples: Vec<String>,
}

impl Judgment {
    /// Judges all calls of a run.
    pub(super) fn of(found: &Found) -> Self {
        let mut judgment = Self {
            counted: found.account.counted,
            active: found.account.active,
            dropped: found.account.dropped,
            ..Self::default()
        };
        for seen in &found.seen {
            let sends = found.sends.get(&seen.call).map_or(&[][..], Vec::as_slice);
            judgment.count(seen, sends);
            for breach in breaches(seen, sends) {
                judgment.add(breach, seen, sends);
            }
            match accounting(seen, sends, &found.account) {
                Accounting::Right => {}
                Accounting::Unheard => judgment.unheard += 1,
                Accounting::Wrong(breach) => judgment.add(breach, seen, sends),
            }
        }
        judgment
    }

    fn count(&mut self, seen: &Seen, sends: &[Send]) {
        self.calls += 1;
        self.sends += sends.len() as u64;
        *self.sends_per_call.entry(sends.len()).or_default() += 1;
        let mut faults = sends.iter().filter_map(|send| send.fault.as_deref());
        self.faults += faults.clone().count() as u64;
        let mut ends = Ends::default();
        let (all, one) = match seen.ended {
            End::Whole => (&mut self.whole, &mut ends.whole),
            End::Told => (&mut self.told, &mut ends.told),
            End::Refused(_) => (&mut self.refused, &mut ends.refused),
            End::Left => (&mut self.left, &mut ends.left),
            // Each is a breach, too, and counted there.
            End::Broken(..) => (&mut 0, &mut ends.broken),
        };
        *all += 1;
        *one += 1;
        self.rescued += u64::from(seen.ended == End::Whole && sends.len() > 1);
        if let Some(fault) = faults.next_back() {
            let sum = self.by_fault.entry(fault.to_owned()).or_default();
            sum.whole += ends.whole;
            sum.told += ends.told;
            sum.refused += ends.refused;
            sum.left += ends.left;
            sum.broken += ends.broken;
        }
    }

    fn add(&mut self, breach: Breach, seen: &Seen, sends: &[Send]) {
        let breaches = self.breaches.entry(breach).or_default();
        breaches.count += 1;
        if breaches.examples.len() < MOST_EXAMPLES {
            let sends: Vec<String> = sends
                .iter()
                .map(|send| match &send.fault {
                    Some(fault) => format!("{} {fault} ({:?})", send.deployment, send.at),
                    None => format!("{} good", send.deployment),
                })
                .collect();
            breaches.examples.push(format!(
                "call {}: status {}, {:?}, served {:?}, after {:.1} s; requests: {}",
                seen.call,
                seen.status,
                seen.ended,
                seen.served,
                seen.took.as_secs_f64(),
                sends.join(", ")
            ));
        }
    }
}

/// What is wrong with one call.
pub(super) fn breaches(seen: &Seen, sends: &[Send]) -> Vec<Breach> {
    let mut found = Vec::new();
    if sends.len() > MOST_SENDS {
        found.push(Breach::SentTooOften);
    }
    // Content commits: whoever gets some of a request's answer gets no other's.
    let last = sends.last().map_or(0, |send| send.number);
    if seen.served.is_some_and(|served| served < last) {
        found.push(Breach::SentAfterContent);
    }
    found.extend(wrong_end(seen, sends));
    found
}

fn wrong_end(seen: &Seen, sends: &[Send]) -> Option<Breach> {
    let served = seen
        .served
        .and_then(|number| sends.iter().find(|send| send.number == number));
    let good = |send: &Send| send.worth() == Worth::Good;
    match &seen.ended {
        End::Left => None,
        End::Whole => match served.map(Send::worth) {
            Some(Worth::Good | Worth::Either) => {
                let other = |send: &&Send| good(send) && Some(send.number) != seen.served;
                sends.iter().find(other).map(|_| Breach::CutWithoutCause)
            }
            Some(Worth::Bad(_)) => Some(Breach::Hidden),
            None => Some(Breach::Damaged),
        },
        End::Told | End::Refused(_) if sends.iter().any(good) => Some(Breach::CutWithoutCause),
        // Content came, so the request that it is of must be one that breaks off after content.
        End::Told => match served {
            Some(send) if send.at != Moment::After => Some(Breach::CutWithoutCause),
            _ => None,
        },
        End::Refused(wait) => {
            (!truthful(seen.status, wait.as_deref(), sends)).then_some(Breach::UntrueStatus)
        }
        End::Broken(outcome, _) => match outcome {
            Outcome::Cut | Outcome::CleanEnd | Outcome::Frozen | Outcome::Refused => {
                Some(Breach::CutUntold)
            }
            // A verbatim route forwards an event that is no JSON; the client then stops reading.
            _ if served.or(sends.last()).is_some_and(Send::alters) => None,
            _ => Some(Breach::Damaged),
        },
    }
}

/// Whether something that happened explains the status.
fn truthful(status: u16, wait: Option<&str>, sends: &[Send]) -> bool {
    let expected = sends.iter().any(|send| match send.worth() {
        Worth::Bad(statuses) => statuses.contains(&status),
        Worth::Good => false,
        Worth::Either => status == 502,
    });
    let sane = wait.is_none_or(|wait| wait.parse().is_ok_and(|wait: u64| (1..=60).contains(&wait)));
    // One deployment of some groups is always dead, and others may be set aside for what other calls have met.
    let elsewhere = match status {
        502 => true,
        503 | 429 => wait.is_some(),
        _ => false,
    };
    sane && (expected || elsewhere)
}

/// How a call was accounted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Accounting {
    Right,
    /// Its client had gone before the gateway read the request.
    Unheard,
    Wrong(Breach),
}

/// Whether a call has one record that says what its client saw.
pub(super) fn accounting(seen: &Seen, sends: &[Send], account: &Account) -> Accounting {
    let records = account
        .records
        .get(&seen.call)
        .map_or(&[][..], Vec::as_slice);
    let unheard = seen.ended == End::Left && seen.status == 0 && sends.is_empty();
    match records {
        [] if account.dropped > 0 => Accounting::Right,
        [] if unheard => Accounting::Unheard,
        [record] if contradicts(seen, record) => Accounting::Wrong(Breach::AccountedWrong),
        [_] => Accounting::Right,
        _ => Accounting::Wrong(Breach::NotAccountedOnce),
    }
}

fn contradicts(seen: &Seen, record: &CallRecord) -> bool {
    if record.attempts() > MOST_SENDS {
        return true;
    }
    let complete = record.end == "complete";
    match seen.ended {
        // It may have gone away just as the last byte was written.
        End::Left => false,
        End::Whole => !complete || record.status != 200,
        End::Told => complete || record.status != 200,
        End::Refused(_) => complete || record.status != seen.status,
        // A breach of its own.
        End::Broken(..) => false,
    }
}

/// Breaches of one kind that are described.
const MOST_EXAMPLES: usize = 20;

#[cfg(test)]
mod tests;
