//! The same answers as Anthropic's messages: as many events, with the same texts.

use super::EVENTS;

/// One JSON body.
pub(super) const MESSAGE: &str = concat!(
    r#"{"id":"msg_01BenchA1b2C3d4E5f6G7h8","type":"message","role":"assistant","model":"upstream-plain","#,
    r#""content":[{"type":"text","text":"Transport layer. Compare the seconds of the failures with the "#,
    r#"pool's rotation times; if a counter of connections closed while in use moves at those seconds, that "#,
    r#"is the proof."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":118,"#,
    r#""cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":39}}"#
);

/// One event of a stream.
pub(super) fn event(index: usize) -> String {
    const STOP: usize = EVENTS - 3;
    const DELTA: usize = EVENTS - 2;
    const LAST: usize = EVENTS - 1;
    let (name, rest) = match index {
        0 => ("message_start", START.to_owned()),
        1 => (
            "content_block_start",
            r#","index":0,"content_block":{"type":"text","text":""}"#.to_owned(),
        ),
        STOP => ("content_block_stop", r#","index":0"#.to_owned()),
        DELTA => ("message_delta", END.to_owned()),
        LAST => ("message_stop", String::new()),
        _ => (
            "content_block_delta",
            format!(r#","index":0,"delta":{{"type":"text_delta","text":" word{index:02}"}}"#),
        ),
    };
    format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n")
}

const START: &str = concat!(
    r#","message":{"id":"msg_01BenchA1b2C3d4E5f6G7h8","type":"message","role":"assistant","model":"upstream","#,
    r#""content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":118,"#,
    r#""cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}"#
);

const END: &str =
    r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":59}"#;
