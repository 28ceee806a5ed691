//! Probes of deployments: what they ask, what `/health` makes of the answers, and when they are sent.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use end_to_end::{Setup, binary, command};
use gateway_testkit::client::Request;
use gateway_testkit::script::Script;
use gateway_testkit::upstream::Upstream;
use serde_json::{Value, json};

fn entry(group: &str, model: &str, url: &str, info: &Value) -> Value {
    json!({"model_name": group, "model_info": info,
        "litellm_params": {"model": model, "api_base": url, "api_key": "sk-provider"}})
}

fn of<'a>(health: &'a Value, group: &str) -> (&'a str, &'a Value) {
    let lists = ["healthy_endpoints", "unhealthy_endpoints"];
    let found = lists.iter().find_map(|list| {
        let entries = health[list].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["model_name"] == group)?;
        Some((*list, entry))
    });
    found.unwrap()
}

#[tokio::test]
async fn a_probe_on_request_asks_each_provider_in_its_words_and_tells_what_it_said() {
    let upstream = Upstream::plain().await;
    let broken = Upstream::answering(|_| {
        Script::json(
            401,
            &json!({"error": {"message": "no such key", "code": "401"}}),
        )
    })
    .await;
    let v1 = format!("{}/v1", upstream.url());
    let gateway = Setup::routed()
        .entry(entry("chat", "openai/double", &v1, &json!({})))
        .entry(entry(
            "claude",
            "anthropic/double",
            upstream.url().as_str(),
            &json!({}),
        ))
        .entry(entry(
            "vectors",
            "openai/double",
            &v1,
            &json!({"mode": "embedding"}),
        ))
        .entry(entry(
            "all/*",
            "openai/*",
            &v1,
            &json!({"health_check_model": "openai/small", "health_check_max_tokens": 5}),
        ))
        .entry(entry("any/*", "openai/*", &v1, &json!({})))
        .entry(entry(
            "paint",
            "openai/double",
            &v1,
            &json!({"mode": "image_generation"}),
        ))
        .entry(entry(
            "broken",
            "openai/double",
            &format!("{}/v1", broken.url()),
            &json!({}),
        ))
        .start()
        .await;
    let health = gateway.get("/health").await.json();
    assert_eq!(health["healthy_count"], 7, "{health}");
    assert!(upstream.requests().is_empty(), "nobody is called unasked");
    let health = gateway.get("/health?probe=true").await.json();
    assert_eq!(health["unhealthy_count"], 1, "{health}");
    let (list, broken) = of(&health, "broken");
    assert_eq!(list, "unhealthy_endpoints");
    assert_eq!(broken["error"], "status 401: no such key", "{health}");
    assert!(broken["last_probe"]["took_ms"].is_number(), "{health}");
    for unasked in ["any/*", "paint"] {
        assert!(of(&health, unasked).1["not_probed"].is_string(), "{health}");
    }
    let mut asked: Vec<(String, Value)> = upstream
        .requests()
        .iter()
        .map(|request| (request.path().to_owned(), request.json()))
        .collect();
    asked.sort_by_key(|(path, body)| (path.clone(), body["model"].to_string()));
    let paths: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
    let chat = "/v1/chat/completions";
    assert_eq!(paths, [chat, chat, "/v1/embeddings", "/v1/messages"]);
    assert_eq!(asked[1].1["model"], "small", "{asked:?}");
    assert_eq!(asked[1].1["max_tokens"], 5, "{asked:?}");
    assert!(!health.to_string().contains("sk-provider"), "{health}");
}

#[tokio::test]
async fn a_probe_of_one_group_calls_no_other_and_sets_nobody_aside() {
    let upstream = Upstream::answering(|_| Script::json(500, &json!({}))).await;
    let v1 = format!("{}/v1", upstream.url());
    let gateway = Setup::routed()
        .entry(entry("one", "openai/double", &v1, &json!({"id": "one-id"})))
        .entry(entry("other", "openai/double", &v1, &json!({})))
        .start()
        .await;
    for _ in 0..5 {
        gateway.get("/health?model=one&probe=true").await;
    }
    assert_eq!(upstream.requests().len(), 5);
    let health = gateway.get("/health?model_id=one-id").await.json();
    assert_eq!(
        health["unhealthy_endpoints"][0]["error"], "status 500",
        "{health}"
    );
    assert_eq!(health["healthy_count"], 0, "{health}");
    let explained = gateway.get("/admin/explain?model=one").await.json();
    assert!(!explained.to_string().contains("set_aside"), "{explained}");
}

#[tokio::test]
async fn background_checks_run_as_litellms_settings_say() {
    let upstream = Upstream::answering(|_| Script::json(503, &json!({}))).await;
    let v1 = format!("{}/v1", upstream.url());
    let quiet = Upstream::plain().await;
    let gateway = Setup::routed()
        .set("general_settings.background_health_checks", json!(true))
        .set("general_settings.health_check_interval", json!(0.5))
        .set("general_settings.health_check_details", json!(false))
        .entry(entry("one", "openai/double", &v1, &json!({})))
        .entry(entry(
            "other",
            "openai/double",
            &format!("{}/v1", quiet.url()),
            &json!({"disable_background_health_check": true}),
        ))
        .start()
        .await;
    upstream.requests_reach(3).await;
    let health = gateway.get("/health").await.json();
    let (list, one) = of(&health, "one");
    assert_eq!(list, "unhealthy_endpoints", "{health}");
    assert!(one["api_base"].is_null(), "details are off: {health}");
    assert!(quiet.requests().is_empty());
    // A call that goes well says that the deployment is well, before the next round does.
    let ready = gateway.answer(&Request::get("/health/readiness")).await;
    assert_eq!(
        ready.status, 200,
        "the process can take calls whoever is down"
    );
    assert_eq!(ready.json()["status"], "healthy");
}

#[tokio::test]
async fn check_probes_before_anything_is_started() {
    let upstream = Upstream::plain().await;
    let broken = Upstream::answering(|_| Script::json(401, &json!({}))).await;
    let v1 = |upstream: &Upstream| format!("{}/v1", upstream.url());
    let setup = Setup::routed()
        .entry(entry(
            "good",
            "openai/double",
            &v1(&upstream),
            &json!({"id": "good-id"}),
        ))
        .entry(entry(
            "bad",
            "openai/double",
            &v1(&broken),
            &json!({"id": "bad-id"}),
        ));
    let file = setup.write();
    let run = |more: &[&str]| {
        let args = ["check", file.to_str().unwrap(), "--probe"];
        let args: Vec<String> = args.iter().chain(more).map(ToString::to_string).collect();
        command::run(binary::gateway_server(), args)
    };
    let human = run(&[]).await;
    let text = human.stdout;
    assert_eq!(human.code, Some(1), "{text}");
    assert!(
        text.contains("good-id") && text.contains("bad-id"),
        "{text}"
    );
    assert!(text.contains("status 401"), "{text}");
    let machine = run(&["--format", "json"]).await;
    let report: Value = serde_json::from_str(&machine.stdout).unwrap();
    let probes = report["probes"].as_array().unwrap();
    assert_eq!(probes.len(), 2, "{report}");
    assert_eq!(probes[0]["id"], "good-id", "{report}");
    assert!(probes[0]["error"].is_null(), "{report}");
    assert_eq!(probes[1]["error"], "status 401", "{report}");
    assert_eq!(machine.code, Some(1));
}
