//! The client's socket as hyper sees it, and what the rest of the call may ask of it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Why a connection was given up from our side or the client's, as far as the socket can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is known against the client.
    Alive,
    /// The client closed its end, perhaps behind bytes that nobody has read yet.
    Gone,
    /// The client has not taken a byte for longer than it may.
    Slow,
    /// An operator gave it up while it did not read.
    GivenUp,
}

/// What is known of a client's socket while hyper owns it. Shared by the socket, the task that drives the
/// connection, and the response bodies that run on it.
#[derive(Debug, Default)]
pub(crate) struct SocketState {
    verdict: AtomicU8,
    flushes: AtomicU64,
    waiting_for_flush: Mutex<Option<Waker>>,
    times: Mutex<Times>,
}

/// When the socket last did what.
#[derive(Debug, Default)]
struct Times {
    last_read: Option<Instant>,
    /// The first byte that no request has been made of yet.
    head_began: Option<Instant>,
    write_blocked: Option<Instant>,
}

impl SocketState {
    /// What the socket thinks of the client.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.verdict.load(Ordering::Relaxed) {
            0 => Verdict::Alive,
            1 => Verdict::Gone,
            2 => Verdict::Slow,
            _ => Verdict::GivenUp,
        }
    }

    /// How often everything written so far has reached the kernel.
    pub(crate) fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Acquire)
    }

    /// Resolves once a flush has completed after the `since`th. hyper flushes when a body is pending, so a body that
    /// yields its last bytes, then waits here, knows that the kernel has them (hyper drops what is followed by an
    /// error in the same poll).
    pub(crate) fn poll_flushed(&self, since: u64, cx: &mut Context<'_>) -> Poll<()> {
        if self.flushes() > since {
            return Poll::Ready(());
        }
        let mut waiting = lock(&self.waiting_for_flush);
        *waiting = Some(cx.waker().clone());
        drop(waiting);
        // A flush between the check and the registration would have woken nobody.
        if self.flushes() > since {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// How long the client has been silent.
    pub(crate) fn silent_for(&self, now: Instant) -> Option<Duration> {
        lock(&self.times)
            .last_read
            .map(|at| now.saturating_duration_since(at))
    }

    /// How long ago the first byte came that no request has been made of yet.
    pub(crate) fn head_pending_for(&self, now: Instant) -> Option<Duration> {
        lock(&self.times)
            .head_began
            .map(|at| now.saturating_duration_since(at))
    }

    /// A request was made of what has been read, or a response has ended.
    pub(crate) fn served(&self) {
        lock(&self.times).head_began = None;
    }

    /// How long a write has been waiting for the client to take it.
    pub(crate) fn blocked_for(&self, now: Instant) -> Option<Duration> {
        lock(&self.times)
            .write_blocked
            .map(|at| now.saturating_duration_since(at))
    }

    /// Says why the connection is about to be closed; the first reason stays.
    pub(crate) fn condemn(&self, verdict: Verdict) {
        let code = match verdict {
            Verdict::Alive => return,
            Verdict::Gone => 1,
            Verdict::Slow => 2,
            Verdict::GivenUp => 3,
        };
        // Losing the race means that somebody gave a reason before us: that one counts.
        let _first_wins =
            self.verdict
                .compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn flushed(&self) {
        self.flushes.fetch_add(1, Ordering::Release);
        let waker = lock(&self.waiting_for_flush).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A client's TCP connection.
///
/// Two things go beyond a plain stream. It counts completed flushes, and on every flush it looks whether the peer has
/// closed its end: hyper itself does not notice that while unread input lies in its buffer, and a flush is what hyper
/// does at each turn.
#[derive(Debug)]
pub(crate) struct ClientSocket {
    tcp: TcpStream,
    state: Arc<SocketState>,
}

impl ClientSocket {
    /// Wraps an accepted connection.
    pub(crate) fn new(tcp: TcpStream, state: Arc<SocketState>) -> Self {
        lock(&state.times).last_read = Some(Instant::now());
        Self { tcp, state }
    }

    /// Costs no system call: the readiness that the last event brought is enough.
    fn peer_has_closed(&self, cx: &mut Context<'_>) -> bool {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let ready = std::pin::pin!(self.tcp.ready(interest)).poll(cx);
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        if read.is_ready() {
            let now = Instant::now();
            let mut times = lock(&self.state.times);
            times.last_read = Some(now);
            times.head_began.get_or_insert(now);
        }
        read
    }
}

/// Not vectored on purpose: events and plain answers are small, and one copy into hyper's buffer and a `send` cost
/// less than a `writev`.
impl AsyncWrite for ClientSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.note_write(written.is_pending());
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state.flushed();
        if self.peer_has_closed(cx) {
            self.state.condemn(Verdict::Gone);
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

impl ClientSocket {
    fn note_write(&self, blocked: bool) {
        let mut times = lock(&self.state.times);
        match (blocked, times.write_blocked) {
            (true, None) => times.write_blocked = Some(Instant::now()),
            (false, Some(_)) => times.write_blocked = None,
            _ => {}
        }
    }
}

/// A panic while one of these locks is held leaves plain data behind: it stays usable.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
