//! Strings of a body that was checked.

use std::ops::Range;

use memchr::memchr;

use super::Text;

impl Text {
    /// The string whose quotes `span` includes. The body must have passed the scanner.
    pub(super) fn of_string(body: &[u8], span: &Range<usize>) -> Self {
        let inside = span.start + 1..span.end - 1;
        if memchr(b'\\', &body[inside.clone()]).is_none() {
            return Self::InPlace(inside);
        }
        let text: String = serde_json::from_slice(&body[span.clone()])
            .expect("the scanner accepts no string that serde refuses");
        Self::Unescaped(text.into())
    }

    pub(super) fn as_str<'a>(&'a self, body: &'a [u8]) -> &'a str {
        std::str::from_utf8(self.as_bytes(body))
            .expect("the whole body is UTF-8 and quotes end no character")
    }

    /// As [`as_str`](Self::as_str), for comparing: nothing is validated again.
    pub(super) fn as_bytes<'a>(&'a self, body: &'a [u8]) -> &'a [u8] {
        match self {
            Self::InPlace(place) => &body[place.clone()],
            Self::Unescaped(text) => text.as_bytes(),
        }
    }
}
