//! What the new process says on standard error.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use super::SAID;
use super::predecessor::Predecessor;

/// Standard error, which the process before this one hears too.
#[derive(Debug)]
pub struct Complaints {
    to: Option<UnixStream>,
    /// What has been said of a line that has not ended.
    line: Vec<u8>,
}

impl Complaints {
    /// Heard by this process, if there is one.
    pub(in crate::run) fn heard_by(predecessor: Option<&Predecessor>) -> Self {
        Self {
            to: predecessor.and_then(|it| it.socket.try_clone().ok()),
            line: Vec::new(),
        }
    }

    fn tell(&mut self) {
        let Some(to) = &mut self.to else { return };
        if !self.line.is_empty() {
            // Nobody needs to hear it: it is on standard error.
            let _gone = to.write_all(&[SAID, &self.line, b"\n"].concat());
            self.line.clear();
        }
    }
}

impl Write for Complaints {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.to.is_some() {
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                let ended = line.strip_suffix(b"\n");
                self.line.extend_from_slice(ended.unwrap_or(line));
                if ended.is_some() {
                    self.tell();
                }
            }
        }
        io::stderr().write_all(text)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Drop for Complaints {
    fn drop(&mut self) {
        self.tell();
    }
}
