//! What a dialect's file says of translation: how its requests, answers and streams are read into [`chat`](crate::chat)
//! and written from it.

use std::fmt::Debug;

use crate::body::Malformed;
use crate::chat::{Answer, Delta, Json, Request};
use crate::envelope::Envelope;
use crate::sse::Event;
use crate::translate::{Asked, Losses, NameRule, Target, TranslateError};

/// A dialect that clients may speak to any provider.
pub(crate) struct Front {
    /// Reads a client's request. What it does not know goes into [`Request::other`].
    pub(crate) read_request: fn(&Envelope) -> Result<Request, TranslateError>,
    /// Fields of the request that the answer repeats.
    pub(crate) echo: fn(&Envelope) -> Vec<(&'static str, Json)>,
    /// Writes a whole answer.
    pub(crate) write_answer: fn(&Answer, &Asked) -> Vec<u8>,
    /// Writes a stream.
    pub(crate) stream_writer: fn(&Asked) -> Box<dyn StreamWriter>,
}

/// A dialect in which providers may be asked by any client.
pub(crate) struct Back {
    /// Writes the body of a request. What cannot be said is a loss. [`Request::other`] need not be looked at; what is
    /// written of it is told by [`Losses::written`].
    pub(crate) write_request:
        fn(&Request, &Target<'_>, &mut Losses) -> Result<Vec<u8>, TranslateError>,
    /// Reads a whole answer, which was found to be one of the dialect's and no error.
    pub(crate) read_answer: fn(&str) -> Result<Answer, Malformed>,
    /// Reads a stream.
    pub(crate) stream_reader: fn() -> Box<dyn StreamReader>,
    /// Which names of tools it takes.
    pub(crate) tool_names: NameRule,
    /// Which ids of tool calls it takes.
    pub(crate) call_ids: NameRule,
}

/// Reads the events of one stream, each in turn; errors and the terminal marker are the observer's business.
pub(crate) trait StreamReader: Debug + Send {
    /// Reads one event.
    ///
    /// # Errors
    /// The event cannot be understood, so that something of the answer would be lost.
    fn event(
        &mut self,
        event: &Event<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed>;

    /// The stream is complete.
    fn end(&mut self, sink: &mut dyn FnMut(Delta<'_>));
}

/// Writes the events of one stream as they come.
pub(crate) trait StreamWriter: Debug + Send {
    /// Writes what a step is to this dialect; perhaps nothing yet.
    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<u8>);

    /// Writes what is left and the terminal marker. Called once, at the end of a complete stream.
    fn finish(&mut self, out: &mut Vec<u8>);
}
