//! Whether a deployment may serve: a state machine without clock and lock.
//!
//! ```text
//!            verdict                 time is over            one attempt begins
//!   Ready ────────────► SetAside ─────────────────► Probation ──────────────────► Probation, out
//!     ▲                    ▲                            ▲                             │
//!     │                    └──────── it fails: longer ──┼─────────────────────────────┤
//!     │                                                 └──── it ends without verdict ┤
//!     └───────────────────────────────────────────────────────────── it succeeds ─────┘
//! ```
//!
//! Each change begins a new epoch. An attempt tells something about the epoch in which it began only: fifty attempts
//! that began before a deployment was set aside, and fail one after the other afterwards, are one piece of news.

mod evidence;
#[cfg(test)]
mod tests;

use std::time::Duration;

use gateway_core::ErrorKind;
use tokio::time::Instant;

use self::evidence::Evidence;
use crate::config::CooldownRules;
use crate::ledger::{Begun, Cause, Standing};
use crate::minutes::Minutes;
use crate::outcome::Outcome;

/// The health of one deployment.
#[derive(Debug)]
pub(crate) struct Health {
    state: State,
    epoch: u32,
    /// How often in a row it was set aside.
    strikes: u32,
    evidence: Evidence,
}

#[derive(Debug)]
enum State {
    Ready {
        /// When a probe brought it back, and how long it had been set aside.
        returned: Option<(Instant, Duration)>,
    },
    Aside {
        until: Instant,
        cause: Cause,
        /// From when it was set aside to `until`.
        time: Duration,
        /// The probe is under way.
        out: bool,
    },
    /// Set aside by an operator.
    Ordered { until: Instant },
}

impl Health {
    /// The health of a deployment of which nothing is known. Rates are by `minutes`.
    pub(crate) fn new(minutes: Minutes) -> Self {
        Self {
            state: State::Ready { returned: None },
            epoch: 0,
            strikes: 0,
            evidence: Evidence::new(minutes),
        }
    }

    /// Whether it may serve at `now`.
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        match self.state {
            State::Aside { until, cause, .. } if now < until => Standing::SetAside { until, cause },
            State::Aside { cause, out, .. } => Standing::Probation { out, cause },
            State::Ordered { until } if now < until => Standing::SetAside {
                until,
                cause: Cause::Ordered,
            },
            State::Ready { .. } | State::Ordered { .. } => Standing::Ready,
        }
    }

    /// Begins an attempt, if it may begin or must.
    pub(crate) fn begin(&mut self, now: Instant, force: bool) -> Option<Begun> {
        let probe = match &mut self.state {
            State::Ready { .. } => false,
            State::Ordered { until } if now < *until => return force.then(|| self.begun(false)),
            State::Ordered { .. } => {
                self.ready(None);
                false
            }
            State::Aside { until, out, .. } if now >= *until && !*out => {
                *out = true;
                true
            }
            State::Aside { .. } if force => false,
            State::Aside { .. } => return None,
        };
        Some(self.begun(probe))
    }

    /// An attempt succeeded. Whoever began while the deployment was set aside, by force or as its probe, brings it
    /// back.
    pub(crate) fn succeeded(&mut self, begun: Begun, now: Instant) {
        if begun.epoch != self.epoch {
            return;
        }
        match self.state {
            State::Ready { .. } => self.evidence.success(now),
            State::Aside { time, .. } => self.ready(Some((now, time))),
            State::Ordered { .. } => {}
        }
    }

    /// An attempt failed. True: this set the deployment aside.
    pub(crate) fn failed(
        &mut self,
        begun: Begun,
        outcome: &Outcome,
        rules: &CooldownRules,
        now: Instant,
    ) -> bool {
        let Some(cause) = fault(outcome) else {
            return false;
        };
        if rules.disabled {
            return false;
        }
        let news = begun.epoch == self.epoch;
        match self.state {
            State::Ready { returned } if news => {
                if begun.answered {
                    self.evidence.withdraw(now);
                }
                if !self.evidence.failure(outcome, rules, now) {
                    return false;
                }
                // A return that did not last as long as the time before it was none.
                let held = returned.is_none_or(|(at, time)| now >= at + time);
                self.strikes = if held {
                    0
                } else {
                    self.strikes.saturating_add(1)
                };
                self.set_aside(cause, outcome, rules, now)
            }
            State::Aside { .. } if news && begun.probe => {
                self.strikes = self.strikes.saturating_add(1);
                self.set_aside(cause, outcome, rules, now)
            }
            State::Aside { .. } => {
                self.prolong(cause, outcome, rules, now);
                false
            }
            State::Ready { .. } | State::Ordered { .. } => false,
        }
    }

    /// An attempt is over. A probe that ended without verdict leaves its place to another.
    pub(crate) fn ended(&mut self, begun: Begun) {
        if let State::Aside { out, .. } = &mut self.state
            && begun.probe
            && begun.epoch == self.epoch
        {
            *out = false;
        }
    }

    /// Obeys an operator: aside until then, or back.
    pub(crate) fn order(&mut self, until: Option<Instant>) {
        self.strikes = 0;
        self.ready(None);
        if let Some(until) = until {
            self.state = State::Ordered { until };
        }
    }

    fn begun(&self, probe: bool) -> Begun {
        Begun {
            probe,
            epoch: self.epoch,
            answered: false,
        }
    }

    fn ready(&mut self, returned: Option<(Instant, Duration)>) {
        self.state = State::Ready { returned };
        self.epoch = self.epoch.wrapping_add(1);
        self.evidence.clear();
    }

    fn set_aside(
        &mut self,
        cause: Cause,
        outcome: &Outcome,
        rules: &CooldownRules,
        now: Instant,
    ) -> bool {
        let time = self.time(outcome, rules);
        if time.is_zero() {
            return false;
        }
        self.state = State::Aside {
            until: now + time,
            cause,
            time,
            out: false,
        };
        self.epoch = self.epoch.wrapping_add(1);
        self.evidence.clear();
        true
    }

    /// How long: what the deployment's own rules say, else what the provider asked for, else what the router says.
    /// Our own times double each time in a row.
    fn time(&self, outcome: &Outcome, rules: &CooldownRules) -> Duration {
        match asked(outcome).filter(|_| !rules.time_is_own) {
            Some(asked) => asked,
            None => {
                let grown = rules.time.saturating_mul(1 << self.strikes.min(16));
                grown.min(LONGEST.max(rules.time))
            }
        }
    }

    /// Somebody who began earlier has been told of a longer wait.
    fn prolong(&mut self, told: Cause, outcome: &Outcome, rules: &CooldownRules, now: Instant) {
        if let State::Aside { until, cause, .. } = &mut self.state
            && now < *until
            && *cause == Cause::RateLimited
            && told == Cause::RateLimited
            && !rules.time_is_own
            && let Some(asked) = asked(outcome)
        {
            *until = (*until).max(now + asked);
        }
    }
}

/// What a failure says of the deployment: `None` if it is the caller's own, or the request's.
///
/// By LiteLLM's statuses: 401, 402, 404, 408, 429 and all from 500.
pub(crate) fn fault(outcome: &Outcome) -> Option<Cause> {
    if outcome.by_caller {
        return None;
    }
    match outcome.kind {
        ErrorKind::RateLimit => Some(Cause::RateLimited),
        ErrorKind::Authentication | ErrorKind::Billing | ErrorKind::NotFound => Some(Cause::Broken),
        ErrorKind::Timeout
        | ErrorKind::Overloaded
        | ErrorKind::Unavailable
        | ErrorKind::Upstream
        | ErrorKind::Internal => Some(Cause::Failing),
        _ => None,
    }
}

fn asked(outcome: &Outcome) -> Option<Duration> {
    let asked = outcome.retry_after?;
    (!asked.is_zero()).then_some(asked.min(LONGEST_ASKED))
}

/// What a time grows to.
const LONGEST: Duration = Duration::from_secs(300);
/// A provider may ask for days (a quota per month): one probe an hour finds out that it has changed its mind.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
