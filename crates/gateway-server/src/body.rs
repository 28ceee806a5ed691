//! What goes to a client: one piece, or a stream that is relayed.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_core::EndReason;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::opening::Opening;
use crate::pass_through::ThroughBody;
use crate::record::OpenRecord;
use crate::relay::Relay;

/// The body of a response to a client.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A body that is known as a whole, with the record of its call if it is one.
    Whole {
        /// What is left to hand over.
        bytes: Option<Bytes>,
        /// Closed when the bytes were taken.
        record: Option<OpenRecord>,
    },
    /// A stream of events.
    Stream(Pin<Box<Relay>>),
    /// A stream of which only heartbeats are there yet.
    Opening(Box<Opening>),
    /// What a provider says to a request in its own words.
    Through(Box<ThroughBody>),
    /// What an operator watches, until whoever has the other end drops it.
    Watch(mpsc::Receiver<Bytes>),
}

impl Outgoing {
    /// A body that belongs to no call.
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole {
            bytes: Some(bytes.into()),
            record: None,
        }
    }

    /// The answer to a call; `record` is closed when hyper has taken the bytes, or as `client_gone` if it never does.
    pub(crate) fn recorded(bytes: Bytes, record: OpenRecord) -> Self {
        Self::Whole {
            bytes: Some(bytes),
            record: Some(record),
        }
    }
}

/// A stream that was given up on purpose: the connection shall close without a proper end of the body.
#[derive(Debug, thiserror::Error)]
#[error("the stream ended early: {}", .0.as_str())]
pub(crate) struct Cut(pub EndReason);

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole { bytes, record } => {
                let taken = bytes.take().filter(|bytes| !bytes.is_empty());
                if let Some(record) = record.take() {
                    record.answered(taken.as_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(taken.map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Stream(relay) => relay.as_mut().poll_frame(cx),
            Self::Opening(opening) => opening.poll_frame(cx),
            Self::Through(body) => body.poll_frame(cx),
            Self::Watch(pieces) => pieces
                .poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { bytes, record } => bytes.is_none() && record.is_none(),
            Self::Stream(_) | Self::Opening(_) | Self::Through(_) | Self::Watch(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Stream(_) | Self::Opening(_) | Self::Through(_) | Self::Watch(_) => {
                SizeHint::default()
            }
        }
    }
}
