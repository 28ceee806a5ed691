#![doc = include_str!("../README.md")]

mod body; // A plain JSON answer -> what the gateway must know of it.
mod dialect; // A wire format: error bodies, heartbeats, observers, facts of a plain body. One file each.
mod end; // How a stream ended, and the names of the timers.
mod envelope; // A request body -> model, stream, gateway fields; splicing.
mod error; // What a client is told when a call fails, and reading what an upstream said.
mod observe; // Events -> what the gateway must know of them.
mod secret;
mod sse; // Bytes of a stream -> whole events, in place.
mod usage; // Token counts. // A string that is not printed.

pub use body::{BodyFacts, Malformed, strip_bom};
pub use dialect::Dialect;
pub use end::{EndReason, TimerName};
pub use envelope::{Edit, Envelope, EnvelopeError, GATEWAY_FIELDS, Limits, is_gateway_field};
pub use error::{ErrorInfo, ErrorKind};
pub use observe::{Seen, StreamObserver};
pub use secret::Secret;
pub use sse::{Event, Fed, Flow, FrameError, Framer};
pub use usage::Usage;
