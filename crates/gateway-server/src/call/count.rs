//! Counting tokens where no provider can: an estimate, and marked as one.

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, Envelope, MockAnswer};
use http::{HeaderMap, Response, StatusCode};

use super::{Answer, headers};
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

/// The failure, or the estimate for a count whose provider has turned out to have no counting.
pub(super) fn or_estimate(
    failure: Failure,
    record: &mut OpenRecord,
    envelope: &Envelope,
) -> Result<(HeaderMap, Answer), Failure> {
    let unknown =
        matches!(failure.error.status, 404 | 405 | 501) || failure.end == EndReason::Malformed;
    match estimate(record.dialect, envelope).filter(|_| unknown) {
        Some(count) => {
            record.estimated = true;
            Ok((HeaderMap::new(), Answer::Whole(count)))
        }
        None => Err(failure),
    }
}

/// Answers with an estimate.
pub(super) fn answer(mut record: OpenRecord, count: Bytes) -> Response<Outgoing> {
    record.status = 200;
    record.estimated = true;
    record.opens();
    let head = headers::answered(&record, &HeaderMap::new());
    respond::with(StatusCode::OK, head, Outgoing::recorded(count, record))
}
