//! What a model answers, piece by piece.

use std::borrow::Cow;

use super::{Finish, Json, Signature};
use crate::dialect::Dialect;
use crate::usage::Usage;

/// One step of a stream.
///
/// A stream is: [`Delta::Begin`] once; then, for each choice, parts that open, get pieces and close, and one
/// [`Delta::Finish`]. Parts of a choice are numbered from 0 in the order in which they open, and may overlap.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta<'a> {
    /// The first one.
    Begin {
        /// The provider's id.
        id: Option<Cow<'a, str>>,
        /// The provider's name of the model.
        model: Option<Cow<'a, str>>,
        /// When it was made, in seconds of Unix time.
        created: Option<u64>,
    },
    /// A part begins.
    Open {
        /// The choice, from 0.
        choice: u32,
        /// The part, from 0.
        part: u32,
        /// What it is.
        opened: Opened<'a>,
    },
    /// More of a part: text, thoughts, words of a refusal, JSON text of a tool call's arguments.
    Piece {
        /// The choice.
        choice: u32,
        /// The part.
        part: u32,
        /// What is added.
        text: Cow<'a, str>,
    },
    /// The maker's proof of a part.
    Signature {
        /// The choice.
        choice: u32,
        /// The part.
        part: u32,
        /// The proof.
        signature: Signature,
    },
    /// Where a text comes from.
    Citation {
        /// The choice.
        choice: u32,
        /// The part.
        part: u32,
        /// Whose shape it has.
        dialect: Dialect,
        /// As it was written.
        json: Json,
    },
    /// A part is whole.
    Close {
        /// The choice.
        choice: u32,
        /// The part.
        part: u32,
    },
    /// Probabilities of the tokens that came last, in OpenAI's shape.
    Logprobs {
        /// The choice.
        choice: u32,
        /// As OpenAI writes it.
        json: Json,
    },
    /// A choice has ended.
    Finish {
        /// The choice.
        choice: u32,
        /// Why.
        finish: Finish,
    },
    /// What it cost, as far as it is known; later figures replace earlier ones. The input counts what came from a cache
    /// and what went into one.
    Usage(Usage),
    /// The tier that serves it.
    ServiceTier(Cow<'a, str>),
}

/// What kind of part begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened<'a> {
    /// Text.
    Text,
    /// What the model thinks.
    Thinking {
        /// The id of the item, where the dialect has one.
        id: Option<Cow<'a, str>>,
    },
    /// Thoughts that only their maker can read. No pieces follow.
    RedactedThinking {
        /// The encrypted form.
        signature: Signature,
    },
    /// A tool call; its arguments follow.
    ToolCall {
        /// What links the call with its result.
        id: Cow<'a, str>,
        /// The tool.
        name: Cow<'a, str>,
        /// Its arguments are free text.
        custom: bool,
        /// Gemini signs calls; said here, because clients of other dialects get it inside of the id.
        signature: Option<Signature>,
    },
    /// The model says that it will not.
    Refusal,
    /// Something that only one dialect knows. No pieces follow.
    Other {
        /// Whose it is.
        dialect: Dialect,
        /// As it was written.
        json: Json,
    },
}
