//! How the answer to a request is to be read.

use bytes::Bytes;
use gateway_core::{Dialect, Lost, Translation};
use http::Request;

/// A signed request, and what is known of its answer.
#[derive(Debug)]
pub struct Prepared {
    /// To be sent.
    pub request: Request<Bytes>,
    /// How to read what comes back.
    pub reply: Reply,
}

/// How the answer to a request is to be read.
#[derive(Debug)]
pub struct Reply {
    /// The dialect that the provider answers in.
    pub dialect: Dialect,
    /// What its streams are made of.
    pub framing: Framing,
    /// Turns the answer into the client's dialect, if that is another one.
    pub translation: Option<Box<Translation>>,
    /// What of the request the provider does not know although it speaks the dialect.
    pub(crate) left_out: Vec<Lost>,
}

/// What the events of a stream are wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    EventStream,
    /// Amazon's binary frames, with an event in each.
    AwsConverse,
    /// Amazon's binary frames, with an event of Anthropic's wrapped in each.
    AwsInvoke,
}

impl Framing {
    /// The media type of such a stream.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::EventStream => "text/event-stream",
            Self::AwsConverse | Self::AwsInvoke => "application/vnd.amazon.eventstream",
        }
    }
}

impl Reply {
    /// What of the client's request did not reach the provider.
    pub fn lost(&self) -> Vec<Lost> {
        let translated = self.translation.as_ref().map_or(&[][..], |it| it.lost());
        translated.iter().chain(&self.left_out).cloned().collect()
    }
}
