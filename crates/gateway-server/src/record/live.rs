//! What others see of a stream while its record is open, and the order to end it.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::OpenRecord;
use crate::live::{Introduction, LiveStream};
use crate::relay::Carrier;

impl OpenRecord {
    /// From now on others see the stream that this call is.
    pub(crate) fn introduce(&mut self, carrier: &Carrier) {
        self.live.introduce(Introduction {
            started: self.record.started,
            call_id: &self.record.call_id,
            dialect: self.record.dialect,
            model: self.record.model.as_deref().unwrap_or_default(),
            carrier: carrier.clone(),
        });
    }

    /// What others see of the stream that this call is.
    pub(crate) fn live(&self) -> Option<&Arc<LiveStream>> {
        self.live.stream()
    }

    /// Has others see something of it, if it is a stream.
    #[inline]
    pub(super) fn shown(&self, show: impl FnOnce(&LiveStream)) {
        if let Some(stream) = self.live.stream() {
            show(stream);
        }
    }

    /// Shows what has been handed over by now.
    #[inline]
    pub(crate) fn show(&self) {
        self.shown(|stream| stream.handed_over(self.record.events, self.record.bytes));
    }

    /// Whether an operator has ended the call.
    #[inline]
    pub(crate) fn is_cut(&self) -> bool {
        self.live.is_cut()
    }

    /// Ready when an operator has ended the call; else whoever polls is woken when one does.
    #[inline]
    pub(crate) fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.live
            .stream()
            .map_or(Poll::Pending, |stream| stream.poll_cut(cx))
    }
}
