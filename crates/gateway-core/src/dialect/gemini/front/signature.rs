//! Signatures as Google's clients carry them: they must be Base64, so a tag is written inside of it.

use crate::chat::{Signature, decode_base64, encode_base64url};
use crate::dialect::Dialect;

/// For a client of Google's: its own as it is, any other with its maker's name, in Base64 with padding.
pub(super) fn written(signature: &Signature) -> String {
    let tagged = signature.tagged(Dialect::Gemini);
    if signature.is_of(Dialect::Gemini) {
        return tagged;
    }
    let mut text: String = encode_base64url(tagged.as_bytes())
        .chars()
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The same of thoughts that nobody can read.
pub(super) fn redacted(signature: &Signature) -> String {
    format!("{REDACTED}{}", written(signature))
}

/// What such a client sent back of thoughts that nobody can read; `None` if it is the signature of others.
pub(super) fn read_redacted(text: &str) -> Option<Signature> {
    text.strip_prefix(REDACTED).map(read)
}

/// What such a client sent back. Some write it in the alphabet for URLs.
pub(super) fn read(text: &str) -> Signature {
    let tagged = decode_base64(text)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(|text| Signature::untagged(&text, Dialect::Gemini))
        .filter(|it| it.by != Some(Dialect::Gemini));
    tagged.unwrap_or_else(|| Signature {
        by: Some(Dialect::Gemini),
        value: text.to_owned(),
    })
}

/// Before such a signature: Base64 as well.
const REDACTED: &str = "cmVkYWN0";

#[cfg(test)]
mod tests {
    use super::{read, written};
    use crate::chat::Signature;
    use crate::dialect::Dialect;

    #[test]
    fn a_signature_comes_back_in_either_alphabet() {
        for by in [Dialect::Gemini, Dialect::AnthropicMessages] {
            for value in ["EqQB+/==", "??>>~~", "x"] {
                let signature = Signature {
                    by: Some(by),
                    value: value.to_owned(),
                };
                let text = written(&signature);
                assert_eq!(read(&text), signature);
                if by != Dialect::Gemini {
                    assert_eq!(read(&text.replace('+', "-").replace('/', "_")), signature);
                }
            }
        }
    }
}
