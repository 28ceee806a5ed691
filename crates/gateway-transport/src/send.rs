//! One exchange: get a connection, send, wait for the head, and repeat only what was never sent.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::{
    body::ResponseBody,
    checkout::check_out,
    conn::Conn,
    error::{Cause, Delivery, Phase, SendError, Timer},
    fault::classify,
    generation::Killed,
    h1::{Answer, H1},
    lease::{Lease, LeaseInfo},
    origin::OriginInner,
    request::{for_http1, for_http2},
};

/// Timers of one exchange. `None` means the transport's default, or no limit where it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// Longest wait for a connection that is being made.
    pub connect_timeout: Option<Duration>,
    /// Longest wait for a slot when the origin has all the connections it may have.
    pub pool_timeout: Option<Duration>,
    /// Longest time from having a connection to the end of the response head; without it there is no limit. When it
    /// fires, an HTTP/2 connection gets no new streams: it may be half dead.
    pub head_timeout: Option<Duration>,
}

/// Sends `request` on a connection of `shard`.
pub(crate) async fn send(
    origin: &Arc<OriginInner>,
    shard: usize,
    request: Request<Bytes>,
    options: &SendOptions,
) -> Result<Response<ResponseBody>, SendError> {
    let mut request = request.map(Full::new);
    for _ in 0..MAX_REPEATS {
        let (lease, conn, info) = check_out(origin, shard, options).await?;
        match exchange(lease, conn, info, request, options).await {
            Ok(response) => return Ok(response),
            Err(failed) => match failed.message {
                Some(message) if failed.error.reused => {
                    origin.metrics.repeated();
                    request = message;
                }
                _ => return Err(failed.error),
            },
        }
    }
    let (lease, conn, info) = check_out(origin, shard, options).await?;
    exchange(lease, conn, info, request, options)
        .await
        .map_err(|failed| failed.error)
}

/// A request without an answer, given back if it was never written.
struct Failed {
    message: Option<Request<Full<Bytes>>>,
    error: SendError,
}

async fn exchange(
    lease: Lease,
    conn: Conn,
    info: LeaseInfo,
    mut request: Request<Full<Bytes>>,
    options: &SendOptions,
) -> Result<Response<ResponseBody>, Box<Failed>> {
    let origin = lease.origin();
    origin.metrics.requested(info.reused);
    let (answer, conn) = match conn {
        Conn::H1(mut h1) => {
            for_http1(&mut request, origin);
            let answer = limited(options.head_timeout, h1.exchange(request, &lease)).await;
            (answer, Some(h1))
        }
        Conn::H2(h2) => {
            for_http2(&mut request, origin);
            let answer = limited(options.head_timeout, h2.exchange(request)).await;
            (answer.map(Some), None)
        }
    };
    let failure = Failure {
        lease: &lease,
        info: &info,
    };
    match answer {
        Some(Some(Ok(response))) => accept(response, lease, conn, info),
        Some(Some(Err(refused))) => Err(failure.of(Err(refused))),
        Some(None) => Err(failure.killed()),
        None => {
            lease.retire_connection();
            Err(failure.timed_out())
        }
    }
}

fn accept(
    response: Response<Incoming>,
    lease: Lease,
    conn: Option<Box<H1>>,
    info: LeaseInfo,
) -> Result<Response<ResponseBody>, Box<Failed>> {
    lease.answered();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for another protocol: what follows cannot be trusted, the connection is dropped.
        let mut failed = Failure {
            lease: &lease,
            info: &info,
        }
        .killed();
        failed.error.killed = None;
        failed.error.source = Some(Arc::from(Box::from(
            "the origin switched protocols unasked",
        )));
        return Err(failed);
    }
    Ok(response.map(|incoming| ResponseBody::new(incoming, lease, conn, info)))
}

/// Makes errors of an exchange that had a connection.
struct Failure<'a> {
    lease: &'a Lease,
    info: &'a LeaseInfo,
}

impl Failure<'_> {
    fn of(&self, answer: Answer) -> Box<Failed> {
        let Err(mut refused) = answer else {
            return self.killed();
        };
        let message = refused.take_message();
        let source = refused.into_error();
        let fault = classify(&source);
        if self.lease.generation.killed().is_some() {
            return self.killed();
        }
        self.lease.failed(&source);
        let delivery = match fault {
            _ if message.is_some() => Delivery::NotSent,
            Some(fault) if fault.refused => Delivery::Refused,
            _ => Delivery::Unknown,
        };
        let phase = if message.is_some() {
            Phase::Send
        } else {
            Phase::Head
        };
        Box::new(Failed {
            message,
            error: self.error(delivery, phase, Some(Arc::new(source))),
        })
    }

    fn killed(&self) -> Box<Failed> {
        let mut error = self.error(Delivery::Unknown, Phase::Head, None);
        error.killed = self.lease.generation.killed().and_then(Killed::by);
        Box::new(Failed {
            message: None,
            error,
        })
    }

    fn timed_out(&self) -> Box<Failed> {
        let mut error = self.error(Delivery::Unknown, Phase::Head, None);
        error.timer = Some(Timer::Head);
        Box::new(Failed {
            message: None,
            error,
        })
    }

    fn error(&self, delivery: Delivery, phase: Phase, source: Option<Cause>) -> SendError {
        SendError {
            delivery,
            phase,
            reused: self.info.reused,
            origin: Arc::clone(&self.info.origin),
            generation: self.info.generation,
            timer: None,
            killed: None,
            source,
        }
    }
}

async fn limited<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

/// Repeats of a request that a reused connection did not take.
const MAX_REPEATS: usize = 2;
