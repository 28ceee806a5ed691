//! Spans as bytes: OTLP's `ExportTraceServiceRequest` in the encoding of protocol buffers.
//!
//! Written by hand. OpenTelemetry's crates for this would add fourteen others, a compiler of messages among them, bring
//! span processors and environment variables of their own, and be used for one message type. A decoder that we did not
//! write judges the bytes, in `tests/tests/tracing.rs`. Field numbers: `opentelemetry/proto/trace/v1/trace.proto`,
//! `…/common/v1/common.proto`, `…/resource/v1/resource.proto`, `…/collector/trace/v1/trace_service.proto`.

use super::span::{Attribute, Kind, Span, Value};

/// One export: what is said of the process, then the spans.
pub(super) fn request(resource: &[(String, String)], spans: &[Span<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * SPAN_BYTES);
    message(&mut out, 1, |out| {
        message(out, 1, |out| {
            for (name, value) in resource {
                attribute(out, 1, name, &Value::from(value.as_str()));
            }
        });
        message(out, 2, |out| {
            message(out, 1, |out| {
                text(out, 1, env!("CARGO_PKG_NAME"));
                text(out, 2, env!("CARGO_PKG_VERSION"));
            });
            for span in spans {
                message(out, 2, |out| write(out, span));
            }
            text(out, 3, SCHEMA);
        });
    });
    out
}

/// How many spans a collector says it did not take, in an answer that is fine otherwise.
pub(super) fn rejected(answer: &[u8]) -> u64 {
    let partial_success = field(answer, 1).and_then(|it| match it {
        Field::Bytes(bytes) => field(bytes, 1),
        Field::Number(_) => None,
    });
    match partial_success {
        Some(Field::Number(spans)) => spans,
        _ => 0,
    }
}

fn write(out: &mut Vec<u8>, span: &Span<'_>) {
    bytes(out, 1, &span.trace_id.to_be_bytes());
    bytes(out, 2, &span.span_id.to_be_bytes());
    if let Some(state) = span.state {
        text(out, 3, state);
    }
    if let Some(parent) = span.parent {
        bytes(out, 4, &parent.to_be_bytes());
    }
    text(out, 5, &span.name);
    let kind = match span.kind {
        Kind::Server => 2,
        Kind::Client => 3,
    };
    number(out, 6, kind);
    fixed64(out, 7, span.started);
    fixed64(out, 8, span.ended);
    for Attribute { name, value } in &span.attributes {
        attribute(out, 9, name, value);
    }
    if span.failed {
        message(out, 15, |out| number(out, 3, ERROR));
    }
    let remote = if span.parent_is_remote { IS_REMOTE } else { 0 };
    key(out, 16, FIXED32);
    let flags = SAMPLED | KNOWS_REMOTE | remote;
    out.extend_from_slice(&flags.to_le_bytes());
}

fn attribute(out: &mut Vec<u8>, field: u32, name: &str, value: &Value<'_>) {
    message(out, field, |out| {
        text(out, 1, name);
        message(out, 2, |out| match value {
            Value::Text(value) => text(out, 1, value),
            Value::Flag(value) => number(out, 2, u64::from(*value)),
            Value::Number(value) => number(out, 3, *value),
            Value::Decimal(value) => fixed64(out, 4, value.to_bits()),
        });
    });
}

/// A message within a message: its length stands before it, and is known behind it.
fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    key(out, field, LENGTH);
    let at = out.len();
    write(out);
    let ends = out.len();
    varint(out, (ends - at) as u64);
    let digits = out.len() - ends;
    if let Some(message) = out.get_mut(at..) {
        message.rotate_right(digits);
    }
}

fn text(out: &mut Vec<u8>, field: u32, text: &str) {
    bytes(out, field, text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    key(out, field, LENGTH);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn number(out: &mut Vec<u8>, field: u32, number: u64) {
    key(out, field, VARINT);
    varint(out, number);
}

fn fixed64(out: &mut Vec<u8>, field: u32, number: u64) {
    key(out, field, FIXED64);
    out.extend_from_slice(&number.to_le_bytes());
}

fn key(out: &mut Vec<u8>, field: u32, wire: u32) {
    varint(out, u64::from(field << 3 | wire));
}

/// Seven bits at a time, the lowest first; the eighth says that more follow.
fn varint(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let digit = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            out.push(digit);
            return;
        }
        out.push(digit | 0x80);
    }
}

/// The value of a field.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The first field with this number, if the message can be read up to there.
fn field(mut message: &[u8], wanted: u64) -> Option<Field<'_>> {
    loop {
        let key = read(&mut message)?;
        let value = match u32::try_from(key & 7).ok()? {
            VARINT => Field::Number(read(&mut message)?),
            LENGTH => {
                let length = usize::try_from(read(&mut message)?).ok()?;
                let (value, rest) = message.split_at_checked(length)?;
                message = rest;
                Field::Bytes(value)
            }
            FIXED32 => {
                message = message.get(4..)?;
                continue;
            }
            FIXED64 => {
                message = message.get(8..)?;
                continue;
            }
            _ => return None,
        };
        if key >> 3 == wanted {
            return Some(value);
        }
    }
}

fn read(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..MOST_DIGITS {
        let (digit, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(digit & 0x7f) << (7 * place).min(63);
        if digit & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Of protocol buffers.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;
/// Of a 64-bit number, in groups of seven bits.
const MOST_DIGITS: usize = 10;

/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;
/// The caller's flag of that name.
const SAMPLED: u32 = 1;
/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`.
const KNOWS_REMOTE: u32 = 0x100;
/// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`.
const IS_REMOTE: u32 = 0x200;

/// The conventions that attributes follow; those of `gen_ai` have no schema of their own yet.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";
/// Bytes that a span has, about.
const SPAN_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_bytes_that_the_encoding_says() {
        for (value, expected) in [
            (0_u64, &[0_u8][..]),
            (1, &[1]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u64::MAX, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ] {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!(out, expected, "{value}");
            assert_eq!(read(&mut out.as_slice()), Some(value));
        }
    }

    #[test]
    fn a_partial_success_tells_how_many_were_not_taken() {
        let mut answer = Vec::new();
        assert_eq!(rejected(&answer), 0);
        message(&mut answer, 1, |out| {
            text(out, 2, "too old");
            number(out, 1, 300);
        });
        assert_eq!(rejected(&answer), 300);
        for length in 0..answer.len() {
            // Whatever is cut off: nothing breaks.
            let _any = rejected(&answer[..length]);
        }
        assert_eq!(rejected(b"{\"partialSuccess\":{}}"), 0);
    }
}
