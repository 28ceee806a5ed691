//! A stream of server-sent events, event by event.

use std::collections::VecDeque;

use gateway_core::{Flow, Framer};
use gateway_transport::ResponseBody;
use http_body_util::BodyExt;

use super::ClientError;

/// Events as they come.
#[derive(Debug)]
pub(crate) struct Events {
    body: ResponseBody,
    framer: Reader,
    base: String,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name; "message" where it says none.
    pub name: String,
    /// Its data.
    pub data: String,
}

struct Reader {
    framer: Framer,
    ready: VecDeque<Event>,
}

impl Events {
    pub(super) fn new(body: ResponseBody, base: &str) -> Self {
        Self {
            body,
            framer: Reader {
                framer: Framer::new(EVENT_BYTES),
                ready: VecDeque::new(),
            },
            base: base.to_owned(),
        }
    }

    /// The next event; `None` when the stream has ended.
    ///
    /// # Errors
    /// The stream broke off, or is none.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(event) = self.framer.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| self.broken(&error))?;
            if let Ok(data) = frame.into_data() {
                let ready = &mut self.framer.ready;
                let fed = self.framer.framer.feed(data, |event| {
                    ready.push_back(Event {
                        name: event.name().unwrap_or("message").to_owned(),
                        data: event.data().into_owned(),
                    });
                    Flow::Continue
                });
                if let Some(error) = fed.error {
                    return Err(self.broken(&error));
                }
            }
        }
    }

    /// What an event that cannot be read is.
    pub(crate) fn odd(&self, why: &dyn std::error::Error) -> ClientError {
        self.broken(why)
    }

    fn broken(&self, why: &dyn std::error::Error) -> ClientError {
        ClientError::Broken {
            base: self.base.clone(),
            why: why.to_string(),
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({} ready)", self.ready.len())
    }
}

/// Bytes of one event.
const EVENT_BYTES: usize = 16 << 20;
