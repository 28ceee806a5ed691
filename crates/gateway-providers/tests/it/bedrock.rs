//! Bedrock: addresses, bodies, betas, regions.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use gateway_core::Dialect;
use gateway_providers::{Endpoint, EndpointConfig, Environment};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream};
use gateway_transport::{Http2Mode, SendOptions, Transport, TransportConfig};

use crate::world::{Call, endpoint, header, request};

const CLAUDE: &str = "anthropic.claude-3-5-sonnet-20240620-v1:0";
const PROFILE: &str = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123";

fn with(model: &str, change: impl FnOnce(&mut EndpointConfig)) -> EndpointConfig {
    let mut config = EndpointConfig {
        model: model.to_owned(),
        ..EndpointConfig::default()
    };
    config.aws.access_key_id = Some("AKIAOWN".into());
    config.aws.secret_access_key = Some("HIDDENOWN".into());
    change(&mut config);
    config
}

fn plain(model: &str) -> EndpointConfig {
    with(model, |_| {})
}

async fn uri_of(config: EndpointConfig, call: &Call, variables: &[(&str, &str)]) -> String {
    let request = request(&endpoint(config, variables), call).await;
    request.expect("a request").uri().to_string()
}

fn converse(body: &'static str) -> Call {
    Call {
        dialect: Dialect::BedrockConverse,
        body,
        ..Call::default()
    }
}

fn messages(body: &'static str) -> Call {
    Call {
        dialect: Dialect::AnthropicMessages,
        body,
        ..Call::default()
    }
}

const PLAIN: &str = r#"{"model":"group","messages":[]}"#;
const STREAM: &str = r#"{"model":"group","messages":[],"stream":true}"#;

#[tokio::test]
async fn the_stream_flag_and_the_dialect_choose_the_operation() {
    let config = || plain(&format!("bedrock/{CLAUDE}"));
    for (call, operation) in [
        (converse(PLAIN), "converse"),
        (converse(STREAM), "converse-stream"),
        (messages(PLAIN), "invoke"),
        (messages(STREAM), "invoke-with-response-stream"),
    ] {
        let expected = format!(
            "https://bedrock-runtime.us-west-2.amazonaws.com/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/{operation}"
        );
        assert_eq!(uri_of(config(), &call, &[]).await, expected);
    }
}

#[tokio::test]
async fn the_model_is_what_is_left_of_prefixes_and_all_of_it_is_in_the_address() {
    let arn =
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc123";
    for (model, host, id) in [
        (
            "converse/us.amazon.nova-pro-v1:0",
            "us-west-2",
            "us.amazon.nova-pro-v1%3A0",
        ),
        (
            "global.anthropic.claude-x",
            "us-west-2",
            "global.anthropic.claude-x",
        ),
        (
            "us-east-1/anthropic.claude-v2:1",
            "us-east-1",
            "anthropic.claude-v2%3A1",
        ),
        ("converse/eu-west-2/mistral.m", "eu-west-2", "mistral.m"),
        (PROFILE, "eu-west-1", arn),
        (&format!("converse/{PROFILE}"), "eu-west-1", arn),
        ("nova/m", "us-west-2", "m"),
    ] {
        let uri = uri_of(plain(&format!("bedrock/{model}")), &converse(PLAIN), &[]).await;
        let expected = format!("https://bedrock-runtime.{host}.amazonaws.com/model/{id}/converse");
        assert_eq!(uri, expected);
    }
    let invoked = plain(&format!("bedrock/invoke/{PROFILE}"));
    assert!(
        uri_of(invoked, &messages(PLAIN), &[])
            .await
            .ends_with(&format!("/model/{arn}/invoke"))
    );
    let with_id = with(&format!("bedrock/{CLAUDE}"), |it| {
        it.aws.model_id = Some(PROFILE.to_owned())
    });
    assert_eq!(
        uri_of(with_id, &messages(PLAIN), &[]).await,
        format!("https://bedrock-runtime.eu-west-1.amazonaws.com/model/{arn}/invoke")
    );
}

#[tokio::test]
async fn claude_speaks_anthropics_dialect_itself_and_others_do_not() {
    for (model, converses, invokes) in [
        (CLAUDE, true, true),
        ("us.anthropic.claude-sonnet-4-v1:0", true, true),
        ("anthropic.*", true, true),
        ("converse/anthropic.claude-x", true, false),
        ("invoke/anthropic.claude-x", false, true),
        ("amazon.nova-pro-v1:0", true, false),
        (PROFILE, true, false),
        ("*", true, false),
    ] {
        let endpoint = endpoint(plain(&format!("bedrock/{model}")), &[]);
        assert_eq!(
            endpoint.speaks(Dialect::BedrockConverse),
            converses,
            "{model}"
        );
        assert_eq!(
            endpoint.speaks(Dialect::AnthropicMessages),
            invokes,
            "{model}"
        );
    }
}

#[tokio::test]
async fn the_body_loses_model_and_stream_and_gains_the_version_and_the_betas() {
    let call = Call {
        headers: &[
            ("anthropic-version", "2023-06-01"),
            (
                "anthropic-beta",
                "claude-code-20250219,context-1m-2025-08-07",
            ),
            (
                "anthropic-beta",
                "advanced-tool-use-2025-11-20, interleaved-thinking-2025-05-14",
            ),
        ],
        query: Some("beta=true"),
        ..messages(STREAM)
    };
    let claude = endpoint(plain(&format!("bedrock/{CLAUDE}")), &[]);
    let sent = request(&claude, &call).await.expect("a request");
    assert_eq!(
        sent.body(),
        r#"{"messages":[],"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07","tool-search-tool-2025-10-19","interleaved-thinking-2025-05-14"]}"#
    );
    for absent in ["anthropic-beta", "anthropic-version", "x-api-key"] {
        assert_eq!(header(&sent, absent), "", "{absent}");
    }
    assert_eq!(
        header(&sent, "host"),
        "bedrock-runtime.us-west-2.amazonaws.com"
    );
    let authorization = header(&sent, "authorization");
    assert!(
        authorization.contains(
            "/us-west-2/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date,"
        )
    );
    // Converse wants its betas elsewhere, and no version.
    let call = Call {
        dialect: Dialect::BedrockConverse,
        ..call
    };
    let sent = request(&claude, &call).await.expect("a request");
    assert_eq!(
        sent.body(),
        r#"{"messages":[],"additionalModelRequestFields":{"anthropic_beta":["context-1m-2025-08-07"]}}"#
    );
    let nova = endpoint(plain("bedrock/amazon.nova-pro-v1:0"), &[]);
    let sent = request(&nova, &call).await.expect("a request");
    assert_eq!(sent.body(), r#"{"messages":[]}"#);
}

#[tokio::test]
async fn the_address_comes_from_the_config_then_the_environment_then_the_region() {
    let variables = [("AWS_BEDROCK_RUNTIME_ENDPOINT", "http://from-env:1")];
    let own = |it: &mut EndpointConfig| {
        it.aws.bedrock_runtime_endpoint = Some("http://from-config:2/x/".to_owned());
    };
    let base = |it: &mut EndpointConfig| {
        own(it);
        it.api_base = Some("http://base:3".to_owned());
    };
    let call = converse(PLAIN);
    for (config, expected) in [
        (plain("bedrock/m"), "http://from-env:1/model/m/converse"),
        (
            with("bedrock/m", own),
            "http://from-config:2/x/model/m/converse",
        ),
        (with("bedrock/m", base), "http://base:3/model/m/converse"),
    ] {
        assert_eq!(uri_of(config, &call, &variables).await, expected);
    }
}

#[tokio::test]
async fn the_region_is_in_the_address_and_in_the_signature() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join(".aws")).expect("made");
    let file = "[default]\nregion = sa-east-1\n[profile work]\nregion = cn-north-1\n";
    std::fs::write(home.path().join(".aws/config"), file).expect("written");
    let at_home = ("HOME", home.path().to_str().expect("text"));
    let own = |it: &mut EndpointConfig| it.aws.region_name = Some("ca-central-1".to_owned());
    let regions = [
        ("AWS_REGION_NAME", "eu-north-1"),
        ("AWS_REGION", "eu-south-1"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        at_home,
    ];
    for (config, variables, region, suffix) in [
        (
            with("bedrock/us-east-1/m", own),
            &regions[..],
            "ca-central-1",
            "",
        ),
        (
            plain(&format!("bedrock/{PROFILE}")),
            &regions[..],
            "eu-west-1",
            "",
        ),
        (plain("bedrock/m"), &regions[..], "eu-north-1", ""),
        (plain("bedrock/m"), &regions[1..], "eu-south-1", ""),
        (plain("bedrock/m"), &regions[2..], "eu-central-1", ""),
        (plain("bedrock/m"), &regions[3..], "sa-east-1", ""),
        (
            plain("bedrock/m"),
            &[at_home, ("AWS_PROFILE", "work")],
            "cn-north-1",
            ".cn",
        ),
        (plain("bedrock/m"), &[], "us-west-2", ""),
    ] {
        let sent = request(&endpoint(config, variables), &converse(PLAIN))
            .await
            .expect("a request");
        assert_eq!(
            sent.uri().host(),
            Some(format!("bedrock-runtime.{region}.amazonaws.com{suffix}").as_str())
        );
        assert!(header(&sent, "authorization").contains(&format!("/{region}/bedrock/")));
    }
}

/// The signature that a server computes of what it sees.
fn signature_of(seen: &Recorded, host: &str) -> String {
    let keys = aws_credential_types::Credentials::new("AKIAOWN", "HIDDENOWN", None, None, "test");
    let identity = keys.into();
    let uri = format!("http://{host}{}", seen.target);
    let date = seen.header("x-amz-date").expect("a date");
    let content_type = seen.header("content-type").expect("a type");
    // It was signed within the last minute.
    for ago in 0..60 {
        let params = SigningParams::builder()
            .identity(&identity)
            .region("us-west-2")
            .name("bedrock")
            .time(SystemTime::now() - Duration::from_secs(ago))
            .settings(SigningSettings::default())
            .build()
            .expect("all is given")
            .into();
        let signed = [("host", host), ("content-type", content_type)].into_iter();
        let body = SignableBody::Bytes(&seen.body);
        let request = SignableRequest::new(&seen.method, &uri, signed, body);
        let signed = sign(request.expect("a request"), &params).expect("signed");
        let mut headers = signed.output().headers();
        if headers.any(|header| header == ("x-amz-date", date)) {
            return signed.signature().to_owned();
        }
    }
    panic!("{date} is not now")
}

#[tokio::test]
async fn what_arrives_is_what_was_signed_on_http_1_and_2() {
    for (http2, host) in [
        (Http2Mode::Never, "host"),
        (Http2Mode::PriorKnowledge, ":authority"),
    ] {
        let upstream = Upstream::answering(|_| Script::json(200, &serde_json::json!({}))).await;
        let config = with(&format!("bedrock/{CLAUDE}"), |it| {
            it.api_base = Some(format!("{}/base%20path?x=1", upstream.url()));
            it.connect.http2 = http2;
        });
        let endpoint = endpoint(config, &[]);
        let call = Call {
            headers: &[
                ("user-agent", "client/1"),
                ("anthropic-beta", "context-1m-2025-08-07"),
            ],
            ..messages(PLAIN)
        };
        let signed = request(&endpoint, &call).await.expect("a request");
        let transport = Transport::single(TransportConfig::default());
        let origin = transport
            .origin(endpoint.connect_spec())
            .expect("an origin");
        let sending = transport.shard(0);
        let response = sending.send(&origin, signed, &SendOptions::default()).await;
        assert_eq!(response.expect("an answer").status(), 200);
        let requests = upstream.requests();
        let seen = &requests[0];
        let address = upstream.addr().to_string();
        assert_eq!(seen.header(host), Some(address.as_str()));
        let authorization = seen.header("authorization").expect("signed");
        let (_, signature) = authorization.split_once("Signature=").expect("a signature");
        assert_eq!(signature, signature_of(seen, &address));
    }
}

#[tokio::test]
async fn an_authorization_of_the_operators_own_is_not_signed_over() {
    let config = with("bedrock/m", |it| {
        it.extra_headers = vec![("Authorization".to_owned(), "Basic own".to_owned())];
    });
    let sent = request(&endpoint(config, &[]), &converse(PLAIN))
        .await
        .expect("a request");
    assert_eq!(header(&sent, "authorization"), "Basic own");
    assert_eq!(header(&sent, "x-amz-date"), "");
}

#[test]
fn what_bedrock_cannot_serve_is_said() {
    let region = |it: &mut EndpointConfig| it.aws.region_name = Some("evil.example/".to_owned());
    let address = |it: &mut EndpointConfig| {
        it.aws.bedrock_runtime_endpoint = Some("https://u:HIDDEN@h".to_owned());
    };
    for (config, expected) in [
        (plain("bedrock/agent/x"), "bedrock/converse/"),
        (plain("bedrock/llama/arn:x"), "not served"),
        (plain("bedrock/invoke/amazon.titan"), "only Claude"),
        (plain("bedrock/converse/"), "empty"),
        (with("bedrock/m", region), "aws_region_name"),
        (with("bedrock/m", address), "aws_bedrock_runtime_endpoint"),
    ] {
        let environment = Environment::with_variables([("", ""); 0]);
        let error = Endpoint::build(config, &environment).expect_err("a bad config");
        let text = format!("{error} {error:?}");
        assert!(
            text.contains(expected) && !text.contains("HIDDEN"),
            "{text}"
        );
    }
}
