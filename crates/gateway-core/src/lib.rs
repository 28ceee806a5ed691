//! LLM wire formats without IO.
#![doc = include_str!("../README.md")]

// The modules, in reading order.

// A wire format: error bodies, heartbeats, observers, the shape of a plain body. One file each.
mod dialect;

// The bytes of a stream become whole events, in place.
mod sse;

// Of each event, what the gateway must know.
mod observe;

// A cheap look at the events that streams consist of.
mod quick;

// Of a plain JSON answer, what the gateway must know.
mod body;

// Of a request body, what the gateway must know; splicing.
mod envelope;

// A chat in no wire format.
pub mod chat;

// How the dialects read and write it.
mod spoke;

// A request into another dialect, and the answer back.
mod translate;

// The client's name of the model in a provider's answer.
mod restamp;

// What becomes of a stream's events on their way.
mod passage;

// A stream as one JSON array.
mod json_array;

// Amazon's binary event streams as text.
mod aws_events;

// A stream that died goes on at another deployment.
mod continuation;

// What a client is told when a call fails, and what upstreams say when they do.
mod error;

// Answers that no provider gave.
mod mock;

// Token counts.
mod usage;

// How a stream ended, and the names of the timers.
mod end;

// A string that is not printed.
mod secret;

// Small questions to JSON texts.
mod json;

pub use aws_events::{AwsEvents, Unwrapped};
pub use body::{BodyFacts, Malformed, strip_bom};
pub use continuation::{Collected, Prefill, Splicer, TextCollector};
pub use dialect::Dialect;
pub use end::{EndReason, TimerName};
pub use envelope::{
    Edit, Envelope, EnvelopeError, Found, GATEWAY_FIELDS, Limits, is_gateway_field,
};
pub use error::{ErrorInfo, ErrorKind, retry_delay};
pub use mock::{MockAnswer, mock_error};
pub use observe::{Seen, StreamObserver};
pub use passage::Passage;
pub use secret::Secret;
pub use sse::{Event, Fed, Flow, FrameError, Framer};
pub use translate::{
    Asked, DeveloperRole, Losses, Lost, Policy, Quirks, Target, TranslateError, Translation,
    Translator,
};
pub use usage::Usage;
