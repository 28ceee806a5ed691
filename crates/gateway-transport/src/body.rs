//! The body of a response. It holds the lease, and for HTTP/1 it is what drives the connection.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::{
    conn::Conn,
    error::BodyError,
    fault::{classify, io_kind, is_malformed},
    generation::Killed,
    h1::H1,
    lease::{Lease, LeaseInfo},
};

/// The body of a response, as it comes from the origin.
///
/// # Drop behavior
/// After its end the connection is in the pool again. Dropped before its end, an HTTP/1 connection is closed and an
/// HTTP/2 stream is reset: the origin learns at once that nobody reads.
pub struct ResponseBody {
    incoming: Incoming,
    holding: Option<Holding>,
    info: LeaseInfo,
}

/// What a running exchange holds.
struct Holding {
    lease: Lease,
    /// `None` for HTTP/2, which drives itself.
    conn: Option<Box<H1>>,
}

impl ResponseBody {
    pub(crate) fn new(
        incoming: Incoming,
        lease: Lease,
        conn: Option<Box<H1>>,
        info: LeaseInfo,
    ) -> Self {
        let mut body = Self {
            incoming,
            holding: Some(Holding { lease, conn }),
            info,
        };
        body.end_if_complete();
        body
    }

    /// The connection that serves this exchange.
    pub const fn lease(&self) -> &LeaseInfo {
        &self.info
    }

    /// The last byte may have been delivered with more polls to come: let the connection go as soon as that is known.
    fn end_if_complete(&mut self) {
        if self.incoming.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        let Some(Holding { lease, conn }) = self.holding.take() else {
            return;
        };
        if let Some(mut conn) = conn
            && conn.settle()
        {
            lease.give_back(Conn::H1(conn));
        }
    }

    fn fail(&mut self, error: hyper::Error) -> BodyError {
        let Some(holding) = self.holding.take() else {
            return describe(error);
        };
        match holding.lease.generation.killed() {
            Some(killed) => self.killed(killed),
            None => {
                holding.lease.failed(&error);
                describe(error)
            }
        }
    }

    fn killed(&self, killed: Killed) -> BodyError {
        match killed.by() {
            Some(by) => BodyError::Killed {
                by,
                lease_age: self.info.age(),
            },
            None => BodyError::Truncated(None),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Some(holding) = &mut this.holding else {
            // The end was seen; what is left in `incoming` is at most the end itself.
            return Pin::new(&mut this.incoming)
                .poll_frame(cx)
                .map(|f| f.map(|f| f.map_err(describe)));
        };
        let polled = match &mut holding.conn {
            None => Pin::new(&mut this.incoming).poll_frame(cx),
            Some(conn) => match conn.poll_body(&mut this.incoming, cx) {
                Poll::Pending if conn.poll_killed(&holding.lease, cx).is_ready() => {
                    let killed = holding.lease.generation.killed();
                    this.holding = None;
                    return Poll::Ready(killed.map(|killed| Err(this.killed(killed))));
                }
                polled => polled,
            },
        };
        match ready!(polled) {
            Some(Ok(frame)) => {
                this.end_if_complete();
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(this.fail(error)))),
            None => {
                this.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("lease", &self.info)
            .finish_non_exhaustive()
    }
}

/// What hyper's error means for the reader of a body.
fn describe(error: hyper::Error) -> BodyError {
    if let Some(fault) = classify(&error) {
        return BodyError::Http2 {
            code: fault.code,
            source: Arc::new(error),
        };
    }
    match io_kind(&error) {
        Some(io::ErrorKind::UnexpectedEof) => BodyError::Truncated(Some(Arc::new(error))),
        kind if is_malformed(kind) => BodyError::Malformed(Arc::new(error)),
        None if error.is_incomplete_message() => BodyError::Truncated(Some(Arc::new(error))),
        Some(_) | None => BodyError::Reset(Arc::new(error)),
    }
}
