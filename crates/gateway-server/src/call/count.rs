//! Counting tokens where no provider can: an estimate, and marked as one.

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, MockAnswer};
use http::{HeaderMap, Response, StatusCode};

use super::headers;
use crate::body::Outgoing;
use crate::record::OpenRecord;
use crate::respond::{self, Failure};

/// The estimated count that `envelope` asks for, if it asks for one.
pub(super) fn estimate(dialect: Dialect, envelope: &Envelope) -> Option<Bytes> {
    let nothing = MockAnswer {
        text: "",
        model: "",
        id: "",
        created: 0,
    };
    dialect
        .counts_tokens()
        .then(|| dialect.mock_answer(&nothing, envelope))
}

/// The estimate for a count whose provider has turned out to have no counting.
pub(super) fn instead_of(
    failure: &Failure,
    dialect: Dialect,
    envelope: &Envelope,
) -> Option<Bytes> {
    let unknown = matches!(failure.error.status, 404 | 405 | 501);
    unknown.then(|| estimate(dialect, envelope)).flatten()
}

/// Answers with an estimate.
pub(super) fn answer(mut record: OpenRecord, count: Bytes) -> Response<Outgoing> {
    record.status = 200;
    record.estimated = true;
    record.opens();
    let head = headers::answered(&record, &HeaderMap::new());
    respond::with(StatusCode::OK, head, Outgoing::recorded(count, record))
}
