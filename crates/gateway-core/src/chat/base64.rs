//! Base64 (RFC 4648) as ids and signatures need it: written for URLs, read however a client sends it back.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 for URLs, without padding (section 5).
pub(crate) fn encode_base64url(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// The bytes of either alphabet, with padding or without; `None` for any other text.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let plain = text.replace('+', "-").replace('/', "_");
    ENGINE.decode(plain).ok()
}

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::{decode_base64, encode_base64url};

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
            assert_eq!(encode_base64url(bytes.as_bytes()), text);
            assert_eq!(decode_base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode_base64("fn5+Pz8/").as_deref(), Some(&b"~~~???"[..]));
        assert_eq!(decode_base64("Zg==").as_deref(), Some(&b"f"[..]));
        assert_eq!(decode_base64("Zg =="), None);
    }
}
