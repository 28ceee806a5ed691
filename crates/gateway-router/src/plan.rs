//! What to do next about a call: decisions only. The plan does no IO and reads no clock; who obeys it reports back.
//!
//! A plan walks *legs*. A leg is a level of a model group, with one attempt and its retries:
//!
//! ```text
//! the group asked for:  level 1 ─► level 2 ─► … ─► members not tried yet
//!                                                            │
//! its fallbacks, each with levels and fallbacks of its own ◄─┘ ─► … ─► give up
//! ```

mod again;
mod attempt;
mod chain;
mod hedge;
mod legs;
mod retry;
#[cfg(test)]
mod tests;
mod tried;

use std::sync::Arc;

use fastrand::Rng;
use gateway_core::Dialect;
use tokio::time::Instant;

use crate::catalog::{Catalog, Resolved};
use crate::deployment::Deployment;
use crate::ledger::Sample;
use crate::options::CallOptions;
use crate::outcome::Outcome;
use crate::running::Running;
use crate::select::{self, Nobody, Selected};
use crate::timers::Timer;

pub(crate) use self::again::{Reach, by_policy, policy};
pub use self::attempt::{Attempt, AttemptKind};

use self::chain::Chain;
use self::legs::{Leg, Why};
use self::tried::Tried;

/// The course of one call over the deployments that may serve it.
///
/// ```text
/// next(None) ─► Try ─► attempt ─┬─ succeeded(attempt): done
///                               └─ next(Some(failure)) ─► Try │ Wait │ GiveUp
/// ```
#[derive(Debug)]
pub struct Plan {
    catalog: Arc<Catalog>,
    dialect: Dialect,
    options: CallOptions,
    call: Timer,
    due: Instant,
    rng: Rng,
    stage: Stage,
    leg: Leg,
    tried: Tried,
    chain: Chain,
    /// Why the group asked for could not be tried.
    nobody: Option<Nobody>,
    attempts: u32,
    /// A second attempt against a slow one was made.
    hedged: bool,
    /// An attempt with an unknown end was repeated.
    lost: bool,
    /// Why the first attempt is made.
    first: AttemptKind,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Make this attempt and report what became of it.
    Try(Box<Attempt>),
    /// Ask again at this moment, without a failure.
    Wait(Instant),
    /// Nothing is left to try.
    GiveUp(GiveUp),
}

/// Why nothing is left to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// The last attempt's failure stands.
    Spent,
    /// The call's time is over.
    Late,
    /// Nobody could be tried at all.
    Nobody(Nobody),
}

/// An attempt that has failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// Which one.
    pub attempt: &'a Attempt,
    /// How.
    pub outcome: &'a Outcome,
}

/// How far a plan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was asked of it.
    New,
    /// An attempt is under way.
    Trying,
    /// A deployment that failed rests, before it is tried again.
    Resting,
    /// It was answered, or given up.
    Over,
}

impl Plan {
    /// The plan for a call in `dialect` at the model that was `resolved`, which came in at `started`. Equal seeds give
    /// equal choices.
    pub fn new(
        catalog: &Arc<Catalog>,
        resolved: Resolved,
        dialect: Dialect,
        options: CallOptions,
        seed: u64,
        started: Instant,
    ) -> Self {
        let call = catalog.routing().timers.call(&options.timers);
        Self {
            due: call.from(started),
            call,
            catalog: Arc::clone(catalog),
            dialect,
            options,
            rng: Rng::with_seed(seed),
            stage: Stage::New,
            leg: Leg::new(resolved, None),
            tried: Tried::default(),
            chain: Chain::default(),
            nobody: None,
            attempts: 0,
            hedged: false,
            lost: false,
            first: AttemptKind::First,
        }
    }

    /// Goes on with a stream that broke off after so many attempts of the call: one attempt more, at whoever of the
    /// group can take it, and nothing else.
    #[must_use]
    pub fn continuing(mut self, attempts: u32) -> Self {
        self.options.retries = Some(0);
        self.options.no_fallbacks = true;
        self.attempts = attempts;
        self.hedged = true;
        self.first = AttemptKind::Continuation;
        self
    }

    /// The timer of the whole call.
    pub fn call_timer(&self) -> &Timer {
        &self.call
    }

    /// When the whole call must be over.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Whether doing the work twice harms nobody: to be told before a failure with an unknown end is.
    pub fn told(&mut self, repeatable: bool) {
        self.options.repeatable = repeatable;
    }

    /// What the request says.
    pub fn options(&self) -> &CallOptions {
        &self.options
    }

    /// The next step at `now`: `None` begins or goes on after a wait, else the attempt that was under way has failed,
    /// which its deployment's ledger is told.
    pub fn next(&mut self, failure: Option<Failure<'_>>, now: Instant) -> Step {
        let failure = failure.map(|it| (it, self.note(it, now)));
        if self.stage == Stage::Over {
            return Step::GiveUp(GiveUp::Spent);
        }
        if now >= self.due {
            return self.give_up(GiveUp::Late);
        }
        match (failure, self.stage) {
            (None, Stage::New) => self.begin(now),
            (None, _) => self.rested(now),
            (Some(_), _) if self.made_all() => self.give_up(GiveUp::Spent),
            (Some((failure, reach)), _) => self.after(failure, reach, now),
        }
    }

    /// An attempt has failed while another one goes on: its deployment's ledger is told, and the call does not come
    /// back to it sooner than it would have otherwise.
    pub fn failed(&mut self, failure: Failure<'_>, now: Instant) {
        self.note(failure, now);
    }

    /// An attempt has got its first content, or its answer as a whole with so many tokens: its deployment's ledger is
    /// told, and the plan is over.
    pub fn succeeded(&mut self, attempt: &Attempt, output_tokens: Option<u64>, now: Instant) {
        let took = now.saturating_duration_since(attempt.started);
        let stream = self.options.stream;
        let sample = Sample {
            first_content: stream.then_some(took),
            whole: (!stream).then_some(took),
            output_tokens,
        };
        attempt.running.succeeded(sample, now);
        if stream {
            self.leg.group.ledger().first_content(took);
        }
        self.stage = Stage::Over;
    }

    fn begin(&mut self, now: Instant) -> Step {
        match self.enter(self.first, now) {
            Ok(step) => step,
            Err(nobody) => {
                self.nobody = Some(nobody);
                self.onward(Why::Nobody(nobody.why), now)
            }
        }
    }

    fn select(
        &mut self,
        avoid: &[Arc<str>],
        level: Option<i64>,
        now: Instant,
    ) -> Result<(Arc<Deployment>, Running), Nobody> {
        self.select_in(avoid, level, false, now)
    }

    fn select_in(
        &mut self,
        avoid: &[Arc<str>],
        level: Option<i64>,
        force: bool,
        now: Instant,
    ) -> Result<(Arc<Deployment>, Running), Nobody> {
        let wanted = select::Wanted {
            options: &self.options,
            routing: self.catalog.routing(),
            avoid,
            level,
            force,
            by_id: self.leg.group.is_by_id(),
        };
        match select::select(self.leg.group.deployments(), &wanted, &mut self.rng, now) {
            Selected::One(deployment, running) => Ok((deployment, running)),
            Selected::Nobody(nobody) => Err(nobody),
        }
    }

    fn attempt(
        &mut self,
        deployment: Arc<Deployment>,
        running: Running,
        kind: AttemptKind,
        now: Instant,
    ) -> Box<Attempt> {
        self.attempts += 1;
        self.stage = Stage::Trying;
        self.leg.level = Some(deployment.level());
        let timers = &self.catalog.routing().timers;
        Box::new(Attempt {
            number: self.attempts,
            kind,
            model: self.leg.group.model_at(&deployment),
            target: self.leg.target.clone(),
            timers: timers.attempt(&self.options.timers, &deployment.timers),
            deployment,
            started: now,
            running,
            slot: None,
        })
    }

    fn give_up(&mut self, give_up: GiveUp) -> Step {
        self.stage = Stage::Over;
        Step::GiveUp(give_up)
    }
}
