//! One exchange: get a connection, send, wait for the head, and repeat only what was never sent.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

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
    h1::{Answer, NoHead},
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
    let mut repeats = 0;
    loop {
        let (lease, conn, info) = check_out(origin, shard, options).await?;
        let error = match exchange(lease, conn, info, &mut request, options).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let unsent = error.delivery == Delivery::NotSent;
        if !unsent || !error.reused || repeats == MAX_REPEATS {
            return Err(*error);
        }
        repeats += 1;
        origin.metrics.repeated();
    }
}

/// Takes the request; it is back if the error says that it was not sent. By reference, for a future has room for each
/// of its arguments twice, and these lie in one another.
async fn exchange(
    lease: Lease,
    conn: Conn,
    info: LeaseInfo,
    request: &mut Request<Full<Bytes>>,
    options: &SendOptions,
) -> Result<Response<ResponseBody>, Box<SendError>> {
    let origin = lease.origin();
    origin.metrics.requested(info.reused);
    let (answer, conn) = match conn {
        Conn::H1(mut h1) => {
            for_http1(request, origin);
            let answer = {
                let answer = pin!(h1.exchange(request, &lease));
                limited(options.head_timeout, answer).await
            };
            (answer, Some(h1))
        }
        Conn::H2(h2) => {
            for_http2(request, origin);
            let answer = pin!(h2.exchange(request));
            (limited(options.head_timeout, answer).await, None)
        }
    };
    if answer.is_ok() {
        lease.answered();
    }
    match answer.and_then(refuse_switch) {
        Ok(response) => Ok(response.map(|incoming| ResponseBody::new(incoming, lease, conn, info))),
        Err(no_head) => Err(Box::new(failed(no_head, request, &lease, &info))),
    }
}

async fn limited(
    limit: Option<Duration>,
    answer: Pin<&mut impl Future<Output = Answer>>,
) -> Answer {
    match limit {
        Some(limit) => timeout(limit, answer)
            .await
            .unwrap_or(Err(NoHead::TimedOut)),
        None => answer.await,
    }
}

/// Nobody asks for another protocol: what follows such a head cannot be trusted, and its connection is dropped.
fn refuse_switch(response: Response<Incoming>) -> Answer {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(NoHead::Switched);
    }
    Ok(response)
}

/// What is told about an exchange that had a connection, but got no head.
fn failed(
    no_head: NoHead,
    request: &mut Request<Full<Bytes>>,
    lease: &Lease,
    info: &LeaseInfo,
) -> SendError {
    let mut error = SendError {
        delivery: Delivery::Unknown,
        phase: Phase::Head,
        reused: info.reused,
        held: info.age(),
        origin: Arc::clone(&info.origin),
        generation: info.generation,
        timer: None,
        killed: None,
        source: None,
    };
    let because = |reason: &str| -> Option<Cause> { Some(Arc::from(Box::from(reason))) };
    let killed = lease.generation.killed();
    match no_head {
        NoHead::TimedOut => {
            error.timer = Some(Timer::Head);
            lease.retire_connection();
        }
        NoHead::NoStreams => {
            error.delivery = Delivery::Refused;
            error.source = because("the origin takes no streams on this connection");
            lease.retire_connection();
        }
        NoHead::Switched => error.source = because("the origin switched protocols unasked"),
        NoHead::TooManyInterim => error.source = because("too many interim responses"),
        NoHead::Killed => error.killed = killed.and_then(Killed::by),
        NoHead::Failed(_) if killed.is_some() => error.killed = killed.and_then(Killed::by),
        NoHead::Failed(mut refused) => {
            let unsent = refused.take_message();
            let source = refused.into_error();
            lease.failed(&source);
            if let Some(unsent) = unsent {
                *request = unsent;
                (error.delivery, error.phase) = (Delivery::NotSent, Phase::Send);
            } else if classify(&source).is_some_and(|fault| fault.refused) {
                error.delivery = Delivery::Refused;
            }
            error.source = Some(Arc::new(source));
        }
    }
    error
}

/// Repeats of a request that a reused connection did not take.
const MAX_REPEATS: usize = 2;
