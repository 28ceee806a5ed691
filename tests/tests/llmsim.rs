//! A second double that we did not write: it repeats what it was asked, so that the client sees whether its words arrived,
//! counts tokens with a real tokenizer, and cuts streams.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use end_to_end::agent::Agent;
use end_to_end::{Double, Gateway, Setup, apart, python};
use serde_json::{Value, json};

const KEY: &str = "sk-master-of-llmsim";
const SECRET: &str = "marmalade-42";
/// What the script says, in letters of one, two and three bytes.
const TEXT: &str = "Grüße, 你好, and the marmalade of 42 — repeat me, please.";

/// What the double plays when it is asked for chat completions.
fn scenarios() -> Vec<Value> {
    let answer = |text: &str| json!({"turn": {"type": "assistant", "text": text}});
    let call = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
    vec![
        json!({"name": "cut", "steps": [{
            "timing": {"ttft_ms": 10, "tokens_per_sec": 100.0, "cut_after_tokens": 8},
            "turn": {"type": "assistant", "lorem_tokens": 50},
        }]}),
        json!({"name": "limited", "steps": [{
            "fail_first": [{"kind": "rate_limit", "retry_after_ms": 3000}],
            "turn": {"type": "assistant", "text": "At last."},
        }]}),
        json!({"name": "tools", "steps": [{
            "turn": {"type": "mixed", "text": "Both, then.", "calls": [
                call("read_paris", json!({"city": "Paris"})),
                call("read_oslo", json!({"city": "Oslo"})),
            ]},
        }]}),
        json!({"name": "any", "steps": [
            {"turn": {"type": "tool_calls", "calls": [{"tool": "any"}]}},
        ]}),
        json!({"name": "notes", "steps": [
            {"turn": {"type": "tool_calls", "calls": [
                call("Read", json!({"file_path": "notes.txt"})),
            ]}},
            answer("I have read them."),
        ]}),
    ]
}

/// A gateway with one model for each dialect that the double speaks.
async fn world(dialects: &[&str]) -> (Double, Gateway) {
    let double = Double::llmsim(&scenarios()).await;
    let mut setup = Setup::new().master_key(KEY);
    for dialect in dialects {
        setup = setup.model(dialect, &double.deployment(dialect));
    }
    (double, setup.start().await.with_key(KEY))
}

/// What the script printed of each case, for one model.
async fn told(gateway: &Gateway, model: &str) -> HashMap<String, Value> {
    let lines = python::run("llmsim_calls.py", &[&gateway.url(), KEY, model]).await;
    let named = |line: Value| (line["case"].as_str().unwrap().to_owned(), line);
    lines.into_iter().map(named).collect()
}

/// Checks that the text went there and came back, piece by piece, and what it was said to have cost.
fn assert_repeated(line: &Value, stop: &str) {
    let said = &line["result"];
    let text = said["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("Echo: "), "{line:#}");
    assert!(text.ends_with(TEXT), "{line:#}");
    assert_eq!(said["stop"], stop, "{line:#}");
    assert!(said["pieces"].as_u64() >= Some(10), "{line:#}");
    for tokens in 0..2 {
        // Some 20 words, and at times a thought about them.
        let tokens = said["usage"][tokens].as_u64().unwrap_or_default();
        assert!((10..200).contains(&tokens), "{line:#}");
    }
}

fn assert_raised(line: &Value, class: &str) {
    let raised = line["raised"].as_array();
    let raised = raised.unwrap_or_else(|| panic!("not raised: {line:#}"));
    assert!(raised.contains(&json!(class)), "{line:#}");
}

#[test]
fn words_go_through_to_an_openai_upstream_and_back() {
    apart(&["sdks.txt", "llmsim.crate"], async || {
        let (_double, gateway) = world(&["chat"]).await;
        let told = told(&gateway, "chat").await;
        assert_repeated(&told["chat: chat stream"], "stop");
        assert_repeated(&told["chat: responses stream"], "completed");
        assert_repeated(&told["chat: messages stream"], "end_turn");
        // It keeps its thoughts to itself, and so there is none to show.
        let thought = &told["chat: thought"];
        assert_eq!(thought["result"]["kinds"], json!(["text"]), "{thought:#}");
        let count = told["chat: count"]["result"].as_u64();
        assert!(
            count.is_some_and(|count| (5..100).contains(&count)),
            "{count:?}"
        );
        for (case, class) in [
            ("chat cut", "APIError"),
            ("responses cut", "APIError"),
            ("messages cut", "APIError"),
            ("messages limited", "RateLimitError"),
        ] {
            assert_raised(&told[&format!("chat: {case}")], class);
        }
        let tools = &told["chat: messages tools"]["result"];
        assert_eq!(tools["text"], "Both, then.", "{tools:#}");
        assert_eq!(tools["stop"], "tool_use", "{tools:#}");
        let calls = json!([
            {"name": "read_paris", "arguments": {"city": "Paris"}},
            {"name": "read_oslo", "arguments": {"city": "Oslo"}},
        ]);
        assert_eq!(tools["calls"], calls, "{tools:#}");
        // The double calls the name that it was offered, which is shorter than the client's.
        let long = &told["chat: messages long name"];
        let name = format!("look_at_{}", "the_weather_".repeat(9));
        assert_eq!(long["result"]["calls"][0]["name"], name, "{long:#}");
    });
}

#[test]
fn words_go_through_to_an_anthropic_upstream_and_back() {
    apart(&["sdks.txt", "llmsim.crate"], async || {
        let (_double, gateway) = world(&["messages"]).await;
        let told = told(&gateway, "messages").await;
        assert_repeated(&told["messages: chat stream"], "stop");
        assert_repeated(&told["messages: responses stream"], "completed");
        assert_repeated(&told["messages: messages stream"], "end_turn");
        let thought = &told["messages: thought"];
        let kinds = json!(["thinking", "text"]);
        assert_eq!(thought["result"]["kinds"], kinds, "{thought:#}");
        // The double counted itself, as the stream's usage shows.
        let usage = &told["messages: messages stream"]["result"]["usage"];
        assert_eq!(told["messages: count"]["result"], usage[0], "{told:#?}");
    });
}

#[test]
fn claude_code_takes_its_turn_with_another_double() {
    apart(&["claude-code.json", "llmsim.crate"], async || {
        let (_double, gateway) = world(&["chat"]).await;
        let agent = Agent::claude_code(&gateway, KEY, "chat", "Read");
        let agent = agent.file("notes.txt", SECRET);
        let done = agent.run("[[llmsim:notes]] What do they say?").await;
        let said: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
        assert_eq!(said["result"], "I have read them.", "{done:#?}");
        assert_eq!(said["num_turns"], 2, "{said:#}");
        assert_eq!(said["is_error"], false, "{said:#}");
    });
}
