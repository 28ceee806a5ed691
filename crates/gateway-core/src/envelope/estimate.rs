//! How many tokens a prompt has, roughly.

use memchr::memchr2;

use super::Envelope;

impl Envelope {
    /// An estimate of the tokens that the request puts into the model, from the lengths of its texts: four ASCII
    /// characters or one other character are a token, a number is one, and an image or file that stands in the body counts
    /// as a thousand. It reads the prompt once and builds nothing.
    ///
    /// Tokenizers differ by more than this is wrong: English prose comes out right within a quarter, code and other
    /// languages worse. Good enough to see that a prompt cannot fit, never for accounting.
    pub fn estimate_input_tokens(&self) -> u64 {
        let quarters: u64 = PROMPT_FIELDS
            .iter()
            .filter_map(|field| self.field(field))
            .map(quarters)
            .sum();
        quarters.div_ceil(4)
    }
}

/// What the model reads, in any of the dialects.
const PROMPT_FIELDS: &[&str] = &[
    "messages",
    "system",
    "prompt",
    "suffix",
    "input",
    "instructions",
    "contents",
    "systemInstruction",
    "system_instruction",
    "generateContentRequest",
    "tools",
    "functions",
];

/// About what providers count for one picture of a usual size.
const TOKENS_OF_BINARY: u64 = 1000;

/// Quarters of tokens in a JSON value that was checked. Keys count: they stand for what a message and a schema cost
/// besides their texts.
fn quarters(mut json: &[u8]) -> u64 {
    let mut sum = 0;
    while let Some((&first, rest)) = json.split_first() {
        json = match first {
            b'"' => {
                let (text, after) = rest.split_at(string_end(rest));
                sum += text_quarters(text);
                after.get(1..).unwrap_or_default()
            }
            b'-' | b'0'..=b'9' => {
                sum += 4;
                let digits = rest
                    .iter()
                    .take_while(|byte| {
                        matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
                    })
                    .count();
                &rest[digits..]
            }
            _ => rest,
        };
    }
    sum
}

/// Where the string ends whose characters `json` begins with.
fn string_end(json: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        if json[at + found] == b'"' {
            return at + found;
        }
        at += found + 2;
    }
    json.len()
}

fn text_quarters(text: &[u8]) -> u64 {
    if is_binary(text) {
        return TOKENS_OF_BINARY * 4;
    }
    let ascii = text.iter().filter(|byte| byte.is_ascii()).count() as u64;
    let other = text.iter().filter(|&&byte| byte >= 0xC0).count() as u64;
    ascii + other * 4
}

/// Whether a string holds a file in base64, by how it begins.
fn is_binary(text: &[u8]) -> bool {
    if text.len() < MIN_BINARY {
        return false;
    }
    if text.starts_with(b"data:") {
        return true;
    }
    text[..MIN_BINARY].iter().all(
        |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'/' | b'-' | b'_'),
    )
}

/// In bytes; no word is that long.
const MIN_BINARY: usize = 512;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{Envelope, Limits};

    fn estimate(body: &str) -> u64 {
        Envelope::parse(Bytes::copy_from_slice(body.as_bytes()), Limits::default())
            .expect(body)
            .estimate_input_tokens()
    }

    #[test]
    fn only_the_prompt_counts_by_the_length_of_its_texts() {
        for (body, tokens) in [
            ("{}", 0),
            (r#"{"model":"a model with a long name","user":"u"}"#, 0),
            (r#"{"prompt":""}"#, 0),
            (r#"{"prompt":"12345678"}"#, 2),
            (r#"{"prompt":"123456789"}"#, 3),
            (r#"{"prompt":"日本語"}"#, 3),
            (r#"{"prompt":[17, -2.5e3, 400]}"#, 3),
            (r#"{"prompt":["1234","1234"]}"#, 2),
            (r#"{"prompt":"\"\\\"1234"}"#, 3),
            (
                r#"{"system":"1234","messages":[{"role":"user","content":"1234"}]}"#,
                6,
            ),
        ] {
            assert_eq!(estimate(body), tokens, "{body}");
        }
    }

    #[test]
    fn an_image_is_not_counted_by_its_bytes() {
        let base64 = "QUJD".repeat(10_000);
        for body in [
            format!(r#"{{"prompt":"data:image/png;base64,{base64}"}}"#),
            format!(r#"{{"prompt":"{base64}"}}"#),
        ] {
            assert_eq!(estimate(&body), super::TOKENS_OF_BINARY);
        }
        let prose = "a word and ".repeat(1000);
        assert_eq!(estimate(&format!(r#"{{"prompt":"{prose}"}}"#)), 2750);
    }
}
