//! What a client asks for.

use serde_json::Number;

use super::{CacheMarker, Json, Message};
use crate::dialect::Dialect;
use crate::envelope::Envelope;
use crate::translate::TranslateError;

/// A request for a chat.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The model as the reader of the request names it.
    pub model: String,
    /// The answer shall come as a stream.
    pub stream: bool,
    /// Everything that was said, system messages among it, in order.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// How it shall answer.
    pub parameters: Parameters,
    /// Fields of the client's request that have no place above.
    pub other: Vec<Other>,
}

/// How an answer shall be made. `None` is the provider's default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    /// The longest answer in tokens, thoughts included.
    pub max_tokens: Option<u64>,
    /// Randomness.
    pub temperature: Option<Number>,
    /// Nucleus sampling.
    pub top_p: Option<Number>,
    /// The number of candidates for each token.
    pub top_k: Option<Number>,
    /// Against words that stood often.
    pub frequency_penalty: Option<Number>,
    /// Against words that stood at all.
    pub presence_penalty: Option<Number>,
    /// For the same answer again.
    pub seed: Option<Number>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How many answers: OpenAI's `n`.
    pub choices: Option<u64>,
    /// Whether to tell the tokens' probabilities.
    pub logprobs: Option<bool>,
    /// And of how many alternatives.
    pub top_logprobs: Option<u64>,
    /// Tokens to prefer or avoid, in OpenAI's shape.
    pub logit_bias: Option<Json>,
    /// The form of the answer.
    pub format: Option<Format>,
    /// How much to think.
    pub reasoning: Option<Reasoning>,
    /// OpenAI's `verbosity`: `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// Who asks, by an opaque name.
    pub user: Option<String>,
    /// The client's own labels: an object.
    pub metadata: Option<Json>,
    /// `auto`, `default`, `flex`, `priority`, `standard_only`, …
    pub service_tier: Option<String>,
    /// Whether the provider keeps the answer.
    pub store: Option<bool>,
    /// The answer to go on from, which the provider kept.
    pub previous_response: Option<String>,
    /// What routes requests to the same cache.
    pub prompt_cache_key: Option<String>,
    /// Whether a stream shall end with its usage (OpenAI's `stream_options.include_usage`).
    pub usage_in_stream: Option<bool>,
    /// Output modalities, in OpenAI's shape.
    pub modalities: Option<Json>,
    /// Voice and format of spoken output, in OpenAI's shape.
    pub audio: Option<Json>,
    /// OpenAI's predicted output.
    pub prediction: Option<Json>,
    /// A search of the web by the provider, in the shape of OpenAI's `web_search_options`.
    pub web_search: Option<Json>,
}

/// The form of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Any text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits this schema.
    JsonSchema {
        /// A name for it.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Json,
        /// Whether the answer must fit exactly.
        strict: Option<bool>,
    },
}

/// How much to think.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reasoning {
    /// Off, on, or as the model likes; `None` is not said.
    pub mode: Option<ReasoningMode>,
    /// In words.
    pub effort: Option<Effort>,
    /// In tokens.
    pub budget: Option<u64>,
    /// Whether and how to tell the thoughts: OpenAI's `summary` (`auto`, `concise`, `detailed`), Anthropic's `display`.
    pub summary: Option<String>,
}

/// Whether to think at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningMode {
    /// Not at all.
    Off,
    /// Yes.
    On,
    /// As the model likes.
    Adaptive,
}

/// How much to think, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
    Max,
}

/// What the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name; for tools of a provider the provider's.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What kind it is.
    pub kind: ToolKind,
    /// The tools up to here shall be cached.
    pub cache: Option<CacheMarker>,
}

/// What kind of tool it is.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolKind {
    /// The client runs it, with arguments that fit a JSON Schema.
    Function {
        /// The schema; `None` takes no arguments.
        parameters: Option<Json>,
        /// Whether the arguments must fit exactly.
        strict: Option<bool>,
    },
    /// The client runs it, with free text.
    Custom {
        /// The grammar of the text, in OpenAI's shape.
        format: Option<Json>,
    },
    /// The provider runs it.
    Hosted {
        /// Whose it is.
        dialect: Dialect,
        /// As it was written.
        json: Json,
    },
}

/// Whether the model must call a tool.
#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// It must not.
    None,
    /// It must call one or more.
    Required,
    /// It must call this one.
    Named(String),
    /// One of these.
    Allowed {
        /// Whether it must.
        required: bool,
        /// Their names.
        names: Vec<String>,
    },
}

/// A field that has no place in the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// Its key in the client's request.
    pub name: String,
    /// Its value.
    pub value: Json,
    /// What it means if it cannot be passed on.
    pub weight: Weight,
}

/// What it means that something of a request could not be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The answer would be another one.
    Parameter,
    /// The answer is as good: a label, a hint for caches.
    Hint,
}

impl Effort {
    /// Every effort, least first.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::XHigh,
        Self::Max,
    ];

    /// The word for it on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort that a word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

impl Request {
    /// Reads parameters that have OpenAI's names, without a chat around them: what an operator wants for every call.
    ///
    /// # Errors
    /// One of them is not what OpenAI means by its name.
    pub fn of_parameters(parameters: &Envelope) -> Result<Self, TranslateError> {
        crate::dialect::read_parameters(parameters)
    }

    /// Takes over what `defaults` says where this request says nothing.
    pub fn fill(&mut self, defaults: &Self) {
        let theirs = defaults.parameters.clone();
        let own = std::mem::take(&mut self.parameters);
        self.parameters = own.or(theirs);
        if self.tools.is_empty() {
            self.tools.clone_from(&defaults.tools);
        }
        self.tool_choice = self
            .tool_choice
            .take()
            .or_else(|| defaults.tool_choice.clone());
        self.parallel_tool_calls = self.parallel_tool_calls.or(defaults.parallel_tool_calls);
        for other in &defaults.other {
            if !self.other.iter().any(|own| own.name == other.name) {
                self.other.push(other.clone());
            }
        }
    }
}

impl Parameters {
    /// These, and what `defaults` says where they say nothing.
    #[must_use]
    fn or(self, defaults: Self) -> Self {
        Self {
            max_tokens: self.max_tokens.or(defaults.max_tokens),
            temperature: self.temperature.or(defaults.temperature),
            top_p: self.top_p.or(defaults.top_p),
            top_k: self.top_k.or(defaults.top_k),
            frequency_penalty: self.frequency_penalty.or(defaults.frequency_penalty),
            presence_penalty: self.presence_penalty.or(defaults.presence_penalty),
            seed: self.seed.or(defaults.seed),
            stop: if self.stop.is_empty() {
                defaults.stop
            } else {
                self.stop
            },
            choices: self.choices.or(defaults.choices),
            logprobs: self.logprobs.or(defaults.logprobs),
            top_logprobs: self.top_logprobs.or(defaults.top_logprobs),
            logit_bias: self.logit_bias.or(defaults.logit_bias),
            format: self.format.or(defaults.format),
            reasoning: self.reasoning.or(defaults.reasoning),
            verbosity: self.verbosity.or(defaults.verbosity),
            user: self.user.or(defaults.user),
            metadata: self.metadata.or(defaults.metadata),
            service_tier: self.service_tier.or(defaults.service_tier),
            store: self.store.or(defaults.store),
            previous_response: self.previous_response.or(defaults.previous_response),
            prompt_cache_key: self.prompt_cache_key.or(defaults.prompt_cache_key),
            usage_in_stream: self.usage_in_stream.or(defaults.usage_in_stream),
            modalities: self.modalities.or(defaults.modalities),
            audio: self.audio.or(defaults.audio),
            prediction: self.prediction.or(defaults.prediction),
            web_search: self.web_search.or(defaults.web_search),
        }
    }
}
