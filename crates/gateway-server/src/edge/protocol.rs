//! HTTP/1.1 or HTTP/2: which one a client speaks, and how each is served.
//!
//! A client without TLS may begin with HTTP/2's preface. It is peeked at in the kernel's buffer: reading it and giving
//! it back would cost every HTTP/1.1 connection a second read and a buffer of twice the size, for as long as it is open.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::connection::{ClientIo, ConnectionLimits, Front};
use super::stall::Streams;

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    /// What was agreed on in a TLS handshake; HTTP/1.1 if nothing was.
    pub(super) fn negotiated(alpn: Option<&[u8]>) -> Self {
        match alpn {
            Some(b"h2") => Self::Http2,
            _ => Self::Http1,
        }
    }

    /// Waits for the first bytes of a client without TLS. Dropping it loses nothing.
    ///
    /// # Errors
    /// What the system says of the socket.
    pub(super) async fn sniffed(tcp: &TcpStream) -> io::Result<Self> {
        let mut first = [0; PREFACE.len()];
        loop {
            let length = tcp.peek(&mut first).await?;
            let arrived = first.get(..length).unwrap_or_default();
            if arrived.is_empty() || !PREFACE.starts_with(arrived) {
                return Ok(Self::Http1);
            }
            if length == PREFACE.len() {
                return Ok(Self::Http2);
            }
            // Peeking again at once would find the same: the readiness stays while the bytes do.
            sleep(PEEK_AGAIN).await;
        }
    }
}

/// A client's connection while it is served.
pub(super) enum Connection {
    Http1(Box<http1::Connection<TokioIo<ClientIo>, Front>>),
    Http2(Box<http2::Connection<TokioIo<ClientIo>, Front, Streams>>),
}

impl Connection {
    pub(super) fn new(
        protocol: Protocol,
        io: ClientIo,
        service: Front,
        limits: &ConnectionLimits,
        tasks: TaskTracker,
    ) -> Self {
        let io = TokioIo::new(io);
        match protocol {
            Protocol::Http1 => Self::Http1(Box::new(
                http1::Builder::new()
                    // `drive` has a cheaper watch over idle and slow connections than a timer per request.
                    .header_read_timeout(None)
                    .max_buf_size(limits.head_bytes)
                    .timer(TokioTimer::new())
                    .serve_connection(io, service),
            )),
            Protocol::Http2 => Self::Http2(Box::new(
                http2::Builder::new(Streams {
                    tasks,
                    slow_client: limits.slow_client,
                })
                .max_concurrent_streams(limits.h2_streams)
                .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
                .initial_stream_window_size(H2_STREAM_WINDOW)
                .initial_connection_window_size(H2_CONNECTION_WINDOW)
                .max_send_buf_size(H2_SEND_BUFFER)
                .keep_alive_interval(Some(H2_PING))
                .timer(TokioTimer::new())
                .serve_connection(io, service),
            )),
        }
    }

    /// No new requests; what is in flight goes on.
    pub(super) fn graceful_shutdown(&mut self) {
        match self {
            Self::Http1(connection) => Pin::new(&mut **connection).graceful_shutdown(),
            Self::Http2(connection) => Pin::new(&mut **connection).graceful_shutdown(),
        }
    }
}

impl Future for Connection {
    type Output = hyper::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Http1(connection) => Pin::new(&mut **connection).poll(cx),
            Self::Http2(connection) => Pin::new(&mut **connection).poll(cx),
        }
    }
}

/// What an HTTP/2 client sends first (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a client that has sent half a preface is left alone.
const PEEK_AGAIN: Duration = Duration::from_millis(5);
/// Flow-control window of one request towards us, bytes: what an upload may have in flight.
const H2_STREAM_WINDOW: u32 = 256 * 1024;
/// Flow-control window of a connection towards us, bytes.
const H2_CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// Bytes that one HTTP/2 response may have waiting for its client.
const H2_SEND_BUFFER: usize = 64 * 1024;
/// How often a silent HTTP/2 client is asked whether it still lives.
const H2_PING: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    async fn sniff(pieces: &[&[u8]]) -> Protocol {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let write = async {
            for piece in pieces {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            client.shutdown().await.unwrap();
        };
        let (protocol, ()) = tokio::join!(Protocol::sniffed(&server), write);
        protocol.unwrap()
    }

    #[tokio::test]
    async fn the_first_bytes_tell_the_protocol() {
        for (pieces, protocol) in [
            (&[&PREFACE[..]][..], Protocol::Http2),
            (
                &[&PREFACE[..1], &PREFACE[1..9], &PREFACE[9..]],
                Protocol::Http2,
            ),
            (&[b"POST / HTTP/1.1\r\n"], Protocol::Http1),
            (&[b"P", b"OST / HTTP/1.1\r\n"], Protocol::Http1),
            (&[b"PRI * HTTP/1.1\r\n\r\n"], Protocol::Http1),
            (&[b"\0\0\0"], Protocol::Http1),
            (&[], Protocol::Http1),
        ] {
            assert_eq!(sniff(pieces).await, protocol, "{pieces:?}");
        }
    }

    #[test]
    fn tls_clients_speak_what_was_agreed_on() {
        assert_eq!(Protocol::negotiated(Some(b"h2")), Protocol::Http2);
        assert_eq!(Protocol::negotiated(Some(b"http/1.1")), Protocol::Http1);
        assert_eq!(Protocol::negotiated(None), Protocol::Http1);
    }
}
