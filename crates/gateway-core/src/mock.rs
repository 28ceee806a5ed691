//! Made-up answers and errors for `mock_response`: they look as a provider's would, and no provider is asked.

use std::borrow::Cow;

use crate::chat::{Answer, Choice, Delta, Finish, FinishReason, Opened, Part};
use crate::envelope::Envelope;
use crate::error::{ErrorInfo, ErrorKind};
use crate::spoke::Front;
use crate::translate::Asked;
use crate::usage::Usage;

/// What a made-up answer says. The rest of it is fixed: it ends by itself, and its token counts are estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MockAnswer<'a> {
    /// The text of the answer; embeddings have a fixed vector instead.
    pub text: &'a str,
    /// The `model` that the answer names.
    pub model: &'a str,
    /// What makes its `id` unique. The dialect puts its prefix before it (`chatcmpl-`, `msg_`).
    pub id: &'a str,
    /// When it was made, in seconds of Unix time.
    pub created: u64,
}

impl<'a> MockAnswer<'a> {
    /// An estimate of the answer's tokens.
    pub(crate) const fn output_tokens(&self) -> u64 {
        self.text.len().div_ceil(4) as u64
    }

    /// The text in the pieces of a stream: at least one, at most [`MAX_PIECES`], each of them whole characters.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &'a str> {
        let size = (self.text.len() / MAX_PIECES + 1).max(MIN_PIECE);
        let mut rest = Some(self.text);
        std::iter::from_fn(move || {
            let text = rest?;
            let (piece, after) = text.split_at(text.ceil_char_boundary(size));
            rest = Some(after).filter(|after| !after.is_empty());
            Some(piece)
        })
    }
}

/// A made-up answer in one piece, of a dialect that has no own way to make one up.
pub(crate) fn whole(front: &Front, mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let choice = Choice {
        parts: vec![Part::text(mock.text)],
        finish: Finish::new(FinishReason::Stop),
        logprobs: None,
    };
    let answer = Answer {
        choices: vec![choice],
        usage: usage(mock, request),
        ..Answer::default()
    };
    (front.write_answer)(&answer, &asked(front, mock, request))
}

/// The same as a stream.
pub(crate) fn stream(front: &Front, mock: &MockAnswer<'_>, request: &Envelope) -> Vec<u8> {
    let (choice, part) = (0, 0);
    let begin = Delta::Begin {
        id: None,
        model: None,
        created: None,
    };
    let open = Delta::Open {
        choice,
        part,
        opened: Opened::Text,
    };
    let pieces = mock.pieces().map(|text| Delta::Piece {
        choice,
        part,
        text: Cow::Borrowed(text),
    });
    let end = [
        Delta::Close { choice, part },
        Delta::Finish {
            choice,
            finish: Finish::new(FinishReason::Stop),
        },
        Delta::Usage(usage(mock, request)),
    ];
    let mut out = Vec::new();
    let mut writer = (front.stream_writer)(&asked(front, mock, request));
    for delta in [begin, open].into_iter().chain(pieces).chain(end) {
        writer.delta(delta, &mut out);
    }
    writer.finish(&mut out);
    out
}

fn asked(front: &Front, mock: &MockAnswer<'_>, request: &Envelope) -> Asked {
    Asked {
        model: mock.model.to_owned(),
        id: mock.id.to_owned(),
        created: mock.created,
        usage_in_stream: true,
        echo: (front.echo)(request),
    }
}

fn usage(mock: &MockAnswer<'_>, request: &Envelope) -> Usage {
    Usage {
        input_tokens: Some(request.estimate_input_tokens()),
        output_tokens: Some(mock.output_tokens()),
        ..Usage::default()
    }
}

/// The failure that a `mock_response` asks for, by the name of LiteLLM's exception: `litellm.RateLimitError`, or the same
/// followed by a colon and a message. `None` for any other text, which is an answer.
///
/// ```
/// use gateway_core::{ErrorKind, mock_error};
///
/// let error = mock_error("litellm.RateLimitError").expect("it names an exception");
/// assert_eq!((error.kind, error.status), (ErrorKind::RateLimit, 429));
/// assert_eq!(mock_error("A RateLimitError is what I speak of."), None);
/// ```
pub fn mock_error(text: &str) -> Option<ErrorInfo> {
    if text.starts_with(CONTENT_FILTER) {
        return Some(ErrorInfo::new(ErrorKind::ContentPolicy, text));
    }
    let asked = text.strip_prefix("litellm.")?;
    let (name, message) = match asked.split_once(':') {
        Some((name, message)) => (name, message.trim()),
        None => (asked, ""),
    };
    let (_, kind, status) = EXCEPTIONS
        .iter()
        .find(|(known, ..)| *known == name.trim())?;
    let message = if message.is_empty() {
        format!("A mock answer asked for the error {}.", name.trim())
    } else {
        message.to_owned()
    };
    let code = match kind {
        ErrorKind::ContextWindow => Some("context_length_exceeded"),
        ErrorKind::ContentPolicy => Some("content_policy_violation"),
        _ => None,
    };
    let mut error = ErrorInfo::new(*kind, message).with_status(*status);
    error.code = code.map(str::to_owned);
    Some(error)
}

/// What Azure's refusals look like to LiteLLM's mocks.
const CONTENT_FILTER: &str = "Exception: content_filter_policy";

/// LiteLLM's exceptions with their statuses: <https://docs.litellm.ai/docs/exception_mapping>.
const EXCEPTIONS: &[(&str, ErrorKind, u16)] = &[
    ("RateLimitError", ErrorKind::RateLimit, 429),
    ("InternalServerError", ErrorKind::Internal, 500),
    ("ContextWindowExceededError", ErrorKind::ContextWindow, 400),
    ("ContentPolicyViolationError", ErrorKind::ContentPolicy, 400),
    ("Timeout", ErrorKind::Timeout, 408),
    ("BadRequestError", ErrorKind::InvalidRequest, 400),
    ("UnsupportedParamsError", ErrorKind::InvalidRequest, 400),
    ("UnprocessableEntityError", ErrorKind::InvalidRequest, 422),
    ("AuthenticationError", ErrorKind::Authentication, 401),
    ("PaymentRequiredError", ErrorKind::Billing, 402),
    ("PermissionDeniedError", ErrorKind::Permission, 403),
    ("NotFoundError", ErrorKind::NotFound, 404),
    ("ServiceUnavailableError", ErrorKind::Unavailable, 503),
    ("BadGatewayError", ErrorKind::Upstream, 502),
    ("APIConnectionError", ErrorKind::Internal, 500),
    ("APIError", ErrorKind::Internal, 500),
];

/// So that a long text does not become a stream of a million events.
const MAX_PIECES: usize = 32;

/// In bytes.
const MIN_PIECE: usize = 16;

#[cfg(test)]
mod tests;
