//! One connection of the volume upstream.

use std::io;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio::net::TcpStream;

use super::counters::{Open, add};
use super::mode::Answer;
use super::request::Request;
use super::{Family, Mode, Node, small};

/// What comes next on a connection.
enum Next {
    Answer(Arc<Answer>),
    Small(bytes::Bytes),
}

/// Serves requests until the client goes.
pub(super) async fn run(tcp: TcpStream, node: Arc<Node>) {
    let counters = &node.shared.counters;
    add(&counters.connections_total);
    let _open = Open::new(&counters.connections_open);
    // An error is a client that went, and was counted where it mattered.
    serve(Arc::new(tcp), &node).await.ok();
}

async fn serve(tcp: Arc<TcpStream>, node: &Node) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    let mut last: Option<((Mode, Family), Arc<Answer>)> = None;
    loop {
        let parsed = match Request::parse(&buffer) {
            Ok(Some(request)) => {
                let close = request.close;
                let length = request.length;
                let next = next(&request, node, &mut last);
                Some((next, length, close))
            }
            Ok(None) => None,
            Err(why) => {
                return write_all(&tcp, &small("400 Bad Request", &format!("{why:?}"))).await;
            }
        };
        let Some((next, length, close)) = parsed else {
            read(&tcp, &mut buffer).await?;
            continue;
        };
        buffer.advance(length);
        if buffer.is_empty() {
            // Give the memory back while a stream runs or the connection idles.
            buffer = BytesMut::new();
        }
        add(&node.shared.counters.requests);
        match next {
            Next::Small(bytes) => write_all(&tcp, &bytes).await?,
            Next::Answer(answer) => send(&tcp, node, &answer, &mut buffer).await?,
        }
        if close {
            return Ok(());
        }
    }
}

fn next(
    request: &Request<'_>,
    node: &Node,
    last: &mut Option<((Mode, Family), Arc<Answer>)>,
) -> Next {
    match request.target {
        "/volume/counters" => {
            let counters = node.shared.counters.read().to_json().to_string();
            return Next::Small(small("200 OK", &counters));
        }
        "/volume/release" => {
            node.shared.release();
            return Next::Small(small("200 OK", "{}"));
        }
        _ => {}
    }
    let mode = match request.mode() {
        Ok(mode) => mode,
        Err(why) => return Next::Small(small("404 Not Found", &format!("{why:?}"))),
    };
    let key = (mode, request.family());
    if let Some((cached, answer)) = last
        && *cached == key
    {
        return Next::Answer(answer.clone());
    }
    let answer = node.shared.answer(mode, key.1);
    *last = Some((key, answer.clone()));
    Next::Answer(answer)
}

async fn send(
    tcp: &Arc<TcpStream>,
    node: &Node,
    answer: &Arc<Answer>,
    buffer: &mut BytesMut,
) -> io::Result<()> {
    let counters = &node.shared.counters;
    if let Answer::Pieces(pieces) = &**answer
        && let [only] = &pieces[..]
    {
        return write_all(tcp, only).await;
    }
    let _open = Open::new(&counters.streams_open);
    let sent = match &**answer {
        Answer::Pieces(pieces) => all(tcp, pieces).await,
        Answer::Paced { start, .. } => match write_all(tcp, start).await {
            Ok(()) => {
                let done = node.wheel.add(tcp.clone(), answer.clone());
                until_closed(tcp, buffer, done.finished()).await
            }
            Err(error) => Err(error),
        },
        Answer::Idle { start, end } => idle(tcp, node, buffer, start, end).await,
    };
    add(match sent {
        Ok(()) => &counters.streams_finished,
        Err(_) => &counters.streams_abandoned,
    });
    sent
}

async fn all(tcp: &TcpStream, pieces: &[bytes::Bytes]) -> io::Result<()> {
    for piece in pieces {
        write_all(tcp, piece).await?;
    }
    Ok(())
}

async fn idle(
    tcp: &TcpStream,
    node: &Node,
    buffer: &mut BytesMut,
    start: &[u8],
    end: &[u8],
) -> io::Result<()> {
    let mut released = node.shared.released.subscribe();
    write_all(tcp, start).await?;
    let release = async {
        // The sender lives as long as this runtime.
        released.changed().await.ok();
        true
    };
    until_closed(tcp, buffer, release).await?;
    write_all(tcp, end).await
}

/// Waits for `work` to say `true`; an error if it says `false`, or if the client closes first.
async fn until_closed(
    tcp: &TcpStream,
    buffer: &mut BytesMut,
    work: impl Future<Output = bool>,
) -> io::Result<()> {
    let closed = async {
        while buffer.len() < READ_AHEAD {
            if let Err(error) = read(tcp, buffer).await {
                return error;
            }
        }
        std::future::pending().await
    };
    tokio::select! {
        finished = work => if finished { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) },
        error = closed => Err(error),
    }
}

async fn read(tcp: &TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    loop {
        // Nothing is reserved before there is something: an idle connection holds no buffer.
        tcp.readable().await?;
        buffer.reserve(READ_SIZE);
        match tcp.try_read_buf(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn write_all(tcp: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match tcp.try_write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tcp.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

const READ_SIZE: usize = 4096;
const READ_AHEAD: usize = 64 * 1024;
