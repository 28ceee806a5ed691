//! Streams of every dialect, cut at every byte, split at random, ended in every way.

use std::borrow::Cow;

use bytes::Bytes;
use fastrand::Rng;
use serde_json::Value;

use super::*;

mod stories;
mod translated;

/// A stream as a provider sends it, with everything that makes cutting it delicate.
struct Story {
    dialect: Dialect,
    choices: Option<u64>,
    text: String,
}

/// How the bytes of a cut stream end.
#[derive(Clone, Copy, Debug)]
enum Way {
    Clean,
    Reset,
    /// Something else follows, then a clean end.
    More,
}

/// What a client gets of a stream.
#[derive(Debug, Default, PartialEq)]
struct Told {
    forwarded: String,
    events: u64,
    content: bool,
    /// `None`: it was told of a failure.
    rest: Option<String>,
}

#[test]
fn no_cut_stream_is_ever_complete_and_every_whole_one_is() {
    let mut rng = Rng::with_seed(0x5eed_0003);
    let (mut cuts, mut complete, mut broken) = (0_u32, 0_u32, 0_u32);
    for story in stories() {
        let whole = expected(&story, story.text.as_bytes(), Way::Clean);
        assert!(whole.rest.is_some() != story.text.contains("\"error\""));
        for cut in 0..=story.text.len() {
            for way in [Way::Clean, Way::Reset, Way::More] {
                let mut bytes = story.text.as_bytes()[..cut].to_vec();
                if let Way::More = way {
                    bytes.extend_from_slice(BEHIND);
                }
                let mut expected = expected(&story, &bytes, way);
                // Quick looks may take a broken event for content, but they do so however it was split.
                expected.content = told(&story, &bytes, way, bytes.len(), &mut rng).content;
                for _ in 0..SPLITS {
                    let longest = 1 + rng.usize(..120);
                    let told = told(&story, &bytes, way, longest, &mut rng);
                    assert_eq!(told, expected, "{way:?} after {:?}", text(&bytes));
                    cuts += 1;
                }
                *if expected.rest.is_some() {
                    &mut complete
                } else {
                    &mut broken
                } += 1;
            }
        }
    }
    assert!(cuts >= 100_000, "{cuts}");
    assert!(complete > 100 && broken > 1_000, "{complete} {broken}");
}

#[test]
fn half_of_the_last_event_is_not_completed_by_the_end() {
    for half in ["event: message_stop\n", "event: content_block_delta\n"] {
        let mut judge = judge_of(Dialect::AnthropicMessages, None, LIMIT);
        let read = judge.read(Bytes::from_static(half.as_bytes()));
        assert!(read.ready.is_empty() && read.ending.is_none());
        let end = judge.end(End::Clean);
        assert!(end.ready.is_empty() && end.events == 0, "{half}");
        assert!(
            matches!(end.ending, Some(Ending::Broken { reason, .. }) if reason == EndReason::Truncated)
        );
    }
}

#[test]
fn an_event_over_the_limit_breaks_the_stream_behind_what_came_before() {
    let mut judge = judge_of(Dialect::OpenAiChat, None, 64);
    let long = format!("data: {{}}\n\ndata: {}", "x".repeat(80));
    let read = judge.read(Bytes::from(long));
    assert_eq!(read.ready, "data: {}\n\n");
    assert!(
        matches!(read.ending, Some(Ending::Broken { reason, .. }) if reason == EndReason::Malformed)
    );
}

fn judge_of(dialect: Dialect, choices: Option<u64>, limit: usize) -> Judge {
    Judge::new(
        dialect,
        Framing::EventStream,
        choices,
        Passage::verbatim(),
        limit,
    )
}

/// What the judge says of `bytes`, split at random into pieces of at most `longest`.
fn told(story: &Story, bytes: &[u8], way: Way, longest: usize, rng: &mut Rng) -> Told {
    let mut judge = judge_of(story.dialect, story.choices, LIMIT);
    tell(&mut judge, bytes, way, longest, rng)
}

fn tell(judge: &mut Judge, bytes: &[u8], way: Way, longest: usize, rng: &mut Rng) -> Told {
    let mut told = Told::default();
    let mut rest = Bytes::copy_from_slice(bytes);
    while !rest.is_empty() {
        let piece = rest.split_to(rng.usize(1..=longest).min(rest.len()));
        if told.take(judge.read(piece)) {
            return told;
        }
    }
    let lost = BodyError::Truncated(None);
    let over = told.take(judge.end(match way {
        Way::Reset => End::Lost(&lost),
        Way::Clean | Way::More => End::Clean,
    }));
    assert!(over, "an end ends");
    told
}

impl Told {
    fn take(&mut self, batch: Batch) -> bool {
        self.forwarded.push_str(&text(&batch.ready));
        self.events += batch.events;
        self.content |= batch.content;
        match batch.ending {
            Some(Ending::Complete { rest }) => self.rest = Some(text(&rest).into_owned()),
            Some(Ending::Broken { .. }) => self.rest = None,
            None => return false,
        }
        true
    }
}

/// The same, said by the rules and not by the code under test: over the whole text, event by event.
fn expected(story: &Story, bytes: &[u8], way: Way) -> Told {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let text = text(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let mut told = Told::default();
    let mut finished = Vec::new();
    for piece in text.split_inclusive("\n\n") {
        let whole = piece.ends_with("\n\n");
        // Only a clean end can stand in for the blank line of a last event.
        let ends_line = piece.ends_with('\n') && !matches!(way, Way::Reset);
        if !whole && !ends_line {
            break;
        }
        let said = Said::of(story.dialect, piece);
        if said == Said::Error || piece.contains(char::REPLACEMENT_CHARACTER) {
            return told;
        }
        if let Said::Finish(index) = said {
            finished.push(index);
        }
        let complete = said == Said::Marker || is_finished(story, &finished);
        if !whole && (!complete || said == Said::Nothing) {
            break;
        }
        told.forwarded.push_str(piece);
        if !whole {
            told.forwarded.push('\n');
        }
        told.events += 1;
        if said == Said::Marker {
            told.rest = Some(String::new());
            return told;
        }
    }
    if !matches!(way, Way::Reset) && is_finished(story, &finished) {
        told.rest = Some("data: [DONE]\n\n".to_owned());
    }
    told
}

fn is_finished(story: &Story, finished: &[u64]) -> bool {
    let wanted = story.choices.unwrap_or(1);
    story.dialect != Dialect::AnthropicMessages && (0..wanted).all(|it| finished.contains(&it))
}

/// What an event says, as a client would read it.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Content,
    /// The choice with this index is finished.
    Finish(u64),
    Marker,
    Error,
    Other,
    /// It cannot be read.
    Nothing,
}

impl Said {
    fn of(dialect: Dialect, event: &str) -> Self {
        let field = |name: &str| {
            let values = event.lines().filter_map(|line| line.strip_prefix(name));
            values.map(str::trim).collect::<Vec<_>>().join("\n")
        };
        let data = field("data:");
        if data == "[DONE]" {
            return Self::Marker;
        }
        if field("event:") == "error" {
            return Self::Error;
        }
        let Ok(json) = serde_json::from_str::<Value>(&data) else {
            return Self::Nothing;
        };
        if json.get("error").is_some() {
            return Self::Error;
        }
        if dialect == Dialect::AnthropicMessages {
            return match (&*field("event:"), json.pointer("/delta/text")) {
                ("message_stop", _) => Self::Marker,
                ("content_block_delta", Some(_)) => Self::Content,
                _ => Self::Other,
            };
        }
        let Some(choice) = json.pointer("/choices/0") else {
            return Self::Other;
        };
        match choice["finish_reason"].as_str() {
            Some(_) => Self::Finish(choice["index"].as_u64().unwrap()),
            None if choice["text"].is_string() => Self::Content,
            None if choice["delta"]["content"].is_string() => Self::Content,
            None => Self::Other,
        }
    }
}

fn stories() -> Vec<Story> {
    let story = |dialect, choices, text: &str| Story {
        dialect,
        choices,
        text: text.to_owned(),
    };
    let (chat, completions) = (Dialect::OpenAiChat, Dialect::OpenAiCompletions);
    let anthropic = Dialect::AnthropicMessages;
    let unmarked = CHAT.replace("data: [DONE]\n\n", "");
    vec![
        story(chat, None, CHAT),
        story(chat, None, &unmarked),
        story(chat, Some(2), &TWO.replace("data: [DONE]\n\n", "")),
        story(chat, Some(2), TWO),
        story(completions, None, COMPLETIONS),
        story(anthropic, None, ANTHROPIC),
        story(anthropic, None, &ANTHROPIC.replace('\n', "\r\n")),
        story(chat, None, &format!("\u{feff}{}", CHAT.replace('\n', "\r"))),
        story(chat, None, CHAT_FAILS),
        story(anthropic, None, ANTHROPIC_FAILS),
    ]
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

const LIMIT: usize = 4096;
/// Ways in which each cut stream is split.
const SPLITS: usize = 14;
const BOM: &[u8] = "\u{feff}".as_bytes();
/// What comes behind a cut, or behind an end.
const BEHIND: &[u8] = b"data: {\"behind\":1}\n\nevent: more\ndata: {\"behind\":2}\n\n";

const CHAT: &str = "\
: OPENROUTER\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"na\u{ef}ve \\n\\n\u{1f600}\"}}]}\n\n\
data: {\"choices\":[{\"index\":0,\n\
data: \"delta\":{\"content\":\"two\"}}]}\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n\
data: [DONE]\n\n";

const TWO: &str = "\
data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n\
data: {\"choices\":[{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
data: [DONE]\n\n";

const COMPLETIONS: &str = "\
data: {\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"once\"}]}\n\n\
data: {\"choices\":[{\"index\":0,\"text\":\" upon\",\"finish_reason\":\"stop\"}]}\n\n\
data: [DONE]\n\n";

const ANTHROPIC: &str = "\
event: message_start\n\
data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3}}}\n\n\
event: ping\ndata: {\"type\":\"ping\"}\n\n\
event: content_block_delta\n\
data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"h\u{e9}\"}}\n\n\
event: message_delta\n\
data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const CHAT_FAILS: &str = "\
data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\n\
data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n\
data: [DONE]\n\n";

const ANTHROPIC_FAILS: &str = "\
event: content_block_delta\n\
data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"half\"}}\n\n\
event: error\n\
data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
