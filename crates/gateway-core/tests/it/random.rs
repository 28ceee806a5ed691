//! The properties of the fuzz targets on random inputs that look like what they parse.

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::properties;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "(model|stream|user|timeout|mock_x|messages|error|choices|usage|delta|content|type|message|code|status)",
        ".{0,4}",
    ]
}

fn object() -> impl Strategy<Value = Vec<u8>> {
    (
        prop::collection::vec((key(), value()), 0..6),
        any::<bool>(),
        prop::option::of("[a-z]{0,4}"),
    )
        .prop_map(|(members, pretty, model)| {
            let mut members: Map<_, _> = members.into_iter().collect();
            if let Some(model) = model {
                members.insert("model".to_owned(), model.into());
            }
            let text = if pretty {
                serde_json::to_vec_pretty(&members)
            } else {
                serde_json::to_vec(&members)
            };
            text.expect("a value always serializes")
        })
}

/// One place of `text` replaced by something that hurts.
fn hurt(mut text: Vec<u8>, place: prop::sample::Index, by: &[u8], remove: usize) -> Vec<u8> {
    let start = place.index(text.len() + 1);
    let end = (start + remove).min(text.len());
    text.splice(start..end, by.iter().copied());
    text
}

fn hurting() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            "\"",
            "\\",
            "\\u",
            "\\ud800",
            "\\u0041",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\0",
            "\n",
            "1e",
            "0",
            "-",
            ".",
            "é",
            "null",
            "\"model\":1,",
            "\"\\u006dodel\":\"x\",",
            " ",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..3),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => object().prop_map(|json| [b"data: ".as_slice(), &json].concat()),
        1 => "event: (error|ping|message_start|content_block_delta|message_delta|message_stop)".prop_map(String::into_bytes),
        1 => Just(br#"data: {"choices":[{"index":1,"delta":{"content":"a"}}]}"#.to_vec()),
        1 => Just(br#"data: {"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#.to_vec()),
        1 => Just(br#"data: {"type":"content_block_delta","delta":{"text":"a"}}"#.to_vec()),
        1 => Just(b"data: [DONE]".to_vec()),
        1 => Just(br#"data: {"id":"a","choices":[{"index":0,"delta":{"role":"assistant","content":" a "}}]}"#.to_vec()),
        1 => Just(br#"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_vec()),
        1 => Just(br#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a "}}"#.to_vec()),
        3 => Just(Vec::new()),
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| {
        let mut stream = lines.join(&b'\n');
        stream.extend_from_slice(b"\n\n");
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn envelopes_agree_with_serde(text in object(), place: prop::sample::Index, by in hurting(), remove in 0usize..3) {
        properties::envelope(&text);
        properties::envelope(&hurt(text, place, &by, remove));
    }

    #[test]
    fn errors_read_back_as_they_were_told(text in object(), place: prop::sample::Index, by in hurting()) {
        properties::error_body(&text);
        properties::error_body(&hurt(text, place, &by, 1));
    }

    #[test]
    fn any_two_streams_splice(request in object(), first in stream(), second in stream(), place: prop::sample::Index, by in hurting()) {
        let input = [&request[..], &first, &second].join(&0);
        properties::continuation(&hurt(input.clone(), place, &by, 1));
        properties::continuation(&input);
    }

    #[test]
    fn streams_look_the_same_at_any_split(text in stream(), place: prop::sample::Index, by in hurting()) {
        for text in [hurt(text.clone(), place, &by, 1), text] {
            properties::sse(&text);
            properties::openai_chat_stream(&text);
            properties::openai_completions_stream(&text);
            properties::anthropic_stream(&text);
        }
    }
}
