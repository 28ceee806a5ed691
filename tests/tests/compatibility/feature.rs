//! What is tried: what a client asks for, what the model says to it, and how that is called on the page.

/// One line of the page's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Feature {
    Text,
    Stream,
    System,
    LateSystem,
    Turns,
    Image,
    File,
    Audio,
    Tool,
    ToolStream,
    Parallel,
    ParallelStream,
    Result,
    ImageResult,
    Failure,
    LongName,
    Choice,
    OneCall,
    Search,
    Schema,
    Thinking,
    ThinkingStream,
    Signature,
    MaxTokens,
    Temperature,
    TopK,
    Seed,
    Choices,
    Logprobs,
    Stop,
    Stopped,
    Length,
    Filtered,
    Cached,
    CacheMarker,
    User,
    Tier,
    Limited,
    Overloaded,
    TooLong,
    Unknown,
    Denied,
    Broken,
    Count,
    Embeddings,
}

/// Everything, in the order of the page.
#[rustfmt::skip] // One feature, one line.
pub(crate) const FEATURES: &[(Feature, &str)] = &[
    (Feature::Text, "text; the model's name is the client's"),
    (Feature::Stream, "stream, event by event"),
    (Feature::System, "system message"),
    (Feature::LateSystem, "system message in the middle"),
    (Feature::Turns, "several turns"),
    (Feature::Image, "image"),
    (Feature::File, "PDF"),
    (Feature::Audio, "audio"),
    (Feature::Tool, "tool call"),
    (Feature::ToolStream, "tool call, streamed"),
    (Feature::Parallel, "text, then two calls at once"),
    (Feature::ParallelStream, "the same, streamed"),
    (Feature::Result, "tool's result"),
    (Feature::ImageResult, "image in a tool's result"),
    (Feature::Failure, "tool's failure"),
    (Feature::LongName, "a tool's name that the provider does not take"),
    (Feature::Choice, "this tool and no other"),
    (Feature::OneCall, "one call at a time"),
    (Feature::Search, "the provider searches the web"),
    (Feature::Schema, "answer by JSON Schema"),
    (Feature::Thinking, "thinking"),
    (Feature::ThinkingStream, "thinking, streamed"),
    (Feature::Signature, "thinking goes back, signed"),
    (Feature::MaxTokens, "longest answer"),
    (Feature::Temperature, "temperature"),
    (Feature::TopK, "`top_k`"),
    (Feature::Seed, "seed"),
    (Feature::Choices, "two answers (`n`)"),
    (Feature::Logprobs, "log probabilities"),
    (Feature::Stop, "stop sequences"),
    (Feature::Stopped, "the stop sequence that was found"),
    (Feature::Length, "end: token limit"),
    (Feature::Filtered, "end: refused by the provider"),
    (Feature::Cached, "usage with cached tokens"),
    (Feature::CacheMarker, "cache markers"),
    (Feature::User, "user's id"),
    (Feature::Tier, "service tier"),
    (Feature::Limited, "rate limit: 429 with `retry-after`"),
    (Feature::Overloaded, "overload before a stream begins: a status"),
    (Feature::TooLong, "context window: the dialect's own error"),
    (Feature::Unknown, "no such model at the provider: 404"),
    (Feature::Denied, "the provider refuses its key: 401 or 403"),
    (Feature::Broken, "a stream that breaks off: an error event"),
    (Feature::Count, "token count"),
    (Feature::Embeddings, "embeddings"),
];

/// What the model says, in no dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    /// Thoughts, if it is to have some.
    pub(crate) thought: Option<&'static str>,
    /// The text, in the pieces of a stream.
    pub(crate) text: &'static [&'static str],
    /// Ids and arguments of calls of `weather`.
    pub(crate) calls: &'static [(&'static str, &'static str)],
    /// Why it ends.
    pub(crate) end: End,
    /// Tokens of the input that came from a cache; they are among the input's.
    pub(crate) cached: u64,
}

/// Why an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Stop,
    /// With the stop sequence, where a dialect tells it.
    Sequence,
    Calls,
    Length,
    Filter,
}

impl Feature {
    /// Whether the client asks for a stream.
    pub(crate) fn streams(self) -> bool {
        matches!(
            self,
            Self::Stream
                | Self::ToolStream
                | Self::ParallelStream
                | Self::ThinkingStream
                | Self::Overloaded
                | Self::Broken
        )
    }

    /// What is asked for apart from streaming.
    pub(crate) fn plain(self) -> Self {
        match self {
            Self::ToolStream | Self::LongName => Self::Tool,
            Self::ParallelStream => Self::Parallel,
            Self::ThinkingStream => Self::Thinking,
            other => other,
        }
    }

    /// What the model says to it.
    pub(crate) fn said(self) -> Said {
        let said = Said {
            thought: None,
            text: &["Good ", "morning ", "to you."],
            calls: &[],
            end: End::Stop,
            cached: 0,
        };
        match self.plain() {
            Self::Tool | Self::Choice | Self::OneCall => Said {
                text: &[],
                calls: &[PARIS],
                end: End::Calls,
                ..said
            },
            Self::Parallel => Said {
                calls: &[PARIS, OSLO],
                end: End::Calls,
                ..said
            },
            Self::Signature => Said {
                thought: Some(THOUGHT),
                text: &[],
                calls: &[PARIS],
                end: End::Calls,
                ..said
            },
            Self::Thinking => Said {
                thought: Some(THOUGHT),
                ..said
            },
            Self::Schema => Said {
                text: &["{\"city\":", "\"Paris\"}"],
                ..said
            },
            Self::Stopped => Said {
                end: End::Sequence,
                ..said
            },
            Self::Length => Said {
                end: End::Length,
                ..said
            },
            Self::Filtered => Said {
                end: End::Filter,
                ..said
            },
            Self::Cached => Said { cached: 3, ..said },
            _ => said,
        }
    }
}

impl Said {
    /// The whole text.
    pub(crate) fn whole(&self) -> String {
        self.text.concat()
    }

    /// The arguments of the calls.
    pub(crate) fn called(&self) -> Vec<serde_json::Value> {
        let texts = self.calls.iter().map(|(_, text)| text);
        texts
            .map(|text| serde_json::from_str(text).unwrap())
            .collect()
    }
}

const PARIS: (&str, &str) = ("call_1", "{\"city\":\"Paris\"}");
const OSLO: (&str, &str) = ("call_2", "{\"city\":\"Oslo\"}");
pub(crate) const THOUGHT: &str = "They want the weather.";
/// Base64, because some providers insist on it.
pub(crate) const SIGNATURE: &str = "c2lnbmVkLWJ5LXRoZS1wcm92aWRlcg==";
pub(crate) const INPUT: u64 = 11;
pub(crate) const OUTPUT: u64 = 7;
/// One black pixel.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABc3UBGAAAAABJRU5ErkJggg==";
pub(crate) const PDF: &str = "JVBERi0xLjQKJSVFT0YK";
pub(crate) const WAV: &str = "UklGRiQAAABXQVZFZm10IA==";
pub(crate) const SYSTEM: &str = "Be brief, please.";
pub(crate) const EARLIER: &str = "An earlier question";
pub(crate) const ANSWERED: &str = "An earlier answer";
pub(crate) const RESULT: &str = "It has 21 degrees";
pub(crate) const FAILURE: &str = "no such city";
pub(crate) const END: &str = "THE-END";
pub(crate) const USER: &str = "user-81f5";
/// Longer than any provider takes, and with letters that none takes.
pub(crate) const LONG_NAME: &str = "mcp/a server with a long name/a tool whose name is not one that any \
    provider takes, not even the one who takes the most of all, which is Google with its hundred and twenty-eight";
