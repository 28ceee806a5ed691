//! What went wrong between a command and a gateway, and what to do.

use std::error::Error;
use std::io;

use gateway_transport::{Phase, SendError};
use http::StatusCode;
use serde_json::Value;

/// Why a command has no answer. Its text says what to do; it holds no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// It is not clear which gateway is meant.
    #[error("{0}")]
    Target(String),
    /// The system refuses a runtime.
    #[error("cannot start a runtime: {0}")]
    Runtime(#[source] io::Error),
    /// Nobody answers there.
    #[error(
        "no gateway answers at {base} ({why}): start it, or say where it is with --url or --config"
    )]
    Unreachable {
        /// The gateway's address.
        base: String,
        /// What the system said.
        why: String,
    },
    /// It does not answer in time, or not to its end.
    #[error("{base} did not answer to the end: {why}")]
    Broken {
        /// The gateway's address.
        base: String,
        /// What happened.
        why: String,
    },
    /// It refuses.
    #[error("{message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said, and what to do.
        message: String,
    },
}

impl ClientError {
    /// An exchange that brought no head.
    pub(super) fn unreached(base: &str, error: &SendError) -> Self {
        let why = root(error);
        match error.phase {
            Phase::Send | Phase::Head => Self::Broken {
                base: base.to_owned(),
                why: error.timer.map_or(why, |_| "it takes too long".to_owned()),
            },
            _ => Self::Unreachable {
                base: base.to_owned(),
                why,
            },
        }
    }

    /// An answer that is no success.
    pub(super) fn refused(base: &str, path: &str, status: StatusCode, body: &[u8]) -> Self {
        let told = said(body);
        let said = told.as_deref().unwrap_or("it does not say why");
        let message = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
                "{base} wants its key: {said} Give it with --key, LITELLM_MASTER_KEY, or --config."
            ),
            // Of what exists, another answer tells; of a path that does not exist, only this one.
            StatusCode::NOT_FOUND if told.as_ref().is_none_or(|it| it.contains("no route")) => {
                format!(
                    "{base} has no {path}. The routes of operators may be switched off there \
                     (gateway.admin.enabled) or have a listener of their own (gateway.admin.port): \
                     give its address with --url, or the gateway's configuration with --config."
                )
            }
            _ => format!("{base} answers {} to {path}: {said}", status.as_u16()),
        };
        Self::Refused { status, message }
    }
}

/// What the body of an error says, for people.
fn said(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let message = value.pointer("/error/message")?;
    Some(message.as_str()?.to_owned())
}

/// The first cause of an error.
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
