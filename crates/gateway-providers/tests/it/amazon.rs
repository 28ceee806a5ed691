//! Amazon's issuers of keys in one upstream: the token service, a container's agent, an instance's metadata service.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gateway_core::Dialect;
use gateway_providers::{Endpoint, EndpointConfig, Environment, PrepareError};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::json;

use crate::world::{Call, header, request};

/// All issuers, and who was asked what.
pub(crate) struct Amazon {
    pub(crate) upstream: Upstream,
    issued: Arc<AtomicUsize>,
}

impl Amazon {
    /// Issuers that give good keys, a new set each time: `ASIA1`, `ASIA2`, …
    pub(crate) async fn start() -> Self {
        Self::answering(|_, _| None).await
    }

    /// The same, but for what `instead` answers: it gets the number of the set that would be issued, from 1.
    pub(crate) async fn answering(
        instead: impl Fn(usize, &Recorded) -> Option<Script> + Send + Sync + 'static,
    ) -> Self {
        let issued = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&issued);
        let upstream = Upstream::answering(move |request| {
            let next = counter.load(Ordering::SeqCst) + 1;
            instead(next, request)
                .unwrap_or_else(|| answer(request, || counter.fetch_add(1, Ordering::SeqCst) + 1))
        })
        .await;
        Self { upstream, issued }
    }

    /// How many sets of keys were issued.
    pub(crate) fn issued(&self) -> usize {
        self.issued.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        self.upstream.url()
    }

    /// The forms that the token service got.
    pub(crate) fn forms(&self) -> Vec<String> {
        let requests = self.upstream.requests().into_iter();
        requests
            .filter(|it| it.method == "POST")
            .map(|it| String::from_utf8_lossy(&it.body).into_owned())
            .collect()
    }

    /// An endpoint whose token service, container and instance are these.
    pub(crate) fn endpoint(
        &self,
        change: impl FnOnce(&mut EndpointConfig),
        variables: &[(&str, &str)],
    ) -> Endpoint {
        let environment = self.environment(variables);
        self.try_endpoint(change, &environment)
            .expect("a good config")
    }

    pub(crate) fn try_endpoint(
        &self,
        change: impl FnOnce(&mut EndpointConfig),
        environment: &Environment,
    ) -> Result<Endpoint, String> {
        let mut config = EndpointConfig {
            model: MODEL.to_owned(),
            ..EndpointConfig::default()
        };
        config.aws.sts_endpoint = Some(self.url());
        change(&mut config);
        Endpoint::build(config, environment).map_err(|error| {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("HIDDEN"), "{text}");
            error.to_string()
        })
    }

    pub(crate) fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        let url = self.url();
        let mut all = vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
        all.extend(variables);
        Environment::with_variables(all)
    }
}

/// The id of the key that signs a call at `endpoint`, and its session token.
pub(crate) async fn signed_by(endpoint: &Endpoint) -> Result<(String, String), PrepareError> {
    let call = Call {
        dialect: Dialect::AnthropicMessages,
        body: r#"{"model":"group","messages":[]}"#,
        ..Call::default()
    };
    let request = request(endpoint, &call).await?;
    let shown = format!("{endpoint:?} {request:?}");
    assert!(!shown.contains("HIDDEN"), "{shown}");
    let token = header(&request, "x-amz-security-token").to_owned();
    let authorization = header(&request, "authorization");
    let (_, behind) = authorization.split_once("Credential=").expect("signed");
    let (id, _) = behind.split_once('/').expect("a scope");
    Ok((id.to_owned(), token))
}

/// What an error says with its causes; never a secret.
pub(crate) fn told(error: &PrepareError) -> String {
    let text = match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    assert!(!format!("{text} {error:?}").contains("HIDDEN"), "{text}");
    text
}

/// A refusal of the token service.
pub(crate) fn refusal(code: &str, message: &str) -> Script {
    let xml = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    );
    Script::answer(403, "text/xml", xml)
}

fn answer(request: &Recorded, issue: impl Fn() -> usize) -> Script {
    let form = String::from_utf8_lossy(&request.body);
    let session = request.header("x-aws-ec2-metadata-token") == Some("HIDDEN-session");
    match (request.method.as_str(), request.path()) {
        ("POST", "/") if form.contains("Action=GetCallerIdentity&") => Script::answer(
            200,
            "text/xml",
            "<R><Arn>arn:aws:sts::1:assumed-role/Own/i-1</Arn></R>",
        ),
        ("POST", "/") => Script::answer(200, "text/xml", credentials_xml(issue())),
        ("GET", "/container") => Script::json(200, &credentials(issue())),
        ("PUT", "/latest/api/token") => {
            let seconds = request.header("x-aws-ec2-metadata-token-ttl-seconds");
            assert_eq!(seconds, Some("21600"));
            Script::answer(200, "text/plain", "HIDDEN-session")
        }
        ("GET", ROLES) if session => Script::answer(200, "text/plain", "the-role\n"),
        ("GET", path) if session && path == format!("{ROLES}the-role") => {
            Script::json(200, &credentials(issue()))
        }
        _ => Script::answer(401, "text/plain", ""),
    }
}

fn credentials(number: usize) -> serde_json::Value {
    json!({
        "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": format!("ASIA{number}"),
        "SecretAccessKey": format!("HIDDEN{number}"), "Token": format!("token{number}"), "Expiration": END,
    })
}

fn credentials_xml(number: usize) -> String {
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n <AssumeRoleResult>\n  \
         <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/x/y</Arn></AssumedRoleUser>\n  <Credentials>\n   \
         <AccessKeyId>ASIA{number}</AccessKeyId>\n   <SecretAccessKey>HIDDEN{number}</SecretAccessKey>\n   \
         <SessionToken>token{number}</SessionToken>\n   <Expiration>{END}</Expiration>\n  </Credentials>\n \
         </AssumeRoleResult>\n</AssumeRoleResponse>"
    )
}

pub(crate) const MODEL: &str = "bedrock/anthropic.claude-3-haiku-20240307-v1:0";
/// So far away that keys are good for the longest time that is believed: 36 hours.
const END: &str = "2099-01-01T00:00:00Z";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
