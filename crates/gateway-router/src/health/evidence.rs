//! What speaks against a deployment, and when it is enough: LiteLLM's two algorithms.

use std::time::Duration;

use gateway_core::ErrorKind;
use tokio::time::Instant;

use crate::config::{CooldownRules, PolicyKind};
use crate::minutes::{Minute, Minutes};
use crate::outcome::Outcome;

/// Successes and failures since the deployment was ready.
#[derive(Debug)]
pub(super) struct Evidence {
    minutes: Minutes,
    minute: Minute,
    /// In this minute.
    successes: u32,
    /// In this minute.
    failures: u32,
    /// Without a success between them.
    in_a_row: u32,
    /// Failures towards a number that is allowed: of each kind that a policy names, and of all others.
    allowed: [Count; PolicyKind::ALL.len() + 1],
}

/// Failures that are forgotten when none has come for some time.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    failures: u32,
    last: Option<Instant>,
}

impl Evidence {
    pub(super) fn new(minutes: Minutes) -> Self {
        Self {
            minutes,
            minute: Minute::default(),
            successes: 0,
            failures: 0,
            in_a_row: 0,
            allowed: [Count::default(); _],
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.minutes);
    }

    pub(super) fn success(&mut self, now: Instant) {
        self.turn(now);
        self.successes = self.successes.saturating_add(1);
        self.in_a_row = 0;
    }

    /// Takes back a success: what began well has broken off.
    pub(super) fn withdraw(&mut self, now: Instant) {
        self.turn(now);
        self.successes = self.successes.saturating_sub(1);
    }

    /// Counts a failure. True: it is enough to set the deployment aside.
    pub(super) fn failure(
        &mut self,
        outcome: &Outcome,
        rules: &CooldownRules,
        now: Instant,
    ) -> bool {
        // No deployment without credit recovers within seconds, and none is well because others failed less.
        if outcome.kind == ErrorKind::Billing {
            return true;
        }
        if rules.allowed_fails.is_some() || !rules.policy.is_empty() {
            self.exceeds(outcome.kind, rules, now)
        } else {
            self.by_rate(outcome.kind, rules.alone, now)
        }
    }

    /// Algorithm A: nothing is configured, and rates decide.
    ///
    /// LiteLLM has no rule about failures in a row. Without one, a deployment that served ten thousand calls in this
    /// minute and dies would have to fail ten thousand times to be more bad than good.
    fn by_rate(&mut self, kind: ErrorKind, alone: bool, now: Instant) -> bool {
        self.turn(now);
        self.failures = self.failures.saturating_add(1);
        self.in_a_row = self.in_a_row.saturating_add(1);
        let total = self.failures.saturating_add(self.successes);
        match kind {
            ErrorKind::Authentication => true,
            ErrorKind::NotFound | ErrorKind::RateLimit if !alone => true,
            _ if alone => self.failures >= ALONE && self.successes == 0,
            _ => (total >= FEWEST && self.failures > total / 2) || self.in_a_row >= IN_A_ROW,
        }
    }

    /// Algorithm B: more failures than are allowed. As in LiteLLM, they are forgotten when none has come for the
    /// cooldown's time.
    fn exceeds(&mut self, kind: ErrorKind, rules: &CooldownRules, now: Instant) -> bool {
        let kind = PolicyKind::of(kind);
        let own = rules.policy.get(&kind);
        if rules.alone && own.is_none() {
            return false;
        }
        let named = own.or_else(|| rules.policy.get(&PolicyKind::Default));
        let allowed = named.copied().or(rules.allowed_fails).unwrap_or(ALLOWED);
        let others = PolicyKind::ALL.len();
        let count = &mut self.allowed[if own.is_some() { kind.index() } else { others }];
        count.add(rules.time, now) > allowed
    }

    /// Begins a new minute if one has begun.
    fn turn(&mut self, now: Instant) {
        if self.minute.turn(self.minutes, now) {
            self.successes = 0;
            self.failures = 0;
        }
    }
}

impl Count {
    fn add(&mut self, memory: Duration, now: Instant) -> u32 {
        let fresh = self.last.is_some_and(|last| now < last + memory);
        self.failures = if fresh {
            self.failures.saturating_add(1)
        } else {
            1
        };
        self.last = Some(now);
        self.failures
    }
}

/// Fewer calls in a minute than these are no rate.
const FEWEST: u32 = 5;
/// So many failures without a success between them are enough, whatever the rest of the minute was like.
const IN_A_ROW: u32 = 10;
/// So many calls of a minute must all have failed where there is nobody else.
const ALONE: u32 = 1000;
/// What is allowed where only other kinds are configured.
const ALLOWED: u32 = 3;
