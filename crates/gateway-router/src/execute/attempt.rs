//! One attempt within its timers.

use std::pin::pin;

use gateway_core::TimerName;
use tokio::time::{Instant, timeout_at};

use super::{AttemptEnd, Call, Failed};
use crate::outcome::{Again, Outcome};
use crate::plan::{Attempt, Plan};
use crate::timers::Timer;

/// What became of an attempt.
pub(super) type Made<C> = Result<<C as Call>::Answer, Lapse<<C as Call>::Error>>;

/// Why an attempt came to nothing.
#[derive(Debug)]
pub(super) enum Lapse<E> {
    /// It failed.
    Failed(Failed<E>),
    /// This timer fired.
    Expired(TimerName, Timer, Outcome),
    /// No slot of its deployment was free, and the queue before them full.
    NoSlot(Outcome),
}

impl<E> Lapse<E> {
    pub(super) const fn outcome(&self) -> Outcome {
        match self {
            Self::Failed(failed) => failed.outcome,
            Self::Expired(_, _, outcome) | Self::NoSlot(outcome) => *outcome,
        }
    }

    /// Tells the plan what it has to know before it hears of this.
    pub(super) fn tell(&self, plan: &mut Plan, call: &impl Call, attempt: &Attempt) {
        if self.outcome().is_unknown() {
            plan.told(call.is_repeatable(attempt));
        }
    }

    pub(super) const fn end(&self) -> AttemptEnd<'_> {
        match self {
            Self::Failed(failed) => AttemptEnd::Failed(&failed.outcome),
            Self::Expired(name, timer, _) => AttemptEnd::Expired(*name, timer),
            Self::NoSlot(outcome) => AttemptEnd::Failed(outcome),
        }
    }
}

/// Makes an attempt: waits for a slot where those are limited, then lets `call` do the work, until a timer fires.
pub(super) async fn make<C: Call>(call: &C, end: &CallEnd, attempt: &mut Attempt) -> Made<C> {
    if attempt.deployment.slots.is_some() {
        slot(attempt, end).await?;
    }
    let end = End::of_attempt(attempt, end);
    // A timer of zero is meant: nothing is sent.
    if end.at <= attempt.started {
        return Err(end.expired(attempt));
    }
    let made = pin!(call.attempt(attempt));
    match timeout_at(end.at, made).await {
        Ok(made) => made.map_err(Lapse::Failed),
        Err(_elapsed) => Err(end.expired(attempt)),
    }
}

/// What bounds all attempts of a call.
#[derive(Debug)]
pub(super) struct CallEnd {
    at: Instant,
    timer: Timer,
    stream: bool,
}

impl CallEnd {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            at: plan.due(),
            timer: plan.call_timer().clone(),
            stream: plan.options().stream,
        }
    }
}

/// Takes a slot of the deployment. If that takes a while, the attempt starts afterwards.
async fn slot<E>(attempt: &mut Attempt, call: &CallEnd) -> Result<(), Lapse<E>> {
    let Some(slots) = attempt.deployment.slots.clone() else {
        return Ok(());
    };
    attempt.slot = slots.try_acquire();
    if attempt.slot.is_some() {
        return Ok(());
    }
    let pool = &attempt.timers.pool;
    let end = End::of_call(call).or(TimerName::Pool, Some(pool), attempt.started);
    match timeout_at(end.at, slots.acquire()).await {
        Ok(Ok(slot)) => attempt.slot = Some(slot),
        Ok(Err(_full)) => return Err(Lapse::NoSlot(Outcome::no_slot())),
        Err(_elapsed) => {
            let mut outcome = Outcome::expired(end.timer);
            // Nothing was sent, and nobody but the gateway let it wait: as long as it may in this line.
            (outcome.again, outcome.by_caller) = (Again::Elsewhere, true);
            return Err(Lapse::Expired(end.name, end.timer.clone(), outcome));
        }
    }
    attempt.started = Instant::now();
    Ok(())
}

/// The timer that ends an attempt if nothing else does.
struct End<'a> {
    at: Instant,
    name: TimerName,
    timer: &'a Timer,
}

impl<'a> End<'a> {
    const fn of_call(call: &'a CallEnd) -> Self {
        Self {
            at: call.at,
            name: TimerName::Call,
            timer: &call.timer,
        }
    }

    fn of_attempt(attempt: &'a Attempt, call: &'a CallEnd) -> Self {
        let (timers, start) = (&attempt.timers, attempt.started);
        let first_content = timers.first_content.as_ref().filter(|_| call.stream);
        Self::of_call(call)
            .or(TimerName::Attempt, timers.attempt.as_ref(), start)
            .or(TimerName::FirstContent, first_content, start)
    }

    /// This one, or another timer that fires before.
    fn or(self, name: TimerName, timer: Option<&'a Timer>, start: Instant) -> Self {
        let other = timer.map(|timer| Self {
            at: timer.from(start),
            name,
            timer,
        });
        other.filter(|other| other.at < self.at).unwrap_or(self)
    }

    fn expired<E>(&self, attempt: &Attempt) -> Lapse<E> {
        let mut outcome = Outcome::expired(self.timer);
        if self.name == TimerName::Call {
            // A deployment that got only the rest of the call's time cannot be blamed for it.
            let got = self.at.saturating_duration_since(attempt.started);
            outcome.by_caller |= got < self.timer.limit / 2;
        }
        Lapse::Expired(self.name, self.timer.clone(), outcome)
    }
}
