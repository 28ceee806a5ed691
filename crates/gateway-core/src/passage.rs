//! What becomes of an upstream's events on their way to the client.

use bytes::Bytes;

use crate::body::Malformed;
use crate::dialect::Dialect;
use crate::error::ErrorInfo;
use crate::json_array::JsonArray;
use crate::restamp::Restamp;
use crate::sse::Event;
use crate::translate::Translator;

/// The way of one stream's events.
#[derive(Debug)]
pub struct Passage {
    way: Way,
    /// The client gets one array in place of events.
    array: Option<JsonArray>,
}

#[derive(Debug)]
enum Way {
    Verbatim,
    Restamped(Box<Restamp>),
    Translated(Box<Translator>),
}

impl Passage {
    /// Events go through as they came.
    pub const fn verbatim() -> Self {
        Self::of(Way::Verbatim)
    }

    /// Events of `dialect` go through as they came, but name the model as the client does.
    pub fn restamped(dialect: Dialect, model: &str) -> Self {
        Self::of(Way::Restamped(Box::new(Restamp::new(dialect, model))))
    }

    /// Events become those of another dialect.
    pub fn translated(translator: Translator) -> Self {
        Self::of(Way::Translated(Box::new(translator)))
    }

    /// The same as one JSON array, whose elements are the data of the events: for clients of Google's that ask for no
    /// events.
    #[must_use]
    pub fn as_array(self) -> Self {
        Self {
            array: Some(JsonArray::default()),
            ..self
        }
    }

    /// Whether events become others, one by one: else they go through [`Passage::forward`], as many as there are.
    pub fn rewrites(&self) -> bool {
        self.array.is_some()
            || match &self.way {
                Way::Verbatim | Way::Restamped(_) => false,
                Way::Translated(_) => true,
            }
    }

    /// Whether events become those of another dialect: then one that cannot be read cannot go through as it is.
    pub const fn translates(&self) -> bool {
        matches!(self.way, Way::Translated(_))
    }

    /// Whole events as they go out, where they do not become others.
    pub fn forward(&mut self, events: Bytes) -> Bytes {
        match &mut self.way {
            Way::Restamped(restamp) => restamp.events(events),
            Way::Verbatim | Way::Translated(_) => events,
        }
    }

    /// Appends to `out` what one event becomes.
    ///
    /// # Errors
    /// A translation does not understand it; the stream must not go on.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(array) = &mut self.array else {
            return self.way.event(event, out);
        };
        let mut events = Vec::new();
        self.way.event(event, &mut events)?;
        array.events(&events, out);
        Ok(())
    }

    /// The stream is complete, and `marker` is what it still lacks of a proper end in its own dialect: appends what goes
    /// out at the end.
    pub fn finish(&mut self, marker: &[u8], out: &mut Vec<u8>) {
        let Some(array) = &mut self.array else {
            return self.way.finish(marker, out);
        };
        let mut events = Vec::new();
        self.way.finish(marker, &mut events);
        array.events(&events, out);
        array.finish(out);
    }

    /// What goes out at the end of a stream that broke off: the error event of the client's dialect, or the last element
    /// of its array.
    pub fn error(&mut self, dialect: Dialect, error: &ErrorInfo) -> Bytes {
        let Some(array) = &mut self.array else {
            return dialect.error_event(error);
        };
        let mut out = Vec::new();
        array.error(&dialect.error_body(error), &mut out);
        out.into()
    }

    const fn of(way: Way) -> Self {
        Self { way, array: None }
    }
}

impl Way {
    fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self {
            Self::Verbatim => out.extend_from_slice(event.raw()),
            Self::Restamped(restamp) => {
                let event = Bytes::copy_from_slice(event.raw());
                out.extend_from_slice(&restamp.events(event));
            }
            Self::Translated(translator) => translator.event(event, out)?,
        }
        Ok(())
    }

    fn finish(&mut self, marker: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Verbatim | Self::Restamped(_) => out.extend_from_slice(marker),
            Self::Translated(translator) => translator.finish(out),
        }
    }
}
