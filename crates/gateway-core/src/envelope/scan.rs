//! One strict pass over a JSON text: RFC 8259, no recursion, no tree, linear time. Notes where the members of the
//! outermost object lie.

mod token;

use std::ops::Range;

use super::{EnvelopeError, Found, Limits, Member, Text};

/// Checks `body`, which must be UTF-8, and finds the members of its object.
pub(super) fn members(body: &[u8], limits: Limits) -> Result<Vec<Member>, EnvelopeError> {
    let mut scanner = Scanner {
        body,
        at: 0,
        nesting: Nesting {
            objects: 0,
            depth: 0,
            limit: limits.max_depth.min(MAX_DEPTH),
        },
        members: Vec::new(),
        max_fields: limits.max_fields,
        open_member: None,
    };
    scanner.skip_white_space();
    if scanner.peek() != Some(b'{') {
        return Err(scanner.unexpected("a JSON object"));
    }
    scanner.document()?;
    Ok(scanner.members)
}

struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
    nesting: Nesting,
    members: Vec<Member>,
    max_fields: usize,
    /// The member of the outermost object whose value is being read.
    open_member: Option<OpenMember>,
}

struct OpenMember {
    key: Text,
    start: usize,
    value: usize,
}

/// What the grammar allows next, besides white space.
#[derive(Clone, Copy)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), EnvelopeError> {
        let mut next = Next::Value;
        loop {
            self.skip_white_space();
            next = match (next, self.peek()) {
                (Next::ValueOrEnd, Some(b']')) => self.close(),
                (Next::KeyOrEnd, Some(b'}')) => self.close(),
                (Next::Value | Next::ValueOrEnd, _) => self.value()?,
                (Next::Key | Next::KeyOrEnd, Some(b'"')) => self.key()?,
                (Next::Key, _) => return Err(self.unexpected("a string as the key")),
                (Next::KeyOrEnd, _) => return Err(self.unexpected("a string as the key, or `}`")),
                (Next::CommaOrEnd, Some(b',')) => {
                    self.at += 1;
                    if self.nesting.in_object() {
                        Next::Key
                    } else {
                        Next::Value
                    }
                }
                (Next::CommaOrEnd, Some(b'}')) if self.nesting.in_object() => self.close(),
                (Next::CommaOrEnd, Some(b']')) if !self.nesting.in_object() => self.close(),
                (Next::CommaOrEnd, _) if self.nesting.in_object() => {
                    return Err(self.unexpected("`,` or `}`"));
                }
                (Next::CommaOrEnd, _) => return Err(self.unexpected("`,` or `]`")),
            };
            if self.nesting.depth == 0 {
                break;
            }
        }
        self.skip_white_space();
        if self.at < self.body.len() {
            Err(self.unexpected("the end of the body"))
        } else {
            Ok(())
        }
    }

    /// Reads a value, or enters it.
    fn value(&mut self) -> Result<Next, EnvelopeError> {
        if let (1, Some(member)) = (self.nesting.depth, &mut self.open_member) {
            member.value = self.at;
        }
        match self.peek() {
            Some(b'{') => return self.open(Next::KeyOrEnd),
            Some(b'[') => return self.open(Next::ValueOrEnd),
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => return Err(self.unexpected("a value")),
        }
        Ok(self.value_ended())
    }

    fn open(&mut self, next: Next) -> Result<Next, EnvelopeError> {
        if !self.nesting.enter(matches!(next, Next::KeyOrEnd)) {
            return Err(EnvelopeError::TooDeep {
                offset: self.at,
                limit: self.nesting.limit,
            });
        }
        self.at += 1;
        Ok(next)
    }

    fn close(&mut self) -> Next {
        self.at += 1;
        self.nesting.leave();
        self.value_ended()
    }

    fn value_ended(&mut self) -> Next {
        if self.nesting.depth == 1
            && let Some(OpenMember { key, start, value }) = self.open_member.take()
        {
            self.members.push(Member {
                key,
                span: start..self.at,
                value: value..self.at,
            });
        }
        Next::CommaOrEnd
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<Next, EnvelopeError> {
        let start = self.at;
        self.string()?;
        if self.nesting.depth == 1 {
            let key = self.new_key(start..self.at)?;
            self.open_member = Some(OpenMember {
                key,
                start,
                value: start,
            });
        }
        self.skip_white_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(Next::Value)
    }

    /// A key of the outermost object, escapes resolved, which must be the first of its name.
    fn new_key(&self, span: Range<usize>) -> Result<Text, EnvelopeError> {
        if self.members.len() >= self.max_fields {
            return Err(EnvelopeError::TooManyFields {
                offset: span.start,
                limit: self.max_fields,
            });
        }
        let key = Text::of_string(self.body, &span);
        let name = key.as_bytes(self.body);
        if self
            .members
            .iter()
            .any(|member| member.key.as_bytes(self.body) == name)
        {
            let field = key.as_str(self.body).chars().take(MAX_SHOWN).collect();
            return Err(EnvelopeError::DuplicateField {
                offset: span.start,
                field,
            });
        }
        Ok(key)
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn unexpected(&self, expected: &'static str) -> EnvelopeError {
        let found = self.peek().map_or(Found::End, Found::Byte);
        EnvelopeError::Syntax {
            offset: self.at,
            expected,
            found,
        }
    }
}

/// Which of the open brackets are objects: one bit each, so that depth costs no memory.
struct Nesting {
    objects: u128,
    depth: usize,
    limit: usize,
}

impl Nesting {
    fn enter(&mut self, object: bool) -> bool {
        if self.depth >= self.limit {
            return false;
        }
        self.objects = self.objects << 1 | u128::from(object);
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    const fn in_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

/// As many brackets as [`Nesting`] has bits.
const MAX_DEPTH: usize = 128;

/// How much of a duplicate key an error repeats, in characters.
const MAX_SHOWN: usize = 64;
