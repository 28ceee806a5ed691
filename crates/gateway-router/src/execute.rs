//! Obeys a plan: the only place of the router that waits for anything.

mod attempt;
mod hedge;
#[cfg(test)]
mod tests;

use std::future::Future;

use gateway_core::TimerName;
use gateway_providers::{CallParts, Reply};
use gateway_transport::{ResponseBody, SendOptions, Shard};
use http::{HeaderMap, Response};
use tokio::time::{Instant, sleep_until};

use crate::error::SendFailure;
use crate::outcome::Outcome;
use crate::plan::{Attempt, AttemptKind, Failure, GiveUp, Plan, Step};
use crate::select::{Nobody, NobodyWhy};
use crate::timers::Timer;

use self::attempt::{CallEnd, Lapse, make};
use self::hedge::race;

/// A call that can be attempted.
pub trait Call: Sync {
    /// What an attempt is good for: the answer as a whole, or a stream whose first meaningful content is there.
    type Answer: Send;
    /// What is known of a failure beside its outcome.
    type Error: Send;

    /// Makes an attempt, up to the commit point. Dropping the future gives the attempt up: its exchange ends at once.
    fn attempt(
        &self,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<Self::Answer, Failed<Self::Error>>> + Send;

    /// How many tokens an answer has, where that is known already: the pace of deployments is per token.
    fn output_tokens(&self, _answer: &Self::Answer) -> Option<u64> {
        None
    }

    /// Whether an answer was made up and nobody was asked: it says nothing of its deployment then.
    fn is_made_up(&self, _answer: &Self::Answer) -> bool {
        false
    }

    /// Whether doing the work of this attempt twice harms nobody. Asked when it matters: before a second attempt beside a
    /// slow one, and after an attempt with an unknown end.
    fn is_repeatable(&self, attempt: &Attempt) -> bool;

    /// An attempt is over. Not told of attempts that are given up together with the call.
    fn ended(&self, attempt: &Attempt, end: AttemptEnd<'_>);
}

/// How an attempt failed.
#[derive(Debug)]
pub struct Failed<E> {
    /// What decides about the next one.
    pub outcome: Outcome,
    /// What else is known.
    pub error: E,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub enum AttemptEnd<'a> {
    /// With an answer.
    Answered,
    /// With a failure.
    Failed(&'a Outcome),
    /// By a timer.
    Expired(TimerName, &'a Timer),
    /// Another attempt was faster.
    Lost,
}

/// A call that was answered.
#[derive(Debug)]
pub struct Answered<T> {
    /// By what.
    pub answer: T,
    /// By whom. It is under way as long as this lives: keep it until the answer has ended.
    pub attempt: Box<Attempt>,
    /// How it came to this.
    pub course: Course,
}

/// A call that was not answered.
#[derive(Debug)]
pub struct Unanswered<E> {
    /// Why.
    pub cause: UnansweredCause<E>,
    /// How it came to this.
    pub course: Course,
}

/// Why a call was not answered.
#[derive(Debug)]
pub enum UnansweredCause<E> {
    /// The last attempt failed.
    Failed(Failed<E>),
    /// A timer of the last attempt fired, or the call's own.
    Expired(TimerName, Timer),
    /// Nobody could be tried; also when a deployment's slots were taken, and the queue before them full.
    GiveUp(GiveUp),
}

/// What was done for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Attempts made.
    pub attempts: u32,
    /// Those of them that tried a group again: after a failure there, at its next level, at another of its members.
    pub retries: u32,
    /// Groups that the call fell back to.
    pub fallbacks: u32,
    /// Second attempts against slow ones.
    pub hedges: u32,
}

/// Makes the attempts that `plan` says, until one is answered or the plan gives up. No later than the plan is due.
///
/// # Errors
/// The last attempt's failure, the timer that fired, or why nobody could be tried.
///
/// # Cancel safety
/// Dropping this gives the call up: a running exchange ends at once.
pub async fn execute<C: Call>(
    plan: &mut Plan,
    call: &C,
) -> Result<Answered<C::Answer>, Unanswered<C::Error>> {
    let end = CallEnd::of(plan);
    let mut course = Course::default();
    let mut last = None;
    let mut failed: Option<(Box<Attempt>, Outcome)> = None;
    loop {
        let failure = failed
            .as_ref()
            .map(|(attempt, outcome)| Failure { attempt, outcome });
        let step = plan.next(failure, Instant::now());
        // The attempt's slot and its place in the ledger are given back before anything is waited for.
        failed = None;
        let mut attempt = match step {
            Step::Try(attempt) => attempt,
            Step::Wait(until) => {
                sleep_until(until).await;
                continue;
            }
            Step::GiveUp(give_up) => {
                let cause = cause(give_up, last, plan);
                return Err(Unanswered { cause, course });
            }
        };
        course.count(attempt.kind);
        let hedge = plan.hedge_at(&attempt);
        let made = match hedge.filter(|_| call.is_repeatable(&attempt)) {
            None => make(call, &end, &mut attempt).await,
            // Calls that may not have a second attempt should not carry the room for it.
            Some(at) => {
                let raced = Box::pin(race(call, plan, &end, attempt, at, &mut course)).await;
                attempt = raced.attempt;
                raced.made
            }
        };
        match made {
            Ok(answer) => {
                if !call.is_made_up(&answer) {
                    plan.succeeded(&attempt, call.output_tokens(&answer), Instant::now());
                }
                call.ended(&attempt, AttemptEnd::Answered);
                return Ok(Answered {
                    answer,
                    attempt,
                    course,
                });
            }
            Err(lapse) => {
                call.ended(&attempt, lapse.end());
                lapse.tell(plan, call, &attempt);
                failed = Some((attempt, lapse.outcome()));
                last = Some(lapse);
            }
        }
    }
}

impl Course {
    fn count(&mut self, kind: AttemptKind) {
        self.attempts += 1;
        match kind {
            AttemptKind::First | AttemptKind::Continuation => {}
            AttemptKind::Retry | AttemptKind::NextLevel | AttemptKind::Failover => {
                self.retries += 1;
            }
            AttemptKind::Fallback => self.fallbacks += 1,
            AttemptKind::Hedge => self.hedges += 1,
        }
    }
}

/// What the client is told of: the call's own timer if that has fired, else the last attempt.
fn cause<E>(give_up: GiveUp, last: Option<Lapse<E>>, plan: &Plan) -> UnansweredCause<E> {
    match (give_up, last) {
        (GiveUp::Late, _) => UnansweredCause::Expired(TimerName::Call, plan.call_timer().clone()),
        (_, Some(Lapse::Failed(failed))) => UnansweredCause::Failed(failed),
        (_, Some(Lapse::Expired(name, timer, _))) => UnansweredCause::Expired(name, timer),
        (_, Some(Lapse::NoSlot(_))) => UnansweredCause::GiveUp(GiveUp::Nobody(Nobody {
            why: NobodyWhy::RateLimited,
            retry_after: None,
        })),
        (give_up, None) => UnansweredCause::GiveUp(give_up),
    }
}

/// Makes the exchange of an attempt, up to the head of its answer, whatever the status. `complete` has the last word about
/// the head of the request, which is signed by then.
///
/// # Errors
/// Why no head came.
///
/// # Cancel safety
/// Dropping this gives the exchange up at once.
pub async fn exchange(
    attempt: &Attempt,
    call: &CallParts<'_>,
    shard: &Shard,
    complete: impl FnOnce(&mut HeaderMap),
) -> Result<(Response<ResponseBody>, Reply), SendFailure> {
    let call = CallParts {
        model: attempt.model.as_deref(),
        ..*call
    };
    let options = SendOptions {
        connect_timeout: Some(attempt.timers.connect.limit),
        pool_timeout: Some(attempt.timers.pool.limit),
        ..SendOptions::default()
    };
    let deployment = &attempt.deployment;
    let mut prepared = deployment.endpoint.request(&call, shard).await?;
    complete(prepared.request.headers_mut());
    let response = shard
        .send(&deployment.origin, prepared.request, &options)
        .await?;
    Ok((response, prepared.reply))
}
