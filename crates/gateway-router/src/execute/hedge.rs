//! Two attempts side by side: the first content wins, and the other attempt is given up at once.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::{Instant, timeout_at};

use super::attempt::{CallEnd, Lapse, Made, make};
use super::{AttemptEnd, Call, Course};
use crate::plan::{Attempt, Failure, Plan};

/// The attempt that decided, and what became of it.
pub(super) struct Raced<C: Call> {
    pub(super) attempt: Box<Attempt>,
    pub(super) made: Made<C>,
}

/// Makes the attempt `first`, and a second one beside it if that has nothing to show `at` this moment.
///
/// If one of the two fails, the other goes on alone: its end is the end of both.
pub(super) async fn race<C: Call>(
    call: &C,
    plan: &mut Plan,
    end: &CallEnd,
    mut first: Box<Attempt>,
    at: Instant,
    course: &mut Course,
) -> Raced<C> {
    let deployment = Arc::clone(&first.deployment);
    let mut slow = Box::pin(make(call, end, &mut first));
    if let Ok(made) = timeout_at(at, &mut slow).await {
        drop(slow);
        return Raced {
            attempt: first,
            made,
        };
    }
    let Some(mut second) = plan.hedge(&deployment.id, Instant::now()) else {
        let made = slow.await;
        return Raced {
            attempt: first,
            made,
        };
    };
    course.count(second.kind);
    let mut fast = Box::pin(make(call, end, &mut second));
    match sooner(slow.as_mut(), fast.as_mut()).await {
        Sooner::First(Ok(answer)) => {
            drop((slow, fast));
            call.ended(&second, AttemptEnd::Lost);
            Raced {
                attempt: first,
                made: Ok(answer),
            }
        }
        Sooner::First(Err(lapse)) => {
            drop(slow);
            set_back(call, plan, &first, &lapse);
            // Its slot and its place in the ledger are given back: the other one may take long.
            drop(first);
            let made = fast.await;
            Raced {
                attempt: second,
                made,
            }
        }
        Sooner::Second(Ok(answer)) => {
            drop((fast, slow));
            call.ended(&first, AttemptEnd::Lost);
            plan.lost(&first, Instant::now());
            Raced {
                attempt: second,
                made: Ok(answer),
            }
        }
        Sooner::Second(Err(lapse)) => {
            drop(fast);
            set_back(call, plan, &second, &lapse);
            drop(second);
            let made = slow.await;
            Raced {
                attempt: first,
                made,
            }
        }
    }
}

/// One of two attempts has failed.
fn set_back<C: Call>(call: &C, plan: &mut Plan, attempt: &Attempt, lapse: &Lapse<C::Error>) {
    call.ended(attempt, lapse.end());
    lapse.tell(plan, call, attempt);
    let outcome = &lapse.outcome();
    plan.failed(Failure { attempt, outcome }, Instant::now());
}

/// Which of two came to an end first; the first one if both did.
enum Sooner<T> {
    First(T),
    Second(T),
}

async fn sooner<T>(
    mut first: Pin<&mut impl Future<Output = T>>,
    mut second: Pin<&mut impl Future<Output = T>>,
) -> Sooner<T> {
    poll_fn(|cx| {
        if let Poll::Ready(end) = first.as_mut().poll(cx) {
            return Poll::Ready(Sooner::First(end));
        }
        second.as_mut().poll(cx).map(Sooner::Second)
    })
    .await
}
