//! Strings, numbers, literals and white space.

use super::{EnvelopeError, Scanner};

impl Scanner<'_> {
    pub(super) fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// A string; stands behind its closing quote afterwards.
    pub(super) fn string(&mut self) -> Result<(), EnvelopeError> {
        self.at += 1;
        loop {
            self.at += plain_run(&self.body[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.unexpected("no raw control character inside a string")),
                None => return Err(self.unexpected("the end of the string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), EnvelopeError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => match self.code_unit()? {
                0xD800..=0xDBFF => {
                    let pair = self.body[self.at..].starts_with(br"\u");
                    if pair {
                        self.at += 1;
                        if let 0xDC00..=0xDFFF = self.code_unit()? {
                            return Ok(());
                        }
                    }
                    Err(EnvelopeError::LoneSurrogate { offset: start })
                }
                0xDC00..=0xDFFF => Err(EnvelopeError::LoneSurrogate { offset: start }),
                _ => Ok(()),
            },
            _ => Err(self.unexpected("an escape character")),
        }
    }

    /// The four hexadecimal digits after `u`.
    fn code_unit(&mut self) -> Result<u32, EnvelopeError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return Err(self.unexpected("a hexadecimal digit"));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    pub(super) fn number(&mut self) -> Result<(), EnvelopeError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), EnvelopeError> {
        let count = self.body[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count == 0 {
            return Err(self.unexpected("a digit"));
        }
        self.at += count;
        Ok(())
    }

    pub(super) fn literal(&mut self, literal: &'static [u8]) -> Result<(), EnvelopeError> {
        if self.body[self.at..].starts_with(literal) {
            self.at += literal.len();
            return Ok(());
        }
        Err(self.unexpected("a value"))
    }
}

/// How many bytes from the start are neither quote, backslash nor control character. Eight at a time: prompts are
/// nearly all of a body.
fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    for eight in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes(
            eight
                .try_into()
                .expect("`chunks_exact(8)` gives eight bytes"),
        );
        let special =
            has_below_space(word) | has_zero(word ^ (EACH * 0x22)) | has_zero(word ^ (EACH * 0x5C));
        if special != 0 {
            // The lowest set bit is exact; those above it may be carries.
            return run + (special.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    run + bytes[run..]
        .iter()
        .take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
        .count()
}

/// A high bit in each zero byte.
const fn has_zero(word: u64) -> u64 {
    word.wrapping_sub(EACH) & !word & (EACH * 0x80)
}

/// A high bit in each byte below 0x20.
const fn has_below_space(word: u64) -> u64 {
    word.wrapping_sub(EACH * 0x20) & !word & (EACH * 0x80)
}

const EACH: u64 = 0x0101_0101_0101_0101;

#[cfg(test)]
mod tests {
    use super::plain_run;

    #[test]
    fn a_run_ends_at_exactly_the_special_bytes() {
        for place in 0..20 {
            for byte in 0..=255u8 {
                let mut bytes = *b"abcdefgh\xC3\xA9klmnopqrst!~";
                bytes[place] = byte;
                let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(
                    plain_run(&bytes),
                    if special { place } else { bytes.len() },
                    "{byte:#x} at {place}"
                );
            }
        }
    }
}
