//! Obeys a plan: the only place of the router that waits for anything.

use std::future::Future;
use std::pin::pin;

use gateway_core::{ErrorKind, TimerName};
use gateway_providers::CallParts;
use gateway_transport::{ResponseBody, SendOptions, Shard};
use http::Response;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::error::SendFailure;
use crate::outcome::{Again, Outcome};
use crate::plan::{Attempt, GiveUp, Plan, Step};
use crate::timers::Timer;

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
    /// Nobody could be tried.
    GiveUp(GiveUp),
}

/// What was done for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Attempts made.
    pub attempts: u32,
    /// Those of them that tried a group again.
    pub retries: u32,
    /// Groups that the call fell back to.
    pub fallbacks: u32,
    /// Second attempts against slow ones.
    pub hedges: u32,
}

/// Makes the attempts that `plan` says, until one is answered or the plan gives up.
///
/// # Errors
/// The last attempt's failure, the timer that fired, or why nobody could be tried.
///
/// # Cancel safety
/// Dropping this gives the call up: a running exchange ends at once.
pub async fn execute<C: Call>(
    mut plan: Plan,
    call: &C,
) -> Result<Answered<C::Answer>, Unanswered<C::Error>> {
    let mut course = Course::default();
    let mut last: Option<UnansweredCause<C::Error>> = None;
    let mut outcome: Option<Outcome> = None;
    loop {
        let attempt = match plan.next(outcome.take().as_ref(), Instant::now()) {
            Step::Try(attempt) => attempt,
            Step::Wait(until) => {
                sleep_until(until).await;
                continue;
            }
            Step::GiveUp(give_up) => {
                let cause = last.unwrap_or(UnansweredCause::GiveUp(give_up));
                return Err(Unanswered { cause, course });
            }
        };
        course.attempts += 1;
        let due = plan.due();
        let made = {
            let made = pin!(call.attempt(&attempt));
            timeout_at(due, made).await
        };
        match made {
            Ok(Ok(answer)) => {
                call.ended(&attempt, AttemptEnd::Answered);
                return Ok(Answered {
                    answer,
                    attempt,
                    course,
                });
            }
            Ok(Err(failed)) => {
                call.ended(&attempt, AttemptEnd::Failed(&failed.outcome));
                outcome = Some(failed.outcome);
                last = Some(UnansweredCause::Failed(failed));
            }
            Err(_elapsed) => {
                let timer = plan.call_timer().clone();
                call.ended(&attempt, AttemptEnd::Expired(TimerName::Call, &timer));
                let cause = UnansweredCause::Expired(TimerName::Call, timer);
                return Err(Unanswered { cause, course });
            }
        }
    }
}

/// Makes the exchange of an attempt, up to the head of its answer, whatever the status.
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
) -> Result<Response<ResponseBody>, SendFailure> {
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
    let request = deployment.endpoint.request(&call, shard).await?;
    Ok(shard.send(&deployment.origin, request, &options).await?)
}

impl SendFailure {
    /// What it means for the next attempt.
    pub fn outcome(&self) -> Outcome {
        Outcome::new(ErrorKind::Upstream, Again::Never)
    }
}
