//! One whole event, read where it lies.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

/// One event of a stream: its raw text with LF line ends, and what its lines say.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    raw: &'a str,
    name: Option<&'a str>,
    data: Data<'a>,
}

#[derive(Clone, Copy)]
enum Data<'a> {
    None,
    /// One `data:` line: nearly every event there is.
    Line(&'a str),
    /// Several, to be joined by LF when somebody asks.
    Lines,
}

impl<'a> Event<'a> {
    /// Reads the lines of `raw`, which ends with a blank line.
    pub(crate) fn parse(raw: &'a str) -> Self {
        let mut event = Self {
            raw,
            name: None,
            data: Data::None,
        };
        for (field, value) in fields(raw) {
            match field {
                "data" => {
                    event.data = match event.data {
                        Data::None => Data::Line(value),
                        Data::Line(_) | Data::Lines => Data::Lines,
                    };
                }
                "event" => event.name = Some(value).filter(|name| !name.is_empty()),
                _ => {}
            }
        }
        event
    }

    /// The value of its `event:` line, if it has one that is not empty. The last one counts.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// The values of its `data:` lines, joined by LF. Borrowed when there is one line. Empty if there is none.
    pub fn data(&self) -> Cow<'a, str> {
        match self.data {
            Data::None => Cow::Borrowed(""),
            Data::Line(line) => Cow::Borrowed(line),
            Data::Lines => {
                let lines: Vec<_> = fields(self.raw)
                    .filter(|(field, _)| *field == "data")
                    .map(|(_, value)| value)
                    .collect();
                Cow::Owned(lines.join("\n"))
            }
        }
    }

    /// Whether it has a `data:` line. Without one, a client dispatches nothing.
    pub fn has_data(&self) -> bool {
        !matches!(self.data, Data::None)
    }

    /// Whether it has neither data nor a name: comments, an `id`, a `retry`.
    pub fn is_comment_only(&self) -> bool {
        !self.has_data() && self.name.is_none()
    }

    /// Its bytes, blank line included, as they are forwarded.
    pub fn raw(&self) -> &'a [u8] {
        self.raw.as_bytes()
    }
}

impl fmt::Debug for Event<'_> {
    // Without the data: it is what somebody was told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}

/// The lines of an event as field and value; a comment has an empty field.
fn fields(raw: &str) -> impl Iterator<Item = (&str, &str)> {
    lines(raw).map(|line| {
        match memchr(b':', line.as_bytes()).and_then(|colon| line.split_at_checked(colon)) {
            Some((field, rest)) => {
                let value = rest.strip_prefix(':').unwrap_or(rest);
                (field, value.strip_prefix(' ').unwrap_or(value))
            }
            None => (line, ""),
        }
    })
}

fn lines(mut raw: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let end = memchr(b'\n', raw.as_bytes())?;
        let (line, rest) = raw.split_at_checked(end)?;
        raw = rest.strip_prefix('\n').unwrap_or(rest);
        Some(line)
    })
    .filter(|line| !line.is_empty())
}
