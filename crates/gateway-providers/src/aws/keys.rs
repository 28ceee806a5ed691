//! A set of Amazon's keys.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;

use crate::error::TokenError;
use crate::token::Fresh;
use crate::token::timestamp;

/// What signs requests: an access key with its secret, and the session token of temporary ones.
#[derive(Clone)]
pub(crate) struct Keys(Credentials);

impl Keys {
    /// Takes keys over. `None` if one of them is empty or cannot be in a header.
    pub(crate) fn new(id: &str, secret: &str, session_token: Option<&str>) -> Option<Self> {
        let [id, secret] = [id, secret].map(str::trim);
        let token = session_token.map(str::trim).filter(|it| !it.is_empty());
        let fits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits(id) || !fits(secret) || !token.is_none_or(fits) {
            return None;
        }
        let token = token.map(str::to_owned);
        Some(Self(Credentials::new(id, secret, token, None, "gateway")))
    }

    /// As the signing library wants them.
    pub(super) fn credentials(&self) -> Credentials {
        self.0.clone()
    }

    /// Which keys they are, for digests.
    pub(super) fn parts(&self) -> [&str; 3] {
        [
            self.0.access_key_id(),
            self.0.secret_access_key(),
            self.0.session_token().unwrap_or_default(),
        ]
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(***)")
    }
}

/// Temporary keys as an issuer gave them; `expiration` as RFC 3339 has it, without one they are asked for again within
/// ten minutes. `status` is the one of the answer.
pub(super) fn temporary(
    [id, secret, session_token]: [&str; 3],
    expiration: Option<&str>,
    now: SystemTime,
    status: u16,
) -> Result<Fresh<Keys>, TokenError> {
    let malformed = || TokenError::Malformed { status };
    let good = Keys::new(id, secret, Some(session_token)).ok_or_else(malformed)?;
    let lifetime = match expiration {
        None => REREAD,
        Some(text) => {
            let end = timestamp::parse(text).ok_or_else(malformed)?;
            end.duration_since(now).map_err(|_| TokenError::Expired)?
        }
    };
    Ok(Fresh {
        good,
        lifetime: lifetime.min(LONGEST),
    })
}

/// How long keys are used that do not say when they end: what is in a file may be replaced.
pub(super) const REREAD: Duration = Duration::from_secs(600);
/// A role's session ends after twelve hours at the latest.
const LONGEST: Duration = Duration::from_secs(36 * 3600);

#[cfg(test)]
mod tests {
    use super::{Keys, REREAD, temporary};
    use crate::error::TokenError;
    use std::time::{Duration, UNIX_EPOCH};

    const SET: [&str; 3] = ["AKID", "SECRET", "TOKEN"];

    #[test]
    fn keys_are_trimmed_and_never_printed() {
        let keys = Keys::new(" AKID\n", "SECRET ", Some("TOKEN")).unwrap();
        assert_eq!(keys.parts(), SET);
        assert_eq!(format!("{keys:?}"), "Keys(***)");
        assert_eq!(
            Keys::new("a", "b", Some(" ")).unwrap().parts(),
            ["a", "b", ""]
        );
    }

    #[test]
    fn what_is_empty_or_fits_no_header_is_no_key() {
        for (id, secret, token) in [
            ("", "b", None),
            ("a", " ", None),
            ("a b", "c", None),
            ("a", "b", Some("c\r\nd")),
            ("é", "b", None),
        ] {
            assert!(Keys::new(id, secret, token).is_none());
        }
    }

    #[test]
    fn the_life_of_keys_is_what_is_left_until_they_expire() {
        let now = UNIX_EPOCH + Duration::from_secs(1_795_191_313);
        let life = |text| temporary(SET, text, now, 200).map(|fresh| fresh.lifetime);
        let hour = Duration::from_secs(3600);
        for text in [
            "2026-11-20T17:15:13Z",
            " 2026-11-20T17:15:13.000Z",
            "2026-11-20T18:15:13+01:00",
        ] {
            assert_eq!(life(Some(text)).unwrap(), hour, "{text}");
        }
        assert_eq!(life(None).unwrap(), REREAD);
        assert!(matches!(
            life(Some("2026-11-20T16:15:12Z")),
            Err(TokenError::Expired)
        ));
        assert!(matches!(
            life(Some("tomorrow")),
            Err(TokenError::Malformed { status: 200 })
        ));
    }
}
