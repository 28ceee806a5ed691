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

/// A gateway whose model `m` is this deployment.
async fn gateway(params: Value) -> Gateway {
    let setup = Setup::new().model("m", &params).master_key(KEY);
    setup.start().await.with_key(KEY)
}

fn anthropic(double: &Double) -> Value {
    json!({"model": "anthropic/claude-sonnet-4-5", "api_base": double.url(), "api_key": "sk-provider"})
}

/// Runs Claude Code and gives the JSON that it prints.
async fn claude_code(gateway: &Gateway) -> Value {
    let agent = Agent::claude_code(gateway, KEY, "m", "Read");
    let done = agent.file("notes.txt", SECRET).run(PROMPT).await;
    one_json(&done)
}

fn one_json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:#?}"))
}

fn assert_claude_code_is_done(said: &Value) {
    assert_eq!(said["is_error"], false, "{said:#}");
    assert_eq!(said["result"], format!("They say {SECRET}."), "{said:#}");
    assert_eq!(said["stop_reason"], "end_turn", "{said:#}");
    assert_eq!(said["num_turns"], 2, "{said:#}");
    assert_eq!(said["usage"]["input_tokens"], 270, "{said:#}");
    assert_eq!(said["usage"]["output_tokens"], 26, "{said:#}");
}

#[test]
fn claude_code_reads_a_file_with_an_anthropic_upstream() {
    apart(&["claude-code.json", "aimock.json"], async || {
        let double = model_that_calls("Read", json!({"file_path": "notes.txt"})).await;
        let gateway = gateway(anthropic(&double)).await;
        assert_claude_code_is_done(&claude_code(&gateway).await);
    });
}
