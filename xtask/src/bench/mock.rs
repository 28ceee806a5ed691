//! The upstream of the benchmark: answers rendered beforehand, one thread, no HTTP library.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::task::TaskTracker;

use super::clock::{self, Alarm};
use super::dialect::Dialect;
use super::payload::{Answers, FLUSH_US, Mode, PACE_MS, stamp};
use super::response::value_of;
use crate::failure::{Doing, Result};

/// Serves until the process is ended.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn serve(address: SocketAddr) -> Result<()> {
    let socket = TcpSocket::new_v4().doing("cannot create a socket")?;
    socket.set_reuseaddr(true).doing("cannot set up a socket")?;
    socket
        .bind(address)
        .doing(format!("cannot bind the mock to {address}"))?;
    let listener = socket.listen(8_192).doing("cannot listen")?;
    let answers = Arc::new(Dialect::ALL.map(Answers::new));
    let connections = TaskTracker::new();
    loop {
        // Out of descriptors is the only way to fail here; the next one may be free again.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let answers = Arc::clone(&answers);
        connections.spawn(async move {
            // The peer leaves whenever it likes; nobody needs to know.
            drop(connection(stream, &answers).await);
        });
    }
}

/// Answers the requests of one connection until the peer closes it.
async fn connection(mut stream: TcpStream, all: &[Answers; 2]) -> Result<()> {
    stream.set_nodelay(true).doing("nodelay")?;
    let mut request = Request::default();
    let mut alarm = None;
    while let Some((dialect, mode)) = request.read(&mut stream).await? {
        let [chat, messages] = all;
        let answers = match dialect {
            Dialect::Chat => chat,
            Dialect::Messages => messages,
        };
        match mode {
            Asked::Unknown => write(&mut stream, &answers.refused).await?,
            Asked::For(Mode::Silent) => {}
            Asked::For(Mode::Plain | Mode::Guarded) => write(&mut stream, &answers.plain).await?,
            Asked::For(Mode::Burst) => write(&mut stream, &answers.burst).await?,
            Asked::For(mode @ (Mode::Flushed | Mode::Paced)) => {
                let alarm = match &alarm {
                    Some(alarm) => alarm,
                    None => alarm.insert(Alarm::new()?),
                };
                if mode == Mode::Paced {
                    paced(&mut stream, answers, alarm).await?;
                } else {
                    flushed(&mut stream, answers, alarm).await?;
                }
            }
            Asked::For(Mode::Idle) => write(&mut stream, &answers.opening).await?,
        }
    }
    Ok(())
}

/// All streams write on one grid of time: each event arrives alone, so that no proxy saves
/// work by being late, and the events of many streams arrive together, so that what is
/// measured is work and not wake-ups.
async fn flushed(stream: &mut TcpStream, answers: &Answers, alarm: &Alarm) -> Result<()> {
    let mut due = clock::now();
    for part in &answers.parts {
        write(stream, part).await?;
        due = (due + 1).next_multiple_of(FLUSH_US * 1_000);
        alarm.until(due).await?;
    }
    Ok(())
}

/// Each stream has its own beat, and each event says when it was written.
async fn paced(stream: &mut TcpStream, answers: &Answers, alarm: &Alarm) -> Result<()> {
    let mut due = clock::now();
    let mut event = Vec::with_capacity(512);
    let rest = answers.parts[answers.opened..].iter();
    for part in std::iter::once(&answers.opening).chain(rest) {
        alarm.until(due).await?;
        event.clear();
        event.extend_from_slice(part);
        stamp(&mut event, clock::now());
        write(stream, &event).await?;
        due += PACE_MS * 1_000_000;
    }
    Ok(())
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes).await.doing("write")
}

/// What a request asks for.
enum Asked {
    For(Mode),
    Unknown,
}

/// Reads one request after the other.
#[derive(Debug)]
struct Request {
    buffer: Vec<u8>,
    filled: usize,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            buffer: vec![0; 8 * 1024],
            filled: 0,
        }
    }
}

impl Request {
    /// The next whole request, `None` once the peer has closed.
    async fn read(&mut self, stream: &mut TcpStream) -> Result<Option<(Dialect, Asked)>> {
        loop {
            if let Some((asked, length)) = parse(&self.buffer[..self.filled]) {
                self.buffer.copy_within(length..self.filled, 0);
                self.filled -= length;
                return Ok(Some(asked));
            }
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let free = &mut self.buffer[self.filled..];
            match stream.read(free).await.doing("read")? {
                0 => return Ok(None),
                more => self.filled += more,
            }
        }
    }
}

/// The first request in `bytes` and its length, if it is whole.
fn parse(bytes: &[u8]) -> Option<((Dialect, Asked), usize)> {
    let body_at = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let length = bytes[..body_at]
        .split(|byte| *byte == b'\n')
        .find_map(|line| value_of(line, b"content-length:"))
        .and_then(|value| value.parse::<usize>().ok())
        .unwrap_or(0);
    let body = bytes.get(body_at..body_at + length)?;
    let asked = Mode::of_body(body).map_or(Asked::Unknown, Asked::For);
    Some(((Dialect::of_request(bytes), asked), body_at + length))
}
