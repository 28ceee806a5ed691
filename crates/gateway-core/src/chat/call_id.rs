//! A tool call's signature inside of its id: so that it travels through clients whose dialect has no place for it.

use std::borrow::Cow;

use super::Signature;
use crate::dialect::Dialect;

/// The id for a client whose dialect has no signatures of calls: with the signature of Gemini behind it, in letters that
/// every dialect takes in an id.
pub(crate) fn signed_id<'a>(id: &'a str, signature: Option<&Signature>) -> Cow<'a, str> {
    match signature {
        Some(signature) if signature.by == Some(Dialect::Gemini) => {
            Cow::Owned(format!("{id}{MARK}{}", encode(signature.value.as_bytes())))
        }
        _ => Cow::Borrowed(id),
    }
}

/// What such a client sent back: the provider's id, and the signature if there is one.
pub(crate) fn unsigned_id(id: &str) -> (&str, Option<Signature>) {
    let signed = id.split_once(MARK).and_then(|(own, encoded)| {
        let value = String::from_utf8(decode(encoded)?).ok()?;
        Some((own, value))
    });
    match signed {
        Some((own, value)) => {
            let by = Some(Dialect::Gemini);
            (own, Some(Signature { by, value }))
        }
        None => (id, None),
    }
}

/// Base64 for URLs, without padding: RFC 4648, section 5.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(group.get(at).copied().unwrap_or_default())
        });
        for at in 0..=group.len() {
            let digit = bits >> (18 - 6 * at) & 63;
            text.extend(ALPHABET.chars().nth(digit as usize));
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for at in 0..4 {
            let digit = match group.get(at) {
                Some(&letter) => {
                    u32::try_from(ALPHABET.bytes().position(|it| it == letter)?).ok()?
                }
                None => 0,
            };
            bits = bits << 6 | digit;
        }
        let [_, decoded @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(decoded.get(..group.len().checked_sub(1)?)?);
    }
    Some(bytes)
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Between the id and the signature; LiteLLM's clients know it.
const MARK: &str = "__thought__";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode, signed_id, unsigned_id};
    use crate::chat::Signature;
    use crate::dialect::Dialect;

    #[test]
    fn base64_is_the_one_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("~~~???", "fn5-Pz8_"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode("a+b="), None);
    }

    #[test]
    fn only_what_gemini_signed_is_written_into_the_id() {
        let of = |by| Signature {
            by,
            value: "CiQB/+==".to_owned(),
        };
        assert_eq!(signed_id("a", None), "a");
        assert_eq!(signed_id("a", Some(&of(Some(Dialect::OpenAiChat)))), "a");
        let gemini = of(Some(Dialect::Gemini));
        let signed = signed_id("a", Some(&gemini));
        assert_eq!(unsigned_id(&signed), ("a", Some(gemini)));
        assert_eq!(
            unsigned_id("call_1__thought__!"),
            ("call_1__thought__!", None)
        );
    }

    proptest! {
        #[test]
        fn an_id_and_its_signature_come_back(id in "[a-z_0-9]{0,20}", value in ".{0,60}") {
            let signature = Signature { by: Some(Dialect::Gemini), value };
            let signed = signed_id(&id, Some(&signature)).into_owned();
            prop_assert!(signed.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)));
            prop_assert_eq!(unsigned_id(&signed), (id.as_str(), Some(signature)));
        }
    }
}
