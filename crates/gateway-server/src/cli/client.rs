//! The HTTP client of commands that talk to a running gateway.
//!
//! One thread, one connection, no retries: it asks, and tells what to do when the answer is not what was hoped for.

mod failure; // What went wrong, and what to do.
mod stream; // Events as they come.
mod target; // Which gateway is meant.

use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use gateway_transport::{Origin, ResponseBody, SendOptions, Shard, Transport, TransportConfig};

use crate::config::Environment;
pub(crate) use failure::ClientError;
pub(crate) use stream::Events;
use target::Target;
pub use target::TargetArgs;

/// A client of one gateway, with the runtime that it needs.
#[derive(Debug)]
pub(crate) struct Client {
    runtime: Runtime,
    shard: Shard,
    origin: Origin,
    target: Target,
    patience: Option<Duration>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
    path: String,
    base: String,
}

impl Client {
    /// A client of the gateway that `args` mean. Nothing is connected to yet; problems of a configuration that was
    /// named go to `err`.
    ///
    /// # Errors
    /// It is not clear which gateway is meant, or the system refuses a runtime.
    pub(crate) fn of(
        args: &TargetArgs,
        environment: &Environment,
        err: &mut dyn io::Write,
    ) -> Result<Self, ClientError> {
        let target = args.find(environment, err)?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ClientError::Runtime)?;
        let (shard, origin) = {
            let _entered = runtime.enter();
            let transport = Transport::single(TransportConfig::default());
            let origin = transport.origin(&target.spec);
            let shard = transport.shard(0);
            (shard, origin.map_err(|error| target.unusable(&error))?)
        };
        Ok(Self {
            runtime,
            shard,
            origin,
            target,
            patience: Some(PATIENCE),
        })
    }

    /// Waits for so long for the head of an answer, or for as long as it takes.
    pub(crate) fn patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// Runs `work` to its end on this client's runtime, on which the async functions of a client must run.
    pub(crate) fn wait<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    /// `GET path`; waits for all of it.
    ///
    /// # Errors
    /// No whole answer came.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.wait(self.ask(Method::GET, path, Bytes::new()))
    }

    /// `POST path` with `order` as JSON; waits for all of the answer.
    ///
    /// # Errors
    /// No whole answer came.
    pub(crate) fn post(&self, path: &str, order: &impl Serialize) -> Result<Answer, ClientError> {
        let body = serde_json::to_vec(order).map_err(|error| self.odd(path, &error))?;
        self.wait(self.ask(Method::POST, path, body.into()))
    }

    /// One exchange, answer included.
    ///
    /// # Errors
    /// No whole answer came.
    ///
    /// # Cancel safety
    /// Dropping the future gives the exchange up; the gateway may have carried it out.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer, ClientError> {
        let (status, body) = self.send(method, path, body, "application/json").await?;
        let body = Limited::new(body, ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| ClientError::Broken {
            base: self.target.base.clone(),
            why: error.to_string(),
        })?;
        Ok(Answer {
            status,
            body: body.to_bytes(),
            path: path.to_owned(),
            base: self.target.base.clone(),
        })
    }

    /// `GET path` as a stream of server-sent events.
    ///
    /// # Errors
    /// No stream began.
    ///
    /// # Cancel safety
    /// Dropping the future gives the exchange up.
    pub(crate) async fn events(&self, path: &str) -> Result<Events, ClientError> {
        let sent = self.send(Method::GET, path, Bytes::new(), "text/event-stream");
        let (status, body) = sent.await?;
        if status.is_success() {
            return Ok(Events::new(body, &self.target.base));
        }
        let body = Limited::new(body, ANSWER_BYTES).collect().await;
        let refused = Answer {
            status,
            body: body
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default(),
            path: path.to_owned(),
            base: self.target.base.clone(),
        };
        Err(refused.failure())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        accept: &str,
    ) -> Result<(StatusCode, ResponseBody), ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.target.prefix))
            .header(ACCEPT, accept)
            .header(USER_AGENT, AGENT);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some((name, key)) = &self.target.key {
            request = request.header(name, key);
        }
        let request = request.body(body).map_err(|error| self.odd(path, &error))?;
        let options = SendOptions {
            head_timeout: self.patience,
            ..SendOptions::default()
        };
        let response = self.shard.send(&self.origin, request, &options).await;
        let response =
            response.map_err(|error| ClientError::unreached(&self.target.base, &error))?;
        Ok((response.status(), response.into_body()))
    }

    fn odd(&self, path: &str, why: &dyn std::error::Error) -> ClientError {
        ClientError::Target(format!("cannot ask {}{path}: {why}", self.target.base))
    }
}

impl Answer {
    /// The answer itself, if its status says that all is well.
    ///
    /// # Errors
    /// What the gateway says is wrong, and what to do.
    pub(crate) fn success(self) -> Result<Self, ClientError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(self.failure())
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| ClientError::Broken {
            base: self.base.clone(),
            why: format!("{} answered something unexpected: {error}", self.path),
        })
    }

    /// What an answer that is no success means.
    pub(crate) fn failure(&self) -> ClientError {
        ClientError::refused(&self.base, &self.path, self.status, &self.body)
    }
}

/// How the gateway's log and others know us.
const AGENT: &str = concat!("gateway-server/", env!("CARGO_PKG_VERSION"));
/// How long the head of an answer may take, if nothing else is said.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer in one piece.
const ANSWER_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests;
