//! One call of one client, and what became of it as far as a client can see.

use std::time::Duration;

use gateway_testkit::sequence::SequenceChecker;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::soak::check::{Check, Fault};
use crate::soak::http::{Body, Broken, Connection};
use crate::soak::models::{Front, MASTER_KEY};
use crate::soak::outcome::Outcome;

/// What one call asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its name, also towards the gateway and in the text of the answer.
    pub(super) call: String,
    pub(super) front: Front,
    pub(super) stream: bool,
    /// Contents of the answer.
    pub(super) events: u64,
    /// Time between two contents, in milliseconds.
    pub(super) pace_ms: u64,
    /// The client goes away after so long.
    pub(super) leave: Option<Duration>,
}

/// What the client saw.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) call: String,
    pub(super) stream: bool,
    pub(super) ended: End,
    /// Status; 0 while there was none.
    pub(super) status: u16,
    /// The send of the upstream whose text came.
    pub(super) served: Option<u32>,
    /// From the request to the end.
    pub(super) took: Duration,
    /// When it ended, since the start of the run.
    pub(super) second: f64,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// All of it came, in order, with the terminal marker.
    Whole,
    /// The stream said that it failed, in its dialect, and ended without the marker.
    Told,
    /// It was answered by an error status in the dialect, with this `retry-after`.
    Refused(Option<String>),
    /// The client went away, as it had planned.
    Left,
    /// What must not be: cut, frozen, damaged, in no dialect.
    Broken(Outcome, String),
}

/// Makes a call; returns the connection when it can serve another.
///
/// Dropping the future closes the connection.
pub(super) async fn call(
    authority: &str,
    kept: Option<Connection>,
    wanted: &Wanted,
    start: Instant,
) -> (Seen, Option<Connection>) {
    let began = Instant::now();
    let mut seen = Seen {
        call: wanted.call.clone(),
        stream: wanted.stream,
        ended: End::Left,
        status: 0,
        served: None,
        took: Duration::ZERO,
        second: 0.0,
    };
    let (ended, connection) = match exchange(authority, kept, wanted, &mut seen).await {
        Ok(done) => done,
        Err(fault) => (End::Broken(fault.outcome, fault.detail), None),
    };
    seen.ended = ended;
    seen.took = began.elapsed();
    seen.second = start.elapsed().as_secs_f64();
    (seen, connection)
}

type Done = (End, Option<Connection>);

async fn exchange(
    authority: &str,
    kept: Option<Connection>,
    wanted: &Wanted,
    seen: &mut Seen,
) -> Result<Done, Fault> {
    let mut connection = match kept {
        Some(connection) => connection,
        None => Connection::open(authority, CONNECT).await?,
    };
    let request = request(authority, wanted);
    connection.send(request.as_bytes(), CONNECT).await?;
    // The request is on its way by now: whoever goes away from here on has made a call.
    match wanted.leave {
        None => answer(connection, wanted, seen).await,
        Some(after) => match timeout(after, answer(connection, wanted, seen)).await {
            Ok(done) => done,
            Err(_elapsed) => Ok((End::Left, None)),
        },
    }
}

async fn answer(
    mut connection: Connection,
    wanted: &Wanted,
    seen: &mut Seen,
) -> Result<Done, Fault> {
    let (status, mut body) = connection.head(READ).await?;
    seen.status = status;
    let ended = if status != 200 {
        refused(&mut connection, &mut body, wanted.front).await?
    } else if wanted.stream {
        streamed(&mut connection, &mut body, wanted, seen).await?
    } else {
        plain(&mut connection, &mut body, wanted, seen).await?
    };
    Ok((ended, connection.reusable(&body)))
}

/// An error in the dialect that names no host.
async fn refused(connection: &mut Connection, body: &mut Body, front: Front) -> Result<End, Fault> {
    let text = collect(connection, body).await?;
    let value: Value = serde_json::from_slice(&text).unwrap_or_default();
    let shaped =
        value["error"]["message"].is_string() && (front == Front::Chat || value["type"] == "error");
    let names_hosts = memchr::memmem::find(&text, b"127.0.0.1").is_some();
    if shaped && !names_hosts {
        let wait = body.head.header("retry-after").map(str::to_owned);
        return Ok(End::Refused(wait));
    }
    let text: String = String::from_utf8_lossy(&text).chars().take(200).collect();
    Err(Fault::new(Outcome::Malformed, text))
}

async fn plain(
    connection: &mut Connection,
    body: &mut Body,
    wanted: &Wanted,
    seen: &mut Seen,
) -> Result<End, Fault> {
    let text = collect(connection, body).await?;
    let value: Value = serde_json::from_slice(&text)
        .map_err(|error| Fault::new(Outcome::Malformed, error.to_string()))?;
    let content = match wanted.front {
        Front::Chat => &value["choices"][0]["message"]["content"],
        Front::Messages => &value["content"][0]["text"],
    };
    let content = content.as_str().unwrap_or_default();
    seen.served = send_of(content, &wanted.call);
    let mut checker = SequenceChecker::new(None);
    let checked = checker.push(content).and_then(|()| checker.finish());
    match (checked, seen.served) {
        (Ok(_), Some(_)) => Ok(End::Whole),
        (Ok(_), None) => Err(Fault::new(Outcome::Altered, "the text of another call")),
        (Err(fault), _) => Err(Fault::new(Outcome::Altered, format!("{fault:?}"))),
    }
}

async fn streamed(
    connection: &mut Connection,
    body: &mut Body,
    wanted: &Wanted,
    seen: &mut Seen,
) -> Result<End, Fault> {
    let mut check = Check::of_any(wanted.front);
    loop {
        let Some(piece) = connection.piece(body, READ).await? else {
            break;
        };
        let checked = check.bytes(&piece);
        seen.served = check
            .sequence()
            .and_then(|id| send_of(&format!("s={id} "), &wanted.call));
        match checked {
            Err(fault) if fault.outcome == Outcome::InBandError => {
                return told(connection, body, &piece, wanted.front).await;
            }
            checked => checked?,
        }
    }
    check.finish()?;
    if seen.served.is_none() {
        return Err(Fault::new(Outcome::Altered, "the text of another call"));
    }
    Ok(End::Whole)
}

/// What follows an error in a stream: the end, and no terminal marker.
async fn told(
    connection: &mut Connection,
    body: &mut Body,
    piece: &[u8],
    front: Front,
) -> Result<End, Fault> {
    let mut rest = piece.to_vec();
    loop {
        match connection.piece(body, AFTER_ERROR).await {
            Ok(Some(piece)) => rest.extend_from_slice(&piece),
            // On HTTP/1.1 the missing end of the framing says once more that it was cut.
            Ok(None) | Err(Broken::Cut(_)) => break,
            Err(broken) => return Err(broken.into()),
        }
    }
    let has = |text: &[u8]| memchr::memmem::find(&rest, text).is_some();
    if has(b"[DONE]") || has(b"message_stop") {
        let what = "the terminal marker came after an error";
        return Err(Fault::new(Outcome::Reordered, what));
    }
    if front == Front::Messages && !has(b"event: error") {
        let what = "an error without its `event:` line, which clients of this dialect pass over";
        return Err(Fault::new(Outcome::Malformed, what));
    }
    Ok(End::Told)
}

async fn collect(connection: &mut Connection, body: &mut Body) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    while let Some(piece) = connection.piece(body, READ).await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// The number of the send that a text of ours begins with, if it is of this call.
fn send_of(text: &str, call: &str) -> Option<u32> {
    let id = text.strip_prefix("s=")?.split(' ').next()?;
    let number = id.strip_prefix(call)?.strip_prefix('.')?;
    number.parse().ok()
}

fn request(authority: &str, wanted: &Wanted) -> String {
    let (path, model) = match wanted.front {
        Front::Messages => ("/v1/messages", "messages"),
        Front::Chat => ("/v1/chat/completions", "chat"),
    };
    let model = match wanted.stream {
        true => model.to_owned(),
        false => format!("{model}-plain"),
    };
    let prompt = format!(
        "Count. [[double events={} bytes=64 pace_ms={} seq={}]]",
        wanted.events, wanted.pace_ms, wanted.call
    );
    let body = serde_json::json!({
        "model": model,
        "max_tokens": 4096,
        "stream": wanted.stream,
        "messages": [{"role": "user", "content": prompt}],
    });
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {MASTER_KEY}\r\n\
         anthropic-version: 2023-06-01\r\nx-litellm-call-id: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        wanted.call,
        body.len(),
    )
}

const CONNECT: Duration = Duration::from_secs(5);
/// Longer than any timer of the gateway.
const READ: Duration = Duration::from_secs(25);
/// How long a stream may stay open after it said that it failed.
const AFTER_ERROR: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_belongs_to_one_send_of_one_call() {
        assert_eq!(send_of("s=3-7.2 n=0 h=1;", "3-7"), Some(2));
        assert_eq!(send_of("s=3-71.2 n=0 h=1;", "3-7"), None);
        assert_eq!(send_of("hello", "3-7"), None);
    }
}
