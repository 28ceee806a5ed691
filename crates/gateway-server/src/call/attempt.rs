//! One attempt of a call at one deployment, up to the commit point.

use gateway_core::chat::Weight;
use gateway_core::{
    Dialect, EndReason, Envelope, ErrorInfo, Limits, Lost, Usage, is_gateway_field,
};
use gateway_providers::{CallParts, refused_betas};
use gateway_router::{Again, Attempt, AttemptEnd, Call, Failed, Timer, exchange};
use gateway_transport::ResponseBody;
use http::{HeaderMap, Response};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::mock::Mock;
use super::shown::ShownDeployments;
use super::{Answer, outcome};
use crate::live::LiveStream;
use crate::record::Journal;
use crate::respond::Failure;
use crate::trace::CallTrace;
use crate::worker::{CallLimits, Worker};

/// A call, as the router attempts it.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    pub worker: &'a Worker,
    pub limits: &'a CallLimits,
    pub dialect: Dialect,
    /// The client's name of the model: what the answer says.
    pub asked_model: &'a str,
    /// The call's name.
    pub id: &'a str,
    pub envelope: &'a Envelope,
    pub headers: &'a HeaderMap,
    pub query: Option<&'a str>,
    /// The client asked for a stream.
    pub stream: bool,
    /// As one array instead of events.
    pub array: bool,
    /// How many answers it asked for, if it said so.
    pub choices: Option<u64>,
    pub journal: &'a Journal,
    /// What others see of the call, if it is a stream.
    pub live: Option<&'a LiveStream>,
    /// What is known of deployments beside routing.
    pub shown: &'a ShownDeployments,
    /// When the whole call must be over.
    pub due: (Instant, &'a Timer),
    /// What the request wants to be made up.
    pub mock: Option<&'a Mock>,
    /// The trace that the call is in.
    pub trace: Option<&'a CallTrace>,
}

impl Attempts<'_> {
    /// Asks the deployment once.
    async fn ask(&self, attempt: &Attempt, call: &CallParts<'_>) -> Result<Got, Failed<Failure>> {
        let complete = |headers: &mut HeaderMap| {
            if let Some(trace) = self.trace {
                let own = attempt.deployment.endpoint.is_self_hosted();
                trace.propagate(attempt.number, own, headers);
            }
        };
        match exchange(attempt, call, &self.worker.shard, complete).await {
            Ok((response, reply)) => {
                self.journal.answered(attempt, &response);
                if let Some(live) = self.live {
                    live.connected(response.body().lease().generation);
                }
                self.note_quota(attempt, &response);
                outcome::read(response, reply, self).await
            }
            Err(error) => {
                self.journal.unanswered(attempt, &error);
                Err(outcome::unsent(&error, &attempt.timers))
            }
        }
    }

    /// A failure may stay among us, where another deployment answers; what an answer says is noted with its head.
    fn note_quota(&self, attempt: &Attempt, response: &Response<ResponseBody>) {
        if response.status().is_success() {
            return;
        }
        if let Some(shown) = self.shown.of(&attempt.deployment) {
            for (name, value) in response.headers() {
                shown.counters.quota.note(name.as_str(), value);
            }
        }
    }

    /// What is made up instead of asking the provider: the request's word counts in the group that it asked for, the
    /// configuration's everywhere.
    fn mock(&self, attempt: &Attempt) -> Option<&Mock> {
        if let Some(mock) = self.mock.filter(|_| attempt.target.is_none()) {
            return Some(mock);
        }
        self.shown.mock(&attempt.deployment)
    }

    /// The request with what a fallback changes in it. What is the gateway's own, credentials among it, stays away; so
    /// does what has been decided for the call as a whole.
    fn changed(&self, overrides: &Map<String, Value>) -> Result<Envelope, Failed<Failure>> {
        let mut edit = self.envelope.edit();
        for (key, value) in overrides {
            if !is_gateway_field(key) && !DECIDED.contains(&key.as_str()) {
                edit.set(key, value.to_string());
            }
        }
        Envelope::parse(edit.finish(), Limits::default()).map_err(|error| {
            let failure = Failure::new(EndReason::Rejected, ErrorInfo::from(&error));
            outcome::failed(failure, Some(Again::Never))
        })
    }
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
    /// The dialect that the provider answers in.
    pub dialect: Dialect,
    /// What the provider says of its usage, where it is known already.
    pub usage: Usage,
    /// The request asked for a made-up answer.
    pub made_up: bool,
    /// What of the request did not reach the provider.
    pub lost: Vec<Lost>,
}

impl Call for Attempts<'_> {
    type Answer = Got;
    type Error = Failure;

    async fn attempt(&self, attempt: &Attempt) -> Result<Got, Failed<Failure>> {
        self.journal.began(attempt);
        if let Some(live) = self.live {
            live.asks(&attempt.deployment);
        }
        let changed = match overrides(attempt) {
            Some(overrides) => Some(self.changed(overrides)?),
            None => None,
        };
        let envelope = changed.as_ref().unwrap_or(self.envelope);
        if let Some(mock) = self.mock(attempt)
            && let Some(played) = mock.play(self, attempt, envelope).await
        {
            return played;
        }
        let call = CallParts {
            dialect: self.dialect,
            envelope,
            headers: self.headers,
            query: self.query,
            model: None,
            asked_model: self.asked_model,
            refused_betas: &[],
            id: self.id,
        };
        let first = self.ask(attempt, &call).await;
        let Err(failed) = &first else {
            return first;
        };
        let refused = refused_of(attempt, &call, failed);
        if refused.is_empty() {
            return first;
        }
        // What the provider has not done costs nothing, and it knows at once: this is no new attempt.
        let call = CallParts {
            refused_betas: &refused,
            ..call
        };
        let mut second = Box::pin(self.ask(attempt, &call)).await?;
        second.lost.extend(refused.iter().map(|beta| Lost {
            name: format!("anthropic-beta:{beta}").into(),
            weight: Weight::Hint,
        }));
        Ok(second)
    }

    fn output_tokens(&self, got: &Got) -> Option<u64> {
        got.usage.output_tokens
    }

    fn is_made_up(&self, got: &Got) -> bool {
        got.made_up
    }

    fn is_repeatable(&self, attempt: &Attempt) -> bool {
        match overrides(attempt) {
            None => self.envelope.is_repeatable(),
            // What cannot be sent was not.
            Some(overrides) => self
                .changed(overrides)
                .map_or(true, |sent| sent.is_repeatable()),
        }
    }

    fn ended(&self, attempt: &Attempt, end: AttemptEnd<'_>) {
        self.journal.ended(attempt, end);
    }
}

/// The betas because of which the provider said no, if it was because of these.
fn refused_of(attempt: &Attempt, call: &CallParts<'_>, failed: &Failed<Failure>) -> Vec<String> {
    if failed.error.said.is_empty() {
        return Vec::new();
    }
    let call = CallParts {
        model: attempt.model.as_deref(),
        ..*call
    };
    let sent = attempt.deployment.endpoint.betas_sent(&call);
    refused_betas(400, &failed.error.said, &sent)
}

/// What a fallback changes in the request that the attempt sends.
fn overrides(attempt: &Attempt) -> Option<&Map<String, Value>> {
    let overrides = &attempt.target.as_ref()?.overrides;
    (!overrides.is_empty()).then_some(overrides)
}

/// Fields that no fallback changes: whom it asks is decided, and how the answer comes was promised.
const DECIDED: [&str; 3] = ["model", "stream", "n"];
