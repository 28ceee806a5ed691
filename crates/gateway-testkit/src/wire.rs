//! A connection, plain or TLS, that notices while it writes or waits that the peer has gone.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rustix::event::{PollFd, PollFlags};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsStream;

/// How the other side left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It closed properly (FIN), or closed its sending direction.
    Closed,
    /// It reset the connection, or a write found it broken.
    Reset,
}

/// TCP, or TLS over TCP.
#[derive(Debug)]
pub(crate) struct Io {
    stream: Stream,
    /// Set by whoever wants this connection to end with RST when it is dropped.
    reset_on_drop: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection with what was read from it and not yet used.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) io: Io,
    pub(crate) input: BytesMut,
    /// `false`: nothing is read from the socket, so that the peer's window closes.
    pub(crate) reading: bool,
    gone: Option<Gone>,
    look_again: Option<Pin<Box<Sleep>>>,
}

impl Io {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match &self.stream {
            Stream::Tcp(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }

    /// The protocol that ALPN chose, if TLS is in use and it chose one.
    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        match &self.stream {
            Stream::Tcp(_) => None,
            Stream::Tls(tls) => tls.get_ref().1.alpn_protocol(),
        }
    }

    /// The certificate that the peer showed, in DER.
    pub(crate) fn peer_certificate(&self) -> Option<Bytes> {
        match &self.stream {
            Stream::Tcp(_) => None,
            Stream::Tls(tls) => {
                let chain = tls.get_ref().1.peer_certificates()?;
                Some(Bytes::copy_from_slice(chain.first()?))
            }
        }
    }

    pub(crate) fn reset_switch(&self) -> Arc<AtomicBool> {
        self.reset_on_drop.clone()
    }

    /// Makes the coming close of the socket an RST.
    pub(crate) fn arm_reset(&self) {
        // Failing means that the socket is already dead, which is what was wanted.
        socket2::SockRef::from(self.tcp())
            .set_linger(Some(Duration::ZERO))
            .ok();
    }
}

impl Wire {
    pub(crate) fn new(io: Io) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            reading: true,
            gone: None,
            look_again: None,
        }
    }

    /// Reads once into `input`; 0 is the end.
    pub(crate) async fn fill(&mut self) -> io::Result<usize> {
        if self.gone.is_some() {
            return Ok(0);
        }
        self.input.reserve(READ_SIZE);
        self.io.read_buf(&mut self.input).await
    }

    /// Ready when the peer has gone. Reads ahead (bounded) to find out.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Gone> {
        if let Some(gone) = self.gone {
            return Poll::Ready(gone);
        }
        let gone = if self.reading && self.input.len() < READ_AHEAD {
            ready!(self.poll_read_ahead(cx))
        } else {
            ready!(self.poll_hung_up(cx))
        };
        self.gone = Some(gone);
        Poll::Ready(gone)
    }

    /// Runs `work` unless the peer goes first.
    pub(crate) async fn until_gone<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Gone> {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            self.poll_gone(cx).map(Err)
        })
        .await
    }

    /// Waits until the peer goes.
    pub(crate) async fn gone(&mut self) -> Gone {
        poll_fn(|cx| self.poll_gone(cx)).await
    }

    /// Waits until there is input that nobody asked for.
    pub(crate) async fn next_input(&mut self) -> Result<(), Gone> {
        poll_fn(|cx| {
            let gone = self.poll_gone(cx).map(Err);
            if self.input.is_empty() {
                gone
            } else {
                Poll::Ready(Ok(()))
            }
        })
        .await
    }

    /// Writes and flushes all of `bytes`; adds to `sent` what the socket took.
    pub(crate) async fn write(&mut self, mut bytes: Bytes, sent: &mut u64) -> Result<(), Gone> {
        poll_fn(|cx| {
            while !bytes.is_empty() {
                match Pin::new(&mut self.io).poll_write(cx, &bytes) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Gone::Reset)),
                    Poll::Ready(Ok(n)) => {
                        bytes.advance(n);
                        *sent += n as u64;
                    }
                    Poll::Pending => return self.poll_gone(cx).map(Err),
                }
            }
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
                Poll::Ready(Err(_)) => Poll::Ready(Err(Gone::Reset)),
                Poll::Pending => self.poll_gone(cx).map(Err),
            }
        })
        .await
    }

    /// Closes with FIN (and `close_notify` over TLS): what is still unread is read and dropped for a moment,
    /// because closing a socket with unread input would send RST instead.
    pub(crate) async fn close(mut self) {
        self.io.shutdown().await.ok();
        self.drain().await;
    }

    /// Closes with FIN, but over TLS without `close_notify`: what an attacker's or a crash's cut looks like.
    pub(crate) async fn close_abruptly(mut self) {
        socket2::SockRef::from(self.io.tcp())
            .shutdown(std::net::Shutdown::Write)
            .ok();
        self.drain().await;
    }

    /// Closes with RST.
    pub(crate) fn reset(self) {
        self.io.arm_reset();
    }

    /// Gives the connection away, with the input that was read and not used.
    pub(crate) fn into_parts(self) -> (Io, BytesMut) {
        (self.io, self.input)
    }

    async fn drain(&mut self) {
        let all = async {
            loop {
                self.input.clear();
                match self.fill().await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        timeout(LINGER, all).await.ok();
    }

    fn poll_read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<Gone> {
        while self.input.len() < READ_AHEAD {
            let mut space = [0; 4096];
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => return Poll::Ready(Gone::Closed),
                Ok(()) => self.input.extend_from_slice(buffer.filled()),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Gone::Closed);
                }
                Err(_) => return Poll::Ready(Gone::Reset),
            }
        }
        self.poll_hung_up(cx)
    }

    /// Asks the kernel every few milliseconds whether the peer hung up: the only way to learn it
    /// without reading.
    fn poll_hung_up(&mut self, cx: &mut Context<'_>) -> Poll<Gone> {
        loop {
            if let Some(gone) = hung_up(self.io.tcp()) {
                return Poll::Ready(gone);
            }
            let sleep = self
                .look_again
                .get_or_insert_with(|| Box::pin(sleep(LOOK_EVERY)));
            ready!(sleep.as_mut().poll(cx));
            self.look_again = None;
        }
    }
}

impl From<TcpStream> for Io {
    fn from(tcp: TcpStream) -> Self {
        Self {
            stream: Stream::Tcp(tcp),
            reset_on_drop: Arc::default(),
        }
    }
}

impl<T: Into<TlsStream<TcpStream>>> From<Box<T>> for Io {
    fn from(tls: Box<T>) -> Self {
        Self {
            stream: Stream::Tls(Box::new((*tls).into())),
            reset_on_drop: Arc::default(),
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if self.reset_on_drop.load(Ordering::Acquire) {
            self.arm_reset();
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

fn hung_up(tcp: &TcpStream) -> Option<Gone> {
    let mut fds = [PollFd::new(tcp, PollFlags::RDHUP)];
    rustix::event::poll(&mut fds, Some(&rustix::event::Timespec::default())).ok()?;
    let seen = fds[0].revents();
    if seen.intersects(PollFlags::ERR) {
        Some(Gone::Reset)
    } else if seen.intersects(PollFlags::RDHUP | PollFlags::HUP) {
        Some(Gone::Closed)
    } else {
        None
    }
}

const READ_SIZE: usize = 16 * 1024;
const READ_AHEAD: usize = 64 * 1024;
const LOOK_EVERY: Duration = Duration::from_millis(5);
const LINGER: Duration = Duration::from_secs(2);
