//! Amazon's binary event streams as text: so that everything behind them is the same for every provider.
//!
//! A frame is a prelude (its length, the length of its headers, a CRC-32 of both), headers, a payload, and a CRC-32 of
//! all before it: <https://smithy.io/2.0/aws/amazon-eventstream.html>.

mod frame;
mod text;

use std::fmt;

use bytes::Bytes;

use crate::body::Malformed;
use frame::{Frame, PRELUDE, frame_length};

/// Turns frames of `application/vnd.amazon.eventstream` into server-sent events: the name is the frame's event or
/// exception type, the data its payload.
///
/// What comes out does not depend on how the bytes were split on arrival. The memory it holds is at most one unfinished
/// frame, so at most the limit; with nothing unfinished it holds none.
pub struct AwsEvents {
    limit: usize,
    unwraps: Unwraps,
    /// The bytes of the frame that is not whole yet.
    carry: Vec<u8>,
    failed: Option<Malformed>,
}

/// What one read brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "the text is to be read, the error is to be told"]
pub struct Unwrapped {
    /// The events of the frames that are whole.
    pub text: Bytes,
    /// A frame that is not one: its lengths, its checksums or its headers are wrong. Nothing of it is in the text, and
    /// nothing that follows can be read: the error comes back with every later call.
    pub error: Option<Malformed>,
}

#[derive(Debug, Clone, Copy)]
enum Unwraps {
    Nothing,
    Chunks,
}

impl AwsEvents {
    /// Of ConverseStream. One frame may have `max_event` bytes.
    pub fn converse(max_event: usize) -> Self {
        Self::new(max_event, Unwraps::Nothing)
    }

    /// Of InvokeModelWithResponseStream with a model of Anthropic's: the events are the ones inside of the chunks.
    pub fn invoke(max_event: usize) -> Self {
        Self::new(max_event, Unwraps::Chunks)
    }

    fn new(limit: usize, unwraps: Unwraps) -> Self {
        Self {
            limit,
            unwraps,
            carry: Vec::new(),
            failed: None,
        }
    }

    /// What one read brings as text.
    pub fn feed(&mut self, bytes: &[u8]) -> Unwrapped {
        let mut out = Vec::new();
        if self.failed.is_none() {
            self.failed = self.walk(bytes, &mut out).err();
        }
        if self.failed.is_some() {
            self.carry = Vec::new();
        }
        Unwrapped {
            text: out.into(),
            error: self.failed,
        }
    }

    /// Whether nothing of a half frame is held.
    pub fn at_boundary(&self) -> bool {
        self.carry.is_empty()
    }

    fn walk(&mut self, mut rest: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        while !rest.is_empty() {
            if self.carry.is_empty()
                && let Some(length) = frame_length(rest, self.limit)?
                && let Some((frame, after)) = rest.split_at_checked(length)
            {
                self.write(frame, out)?;
                rest = after;
                continue;
            }
            rest = self.hold(rest)?;
            if frame_length(&self.carry, self.limit)? == Some(self.carry.len()) {
                let frame = std::mem::take(&mut self.carry);
                self.write(&frame, out)?;
            }
        }
        Ok(())
    }

    /// Keeps what belongs to the half frame: first its prelude, then all of it. Gives what is left.
    fn hold<'b>(&mut self, rest: &'b [u8]) -> Result<&'b [u8], Malformed> {
        let whole = frame_length(&self.carry, self.limit)?.unwrap_or(PRELUDE);
        let missing = whole.saturating_sub(self.carry.len());
        let (part, after) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
        self.carry.extend_from_slice(part);
        Ok(after)
    }

    fn write(&self, frame: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let frame = Frame::parse(frame)?;
        match self.unwraps {
            Unwraps::Nothing => text::converse(&frame, out),
            Unwraps::Chunks => text::invoke(&frame, out),
        }
    }
}

impl fmt::Debug for AwsEvents {
    // Without the bytes: they are what somebody was told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsEvents")
            .field("unwraps", &self.unwraps)
            .field("held", &self.carry.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
