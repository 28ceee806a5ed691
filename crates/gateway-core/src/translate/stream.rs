//! A stream on its way from the provider's dialect to the client's.

use super::custom::CustomCalls;
use super::names::ToolNames;
use crate::body::Malformed;
use crate::spoke::{StreamReader, StreamWriter};
use crate::sse::Event;

/// Translates one stream, event by event.
#[derive(Debug)]
pub struct Translator {
    reader: Box<dyn StreamReader>,
    writer: Box<dyn StreamWriter>,
    names: ToolNames,
    calls: CustomCalls,
}

impl Translator {
    pub(super) fn new(
        reader: Box<dyn StreamReader>,
        writer: Box<dyn StreamWriter>,
        names: ToolNames,
        calls: CustomCalls,
    ) -> Self {
        Self {
            reader,
            writer,
            names,
            calls,
        }
    }

    /// Appends to `out` what an event of the provider's is to the client: whole events, or nothing.
    ///
    /// # Errors
    /// The event cannot be understood; the stream must not go on.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (writer, names, calls) = (&mut self.writer, &self.names, &mut self.calls);
        self.reader.event(event, &mut |delta| {
            calls.restore(names.restore(delta), &mut |delta| writer.delta(delta, out));
        })
    }

    /// The provider's stream was complete: appends the rest, the terminal marker included.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let (writer, names, calls) = (&mut self.writer, &self.names, &mut self.calls);
        self.reader.end(&mut |delta| {
            calls.restore(names.restore(delta), &mut |delta| writer.delta(delta, out));
        });
        writer.finish(out);
    }
}
