//! The Security Token Service: temporary keys of a role.
//!
//! Source: AWS's "Security Token Service API Reference": AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity. The
//! service answers in XML, of which a handful of elements is read here.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use gateway_transport::{ConnectSpec, Shard};
use http::{Request, Uri, header};

use super::keys::{Keys, temporary};
use super::sign::{Scope, sign};
use crate::error::TokenError;
use crate::token::Fresh;
use crate::token::ask::{ask, quoted};
use crate::url::encode;

/// Where roles are assumed.
#[derive(Clone, Debug)]
pub(crate) struct Sts {
    pub(super) uri: Uri,
    pub(super) spec: ConnectSpec,
    pub(super) scope: Scope,
}

/// A role, and under which name it is taken on.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) session: String,
    pub(crate) external_id: Option<String>,
    /// Tags of the session: key and value.
    pub(crate) tags: Vec<(String, String)>,
}

impl Sts {
    /// The role's keys, for somebody who has keys already.
    pub(super) async fn assume(
        &self,
        role: &Role,
        keys: &Keys,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<Fresh<Keys>, TokenError> {
        let mut form = form("AssumeRole", role);
        if let Some(id) = &role.external_id {
            add(&mut form, "ExternalId", id);
        }
        for (index, (key, value)) in role.tags.iter().enumerate() {
            let number = index + 1;
            add(&mut form, &format!("Tags.member.{number}.Key"), key);
            add(&mut form, &format!("Tags.member.{number}.Value"), value);
        }
        let answer = self.ask(form, Some(keys), shard, now).await?;
        issued(&answer, now)
    }

    /// The role's keys, for somebody who is known elsewhere.
    pub(super) async fn assume_with_token(
        &self,
        role: &Role,
        token: &str,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<Fresh<Keys>, TokenError> {
        let mut form = form("AssumeRoleWithWebIdentity", role);
        add(&mut form, "WebIdentityToken", token);
        let answer = self.ask(form, None, shard, now).await?;
        issued(&answer, now)
    }

    /// The ARN of who has these keys.
    pub(super) async fn caller(
        &self,
        keys: &Keys,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<String, TokenError> {
        let form = format!("Action=GetCallerIdentity&Version={VERSION}");
        let answer = self.ask(form, Some(keys), shard, now).await?;
        element(&answer, "Arn")
            .map(Cow::into_owned)
            .ok_or(TokenError::Malformed { status: 200 })
    }

    async fn ask(
        &self,
        form: String,
        keys: Option<&Keys>,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<String, TokenError> {
        let mut request = Request::post(self.uri.clone())
            .header(
                header::CONTENT_TYPE,
                "application/x-www-form-urlencoded; charset=utf-8",
            )
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Bytes::from(form))
            .map_err(|_| TokenError::Address)?;
        if let Some(keys) = keys {
            sign(&mut request, keys, &self.scope, now).map_err(|_| TokenError::Sign)?;
        }
        let (status, body) = ask(&self.spec, shard, request).await?;
        let text = std::str::from_utf8(&body).map_err(|_| TokenError::Malformed { status })?;
        if status == 200 {
            return Ok(text.to_owned());
        }
        let code = element(text, "Code").ok_or(TokenError::Malformed { status })?;
        Err(TokenError::Refused {
            status,
            reason: refusal(&code, &element(text, "Message").unwrap_or_default()),
        })
    }
}

/// Whether it is for want of a permission that a role was not given.
pub(super) fn is_denied(error: &TokenError) -> bool {
    matches!(error, TokenError::Refused { reason, .. } if reason.starts_with("AccessDenied"))
}

/// Whether the caller with this ARN has taken on the role `arn`: same partition, account and name.
pub(super) fn is_same_role(caller: &str, arn: &str) -> bool {
    let role = |arn: &str| {
        let mut parts = arn.splitn(6, ':');
        let (partition, account) = (parts.nth(1)?.to_owned(), parts.nth(2)?.to_owned());
        let resource = parts.next()?;
        let name = match resource.split_once('/')? {
            ("role", path) => path.rsplit('/').next()?,
            ("assumed-role", rest) => rest.split('/').next()?,
            _ => return None,
        };
        Some((partition, account, name.to_owned()))
    };
    role(caller).is_some_and(|caller| Some(caller) == role(arn))
}

fn form(action: &str, role: &Role) -> String {
    let mut form = format!("Action={action}&Version={VERSION}");
    add(&mut form, "RoleArn", &role.arn);
    add(&mut form, "RoleSessionName", &role.session);
    form
}

fn add(form: &mut String, name: &str, value: &str) {
    form.push('&');
    form.push_str(name);
    form.push('=');
    form.push_str(&encode(value));
}

fn issued(answer: &str, now: SystemTime) -> Result<Fresh<Keys>, TokenError> {
    let malformed = || TokenError::Malformed { status: 200 };
    let keys = raw_element(answer, "Credentials").ok_or_else(malformed)?;
    let of = |name| element(keys, name).ok_or_else(malformed);
    let (id, secret) = (of("AccessKeyId")?, of("SecretAccessKey")?);
    let (token, end) = (of("SessionToken")?, of("Expiration")?);
    temporary([&id, &secret, &token], Some(&end), now, 200)
}

/// What the service says of a refusal. A signature that does not match is followed by all that was signed, the session
/// token included: only the first line is repeated.
fn refusal(code: &str, message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default();
    quoted(&format!("{code}: {line}"))
}

/// The text of the first element of this name.
fn element<'x>(xml: &'x str, name: &str) -> Option<Cow<'x, str>> {
    let text = raw_element(xml, name)?.trim();
    if !text.contains('&') {
        return Some(Cow::Borrowed(text));
    }
    let mut plain = text.to_owned();
    for (entity, letter) in ENTITIES {
        plain = plain.replace(entity, letter);
    }
    Some(Cow::Owned(plain))
}

fn raw_element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, behind) = xml.split_once(&format!("<{name}>"))?;
    let (inside, _) = behind.split_once(&format!("</{name}>"))?;
    Some(inside)
}

const VERSION: &str = "2011-06-15";
/// The ampersand is last, so that nothing is decoded twice.
const ENTITIES: [(&str, &str); 6] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&#xA;", "\n"),
    ("&amp;", "&"),
];

#[cfg(test)]
mod tests {
    use super::{element, is_same_role, issued, refusal};
    use crate::error::TokenError;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn elements_are_found_and_decoded_once() {
        let xml = "<A xmlns=\"x\"><B> 1 &lt; &amp;lt; </B><C/><B>2</B></A>";
        assert_eq!(element(xml, "B").unwrap(), "1 < &lt;");
        assert_eq!(element(xml, "C"), None);
        assert_eq!(element("<B>", "B"), None);
    }

    #[test]
    fn an_answer_without_all_of_its_parts_is_malformed() {
        let whole = "<Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>\
            <SessionToken>c</SessionToken><Expiration>2026-11-20T16:15:13Z</Expiration></Credentials>";
        assert_eq!(
            issued(whole, UNIX_EPOCH).unwrap().good.parts(),
            ["a", "b", "c"]
        );
        for part in [
            "Credentials",
            "AccessKeyId",
            "SecretAccessKey",
            "SessionToken",
            "Expiration",
        ] {
            let torn = whole.replace(&format!("<{part}>"), "");
            let error = issued(&torn, UNIX_EPOCH).unwrap_err();
            assert!(matches!(error, TokenError::Malformed { .. }), "{part}");
        }
        let late = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        assert!(matches!(issued(whole, late), Err(TokenError::Expired)));
    }

    #[test]
    fn a_refusal_repeats_one_line_and_so_no_token() {
        let message =
            "The signature does not match.\n\nThe Canonical String is\nx-amz-security-token:SECRET";
        assert_eq!(
            refusal("SignatureDoesNotMatch", message),
            "SignatureDoesNotMatch: The signature does not match."
        );
    }

    #[test]
    fn a_role_is_known_by_its_session() {
        let role = "arn:aws:iam::123456789012:role/team/Runner";
        for (caller, same) in [
            ("arn:aws:sts::123456789012:assumed-role/Runner/i-1", true),
            ("arn:aws:iam::123456789012:role/Runner", true),
            ("arn:aws:sts::210987654321:assumed-role/Runner/i-1", false),
            (
                "arn:aws-cn:sts::123456789012:assumed-role/Runner/i-1",
                false,
            ),
            ("arn:aws:sts::123456789012:assumed-role/Other/i-1", false),
            ("arn:aws:iam::123456789012:user/Runner", false),
            ("arn:aws:iam", false),
            ("", false),
        ] {
            assert_eq!(is_same_role(caller, role), same, "{caller}");
        }
        assert!(!is_same_role("", ""));
    }
}
