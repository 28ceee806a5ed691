//! OpenAI's responses.

use gateway_core::Dialect;
use gateway_providers::Framing;
use serde_json::{Value, json};

use super::{BOTH, Fate, HALF, MORE, ODD, OTHER_HALF, Step, Story, step, typed};

pub(in super::super) fn stories() -> Vec<Story> {
    vec![turn(), half_call(), failure(), half_object()]
}

fn turn() -> Story {
    let whole = format!("{ODD}{MORE}");
    let content = json!([{"type": "output_text", "text": whole, "annotations": []}]);
    let steps = vec![
        begin(),
        open(),
        part("response.content_part.added", ""),
        text(ODD),
        typed(&json!({"type": "response.something_new", "x": 1})),
        text(MORE),
        part("response.content_part.done", &whole),
        item("done", 0, &message("completed", &content)),
        item("added", 1, &call(1, "in_progress", "")),
        input(1, HALF),
        input(1, OTHER_HALF),
        whole_input(1, BOTH),
        item("done", 1, &call(1, "completed", BOTH)),
        response("response.completed", "completed", &json!({})),
    ];
    story("a turn with a call", Fate::Whole, steps)
}

fn half_call() -> Story {
    let reason = json!({"incomplete_details": {"reason": "max_output_tokens"}});
    let steps = vec![
        begin(),
        item("added", 0, &call(0, "in_progress", "")),
        input(0, HALF),
        whole_input(0, HALF),
        item("done", 0, &call(0, "incomplete", HALF)),
        response("response.incomplete", "incomplete", &reason),
    ];
    story("arguments cut by the provider", Fate::Whole, steps)
}

fn failure() -> Story {
    let error = json!({"error": {"code": "server_error", "message": "it broke"}});
    let steps = vec![
        begin(),
        open(),
        text(MORE),
        response("response.failed", "failed", &error),
        response("response.completed", "completed", &json!({})),
    ];
    story("a failure", Fate::Fails, steps)
}

fn half_object() -> Story {
    let steps = vec![
        begin(),
        open(),
        text(MORE),
        step(
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"cut\n\n",
        ),
        said("BEHIND"),
        response("response.completed", "completed", &json!({})),
    ];
    story("half an object", Fate::Fails, steps)
}

fn story(name: &'static str, end: Fate, steps: Vec<Step>) -> Story {
    Story {
        name,
        back: Dialect::OpenAiResponses,
        framing: Framing::EventStream,
        steps,
        end,
    }
}

/// An event that holds the whole response, with `more` in it.
fn response(kind: &str, status: &str, more: &Value) -> Step {
    let usage = json!({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7});
    let mut response = json!({"id": "resp_1", "status": status, "output": [], "usage": usage});
    for (key, value) in more.as_object().unwrap() {
        response[key] = value.clone();
    }
    typed(&json!({"type": kind, "response": response}))
}

fn begin() -> Step {
    response("response.created", "in_progress", &json!({"usage": null}))
}

fn item(what: &str, index: u32, item: &Value) -> Step {
    let kind = format!("response.output_item.{what}");
    typed(&json!({"type": kind, "output_index": index, "item": item}))
}

fn message(status: &str, content: &Value) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content})
}

fn open() -> Step {
    item("added", 0, &message("in_progress", &json!([])))
}

fn part(kind: &str, text: &str) -> Step {
    let part = json!({"type": "output_text", "text": text, "annotations": []});
    typed(&json!({"type": kind, "output_index": 0, "content_index": 0, "part": part}))
}

fn said(text: &str) -> Step {
    typed(
        &json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}),
    )
}

fn text(text: &'static str) -> Step {
    said(text).says(text)
}

fn call(index: u32, status: &str, arguments: &str) -> Value {
    let id = format!("call_{index}");
    json!({"id": "fc_1", "type": "function_call", "status": status, "call_id": id, "name": "weather",
        "arguments": arguments})
}

fn input(index: u32, input: &'static str) -> Step {
    let kind = "response.function_call_arguments.delta";
    typed(&json!({"type": kind, "output_index": index, "delta": input})).calls(input)
}

fn whole_input(index: u32, input: &str) -> Step {
    let kind = "response.function_call_arguments.done";
    typed(&json!({"type": kind, "output_index": index, "arguments": input}))
}
