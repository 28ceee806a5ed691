//! An HTTP/2 connection that can be tapped: it knows what was really written, and lets frames in
//! between those of the library.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use crate::wire::{Io, Wire};

/// The connection as the protocol library sees it.
#[derive(Debug)]
pub(super) struct Tap {
    io: Io,
    /// What was read and not yet given to the library.
    input: BytesMut,
    /// Bytes of the current incoming frame (at first: of the preface) still to be given to it.
    incoming_left: usize,
    settings_acknowledged: bool,
    head: Vec<u8>,
    payload_left: usize,
    injecting: Bytes,
    shared: Arc<TapState>,
}

/// What the streams of a connection know of its tap.
#[derive(Debug, Default)]
pub(super) struct TapState {
    state: Mutex<State>,
    /// Something was written.
    written: Notify,
    /// Something is to be let in: the connection must be polled.
    pub(super) injected: Notify,
}

#[derive(Debug, Default)]
struct State {
    inject: VecDeque<Bytes>,
    /// DATA bytes on the wire by stream, of streams that are watched.
    data: HashMap<u32, u64>,
    /// Acknowledgments of SETTINGS that the library knows nothing of.
    swallow: u32,
}

impl Tap {
    pub(super) fn new(wire: Wire) -> (Self, Arc<TapState>) {
        let shared = Arc::new(TapState::default());
        let (io, input) = wire.into_parts();
        let tap = Self {
            io,
            input,
            incoming_left: PREFACE,
            settings_acknowledged: false,
            head: Vec::with_capacity(HEAD),
            payload_left: 0,
            injecting: Bytes::new(),
            shared: shared.clone(),
        };
        (tap, shared)
    }

    fn at_boundary(&self) -> bool {
        self.head.is_empty() && self.payload_left == 0
    }

    /// Writes what is to be let in, if the library is between two frames.
    fn poll_inject(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.at_boundary() {
            return Poll::Ready(Ok(()));
        }
        loop {
            while !self.injecting.is_empty() {
                let n = ready!(Pin::new(&mut self.io).poll_write(cx, &self.injecting))?;
                self.injecting.advance(n);
            }
            match self.shared.lock().inject.pop_front() {
                Some(next) => self.injecting = next,
                None => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// How many bytes of the input may go to the library now.
    fn pass(&mut self) -> usize {
        while self.incoming_left == 0 && self.input.len() >= HEAD {
            let is_acknowledgment = self.input[3] == SETTINGS && self.input[4] & 1 == 1;
            if is_acknowledgment && self.settings_acknowledged {
                let mut state = self.shared.lock();
                if state.swallow > 0 {
                    state.swallow -= 1;
                    self.input.advance(HEAD);
                    continue;
                }
            }
            // The first one is for the settings of the library itself.
            self.settings_acknowledged |= is_acknowledgment;
            self.incoming_left = HEAD + length(&self.input);
        }
        self.incoming_left.min(self.input.len())
    }

    /// Follows the frames of what was written.
    fn follow(&mut self, mut written: &[u8]) {
        while !written.is_empty() {
            if self.payload_left > 0 {
                let n = self.payload_left.min(written.len());
                self.payload_left -= n;
                written = &written[n..];
                continue;
            }
            self.head.push(written[0]);
            written = &written[1..];
            if self.head.len() == HEAD {
                let length = length(&self.head);
                if self.head[3] == DATA {
                    let stream: [u8; 4] = self.head[5..].try_into().expect("nine minus five");
                    if let Some(sum) = self.shared.lock().data.get_mut(&u32::from_be_bytes(stream))
                    {
                        *sum += length as u64;
                    }
                }
                self.payload_left = length;
                self.head.clear();
            }
        }
        self.shared.written.notify_waiters();
    }
}

impl TapState {
    /// Begins to count the DATA bytes of a stream.
    pub(super) fn watch(&self, stream: u32) {
        self.lock().data.insert(stream, 0);
    }

    /// Ends it.
    pub(super) fn forget(&self, stream: u32) {
        self.lock().data.remove(&stream);
    }

    /// Waits until so many DATA bytes of a watched stream were handed to the socket.
    pub(super) async fn data_reaches(&self, stream: u32, wanted: u64) {
        loop {
            let written = self.written.notified();
            if self
                .lock()
                .data
                .get(&stream)
                .is_none_or(|sum| *sum >= wanted)
            {
                return;
            }
            written.await;
        }
    }

    /// Lets bytes onto the wire, between two frames.
    pub(super) fn inject(&self, bytes: Bytes) {
        self.lock().inject.push_back(bytes);
        self.injected.notify_one();
    }

    /// Expects an acknowledgment of SETTINGS that were let in.
    pub(super) fn swallow_acknowledgment(&self) {
        self.lock().swallow += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let n = this.pass().min(buf.remaining());
            if n > 0 {
                buf.put_slice(&this.input.split_to(n));
                this.incoming_left -= n;
                return Poll::Ready(Ok(()));
            }
            let mut space = [0; 16 * 1024];
            let mut more = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut more))?;
            if more.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.input.extend_from_slice(more.filled());
        }
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_inject(cx))?;
        let n = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.follow(&buf[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_inject(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// The length field of a frame head.
fn length(head: &[u8]) -> usize {
    usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])
}

const PREFACE: usize = 24;
const HEAD: usize = 9;
const DATA: u8 = 0;
const SETTINGS: u8 = 4;
