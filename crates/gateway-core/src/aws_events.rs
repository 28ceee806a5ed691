//! Amazon's binary event streams as text: so that everything behind them is the same for every provider.

use bytes::Bytes;

use crate::body::Malformed;

/// Turns frames of `application/vnd.amazon.eventstream` into server-sent events: the name is the frame's event or
/// exception type, the data its payload.
#[derive(Debug)]
pub struct AwsEvents {
    _unwraps: Unwraps,
}

#[derive(Debug)]
enum Unwraps {
    Nothing,
    Chunks,
}

impl AwsEvents {
    /// Of ConverseStream. One frame may have `max_event` bytes.
    pub fn converse(_max_event: usize) -> Self {
        Self {
            _unwraps: Unwraps::Nothing,
        }
    }

    /// Of InvokeModelWithResponseStream with a model of Anthropic's: the events are the ones inside of the chunks.
    pub fn invoke(_max_event: usize) -> Self {
        Self {
            _unwraps: Unwraps::Chunks,
        }
    }

    /// What one read brings as text: the events of the frames that are whole.
    ///
    /// # Errors
    /// A frame is not one: its lengths or its checksums are wrong. Nothing that follows can be read.
    pub fn feed(&mut self, bytes: Bytes) -> Result<Bytes, Malformed> {
        Ok(bytes)
    }

    /// Whether nothing of a half frame is held.
    pub fn at_boundary(&self) -> bool {
        true
    }
}
