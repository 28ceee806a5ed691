//! What becomes of an upstream's events on their way to the client.

use crate::body::Malformed;
use crate::dialect::Dialect;
use crate::restamp::Restamp;
use crate::sse::Event;
use crate::translate::Translator;

/// The way of one stream's events.
#[derive(Debug)]
pub struct Passage(Way);

#[derive(Debug)]
enum Way {
    Verbatim,
    Restamped(Restamp),
    Translated(Box<Translator>),
}

impl Passage {
    /// Events go through as they came.
    pub const fn verbatim() -> Self {
        Self(Way::Verbatim)
    }

    /// Events of `dialect` go through as they came, but name the model as the client does.
    pub fn restamped(dialect: Dialect, model: &str) -> Self {
        Self(Way::Restamped(Restamp::new(dialect, model)))
    }

    /// Events become those of another dialect.
    pub fn translated(translator: Translator) -> Self {
        Self(Way::Translated(Box::new(translator)))
    }

    /// Whether what goes out may differ from what came in, from here on: else the bytes can be forwarded as they are.
    pub fn rewrites(&self) -> bool {
        match &self.0 {
            Way::Verbatim => false,
            Way::Restamped(restamp) => restamp.is_active(),
            Way::Translated(_) => true,
        }
    }

    /// Appends to `out` what one event becomes.
    ///
    /// # Errors
    /// A translation does not understand it; the stream must not go on.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match &mut self.0 {
            Way::Verbatim => out.extend_from_slice(event.raw()),
            Way::Restamped(restamp) => restamp.event(event, out),
            Way::Translated(translator) => translator.event(event, out)?,
        }
        Ok(())
    }

    /// The stream is complete, and `marker` is what it still lacks of a proper end in its own dialect: appends what goes
    /// out at the end.
    pub fn finish(&mut self, marker: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            Way::Verbatim | Way::Restamped(_) => out.extend_from_slice(marker),
            Way::Translated(translator) => translator.finish(out),
        }
    }
}
