//! The upstream's side of a stream: bytes in, whole observed events out, and how it ended.

mod judge;

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_core::{Dialect, ErrorInfo, Usage};
use gateway_transport::ResponseBody;
use http_body::Body;

pub(crate) use judge::{Batch, Ending, Judge, told_of_kill};

use judge::End;

/// A stream of events from an upstream.
#[derive(Debug)]
pub(crate) struct UpstreamStream {
    body: ResponseBody,
    judge: Judge,
}

impl UpstreamStream {
    /// Has `judge` say what `body` is.
    pub(crate) const fn new(body: ResponseBody, judge: Judge) -> Self {
        Self { body, judge }
    }

    /// What one read brings. Polled again after an ending, it waits for the end of the framing only.
    pub(crate) fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Batch> {
        loop {
            let frame = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            };
            let batch = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.judge.read(data),
                    Err(_trailers) => continue,
                },
                Some(Err(error)) => self.judge.end(End::Lost(&error)),
                None => self.judge.end(End::Clean),
            };
            if batch.ending.is_some() || !batch.ready.is_empty() || batch.content {
                return Poll::Ready(batch);
            }
        }
    }

    /// Whether the framing has ended too, so that the connection serves the next call. Data behind the terminal
    /// marker is dropped.
    pub(crate) fn poll_end_of_framing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(frame) = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            if frame.is_err() {
                break;
            }
        }
        Poll::Ready(())
    }

    /// How a client that speaks `dialect` is told that the stream broke off.
    pub(crate) fn error_event(&mut self, dialect: Dialect, error: &ErrorInfo) -> Bytes {
        self.judge.error_event(dialect, error)
    }

    /// What the provider has said of its usage so far.
    pub(crate) fn usage(&self) -> Usage {
        self.judge.usage()
    }
}
