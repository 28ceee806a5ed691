//! What the calls of a model group share: budgets, and how fast first contents come.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::lock;
use crate::ledger::GroupLedger;
use crate::minutes::Minutes;

/// A group's shared state, under one short lock.
#[derive(Debug)]
pub(super) struct MemoryGroup {
    clock: Minutes,
    accounts: Mutex<Accounts>,
    contents: Mutex<Contents>,
}

#[derive(Debug, Default)]
struct Accounts {
    calls: Sliding,
    retries: Sliding,
    hedges: Sliding,
}

/// A count over the last seconds.
#[derive(Debug, Default)]
struct Sliding {
    by_second: [u32; WINDOW],
    /// The newest second.
    second: u64,
}

/// The last first contents, in microseconds.
#[derive(Debug)]
struct Contents {
    kept: [u32; KEPT],
    known: usize,
    next: usize,
}

impl MemoryGroup {
    pub(super) fn new(clock: Minutes) -> Self {
        Self {
            clock,
            accounts: Mutex::default(),
            contents: Mutex::new(Contents {
                kept: [0; KEPT],
                known: 0,
                next: 0,
            }),
        }
    }
}

impl GroupLedger for MemoryGroup {
    fn call(&self, now: Instant) {
        lock(&self.accounts).calls.add(self.clock.seconds(now));
    }

    fn may_retry(&self, share: f64, floor: f64, now: Instant) -> bool {
        let second = self.clock.seconds(now);
        let mut accounts = lock(&self.accounts);
        let calls = accounts.calls.total(second);
        // A window has so many seconds.
        let floor = floor * f64::from(u8::try_from(WINDOW).unwrap_or(u8::MAX));
        let allowed = (f64::from(calls) * share).max(floor);
        accounts.retries.add_below(allowed, second)
    }

    fn may_hedge(&self, share: f64, now: Instant) -> bool {
        let second = self.clock.seconds(now);
        let mut accounts = lock(&self.accounts);
        let allowed = f64::from(accounts.calls.total(second)) * share;
        accounts.hedges.add_below(allowed, second)
    }

    fn first_content(&self, after: Duration) {
        let after = u32::try_from(after.as_micros()).unwrap_or(u32::MAX);
        let mut contents = lock(&self.contents);
        let next = contents.next;
        contents.kept[next] = after;
        contents.next = (next + 1) % KEPT;
        contents.known = (contents.known + 1).min(KEPT);
    }

    fn first_content_quantile(&self, share: f64) -> Option<Duration> {
        let (mut kept, known) = {
            let contents = lock(&self.contents);
            (contents.kept, contents.known)
        };
        if known < FEWEST {
            return None;
        }
        let kept = &mut kept[..known];
        let (_, value, _) = kept.select_nth_unstable(rank(share, known));
        Some(Duration::from_micros(u64::from(*value)))
    }
}

impl Sliding {
    fn add(&mut self, second: u64) {
        self.turn(second);
        let newest = &mut self.by_second[place(self.second)];
        *newest = newest.saturating_add(1);
    }

    /// Counts one more if the sum stays within `allowed`.
    fn add_below(&mut self, allowed: f64, second: u64) -> bool {
        let fits = f64::from(self.total(second).saturating_add(1)) <= allowed;
        if fits {
            self.add(second);
        }
        fits
    }

    fn total(&mut self, second: u64) -> u32 {
        self.turn(second);
        self.by_second
            .iter()
            .fold(0, |sum, it| sum.saturating_add(*it))
    }

    /// Empties the seconds that have passed since the newest one.
    fn turn(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second);
        for back in 0..passed.min(WINDOW as u64) {
            self.by_second[place(second - back)] = 0;
        }
        self.second = self.second.max(second);
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % WINDOW as u64).expect("less than the window's length")
}

/// Which of `known` sorted values the share is at: the smallest one that so many of them do not pass.
fn rank(share: f64, known: usize) -> usize {
    (0..known)
        .find(|at| as_f64(at + 1) >= share * as_f64(known))
        .unwrap_or(known - 1)
}

fn as_f64(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Budgets are over the last ten seconds.
const WINDOW: usize = 10;
/// First contents that are remembered.
const KEPT: usize = 256;
/// Fewer are no history.
const FEWEST: usize = 20;
