//! A terminal whose screen is ours for a while, and gets back what it had, whatever happens.

use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

/// A terminal whose screen is ours. Dropping it gives the screen back.
#[derive(Debug)]
pub(super) struct Terminal {
    before: Termios,
}

impl Terminal {
    /// Takes the screen over.
    ///
    /// # Errors
    /// Standard input is no terminal, or standard output is none.
    pub(super) fn take() -> io::Result<Self> {
        let input = io::stdin();
        let before = tcgetattr(input.as_fd())?;
        let terminal = Self {
            before: before.clone(),
        };
        let mut raw = before;
        // Keys come one by one, and those that would be signals come as keys.
        raw.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        raw.special_codes[SpecialCodeIndex::VMIN] = 0;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(input.as_fd(), OptionalActions::Now, &raw)?;
        write(b"\x1b[?1049h\x1b[?25l")?;
        Ok(terminal)
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (usize, usize) {
        match tcgetwinsize(io::stdout().as_fd()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                (size.ws_col.into(), size.ws_row.into())
            }
            _ => (80, 24),
        }
    }

    /// Shows these lines in place of what was there.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn show(&self, lines: &[String]) -> io::Result<()> {
        let mut out = String::from("\x1b[H");
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                out.push_str("\r\n");
            }
            out.push_str(line);
            out.push_str("\x1b[K");
        }
        out.push_str("\x1b[J");
        write(out.as_bytes())
    }

    /// The keys that were pressed, without waiting for any.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn keys(&self) -> io::Result<Vec<u8>> {
        let mut keys = [0; 64];
        let read = rustix::io::read(io::stdin().as_fd(), &mut keys)?;
        Ok(keys.into_iter().take(read).collect())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // There is nothing else to do for a terminal that is gone.
        let _gone = write(b"\x1b[?25h\x1b[?1049l");
        let _gone = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &self.before);
    }
}

/// Past the lock and the buffer of standard output: a half written frame would stay in it.
fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
