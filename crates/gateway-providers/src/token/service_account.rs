//! Google service accounts: the credentials file, and the signed assertion that is exchanged for a token.
//!
//! Source: RFC 7523 (JWT bearer grant), RFC 7515 (JWS), and Google's "Using OAuth 2.0 for Server to Server
//! Applications".

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;

use crate::error::{CredentialsError, TokenError};

/// Identifies credentials by value without holding them.
pub(crate) type TokenKey = [u8; 32];

/// A service account that can sign.
pub(crate) struct ServiceAccount {
    email: String,
    project: Option<String>,
    token_uri: String,
    key_id: Option<String>,
    key: RsaKeyPair,
    identity: TokenKey,
}

impl ServiceAccount {
    /// Reads the JSON of a credentials file. Errors never repeat what was read.
    pub(crate) fn parse(json: &str) -> Result<Self, CredentialsError> {
        let file: File = serde_json::from_str(json).map_err(|error| CredentialsError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        let kind = file.kind.unwrap_or_default();
        if kind != "service_account" {
            return Err(CredentialsError::Kind { kind });
        }
        let email = file
            .client_email
            .ok_or(CredentialsError::Missing("client_email"))?;
        let pem = file
            .private_key
            .ok_or(CredentialsError::Missing("private_key"))?;
        Ok(Self {
            key: read_key(&pem)?,
            email,
            project: file.project_id,
            token_uri: file.token_uri.unwrap_or_else(|| TOKEN_URI.to_owned()),
            key_id: file.private_key_id,
            identity: digest(&SHA256, json.as_bytes())
                .as_ref()
                .try_into()
                .expect("SHA-256 has 32 bytes"),
        })
    }

    /// The account's address, for logs.
    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    /// The project that the file names.
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// Where assertions are exchanged.
    pub(crate) fn token_uri(&self) -> &str {
        &self.token_uri
    }

    /// Equal for equal credentials.
    pub(crate) fn identity(&self) -> TokenKey {
        self.identity
    }

    /// A signed assertion, good for an hour from `now`. Takes about a millisecond of CPU (RSA).
    pub(crate) fn assertion(&self, now: SystemTime) -> Result<String, TokenError> {
        let issued = now
            .duration_since(UNIX_EPOCH)
            .map_err(|_| TokenError::Clock)?
            .as_secs();
        let header = match &self.key_id {
            Some(id) => serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": id}),
            None => serde_json::json!({"alg": "RS256", "typ": "JWT"}),
        };
        let claims = serde_json::json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": issued,
            "exp": issued + ASSERTION_SECONDS,
        });
        let mut assertion = base64url(header.to_string().as_bytes());
        assertion.push('.');
        assertion.push_str(&base64url(claims.to_string().as_bytes()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                assertion.as_bytes(),
                &mut signature,
            )
            .map_err(|_| TokenError::Sign)?;
        assertion.push('.');
        assertion.push_str(&base64url(&signature));
        Ok(assertion)
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServiceAccount")
            .field("email", &self.email)
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

/// What a credentials file holds; only what is used here. No `Debug`: it holds the key.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key: Option<String>,
    private_key_id: Option<String>,
    project_id: Option<String>,
    token_uri: Option<String>,
}

fn read_key(pem: &str) -> Result<RsaKeyPair, CredentialsError> {
    let rejected = |_| CredentialsError::Key;
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| CredentialsError::Key)? {
        PrivateKeyDer::Pkcs8(der) => {
            RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(rejected)
        }
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(rejected),
        _ => Err(CredentialsError::Key),
    }
}

/// Base64 with the URL alphabet and without padding (RFC 4648 section 5, RFC 7515 section 2).
fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..=group.len() {
            let sextet = bits >> (18 - 6 * position) & 0x3f;
            text.push(char::from(ALPHABET[sextet as usize]));
        }
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The longest life that Google accepts.
const ASSERTION_SECONDS: u64 = 3600;

#[cfg(test)]
mod tests {
    use super::{ServiceAccount, base64url};
    use crate::error::CredentialsError;
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use std::time::{Duration, UNIX_EPOCH};

    const PEM: &str = include_str!("../../tests/fixtures/service-account.pem");
    const PKCS1: &str = include_str!("../../tests/fixtures/service-account.pkcs1.pem");
    const PUBLIC: &[u8] = include_bytes!("../../tests/fixtures/service-account.pub.der");

    fn file(pem: &str) -> String {
        serde_json::json!({
            "type": "service_account", "client_email": "sa@p.iam.example", "private_key": pem,
            "private_key_id": "k1", "project_id": "p", "token_uri": "https://t.example/token",
        })
        .to_string()
    }

    fn decode(text: &str) -> Vec<u8> {
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
        for letter in text.bytes() {
            let value = super::ALPHABET.iter().position(|it| *it == letter).unwrap();
            bits = bits << 6 | u32::try_from(value).unwrap();
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
            }
        }
        bytes
    }

    #[test]
    fn base64_matches_the_vectors_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64url(plain.as_bytes()), encoded);
        }
        assert_eq!(base64url(&[0xfb, 0xff, 0xbf]), "-_-_");
    }

    #[test]
    fn an_assertion_says_who_when_and_what_for_and_its_signature_verifies() {
        for pem in [PEM, PKCS1] {
            let account = ServiceAccount::parse(&file(pem)).unwrap();
            let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
            let assertion = account.assertion(now).unwrap();
            let (signed, signature) = assertion.rsplit_once('.').unwrap();
            let (header, claims) = signed.split_once('.').unwrap();
            let header: serde_json::Value = serde_json::from_slice(&decode(header)).unwrap();
            assert_eq!(
                header,
                serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": "k1"})
            );
            let claims: serde_json::Value = serde_json::from_slice(&decode(claims)).unwrap();
            let expected = serde_json::json!({
                "iss": "sa@p.iam.example", "aud": "https://t.example/token",
                "scope": "https://www.googleapis.com/auth/cloud-platform",
                "iat": 1_800_000_000, "exp": 1_800_003_600,
            });
            assert_eq!(claims, expected);
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC)
                .verify(signed.as_bytes(), &decode(signature))
                .unwrap();
        }
    }

    #[test]
    fn bad_credentials_are_named_without_being_shown() {
        let cases = [
            ("{", "line 1"),
            (r#"{"type":"authorized_user"}"#, "authorized_user"),
            ("{}", "type"),
            (r#"{"type":"service_account"}"#, "client_email"),
            (
                r#"{"type":"service_account","client_email":"x"}"#,
                "private_key",
            ),
            (&file("SECRET"), "private_key"),
            (
                &file("-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n"),
                "private_key",
            ),
        ];
        for (json, named) in cases {
            let error: CredentialsError = ServiceAccount::parse(json).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(error.to_string().contains(named), "{text}");
            assert!(!text.contains("SECRET"), "{text}");
        }
    }

    #[test]
    fn the_debug_form_shows_no_key() {
        let shown = format!("{:?}", ServiceAccount::parse(&file(PEM)).unwrap());
        assert!(shown.contains("sa@p.iam.example") && !shown.contains("PRIVATE"));
    }
}
