//! Agents that people use, headless, through the gateway to a double that we did not write: each reads a file with its own
//! tool, and answers with what the file says.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use end_to_end::agent::Agent;
use end_to_end::command::Done;
use end_to_end::{Double, Gateway, Setup, apart};
use serde_json::{Value, json};

const KEY: &str = "sk-master-of-the-agents";
/// What the file says that an agent is asked about. Nobody can answer without having read it.
const SECRET: &str = "marmalade-42";
/// What the agents ask for, whoever is behind it: a name that Claude Code knows, which says more to others.
const MODEL: &str = "claude-sonnet-4-5";
const PROMPT: &str = "What does notes.txt say?";

/// A double whose model calls this tool when it is asked, and answers when it has seen the secret.
async fn model_that_calls(tool: &str, arguments: Value) -> Double {
    Double::aimock(&json!({"fixtures": [
        {
            "match": {"userMessage": PROMPT, "hasToolResult": false},
            "response": {
                // aimock wants to see it again with the result, as Anthropic does.
                "reasoning": "The notes must be read.",
                "content": "I look.",
                "toolCalls": [{"id": "call_1", "name": tool, "arguments": arguments}],
                "usage": {"input_tokens": 120, "output_tokens": 17},
            },
        },
        {
            "match": {"toolResultContains": SECRET},
            "response": {
                "content": format!("They say {SECRET}."),
                "usage": {"input_tokens": 150, "output_tokens": 9},
            },
        },
    ]}))
    .await
}

/// A gateway whose model is behind a double that speaks this dialect.
async fn gateway(double: &Double, dialect: &str) -> Gateway {
    setup(double, dialect).start().await.with_key(KEY)
}

fn setup(double: &Double, dialect: &str) -> Setup {
    let setup = Setup::new().model(MODEL, &double.deployment(dialect));
    setup.master_key(KEY)
}

fn one_json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:#?}"))
}

fn answer() -> String {
    format!("They say {SECRET}.")
}

/// Runs Claude Code on a model behind this dialect.
fn claude_code_reads_a_file(dialect: &str) {
    apart(&["claude-code.json", "aimock.json"], async || {
        let double = model_that_calls("Read", json!({"file_path": "notes.txt"})).await;
        let gateway = gateway(&double, dialect).await;
        let agent = Agent::claude_code(&gateway, KEY, MODEL, "Read");
        let done = agent.file("notes.txt", SECRET).run(PROMPT).await;
        let said = one_json(&done);
        assert_eq!(said["is_error"], false, "{said:#}");
        assert_eq!(said["result"], answer(), "{said:#}");
        assert_eq!(said["stop_reason"], "end_turn", "{said:#}");
        assert_eq!(said["num_turns"], 2, "{said:#}");
        let used = &said["modelUsage"][MODEL];
        assert_eq!(used["inputTokens"], 270, "{said:#}");
        assert_eq!(used["outputTokens"], 26, "{said:#}");
        assert_eq!(said["permission_denials"], json!([]), "{said:#}");
    });
}

#[test]
fn claude_code_reads_a_file_with_an_anthropic_upstream() {
    claude_code_reads_a_file("messages");
}

#[test]
fn claude_code_reads_a_file_with_an_openai_upstream() {
    claude_code_reads_a_file("chat");
}

#[test]
fn claude_code_reads_a_file_with_a_gemini_upstream() {
    claude_code_reads_a_file("gemini");
}

#[test]
fn claude_code_reads_a_file_with_a_bedrock_upstream() {
    claude_code_reads_a_file("converse");
}

/// A longer turn on a model behind this dialect: a file that is not there, then two at once that are.
fn claude_code_goes_on_after_a_failure(dialect: &str) {
    let call = |id: &str, tool: &str, arguments: Value| json!({"id": id, "name": tool, "arguments": arguments});
    let fixtures = json!({"fixtures": [
        {
            "match": {"toolResultContains": SECRET},
            "response": {"content": answer()},
        },
        {
            "match": {"toolResultContains": "not exist"},
            "response": {
                "reasoning": "It must be another one.",
                "toolCalls": [
                    call("call_2", "Read", json!({"file_path": "copy.txt"})),
                    call("call_3", "Read", json!({"file_path": "notes.txt"})),
                ],
            },
        },
        {
            "match": {"userMessage": PROMPT, "hasToolResult": false},
            "response": {
                "reasoning": "The notes must be read.",
                "toolCalls": [call("call_1", "Read", json!({"file_path": "gone.txt"}))],
            },
        },
    ]});
    apart(&["claude-code.json", "aimock.json"], async || {
        let double = Double::aimock(&fixtures).await;
        let gateway = gateway(&double, dialect).await;
        let agent = Agent::claude_code(&gateway, KEY, MODEL, "Read");
        // The double sees the last result only, and that may be either of them.
        let agent = agent.file("notes.txt", SECRET).file("copy.txt", SECRET);
        let done = agent.run(PROMPT).await;
        let said = one_json(&done);
        assert_eq!(said["is_error"], false, "{said:#}");
        assert_eq!(said["result"], answer(), "{said:#}");
        assert_eq!(double.journal().await.len(), 3, "{said:#}");
    });
}

#[test]
fn claude_code_goes_on_after_a_failure_with_an_anthropic_upstream() {
    claude_code_goes_on_after_a_failure("messages");
}

#[test]
fn claude_code_goes_on_after_a_failure_with_an_openai_upstream() {
    claude_code_goes_on_after_a_failure("chat");
}

/// An agent must hear that its conversation is too long, in whatever words the provider has said so: it shortens it then.
#[test]
fn claude_code_knows_that_its_prompt_is_too_long_for_an_openai_upstream() {
    let fixtures = json!({"fixtures": [{
        "match": {"userMessage": PROMPT},
        "response": {
            "status": 400,
            "error": {
                "message": "This model's maximum context length is 128000 tokens.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            },
        },
    }]});
    apart(&["claude-code.json", "aimock.json"], async || {
        let double = Double::aimock(&fixtures).await;
        let gateway = gateway(&double, "chat").await;
        let agent = Agent::claude_code(&gateway, KEY, MODEL, "Read");
        let said = one_json(&agent.run(PROMPT).await);
        assert_eq!(said["is_error"], true, "{said:#}");
        assert_eq!(said["api_error_status"], 400, "{said:#}");
        // Its own words for it, not the provider's.
        let result = said["result"].as_str().unwrap();
        assert!(result.starts_with("Prompt is too long"), "{said:#}");
    });
}

/// Runs Codex CLI on a model behind this dialect.
fn codex_reads_a_file(dialect: &str) {
    apart(&["codex.json", "aimock.json"], async || {
        let double = model_that_calls("exec_command", json!({"cmd": "cat notes.txt"})).await;
        let gateway = gateway(&double, dialect).await;
        let agent = Agent::codex(&gateway, KEY, MODEL);
        let done = agent.file("notes.txt", SECRET).run(PROMPT).await;
        assert_eq!(done.code, Some(0), "{done:#?}");
        let events = done.stdout.lines().map(serde_json::from_str);
        let events: Vec<Value> = events.collect::<Result<_, _>>().expect("JSON lines");
        let items: Vec<&Value> = events
            .iter()
            .filter(|event| event["type"] == "item.completed")
            .map(|event| &event["item"])
            .collect();
        let of = |kind: &str| items.iter().rfind(|item| item["type"] == kind);
        let ran = of("command_execution").unwrap_or_else(|| panic!("{events:#?}"));
        assert_eq!(ran["aggregated_output"], SECRET, "{events:#?}");
        assert_eq!(ran["exit_code"], 0, "{events:#?}");
        let said = of("agent_message").unwrap_or_else(|| panic!("{events:#?}"));
        assert_eq!(said["text"], answer(), "{events:#?}");
        let last = events.last().unwrap();
        assert_eq!(last["type"], "turn.completed", "{events:#?}");
        assert_eq!(last["usage"]["input_tokens"], 270, "{events:#?}");
        assert_eq!(last["usage"]["output_tokens"], 26, "{events:#?}");
    });
}

#[test]
fn codex_reads_a_file_with_an_upstream_of_responses() {
    codex_reads_a_file("responses");
}

#[test]
fn codex_reads_a_file_with_an_upstream_of_chat_completions() {
    codex_reads_a_file("chat");
}

#[test]
fn codex_reads_a_file_with_an_anthropic_upstream() {
    codex_reads_a_file("messages");
}

#[test]
fn codex_reads_a_file_with_a_gemini_upstream() {
    codex_reads_a_file("gemini");
}

/// Runs Gemini CLI on a model behind this dialect.
fn gemini_cli_reads_a_file(dialect: &str) {
    apart(&["gemini-cli.json", "aimock.json"], async || {
        let double = model_that_calls("read_file", json!({"file_path": "notes.txt"})).await;
        // It chooses a temperature, `topP` and `topK` by itself, and not every provider has all of them.
        let setup = setup(&double, dialect).set("litellm_settings.drop_params", json!(true));
        let gateway = setup.start().await.with_key(KEY);
        let agent = Agent::gemini_cli(&gateway, KEY, MODEL);
        let done = agent.file("notes.txt", SECRET).run(PROMPT).await;
        let said = one_json(&done);
        assert_eq!(said["response"], answer(), "{done:#?}");
        let stats = &said["stats"];
        assert_eq!(stats["tools"]["totalSuccess"], 1, "{done:#?}");
        assert_eq!(stats["models"][MODEL]["api"]["totalErrors"], 0, "{done:#?}");
        let tokens = &stats["models"][MODEL]["tokens"];
        assert_eq!(tokens["prompt"], 270, "{done:#?}");
        assert_eq!(tokens["candidates"], 26, "{done:#?}");
    });
}

#[test]
fn gemini_cli_reads_a_file_with_a_gemini_upstream() {
    gemini_cli_reads_a_file("gemini");
}

#[test]
fn gemini_cli_reads_a_file_with_an_openai_upstream() {
    gemini_cli_reads_a_file("chat");
}

#[test]
fn gemini_cli_reads_a_file_with_an_anthropic_upstream() {
    gemini_cli_reads_a_file("messages");
}
