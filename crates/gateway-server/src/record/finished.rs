//! What is kept of a record when its call has ended, if spans are made of it.

use std::time::{Duration, SystemTime};

use gateway_core::{EndReason, Usage};

use super::{Entry, Record};
use crate::trace::Finished;

impl Record {
    /// What is kept of the record; `None`: its call is in no trace, or in one that is not recorded. `last` is what the
    /// attempt that ended it used.
    pub(super) fn finished(
        &mut self,
        entries: Vec<Entry>,
        end: EndReason,
        took: Duration,
        last: Usage,
    ) -> Option<Box<Finished>> {
        let trace = self.trace.take().filter(|it| it.request.is_some())?;
        Some(Box::new(Finished {
            trace,
            started: self.started,
            took,
            ended: SystemTime::now(),
            call_id: std::mem::take(&mut self.call_id),
            dialect: self.dialect,
            spoken: self.spoken,
            stream: self.stream,
            choices: self.choices,
            model: self.model.take(),
            group: self.group.take(),
            through: self.through,
            entries,
            course: [
                self.course.retries,
                self.course.fallbacks,
                self.course.hedges,
            ],
            overhead: self.head.map(|it| it.overhead),
            status: self.status,
            first_content: self.first_content,
            bytes: self.bytes,
            events: self.events,
            usage: last,
            cost: self.cost.map(|it| it.dollars()),
            end,
            timer: self.timer(end).map(|(name, _)| name),
            made_up: self.made_up || self.estimated,
        }))
    }
}
