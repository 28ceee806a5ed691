//! What a client is told when a call fails: one value, rendered by each dialect in its own shape.

mod google;
mod kind;
mod phrases;
mod read;

use crate::body::Malformed;
use crate::envelope::EnvelopeError;
use crate::sse::FrameError;

pub use google::retry_delay;
pub(crate) use kind::ANTHROPIC_OVERLOADED;
pub use kind::ErrorKind;
pub(crate) use read::{
    UpstreamError, read_error, read_error_event, read_named_error, read_upstream_error,
};

/// A failure as a client is told it. No part of it may name a host, hold a secret or carry an upstream's HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorInfo {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// What went wrong; decides the `type` in both dialects.
    pub kind: ErrorKind,
    /// A sentence for the person who reads it.
    pub message: String,
    /// The upstream's own code, if it gave one (`context_length_exceeded`). OpenAI bodies show the status without it.
    pub code: Option<String>,
    /// The request field that is to blame.
    pub param: Option<String>,
    /// The id under which the upstream or the gateway knows the call.
    pub request_id: Option<String>,
}

impl ErrorInfo {
    /// A failure with the usual status of its kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            status: kind.status(),
            kind,
            message: message.into(),
            code: None,
            param: None,
            request_id: None,
        }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with a code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same with the request field that is to blame.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The same with the id of the call.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }
}

impl From<&EnvelopeError> for ErrorInfo {
    /// A 400 that names the field, or `request_body` where the body as a whole is to blame, as LiteLLM does.
    fn from(error: &EnvelopeError) -> Self {
        Self::new(ErrorKind::InvalidRequest, error.to_string())
            .with_param(error.param().unwrap_or("request_body"))
    }
}

impl From<FrameError> for ErrorInfo {
    fn from(error: FrameError) -> Self {
        Self::new(ErrorKind::Upstream, error.to_string())
    }
}

impl From<Malformed> for ErrorInfo {
    fn from(malformed: Malformed) -> Self {
        Self::new(ErrorKind::Upstream, malformed.to_string())
    }
}
