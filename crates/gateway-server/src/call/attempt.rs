//! One attempt of a call at one deployment, up to the commit point.

use gateway_core::{Dialect, Envelope, Usage};
use gateway_providers::CallParts;
use gateway_router::{Attempt, AttemptEnd, Call, Failed, exchange};
use http::HeaderMap;
use tokio::time::Instant;

use super::{Answer, outcome};
use crate::record::Journal;
use crate::respond::Failure;
use crate::worker::{CallLimits, Worker};

/// A call, as the router attempts it.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    pub worker: &'a Worker,
    pub limits: &'a CallLimits,
    pub dialect: Dialect,
    pub envelope: &'a Envelope,
    pub headers: &'a HeaderMap,
    pub query: Option<&'a str>,
    /// The client asked for a stream.
    pub stream: bool,
    /// How many answers it asked for, if it said so.
    pub choices: Option<u64>,
    pub journal: &'a Journal,
}

/// What an attempt is good for.
#[derive(Debug)]
pub(super) struct Got {
    /// The head that the upstream sent.
    pub headers: HeaderMap,
    /// What follows it.
    pub answer: Answer,
    /// When the first meaningful content was there, or the answer as a whole; `None` if the preamble grew too long.
    pub content: Option<Instant>,
    /// What the provider says of its usage, where it is known already.
    pub usage: Usage,
}

impl Call for Attempts<'_> {
    type Answer = Got;
    type Error = Failure;

    async fn attempt(&self, attempt: &Attempt) -> Result<Got, Failed<Failure>> {
        self.journal.began(attempt);
        let call = CallParts {
            dialect: self.dialect,
            envelope: self.envelope,
            headers: self.headers,
            query: self.query,
            model: None,
        };
        match exchange(attempt, &call, &self.worker.shard).await {
            Ok(response) => {
                self.journal.answered(attempt, &response);
                outcome::read(response, self).await
            }
            Err(error) => {
                self.journal.unanswered(attempt, &error);
                Err(outcome::unsent(&error, &attempt.timers))
            }
        }
    }

    fn ended(&self, attempt: &Attempt, end: AttemptEnd<'_>) {
        self.journal.ended(attempt, end);
    }
}
