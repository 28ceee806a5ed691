//! What a request wants from the double.

use std::time::Duration;

use crate::sequence::SequenceWriter;
use crate::upstream::Recorded;

/// Size and pace of an answer.
///
/// A request overrides them with a marker in its body, `[[double key=value ...]]`, with the keys
/// `events`, `bytes`, `pace_us` or `pace_ms`, `burst`, `usage=0|1`, `marker=0|1`, `seq=<stream id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knobs {
    /// Content events of a stream, without those around them.
    pub events: usize,
    /// Length of the text of each, in bytes, at least.
    pub bytes: usize,
    /// Time between bursts.
    pub pace: Duration,
    /// Events per burst.
    pub burst: usize,
    /// Whether usage is told even if nobody asked.
    pub usage: bool,
    /// Whether the terminal marker is sent.
    pub marker: bool,
    /// The texts are the records of a [`SequenceWriter`] for this stream.
    pub sequence: Option<String>,
}

/// The texts of the content events, one after the other.
#[derive(Debug)]
pub struct Texts {
    left: usize,
    index: usize,
    size: usize,
    writer: Option<SequenceWriter>,
}

impl Knobs {
    /// These knobs, with what the marker in the request's body says.
    ///
    /// # Panics
    /// On a marker that cannot be understood, because a test with a typing error would prove nothing.
    #[must_use]
    pub fn overridden_by(mut self, request: &Recorded) -> Self {
        if let Some(marker) = marker(&request.body) {
            for word in marker.split_whitespace() {
                let (key, value) = word
                    .split_once('=')
                    .unwrap_or_else(|| panic!("no value in {word:?} of [[double {marker}]]"));
                self.set(key, value);
            }
        }
        self
    }

    /// The texts of the content events.
    #[must_use]
    pub fn texts(&self) -> Texts {
        Texts {
            left: self.events,
            index: 0,
            size: self.bytes,
            writer: self.sequence.clone().map(SequenceWriter::new),
        }
    }

    fn set(&mut self, key: &str, value: &str) {
        let number = || -> u64 {
            value
                .parse()
                .unwrap_or_else(|_| panic!("{key}={value} in a [[double]] marker is no number"))
        };
        let size = || usize::try_from(number()).expect("a size fits into memory");
        match key {
            "events" => self.events = size(),
            "bytes" => self.bytes = size(),
            "pace_us" => self.pace = Duration::from_micros(number()),
            "pace_ms" => self.pace = Duration::from_millis(number()),
            "burst" => self.burst = size(),
            "usage" => self.usage = number() != 0,
            "marker" => self.marker = number() != 0,
            "seq" => self.sequence = Some(value.to_owned()),
            _ => panic!("unknown key {key:?} in a [[double]] marker"),
        }
    }
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            events: 5,
            bytes: 8,
            pace: Duration::ZERO,
            burst: 1,
            usage: false,
            marker: true,
            sequence: None,
        }
    }
}

impl Iterator for Texts {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        let index = self.index;
        self.index += 1;
        Some(match &mut self.writer {
            Some(writer) if self.left == 0 => writer.end(),
            Some(writer) => writer.record(self.size),
            None => {
                let text = format!("w{index} ");
                let fill = self.size.saturating_sub(text.len());
                text + &"x".repeat(fill)
            }
        })
    }
}

fn marker(body: &[u8]) -> Option<String> {
    let start = memchr::memmem::find(body, START)? + START.len();
    let rest = &body[start..];
    let end = memchr::memmem::find(rest, b"]]")?;
    Some(String::from_utf8_lossy(&rest[..end]).into_owned())
}

const START: &[u8] = b"[[double ";
