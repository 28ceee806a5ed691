//! A string that reaches no log: keys, tokens, credentials.

use std::fmt;
use std::sync::Arc;

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretString};

/// A secret text. It has no `Display` and no `Serialize`, its `Debug` is a fixed mask, and its memory is overwritten
/// when the last clone is dropped. A clone shares the one copy in memory.
///
/// There is no equality on purpose: who compares keys must do it in constant time.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes the text over. The buffer it came in is overwritten.
    pub fn new(mut text: String) -> Self {
        // `String::into_boxed_str` may move a string with spare room and leave the old bytes behind.
        let exact: Box<str> = text.as_str().into();
        text.zeroize();
        Self(Arc::new(SecretString::new(exact)))
    }

    /// The text itself: for the header that carries it, and nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_debug_print_shows_the_mask_only() {
        let secret = Secret::from("sk-canary");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "Secret(***) Some(\n    Secret(***),\n)"
        );
    }

    #[test]
    fn a_clone_exposes_the_same_text() {
        let mut roomy = String::with_capacity(64);
        roomy.push_str("sk-canary");
        let secret = Secret::new(roomy);
        let clone = secret.clone();
        assert_eq!(
            (clone.expose(), secret.expose()),
            ("sk-canary", "sk-canary")
        );
    }
}
