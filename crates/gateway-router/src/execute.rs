//! Obeys a plan: the only place of the router that waits for anything.

use std::sync::Arc;

use gateway_providers::CallParts;
use gateway_transport::{ResponseBody, SendOptions, Shard};
use http::Response;
use tokio::time::Instant;

use crate::deployment::Deployment;
use crate::error::{CallError, Unanswered};
use crate::plan::{Attempt, Outcome, Plan, Step};

/// A call that got an answer's head, whatever its status.
#[derive(Debug)]
pub struct Answered {
    /// Who answered.
    pub deployment: Arc<Deployment>,
    /// Head and body as they come. Dropping the body ends the exchange.
    pub response: Response<ResponseBody>,
    /// How many attempts were made, this one included.
    pub attempts: u32,
}

/// Makes the attempts that `plan` says, until one gets an answer's head or the plan gives up.
///
/// # Errors
/// The last attempt's failure, with who was tried.
///
/// # Cancel safety
/// Dropping this gives the call up: a running exchange ends at once.
pub async fn execute(
    mut plan: Plan,
    call: &CallParts<'_>,
    shard: &Shard,
    options: &SendOptions,
) -> Result<Answered, Unanswered> {
    let mut attempts = 0;
    let mut failed: Option<(Outcome, Unanswered)> = None;
    loop {
        let outcome = failed.as_ref().map(|(outcome, _)| outcome);
        let attempt = match plan.next(outcome, Instant::now()) {
            Step::Try(attempt) => attempt,
            Step::GiveUp => {
                return Err(failed.map_or_else(nobody_tried, |(_, unanswered)| unanswered));
            }
        };
        attempts += 1;
        match make(&attempt, call, shard, options).await {
            Ok(response) => {
                return Ok(Answered {
                    deployment: attempt.deployment,
                    response,
                    attempts,
                });
            }
            Err(error) => {
                let outcome = outcome_of(&error);
                let unanswered = Unanswered {
                    error,
                    deployment: Some(attempt.deployment),
                    attempts,
                };
                failed = Some((outcome, unanswered));
            }
        }
    }
}

async fn make(
    attempt: &Attempt,
    call: &CallParts<'_>,
    shard: &Shard,
    options: &SendOptions,
) -> Result<Response<ResponseBody>, CallError> {
    let call = CallParts {
        model: attempt.model.as_deref(),
        ..*call
    };
    let deployment = &attempt.deployment;
    let request = deployment.endpoint.request(&call, shard).await?;
    Ok(shard.send(&deployment.origin, request, options).await?)
}

fn outcome_of(error: &CallError) -> Outcome {
    match error {
        CallError::Send(error) => Outcome::NotAnswered {
            delivery: error.delivery,
            phase: error.phase,
        },
        CallError::Prepare(_) | CallError::NoDeployment => Outcome::NotPrepared,
    }
}

fn nobody_tried() -> Unanswered {
    Unanswered {
        error: CallError::NoDeployment,
        deployment: None,
        attempts: 0,
    }
}
