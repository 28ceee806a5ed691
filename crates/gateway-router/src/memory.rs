//! The books of one process, in memory: the default, and the reference for any other.
//!
//! Minutes are fixed, not sliding: the first begins with the books, each ends for all deployments at once, and a limit
//! per minute is free again at a moment that can be told.

mod group;
mod pace;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use self::group::MemoryGroup;
use self::pace::Samples;
use crate::config::CooldownRules;
use crate::health::{self, Health};
use crate::ledger::{Begun, Books, Cause, GroupLedger, Ledger, Pace, Sample, Terms, View};
use crate::minutes::{Minute, Minutes};
use crate::outcome::Outcome;
use crate::slots::Slots;

/// Books in memory. Shared by all configurations of a process, so that a reload forgets nothing about the deployments
/// that stay. What no configuration and no call uses any more is forgotten.
#[derive(Debug)]
pub struct MemoryBooks {
    minutes: Minutes,
    ledgers: Shelf<MemoryLedger>,
    groups: Shelf<MemoryGroup>,
    slots: Shelf<Slots>,
}

impl MemoryBooks {
    /// Empty books, whose first minute begins at `start`.
    pub fn starting(start: Instant) -> Self {
        Self {
            minutes: Minutes::from(start),
            ledgers: Shelf::default(),
            groups: Shelf::default(),
            slots: Shelf::default(),
        }
    }
}

impl Default for MemoryBooks {
    fn default() -> Self {
        Self::starting(Instant::now())
    }
}

impl Books for MemoryBooks {
    fn ledger(&self, deployment: &Arc<str>) -> Arc<dyn Ledger> {
        let make = || MemoryLedger::new(self.minutes);
        self.ledgers.take(deployment, make)
    }

    fn group(&self, group: &Arc<str>) -> Arc<dyn GroupLedger> {
        self.groups.take(group, || MemoryGroup::new(self.minutes))
    }

    fn slots(&self, deployment: &Arc<str>, limit: u32, max_waiting: u32) -> Arc<Slots> {
        let make = || Slots::new(limit, max_waiting);
        let slots = self.slots.take(deployment, make);
        slots.set_limits(limit, max_waiting);
        slots
    }
}

/// Things by name, as long as anybody uses them.
#[derive(Debug)]
struct Shelf<T>(Mutex<HashMap<Arc<str>, Weak<T>>>);

impl<T> Shelf<T> {
    fn take(&self, name: &Arc<str>, make: impl FnOnce() -> T) -> Arc<T> {
        let mut things = lock(&self.0);
        if let Some(thing) = things.get(name).and_then(Weak::upgrade) {
            return thing;
        }
        things.retain(|_, thing| thing.strong_count() > 0);
        let thing = Arc::new(make());
        things.insert(Arc::clone(name), Arc::downgrade(&thing));
        thing
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// One short lock for each deployment: what a view shows belongs together.
#[derive(Debug)]
struct MemoryLedger {
    minutes: Minutes,
    entries: Mutex<Entries>,
}

#[derive(Debug)]
struct Entries {
    health: Health,
    in_flight: u32,
    minute: Minute,
    /// In this minute.
    requests: u64,
    /// In this minute.
    tokens: u64,
    /// How often it was set aside.
    set_aside: u64,
    first_contents: Samples,
    wholes: Samples,
}

impl MemoryLedger {
    fn new(minutes: Minutes) -> Self {
        Self {
            minutes,
            entries: Mutex::new(Entries {
                health: Health::new(minutes),
                in_flight: 0,
                minute: Minute::default(),
                requests: 0,
                tokens: 0,
                set_aside: 0,
                first_contents: Samples::default(),
                wholes: Samples::default(),
            }),
        }
    }

    /// The entries, with the counts of the minute that `now` is in.
    fn at(&self, now: Instant) -> MutexGuard<'_, Entries> {
        let mut entries = lock(&self.entries);
        if entries.minute.turn(self.minutes, now) {
            entries.requests = 0;
            entries.tokens = 0;
        }
        entries
    }
}

impl Ledger for MemoryLedger {
    fn view(&self, now: Instant) -> View {
        let entries = self.at(now);
        View {
            standing: entries.health.standing(now),
            in_flight: entries.in_flight,
            requests: entries.requests,
            tokens: entries.tokens,
            set_aside: entries.set_aside,
            minute_ends: self.minutes.end(now),
        }
    }

    fn pace(&self, now: Instant, ttl: Duration) -> Pace {
        let entries = lock(&self.entries);
        Pace {
            first_content: entries.first_contents.mean(now, ttl),
            whole: entries.wholes.mean(now, ttl),
        }
    }

    fn begin(&self, now: Instant, terms: Terms) -> Option<Begun> {
        let mut entries = self.at(now);
        if terms.rpm.is_some_and(|rpm| entries.requests >= rpm) {
            return None;
        }
        let begun = entries.health.begin(now, terms.force)?;
        entries.in_flight += 1;
        entries.requests += 1;
        Some(begun)
    }

    fn succeeded(&self, begun: Begun, sample: Sample, now: Instant) {
        let mut entries = lock(&self.entries);
        entries.health.succeeded(begun, now);
        if let Some(first_content) = sample.first_content {
            entries.first_contents.add(first_content, now);
        }
        if let Some(whole) = sample.whole {
            entries
                .wholes
                .add(per_token(whole, sample.output_tokens), now);
        }
    }

    fn failed(&self, begun: Begun, outcome: &Outcome, rules: &CooldownRules, now: Instant) -> bool {
        let mut entries = lock(&self.entries);
        if health::fault(outcome) == Some(Cause::Failing) {
            entries.first_contents.penalize(now);
            entries.wholes.penalize(now);
        }
        let set_aside = entries.health.failed(begun, outcome, rules, now);
        entries.set_aside += u64::from(set_aside);
        set_aside
    }

    fn used(&self, tokens: u64, now: Instant) {
        let mut entries = self.at(now);
        entries.tokens = entries.tokens.saturating_add(tokens);
    }

    fn ended(&self, begun: Begun) {
        let mut entries = lock(&self.entries);
        entries.in_flight = entries.in_flight.saturating_sub(1);
        entries.health.ended(begun);
    }

    fn set_aside(&self, until: Option<Instant>) {
        lock(&self.entries).health.order(until);
    }
}

fn per_token(whole: Duration, tokens: Option<u64>) -> Duration {
    let tokens = tokens.unwrap_or(1).max(1);
    whole / u32::try_from(tokens).unwrap_or(u32::MAX)
}

/// Nothing here panics while it holds a lock; if something did, the numbers would still be numbers.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
