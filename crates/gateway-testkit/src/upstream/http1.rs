//! Scripts over HTTP/1.1.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::Shared;
use super::record::{ExchangeEnd, OpenExchange, Recorded};
use crate::http1::{BodyReader, Decoded, Framing, Head, chunk, last_chunk};
use crate::script::{Events, Pace, ResponseHead, Script, Step};
use crate::wire::{Gone, Wire};

/// Serves requests, one after the other, until one side closes.
pub(super) async fn serve(mut wire: Wire, shared: std::sync::Arc<Shared>, connection: u64) {
    let certificate = wire.io.peer_certificate();
    while let Some(head) = read_head(&mut wire).await {
        let mut request = recorded(&head, connection);
        request.client_certificate.clone_from(&certificate);
        let mut exchange = shared.log.begin(request);
        let early = shared
            .config
            .early
            .as_ref()
            .and_then(|early| early(&exchange.request));
        let script = match early {
            Some(script) => {
                wire.reading = false;
                script
            }
            None => match read_body(&mut wire, &head).await {
                Some(body) => {
                    exchange.body(body);
                    shared.handle(&exchange.request)
                }
                None => return exchange.end(ExchangeEnd::PeerClosed),
            },
        };
        let mut run = Run {
            wire,
            answer: Answer::Nothing,
            sent: 0,
            exchange: &exchange,
        };
        let (end, closing) = run.script(script).await;
        let (
            Run {
                wire: used, sent, ..
            },
            closing,
        ) = (run, closing);
        exchange.sent(sent);
        wire = used;
        let unread = !wire.reading;
        match closing {
            Closing::KeepAlive if !unread => exchange.end(end),
            Closing::KeepAlive | Closing::Fin => {
                exchange.end(end);
                return wire.close().await;
            }
            Closing::Abrupt => {
                exchange.end(end);
                return wire.close_abruptly().await;
            }
            Closing::Reset => {
                wire.reset();
                return exchange.end(end);
            }
        }
    }
}

struct Run<'a> {
    wire: Wire,
    answer: Answer,
    sent: u64,
    exchange: &'a OpenExchange,
}

/// How far the answer has come.
enum Answer {
    Nothing,
    Body(Framing),
    Ended { close: bool },
}

enum Closing {
    KeepAlive,
    Fin,
    Abrupt,
    Reset,
}

/// Why a script stops before its last step.
enum Halt {
    Gone(Gone),
    Cut(Closing),
    Bad(&'static str),
}

impl From<Gone> for Halt {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

impl Run<'_> {
    async fn script(&mut self, script: Script) -> (ExchangeEnd, Closing) {
        for step in script.into_steps() {
            match self.step(step).await {
                Ok(()) => self.exchange.sent(self.sent),
                Err(Halt::Gone(Gone::Closed)) => return (ExchangeEnd::PeerClosed, Closing::Fin),
                Err(Halt::Gone(Gone::Reset)) => return (ExchangeEnd::PeerReset, Closing::Reset),
                Err(Halt::Cut(closing)) => {
                    let end = match self.answer {
                        Answer::Ended { .. } => ExchangeEnd::Answered,
                        Answer::Nothing | Answer::Body(_) => ExchangeEnd::Cut,
                    };
                    return (end, closing);
                }
                Err(Halt::Bad(why)) => {
                    return (ExchangeEnd::BadScript(why.to_owned()), Closing::Reset);
                }
            }
        }
        match self.answer {
            Answer::Ended { close: false } => (ExchangeEnd::Answered, Closing::KeepAlive),
            Answer::Ended { close: true } => (ExchangeEnd::Answered, Closing::Fin),
            Answer::Nothing | Answer::Body(_) => (ExchangeEnd::Cut, Closing::Fin),
        }
    }

    async fn step(&mut self, step: Step) -> Result<(), Halt> {
        match step {
            Step::Head(head) => self.head(head).await?,
            Step::Interim(status, headers) => {
                let head = ResponseHead {
                    status,
                    headers,
                    framing: Framing::None,
                };
                self.raw(head.to_http1()).await?;
            }
            Step::Bytes(bytes) => self.body(&bytes).await?,
            Step::Events(events) => self.events(events).await?,
            Step::Trickle { bytes, size, pause } => {
                for piece in bytes.chunks(size) {
                    self.body(piece).await?;
                    self.sleep(pause).await?;
                }
            }
            Step::Flood(bytes) => loop {
                self.body(&bytes).await?;
                self.exchange.sent(self.sent);
            },
            Step::Raw(bytes) => self.raw(bytes).await?,
            Step::RawTrickle { bytes, size, pause } => {
                for piece in bytes.chunks(size) {
                    self.raw(Bytes::copy_from_slice(piece)).await?;
                    self.sleep(pause).await?;
                }
            }
            Step::RawFlood(bytes) => loop {
                self.raw(bytes.clone()).await?;
                self.exchange.sent(self.sent);
            },
            Step::End(trailers) => self.end(&trailers).await?,
            Step::Sleep(time) => self.sleep(time).await?,
            Step::Wait(gate) => self.wire.until_gone(gate.opened()).await?,
            Step::Open(gate) => gate.open(),
            Step::NextInput => self.wire.next_input().await?,
            Step::StopReading => self.wire.reading = false,
            Step::Stall => return Err(Halt::Gone(self.wire.gone().await)),
            Step::Close => return Err(Halt::Cut(Closing::Fin)),
            Step::CloseAbruptly => return Err(Halt::Cut(Closing::Abrupt)),
            Step::Reset => return Err(Halt::Cut(Closing::Reset)),
            Step::ResetStream(_) | Step::Frame(_) => {
                return Err(Halt::Bad("an HTTP/2 step in an HTTP/1 exchange"));
            }
        }
        Ok(())
    }

    async fn head(&mut self, head: ResponseHead) -> Result<(), Halt> {
        self.answer = Answer::Body(head.framing);
        self.raw(head.to_http1()).await
    }

    async fn body(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        let bytes = match self.answer {
            Answer::Body(Framing::Chunked) => chunk(bytes),
            _ => Bytes::copy_from_slice(bytes),
        };
        self.raw(bytes).await
    }

    async fn events(&mut self, events: Events) -> Result<(), Halt> {
        let Events { mut next, pace } = events;
        let Pace { every, burst } = pace;
        let mut due = Instant::now();
        loop {
            let mut joined = BytesMut::new();
            for _ in 0..burst.max(1) {
                match next() {
                    None if joined.is_empty() => return Ok(()),
                    None => break,
                    Some(event) => joined.extend_from_slice(&event),
                }
            }
            self.body(&joined).await?;
            self.exchange.sent(self.sent);
            if !every.is_zero() {
                due += every;
                self.wire.until_gone(tokio::time::sleep_until(due)).await?;
            }
        }
    }

    async fn end(&mut self, trailers: &[crate::http1::Header]) -> Result<(), Halt> {
        let framing = match self.answer {
            Answer::Body(framing) => framing,
            Answer::Nothing => return Err(Halt::Bad("an end without a head")),
            Answer::Ended { .. } => return Err(Halt::Bad("a second end")),
        };
        if framing == Framing::Chunked {
            self.raw(last_chunk(trailers)).await?;
        }
        self.answer = Answer::Ended {
            close: framing == Framing::Close,
        };
        Ok(())
    }

    async fn raw(&mut self, bytes: Bytes) -> Result<(), Halt> {
        Ok(self.wire.write(bytes, &mut self.sent).await?)
    }

    async fn sleep(&mut self, time: Duration) -> Result<(), Halt> {
        if time.is_zero() {
            return Ok(());
        }
        Ok(self.wire.until_gone(tokio::time::sleep(time)).await?)
    }
}

async fn read_head(wire: &mut Wire) -> Option<Head> {
    loop {
        match Head::take(&mut wire.input) {
            Ok(Some(head)) => return Some(head),
            Ok(None) => {}
            Err(_) => return None,
        }
        match wire.fill().await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

async fn read_body(wire: &mut Wire, head: &Head) -> Option<Bytes> {
    let framing = head.framing(Framing::None).ok()?;
    let expects = head.header("expect").is_some();
    if expects && framing != Framing::None {
        let go_on = Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n");
        wire.write(go_on, &mut 0).await.ok()?;
    }
    let mut reader = BodyReader::new(framing);
    let mut body = BytesMut::new();
    loop {
        match reader.decode(&mut wire.input).ok()? {
            Decoded::Data(data) => body.extend_from_slice(&data),
            Decoded::End(_) => return Some(body.freeze()),
            Decoded::NeedMore => match wire.fill().await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            },
        }
    }
}

fn recorded(head: &Head, connection: u64) -> Recorded {
    let mut start = head.start.split(' ');
    let mut word = || start.next().unwrap_or_default().to_owned();
    Recorded {
        id: 0,
        connection,
        stream: None,
        method: word(),
        target: word(),
        headers: head.headers.clone(),
        body: Bytes::new(),
        at: Instant::now(),
        client_certificate: None,
    }
}
