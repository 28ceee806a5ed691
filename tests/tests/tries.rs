//! Retries of the published clients on top of the gateway's: an error raises the right class after the right number of
//! sends, what must not be done twice is not, and a cut never looks complete.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use end_to_end::{Gateway, Setup, Stream, node, python};
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};

/// A case: what the client raises in Python and in Node, and how often the provider is asked.
type Case = (&'static str, &'static str, &'static str, usize);

/// The client sends three times if it may, the gateway three times for each of these, less what the client says that it
/// has sent already: 3 + 2 + 1.
const ALL: usize = 6;

const CASES: [Case; 10] = [
    (
        "status-500",
        "InternalServerError",
        "InternalServerError",
        ALL,
    ),
    (
        "status-529",
        "InternalServerError",
        "InternalServerError",
        ALL,
    ),
    ("status-429", "RateLimitError", "RateLimitError", ALL),
    ("status-400", "BadRequestError", "BadRequestError", 1),
    (
        "status-401",
        "AuthenticationError",
        "AuthenticationError",
        1,
    ),
    // The work may have been done: the client is told to leave it at that.
    ("lost", "InternalServerError", "InternalServerError", 1),
    // Without content a stream fails like any call.
    (
        "first-529",
        "InternalServerError",
        "InternalServerError",
        ALL,
    ),
    (
        "role-then-cut",
        "InternalServerError",
        "InternalServerError",
        ALL,
    ),
    // With content it raises, and nothing is sent again.
    ("cut", "APIError", "APIError", 1),
    ("no-marker", "APIError", "APIError", 1),
];

/// What the provider does for a model of this name, with waits that cost a test no time.
fn behave(request: &Recorded) -> Script {
    let body = request.json();
    let (_client, case) = body["model"].as_str().unwrap().split_once('-').unwrap();
    let wire = Wire::of_path(request.path()).expect("a call");
    let stream = || Stream::answering(request);
    match case.split_once('-') {
        Some(("status", status)) => {
            let status = status.parse().expect("a status");
            let head = ResponseHead::json(status).with("retry-after-ms", "1");
            let body = wire.error_body(status, "the provider's words");
            Script::new().head(head).bytes(body.to_string()).end()
        }
        Some(("first", status)) => {
            let event = wire.error_event(status.parse().expect("a status"), "not now");
            Script::new().head(ResponseHead::sse()).bytes(event).end()
        }
        Some(("role", _)) => {
            let head = Script::new().head(ResponseHead::sse());
            head.all(stream().preamble().to_vec()).close()
        }
        Some(("no", _)) => stream().begun(5).end(),
        _ if case == "cut" => stream().begun(2).close(),
        _ => Script::new().reset(),
    }
}

/// A gateway that sends every model name on as it is, with default retries.
async fn world() -> (Upstream, Gateway) {
    let upstream = Upstream::answering(behave).await;
    let url = upstream.url();
    let gateway = Setup::routed()
        .model(
            "*",
            &json!({"model": "openai/*", "api_base": format!("{url}/v1"), "api_key": "k", "native_only": true}),
        )
        .model(
            "*",
            &json!({"model": "anthropic/*", "api_base": url, "api_key": "k", "native_only": true}),
        )
        // All cases are calls of one deployment.
        .set("router_settings.disable_cooldowns", json!(true))
        .start()
        .await;
    (upstream, gateway)
}

/// Checks what a script printed against what the provider was asked.
fn assert_tries(lines: &[Value], upstream: &Upstream, class: impl Fn(&Case) -> &'static str) {
    let mut sends: HashMap<String, usize> = HashMap::new();
    for request in upstream.requests() {
        let model = request.json()["model"].as_str().unwrap().to_owned();
        *sends.entry(model).or_default() += 1;
    }
    assert_eq!(lines.len(), 2 * CASES.len());
    for line in lines {
        let said = line["case"].as_str().unwrap();
        let (client, name) = said.split_once(' ').unwrap();
        let case = CASES.iter().find(|(case, ..)| *case == name).unwrap();
        let raised = line["raised"].as_array();
        let raised = raised.unwrap_or_else(|| panic!("not raised: {line:#}"));
        assert!(raised.contains(&json!(class(case))), "{line:#}");
        assert_eq!(sends[&format!("{client}-{name}")], case.3, "{line:#}");
    }
}

#[tokio::test]
async fn the_clients_for_python_raise_after_as_many_sends_as_there_may_be() {
    let (upstream, gateway) = world().await;
    let lines = python::run("tries.py", &[&gateway.url(), "any"]).await;
    assert_tries(&lines, &upstream, |case| case.1);
}

#[tokio::test]
async fn the_clients_for_node_raise_after_as_many_sends_as_there_may_be() {
    let (upstream, gateway) = world().await;
    let lines = node::run("tries.mjs", &[&gateway.url(), "any"]).await;
    assert_tries(&lines, &upstream, |case| case.2);
}
