//! Google's OAuth token endpoint for service accounts (RFC 7523), and an account that it knows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::script::Script;
use crate::upstream::Recorded;

/// Trades assertions for the tokens `token-1`, `token-2`, …
#[derive(Debug)]
pub struct TokenEndpoint {
    /// What `expires_in` says.
    pub expires_in: Duration,
    /// How long an answer takes.
    pub delay: Duration,
    issued: AtomicU64,
}

impl TokenEndpoint {
    /// An endpoint whose tokens live so long.
    #[must_use]
    pub fn new(expires_in: Duration) -> Self {
        Self {
            expires_in,
            delay: Duration::ZERO,
            issued: AtomicU64::new(0),
        }
    }

    /// How many tokens were issued.
    #[must_use]
    pub fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// Answers a token request; a bad one gets Google's 400.
    #[must_use]
    pub fn answer(&self, request: &Recorded) -> Script {
        let script = Script::new().sleep(self.delay);
        let answer = match check(request) {
            Ok(()) => {
                let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
                Script::json(
                    200,
                    &json!({"access_token": format!("token-{number}"), "token_type": "Bearer",
                        "expires_in": self.expires_in.as_secs()}),
                )
            }
            Err(why) => Script::json(
                400,
                &json!({"error": "invalid_grant", "error_description": why}),
            ),
        };
        answer.into_steps().into_iter().fold(script, Script::step)
    }
}

impl Default for TokenEndpoint {
    fn default() -> Self {
        Self::new(Duration::from_secs(3600))
    }
}

/// The JSON key file of a service account whose `token_uri` is `token_url`. Its key is public knowledge.
#[must_use]
pub fn service_account(token_url: &str) -> Value {
    json!({"type": "service_account", "project_id": "double-project", "private_key_id": "double-key",
        "private_key": PRIVATE_KEY, "client_email": CLIENT_EMAIL, "client_id": "1",
        "token_uri": token_url})
}

/// What is wrong with the request, in words; checks the signature too.
fn check(request: &Recorded) -> Result<(), String> {
    let body = String::from_utf8_lossy(&request.body);
    let form: HashMap<&str, String> = body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key, percent_decoded(value)))
        .collect();
    let grant = form.get("grant_type").map(String::as_str);
    if grant != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
        return Err(format!("grant_type is {grant:?}"));
    }
    let assertion = form.get("assertion").ok_or("no assertion")?;
    let (signed, signature) = assertion.rsplit_once('.').ok_or("no signature")?;
    let (header, claims) = signed.split_once('.').ok_or("no claims")?;
    let (header, claims) = (object(header)?, object(claims)?);
    if header["alg"] != "RS256" {
        return Err(format!("alg is {}", header["alg"]));
    }
    if claims["iss"] != CLIENT_EMAIL {
        return Err(format!("iss is {}", claims["iss"]));
    }
    for key in ["scope", "aud"] {
        if !claims[key].is_string() {
            return Err(format!("{key} is {}", claims[key]));
        }
    }
    let (Some(issued), Some(expires)) = (claims["iat"].as_u64(), claims["exp"].as_u64()) else {
        return Err("iat and exp must be numbers".to_owned());
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    if expires <= now || issued > now + 60 || expires - issued.min(expires) > 3600 {
        return Err(format!("iat {issued}, exp {expires}, now {now}"));
    }
    let signature = crate::base64::decode(signature).ok_or("the signature is not base64")?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key())
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "the signature does not fit".to_owned())
}

fn object(part: &str) -> Result<Value, String> {
    let bytes = crate::base64::decode(part).ok_or("not base64")?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn public_key() -> Vec<u8> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(PRIVATE_KEY.as_bytes())
        .expect("the fixture is a PKCS#8 key");
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("the fixture is an RSA key");
    key.public_key().as_ref().to_vec()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits =
                    [bytes.next(), bytes.next()].map(|digit| char::from(digit.unwrap_or(b'x')));
                let [high, low] = digits.map(|digit| digit.to_digit(16));
                let value = high.zip(low).map(|(high, low)| high * 16 + low);
                out.push(
                    value
                        .and_then(|value| u8::try_from(value).ok())
                        .unwrap_or(b'?'),
                );
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

const CLIENT_EMAIL: &str = "double@double-project.iam.gserviceaccount.invalid";
const PRIVATE_KEY: &str = include_str!("../../fixtures/test-only-service-account.pem");
