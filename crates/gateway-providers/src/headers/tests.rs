//! What passes, what does not, and who wins.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use proptest::prelude::*;

use super::HeaderRules;
use crate::betas::{ANTHROPIC_BETA, Betas, Client};
use crate::blueprint::Credential;

const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

fn rules(betas: Betas, extra: &[(&str, &str)]) -> HeaderRules {
    let extra: Vec<_> = extra
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let credential = Credential::header(
        HeaderName::from_static("x-api-key"),
        "",
        "sk-own",
        "api_key",
    )
    .unwrap();
    let defaults = vec![(VERSION, HeaderValue::from_static("2023-06-01"))];
    HeaderRules::build(
        defaults,
        &credential,
        &["anthropic-version", "anthropic-beta"],
        betas,
        &extra,
    )
    .unwrap()
}

fn client(headers: &[(&'static str, &str)]) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        })
        .collect()
}

fn apply(
    rules: &HeaderRules,
    headers: &HeaderMap,
    authorization: Option<HeaderValue>,
) -> HeaderMap {
    let client = Client {
        headers,
        refused: &[],
    };
    rules.apply(client, authorization)
}

fn values(headers: &HeaderMap, name: impl Into<HeaderName>) -> Vec<&str> {
    headers
        .get_all(name.into())
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

#[test]
fn nothing_passes_that_is_not_listed() {
    let sent = apply(
        &rules(Betas::All, &[]),
        &client(&[
            ("authorization", "Bearer sk-client"),
            ("x-api-key", "sk-client"),
            ("api-key", "sk-client"),
            ("x-litellm-api-key", "sk-client"),
            ("cookie", "session=sk-client"),
            ("connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
            ("content-length", "7"),
            ("host", "gateway.example"),
            ("accept-encoding", "gzip, br"),
            ("content-type", "text/plain"),
            ("x-forwarded-for", "10.0.0.1"),
            ("traceparent", "00-1-2-01"),
            ("openai-organization", "org-client"),
        ]),
        None,
    );
    let mut lines: Vec<_> = sent
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "anthropic-version: 2023-06-01",
            "content-type: application/json",
            concat!("user-agent: gateway/", env!("CARGO_PKG_VERSION")),
            "x-api-key: sk-own",
        ]
    );
}

#[test]
fn listed_headers_pass_untouched_and_replace_the_defaults() {
    let sent = apply(
        &rules(Betas::All, &[]),
        &client(&[
            ("anthropic-version", "2099-01-01"),
            ("anthropic-beta", "a,b"),
            ("anthropic-beta", "never-heard-of"),
            ("user-agent", "claude-cli/2"),
            ("idempotency-key", "k"),
        ]),
        None,
    );
    assert_eq!(values(&sent, VERSION), ["2099-01-01"]);
    assert_eq!(values(&sent, ANTHROPIC_BETA), ["a,b", "never-heard-of"]);
    assert_eq!(values(&sent, USER_AGENT), ["claude-cli/2"]);
    assert_eq!(
        values(&sent, HeaderName::from_static("idempotency-key")),
        ["k"]
    );
}

#[test]
fn the_operators_headers_win_over_everything() {
    let rules = rules(
        Betas::All,
        &[
            ("X-Api-Key", "sk-extra"),
            ("Anthropic-Version", "2024-01-01"),
            ("x-team", "t"),
        ],
    );
    let sent = apply(
        &rules,
        &client(&[("anthropic-version", "2099-01-01")]),
        None,
    );
    assert_eq!(
        values(&sent, HeaderName::from_static("x-api-key")),
        ["sk-extra"]
    );
    assert_eq!(values(&sent, VERSION), ["2024-01-01"]);
    assert_eq!(values(&sent, HeaderName::from_static("x-team")), ["t"]);
}

#[test]
fn a_token_of_the_moment_becomes_the_authorization() {
    let sent = apply(
        &rules(Betas::All, &[]),
        &client(&[("authorization", "Bearer sk-client")]),
        Some(HeaderValue::from_static("Bearer token")),
    );
    assert_eq!(values(&sent, AUTHORIZATION), ["Bearer token"]);
}

#[test]
fn listed_betas_pass_by_the_providers_names_and_others_do_not() {
    let list = Betas::Known(|beta| match beta {
        "a-1" => Some("a-1"),
        "b-1" | "tool-b" => Some("tool-b"),
        _ => None,
    });
    let sent = |betas: &[(&'static str, &str)]| apply(&rules(list, &[]), &client(betas), None);
    let headers = sent(&[
        ("anthropic-beta", "claude-code-1, b-1,,a-1"),
        ("anthropic-beta", "tool-b"),
    ]);
    assert_eq!(values(&headers, ANTHROPIC_BETA), ["tool-b,a-1"]);
    assert!(!sent(&[("anthropic-beta", "claude-code-1")]).contains_key(ANTHROPIC_BETA));
    assert!(!sent(&[]).contains_key(ANTHROPIC_BETA));
}

#[test]
fn betas_that_were_refused_do_not_pass_again() {
    let headers = client(&[("anthropic-beta", "a-1, b-1"), ("anthropic-beta", "c-1")]);
    let left = |betas, refused: &[&str]| {
        let refused: Vec<_> = refused.iter().map(|it| (*it).to_owned()).collect();
        let client = Client {
            headers: &headers,
            refused: &refused,
        };
        let sent = rules(betas, &[]).apply(client, None);
        values(&sent, ANTHROPIC_BETA).join("|")
    };
    assert_eq!(left(Betas::All, &[]), "a-1, b-1|c-1");
    assert_eq!(left(Betas::All, &["b-1"]), "a-1,c-1");
    assert_eq!(left(Betas::All, &["a-1", "b-1", "c-1"]), "");
    let known = Betas::Known(|beta| (beta == "b-1").then_some("tool-b"));
    assert_eq!(left(known, &[]), "tool-b");
    assert_eq!(left(known, &["tool-b"]), "");
}

#[test]
fn another_proof_takes_the_place_of_the_endpoints_own_and_not_of_the_operators() {
    let bearer = Credential::header(AUTHORIZATION, "Bearer ", "sk", "api_key").unwrap();
    for (extra, proof) in [
        (&[][..], ["", "Bearer sk"]),
        (&[("x-api-key", "sk-extra")], ["sk-extra", ""]),
    ] {
        let rules = rules(Betas::All, extra);
        let mut sent = apply(&rules, &HeaderMap::new(), None);
        rules.prove(&mut sent, &bearer);
        let value = |name: HeaderName| values(&sent, name).concat();
        assert_eq!(
            [
                value(HeaderName::from_static("x-api-key")),
                value(AUTHORIZATION)
            ],
            proof
        );
    }
}

#[test]
fn secrets_are_marked_and_not_printed() {
    let rules = rules(Betas::All, &[("x-secret", "sk-extra")]);
    let shown = format!("{rules:?} {:?}", apply(&rules, &HeaderMap::new(), None));
    assert!(
        !shown.contains("sk-own") && !shown.contains("sk-extra"),
        "{shown}"
    );
}

#[test]
fn headers_of_the_connection_are_no_operators_to_set() {
    for (name, value) in [
        ("Host", "a"),
        ("content-length", "1"),
        ("Connection", "close"),
        ("bad name", "x"),
        ("accept-encoding", "gzip"),
        ("x-line", "a\r\nb"),
    ] {
        let extra = [(name.to_owned(), value.to_owned())];
        let error = HeaderRules::build(Vec::new(), &Credential::None, &[], Betas::All, &extra)
            .expect_err(name)
            .to_string();
        assert!(error.contains(&format!("extra_headers.{name}")), "{error}");
    }
}

proptest! {
    #[test]
    fn whatever_a_client_sends_only_listed_names_come_out(
        names in proptest::collection::vec("[a-z][a-z-]{0,20}", 0..20),
    ) {
        let rules = rules(Betas::All, &[]);
        let client = names
            .iter()
            .filter_map(|name| Some((HeaderName::try_from(name).ok()?, HeaderValue::from_static("v"))))
            .collect();
        let sent = apply(&rules, &client, None);
        for name in sent.keys() {
            prop_assert!(rules.fixed.contains_key(name) || rules.forwarded.contains(name));
        }
    }
}
