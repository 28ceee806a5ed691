//! The published clients of every dialect on upstreams of every dialect: doubles that we did not write answer in the
//! provider's words, and the client must understand the same, whoever has spoken.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use end_to_end::{Double, Gateway, Setup, apart, node, python};
use serde_json::{Value, json};

const KEY: &str = "sk-master-of-the-crossings";
/// The dialects of upstreams; a model of this name is behind one that speaks nothing else.
const UPSTREAMS: [&str; 6] = [
    "openai",
    "chat",
    "responses",
    "messages",
    "gemini",
    "converse",
];
const HELLO: &str = "Hello from a double of the provider, at your service.";

/// What a client calls the reasons for which an answer ended.
struct Words {
    stop: &'static str,
    tool: &'static str,
    length: &'static str,
}

const CHAT: Words = Words {
    stop: "stop",
    tool: "tool_calls",
    length: "length",
};
const MESSAGES: Words = Words {
    stop: "end_turn",
    tool: "tool_use",
    length: "max_tokens",
};
const GEMINI: Words = Words {
    stop: "STOP",
    tool: "STOP",
    length: "MAX_TOKENS",
};
const RESPONSES: Words = Words {
    stop: "completed",
    tool: "completed",
    length: "incomplete",
};
const AI_SDK: Words = Words {
    stop: "stop",
    tool: "tool-calls",
    length: "length",
};

/// A double, and a gateway with one model for each dialect that it speaks.
async fn world() -> (Double, Gateway) {
    let fixtures = include_str!("../fixtures/aimock.json");
    let fixtures = serde_json::from_str(fixtures).expect("the fixtures are JSON");
    let double = Double::aimock(&fixtures).await;
    let mut setup = Setup::new().master_key(KEY);
    for upstream in UPSTREAMS {
        setup = setup.model(upstream, &double.deployment(upstream));
    }
    (double, setup.start().await.with_key(KEY))
}

/// What a script printed, and all that is wrong with it: a red test shows everything at once.
struct Said {
    by_case: HashMap<String, Value>,
    wrong: Vec<String>,
}

impl Said {
    async fn in_python(clients: &'static str, script: &str, gateway: &Gateway) -> Self {
        let url = gateway.url();
        let args = [&[url.as_str(), KEY], &UPSTREAMS[..]].concat();
        Self::new(python::run_with(clients, script, &args).await)
    }

    async fn in_node(clients: &'static str, script: &str, gateway: &Gateway) -> Self {
        let url = gateway.url();
        let args = [&[url.as_str(), KEY], &UPSTREAMS[..]].concat();
        Self::new(node::run_with(clients, script, &args).await)
    }

    fn new(lines: Vec<Value>) -> Self {
        let named = |line: Value| (line["case"].as_str().unwrap().to_owned(), line);
        Self {
            by_case: lines.into_iter().map(named).collect(),
            wrong: Vec::new(),
        }
    }

    /// What a client understood of a call that must not fail.
    fn result(&mut self, upstream: &str, case: &str) -> Option<Value> {
        let name = format!("{upstream}: {case}");
        let Some(line) = self.by_case.get(&name) else {
            self.wrong.push(format!("{name} is missing"));
            return None;
        };
        if line["raised"].is_null() {
            return Some(line["result"].clone());
        }
        self.wrong.push(format!(
            "{name} raised {}: {}",
            line["raised"][0], line["message"]
        ));
        None
    }

    /// The client must have understood this, and may have understood more.
    fn expect(&mut self, upstream: &str, case: &str, wanted: &Value) {
        let Some(found) = self.result(upstream, case) else {
            return;
        };
        for (key, wanted) in wanted.as_object().unwrap() {
            if found[key] != *wanted {
                let found = &found[key];
                self.wrong.push(format!(
                    "{upstream}: {case}: {key} is {found}, not {wanted}"
                ));
            }
        }
    }

    /// The client must have raised an error of this class, with this status.
    fn expect_raised(&mut self, upstream: &str, case: &str, class: &str, status: u16) {
        let name = format!("{upstream}: {case}");
        let line = self.by_case.get(&name).unwrap_or(&Value::Null);
        let raised = line["raised"].as_array();
        let right = raised.is_some_and(|raised| raised.contains(&json!(class)));
        if !right || line["status"] != status {
            self.wrong
                .push(format!("{name}: not a {class} of {status}: {line}"));
        }
    }

    /// Checks what every client must understand: text, tools, their results, in one piece and as a stream.
    fn expect_answers(&mut self, upstream: &str, prefix: &str, words: &Words) {
        let hello = told(HELLO, words.stop, [11, 12], &[]);
        self.expect(upstream, &format!("{prefix}text"), &hello);
        self.expect(upstream, &format!("{prefix}stream"), &hello);
        if let Some(stream) = self.result(upstream, &format!("{prefix}stream"))
            && stream["pieces"].as_u64().is_some_and(|pieces| pieces < 2)
        {
            self.wrong
                .push(format!("{upstream}: {prefix}stream came in one piece"));
        }
        let tool = told("I will look.", words.tool, [50, 20], &[PARIS]);
        self.expect_if_told(upstream, &format!("{prefix}tool"), &tool);
        self.expect_if_told(upstream, &format!("{prefix}tool stream"), &tool);
        let both = told("", words.tool, [60, 30], &["Paris", "Oslo"]);
        self.expect_if_told(upstream, &format!("{prefix}both"), &both);
        self.expect_if_told(upstream, &format!("{prefix}both stream"), &both);
        let result = told("It has 21 degrees.", words.stop, [70, 6], &[]);
        self.expect_if_told(upstream, &format!("{prefix}result"), &result);
        let long = told("Once upon a", words.length, [12, 3], &[]);
        self.expect_if_told(upstream, &format!("{prefix}long"), &long);
        // Where a script of this kind of client has no tools at all, nothing was proven.
        let cases = ["tool stream", "both stream", "turn stream"];
        let has = |case| {
            self.by_case
                .contains_key(&format!("{upstream}: {prefix}{case}"))
        };
        if !cases.into_iter().any(has) {
            self.wrong
                .push(format!("{upstream}: {prefix}: no case with tools"));
        }
    }

    fn expect_if_told(&mut self, upstream: &str, case: &str, wanted: &Value) {
        if self.by_case.contains_key(&format!("{upstream}: {case}")) {
            self.expect(upstream, case, wanted);
        }
    }

    /// The answer names the model that was asked for, not the provider's.
    fn expect_own_model(&mut self, upstream: &str, cases: &[&str]) {
        for case in cases {
            self.expect(upstream, case, &json!({"model": upstream}));
        }
    }

    fn assert_right(&self) {
        assert!(self.wrong.is_empty(), "\n{}\n", self.wrong.join("\n"));
    }
}

/// An answer as the scripts tell it.
fn told(text: &str, stop: &str, usage: [u64; 2], cities: &[&str]) -> Value {
    let call = |city: &&str| json!({"name": "get_weather", "arguments": {"city": city}});
    let calls: Vec<Value> = cities.iter().map(call).collect();
    json!({"text": text, "stop": stop, "usage": usage, "calls": calls})
}

#[test]
fn the_openai_client_for_python_understands_every_upstream() {
    apart(&["sdks.txt", "aimock.json"], async || {
        let (_double, gateway) = world().await;
        let mut said = Said::in_python("sdks.txt", "openai_crossing.py", &gateway).await;
        for upstream in UPSTREAMS {
            said.expect_answers(upstream, "", &CHAT);
            said.expect_answers(upstream, "responses ", &RESPONSES);
            expect_openai_errors(&mut said, upstream, &["", "responses "]);
            said.expect_own_model(upstream, &["text", "stream", "responses text"]);
            said.expect(
                upstream,
                "schema",
                &json!({"city": "Oslo", "people": 700_000}),
            );
            let thought = json!({"text": "It is 42.", "thought": THOUGHT});
            said.expect(upstream, "thought", &thought);
            if SAYS_FILTERED.contains(&upstream) {
                let filtered = told("It is", "content_filter", [12, 2], &[]);
                said.expect(upstream, "filtered", &filtered);
            }
        }
        said.assert_right();
    });
}

#[test]
fn the_openai_client_for_node_understands_every_upstream() {
    apart(&["sdks.json", "aimock.json"], async || {
        let (_double, gateway) = world().await;
        let mut said = Said::in_node("sdks.json", "openai_crossing.mjs", &gateway).await;
        for upstream in UPSTREAMS {
            said.expect_answers(upstream, "", &CHAT);
            said.expect_answers(upstream, "responses ", &RESPONSES);
            expect_openai_errors(&mut said, upstream, &[""]);
            said.expect_own_model(upstream, &["text", "stream", "responses text"]);
        }
        said.assert_right();
    });
}

fn expect_openai_errors(said: &mut Said, upstream: &str, prefixes: &[&str]) {
    let limited = json!({"class": "RateLimitError", "status": 429, "retry-after": "7"});
    let too_long = json!({
        "class": "BadRequestError",
        "status": 400,
        "code": "context_length_exceeded",
    });
    for prefix in prefixes {
        said.expect(upstream, &format!("{prefix}limited"), &limited);
        said.expect(upstream, &format!("{prefix}too long"), &too_long);
    }
    said.expect(upstream, "limited stream", &limited);
}

#[test]
fn the_anthropic_client_for_python_understands_every_upstream() {
    apart(&["sdks.txt", "aimock.json"], async || {
        let (_double, gateway) = world().await;
        let mut said = Said::in_python("sdks.txt", "anthropic_crossing.py", &gateway).await;
        for upstream in UPSTREAMS {
            expect_messages(&mut said, upstream);
            let thought = json!({"text": "It is 42.", "thought": THOUGHT});
            said.expect(upstream, "thought", &thought);
            // aimock begins a thought of Converse with an event that Bedrock has not.
            if upstream != "converse" {
                said.expect(upstream, "thought stream", &thought);
            }
            if SAYS_FILTERED.contains(&upstream) {
                let filtered = told("It is", "refusal", [12, 2], &[]);
                said.expect(upstream, "filtered", &filtered);
                said.expect(upstream, "filtered stream", &filtered);
            }
        }
        said.assert_right();
    });
}

#[test]
fn the_anthropic_client_for_node_understands_every_upstream() {
    apart(&["sdks.json", "aimock.json"], async || {
        let (_double, gateway) = world().await;
        let mut said = Said::in_node("sdks.json", "anthropic_crossing.mjs", &gateway).await;
        for upstream in UPSTREAMS {
            expect_messages(&mut said, upstream);
        }
        said.assert_right();
    });
}

fn expect_messages(said: &mut Said, upstream: &str) {
    said.expect_answers(upstream, "", &MESSAGES);
    said.expect_own_model(upstream, &["text", "stream"]);
    let order = json!({"order": ["text", "tool_use"]});
    said.expect(upstream, "tool", &order);
    said.expect(upstream, "tool stream", &order);
    let limited = json!({
        "class": "RateLimitError",
        "status": 429,
        "type": "rate_limit_error",
        "retry-after": "7",
    });
    said.expect(upstream, "limited", &limited);
    said.expect(upstream, "limited stream", &limited);
    let too_long = json!({
        "class": "BadRequestError",
        "status": 400,
        "type": "invalid_request_error",
    });
    said.expect(upstream, "too long", &too_long);
    expect_count(said, upstream);
}

/// The double cannot count: the gateway does.
fn expect_count(said: &mut Said, upstream: &str) {
    if let Some(count) = said.result(upstream, "count")
        && count.as_u64().is_none_or(|count| count == 0 || count > 100)
    {
        said.wrong
            .push(format!("{upstream}: count: {count} tokens"));
    }
}

#[test]
fn googles_client_understands_every_upstream() {
    apart(&["google-genai.txt", "aimock.json"], async || {
        let (_double, gateway) = world().await;
        let mut said = Said::in_python("google-genai.txt", "genai_crossing.py", &gateway).await;
        for upstream in UPSTREAMS {
            if upstream == "gemini" {
                // aimock's `FUNCTION_CALL` is no reason that Gemini has, and goes through as it is.
                let hello = told(HELLO, GEMINI.stop, [11, 12], &[]);
                said.expect(upstream, "text", &hello);
                said.expect(upstream, "stream", &hello);
            } else {
                said.expect_answers(upstream, "", &GEMINI);
                said.expect_own_model(upstream, &["text", "stream"]);
            }
            let thought = json!({"text": "It is 42.", "thought": THOUGHT});
            said.expect(upstream, "thought", &thought);
            let limited = json!({"class": "ClientError", "status": 429, "retry-after": "7"});
            said.expect(upstream, "limited", &limited);
            said.expect(upstream, "limited stream", &limited);
            let too_long = json!({"class": "ClientError", "status": 400});
            said.expect(upstream, "too long", &too_long);
            expect_count(&mut said, upstream);
            expect_listed(&mut said, upstream);
        }
        said.assert_right();
    });
}

fn expect_listed(said: &mut Said, upstream: &str) {
    let listed = said.result(upstream, "listed").unwrap_or_default();
    let own = json!(format!("models/{upstream}"));
    if !listed.as_array().is_some_and(|all| all.contains(&own)) {
        said.wrong
            .push(format!("{upstream}: listed: {listed} has no {own}"));
    }
    if let Some(got) = said.result(upstream, "got")
        && got != own
    {
        said.wrong
            .push(format!("{upstream}: got: {got}, not {own}"));
    }
}

#[test]
fn langchain_understands_every_upstream() {
    apart(&["langchain.txt", "aimock.json"], async || {
        let (_double, gateway) = world().await;
        let mut said = Said::in_python("langchain.txt", "langchain_crossing.py", &gateway).await;
        for upstream in UPSTREAMS {
            let kinds = [("chat ", CHAT), ("responses ", RESPONSES)];
            for (prefix, words) in kinds {
                said.expect_answers(upstream, prefix, &words);
                let place = json!({"city": "Oslo", "people": 700_000});
                said.expect(upstream, &format!("{prefix}schema"), &place);
            }
            if upstream == "messages" {
                // aimock's streams say what went in only when they begin, which this adapter does not read.
                let hello = json!({"text": HELLO, "stop": "end_turn"});
                said.expect(upstream, "anthropic stream", &hello);
            } else {
                said.expect_answers(upstream, "anthropic ", &MESSAGES);
            }
            for kind in ["chat", "responses", "anthropic"] {
                let case = format!("{kind} limited");
                said.expect_raised(upstream, &case, "ModelRateLimitError", 429);
                // Its adapters for OpenAI look for words that OpenAI's clients leave out.
                let class = match kind {
                    "anthropic" => "ContextOverflowError",
                    _ => "BadRequestError",
                };
                let case = format!("{kind} too long");
                said.expect_raised(upstream, &case, class, 400);
            }
        }
        said.assert_right();
    });
}

#[test]
fn vercels_ai_sdk_understands_every_upstream() {
    apart(&["ai-sdk.json", "aimock.json"], async || {
        let (_double, gateway) = world().await;
        let mut said = Said::in_node("ai-sdk.json", "ai_crossing.mjs", &gateway).await;
        for upstream in UPSTREAMS {
            for provider in ["responses", "chat", "anthropic", "google"] {
                // aimock's `FUNCTION_CALL` is no reason that Gemini has, and goes through as it is.
                if (upstream, provider) != ("gemini", "google") {
                    said.expect_answers(upstream, &format!("{provider} "), &AI_SDK);
                    let turn = told("It has 21 degrees.", "stop", [120, 26], &[PARIS]);
                    said.expect(upstream, &format!("{provider} turn"), &turn);
                    said.expect(upstream, &format!("{provider} turn stream"), &turn);
                }
                // Its provider for chat completions does not know of thoughts.
                let thought = if provider == "chat" {
                    Value::Null
                } else {
                    json!(THOUGHT)
                };
                let thought = json!({"text": "It is 42.", "thought": thought});
                // aimock begins a thought of Converse with an event that Bedrock has not.
                if upstream != "converse" {
                    said.expect(upstream, &format!("{provider} thought stream"), &thought);
                }
                let place = json!({"city": "Oslo", "people": 700_000});
                said.expect(upstream, &format!("{provider} schema"), &place);
                for case in ["limited", "limited stream"] {
                    let case = format!("{provider} {case}");
                    said.expect_raised(upstream, &case, "APICallError", 429);
                }
            }
            if ["openai", "responses"].contains(&upstream) {
                let turn = told("It has 21 degrees.", "stop", [120, 26], &[PARIS]);
                said.expect(upstream, "kept turn", &turn);
            } else {
                said.expect_raised(upstream, "kept turn", "APICallError", 400);
            }
        }
        said.assert_right();
    });
}

/// What the first tool is asked for: quotation marks and letters beyond ASCII, in fragments.
const PARIS: &str = "Paris, \"la belle\" – Île";
/// Where aimock's word for a filtered answer is the provider's own.
const SAYS_FILTERED: [&str; 2] = ["chat", "gemini"];
const THOUGHT: &str = "Six times seven is wanted, I suppose.";
