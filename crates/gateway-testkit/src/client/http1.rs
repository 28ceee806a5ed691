//! The HTTP/1.1 client.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::sse::{SseEvent, SseReader};
use super::{BodyEnd, ClientView, Request};
use crate::http1::{BodyReader, Decoded, Framing, Head, Header};
use crate::wire::{Gone, Io, Wire};

/// One connection. Dropping it closes the socket (RST if input is unread, as the kernel does it).
#[derive(Debug)]
pub struct Http1Client {
    wire: Wire,
    deadline: Duration,
    limit: usize,
    body: BodyReader,
    without: Framing,
    trailers: Vec<Header>,
    sse: SseReader,
    events: std::collections::VecDeque<SseEvent>,
}

/// How to connect.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// TLS with this configuration, for this server name.
    pub tls: Option<(Arc<ClientConfig>, String)>,
    /// Size of the receive buffer in bytes, for slow readers; the kernel doubles and clamps it.
    pub receive_buffer: Option<u32>,
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub struct ClientHead {
    /// Status.
    pub status: u16,
    /// Headers in wire order.
    pub headers: Vec<Header>,
    /// Statuses of informational responses before it.
    pub interim: Vec<u16>,
}

impl Http1Client {
    /// Connects over plain TCP.
    ///
    /// # Panics
    /// If that fails.
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, ConnectOptions::default())
            .await
            .unwrap_or_else(|error| panic!("cannot connect to {addr}: {error}"))
    }

    /// Connects over TLS, to `localhost`.
    ///
    /// # Panics
    /// If that fails.
    pub async fn connect_tls(addr: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        let options = ConnectOptions {
            tls: Some((tls, "localhost".to_owned())),
            receive_buffer: None,
        };
        Self::connect_with(addr, options)
            .await
            .unwrap_or_else(|error| panic!("cannot connect to {addr} over TLS: {error}"))
    }

    /// Connects in any way.
    ///
    /// # Errors
    /// What went wrong with TCP or TLS; `TimedOut` after 10 s.
    pub async fn connect_with(addr: SocketAddr, options: ConnectOptions) -> io::Result<Self> {
        let io = timeout(DEADLINE, connect(addr, options)).await??;
        Ok(Self::over(Wire::new(io)))
    }

    fn over(wire: Wire) -> Self {
        Self {
            wire,
            deadline: DEADLINE,
            limit: LIMIT,
            body: BodyReader::new(Framing::None),
            without: Framing::Close,
            trailers: Vec::new(),
            sse: SseReader::default(),
            events: std::collections::VecDeque::new(),
        }
    }

    /// How long each single wait may take from now on.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// How many bytes of a head, and of a body in [`Self::view`], are read at most; then it is `Malformed`.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Our own address.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        let addr = self.wire.io.tcp().local_addr();
        addr.expect("a connected socket has an address")
    }

    /// Sends a request and reads its answer to the end.
    pub async fn call(&mut self, request: &Request) -> ClientView {
        if self.send(request).await.is_err() {
            // The answer may have come before the request was refused.
        }
        self.view().await
    }

    /// Sends a whole request.
    ///
    /// # Errors
    /// If the peer has gone meanwhile, or the deadline passed (`Reset`).
    pub async fn send(&mut self, request: &Request) -> Result<(), Gone> {
        self.without = request.default_framing(200);
        self.send_raw(request.to_http1()).await
    }

    /// Sends any bytes.
    ///
    /// # Errors
    /// If the peer has gone meanwhile, or the deadline passed (`Reset`).
    pub async fn send_raw(&mut self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        // Not `Wire::write`: that one gives up when the peer closes its side, which a client must not.
        let bytes = bytes.into();
        let write = async {
            self.wire.io.write_all(&bytes).await?;
            self.wire.io.flush().await
        };
        match timeout(self.deadline, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone::Reset),
        }
    }

    /// Reads the answer's head and then its body to the end.
    pub async fn view(&mut self) -> ClientView {
        let head = match self.head().await {
            Ok(head) => head,
            Err(end) => return ClientView::no_head(end),
        };
        let mut body = BytesMut::new();
        let end = loop {
            if body.len() > self.limit {
                break BodyEnd::Malformed("a body above the limit".to_owned());
            }
            match self.chunk().await {
                Ok(Some(data)) => body.extend_from_slice(&data),
                Ok(None) => break BodyEnd::Clean,

                Err(end) => break end,
            }
        };
        let mut view = ClientView::no_head(end);
        view.status = head.status;
        view.headers = head.headers;
        view.interim = head.interim;
        view.trailers = std::mem::take(&mut self.trailers);
        view.with_body(body.freeze())
    }

    /// Reads the head of the next answer; informational responses are noted and skipped.
    ///
    /// # Errors
    /// How the connection ended before.
    pub async fn head(&mut self) -> Result<ClientHead, BodyEnd> {
        let until = Instant::now() + self.deadline;
        let mut interim = Vec::new();
        loop {
            let head = match Head::take(&mut self.wire.input) {
                Ok(Some(head)) => head,
                Ok(None) if self.wire.input.len() > self.limit => {
                    return Err(BodyEnd::Malformed("a head above the limit".to_owned()));
                }
                Ok(None) => {
                    self.read(until).await?;
                    continue;
                }
                Err(error) => return Err(BodyEnd::Malformed(error.0)),
            };
            let status = head.start.split(' ').nth(1).unwrap_or_default();
            let Ok(status) = status.parse::<u16>() else {
                return Err(BodyEnd::Malformed(head.start));
            };
            if (100..200).contains(&status) && status != 101 {
                interim.push(status);
                continue;
            }
            let without = match status {
                204 | 304 => Framing::None,
                _ => self.without,
            };
            let framing = head
                .framing(without)
                .map_err(|error| BodyEnd::Malformed(error.0))?;
            let framing = if without == Framing::None {
                without
            } else {
                framing
            };
            self.body = BodyReader::new(framing);
            self.sse = SseReader::default();
            self.events.clear();
            return Ok(ClientHead {
                status,
                headers: head.headers,
                interim,
            });
        }
    }

    /// Reads the next piece of the body as it came; `None` is its clean end.
    ///
    /// # Errors
    /// How it ended otherwise.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyEnd> {
        let until = Instant::now() + self.deadline;
        loop {
            match self.body.decode(&mut self.wire.input) {
                Ok(Decoded::Data(data)) => return Ok(Some(data)),
                Ok(Decoded::End(trailers)) => {
                    if !trailers.is_empty() {
                        self.trailers = trailers;
                    }
                    return Ok(None);
                }
                Ok(Decoded::NeedMore) => match self.read(until).await {
                    Ok(()) => {}
                    Err(BodyEnd::Eof) if self.body.may_end_here() => return Ok(None),
                    Err(end) => return Err(end),
                },
                Err(error) => return Err(BodyEnd::Malformed(error.0)),
            }
        }
    }

    /// Reads the next event of the body; `None` is its clean end.
    ///
    /// # Errors
    /// How it ended otherwise.
    pub async fn event(&mut self) -> Result<Option<SseEvent>, BodyEnd> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.chunk().await? {
                Some(data) => self.events.extend(self.sse.push(&data)),
                None => return Ok(None),
            }
        }
    }

    /// Reads `size` bytes at most from the socket, once; for slow readers. 0 is the end.
    ///
    /// # Errors
    /// How the connection ended.
    pub async fn read_some(&mut self, size: usize) -> Result<usize, BodyEnd> {
        use tokio::io::AsyncReadExt;
        let mut space = vec![0; size];
        match timeout(self.deadline, self.wire.io.read(&mut space)).await {
            Ok(Ok(n)) => {
                self.wire.input.extend_from_slice(&space[..n]);
                Ok(n)
            }
            Ok(Err(error)) => Err(ended(&error)),
            Err(_) => Err(BodyEnd::Deadline),
        }
    }

    /// Waits until the peer closes or resets; what it sends before is dropped.
    ///
    /// # Errors
    /// `Deadline`.
    pub async fn closed(&mut self) -> Result<Gone, BodyEnd> {
        let until = Instant::now() + self.deadline;
        loop {
            self.wire.input.clear();
            match self.read(until).await {
                Ok(()) => {}
                Err(BodyEnd::Eof) => return Ok(Gone::Closed),
                Err(BodyEnd::Deadline) => return Err(BodyEnd::Deadline),
                Err(_) => return Ok(Gone::Reset),
            }
        }
    }

    /// Closes our sending direction only.
    pub async fn half_close(&mut self) {
        self.wire.io.shutdown().await.ok();
    }

    /// Closes with FIN, after what the peer sent meanwhile was read and dropped.
    pub async fn close(self) {
        self.wire.close().await;
    }

    /// Closes with RST.
    pub fn reset(self) {
        self.wire.reset();
    }

    async fn read(&mut self, until: Instant) -> Result<(), BodyEnd> {
        match timeout_at(until, self.wire.fill()).await {
            Ok(Ok(0)) => Err(BodyEnd::Eof),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(ended(&error)),
            Err(_) => Err(BodyEnd::Deadline),
        }
    }
}

pub(super) async fn connect(addr: SocketAddr, options: ConnectOptions) -> io::Result<Io> {
    let socket = if addr.is_ipv4() {
        tokio::net::TcpSocket::new_v4()?
    } else {
        tokio::net::TcpSocket::new_v6()?
    };
    if let Some(size) = options.receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    let tcp: TcpStream = socket.connect(addr).await?;
    tcp.set_nodelay(true)?;
    let Some((config, name)) = options.tls else {
        return Ok(tcp.into());
    };
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    let tls = TlsConnector::from(config).connect(name, tcp).await?;
    Ok(Box::new(tls).into())
}

fn ended(error: &io::Error) -> BodyEnd {
    match error.kind() {
        // Over TLS: closed without `close_notify`. Never clean, not even for a close-delimited body.
        io::ErrorKind::UnexpectedEof => BodyEnd::Malformed("no close_notify".to_owned()),
        _ => BodyEnd::Reset,
    }
}

pub(super) const LIMIT: usize = 64 << 20;
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
