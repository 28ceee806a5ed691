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
mod legs;
mod tried;

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use gateway_core::Dialect;
use tokio::time::Instant;

use crate::catalog::{Catalog, Resolved};
use crate::deployment::Deployment;
use crate::ledger::Sample;
use crate::options::CallOptions;
use crate::outcome::{Again, Outcome};
use crate::running::Running;
use crate::select::{self, Nobody, Selected};
use crate::timers::Timer;

pub use self::attempt::{Attempt, AttemptKind};

use self::again::{Reach, count, rest};
use self::chain::Chain;
use self::legs::{Leg, Why};
use self::tried::{Note, Tried};

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
    /// An attempt is under way after which nothing else is tried.
    LastResort,
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
        }
    }

    /// The timer of the whole call.
    pub fn call_timer(&self) -> &Timer {
        &self.call
    }

    /// When the whole call must be over.
    pub fn due(&self) -> Instant {
        self.due
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
            (Some(_), Stage::LastResort) => self.give_up(GiveUp::Spent),
            (Some(_), _) if self.made_all() => self.give_up(GiveUp::Spent),
            (Some((failure, reach)), _) => self.after(failure, reach, now),
        }
    }

    /// An attempt has failed while another one goes on: its deployment's ledger is told, and the call does not come
    /// back to it sooner than it would have otherwise.
    pub fn failed(&mut self, failure: Failure<'_>, now: Instant) {
        self.note(failure, now);
    }

    /// An attempt has got its first content, or its answer as a whole: its deployment's ledger is told, and the plan
    /// is over.
    pub fn succeeded(&mut self, attempt: &Attempt, now: Instant) {
        let took = now.saturating_duration_since(attempt.started);
        let stream = self.options.stream;
        let sample = Sample {
            first_content: stream.then_some(took),
            whole: (!stream).then_some(took),
            output_tokens: None,
        };
        attempt.running.succeeded(sample, now);
        if stream {
            self.leg.group.ledger().first_content(took);
        }
        self.stage = Stage::Over;
    }

    /// When a second attempt should start beside `attempt`, if that one has no content until then. `None`: never,
    /// because the group is not hedged, doing the work twice might harm, or the call had a second attempt already.
    pub fn hedge_at(&self, attempt: &Attempt) -> Option<Instant> {
        let all = &self.catalog.routing().hedging;
        if all.is_empty() || self.hedged || !self.options.stream || !self.options.repeatable {
            return None;
        }
        let group = &self.leg.group;
        let hedging = all.get(group.group_name()).or_else(|| all.get("*"))?;
        let after = hedging
            .after
            .or_else(|| group.ledger().first_content_quantile(hedging.quantile))?;
        let at = attempt.started.checked_add(after)?;
        (at < self.due && self.leg.members().nth(1).is_some()).then_some(at)
    }

    /// The second attempt beside a slow one at the deployment `slow`: at another deployment of the same leg, if the
    /// group's budget has room for it.
    pub fn hedge(&mut self, slow: &Arc<str>, now: Instant) -> Option<Box<Attempt>> {
        let all = &self.catalog.routing().hedging;
        let group = self.leg.group.group_name();
        let share = all.get(group).or_else(|| all.get("*"))?.budget;
        let is_other = |it: &Arc<Deployment>| it.id != *slow && self.tried.is_new(&it.id);
        if now >= self.due || !self.leg.members().any(is_other) {
            return None;
        }
        if !self.leg.group.ledger().may_hedge(share, now) {
            return None;
        }
        let mut avoid = self.tried.all().to_vec();
        avoid.push(Arc::clone(slow));
        let level = self.leg.level;
        let (deployment, running) = self.select(&avoid, level, now).ok()?;
        self.hedged = true;
        Some(self.attempt(deployment, running, AttemptKind::Hedge, now))
    }

    fn begin(&mut self, now: Instant) -> Step {
        match self.enter(AttemptKind::First, now) {
            Ok(step) => step,
            Err(nobody) => {
                self.nobody = Some(nobody);
                self.onward(Why::Nobody(nobody.why), now)
            }
        }
    }

    /// The wait is over.
    fn rested(&mut self, now: Instant) -> Step {
        let avoid = self.tried.resting(None, now);
        self.retry_with(&avoid, now)
            .unwrap_or_else(|| self.onward(Why::Rested, now))
    }

    /// Tells the ledger of a failure, and remembers when its deployment may be tried again.
    fn note(&mut self, failure: Failure<'_>, now: Instant) -> Reach {
        let Failure { attempt, outcome } = failure;
        let deployment = &attempt.deployment;
        attempt.running.failed(outcome, &deployment.cooldown, now);
        let routing = self.catalog.routing();
        let group = self.leg.group.group_name();
        let reach = Reach::after(outcome, group, routing, &self.options, self.lost);
        self.lost |= outcome.is_unknown();
        let shortest = routing.retries.wait;
        let wait = rest(outcome, self.leg.retries, shortest, &mut self.rng);
        let ready = now.checked_add(wait).filter(|ready| *ready < self.due);
        let note = Note {
            ready: ready.filter(|_| reach == Reach::All),
            asked: outcome.again == Again::Later || outcome.retry_after.is_some(),
        };
        self.tried.note(&deployment.id, note);
        reach
    }

    fn after(&mut self, failure: Failure<'_>, reach: Reach, now: Instant) -> Step {
        let Failure { attempt, outcome } = failure;
        if outcome.is_unknown() && !self.options.repeatable {
            return self.give_up(GiveUp::Spent);
        }
        // Who needs longer than what is left would not be answered in time: another group may be faster.
        let took = now.saturating_duration_since(attempt.started);
        let again = reach != Reach::Nobody && took <= self.due - now;
        if again
            && !self.leg.failover
            && self.leg.retries < self.count(attempt, outcome)
            && let Some(step) = self.retry(attempt, took, now)
        {
            return step;
        }
        let kind = outcome.kind;
        self.onward(Why::Failed { kind, again }, now)
    }

    /// Tries the same leg again: a deployment that was not tried yet, else one that was, else after a wait.
    fn retry(&mut self, failed: &Attempt, took: Duration, now: Instant) -> Option<Step> {
        let last = &failed.deployment.id;
        let ready = self.soonest(last, now)?;
        if ready + took > self.due || !self.may_retry(now) {
            return None;
        }
        let tried = self.tried.all().to_vec();
        let resting = self.tried.resting(Some(last), now);
        let at_once = self.retry_with(&tried, now);
        if let Some(step) = at_once.or_else(|| self.retry_with(&resting, now)) {
            return Some(step);
        }
        if ready <= now {
            // Somebody looked able to serve, and was not: taken, or ruled out by the request.
            return None;
        }
        self.stage = Stage::Resting;
        Some(Step::Wait(ready))
    }

    /// Whether the group's budget has room for one more attempt of the same call; if so it is taken.
    fn may_retry(&self, now: Instant) -> bool {
        let retries = &self.catalog.routing().retries;
        let group = self.leg.group.ledger();
        group.may_retry(retries.budget, retries.budget_floor, now)
    }

    fn retry_with(&mut self, avoid: &[Arc<str>], now: Instant) -> Option<Step> {
        let (deployment, running) = self.select(avoid, self.leg.level, now).ok()?;
        self.leg.retries += 1;
        Some(Step::Try(self.attempt(
            deployment,
            running,
            AttemptKind::Retry,
            now,
        )))
    }

    fn count(&self, attempt: &Attempt, outcome: &Outcome) -> u32 {
        let retries = &self.catalog.routing().retries;
        let group = self.leg.group.group_name();
        count(outcome, &attempt.deployment, group, retries, &self.options)
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
