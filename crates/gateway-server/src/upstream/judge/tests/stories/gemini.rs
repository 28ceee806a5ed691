//! Google's.

use gateway_core::Dialect;
use gateway_providers::Framing;
use serde_json::{Value, json};

use super::{BOTH, Fate, MORE, ODD, Step, Story, data, step};

pub(in super::super) fn stories() -> Vec<Story> {
    let error = json!({"code": 503, "message": "overloaded", "status": "UNAVAILABLE"});
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}});
    vec![
        turn(),
        story("a blocked prompt", Fate::Whole, vec![data(&blocked)]),
        story("no finish reason", Fate::Fails, vec![text(ODD), text(MORE)]),
        story(
            "an error",
            Fate::Fails,
            vec![text(MORE), data(&json!({"error": error})), last()],
        ),
        half_object(),
    ]
}

fn turn() -> Story {
    let call = json!({"id": "c1", "name": "weather", "args": {"city": "Paris"}});
    let steps = vec![
        parts(&json!([{"text": "hm", "thought": true}])),
        text(ODD),
        data(&json!({"x": 1, "modelVersion": "up"})),
        text(MORE),
        parts(&json!([{"functionCall": call, "thoughtSignature": "c2ln"}])).calls(BOTH),
        last(),
    ];
    story("a turn with thoughts and a call", Fate::Whole, steps)
}

fn half_object() -> Story {
    let steps = vec![
        text(MORE),
        step("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"cut\n\n"),
        parts(&json!([{"text": "BEHIND"}])),
        last(),
    ];
    story("half an object", Fate::Fails, steps)
}

fn story(name: &'static str, end: Fate, steps: Vec<Step>) -> Story {
    Story {
        name,
        back: Dialect::Gemini,
        framing: Framing::EventStream,
        steps,
        end,
    }
}

fn parts(parts: &Value) -> Step {
    let content = json!({"parts": parts, "role": "model"});
    data(&json!({"candidates": [{"content": content, "index": 0}], "responseId": "r1"}))
}

fn text(text: &'static str) -> Step {
    parts(&json!([{"text": text}])).says(text)
}

fn last() -> Step {
    let content = json!({"parts": [{"text": ""}], "role": "model"});
    let usage = json!({"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7});
    let candidate = json!({"content": content, "index": 0, "finishReason": "STOP"});
    data(&json!({"candidates": [candidate], "responseId": "r1", "usageMetadata": usage}))
}
