//! A stream on its way from the provider's dialect to the client's.

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
}

impl Translator {
    pub(super) fn new(
        reader: Box<dyn StreamReader>,
        writer: Box<dyn StreamWriter>,
        names: ToolNames,
    ) -> Self {
        Self {
            reader,
            writer,
            names,
        }
    }

    /// Appends to `out` what an event of the provider's is to the client: whole events, or nothing.
    ///
    /// # Errors
    /// The event cannot be understood; the stream must not go on.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (writer, names) = (&mut self.writer, &self.names);
        self.reader.event(event, &mut |delta| {
            writer.delta(names.restore(delta), out);
        })
    }

    /// The provider's stream was complete: appends the rest, the terminal marker included.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let (writer, names) = (&mut self.writer, &self.names);
        self.reader.end(&mut |delta| {
            writer.delta(names.restore(delta), out);
        });
        writer.finish(out);
    }
}
