//! What comes in a stream, checked event by event: the sequence, the terminal marker, errors.

use gateway_testkit::sequence::{SequenceChecker, SequenceFault};
use serde_json::Value;

use super::models::Front;
use super::outcome::Outcome;

/// The reader of one event stream.
#[derive(Debug)]
pub(super) struct Check {
    front: Front,
    checker: SequenceChecker,
    /// Bytes of an event that is not whole yet.
    held: Vec<u8>,
    pub(super) progress: Progress,
}

/// How far a stream got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Events with content.
    pub(super) contents: u64,
    /// The terminal marker came.
    pub(super) complete: bool,
    /// The text is not a sequence of ours, so that only the ends can be checked.
    pub(super) unmarked: bool,
}

/// What is wrong with a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) outcome: Outcome,
    pub(super) detail: String,
}

impl Fault {
    /// A fault that is explained by `detail`.
    pub(super) fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            detail: detail.into(),
        }
    }
}

impl Check {
    /// For one stream; `id` is what its records are marked with.
    pub(super) fn new(front: Front, id: &str) -> Self {
        Self {
            front,
            checker: SequenceChecker::new(Some(id)),
            held: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// For a stream whose records name it; whose it is tells [`Check::sequence`].
    pub(super) fn of_any(front: Front) -> Self {
        Self {
            checker: SequenceChecker::new(None),
            ..Self::new(front, "")
        }
    }

    /// The name that the records of the stream carry, once one came.
    pub(super) fn sequence(&self) -> Option<&str> {
        self.checker.stream()
    }

    /// Takes bytes as they came; an `Err` is the first thing that is wrong.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.held.extend_from_slice(bytes);
        let mut held = std::mem::take(&mut self.held);
        let mut from = 0;
        while let Some((end, next)) = event_end(&held, from) {
            let event = held.get(from..end).unwrap_or_default();
            from = next;
            self.event(&String::from_utf8_lossy(event))?;
        }
        held.drain(..from);
        self.held = held;
        Ok(())
    }

    /// The body ended as its framing says.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        if !self.progress.complete {
            return Err(Fault::new(Outcome::CleanEnd, "no terminal marker"));
        }
        if self.progress.unmarked {
            return Ok(());
        }
        let finished = self.checker.finish();
        finished.map(drop).map_err(|fault| of_sequence(&fault))
    }

    fn event(&mut self, event: &str) -> Result<(), Fault> {
        let mut name = "";
        let mut data = String::new();
        for line in event.lines() {
            if let Some(value) = line.strip_prefix("event:") {
                name = value.trim();
            } else if let Some(value) = line.strip_prefix("data:") {
                data.push_str(value.trim_start());
            }
        }
        if data.is_empty() {
            return Ok(());
        }
        if self.progress.complete {
            return Err(Fault::new(
                Outcome::Reordered,
                "an event after the terminal marker",
            ));
        }
        if data == "[DONE]" {
            self.progress.complete = true;
            return Ok(());
        }
        let value: Value = serde_json::from_str(&data).map_err(|error| {
            Fault::new(Outcome::Altered, format!("{error} in {}", start(&data)))
        })?;
        if name == "error" || value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Fault::new(Outcome::InBandError, start(&data)));
        }
        let text = match self.front {
            Front::Messages => {
                self.progress.complete = value["type"] == "message_stop";
                value["delta"]["text"].as_str()
            }
            Front::Chat => value["choices"][0]["delta"]["content"].as_str(),
        };
        text.filter(|text| !text.is_empty())
            .map_or(Ok(()), |text| self.content(text))
    }

    fn content(&mut self, text: &str) -> Result<(), Fault> {
        self.progress.contents += 1;
        // Another upstream than ours sends ordinary words, and does so from the first one on.
        self.progress.unmarked |= self.progress.contents == 1 && !text.starts_with("s=");
        if self.progress.unmarked {
            return Ok(());
        }
        self.checker.push(text).map_err(|fault| of_sequence(&fault))
    }
}

/// The end of the next event after `from`, and where the one after it begins.
fn event_end(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let rest = bytes.get(from..)?;
    let lf = memchr::memmem::find(rest, b"\n\n").map(|at| (at, at + 2));
    let crlf = memchr::memmem::find(rest, b"\r\n\r\n").map(|at| (at, at + 4));
    let (end, next) = match (lf, crlf) {
        (Some(lf), Some(crlf)) => lf.min(crlf),
        (one, other) => one.or(other)?,
    };
    Some((from + end, from + next))
}

fn of_sequence(fault: &SequenceFault) -> Fault {
    let outcome = match fault {
        // A marker after half of the records is a gap at the end.
        SequenceFault::Gap { .. } | SequenceFault::Unfinished { .. } => Outcome::Gap,
        SequenceFault::Repeated { .. } | SequenceFault::AfterEnd => Outcome::Reordered,
        SequenceFault::Foreign { .. }
        | SequenceFault::Changed { .. }
        | SequenceFault::Garbage(_) => Outcome::Altered,
    };
    Fault::new(outcome, format!("{fault:?}"))
}

/// The beginning of a text, for a record that must stay small.
fn start(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_testkit::sequence::SequenceWriter;

    fn chat(text: &str) -> String {
        let data = serde_json::json!({"choices": [{"delta": {"content": text}}]});
        format!("data: {data}\n\n")
    }

    /// Five records and the marker.
    fn stream() -> Vec<String> {
        let mut writer = SequenceWriter::new("7");
        let mut events: Vec<_> = (0..4).map(|_| chat(&writer.record(40))).collect();
        events.push(chat(&writer.end()));
        events.push("data: [DONE]\n\n".to_owned());
        events
    }

    fn judge(events: &[String]) -> Result<(), Outcome> {
        let mut check = Check::new(Front::Chat, "7");
        for event in events {
            check
                .bytes(event.as_bytes())
                .map_err(|fault| fault.outcome)?;
        }
        check.finish().map_err(|fault| fault.outcome)
    }

    #[test]
    fn a_whole_stream_is_complete_however_it_is_cut() {
        assert_eq!(judge(&stream()), Ok(()));
        let bytes = stream().concat();
        for size in [1, 7, 100] {
            let mut check = Check::new(Front::Chat, "7");
            for piece in bytes.as_bytes().chunks(size) {
                check.bytes(piece).unwrap();
            }
            assert_eq!(check.finish(), Ok(()));
            assert_eq!(check.progress.contents, 5);
        }
    }

    #[test]
    fn a_lost_event_is_a_gap() {
        let mut events = stream();
        events.remove(2);
        assert_eq!(judge(&events), Err(Outcome::Gap));
    }

    #[test]
    fn an_event_that_comes_again_is_out_of_order() {
        let mut events = stream();
        let again = events[1].clone();
        events.insert(2, again);
        assert_eq!(judge(&events), Err(Outcome::Reordered));
    }

    #[test]
    fn a_changed_event_is_seen() {
        let mut events = stream();
        events[1] = events[1].replacen("..", ".x", 1);
        assert_eq!(judge(&events), Err(Outcome::Altered));
    }

    #[test]
    fn a_clean_end_without_marker_is_no_success() {
        let mut events = stream();
        events.pop();
        assert_eq!(judge(&events), Err(Outcome::CleanEnd));
    }

    #[test]
    fn a_marker_after_half_of_the_records_is_a_gap() {
        let mut events = stream();
        events.drain(2..5);
        assert_eq!(judge(&events), Err(Outcome::Gap));
    }

    #[test]
    fn errors_in_both_dialects_are_seen() {
        let openai = vec!["data: {\"error\":{\"message\":\"gone\"}}\n\n".to_owned()];
        assert_eq!(judge(&openai), Err(Outcome::InBandError));
        let anthropic = "event: error\ndata: {\"type\":\"error\",\"error\":{}}\n\n";
        let mut check = Check::new(Front::Messages, "7");
        assert_eq!(
            check.bytes(anthropic.as_bytes()).unwrap_err().outcome,
            Outcome::InBandError
        );
    }

    #[test]
    fn heartbeats_are_no_content() {
        let mut check = Check::new(Front::Messages, "7");
        check
            .bytes(b": beat\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n")
            .unwrap();
        assert_eq!(check.progress, Progress::default());
    }

    #[test]
    fn words_of_another_upstream_are_counted_but_not_checked() {
        let events = [
            chat("Hello"),
            chat(" there"),
            "data: [DONE]\r\n\r\n".to_owned(),
        ];
        assert_eq!(judge(&events), Ok(()));
    }
}
