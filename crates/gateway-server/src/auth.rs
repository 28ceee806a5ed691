//! Who may call: the master key, in every header that LiteLLM takes it from.

use std::fmt;

use gateway_core::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use subtle::ConstantTimeEq;

/// The keys that the gateway accepts.
#[derive(Clone)]
pub(crate) struct Keys {
    master: Option<Secret>,
    /// `general_settings.litellm_key_header_name`: when set, the only header that counts.
    header: Option<HeaderName>,
    /// What `/health/drain` asks for.
    drain: Option<Secret>,
}

/// What a drain token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DrainToken {
    /// It is the one.
    Right,
    /// It is not, or there is none.
    Wrong,
    /// Nobody has said which one it is: there is no such route.
    Unset,
}

/// Why a call may not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No header carries a key.
    NoKey,
    /// The one header that counts carries no key.
    NoKeyInHeader,
    /// The key is none of ours.
    WrongKey,
    /// Two headers carry two keys: whoever stands between us and the client may have checked the other one.
    TwoKeys,
}

impl Denied {
    /// What the client is told.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::NoKey => {
                "No API key. Send it as `Authorization: Bearer <key>` or `x-api-key: <key>`."
            }
            Self::NoKeyInHeader => {
                "No API key in the header that this gateway is configured to take it from."
            }
            Self::WrongKey => "The API key is not valid for this gateway.",
            Self::TwoKeys => {
                "`Authorization` and `x-api-key` carry different keys. Send one, or send the same key in both."
            }
        }
    }
}

impl Keys {
    /// Accepts `master`; with `None` everybody may call, which the configuration allows on loopback only.
    pub(crate) fn new(master: Option<Secret>, header: Option<HeaderName>) -> Self {
        Self {
            master,
            header,
            drain: None,
        }
    }

    /// With what `/health/drain` asks for.
    pub(crate) fn with_drain(self, drain: Option<Secret>) -> Self {
        Self { drain, ..self }
    }

    /// Whether these headers may drain the process, as LiteLLM asks for it.
    pub(crate) fn drain(&self, headers: &HeaderMap) -> DrainToken {
        let Some(token) = &self.drain else {
            return DrainToken::Unset;
        };
        let presented = headers.get("x-drain-token");
        let presented = presented.map_or(&[][..], |value| value.as_bytes());
        let same: bool = presented.ct_eq(token.expose().as_bytes()).into();
        if same {
            DrainToken::Right
        } else {
            DrainToken::Wrong
        }
    }

    /// The only header that counts, where one is configured.
    pub(crate) fn header(&self) -> Option<&HeaderName> {
        self.header.as_ref()
    }

    /// Whether these headers may call, or the key that stands in the path's query, where that is usual.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self, headers: &HeaderMap, query: Option<&str>) -> Result<(), Denied> {
        let Some(master) = &self.master else {
            return Ok(());
        };
        let presented = match &self.header {
            Some(name) => {
                let value = headers.get(name).ok_or(Denied::NoKeyInHeader)?;
                bare(value.as_bytes())
            }
            None => presented(headers)?
                .or(query.map(str::as_bytes))
                .ok_or(Denied::NoKey)?,
        };
        let same: bool = presented.ct_eq(master.expose().as_bytes()).into();
        same.then_some(()).ok_or(Denied::WrongKey)
    }
}

/// The key that these headers carry; the first of LiteLLM's order counts.
fn presented(headers: &HeaderMap) -> Result<Option<&[u8]>, Denied> {
    let key = |name: &str| headers.get(name).map(|value| bare(value.as_bytes()));
    if let Some(own) = key("x-litellm-api-key") {
        return Ok(Some(own));
    }
    let authorization = headers
        .get(AUTHORIZATION)
        .map(|value| bare(value.as_bytes()));
    let anthropic = key("x-api-key");
    if let (Some(one), Some(other)) = (authorization, anthropic)
        && one != other
    {
        return Err(Denied::TwoKeys);
    }
    Ok(authorization
        .or_else(|| key("api-key"))
        .or(anthropic)
        .or_else(|| key("x-goog-api-key"))
        .or_else(|| key("ocp-apim-subscription-key")))
}

/// Removes the scheme of an `Authorization` value.
fn bare(value: &[u8]) -> &[u8] {
    let rest = ["bearer ", "basic "].iter().find_map(|scheme| {
        let (head, rest) = value.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    });
    rest.unwrap_or(value).trim_ascii()
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("master", &self.master.is_some())
            .field("header", &self.header)
            .field("drain", &self.drain.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn keys() -> Keys {
        Keys::new(Some(Secret::new("sk-right".to_owned())), None)
    }

    #[test]
    fn the_master_key_is_accepted_in_every_header() {
        for pair in [
            ("x-litellm-api-key", "sk-right"),
            ("x-litellm-api-key", "Bearer sk-right"),
            ("authorization", "Bearer sk-right"),
            ("authorization", "bearer sk-right"),
            ("api-key", "sk-right"),
            ("x-api-key", "sk-right"),
            ("x-goog-api-key", "sk-right"),
            ("ocp-apim-subscription-key", "sk-right"),
        ] {
            assert_eq!(keys().check(&headers(&[pair]), None), Ok(()), "{pair:?}");
        }
    }

    #[test]
    fn a_wrong_missing_or_ambiguous_key_is_denied() {
        for (pairs, why) in [
            (&[][..], Denied::NoKey),
            (&[("authorization", "Bearer sk-wrong")], Denied::WrongKey),
            (&[("authorization", "Bearer sk-righ")], Denied::WrongKey),
            (&[("authorization", "Bearer sk-right2")], Denied::WrongKey),
            (&[("x-api-key", "")], Denied::WrongKey),
            (
                &[("authorization", "Bearer sk-right"), ("x-api-key", "other")],
                Denied::TwoKeys,
            ),
        ] {
            assert_eq!(keys().check(&headers(pairs), None), Err(why), "{pairs:?}");
        }
    }

    #[test]
    fn the_gateways_own_header_goes_before_the_providers() {
        let both = headers(&[
            ("x-litellm-api-key", "sk-right"),
            ("authorization", "Bearer a-subscription"),
        ]);
        assert_eq!(keys().check(&both, None), Ok(()));
    }

    #[test]
    fn a_configured_header_is_the_only_one_that_counts() {
        let keys = Keys::new(
            Some(Secret::new("sk-right".to_owned())),
            Some(HeaderName::from_static("x-team-key")),
        );
        assert_eq!(
            keys.check(&headers(&[("x-team-key", "sk-right")]), None),
            Ok(())
        );
        assert_eq!(
            keys.check(&headers(&[("authorization", "Bearer sk-right")]), None),
            Err(Denied::NoKeyInHeader)
        );
    }

    #[test]
    fn the_key_is_not_printed() {
        assert!(!format!("{:?}", keys()).contains("right"));
    }
}
