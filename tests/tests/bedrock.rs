//! Bedrock, with Amazon's own client as the judge of every byte: what our double says, what the gateway passes on, and
//! what the gateway writes.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use end_to_end::call::{Carry, call};
use end_to_end::{Gateway, Setup, python};
use gateway_testkit::client::Request;
use gateway_testkit::dialect::Knobs;
use gateway_testkit::dialect::bedrock::{self, Operation};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};

const KEY: &str = "sk-master-of-bedrock";

/// What Bedrock does for a model with such a word in its name.
fn behave(request: &Recorded) -> Script {
    let path = request.path();
    let operation = Operation::of_path(path).expect("a call");
    let knobs = Knobs::default();
    let proper = || operation.answer(request, &knobs);
    let says = |word: &str| path.contains(word);
    if says("refused") {
        return bedrock::refusal(429, "ThrottlingException", "Too many requests");
    }
    if operation == Operation::Converse {
        return match says("agent") {
            true => Script::json(200, &bedrock::agent_body(&knobs)),
            false => proper(),
        };
    }
    let begun = || {
        let stream = match operation {
            Operation::InvokeStream => bedrock::invoke_stream(&knobs),
            _ => bedrock::converse_stream(&knobs),
        };
        let head = Script::new().head(bedrock::stream_head());
        match says("-first") {
            true => head,
            false => head.all(stream.take(5)),
        }
    };
    if says("agent") {
        let head = Script::new().head(bedrock::stream_head());
        head.all(bedrock::agent_stream(&knobs)).end()
    } else if says("exception") {
        let exception = bedrock::exception("throttlingException", "Too many tokens");
        begun().bytes(exception).end()
    } else if says("error") {
        let error = bedrock::error("InternalFailure", "It broke");
        begun().bytes(error).end()
    } else if says("spoiled") {
        let spoiled = bedrock::spoiled(&bedrock::content("SPOILED"));
        begun().bytes(spoiled).end()
    } else if says("cut") {
        let whole = bedrock::content("CUT");
        begun().bytes(whole.slice(..whole.len() - 5)).end()
    } else {
        proper()
    }
}

async fn world() -> (Upstream, Gateway) {
    let upstream = Upstream::answering(behave).await;
    let url = upstream.url();
    let params = json!({"model": "bedrock/converse/*", "aws_bedrock_runtime_endpoint": url,
        "aws_region_name": "eu-west-1", "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": "wJalrXUtnFEMI"});
    let gateway = Setup::new()
        .model("*", &params)
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_BEDROCK_RUNTIME_ENDPOINT", &url)
        .master_key(KEY)
        .start()
        .await
        .with_key(KEY);
    (upstream, gateway)
}

/// What a script with Amazon's client printed, by its cases.
async fn amazon(script: &str, args: &[&str]) -> HashMap<String, Value> {
    let lines = python::run_with("bedrock.txt", script, args).await;
    let by_case = |line: Value| (line["case"].as_str().expect("a case").to_owned(), line);
    lines.into_iter().map(by_case).collect()
}

/// The result of a case in which nothing was raised.
fn result<'a>(said: &'a HashMap<String, Value>, case: &str) -> &'a Value {
    let line = &said[case];
    assert!(line["raised"].is_null(), "{line:#}");
    &line["result"]
}

/// What is the same, whoever says it.
fn assert_read(said: &HashMap<String, Value>) {
    let text: String = Knobs::default().texts().collect();
    let answer = result(said, "converse text");
    assert_eq!(answer["output"]["message"]["content"][0]["text"], text);
    assert_eq!(answer["usage"]["outputTokens"], 5);
    let answer = result(said, "converse agent");
    assert_eq!(answer["stopReason"], "tool_use");
    let stream = result(said, "converse stream text").as_array().unwrap();
    let texts = stream
        .iter()
        .filter_map(|event| event["contentBlockDelta"]["delta"]["text"].as_str());
    assert_eq!(texts.collect::<String>(), text);
    assert_eq!(
        stream.last().unwrap()["metadata"]["usage"]["inputTokens"],
        8
    );
    let stream = result(said, "converse stream agent").as_array().unwrap();
    assert_eq!(stream.len(), 18);
    assert_eq!(stream[5]["contentBlockStop"]["contentBlockIndex"], 1);
    assert_eq!(
        stream[9]["contentBlockStart"]["start"]["toolUse"]["name"],
        "weather"
    );
    assert_eq!(result(said, "invoke")["content"][0]["text"], text);
    let stream = result(said, "invoke stream").as_array().unwrap();
    assert_eq!(stream.last().unwrap()["type"], "message_stop");
    let refused = &said["converse refused"]["raised"][0];
    assert_eq!(refused, "ThrottlingException", "{said:#?}");
}

#[tokio::test]
async fn amazons_client_reads_what_the_double_says() {
    let upstream = Upstream::answering(behave).await;
    let said = amazon("bedrock_calls.py", &[&upstream.url(), KEY]).await;
    assert_read(&said);
    for way in ["converse", "invoke"] {
        for (model, raised) in [
            ("exception", "EventStreamError"),
            ("error", "EventStreamError"),
            ("spoiled", "ChecksumMismatch"),
            ("refused", "ThrottlingException"),
        ] {
            let case = &said[&format!("{way} stream {model}")];
            assert_eq!(case["raised"][0], raised, "{case:#}");
        }
    }
}

#[tokio::test]
async fn amazons_client_reads_the_same_through_the_gateway() {
    let (_upstream, gateway) = world().await;
    let url = format!("{}/bedrock", gateway.url());
    let said = amazon("bedrock_calls.py", &[&url, KEY]).await;
    assert_read(&said);
    for way in ["converse", "invoke"] {
        for model in ["exception", "error", "spoiled", "refused"] {
            let case = &said[&format!("{way} stream {model}")];
            assert!(case["raised"].is_array(), "{case:#}");
        }
    }
}

/// Files with the bodies of requests, of which the first one is wrong.
async fn judge(files: &[PathBuf]) {
    assert!(files.len() > 1, "there is nothing to judge");
    let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let said = amazon("bedrock_requests.py", &files).await;
    for (index, file) in files.iter().enumerate() {
        let case = Path::new(file).file_stem().unwrap().to_str().unwrap();
        assert_eq!(
            said[case]["raised"].is_null(),
            index > 0,
            "{:#}",
            said[case]
        );
    }
}

fn wrong_body(folder: &Path) -> PathBuf {
    let file = folder.join("wrong.json");
    let body = json!({"messages": [{"role": "user", "content": [{"text": "a"}], "name": "b"}]});
    std::fs::write(&file, body.to_string()).unwrap();
    file
}

#[tokio::test]
async fn every_body_on_file_is_one_for_amazons_client() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![wrong_body(folder.path())];
    let bodies = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/gateway-core/tests/golden/bedrock_converse");
    for file in std::fs::read_dir(bodies).unwrap() {
        files.push(file.unwrap().path());
    }
    judge(&files).await;
}

fn ask(model: &str, stream: bool) -> Request {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let body = json!({"model": model, "max_tokens": 3000, "stream": stream,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [{"name": "weather", "input_schema": schema}],
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]}]});
    Request::post("/v1/messages", &body).bearer(KEY)
}

#[tokio::test]
async fn an_anthropic_client_is_served_by_converse() {
    let (upstream, gateway) = world().await;
    let text: String = Knobs::default().texts().collect();
    for carry in [Carry::Http1, Carry::Http2] {
        let (view, record) = call(&gateway, carry, ask("claude-text", false)).await;
        assert_eq!(view.status, 200, "{view:?}");
        assert_eq!(view.json()["content"][0]["text"], text);
        assert_eq!(view.json()["model"], "claude-text");
        assert_eq!(record["end"], "complete", "{record:#}");
        let (view, record) = call(&gateway, carry, ask("claude-text", true)).await;
        assert!(view.is_complete(), "{view:?}");
        assert_eq!(view.text(), text);
        assert_eq!(record["end"], "complete", "{record:#}");
        let (view, _) = call(&gateway, carry, ask("claude-agent", true)).await;
        assert!(view.is_complete(), "{view:?}");
        let pieces = view
            .events
            .iter()
            .map(|event| event.json()["delta"].clone());
        let arguments: String = pieces
            .filter_map(|delta| delta["partial_json"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(arguments, "{\"city\": \"Paris\"}{}");
        let mut deltas = view.events.iter().map(|event| event.json());
        let last = deltas.rfind(|event| event["type"] == "message_delta");
        let last = last.unwrap();
        assert_eq!(last["delta"]["stop_reason"], "tool_use");
        assert_eq!(last["usage"]["output_tokens"], 5);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![wrong_body(folder.path())];
    for (index, request) in upstream.requests().iter().enumerate() {
        let file = folder.path().join(format!("{index}.json"));
        std::fs::write(&file, &request.body).unwrap();
        files.push(file);
    }
    judge(&files).await;
}

#[tokio::test]
async fn an_openai_client_is_served_by_converse_and_told_the_usage_that_comes_last() {
    let (_upstream, gateway) = world().await;
    let request = Request::chat("hello").model("claude-text").streaming();
    let request = request
        .field("stream_options", json!({"include_usage": true}))
        .bearer(KEY);
    let (view, record) = call(&gateway, Carry::Http1, request).await;
    assert!(view.is_complete(), "{view:?}");
    assert_eq!(view.text(), Knobs::default().texts().collect::<String>());
    assert_eq!(record["end"], "complete", "{record:#}");
    let mut events = view.events.iter().filter(|event| !event.is_marker());
    let usage = &events.next_back().unwrap().json()["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"]),
        (&json!(11), &json!(5))
    );
}

#[tokio::test]
async fn what_fails_before_the_first_content_is_a_status() {
    let (_upstream, gateway) = world().await;
    for (model, status, end) in [
        ("claude-refused", 429, "upstream_error"),
        ("claude-exception-first", 429, "upstream_error"),
        ("claude-error-first", 500, "upstream_error"),
        ("claude-spoiled-first", 502, "malformed"),
        ("claude-cut-first", 502, "truncated"),
    ] {
        for carry in [Carry::Http1, Carry::Http2] {
            let (view, record) = call(&gateway, carry, ask(model, true)).await;
            assert_eq!(view.status, status, "{model}: {view:?}");
            assert_eq!(view.json()["type"], "error", "{model}: {view:?}");
            assert_eq!(record["end"], end, "{model}: {record:#}");
        }
    }
}

#[tokio::test]
async fn what_fails_later_is_an_error_event_and_nothing_of_a_bad_frame_is_seen() {
    let (_upstream, gateway) = world().await;
    for (model, end) in [
        ("claude-exception", "upstream_error"),
        ("claude-error", "upstream_error"),
        ("claude-spoiled", "malformed"),
        ("claude-cut", "truncated"),
    ] {
        for carry in [Carry::Http1, Carry::Http2] {
            let (view, record) = call(&gateway, carry, ask(model, true)).await;
            assert_eq!(view.status, 200, "{model}: {view:?}");
            assert!(view.error_event().is_some(), "{model}: {view:?}");
            assert!(!view.has_marker(), "{model}: {view:?}");
            let text: String = Knobs::default().texts().take(4).collect();
            assert_eq!(view.text(), text, "{model}");
            assert_eq!(record["end"], end, "{model}: {record:#}");
        }
    }
}
