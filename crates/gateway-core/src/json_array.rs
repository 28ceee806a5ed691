//! A stream as one JSON array: what Google's clients get that do not ask for server-sent events.

use memchr::memchr;

/// Puts the data of events into one array, as they come.
#[derive(Debug, Default)]
pub(crate) struct JsonArray {
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing was written.
    #[default]
    Empty,
    /// There are elements.
    Open,
    /// The array has ended.
    Closed,
}

impl JsonArray {
    /// Appends what whole events become: one element for each that has data.
    pub(crate) fn events(&mut self, mut events: &[u8], out: &mut Vec<u8>) {
        let mut inside = false;
        while let Some(end) = memchr(b'\n', events) {
            let (line, rest) = events.split_at(end);
            events = rest.get(1..).unwrap_or_default();
            if line.is_empty() {
                inside = false;
            }
            let Some(data) = line.strip_prefix(b"data:") else {
                continue;
            };
            if inside {
                // More of the same value.
                out.push(b'\n');
            } else {
                self.separate(out);
                inside = true;
            }
            out.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        }
    }

    /// Appends the end of the array.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        match self.state {
            State::Empty => out.extend_from_slice(b"[]\n"),
            State::Open => out.extend_from_slice(b"\n]\n"),
            State::Closed => {}
        }
        self.state = State::Closed;
    }

    /// Appends an error as the last element, and the end.
    pub(crate) fn error(&mut self, json: &[u8], out: &mut Vec<u8>) {
        if self.state == State::Closed {
            return;
        }
        self.separate(out);
        out.extend_from_slice(json);
        self.finish(out);
    }

    fn separate(&mut self, out: &mut Vec<u8>) {
        match self.state {
            State::Empty => out.push(b'['),
            State::Open | State::Closed => out.extend_from_slice(b"\n,\n"),
        }
        self.state = State::Open;
    }
}

#[cfg(test)]
mod tests {
    use super::JsonArray;

    fn array(events: &[&str], end: impl FnOnce(&mut JsonArray, &mut Vec<u8>)) -> String {
        let mut array = JsonArray::default();
        let mut out = Vec::new();
        for event in events {
            array.events(event.as_bytes(), &mut out);
        }
        end(&mut array, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_event_is_an_element() {
        let events = [
            "data: {\"a\":1}\n\n",
            ": comment\n\n",
            "event: x\ndata: {\ndata: }\n\ndata:2\n\n",
        ];
        assert_eq!(
            array(&events, JsonArray::finish),
            "[{\"a\":1}\n,\n{\n}\n,\n2\n]\n"
        );
        assert_eq!(array(&[], JsonArray::finish), "[]\n");
    }

    #[test]
    fn an_array_that_breaks_off_ends_with_an_error() {
        let error = |array: &mut JsonArray, out: &mut Vec<u8>| array.error(b"{\"error\":1}", out);
        assert_eq!(array(&["data: 1\n\n"], error), "[1\n,\n{\"error\":1}\n]\n");
        assert_eq!(array(&[], error), "[{\"error\":1}\n]\n");
    }
}
