//! Which part is open: for dialects whose streams do not say where a part begins and ends.

use super::{Delta, Opened};

/// The parts of one choice.
#[derive(Debug, Default)]
pub(crate) struct PartTracker {
    choice: u32,
    next: u32,
    open: Option<(Running, u32)>,
}

/// A part to which pieces are added without it being named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Running {
    Text,
    Thinking,
    Refusal,
}

impl PartTracker {
    /// Of the choice with this number.
    pub(crate) fn of(choice: u32) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }

    /// The part of this kind that is open, opened now if it was not; one of another kind is closed before.
    pub(crate) fn running(&mut self, kind: Running, sink: &mut dyn FnMut(Delta<'_>)) -> u32 {
        if let Some((open, part)) = self.open
            && open == kind
        {
            return part;
        }
        let opened = match kind {
            Running::Text => Opened::Text,
            Running::Thinking => Opened::Thinking { id: None },
            Running::Refusal => Opened::Refusal,
        };
        let part = self.open(opened, sink);
        self.open = Some((kind, part));
        part
    }

    /// Opens a part that the caller closes; the running one is closed before.
    pub(crate) fn open(&mut self, opened: Opened<'_>, sink: &mut dyn FnMut(Delta<'_>)) -> u32 {
        self.close_running(sink);
        let part = self.next;
        self.next += 1;
        sink(Delta::Open {
            choice: self.choice,
            part,
            opened,
        });
        part
    }

    /// Closes the running part, if one is open.
    pub(crate) fn close_running(&mut self, sink: &mut dyn FnMut(Delta<'_>)) {
        if let Some((_, part)) = self.open.take() {
            sink(Delta::Close {
                choice: self.choice,
                part,
            });
        }
    }
}
