//! CR, LF and CRLF become LF, and a BOM at the start goes, across any split.

use bytes::{Buf, Bytes};
use memchr::memchr;

/// What must be remembered between two reads.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    /// The last byte was a CR, which has already come out as LF: an LF right after it belongs to it.
    after_cr: bool,
    start: Start,
}

/// How much of a BOM was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Inside(usize),
    Past,
}

impl Default for Start {
    fn default() -> Self {
        Self::Inside(0)
    }
}

impl LineEnds {
    /// Gives the chunk back with LF line ends; the same bytes, uncopied, if it had no others. Bytes that looked like the
    /// beginning of a BOM and were none go to `held`.
    pub(super) fn unify(&mut self, mut chunk: Bytes, held: &mut Vec<u8>) -> Bytes {
        self.skip_bom(&mut chunk, held);
        if chunk.is_empty() {
            return chunk;
        }
        if std::mem::take(&mut self.after_cr) && chunk[0] == b'\n' {
            chunk.advance(1);
        }
        let Some(first) = memchr(b'\r', &chunk) else {
            return chunk;
        };
        let mut out = Vec::with_capacity(chunk.len());
        let mut rest: &[u8] = &chunk;
        let mut next = Some(first);
        while let Some(cr) = next {
            out.extend_from_slice(&rest[..cr]);
            out.push(b'\n');
            rest = &rest[cr + 1..];
            match rest.first() {
                None => self.after_cr = true,
                Some(b'\n') => rest = &rest[1..],
                Some(_) => {}
            }
            next = memchr(b'\r', rest);
        }
        out.extend_from_slice(rest);
        Bytes::from(out)
    }

    /// Whether the body so far is the beginning of a BOM, and no more.
    pub(super) fn is_inside_bom(&self) -> bool {
        matches!(self.start, Start::Inside(1..))
    }

    fn skip_bom(&mut self, chunk: &mut Bytes, held: &mut Vec<u8>) {
        let Start::Inside(mut seen) = self.start else {
            return;
        };
        while let Some(&byte) = chunk.first() {
            if byte != BOM[seen] {
                held.extend_from_slice(&BOM[..seen]);
                self.start = Start::Past;
                return;
            }
            chunk.advance(1);
            seen += 1;
            if seen == BOM.len() {
                self.start = Start::Past;
                return;
            }
        }
        self.start = Start::Inside(seen);
    }
}

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];
