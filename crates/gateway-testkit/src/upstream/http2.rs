//! Scripts over HTTP/2, on the `h2` crate with a tap underneath.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderValue, Request};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shared;
use super::record::{ExchangeEnd, OpenExchange};
use super::tap::{Tap, TapState};
use crate::http1::{Framing, Header};
use crate::script::{Events, Frame, ResponseHead, Script, Step};
use crate::wire::Wire;

mod head;

use head::{header_map, recorded, response};

/// Serves one connection; its streams are tasks of `tasks` and end with it.
pub(super) async fn serve(wire: Wire, shared: Arc<Shared>, connection: u64, tasks: TaskTracker) {
    let reset = wire.io.reset_switch();
    let certificate = wire.io.peer_certificate();
    let (tap, taps) = Tap::new(wire);
    let settings = shared.config.http2;
    let mut builder = Builder::new();
    if let Some(max) = settings.max_concurrent_streams {
        builder.max_concurrent_streams(max);
    }
    if let Some(window) = settings.initial_window {
        builder.initial_window_size(window);
    }
    let Ok(server) = builder.handshake::<_, Bytes>(tap).await else {
        return;
    };
    let link = Link {
        shared,
        connection,
        certificate,
        taps: taps.clone(),
        cut: CancellationToken::new(),
        closed: CancellationToken::new(),
        reset,
    };
    // Declared before the connection is dropped, so cancelled after: no stream outlives its connection.
    let _closed = link.closed.clone().drop_guard();
    let mut server = server;
    loop {
        let accepted = tokio::select! {
            accepted = server.accept() => accepted,
            () = taps.injected.notified() => continue,
            () = link.cut.cancelled() => return,
        };
        match accepted {
            Some(Ok((request, respond))) => {
                let stream = stream(link.clone(), request, respond);
                tasks.spawn(stream);
            }
            // The error was said to the peer already, or there is no peer.
            Some(Err(_)) | None => return,
        }
    }
}

/// What a stream knows of its connection.
#[derive(Clone)]
struct Link {
    shared: Arc<Shared>,
    connection: u64,
    certificate: Option<Bytes>,
    taps: Arc<TapState>,
    /// Ends the connection.
    cut: CancellationToken,
    /// The connection has ended.
    closed: CancellationToken,
    /// Makes that end an RST.
    reset: Arc<AtomicBool>,
}

struct Run<'a> {
    link: &'a Link,
    stream: u32,
    respond: SendResponse<Bytes>,
    body: Option<SendStream<Bytes>>,
    ended: bool,
    sent: u64,
    exchange: &'a OpenExchange,
}

enum Halt {
    /// The client reset the stream with this code, or the connection is gone.
    Gone(Option<Reason>),
    Cut,
    Bad(&'static str),
}

impl From<h2::Error> for Halt {
    fn from(error: h2::Error) -> Self {
        Self::Gone(if error.is_remote() && error.is_reset() {
            error.reason()
        } else {
            None
        })
    }
}

async fn stream(link: Link, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
    let id = respond.stream_id().as_u32();
    let (parts, incoming) = request.into_parts();
    let mut request = recorded(&parts, link.connection, id);
    request.client_certificate.clone_from(&link.certificate);
    let mut exchange = link.shared.log.begin(request);
    let early = link.shared.config.early.as_ref();
    let early = early.and_then(|early| early(&exchange.request));
    link.taps.watch(id);
    // Held to the end: dropping it would tell the library to reset the stream.
    let mut incoming = incoming;
    let script = match early {
        Some(script) => Some(script),
        None if !link.shared.config.http2.read_bodies => {
            Some(link.shared.handle(&exchange.request))
        }
        None => match read_body(&mut incoming).await {
            Ok(body) => {
                exchange.body(body);
                Some(link.shared.handle(&exchange.request))
            }
            Err(_) => None,
        },
    };
    let end = match script {
        None => ExchangeEnd::PeerReset,
        Some(script) => {
            let mut run = Run {
                link: &link,
                stream: id,
                respond,
                body: None,
                ended: false,
                sent: 0,
                exchange: &exchange,
            };
            tokio::select! {
                // In this order: what the script says about a cut is truer than that there was one.
                biased;
                end = run.script(script) => end,
                () = link.closed.cancelled() => ExchangeEnd::Stopped,
            }
        }
    };
    link.taps.forget(id);
    exchange.end(end);
}

impl Run<'_> {
    async fn script(&mut self, script: Script) -> ExchangeEnd {
        for step in script.into_steps() {
            match self.step(step).await {
                Ok(()) => self.exchange.sent(self.sent),
                Err(Halt::Gone(Some(reason))) => return ExchangeEnd::StreamReset(reason.into()),
                Err(Halt::Gone(None)) => return ExchangeEnd::PeerClosed,
                Err(Halt::Cut) if self.ended => return ExchangeEnd::Answered,
                Err(Halt::Cut) => return ExchangeEnd::Cut,
                Err(Halt::Bad(why)) => {
                    self.respond.send_reset(Reason::INTERNAL_ERROR);
                    return ExchangeEnd::BadScript(why.to_owned());
                }
            }
        }
        if self.ended {
            return ExchangeEnd::Answered;
        }
        self.cut_connection(false).await;
        ExchangeEnd::Cut
    }

    async fn step(&mut self, step: Step) -> Result<(), Halt> {
        match step {
            Step::Head(head) => self.head(&head)?,
            Step::Interim(status, headers) => self.interim(status, &headers)?,
            Step::Bytes(bytes) => self.data(bytes).await?,
            Step::Events(events) => self.events(events).await?,
            Step::Trickle { bytes, size, pause } => {
                for piece in bytes.chunks(size) {
                    self.data(Bytes::copy_from_slice(piece)).await?;
                    self.pause(tokio::time::sleep(pause)).await?;
                }
            }
            Step::Flood(bytes) => loop {
                self.data(bytes.clone()).await?;
                self.exchange.sent(self.sent);
            },
            Step::Raw(bytes) => self.link.taps.inject(bytes),
            Step::Frame(frame) => {
                self.flushed().await;
                if matches!(frame, Frame::Settings(_)) {
                    self.link.taps.swallow_acknowledgment();
                }
                self.link.taps.inject(frame.to_bytes(self.stream));
            }
            Step::End(trailers) => self.end(&trailers)?,
            Step::Sleep(time) => self.pause(tokio::time::sleep(time)).await?,
            Step::Wait(gate) => self.pause(gate.opened()).await?,
            Step::Open(gate) => gate.open(),
            Step::Stall => {
                self.pause(std::future::pending::<()>()).await?;
            }
            Step::Close | Step::CloseAbruptly => {
                self.cut_connection(false).await;
                return Err(Halt::Cut);
            }
            Step::Reset => {
                self.cut_connection(true).await;
                return Err(Halt::Cut);
            }
            Step::ResetStream(code) => {
                self.flushed().await;
                self.respond.send_reset(Reason::from(code));
                return Err(Halt::Cut);
            }
            Step::NextInput | Step::StopReading | Step::RawTrickle { .. } | Step::RawFlood(_) => {
                return Err(Halt::Bad("an HTTP/1 step in an HTTP/2 exchange"));
            }
        }
        Ok(())
    }

    fn head(&mut self, head: &ResponseHead) -> Result<(), Halt> {
        let mut response = response(head.status, &head.headers).ok_or(NO_SUCH_STATUS)?;
        if let Framing::Length(n) = head.framing {
            response
                .headers_mut()
                .insert(http::header::CONTENT_LENGTH, HeaderValue::from(n));
        }
        self.body = Some(self.respond.send_response(response, false)?);
        Ok(())
    }

    fn interim(&mut self, status: u16, headers: &[Header]) -> Result<(), Halt> {
        let response = response(status, headers).ok_or(NO_SUCH_STATUS)?;
        Ok(self.respond.send_informational(response)?)
    }

    async fn data(&mut self, mut bytes: Bytes) -> Result<(), Halt> {
        let Some(body) = &mut self.body else {
            return Err(Halt::Bad("body bytes without a head"));
        };
        while !bytes.is_empty() {
            body.reserve_capacity(bytes.len());
            let capacity = poll_fn(|cx| {
                if let Poll::Ready(reason) = body.poll_reset(cx) {
                    return Poll::Ready(Err(gone(reason)));
                }
                match body.poll_capacity(cx) {
                    Poll::Ready(Some(Ok(n))) => Poll::Ready(Ok(n)),
                    Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error.into())),
                    Poll::Ready(None) => Poll::Ready(Err(Halt::Gone(None))),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await?;
            let piece = bytes.split_to(capacity.min(bytes.len()));
            self.sent += piece.len() as u64;
            body.send_data(piece, false)?;
        }
        Ok(())
    }

    async fn events(&mut self, events: Events) -> Result<(), Halt> {
        let Events { mut next, pace } = events;
        let mut due = Instant::now();
        loop {
            let mut joined = BytesMut::new();
            for _ in 0..pace.burst.max(1) {
                match next() {
                    None if joined.is_empty() => return Ok(()),
                    None => break,
                    Some(event) => joined.extend_from_slice(&event),
                }
            }
            self.data(joined.freeze()).await?;
            self.exchange.sent(self.sent);
            if !pace.every.is_zero() {
                due += pace.every;
                self.pause(tokio::time::sleep_until(due)).await?;
            }
        }
    }

    fn end(&mut self, trailers: &[Header]) -> Result<(), Halt> {
        let Some(body) = &mut self.body else {
            return Err(Halt::Bad("an end without a head"));
        };
        if trailers.is_empty() {
            body.send_data(Bytes::new(), true)?;
        } else {
            body.send_trailers(header_map(trailers))?;
        }
        self.ended = true;
        Ok(())
    }

    /// Does `work` unless the client resets the stream first.
    async fn pause<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Halt> {
        let reset = poll_fn(|cx| match &mut self.body {
            Some(body) => body.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        });
        tokio::select! {
            done = work => Ok(done),
            reason = reset => Err(gone(reason)),
        }
    }

    /// Waits until everything that was sent is on the wire, for a while: the client may not let it through.
    async fn flushed(&self) {
        let data = self.link.taps.data_reaches(self.stream, self.sent);
        tokio::time::timeout(FLUSH_LIMIT, data).await.ok();
        // The end of the stream and the head carry no DATA bytes: give the connection's task a turn for them.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    async fn cut_connection(&self, reset: bool) {
        self.flushed().await;
        self.link.reset.store(reset, Ordering::Release);
        self.link.cut.cancel();
        // Dropping the stream earlier would make the library reset it, and the client would see that instead.
        self.link.closed.cancelled().await;
    }
}

fn gone(reason: Result<Reason, h2::Error>) -> Halt {
    Halt::Gone(reason.ok())
}

async fn read_body(incoming: &mut RecvStream) -> Result<Bytes, h2::Error> {
    let mut body = BytesMut::new();
    while let Some(data) = incoming.data().await {
        let data = data?;
        incoming.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    Ok(body.freeze())
}

const NO_SUCH_STATUS: Halt = Halt::Bad("a status that HTTP/2 cannot say");
const FLUSH_LIMIT: Duration = Duration::from_secs(2);
