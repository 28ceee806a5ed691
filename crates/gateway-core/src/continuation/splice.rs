//! Turns the events of a continuation into events of the stream that it continues.

use std::borrow::Cow;

use super::{Collected, Format, Said, TextCollector, anthropic, openai};
use crate::sse::Event;

/// Between a continuation and the client: the preamble goes, white space that the client has already goes, the text is
/// added to the text that was, and there is one end.
///
/// The continuation itself is to be observed as any stream: whether it failed, is malformed, or is complete is not told
/// here, and an error event comes out as it came in.
#[derive(Debug)]
pub struct Splicer {
    collector: TextCollector,
    /// White space at the end of the text that the model is going to write again.
    overlap: String,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// Nothing of the answer has come.
    Preamble,
    /// Inside the answer. Anthropic's index of a block: `from` is the continuation's first, which the client knows as
    /// `to`, and which is the one that was open if `joined`.
    Answer { from: u64, to: u64, joined: bool },
    /// The terminal marker was passed on.
    End,
}

impl Splicer {
    pub(super) fn new(collector: TextCollector) -> Self {
        let text = collector.text.as_str();
        let overlap = text.strip_prefix(text.trim_end()).unwrap_or_default();
        Self {
            overlap: overlap.to_owned(),
            place: Place::Preamble,
            collector,
        }
    }

    /// What goes to the client in place of this event; nothing if it is empty. What it holds is whole events.
    pub fn event<'e>(&mut self, event: &Event<'e>) -> Cow<'e, [u8]> {
        if let Place::End = self.place {
            return Cow::Borrowed(b"");
        }
        let raw = Cow::Borrowed(event.raw());
        if !event.has_data() {
            return raw;
        }
        let data = event.data();
        let spliced = match self.collector.format {
            Format::OpenAi(_) => openai::read(&data).map(|chunk| self.chunk(&data, &chunk)),
            Format::Anthropic(_) => {
                anthropic::read(event.name(), &data).map(|frame| self.frame(&data, &frame))
            }
            Format::Other => None,
        };
        match spliced {
            Some(Spliced::Dropped) => Cow::Borrowed(b""),
            Some(Spliced::Changed(bytes)) => Cow::Owned(bytes),
            Some(Spliced::AsItIs) => raw,
            Some(Spliced::After(before)) => Cow::Owned([&before, event.raw()].concat()),
            None => {
                self.collector.give_up("an event cannot be read");
                raw
            }
        }
    }

    /// The text of both streams, or why it cannot be continued once more.
    pub fn collected(&self) -> Collected<'_> {
        self.collector.collected()
    }

    /// Ends this stream too: what follows is another continuation.
    pub fn into_collector(self) -> TextCollector {
        self.collector
    }

    fn chunk(&mut self, data: &str, chunk: &openai::Chunk<'_>) -> Spliced {
        if chunk.is_marker {
            self.place = Place::End;
            self.collector.take(Said::End(String::new()));
            return Spliced::AsItIs;
        }
        let said = chunk.said();
        let text = self.without_overlap(chunk.text());
        let (is_empty, said) = match said {
            Said::Nothing => (matches!(self.place, Place::Preamble), said),
            Said::Text(_) => (text.is_empty(), Said::Text(text.to_owned())),
            Said::End(_) => (false, Said::End(text.to_owned())),
            Said::Else(_) => (false, said),
        };
        if !matches!(said, Said::Nothing) {
            self.place = ANSWER;
        }
        self.collector.take(said);
        if is_empty && !chunk.has_usage() {
            return Spliced::Dropped;
        }
        let Format::OpenAi(head) = &self.collector.format else {
            return Spliced::AsItIs;
        };
        head.adopt(data, chunk, text).into()
    }

    fn frame(&mut self, data: &str, frame: &anthropic::Frame<'_>) -> Spliced {
        let Format::Anthropic(block) = &self.collector.format else {
            return Spliced::AsItIs;
        };
        let open = block.index();
        match (frame.kind(), self.place) {
            ("message_start", Place::Preamble) => Spliced::Dropped,
            ("content_block_start", Place::Preamble) => self.first_block(data, frame, open),
            ("content_block_start" | "content_block_delta" | "content_block_stop", _) => {
                self.part_of_block(data, frame)
            }
            ("message_delta" | "message_stop", place) => {
                self.place = match frame.kind() {
                    "message_stop" => Place::End,
                    _ => ANSWER,
                };
                self.collector.take(Said::End(String::new()));
                // The model had nothing to add: the open block ends here.
                match (place, open) {
                    (Place::Preamble, Some(index)) => Spliced::After(anthropic::block_stop(index)),
                    _ => Spliced::AsItIs,
                }
            }
            _ => Spliced::AsItIs,
        }
    }

    fn first_block(
        &mut self,
        data: &str,
        frame: &anthropic::Frame<'_>,
        open: Option<u64>,
    ) -> Spliced {
        let from = frame.index();
        let Some(open) = open else {
            self.place = Place::Answer {
                from,
                to: from,
                joined: false,
            };
            self.follow(frame);
            return Spliced::AsItIs;
        };
        if let Some(text) = frame.text() {
            self.place = Place::Answer {
                from,
                to: open,
                joined: true,
            };
            let text = self.without_overlap(text);
            self.collector.add(text);
            return if text.is_empty() {
                Spliced::Dropped
            } else {
                Spliced::Changed(anthropic::text_delta(open, text))
            };
        }
        let to = open.saturating_add(1);
        self.place = Place::Answer {
            from,
            to,
            joined: false,
        };
        self.follow(frame);
        match anthropic::adopt(data, frame.kind(), to, None) {
            Some(start) => Spliced::Changed([anthropic::block_stop(open), start].concat()),
            None => Spliced::After(anthropic::block_stop(open)),
        }
    }

    fn part_of_block(&mut self, data: &str, frame: &anthropic::Frame<'_>) -> Spliced {
        let Place::Answer { from, to, joined } = self.place else {
            // Without a beginning it is no stream of the dialect, which its observer may overlook.
            return Spliced::AsItIs;
        };
        let index = frame.index().saturating_sub(from).saturating_add(to);
        let is_joined = joined && frame.index() == from && frame.kind() == "content_block_delta";
        let (Some(text), true) = (frame.text(), is_joined) else {
            self.follow(frame);
            return if index == frame.index() {
                Spliced::AsItIs
            } else {
                anthropic::adopt(data, frame.kind(), index, None).into()
            };
        };
        let rest = self.without_overlap(text);
        self.collector.add(rest);
        if rest == text && index == from {
            Spliced::AsItIs
        } else if rest.is_empty() && !text.is_empty() {
            Spliced::Dropped
        } else {
            anthropic::adopt(data, frame.kind(), index, Some(rest)).into()
        }
    }

    fn follow(&mut self, frame: &anthropic::Frame<'_>) {
        if let Format::Anthropic(block) = &mut self.collector.format {
            let said = block.follow(frame);
            self.collector.take(said);
        }
    }

    /// What of the text the client does not have yet.
    fn without_overlap<'t>(&mut self, text: &'t str) -> &'t str {
        let common = (self.overlap.chars().zip(text.chars()))
            .take_while(|(had, came)| had == came)
            .map(|(had, _)| had.len_utf8())
            .sum();
        if common == text.len() {
            self.overlap.drain(..common);
        } else {
            self.overlap.clear();
        }
        text.split_at(common).1
    }
}

/// What becomes of an event.
enum Spliced {
    Dropped,
    AsItIs,
    /// This in its place.
    Changed(Vec<u8>),
    /// As it is, after this.
    After(Vec<u8>),
}

impl From<Option<Vec<u8>>> for Spliced {
    /// What cannot be edited is as good as it is.
    fn from(changed: Option<Vec<u8>>) -> Self {
        changed.map_or(Self::AsItIs, Self::Changed)
    }
}

/// Where no index needs to be changed.
const ANSWER: Place = Place::Answer {
    from: 0,
    to: 0,
    joined: false,
};
