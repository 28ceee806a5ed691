//! The upstream that fails: it counts the requests of each call, chooses their faults and writes both down.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use gateway_testkit::dialect::{Dialects, wants_stream};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::Recorded;

use super::menu::{Menu, setup};
use super::sends::{FILE, Moment, Send};
use crate::failure::{Doing, Result};

/// Answers every request, some of them by a fault.
#[derive(Debug)]
pub(in crate::soak) struct Chaos {
    menu: Menu,
    dialects: Dialects,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    sends: HashMap<String, u32>,
    lines: BufWriter<File>,
}

impl Chaos {
    /// Faults for a share of all requests; what comes is written down in this folder.
    pub(in crate::soak) fn new(share: f64, seed: u64, folder: &Path) -> Result<Self> {
        let file = File::create(folder.join(FILE)).doing(FILE)?;
        Ok(Self {
            menu: Menu::new(share, seed),
            dialects: Dialects::default(),
            seen: Mutex::new(Seen {
                sends: HashMap::new(),
                lines: BufWriter::new(file),
            }),
        })
    }

    /// The answer to a request. What says nothing of a call is answered as usual.
    pub(in crate::soak) fn answer(&self, request: &Recorded) -> Script {
        let Some(call) = call_of(&request.body) else {
            return self.dialects.answer(request);
        };
        let stream = wants_stream(request);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let number = seen.sends.entry(call.clone()).or_default();
        *number += 1;
        let number = *number;
        let http2 = request.stream.is_some();
        let chosen = self.menu.choose(&call, number, stream, http2);
        let send = Send {
            deployment: deployment_of(request.path()),
            number,
            fault: chosen.map(|(fault, _)| fault.name.to_owned()),
            at: chosen.map_or(Moment::Plain, |(_, at)| at.into()),
            call,
        };
        seen.note(&send);
        drop(seen);
        let numbered = Recorded {
            body: numbered(&request.body, &send.call, number),
            ..request.clone()
        };
        chosen
            .and_then(|(fault, at)| fault.script(&numbered, &setup(at, http2)))
            .unwrap_or_else(|| self.dialects.answer(&numbered))
    }

    /// Writes out what is still in memory.
    pub(in crate::soak) fn flush(&self) -> Result<()> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.lines.flush().doing(FILE)
    }
}

impl Seen {
    fn note(&mut self, send: &Send) {
        let line = serde_json::to_string(send).unwrap_or_default();
        // A full disk shows as calls without sends, which the judge does not let pass.
        writeln!(self.lines, "{line}").ok();
    }
}

/// The id of the call, which its client put into the marker of the double.
fn call_of(body: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(body, SEQUENCE)? + SEQUENCE.len();
    let rest = body.get(at..)?;
    let id = rest.get(..memchr::memchr(b']', rest)?)?;
    String::from_utf8(id.to_vec()).ok()
}

/// The request with the number of the send in that id, which the answer's text repeats.
fn numbered(body: &Bytes, call: &str, number: u32) -> Bytes {
    let Some(at) = memchr::memmem::find(body, SEQUENCE) else {
        return body.clone();
    };
    let end = at + SEQUENCE.len() + call.len();
    [&body[..end], format!(".{number}").as_bytes(), &body[end..]]
        .concat()
        .into()
}

/// The first segment of the path: each deployment has one of its own.
fn deployment_of(path: &str) -> String {
    let first = path.split('/').find(|segment| !segment.is_empty());
    first.unwrap_or_default().to_owned()
}

/// Stands before the id of a call; the id is the last word of the marker.
const SEQUENCE: &[u8] = b" seq=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_is_found_and_its_send_is_numbered() {
        let body = Bytes::from_static(b"{\"x\":\"[[double events=3 seq=12-4]]\"}");
        assert_eq!(call_of(&body).as_deref(), Some("12-4"));
        let numbered = numbered(&body, "12-4", 2);
        assert_eq!(call_of(&numbered).as_deref(), Some("12-4.2"));
        assert_eq!(deployment_of("/a/v1/messages"), "a");
    }
}
