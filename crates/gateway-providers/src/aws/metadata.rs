//! Keys from the machine that the gateway runs on: a container's agent, or an instance's metadata service.
//!
//! Source: AWS's "Container credential provider" and "IMDS credential provider" of the SDK reference guide, "Use the
//! Instance Metadata Service" of the EC2 user guide (version 2: a session token first).

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gateway_transport::{ConnectSpec, Shard};
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use serde::Deserialize;

use super::keys::{Keys, temporary};
use crate::config::{ConnectOptions, ProxyChoice};
use crate::connect;
use crate::environment::Environment;
use crate::error::{EndpointError, TokenError};
use crate::token::Fresh;
use crate::token::ask::{ask, quoted};
use crate::token::subject::read_file;
use crate::url::{BaseUrl, segment};

/// The agent of a container's platform (ECS, EKS Pod Identity).
#[derive(Clone)]
pub(crate) struct Container {
    uri: Uri,
    spec: ConnectSpec,
    authorization: Option<Authorization>,
}

/// What the agent wants to see.
#[derive(Clone)]
enum Authorization {
    /// These words.
    Plain(HeaderValue),
    /// What this file says, which is written anew from time to time.
    File(String),
}

impl Container {
    /// The agent that the variables name, if they name one.
    pub(super) fn of(environment: &Environment) -> Result<Option<Self>, EndpointError> {
        let (variable, address) = match environment.first(&[RELATIVE_URI, FULL_URI]) {
            Some((RELATIVE_URI, path)) => (RELATIVE_URI, format!("{ECS}{path}")),
            Some((variable, address)) => (variable, address),
            None => return Ok(None),
        };
        let wrong = |reason: &str| EndpointError::setting(variable, reason);
        let base = BaseUrl::parse(&address).map_err(wrong)?;
        if !base.is_https() && !is_agent(base.host()) {
            return Err(wrong(
                "without TLS only an agent on this machine is asked; use `https://`",
            ));
        }
        let authorization = match environment.variable(TOKEN_FILE) {
            Some(path) => Some(Authorization::File(path)),
            None => match environment.variable(TOKEN) {
                Some(token) => Some(Authorization::Plain(
                    sensitive(&token)
                        .ok_or_else(|| EndpointError::setting(TOKEN, "a header cannot carry it"))?,
                )),
                None => None,
            },
        };
        Ok(Some(Self {
            uri: address
                .trim()
                .parse()
                .map_err(|_| wrong("it is not a URL"))?,
            spec: connect::spec(&base, &direct(&base), environment)?,
            authorization,
        }))
    }

    /// Asks the agent.
    pub(super) async fn fetch(
        &self,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<Fresh<Keys>, TokenError> {
        let mut request = get(self.uri.clone());
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        let authorization = match &self.authorization {
            None => None,
            Some(Authorization::Plain(value)) => Some(value.clone()),
            Some(Authorization::File(path)) => {
                let token = read_file(path.into()).await?;
                Some(sensitive(&token).ok_or(TokenError::Sign)?)
            }
        };
        if let Some(value) = authorization {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let (status, body) = ask(&self.spec, shard, request).await?;
        issued(status, &body, now)
    }

    /// Where it is, for logs and digests.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Container")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

/// The metadata service of an EC2 instance.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    base: BaseUrl,
    spec: ConnectSpec,
}

impl Instance {
    /// The service where the variables say that it is; `None` if they say not to ask it.
    pub(super) fn of(environment: &Environment) -> Result<Option<Self>, EndpointError> {
        let off = environment.variable("AWS_EC2_METADATA_DISABLED");
        if off.is_some_and(|off| off.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let six = environment
            .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
            .is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
        let base = match environment.variable(METADATA_ENDPOINT) {
            Some(base) => BaseUrl::parse(&base),
            None if six => BaseUrl::parse("http://[fd00:ec2::254]"),
            None => BaseUrl::parse("http://169.254.169.254"),
        };
        let base = base.map_err(|reason| EndpointError::setting(METADATA_ENDPOINT, reason))?;
        let spec = connect::spec(&base, &direct(&base), environment)?;
        Ok(Some(Self { base, spec }))
    }

    /// Asks for a session, the role's name, the role's keys.
    pub(super) async fn fetch(
        &self,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<Fresh<Keys>, TokenError> {
        let mut request = get(self.uri("/latest/api/token")?);
        *request.method_mut() = Method::PUT;
        request
            .headers_mut()
            .insert(SESSION_SECONDS, HeaderValue::from_static("21600"));
        // Outside of EC2 nobody answers there, and whoever has forgotten to give credentials is told soon.
        let session = tokio::time::timeout(PATIENCE, self.ask(shard, request)).await;
        let session = match session {
            Ok(Ok(session)) => session,
            Ok(Err(TokenError::Refused { status, reason })) => {
                return Err(TokenError::Refused { status, reason });
            }
            Ok(Err(_)) | Err(_) => return Err(TokenError::NoCredentials),
        };
        let session = sensitive(&session).ok_or(TokenError::Malformed { status: 200 })?;
        let with_session = |uri| {
            let mut request = get(uri);
            request.headers_mut().insert(SESSION, session.clone());
            request
        };
        let roles = self
            .ask(shard, with_session(self.uri(ROLES)?))
            .await
            .map_err(no_role)?;
        let role = roles
            .lines()
            .next()
            .and_then(segment)
            .ok_or(TokenError::NoCredentials)?;
        let request = with_session(self.uri(&format!("{ROLES}{role}"))?);
        let (status, body) = ask(&self.spec, shard, request).await?;
        issued(status, &body, now)
    }

    async fn ask(&self, shard: &Shard, request: Request<Bytes>) -> Result<String, TokenError> {
        let (status, body) = ask(&self.spec, shard, request).await?;
        let text = std::str::from_utf8(&body).map_err(|_| TokenError::Malformed { status })?;
        if status != 200 {
            let reason = quoted("the instance's metadata service");
            return Err(TokenError::Refused { status, reason });
        }
        Ok(text.trim().to_owned())
    }

    fn uri(&self, path: &str) -> Result<Uri, TokenError> {
        let (before, after) = self.base.around(path, None);
        (before + &after).parse().map_err(|_| TokenError::Address)
    }

    /// Where it is, for digests.
    pub(super) fn base(&self) -> String {
        self.base.display()
    }
}

/// An instance without a role has no keys to give.
fn no_role(error: TokenError) -> TokenError {
    match error {
        TokenError::Refused { status: 404, .. } => TokenError::NoCredentials,
        error => error,
    }
}

fn issued(status: u16, body: &[u8], now: SystemTime) -> Result<Fresh<Keys>, TokenError> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| TokenError::Malformed { status })?;
    let success = answer.code.as_deref().is_none_or(|code| code == "Success");
    if status != 200 || !success {
        let code = answer.code.as_deref().unwrap_or("no reason given");
        let message = answer.message.unwrap_or_default();
        let reason = quoted(format!("{code}: {message}").trim_end_matches([':', ' ']));
        return Err(TokenError::Refused { status, reason });
    }
    let [Some(id), Some(secret)] = [answer.id, answer.secret] else {
        return Err(TokenError::Malformed { status });
    };
    let token = answer.token.unwrap_or_default();
    temporary(
        [&id, &secret, &token],
        answer.expiration.as_deref(),
        now,
        status,
    )
}

/// No `Debug`: it holds keys.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "AccessKeyId")]
    id: Option<String>,
    #[serde(rename = "SecretAccessKey")]
    secret: Option<String>,
    #[serde(rename = "Token")]
    token: Option<String>,
    #[serde(rename = "Expiration")]
    expiration: Option<String>,
    #[serde(rename = "Code", alias = "code")]
    code: Option<String>,
    #[serde(rename = "Message", alias = "message")]
    message: Option<String>,
}

fn get(uri: Uri) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri;
    request
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text.trim()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// No proxy leads to what is on this machine.
fn direct(base: &BaseUrl) -> ConnectOptions {
    let mut options = ConnectOptions::default();
    if !base.is_https() {
        options.proxy = ProxyChoice::Direct;
    }
    options
}

/// Whether the host is this machine, or the link to its container agent.
fn is_agent(host: &str) -> bool {
    connect::is_loopback(host) || AGENTS.contains(&host)
}

const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const ECS: &str = "http://169.254.170.2";
const AGENTS: &[&str] = &["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

const METADATA_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const SESSION: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const SESSION_SECONDS: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
/// Within an instance the answer takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::{Container, Instance, issued};
    use crate::environment::Environment;
    use crate::error::TokenError;
    use std::time::UNIX_EPOCH;

    fn container(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let environment = Environment::with_variables(variables.iter().copied());
        Container::of(&environment)
            .map(|it| it.map(|it| it.uri().to_string()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_agent_is_on_this_machine_or_behind_tls() {
        let full = |address| container(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)]);
        assert_eq!(container(&[]), Ok(None));
        assert_eq!(
            container(&[
                ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x?id=1"),
                (
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "http://localhost/other"
                ),
            ]),
            Ok(Some("http://169.254.170.2/v2/x?id=1".to_owned()))
        );
        for address in [
            "http://127.0.0.1:9/x",
            "http://[::1]/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "https://agent.example/x",
        ] {
            assert_eq!(full(address), Ok(Some(address.to_owned())));
        }
        for address in [
            "http://agent.example/x",
            "http://169.254.169.254/",
            "/x",
            "ftp://localhost",
        ] {
            let error = full(address).unwrap_err();
            assert!(error.contains("FULL_URI"), "{error}");
        }
    }

    #[test]
    fn the_metadata_service_can_be_moved_or_left_alone() {
        let base = |variables: &[(&str, &str)]| {
            let environment = Environment::with_variables(variables.iter().copied());
            Instance::of(&environment).unwrap().map(|it| it.base())
        };
        let (endpoint, mode, off) = (
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "AWS_EC2_METADATA_DISABLED",
        );
        assert_eq!(base(&[]).unwrap(), "http://169.254.169.254");
        assert_eq!(base(&[(mode, "IPv6")]).unwrap(), "http://[fd00:ec2::254]");
        assert_eq!(base(&[(endpoint, "http://h:1/")]).unwrap(), "http://h:1");
        assert_eq!(base(&[(off, "True")]), None);
    }

    #[test]
    fn a_refusal_in_a_good_answer_is_one() {
        let body =
            br#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"}"#;
        let error = issued(200, body, UNIX_EPOCH).unwrap_err();
        assert!(
            matches!(&error, TokenError::Refused { reason, .. } if reason.contains("cannot assume")),
            "{error}"
        );
        let error = issued(500, b"{}", UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().ends_with("no reason given"), "{error}");
        for body in ["<html>", "{}", r#"{"AccessKeyId":"a"}"#] {
            let error = issued(200, body.as_bytes(), UNIX_EPOCH).unwrap_err();
            assert!(
                matches!(error, TokenError::Malformed { status: 200 }),
                "{body}"
            );
        }
    }
}
