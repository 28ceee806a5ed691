//! How a stream ended, as its client saw it.

use serde::Serialize;

/// How a stream ended. Everything but [`Outcome::Complete`] is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// Every event came, in order, unchanged, and the terminal marker after them.
    Complete,
    /// The connection ended inside the stream.
    Cut,
    /// Nothing came for the read timeout, and the connection stayed open.
    Frozen,
    /// An event is missing.
    Gap,
    /// An event came twice or out of order.
    Reordered,
    /// An event came changed.
    Altered,
    /// The gateway said in the stream that it failed.
    InBandError,
    /// The body ended cleanly without the terminal marker: a cut stream that looks complete.
    CleanEnd,
    /// The call was answered by a status other than 200.
    Status,
    /// No connection, or the request could not be written.
    Refused,
    /// What came is not HTTP or not an event stream.
    Malformed,
}

impl Outcome {
    /// All failures, in the order in which they are listed.
    pub(super) const FAILURES: [Self; 10] = [
        Self::Cut,
        Self::Frozen,
        Self::Gap,
        Self::Reordered,
        Self::Altered,
        Self::InBandError,
        Self::CleanEnd,
        Self::Status,
        Self::Refused,
        Self::Malformed,
    ];

    /// The name in files and on screen.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Cut => "cut",
            Self::Frozen => "frozen",
            Self::Gap => "gap",
            Self::Reordered => "reordered",
            Self::Altered => "altered",
            Self::InBandError => "in_band_error",
            Self::CleanEnd => "clean_end_without_marker",
            Self::Status => "status",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }
}

/// The end of one stream.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// When the last sign of life came, in seconds since the start: a freeze shows when it began, not when its timer rang.
    pub(super) since: f64,
    pub(super) model: String,
    /// Events that came.
    pub(super) events: u64,
    /// What the client saw last: a status, an error text.
    pub(super) detail: String,
}
