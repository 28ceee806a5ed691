//! OpenAI's chat.

use gateway_core::Dialect;
use gateway_providers::Framing;
use serde_json::{Value, json};

use super::{Fate, HALF, MORE, ODD, OTHER_HALF, Step, Story, data, step};

pub(in super::super) fn stories() -> Vec<Story> {
    vec![turn(), unmarked(), half_call(), error(), half_object()]
}

fn turn() -> Story {
    let thought = chunk(&json!({"reasoning_content": "hm"}), &Value::Null);
    let two_lines = step(
        "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\" and on\"},\"finish_reason\":null}]}\n\n",
    );
    let steps = vec![
        step(": OPENROUTER PROCESSING\n\n"),
        begin(),
        thought,
        text(ODD),
        two_lines.says(MORE),
        call(0, ""),
        more(HALF),
        more(OTHER_HALF),
        call(1, "{}"),
        finish("tool_calls"),
        usage(),
        done(),
    ];
    story("a turn with two calls", Fate::Whole, steps)
}

fn unmarked() -> Story {
    let unknown = data(&json!({"object": "something.new", "choices": [], "x": 1}));
    let steps = vec![begin(), text(ODD), finish("stop"), unknown];
    story("without a marker", Fate::Whole, steps)
}

fn half_call() -> Story {
    let steps = vec![
        begin(),
        call(0, ""),
        more(HALF),
        finish("length"),
        usage(),
        done(),
    ];
    story("arguments cut by the provider", Fate::Whole, steps)
}

fn error() -> Story {
    let error = data(&json!({"error": {"message": "overloaded", "type": "server_error"}}));
    story(
        "an error",
        Fate::Fails,
        vec![begin(), text(MORE), error, done()],
    )
}

fn half_object() -> Story {
    let steps = vec![
        begin(),
        text(MORE),
        step("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"cut\n\n"),
        chunk(&json!({"content": "BEHIND"}), &Value::Null),
        finish("stop"),
        done(),
    ];
    story("half an object", Fate::Fails, steps)
}

fn story(name: &'static str, end: Fate, steps: Vec<Step>) -> Story {
    Story {
        name,
        back: Dialect::OpenAiChat,
        framing: Framing::EventStream,
        steps,
        end,
    }
}

fn chunk(delta: &Value, finish: &Value) -> Step {
    let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    data(&json!({"id": "chatcmpl-1", "choices": choices}))
}

fn begin() -> Step {
    chunk(&json!({"role": "assistant", "content": ""}), &Value::Null)
}

fn text(text: &'static str) -> Step {
    chunk(&json!({"content": text}), &Value::Null).says(text)
}

fn call(index: u32, arguments: &'static str) -> Step {
    let function = json!({"name": "weather", "arguments": arguments});
    let id = format!("call_{index}");
    let call = json!([{"index": index, "id": id, "type": "function", "function": function}]);
    chunk(&json!({"tool_calls": call}), &Value::Null).calls(arguments)
}

fn more(arguments: &'static str) -> Step {
    let call = json!([{"index": 0, "function": {"arguments": arguments}}]);
    chunk(&json!({"tool_calls": call}), &Value::Null).calls(arguments)
}

fn finish(reason: &str) -> Step {
    chunk(&json!({}), &json!(reason))
}

fn usage() -> Step {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7});
    data(&json!({"id": "chatcmpl-1", "choices": [], "usage": usage}))
}

fn done() -> Step {
    step("data: [DONE]\n\n")
}
