//! Anthropic's messages, as events, or each in a chunk of Bedrock's.

use gateway_core::Dialect;
use gateway_providers::Framing;
use serde_json::{Value, json};

use super::frames::{chunk, frame};
use super::{Fate, HALF, MORE, ODD, OTHER_HALF, Step, Story, step, typed};

pub(in super::super) fn stories(framing: Framing) -> Vec<Story> {
    let teller = Teller { framing };
    vec![
        teller.turn(),
        teller.half_call(),
        teller.error(),
        teller.half_object(),
    ]
}

/// Knows how the events come.
#[derive(Clone, Copy)]
struct Teller {
    framing: Framing,
}

impl Teller {
    fn turn(self) -> Story {
        let thinking = json!({"type": "thinking", "thinking": "", "signature": ""});
        let steps = vec![
            self.begin(),
            self.open(0, &thinking),
            self.event(&json!({"type": "ping"})),
            self.delta(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
            self.delta(0, &json!({"type": "signature_delta", "signature": "c2ln"})),
            self.close(0),
            self.open(1, &json!({"type": "text", "text": ""})),
            self.text(1, ODD),
            self.event(&json!({"type": "something_new", "x": 1})),
            self.text(1, MORE),
            self.close(1),
            self.call(2),
            self.input(2, ""),
            self.input(2, HALF),
            self.input(2, OTHER_HALF),
            self.close(2),
            self.finish("tool_use"),
            self.stop(),
        ];
        self.story("a turn with thoughts and a call", Fate::Whole, steps)
    }

    fn half_call(self) -> Story {
        let steps = vec![
            self.begin(),
            self.call(0),
            self.input(0, HALF),
            self.close(0),
            self.finish("max_tokens"),
            self.stop(),
        ];
        self.story("arguments cut by the provider", Fate::Whole, steps)
    }

    fn error(self) -> Story {
        let error = json!({"type": "overloaded_error", "message": "Overloaded"});
        let steps = vec![
            self.begin(),
            self.open(0, &json!({"type": "text", "text": ""})),
            self.text(0, MORE),
            self.event(&json!({"type": "error", "error": error})),
            self.stop(),
        ];
        self.story("an error", Fate::Fails, steps)
    }

    fn half_object(self) -> Story {
        let half = match self.framing {
            Framing::AwsInvoke => step(frame("chunk", "{\"bytes\":\"e30")),
            _ => step(
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"cut\n\n",
            ),
        };
        let steps = vec![
            self.begin(),
            self.open(0, &json!({"type": "text", "text": ""})),
            self.text(0, MORE),
            half,
            self.delta(0, &json!({"type": "text_delta", "text": "BEHIND"})),
            self.close(0),
            self.finish("end_turn"),
            self.stop(),
        ];
        self.story("half an object", Fate::Fails, steps)
    }

    fn story(self, name: &'static str, end: Fate, steps: Vec<Step>) -> Story {
        Story {
            name,
            back: Dialect::AnthropicMessages,
            framing: self.framing,
            steps,
            end,
        }
    }

    fn event(self, data: &Value) -> Step {
        match self.framing {
            Framing::AwsInvoke => step(chunk(data)),
            _ => typed(data),
        }
    }

    fn begin(self) -> Step {
        let usage = json!({"input_tokens": 3, "output_tokens": 1});
        let message = json!({"id": "msg_1", "role": "assistant", "content": [], "usage": usage});
        self.event(&json!({"type": "message_start", "message": message}))
    }

    fn open(self, index: u32, block: &Value) -> Step {
        self.event(&json!({"type": "content_block_start", "index": index, "content_block": block}))
    }

    fn call(self, index: u32) -> Step {
        let block = json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}});
        self.open(index, &block)
    }

    fn delta(self, index: u32, delta: &Value) -> Step {
        self.event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
    }

    fn text(self, index: u32, text: &'static str) -> Step {
        self.delta(index, &json!({"type": "text_delta", "text": text}))
            .says(text)
    }

    fn input(self, index: u32, input: &'static str) -> Step {
        self.delta(
            index,
            &json!({"type": "input_json_delta", "partial_json": input}),
        )
        .calls(input)
    }

    fn close(self, index: u32) -> Step {
        self.event(&json!({"type": "content_block_stop", "index": index}))
    }

    fn finish(self, reason: &str) -> Step {
        let delta = json!({"stop_reason": reason, "stop_sequence": null});
        let usage = json!({"output_tokens": 4});
        self.event(&json!({"type": "message_delta", "delta": delta, "usage": usage}))
    }

    fn stop(self) -> Step {
        self.event(&json!({"type": "message_stop"}))
    }
}
