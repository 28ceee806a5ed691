//! A provider's answer, handed on as it comes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_core::{EndReason, TimerName};
use gateway_router::Timer;
use gateway_transport::{BodyError, ResponseBody};
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::Cut;
use crate::record::OpenRecord;
use crate::upstream::told_of_kill;

/// The body of such an answer. Dropped before its end, it gives the exchange up at once.
#[derive(Debug)]
pub(crate) struct ThroughBody {
    upstream: Option<ResponseBody>,
    call: (Instant, Timer),
    idle: Timer,
    last: Instant,
    alarm: Pin<Box<Sleep>>,
    record: OpenRecord,
}

impl ThroughBody {
    /// Hands `upstream` on, until the call's time is over or nothing has come for too long.
    pub(crate) fn new(
        upstream: ResponseBody,
        call: (Instant, Timer),
        idle: Timer,
        record: OpenRecord,
    ) -> Self {
        let last = Instant::now();
        let first = call.0.min(idle.from(last));
        Self {
            upstream: Some(upstream),
            call,
            idle,
            last,
            alarm: Box::pin(sleep_until(first)),
            record,
        }
    }

    /// The next piece for the client. See [`http_body::Body::poll_frame`].
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(None);
            };
            match Pin::new(upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    self.last = Instant::now();
                    self.record.content_arrived(self.last);
                    self.record.bytes += data.len() as u64;
                    self.look_for_the_end(cx);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Poll::Ready(Some(Err(error))) => {
                    let reason = match &error {
                        BodyError::Killed { by, .. } => told_of_kill(*by).0,
                        _ => EndReason::Truncated,
                    };
                    return self.cut(reason, error.to_string());
                }
                Poll::Ready(None) => {
                    self.upstream = None;
                    self.record.ends(EndReason::Complete);
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    std::task::ready!(self.alarm.as_mut().poll(cx));
                    if let Some(name) = self.expired() {
                        let reason = EndReason::Timer(name);
                        return self.cut(reason, format!("the `{}` timer expired", name.as_str()));
                    }
                }
            }
        }
    }

    /// hyper asks for nothing behind the length that the head declares, so the end has to be noticed with the last piece.
    fn look_for_the_end(&mut self, cx: &mut Context<'_>) {
        let ended = self.upstream.as_mut().is_some_and(|upstream| {
            upstream.is_end_stream() && Pin::new(upstream).poll_frame(cx).is_ready()
        });
        if ended {
            self.upstream = None;
            self.record.ends(EndReason::Complete);
        }
    }

    /// The timer that has expired; else the alarm is set for the next one.
    fn expired(&mut self) -> Option<TimerName> {
        let now = Instant::now();
        if now >= self.call.0 {
            return Some(TimerName::Call);
        }
        let idle = self.idle.from(self.last);
        if now >= idle {
            return Some(TimerName::Idle);
        }
        self.alarm.as_mut().reset(idle.min(self.call.0));
        None
    }

    /// The client must see that something is missing: nothing but the framing can tell.
    fn cut(
        &mut self,
        reason: EndReason,
        detail: String,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.upstream = None;
        self.record.error = Some(detail);
        self.record.ends(reason);
        Poll::Ready(Some(Err(Cut(reason))))
    }
}
