//! Texts that prove that nothing of a stream was lost, repeated, mixed up or changed.
//!
//! A [`SequenceWriter`] gives records such as `s=7-3 n=41 h=9f3c2b1a00d4e5f6;`: the id of the stream, a
//! counter, and a running FNV-1a hash over every record before. The last one says `end=42` instead of
//! `n=42`. A [`SequenceChecker`] takes the text as the client got it, however it was cut into pieces.

use std::fmt::Write as _;

/// Makes the records of one stream.
#[derive(Debug, Clone)]
pub struct SequenceWriter {
    stream: String,
    next: u64,
    hash: Fnv,
}

/// Checks the records of one stream.
#[derive(Debug, Clone)]
pub struct SequenceChecker {
    stream: Option<String>,
    next: u64,
    hash: Fnv,
    pending: String,
    ended: bool,
}

/// What is wrong with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SequenceFault {
    /// Records are missing.
    Gap {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// A record came a second time, or late.
    Repeated {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// A record of another stream.
    Foreign {
        /// Whose record it is.
        found: String,
    },
    /// The numbers are right, but some text before or in this record was changed.
    Changed {
        /// The number of the record.
        at: u64,
    },
    /// Something that is no record.
    Garbage(String),
    /// A record after the last one.
    AfterEnd,
    /// The text ended before the last record.
    Unfinished {
        /// How many records came.
        received: u64,
    },
}

#[derive(Debug, Clone, Copy)]
struct Fnv(u64);

impl SequenceWriter {
    /// Begins a stream. The id must hold neither spaces nor semicolons.
    #[must_use]
    pub fn new(stream: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            next: 0,
            hash: Fnv::new(),
        }
    }

    /// The next record, at least `size` bytes long (filled with dots).
    #[must_use]
    pub fn record(&mut self, size: usize) -> String {
        self.write("n", size)
    }

    /// The last record: it tells how many there were before it.
    #[must_use]
    pub fn end(&mut self) -> String {
        self.write("end", 0)
    }

    fn write(&mut self, key: &str, size: usize) -> String {
        let mut text = format!("s={} {key}={} ", self.stream, self.next);
        let with_hash = text.len() + HASH;
        text.extend(std::iter::repeat_n('.', size.saturating_sub(with_hash)));
        self.hash.add(text.as_bytes());
        write!(text, "h={:016x};", self.hash.0).expect("writing to a string cannot fail");
        self.next += 1;
        text
    }
}

impl SequenceChecker {
    /// For the stream with this id, or for whatever stream the first record is of.
    #[must_use]
    pub fn new(stream: Option<&str>) -> Self {
        Self {
            stream: stream.map(str::to_owned),
            next: 0,
            hash: Fnv::new(),
            pending: String::new(),
            ended: false,
        }
    }

    /// Takes the next piece of text.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn push(&mut self, text: &str) -> Result<(), SequenceFault> {
        self.pending.push_str(text);
        while let Some((record, rest)) = self.pending.split_once(';') {
            let (record, rest) = (record.to_owned(), rest.to_owned());
            self.pending = rest;
            self.check(&record)?;
        }
        if self.pending.len() > LONGEST {
            return Err(garbage(&self.pending));
        }
        Ok(())
    }

    /// Records that came so far, the last one not counted.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.next - u64::from(self.ended)
    }

    /// The stream that the records are of, once it is known.
    #[must_use]
    pub fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// Whether the last record came.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Says that no more text comes.
    ///
    /// # Errors
    /// If the last record was not seen.
    pub fn finish(&self) -> Result<u64, SequenceFault> {
        if self.ended && self.pending.is_empty() {
            Ok(self.received())
        } else {
            Err(SequenceFault::Unfinished {
                received: self.received(),
            })
        }
    }

    fn check(&mut self, record: &str) -> Result<(), SequenceFault> {
        let (text, hash) = record.rsplit_once("h=").ok_or_else(|| garbage(record))?;
        let mut words = text.split(' ');
        let stream = words.next().and_then(|word| word.strip_prefix("s="));
        let number = words.next().and_then(|word| word.split_once('='));
        let (Some(stream), Some((key, number))) = (stream, number) else {
            return Err(garbage(record));
        };
        let found: u64 = number.parse().map_err(|_| garbage(record))?;
        if self.stream.as_deref().is_some_and(|ours| ours != stream) {
            return Err(SequenceFault::Foreign {
                found: stream.to_owned(),
            });
        }
        self.stream.get_or_insert_with(|| stream.to_owned());
        let expected = self.next;
        match found.cmp(&expected) {
            _ if self.ended => return Err(SequenceFault::AfterEnd),
            std::cmp::Ordering::Less => return Err(SequenceFault::Repeated { expected, found }),
            std::cmp::Ordering::Greater => return Err(SequenceFault::Gap { expected, found }),
            std::cmp::Ordering::Equal => {}
        }
        self.hash.add(text.as_bytes());
        if u64::from_str_radix(hash, 16) != Ok(self.hash.0) {
            return Err(SequenceFault::Changed { at: found });
        }
        self.next += 1;
        self.ended = key == "end";
        Ok(())
    }
}

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn garbage(text: &str) -> SequenceFault {
    SequenceFault::Garbage(text.chars().take(80).collect())
}

/// Length of `h=`, sixteen digits and the semicolon.
const HASH: usize = 19;
const LONGEST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn records(n: usize) -> Vec<String> {
        let mut writer = SequenceWriter::new("7-3");
        let mut all: Vec<String> = (0..n).map(|_| writer.record(64)).collect();
        all.push(writer.end());
        all
    }

    fn check(pieces: &[impl AsRef<str>]) -> Result<u64, SequenceFault> {
        let mut checker = SequenceChecker::new(Some("7-3"));
        for piece in pieces {
            checker.push(piece.as_ref())?;
        }
        checker.finish()
    }

    #[test]
    fn a_whole_stream_passes_whatever_the_split() {
        let text = records(5).concat();
        for size in 1..text.len() {
            let pieces: Vec<String> = text
                .as_bytes()
                .chunks(size)
                .map(|piece| String::from_utf8_lossy(piece).into_owned())
                .collect();
            assert_eq!(check(&pieces), Ok(5));
        }
    }

    #[test]
    fn every_kind_of_damage_is_found() {
        let good = records(5);
        let mut lost = good.clone();
        lost.remove(2);
        assert_eq!(
            check(&lost),
            Err(SequenceFault::Gap {
                expected: 2,
                found: 3
            })
        );
        let mut swapped = good.clone();
        swapped.swap(2, 3);
        assert_eq!(
            check(&swapped),
            Err(SequenceFault::Gap {
                expected: 2,
                found: 3
            })
        );
        let mut twice = good.clone();
        twice.insert(2, good[1].clone());
        assert_eq!(
            check(&twice),
            Err(SequenceFault::Repeated {
                expected: 2,
                found: 1
            })
        );
        let mut changed = good.clone();
        changed[3] = changed[3].replacen('.', "x", 1);
        assert_eq!(check(&changed), Err(SequenceFault::Changed { at: 3 }));
        assert_eq!(
            check(&good[..5]),
            Err(SequenceFault::Unfinished { received: 5 })
        );
        let mut longer = good.clone();
        longer.push(good[4].clone());
        assert_eq!(check(&longer), Err(SequenceFault::AfterEnd));
        let foreign = SequenceWriter::new("8").record(0);
        assert!(matches!(
            check(&[foreign]),
            Err(SequenceFault::Foreign { .. })
        ));
        assert!(matches!(check(&["hello;"]), Err(SequenceFault::Garbage(_))));
    }

    #[test]
    fn a_record_is_as_long_as_asked() {
        assert_eq!(SequenceWriter::new("a").record(100).len(), 100);
    }
}
