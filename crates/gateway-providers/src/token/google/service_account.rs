//! Google service accounts: the credentials file, and the signed assertion that is exchanged for a token.
//!
//! Source: RFC 7523 (JWT bearer grant), RFC 7515 (JWS), and Google's "Using OAuth 2.0 for Server to Server
//! Applications".

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_transport::Shard;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use super::super::endpoint::{TokenEndpoint, Ways};
use super::super::exchange::{Issued, form, token};
use super::{File, SCOPE, TOKEN_URI, required};
use crate::error::{CredentialsError, EndpointError, TokenError};

/// A service account that can sign.
pub(super) struct ServiceAccount {
    email: String,
    token_uri: String,
    key_id: Option<String>,
    key: RsaKeyPair,
    endpoint: TokenEndpoint,
}

impl ServiceAccount {
    pub(super) fn of(file: File, ways: &Ways<'_>) -> Result<Self, EndpointError> {
        let email = required(file.client_email, "client_email")?;
        let key = read_key(&required(file.private_key, "private_key")?)?;
        let token_uri = file.token_uri.unwrap_or_else(|| TOKEN_URI.to_owned());
        Ok(Self {
            endpoint: ways.to(&token_uri, "token_uri")?,
            email,
            token_uri,
            key_id: file.private_key_id,
            key,
        })
    }

    /// The account's address, for logs.
    pub(super) fn email(&self) -> &str {
        &self.email
    }

    pub(super) fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    pub(super) async fn fetch(&self, shard: &Shard, now: SystemTime) -> Result<Issued, TokenError> {
        let assertion = self.assertion(now)?;
        let pairs = [("grant_type", GRANT), ("assertion", assertion.as_str())];
        token(&self.endpoint, shard, form(&self.endpoint, &pairs)).await
    }

    /// A signed assertion, good for an hour from `now`. Takes about a millisecond of CPU (RSA).
    pub(super) fn assertion(&self, now: SystemTime) -> Result<String, TokenError> {
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
        let mut assertion = URL_SAFE_NO_PAD.encode(header.to_string().as_bytes());
        assertion.push('.');
        assertion.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string().as_bytes()));
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
        assertion.push_str(&URL_SAFE_NO_PAD.encode(&signature));
        Ok(assertion)
    }
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

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest life that Google accepts.
const ASSERTION_SECONDS: u64 = 3600;
