//! Bedrock's ConverseStream.

use gateway_core::Dialect;
use gateway_providers::Framing;
use serde_json::{Value, json};

use super::frames::{frame, framed};
use super::{Fate, HALF, MORE, ODD, OTHER_HALF, Step, Story, step};

pub(in super::super) fn stories() -> Vec<Story> {
    let mut spoiled = frame("contentBlockDelta", "{}");
    let last = spoiled.len() - 1;
    spoiled[last] ^= 1;
    let mut endless = vec![0; 16];
    endless[0] = 0x80;
    let exception = [
        (":exception-type", "throttlingException"),
        (":message-type", "exception"),
    ];
    let exception = framed(&exception, "{\"message\":\"Too many tokens\"}");
    let half = frame(
        "contentBlockDelta",
        "{\"contentBlockIndex\":0,\"delta\":{\"te",
    );
    vec![
        turn(),
        half_call(),
        failing("an exception", exception),
        failing("a wrong checksum", spoiled),
        failing("a frame without length", vec![0; 16]),
        failing("a frame without end", endless),
        failing("half an object", half),
    ]
}

fn turn() -> Story {
    let steps = vec![
        begin(),
        delta(0, &json!({"reasoningContent": {"text": "hm"}})),
        delta(0, &json!({"reasoningContent": {"signature": "c2ln"}})),
        close(0),
        text(1, ODD),
        event("somethingNew", &json!({"x": 1})),
        text(1, MORE),
        close(1),
        call(2),
        input(2, ""),
        input(2, HALF),
        input(2, OTHER_HALF),
        close(2),
        stop("tool_use"),
        metadata(),
    ];
    story("a turn with thoughts and a call", Fate::Whole, steps)
}

fn half_call() -> Story {
    let steps = vec![
        begin(),
        call(0),
        input(0, HALF),
        close(0),
        stop("max_tokens"),
        metadata(),
    ];
    story("arguments cut by the provider", Fate::Whole, steps)
}

/// Something is said, then comes this, then what nobody must hear.
fn failing(name: &'static str, bytes: Vec<u8>) -> Story {
    let behind = delta(0, &json!({"text": "BEHIND"}));
    let steps = vec![
        begin(),
        text(0, MORE),
        step(bytes),
        behind,
        stop("end_turn"),
        metadata(),
    ];
    story(name, Fate::Fails, steps)
}

fn story(name: &'static str, end: Fate, steps: Vec<Step>) -> Story {
    Story {
        name,
        back: Dialect::BedrockConverse,
        framing: Framing::AwsConverse,
        steps,
        end,
    }
}

fn event(name: &str, data: &Value) -> Step {
    step(frame(name, &data.to_string()))
}

fn begin() -> Step {
    event("messageStart", &json!({"role": "assistant"}))
}

fn delta(index: u32, delta: &Value) -> Step {
    let data = json!({"contentBlockIndex": index, "delta": delta, "p": "a"});
    event("contentBlockDelta", &data)
}

fn text(index: u32, text: &'static str) -> Step {
    delta(index, &json!({"text": text})).says(text)
}

fn call(index: u32) -> Step {
    let start = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}});
    event(
        "contentBlockStart",
        &json!({"contentBlockIndex": index, "start": start}),
    )
}

fn input(index: u32, input: &'static str) -> Step {
    delta(index, &json!({"toolUse": {"input": input}})).calls(input)
}

fn close(index: u32) -> Step {
    event("contentBlockStop", &json!({"contentBlockIndex": index}))
}

fn stop(reason: &str) -> Step {
    event("messageStop", &json!({"stopReason": reason}))
}

fn metadata() -> Step {
    let usage = json!({"inputTokens": 3, "outputTokens": 4, "totalTokens": 7});
    event("metadata", &json!({"usage": usage}))
}
