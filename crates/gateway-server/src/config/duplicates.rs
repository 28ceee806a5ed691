//! Finds every duplicate key of a document, after the parser has refused it for its first one.

use super::problem::Mark;
use serde_saphyr::granit_parser::{Event, Parser, Span};
use std::collections::HashMap;

/// A key that its mapping already has.
pub(super) struct Duplicate {
    pub(super) name: String,
    pub(super) at: Mark,
    pub(super) first_line: u32,
}

/// All duplicate scalar keys, in order. Stops quietly where the document ends to be YAML.
pub(super) fn find(text: &str) -> Vec<Duplicate> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        match event {
            Event::Scalar(name, ..) => {
                if let Some(Open::Mapping {
                    keys,
                    expects_key: true,
                }) = open.last_mut()
                {
                    let at = mark(span);
                    match keys.get(name.as_ref()) {
                        Some(&first_line) => found.push(Duplicate {
                            name: name.into_owned(),
                            at,
                            first_line,
                        }),
                        None => {
                            keys.insert(name.into_owned(), at.line);
                        }
                    }
                }
                ended(&mut open);
            }
            Event::Alias(..) => ended(&mut open),
            Event::SequenceStart(..) => open.push(Open::Sequence),
            Event::MappingStart(..) => open.push(Open::Mapping {
                keys: HashMap::new(),
                expects_key: true,
            }),
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                ended(&mut open);
            }
            _ => {}
        }
    }
    found
}

/// A collection whose end has not come yet.
enum Open {
    Sequence,
    Mapping {
        keys: HashMap<String, u32>,
        expects_key: bool,
    },
}

/// A node has ended: in a mapping, keys and values alternate.
fn ended(open: &mut [Open]) {
    if let Some(Open::Mapping { expects_key, .. }) = open.last_mut() {
        *expects_key = !*expects_key;
    }
}

fn mark(span: Span) -> Mark {
    let offset = span.start.byte_offset().map_or(0, small);
    Mark {
        file: 0,
        line: small(span.start.line()),
        column: small(span.start.col() + 1),
        offset,
        length: span
            .end
            .byte_offset()
            .map_or(0, small)
            .saturating_sub(offset),
    }
}

fn small(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
