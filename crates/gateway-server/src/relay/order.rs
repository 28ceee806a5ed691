//! An operator's order to end a stream.

use std::pin::Pin;

use gateway_transport::KilledBy;

use super::{Break, Relay, State};
use crate::upstream::told_of_kill;

impl Relay {
    /// Whether there is more to come.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::GoingOn(..))
    }

    /// An operator may have ended the stream: then nobody is asked to go on.
    pub(super) fn obey(mut self: Pin<&mut Self>) {
        if !self.record.is_cut() || !self.is_open() {
            return;
        }
        let this = self.as_mut().project();
        if let Some(upstream) = this.upstream.as_ref() {
            this.record.usage = upstream.usage();
        }
        let (reason, error) = told_of_kill(KilledBy::Operator);
        let (event, last) = self.as_mut().broken(Break {
            reason,
            detail: error.message.clone(),
            error,
        });
        *self.project().state = State::LastPiece(event, last);
    }
}
