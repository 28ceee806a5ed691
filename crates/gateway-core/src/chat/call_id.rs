//! A tool call's signature inside of its id: so that it travels through clients whose dialect has no place for it.

use std::borrow::Cow;

use super::Signature;
use super::base64::{decode_base64, encode_base64url};
use crate::dialect::Dialect;

/// The id for a client whose dialect has no signatures of calls: with the signature of Gemini behind it, in letters that
/// every dialect takes in an id.
pub(crate) fn signed_id<'a>(id: &'a str, signature: Option<&Signature>) -> Cow<'a, str> {
    match signature {
        Some(signature) if signature.by == Some(Dialect::Gemini) => Cow::Owned(format!(
            "{id}{MARK}{}",
            encode_base64url(signature.value.as_bytes())
        )),
        _ => Cow::Borrowed(id),
    }
}

/// What such a client sent back: the provider's id, and the signature if there is one.
pub(crate) fn unsigned_id(id: &str) -> (&str, Option<Signature>) {
    let signed = id.split_once(MARK).and_then(|(own, encoded)| {
        // LiteLLM's ids hold the signature itself, which is the Base64 of bytes that are no text.
        let value = String::from_utf8(decode_base64(encoded)?);
        Some((own, value.unwrap_or_else(|_| encoded.to_owned())))
    });
    match signed {
        Some((own, value)) => {
            let by = Some(Dialect::Gemini);
            (own, Some(Signature { by, value }))
        }
        None => (id, None),
    }
}

/// Between the id and the signature; LiteLLM's clients know it.
const MARK: &str = "__thought__";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{signed_id, unsigned_id};
    use crate::chat::Signature;
    use crate::dialect::Dialect;

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

    #[test]
    fn an_id_from_litellm_holds_the_signature_itself() {
        let (own, signature) = unsigned_id("call_1__thought__CiQB/+==");
        assert_eq!(own, "call_1");
        assert_eq!(signature.map(|it| it.value).as_deref(), Some("CiQB/+=="));
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
