//! Faults that only one provider can have, because of the form of its answers: frames of Bedrock's, answers of Google's
//! that are none, tool calls that stop inside of their arguments.

use bytes::Bytes;
use gateway_testkit::dialect::bedrock::{self, content, error, exception, refusal, spoiled};
use gateway_testkit::dialect::{Knobs, anthropic, event, gemini, named_event};
use gateway_testkit::fault::At::{self, AfterFirstEvent, BeforeFirstEvent, Plain};
use gateway_testkit::script::{ResponseHead, Script};
use serde_json::json;

use crate::case::Provider::{self, Anthropic, Bedrock, Copy, Gemini};
use crate::table::SAID;
use crate::table::Want::{self, Again, Broken, HalfCall, Not, Refused, Served};

/// A provider, what it does, what follows in a plain answer, before the first content of a stream, and after it.
pub(crate) type Row = (Provider, &'static str, [Want; 3], fn(Begun) -> Script);

/// An answer that has begun, up to the moment of its fault.
pub(crate) struct Begun {
    at: At,
    script: Script,
    /// What a good answer would go on with.
    rest: Vec<Bytes>,
}

/// Of the table's columns.
pub(crate) const MOMENTS: [At; 3] = [Plain, BeforeFirstEvent, AfterFirstEvent];

/// What is said of a tool call's arguments, cut inside of a string.
pub(crate) const HALF: &str = "{\"city\": \"Par";

/// Not before anything, or with one error event after it.
const MALFORMED: [Want; 3] = [Not, Again(502, "malformed"), Broken("malformed")];
const TRUNCATED: [Want; 3] = [Not, Again(502, "truncated"), Broken("truncated")];
const OVERLOADED: [Want; 3] = [Not, Again(503, SAID), Broken(SAID)];
const FINE: [Want; 3] = [Not, Served, Served];

#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    // Row 46.
    (Bedrock, "prelude-checksum", MALFORMED, |begun| begun.then(flipped(9))),
    (Bedrock, "message-checksum", MALFORMED, |begun| begun.then(spoiled(&content("BAD")))),
    (Bedrock, "length-0", MALFORMED, |begun| begun.then(Bytes::from_static(&[0; 16]))),
    (Bedrock, "length-2-to-the-31", MALFORMED, |begun| begun.then(endless())),
    (Bedrock, "headers-longer-than-the-frame", MALFORMED, |begun| begun.then(flipped(4))),
    (Bedrock, "half-a-frame", TRUNCATED, |begun| begun.script.bytes(content("BAD").slice(..40)).end()),
    (Bedrock, "no-message-stop", TRUNCATED, |begun| begun.script.end()),
    (Bedrock, "throttling-exception", [Not, Again(429, SAID), Broken(SAID)],
        |begun| begun.then(exception("throttlingException", "Too many tokens"))),
    (Bedrock, "unavailable-exception", OVERLOADED,
        |begun| begun.then(exception("serviceUnavailableException", "Not now"))),
    (Bedrock, "error-frame", [Not, Again(500, SAID), Broken(SAID)],
        |begun| begun.then(error("InternalFailure", "It broke"))),
    (Bedrock, "bad-json-in-a-frame", MALFORMED, |begun| begun.then(bedrock::event("contentBlockDelta", &json!("{")))),
    (Bedrock, "events-as-text", [Not, Again(502, "malformed"), Not],
        |_| Script::events([event(&json!({"contentBlockIndex": 0, "delta": {"text": "BAD"}}))])),
    (Bedrock, "unknown-frame-type", FINE, |begun| begun.then(bedrock::event("somethingNew", &json!({"x": 1})))),
    (Bedrock, "one-byte-at-a-time", [Not, Served, Not], |begun| {
        let bytes: Vec<u8> = begun.rest.concat();
        bytes.chunks(1).fold(begun.script, |script, byte| script.bytes(byte.to_vec())).end()
    }),
    (Bedrock, "throttled", [Again(429, SAID), Again(429, SAID), Not],
        |_| refusal(429, "ThrottlingException", "Too many requests")),
    // Row 47.
    (Gemini, "array-for-a-stream", [Not, Again(502, "malformed"), Not],
        |_| Script::answer(200, "application/json", json!([gemini::answer_body(&Knobs::default())]).to_string())),
    (Gemini, "array-for-an-answer", [Again(502, "malformed"), Not, Not],
        |_| Script::answer(200, "application/json", json!([gemini::answer_body(&Knobs::default())]).to_string())),
    (Gemini, "blocked-prompt", [Refused, Refused, Not], |begun| match begun.at {
        Plain => Script::json(200, &gemini::blocked_body()),
        _ => Script::events([event(&gemini::blocked_body())]),
    }),
    (Gemini, "no-finish-reason", [Not, Not, Broken("truncated")], |begun| {
        let contents = begun.rest.len() - 1;
        begun.script.all(begun.rest.into_iter().take(contents)).end()
    }),
    (Gemini, "finish-reason-then-reset", [Not, Not, Broken("truncated")],
        |begun| begun.script.all(begun.rest).sleep(std::time::Duration::from_millis(20)).reset()),
    (Gemini, "error-event", OVERLOADED, |begun| begun.then(gemini::error_event(503, "Not now"))),
    (Gemini, "error-that-is-no-event", OVERLOADED,
        |begun| begun.then(format!("{}\n\n", gemini::error_body(503, "Not now")).into())),
    (Gemini, "bad-json", MALFORMED, |begun| begun.then(Bytes::from_static(b"data: {\"candidates\":[{\n\n"))),
    (Gemini, "unknown-fields", FINE, |begun| begun.then(event(&json!({"somethingNew": {"x": 1}})))),
    // Row 49.
    (Copy, "half-arguments", [Not, Not, HalfCall("truncated")], |_| {
        let call = json!([{"index": 0, "id": "call_1", "type": "function",
            "function": {"name": "weather", "arguments": HALF}}]);
        let chunk = json!({"choices": [{"index": 0, "delta": {"tool_calls": call}, "finish_reason": null}]});
        Script::events([event(&chunk)])
    }),
    (Anthropic, "half-arguments", [Not, Not, HalfCall("truncated")], |_| {
        let start = anthropic::message_stream("double", &Knobs::default()).next();
        let block = json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}});
        let open = json!({"type": "content_block_start", "index": 0, "content_block": block});
        let delta = json!({"type": "input_json_delta", "partial_json": HALF});
        let input = json!({"type": "content_block_delta", "index": 0, "delta": delta});
        let events = [named_event("content_block_start", &open), named_event("content_block_delta", &input)];
        Script::events(start.into_iter().chain(events))
    }),
    (Bedrock, "half-arguments", [Not, Not, HalfCall("truncated")], |_| {
        let start = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}});
        let delta = json!({"toolUse": {"input": HALF}});
        let events = [
            bedrock::event("messageStart", &json!({"role": "assistant"})),
            bedrock::event("contentBlockStart", &json!({"contentBlockIndex": 0, "start": start})),
            bedrock::event("contentBlockDelta", &json!({"contentBlockIndex": 0, "delta": delta})),
        ];
        Script::new().head(bedrock::stream_head()).all(events).end()
    }),
];

impl Begun {
    /// The answer of a provider, which has said nothing yet, or two of five contents.
    pub(crate) fn by(provider: Provider, at: At) -> Self {
        let knobs = Knobs::default();
        let (head, mut events, begun): (_, Vec<Bytes>, _) = match provider {
            Bedrock => (
                bedrock::stream_head(),
                bedrock::converse_stream(&knobs).collect(),
                3,
            ),
            Gemini => (ResponseHead::sse(), gemini::stream(&knobs).collect(), 2),
            // Their rows are about answers of their own.
            _ => (ResponseHead::sse(), Vec::new(), 0),
        };
        let begun = if at == AfterFirstEvent { begun } else { 0 };
        let rest = events.split_off(begun);
        Self {
            at,
            script: Script::new().head(head).all(events),
            rest,
        }
    }

    /// This, and then what would have come otherwise.
    fn then(self, bytes: Bytes) -> Script {
        self.script.bytes(bytes).all(self.rest).end()
    }
}

/// A content of Bedrock's with one bit of one byte flipped.
fn flipped(at: usize) -> Bytes {
    let mut frame = content("BAD").to_vec();
    frame[at] ^= 1;
    frame.into()
}

/// A prelude that promises 2 GiB, with a checksum that is right.
fn endless() -> Bytes {
    let mut frame = content("BAD").to_vec();
    frame[0] = 0x80;
    frame.into()
}
