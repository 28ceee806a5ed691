//! Where Amazon's keys come from: each source on a real socket, and which one counts.

use std::fs;
use std::time::Duration;

use gateway_core::Dialect;
use gateway_providers::{Endpoint, EndpointConfig};
use gateway_testkit::script::{Gate, Script};
use serde_json::json;
use tempfile::TempDir;

use crate::amazon::{Amazon, refusal, signed_by, told};
use crate::world::{Call, header, request};

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAENV"),
    ("AWS_SECRET_ACCESS_KEY", "HIDDENENV"),
];

fn nothing(_: &mut EndpointConfig) {}

fn own_keys(config: &mut EndpointConfig) {
    config.aws.access_key_id = Some("AKIAOWN".into());
    config.aws.secret_access_key = Some("HIDDENOWN".into());
}

fn role(config: &mut EndpointConfig) {
    config.aws.role_name = Some("arn:aws:iam::1:role/Runner".to_owned());
    config.aws.session_name = Some("the session".to_owned());
}

async fn signers(endpoint: &Endpoint) -> (String, String) {
    signed_by(endpoint).await.expect("keys")
}

fn pair(id: &str, token: &str) -> (String, String) {
    (id.to_owned(), token.to_owned())
}

/// A home directory with both shared files.
fn home(config: &str, credentials: &str) -> (TempDir, String) {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir(home.path().join(".aws")).expect("made");
    fs::write(home.path().join(".aws/config"), config).expect("written");
    fs::write(home.path().join(".aws/credentials"), credentials).expect("written");
    let path = home.path().to_str().expect("text").to_owned();
    (home, path)
}

/// Sockets need the clock to run, so it is only stopped to be set forward.
async fn hours_pass(hours: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(hours * 3600)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn keys_of_the_config_count_more_than_those_of_the_environment() {
    let amazon = Amazon::start().await;
    let with_token = [KEYS[0], KEYS[1], ("AWS_SESSION_TOKEN", "env-token")];
    let endpoint = amazon.endpoint(nothing, &with_token);
    assert_eq!(signers(&endpoint).await, pair("AKIAENV", "env-token"));
    // A session token belongs to the key that it was given with.
    let endpoint = amazon.endpoint(own_keys, &with_token);
    assert_eq!(signers(&endpoint).await, pair("AKIAOWN", ""));
    let temporary = |config: &mut EndpointConfig| {
        own_keys(config);
        config.aws.session_token = Some("own-token".into());
    };
    let endpoint = amazon.endpoint(temporary, &with_token);
    assert_eq!(signers(&endpoint).await, pair("AKIAOWN", "own-token"));
    assert!(amazon.upstream.requests().is_empty());
}

#[tokio::test]
async fn a_bearer_key_needs_no_signature() {
    let amazon = Amazon::start().await;
    for (key, variables) in [
        (Some("bedrock-key"), &KEYS[..]),
        (None, &[("AWS_BEARER_TOKEN_BEDROCK", "bedrock-key")]),
    ] {
        let config = |config: &mut EndpointConfig| config.api_key = key.map(Into::into);
        let endpoint = amazon.endpoint(config, variables);
        let call = Call {
            dialect: Dialect::AnthropicMessages,
            ..Call::default()
        };
        let request = request(&endpoint, &call).await.expect("a request");
        let header = |name| header(&request, name);
        assert_eq!(header("authorization"), "Bearer bedrock-key");
        assert_eq!(header("x-amz-date"), "");
    }
}

#[tokio::test]
async fn a_role_is_taken_on_with_the_given_keys() {
    let amazon = Amazon::start().await;
    let config = |config: &mut EndpointConfig| {
        own_keys(config);
        role(config);
        config.aws.external_id = Some("a&b".to_owned());
        config.aws.session_tags = vec![("team".to_owned(), "x y".to_owned())];
    };
    let endpoint = amazon.endpoint(config, &[]);
    assert_eq!(signers(&endpoint).await, pair("ASIA1", "token1"));
    assert_eq!(
        amazon.forms(),
        [
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FRunner\
             &RoleSessionName=the%20session&ExternalId=a%26b&Tags.member.1.Key=team&Tags.member.1.Value=x%20y"
        ]
    );
    let requests = amazon.upstream.requests();
    let authorization = requests[0].header("authorization").expect("signed");
    assert!(
        authorization.contains("Credential=AKIAOWN/")
            && authorization.contains("/us-west-2/sts/aws4_request"),
        "{authorization}"
    );
}

#[tokio::test]
async fn a_web_identity_is_known_by_a_token_in_any_of_its_places() {
    let amazon = Amazon::start().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "from-file\n").expect("written");
    let path = file.path().to_str().expect("text");
    let variables = [("TOKEN", "from-env"), ("TOKEN_FILE", path)];
    for (said, expected) in [
        (format!("oidc/file/{path}"), "from-file"),
        (format!("oidc/file{path}"), "from-file"),
        (path.to_owned(), "from-file"),
        ("oidc/env/TOKEN".to_owned(), "from-env"),
        ("oidc/env_path/TOKEN_FILE".to_owned(), "from-file"),
        (
            "head.claims.HIDDENSIGNATURE".to_owned(),
            "head.claims.HIDDENSIGNATURE",
        ),
    ] {
        let config = |config: &mut EndpointConfig| {
            own_keys(config);
            role(config);
            config.aws.web_identity_token = Some(said.as_str().into());
        };
        let endpoint = amazon.endpoint(config, &variables);
        let (id, _) = signers(&endpoint).await;
        assert!(id.starts_with("ASIA"), "{id}");
        let forms = amazon.forms();
        let form = forms.last().expect("a question");
        assert!(
            form.starts_with("Action=AssumeRoleWithWebIdentity&")
                && form.ends_with(&format!("&WebIdentityToken={expected}")),
            "{form}"
        );
    }
    let requests = amazon.upstream.requests();
    assert!(
        requests
            .iter()
            .all(|it| it.header("authorization").is_none())
    );
}

#[tokio::test]
async fn a_pods_role_is_used_as_it_is_or_to_take_on_another() {
    let amazon = Amazon::start().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "pod-token").expect("written");
    let path = file.path().to_str().expect("text");
    let pod = [
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/Pod"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", path),
        ("AWS_ROLE_SESSION_NAME", "pod-session"),
    ];
    assert_eq!(signers(&amazon.endpoint(nothing, &pod)).await.0, "ASIA1");
    let same = |config: &mut EndpointConfig| config.aws.role_name = Some(pod[0].1.to_owned());
    assert_eq!(signers(&amazon.endpoint(same, &pod)).await.0, "ASIA2");
    let forms = amazon.forms();
    assert!(forms.iter().all(|form| {
        form.contains("role%2FPod&RoleSessionName=pod-session&WebIdentityToken=pod-token")
    }));
    assert_eq!(signers(&amazon.endpoint(role, &pod)).await.0, "ASIA4");
    let requests = amazon.upstream.requests();
    let last = requests.last().expect("a question");
    assert!(
        last.header("authorization")
            .expect("signed")
            .contains("Credential=ASIA3/")
    );
    assert_eq!(last.header("x-amz-security-token"), Some("token3"));
}

#[tokio::test]
async fn a_profile_may_hold_keys_or_a_chain_of_roles() {
    let amazon = Amazon::start().await;
    let (_home, path) = home(
        "[profile chained]\nrole_arn = arn:aws:iam::1:role/Last\nsource_profile = middle\nexternal_id = e\n\
         [profile middle]\nrole_arn = arn:aws:iam::1:role/Middle\nsource_profile = plain\nrole_session_name = s\n\
         [profile self]\nrole_arn = arn:aws:iam::1:role/Self\nsource_profile = self\n\
         [profile machine]\nrole_arn = arn:aws:iam::1:role/M\ncredential_source = Environment\n",
        "[plain]\naws_access_key_id = AKIAPLAIN\naws_secret_access_key = HIDDENPLAIN\naws_session_token = t\n\
         [self]\naws_access_key_id = AKIASELF\naws_secret_access_key = HIDDENSELF\n",
    );
    let at_home = [("HOME", path.as_str()), KEYS[0], KEYS[1]];
    let profile = |name: &'static str| {
        move |config: &mut EndpointConfig| config.aws.profile_name = Some(name.to_owned())
    };
    let endpoint = amazon.endpoint(profile("plain"), &at_home);
    assert_eq!(signers(&endpoint).await, pair("AKIAPLAIN", "t"));
    let endpoint = amazon.endpoint(profile("chained"), &at_home);
    assert_eq!(signers(&endpoint).await, pair("ASIA2", "token2"));
    let forms = amazon.forms();
    assert!(
        forms[0].ends_with("role%2FMiddle&RoleSessionName=s"),
        "{forms:?}"
    );
    assert!(
        forms[1].ends_with("role%2FLast&RoleSessionName=gateway&ExternalId=e"),
        "{forms:?}"
    );
    for (name, base) in [("self", "AKIASELF"), ("machine", "AKIAENV")] {
        signers(&amazon.endpoint(profile(name), &at_home)).await;
        let requests = amazon.upstream.requests();
        let last = requests.last().expect("a question").header("authorization");
        assert!(
            last.expect("signed")
                .contains(&format!("Credential={base}/")),
            "{last:?}"
        );
    }
    // A role of the config is taken on by its profile, and a profile may come from a variable.
    let both = |config: &mut EndpointConfig| {
        role(config);
        config.aws.profile_name = Some("plain".to_owned());
    };
    signers(&amazon.endpoint(both, &at_home[..1])).await;
    let requests = amazon.upstream.requests();
    let last = requests.last().expect("a question").header("authorization");
    assert!(
        last.expect("signed").contains("Credential=AKIAPLAIN/"),
        "{last:?}"
    );
    let variables = [at_home[0], ("AWS_PROFILE", "plain")];
    assert_eq!(
        signers(&amazon.endpoint(nothing, &variables)).await.0,
        "AKIAPLAIN"
    );
}

#[tokio::test]
async fn keys_that_are_replaced_in_a_file_are_seen() {
    let amazon = Amazon::start().await;
    let (home, path) = home(
        "",
        "[default]\naws_access_key_id = A1\naws_secret_access_key = HIDDEN\n",
    );
    let endpoint = amazon.endpoint(nothing, &[("HOME", &path)]);
    assert_eq!(signers(&endpoint).await.0, "A1");
    let next = "[default]\naws_access_key_id = A2\naws_secret_access_key = HIDDEN\n";
    fs::write(home.path().join(".aws/credentials"), next).expect("written");
    assert_eq!(signers(&endpoint).await.0, "A1");
    hours_pass(1).await;
    assert_eq!(signers(&endpoint).await.0, "A2");
}

#[tokio::test]
async fn a_container_gives_keys_to_whoever_shows_its_token() {
    let amazon = Amazon::start().await;
    let address = format!("{}/container", amazon.url());
    let full = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.as_str());
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "HIDDEN-from-file\n").expect("written");
    let path = file.path().to_str().expect("text");
    for (variables, shown) in [
        (vec![full], None),
        (
            vec![full, ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc")],
            Some("Basic abc"),
        ),
        (
            vec![
                full,
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc"),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path),
            ],
            Some("HIDDEN-from-file"),
        ),
    ] {
        let (id, token) = signers(&amazon.endpoint(nothing, &variables)).await;
        assert!(id.starts_with("ASIA") && token.starts_with("token"));
        let requests = amazon.upstream.requests();
        let last = requests.last().expect("a question");
        assert_eq!(
            (last.method.as_str(), last.header("authorization")),
            ("GET", shown)
        );
    }
}

#[tokio::test]
async fn an_instance_is_asked_at_last_and_only_with_a_session() {
    let amazon = Amazon::start().await;
    let endpoint = amazon.endpoint(nothing, &[]);
    assert_eq!(signers(&endpoint).await, pair("ASIA1", "token1"));
    let asked: Vec<_> = amazon
        .upstream
        .requests()
        .iter()
        .map(|it| it.method.clone())
        .collect();
    assert_eq!(asked, ["PUT", "GET", "GET"]);
}

#[tokio::test]
async fn nobody_who_gives_keys_is_told_where_keys_are_looked_for() {
    let amazon = Amazon::start().await;
    let silent = Gate::new();
    let held = silent.clone();
    amazon
        .upstream
        .set_handler(move |_| Script::default().wait(&held));
    let endpoint = amazon.endpoint(nothing, &[]);
    let waiting = signed_by(&endpoint);
    tokio::pin!(waiting);
    tokio::select! {
        _ = &mut waiting => panic!("nothing was answered"),
        _ = amazon.upstream.requests_reach(1) => {}
    }
    hours_pass(1).await;
    let error = told(&waiting.await.expect_err("no keys"));
    assert!(
        error.contains("no AWS credentials") && error.contains("instance"),
        "{error}"
    );
    silent.open();
    // An instance without a role.
    let amazon = Amazon::answering(|_, request| {
        let roles = request.path().ends_with("/security-credentials/");
        roles.then(|| Script::answer(404, "text/html", "<html>"))
    })
    .await;
    let error = told(
        &signed_by(&amazon.endpoint(nothing, &[]))
            .await
            .expect_err("no keys"),
    );
    assert!(error.contains("no AWS credentials"), "{error}");
}

#[tokio::test]
async fn temporary_keys_are_fetched_once_and_renewed_while_the_old_ones_serve() {
    let amazon = Amazon::start().await;
    let config = |config: &mut EndpointConfig| {
        own_keys(config);
        role(config);
    };
    let environment = amazon.environment(&[]);
    let build = || {
        amazon
            .try_endpoint(config, &environment)
            .expect("a good config")
    };
    let (one, two) = (build(), build());
    let both = tokio::join!(
        signed_by(&one),
        signed_by(&two),
        signed_by(&one),
        signed_by(&two)
    );
    assert_eq!(both.0.expect("keys").0, "ASIA1");
    assert_eq!(both.3.expect("keys").0, "ASIA1");
    assert_eq!(amazon.issued(), 1, "one fetch for all");
    // 28.8 of 36 hours.
    hours_pass(28).await;
    assert_eq!(signers(&one).await.0, "ASIA1");
    assert_eq!(amazon.issued(), 1, "too early to renew");
    hours_pass(1).await;
    assert_eq!(signers(&one).await.0, "ASIA1");
    environment.tasks().close();
    environment.tasks().wait().await;
    environment.tasks().reopen();
    assert_eq!(amazon.issued(), 2);
    assert_eq!(signers(&two).await.0, "ASIA2");
    hours_pass(37).await;
    assert_eq!(signers(&two).await.0, "ASIA3", "expired keys never sign");
}

#[tokio::test]
async fn roles_of_different_people_are_not_mixed_up() {
    let amazon = Amazon::start().await;
    let environment = amazon.environment(&KEYS);
    let session = |name: &'static str| {
        move |config: &mut EndpointConfig| {
            role(config);
            config.aws.session_name = Some(name.to_owned());
        }
    };
    let alice = amazon
        .try_endpoint(session("alice"), &environment)
        .expect("good");
    let bob = amazon
        .try_endpoint(session("bob"), &environment)
        .expect("good");
    let own = |config: &mut EndpointConfig| {
        own_keys(config);
        session("alice")(config);
    };
    let other_base = amazon.try_endpoint(own, &environment).expect("good");
    let mut ids = Vec::new();
    for endpoint in [&alice, &bob, &other_base, &alice] {
        ids.push(signers(endpoint).await.0);
    }
    assert_eq!(ids, ["ASIA1", "ASIA2", "ASIA3", "ASIA1"]);
}

#[tokio::test]
async fn a_refusal_is_told_in_one_line_without_what_was_signed() {
    let amazon = Amazon::answering(|_, _| {
        let message = "The request signature we calculated does not match.\n\nThe Canonical String\nHIDDEN-token";
        Some(refusal("SignatureDoesNotMatch", message))
    })
    .await;
    let config = |config: &mut EndpointConfig| {
        own_keys(config);
        role(config);
    };
    let endpoint = amazon.endpoint(config, &[]);
    let error = told(&signed_by(&endpoint).await.expect_err("refused"));
    assert!(
        error.contains("403") && error.contains("does not match."),
        "{error}"
    );
    signed_by(&endpoint).await.expect_err("refused");
    assert_eq!(amazon.upstream.requests().len(), 1, "backing off");
}

#[tokio::test]
async fn who_has_the_role_already_goes_on_with_it() {
    let amazon = Amazon::answering(|_, request| {
        let assume = request.body.starts_with(b"Action=AssumeRole&");
        assume.then(|| {
            refusal(
                "AccessDenied",
                "is not authorized to perform: sts:AssumeRole",
            )
        })
    })
    .await;
    let own = |config: &mut EndpointConfig| {
        config.aws.role_name = Some("arn:aws:iam::1:role/team/Own".to_owned());
    };
    assert_eq!(
        signers(&amazon.endpoint(own, &[])).await,
        pair("ASIA1", "token1")
    );
    let error = told(
        &signed_by(&amazon.endpoint(role, &[]))
            .await
            .expect_err("not allowed"),
    );
    assert!(error.contains("AccessDenied"), "{error}");
}

#[tokio::test]
async fn answers_that_are_no_keys_are_errors() {
    for (status, body, expected) in [
        (200, "<html>".to_owned(), "no token"),
        (200, json!({"AccessKeyId": "a"}).to_string(), "no token"),
        (200, json!({"AccessKeyId": "a", "SecretAccessKey": "HIDDEN\n b"}).to_string(), "no token"),
        (
            200,
            json!({"AccessKeyId": "a", "SecretAccessKey": "HIDDEN", "Token": "t", "Expiration": "2001-01-01T00:00:00Z"})
                .to_string(),
            "expired already",
        ),
        (403, json!({"code": "Forbidden", "message": "no such task"}).to_string(), "Forbidden: no such task"),
    ] {
        let script = body.clone();
        let amazon = Amazon::answering(move |_, _| {
            Some(Script::answer(status, "application/json", script.clone()))
        })
        .await;
        let address = format!("{}/container", amazon.url());
        let variables = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.as_str())];
        let endpoint = amazon.endpoint(nothing, &variables);
        let error = told(&signed_by(&endpoint).await.expect_err(&body));
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_give_keys_is_said_when_the_endpoint_is_built() {
    let amazon = Amazon::start().await;
    let (_home, path) = home(
        "[profile sso]\nsso_session = corp\n[profile program]\ncredential_process = /bin/x\n\
         [profile round]\nrole_arn = r\nsource_profile = about\n[profile about]\nrole_arn = r\nsource_profile = round\n\
         [profile lone]\nrole_arn = r\n[profile half]\naws_access_key_id = A\n",
        "",
    );
    let build = |change: &dyn Fn(&mut EndpointConfig), variables: &[(&str, &str)]| {
        let mut all = vec![("HOME", path.as_str())];
        all.extend(variables);
        amazon
            .try_endpoint(|config| change(config), &amazon.environment(&all))
            .expect_err("a bad config")
    };
    for (name, expected) in [
        ("nobody", "no profile `nobody`"),
        ("sso", "SSO"),
        ("program", "starts a program"),
        ("round", "its own source"),
        ("lone", "source_profile"),
        ("half", "aws_secret_access_key"),
    ] {
        let named = |config: &mut EndpointConfig| config.aws.profile_name = Some(name.to_owned());
        let error = build(&named, &[]);
        assert!(error.contains(expected) && error.contains(name), "{error}");
        let error = build(&nothing, &[("AWS_PROFILE", name)]);
        assert!(
            error.contains(expected) && error.contains("AWS_PROFILE"),
            "{error}"
        );
    }
    let half = |config: &mut EndpointConfig| config.aws.access_key_id = Some("A".into());
    assert!(build(&half, &[]).contains("aws_secret_access_key"));
    let unfit = |config: &mut EndpointConfig| {
        own_keys(config);
        config.aws.secret_access_key = Some("HIDDEN KEY".into());
    };
    assert!(build(&unfit, &[]).contains("aws_access_key_id"));
    for token in ["oidc/google/HIDDEN", "HIDDEN", "oidc/env/UNSET"] {
        let config = |config: &mut EndpointConfig| {
            role(config);
            config.aws.web_identity_token = Some(token.into());
        };
        assert!(build(&config, &[]).contains("aws_web_identity_token"));
    }
    let no_role = |config: &mut EndpointConfig| {
        config.aws.web_identity_token = Some("a.b.HIDDEN".into());
    };
    assert!(build(&no_role, &[]).contains("aws_role_name"));
    assert!(
        build(&nothing, &[("AWS_EC2_METADATA_DISABLED", "true")]).contains("AWS_ACCESS_KEY_ID")
    );
}
