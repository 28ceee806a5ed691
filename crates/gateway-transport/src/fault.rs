//! What hyper's errors prove. The only file that looks into `h2` errors: hyper shows them by downcasting alone.

use std::{error::Error as StdError, io};

/// An HTTP/2 error code, and whether it proves that the request was not processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Http2Fault {
    pub(crate) code: u32,
    pub(crate) refused: bool,
    /// It ended one stream; the connection goes on.
    pub(crate) stream_only: bool,
}

/// Finds an HTTP/2 fault in the chain of causes.
///
/// Proof of non-processing are RST_STREAM with REFUSED_STREAM, and GOAWAY with NO_ERROR, which reaches only
/// streams above the last one that the peer takes (RFC 9113, sections 6.8 and 8.7), each from the peer. A GOAWAY
/// with another code ends the streams below it too, and h2 does not tell which is which.
pub(crate) fn classify(error: &(dyn StdError + 'static)) -> Option<Http2Fault> {
    let fault = chain(error).find_map(|e| e.downcast_ref::<h2::Error>())?;
    let code = fault.reason()?;
    let refused = fault.is_remote()
        && match code {
            h2::Reason::REFUSED_STREAM => fault.is_reset(),
            h2::Reason::NO_ERROR => fault.is_go_away(),
            _ => false,
        };
    Some(Http2Fault {
        code: code.into(),
        refused,
        stream_only: fault.is_reset(),
    })
}

/// Whether `error` means that the connection is broken: not if only the stream is, not if the peer said goodbye in
/// order, and not if it answered with something that is not HTTP, which a new connection would bring again.
pub(crate) fn is_of_connection(error: &hyper::Error) -> bool {
    match classify(error) {
        Some(fault) => !fault.stream_only && !fault.refused,
        None => !error.is_parse() && !is_malformed(io_kind(error)),
    }
}

/// The kind of the IO error that caused `error`.
pub(crate) fn io_kind(error: &hyper::Error) -> Option<io::ErrorKind> {
    chain(error)
        .find_map(|e| e.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}

/// How hyper tells a broken framing of a body.
pub(crate) const fn is_malformed(kind: Option<io::ErrorKind>) -> bool {
    matches!(
        kind,
        Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
    )
}

/// `error` and its causes, outermost first.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e: &&'a (dyn StdError + 'static)| {
        (*e).source()
    })
}
