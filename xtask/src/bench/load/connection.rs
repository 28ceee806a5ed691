//! One connection of the load generator.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::super::clock;
use super::super::payload::{Mode, stamps};
use super::super::response::Response;
use super::Shared;
use super::tally::Timing;

/// A connection to the target, opened again when it was lost.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    stream: Option<TcpStream>,
    response: Response,
    buffer: Vec<u8>,
    stamps: Vec<u64>,
}

impl Connection {
    /// Not connected yet.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let size = if shared.job.mode == Mode::Idle {
            2 * 1024
        } else {
            32 * 1024
        };
        Self {
            shared,
            stream: None,
            response: Response::new(),
            buffer: vec![0; size],
            stamps: Vec::new(),
        }
    }

    /// Connects ahead of the first call; a failure shows there.
    pub(crate) async fn connect(&mut self) {
        if let Err(error) = self.ensure_connected().await {
            self.shared.tally().fail(error);
        }
    }

    /// One call from begin to end, counted. `planned` is when it should have begun, if that
    /// was planned. Dropping the future gives the call up without counting it.
    pub(crate) async fn call(&mut self, planned: Option<u64>) {
        match self.exchange(planned).await {
            Ok(timing) => {
                let bytes = self.response.body_bytes;
                self.shared.tally().call(timing, bytes);
                if self.response.ends_by_close() {
                    self.stream = None;
                }
            }
            Err(error) => {
                self.shared.tally().fail(error);
                self.stream = None;
                sleep(AFTER_FAILURE).await;
            }
        }
    }

    /// Sends the request and waits for the first event.
    ///
    /// # Errors
    /// As text: no connection, no answer in time, a status other than 200, a premature end.
    pub(crate) async fn begin_stream(&mut self) -> Result<(), String> {
        timeout(FIRST_EVENT, async {
            self.send().await?;
            while self.response.events == 0 {
                self.receive().await?;
            }
            Ok(())
        })
        .await
        .map_err(|_| format!("no event in {FIRST_EVENT:?}"))?
    }

    /// Waits until the silent stream ends, which it should not, and says how.
    pub(crate) async fn end_of_silence(&mut self) -> String {
        while !self.response.is_done() {
            if let Err(error) = self.receive().await {
                return error;
            }
        }
        "the silent stream was ended".to_owned()
    }

    async fn exchange(&mut self, planned: Option<u64>) -> Result<Timing, String> {
        self.ensure_connected().await?;
        let begun = clock::now();
        self.send().await?;
        let first_byte = self.receive().await?;
        let mut ended = first_byte;
        while !self.response.is_done() {
            match self.receive().await {
                Ok(at) => ended = at,
                Err(_) if self.response.ends_by_close() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Timing {
            planned: planned.unwrap_or(begun),
            begun,
            first_byte,
            ended,
        })
    }

    async fn send(&mut self) -> Result<(), String> {
        self.ensure_connected().await?;
        self.response.reset();
        let stream = self.stream.as_mut().ok_or("not connected")?;
        stream
            .write_all(&self.shared.request)
            .await
            .map_err(|error| format!("cannot send: {error}"))
    }

    /// One read; returns when it came.
    async fn receive(&mut self) -> Result<u64, String> {
        let stream = self.stream.as_mut().ok_or("not connected")?;
        let length = match stream.read(&mut self.buffer).await {
            Ok(0) => return Err("closed before the end of the answer".to_owned()),
            Ok(length) => length,
            Err(error) => return Err(format!("cannot read: {error}")),
        };
        let now = clock::now();
        let events = self.response.events;
        self.stamps.clear();
        let paced = self.shared.job.mode == Mode::Paced;
        self.response.feed(&self.buffer[..length], |piece| {
            if paced {
                stamps(piece, |stamp| self.stamps.push(stamp));
            }
        })?;
        if !matches!(self.response.status, 0 | 200) {
            let text = String::from_utf8_lossy(&self.buffer[..length.min(600)]);
            return Err(format!("status {}: {text}", self.response.status));
        }
        let events = self.response.events - events;
        self.shared.tally().read(now, events, &self.stamps);
        Ok(now)
    }

    async fn ensure_connected(&mut self) -> Result<(), String> {
        if self.stream.is_some() {
            return Ok(());
        }
        let stream = TcpStream::connect(self.shared.job.address)
            .await
            .map_err(|error| format!("cannot connect: {error}"))?;
        stream
            .set_nodelay(true)
            .map_err(|error| format!("nodelay: {error}"))?;
        self.stream = Some(stream);
        Ok(())
    }
}

/// Rest after a failed call, so that a target that is gone is not hammered.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// How long a silent stream may take to begin.
const FIRST_EVENT: Duration = Duration::from_secs(30);
