//! One short call to a deployment's provider, past routing: it sets nobody aside, waits for nobody and is tried once.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, Limits};
use gateway_providers::{CallParts, Endpoint};
use gateway_transport::{Origin, SendOptions, Shard};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::call::intake::gather;
use crate::config::Check;

/// What came of a probe.
#[derive(Clone, Debug)]
pub(crate) struct Probed {
    /// When it began.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Why it failed, if it did. Never holds a secret of the gateway's.
    pub error: Option<String>,
}

/// A question that a provider can be asked.
#[derive(Debug)]
pub(crate) struct Question {
    dialect: Dialect,
    body: Bytes,
    model: Option<String>,
    timeout: Duration,
}

/// Why there is no question for a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unasked {
    /// Its model has a `*`, and no other one is named.
    Wildcard,
    /// Nobody asks for this in words.
    Mode(String),
    /// It speaks nothing that a question can be asked in.
    Dialect,
}

impl fmt::Display for Unasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wildcard => {
                f.write_str("a wildcard: `model_info.health_check_model` says whom to ask")
            }
            Self::Mode(mode) => write!(f, "deployments of mode {mode:?} are not probed"),
            Self::Dialect => f.write_str("it is asked in its provider's own words only"),
        }
    }
}

impl Question {
    /// What `endpoint` is asked.
    ///
    /// # Errors
    /// Why there is nothing to ask.
    pub(crate) fn to(endpoint: &Endpoint, check: &Check) -> Result<Self, Unasked> {
        if check.model.is_none() && endpoint.upstream_model().contains('*') {
            return Err(Unasked::Wildcard);
        }
        let dialects: &[Dialect] = match check.mode.as_deref() {
            None | Some("chat" | "responses") => &CHATS,
            Some("completion") => &[Dialect::OpenAiCompletions, Dialect::OpenAiChat],
            Some("embedding") => &[Dialect::OpenAiEmbeddings],
            Some(other) => return Err(Unasked::Mode(other.to_owned())),
        };
        let dialect = dialects.iter().find(|it| endpoint.accepts(**it));
        let dialect = *dialect.ok_or(Unasked::Dialect)?;
        let named = check.model.as_deref();
        // A provider in front of it only says which deployment's it is.
        let model = named.map(|name| name.split_once('/').map_or(name, |(_, rest)| rest));
        Ok(Self {
            dialect,
            body: Bytes::from(body(dialect, check.max_tokens).to_string()),
            model: model.map(str::to_owned),
            timeout: check.timeout,
        })
    }

    /// Asks it.
    pub(crate) async fn ask(&self, endpoint: &Endpoint, origin: &Origin, shard: &Shard) -> Probed {
        let (at, began) = (SystemTime::now(), Instant::now());
        let answer = timeout(self.timeout, self.exchange(endpoint, origin, shard)).await;
        let error = match answer {
            Ok(answer) => answer.err(),
            Err(_elapsed) => Some(format!("no answer within {} s", self.timeout.as_secs_f64())),
        };
        Probed {
            at,
            took: began.elapsed(),
            error,
        }
    }

    async fn exchange(
        &self,
        endpoint: &Endpoint,
        origin: &Origin,
        shard: &Shard,
    ) -> Result<(), String> {
        let envelope = Envelope::parse(self.body.clone(), Limits::default());
        let envelope = envelope.map_err(|error| error.to_string())?;
        let headers = HeaderMap::new();
        let call = CallParts {
            dialect: self.dialect,
            envelope: &envelope,
            headers: &headers,
            query: None,
            model: self.model.as_deref(),
            asked_model: "probe",
            refused_betas: &[],
            id: "probe",
        };
        let prepared = endpoint.request(&call, shard).await.map_err(told)?;
        let options = SendOptions::default();
        let response = shard.send(origin, prepared.request, &options).await;
        let (head, body) = response.map_err(told)?.into_parts();
        let status = head.status.as_u16();
        let body = gather(body, ANSWER_LIMIT, None).await;
        let dialect = prepared.reply.dialect;
        if !head.status.is_success() {
            let name = head.headers.get("x-amzn-errortype");
            let name = name.and_then(|name| name.to_str().ok());
            let said = dialect.read_named_error(status, name, &body.unwrap_or_default());
            let said = said.map(|error| format!(": {}", error.message));
            return Err(format!("status {status}{}", said.unwrap_or_default()));
        }
        let body = body.map_err(|_| "the answer broke off, or is larger than 1 MiB".to_owned())?;
        match dialect.read_body(&body) {
            Ok(facts) => facts.error.map_or(Ok(()), |error| Err(error.message)),
            Err(error) => Err(format!("the answer cannot be read: {error}")),
        }
    }
}

/// A short question.
fn body(dialect: Dialect, max_tokens: Option<u64>) -> Value {
    let user = json!([{"role": "user", "content": WORDS}]);
    let mut body = match dialect {
        Dialect::OpenAiEmbeddings => json!({"model": "probe", "input": WORDS}),
        Dialect::OpenAiCompletions => json!({"model": "probe", "prompt": WORDS}),
        Dialect::OpenAiResponses => json!({"model": "probe", "input": WORDS}),
        Dialect::AnthropicMessages => {
            json!({"model": "probe", "messages": user, "max_tokens": max_tokens.unwrap_or(TOKENS)})
        }
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": WORDS}]}]}),
        _ => json!({"model": "probe", "messages": user}),
    };
    let limit = match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiCompletions => "max_tokens",
        Dialect::OpenAiResponses => "max_output_tokens",
        _ => return body,
    };
    if let Some(tokens) = max_tokens {
        body[limit] = tokens.into();
    }
    body
}

/// An error with its causes.
fn told(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Front ends that a deployment for conversations can be asked by, the first that fits.
const CHATS: [Dialect; 4] = [
    Dialect::OpenAiChat,
    Dialect::AnthropicMessages,
    Dialect::OpenAiResponses,
    Dialect::Gemini,
];
const WORDS: &str = "Reply with OK.";
/// Where an answer must have a limit.
const TOKENS: u64 = 16;
/// Bytes of an answer.
const ANSWER_LIMIT: usize = 1 << 20;
