//! A chat in no wire format: what every dialect is read into and written from, so that any front end can be served by
//! any provider.
//!
//! Answers and messages consist of *parts* in the order in which they were said, as in Anthropic's model; an answer has
//! one or more *choices*, as in OpenAI's. Values that no dialect but their own understands stay JSON text.

mod answer;
mod base64;
mod call_id;
mod delta;
mod json;
mod message;
mod request;
mod tracker;

pub use answer::{Answer, Choice, Finish, FinishReason};
pub(crate) use base64::{decode_base64, encode_base64url};
pub(crate) use call_id::{signed_id, unsigned_id};
pub use delta::{Delta, Opened};
pub use json::Json;
pub use message::{CacheMarker, Message, Part, PartKind, Role, Signature, Source};
pub use request::{
    Effort, Format, Other, Parameters, Reasoning, ReasoningMode, Request, Tool, ToolChoice,
    ToolKind, Weight,
};
pub(crate) use tracker::{PartTracker, Running};
