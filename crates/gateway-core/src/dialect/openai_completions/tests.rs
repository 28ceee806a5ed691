//! Prompts as chats, and answers as texts.

use bytes::Bytes;
use serde_json::{Value, json};

use super::FRONT;
use crate::chat::{
    Answer, Choice, Delta, Finish, FinishReason, Json, Message, Opened, Part, Request, Role,
};
use crate::envelope::{Envelope, Limits};
use crate::translate::{Asked, TranslateError};
use crate::usage::Usage;

fn read(mut members: Value) -> Result<Request, TranslateError> {
    members["model"] = json!("m");
    let body = Bytes::from(members.to_string());
    (FRONT.read_request)(&Envelope::parse(body, Limits::default()).unwrap())
}

fn refused(members: Value) -> (String, String) {
    match read(members) {
        Err(TranslateError::Invalid { param, reason }) => (param, reason),
        other => panic!("{other:?}"),
    }
}

fn asked() -> Asked {
    Asked {
        model: "mine".to_owned(),
        id: "abc".to_owned(),
        created: 7,
        usage_in_stream: true,
        echo: Vec::new(),
    }
}

#[test]
fn a_prompt_is_a_users_message() {
    let expected = vec![Message::new(Role::User, vec![Part::text("Say hi.")])];
    for prompt in [json!("Say hi."), json!(["Say hi."])] {
        let read = read(json!({"prompt": prompt, "max_tokens": 5, "n": 2, "best_of": 2, "echo": false, "suffix": "", "logprobs": 3})).unwrap();
        assert_eq!(read.messages, expected);
        let parameters = &read.parameters;
        assert_eq!(
            (parameters.max_tokens, parameters.choices),
            (Some(5), Some(2))
        );
        assert_eq!(
            (parameters.logprobs, parameters.top_logprobs),
            (Some(true), Some(3))
        );
        assert_eq!(read.other, []);
    }
}

#[test]
fn what_no_chat_can_say_is_named() {
    for prompt in [
        json!(["a", "b"]),
        json!([1, 2]),
        json!([[1]]),
        json!(5),
        json!([]),
    ] {
        let (param, reason) = refused(json!({"prompt": prompt}));
        assert!(
            param == "prompt" && reason.starts_with("it must be"),
            "{reason}"
        );
    }
    assert_eq!(refused(json!({})).0, "prompt");
    let read = read(json!({"prompt": "a", "suffix": "b", "best_of": 3, "echo": true})).unwrap();
    let mut names: Vec<_> = read.other.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["best_of", "echo", "suffix"]);
}

const LOGPROBS: &str = r#"{"content":[{"token":"h","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"h","logprob":-0.5},{"token":"H","logprob":-1}]},
    {"token":"i","logprob":-0.1,"bytes":null,"top_logprobs":[]}]}"#;

#[test]
fn an_answer_is_a_text() {
    let answer = Answer {
        choices: vec![Choice {
            parts: vec![Part::text("h"), Part::text("i")],
            finish: Finish::new(FinishReason::ToolCalls),
            logprobs: Json::parse(LOGPROBS),
        }],
        usage: Usage {
            input_tokens: Some(1),
            output_tokens: Some(2),
            ..Usage::default()
        },
        ..Answer::default()
    };
    let told: Value = serde_json::from_slice(&(FRONT.write_answer)(&answer, &asked())).unwrap();
    let expected = json!({
        "id": "cmpl-abc", "object": "text_completion", "created": 7, "model": "mine",
        "choices": [{"text": "hi", "index": 0, "finish_reason": "stop", "logprobs": {
            "tokens": ["h", "i"], "token_logprobs": [-0.5, -0.1], "top_logprobs": [{"h": -0.5, "H": -1.0}, {}], "text_offset": [0, 1]}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    });
    assert_eq!(told, expected);
}

/// The events of a stream with thoughts, a text, its probabilities and its cost.
fn stream() -> Vec<Value> {
    let (choice, part) = (0, 0);
    let piece = |part, text: &'static str| Delta::Piece {
        choice,
        part,
        text: text.into(),
    };
    let open = |part, opened| Delta::Open {
        choice,
        part,
        opened,
    };
    let deltas = [
        Delta::Begin {
            id: None,
            model: None,
            created: None,
        },
        open(0, Opened::Thinking { id: None }),
        piece(0, "hm"),
        Delta::Close { choice, part },
        open(1, Opened::Text),
        piece(1, "hi"),
        Delta::Logprobs {
            choice,
            json: Json::parse(LOGPROBS).unwrap(),
        },
        Delta::Close { choice, part: 1 },
        Delta::Usage(Usage {
            input_tokens: Some(1),
            ..Usage::default()
        }),
        Delta::Finish {
            choice,
            finish: Finish::new(FinishReason::Length),
        },
    ];
    let mut writer = (FRONT.stream_writer)(&asked());
    let mut out = Vec::new();
    for delta in deltas {
        writer.delta(delta, &mut out);
    }
    writer.finish(&mut out);
    let out = String::from_utf8(out).unwrap();
    let mut events: Vec<_> = out
        .split_terminator("\n\n")
        .map(|it| it.strip_prefix("data: ").unwrap())
        .collect();
    assert_eq!(events.pop(), Some("[DONE]"));
    let events = events.into_iter();
    events.map(|it| serde_json::from_str(it).unwrap()).collect()
}

#[test]
fn a_stream_is_texts_without_what_was_thought() {
    let events = stream();
    let told: Vec<_> = events
        .iter()
        .map(|it| {
            (
                it["choices"][0]["text"].clone(),
                it["choices"][0]["finish_reason"].clone(),
            )
        })
        .collect();
    let expected = [
        (json!(""), Value::Null),
        (json!("hi"), Value::Null),
        (json!(""), Value::Null),
        (json!(""), json!("length")),
        (Value::Null, Value::Null),
    ];
    assert_eq!(told, expected);
    assert!(events.iter().all(|it| it["object"] == "text_completion"
        && it["id"] == "cmpl-abc"
        && it["model"] == "mine"));
    assert_eq!(
        events[2]["choices"][0]["logprobs"]["text_offset"],
        json!([0, 1])
    );
    assert_eq!(events[4]["usage"]["prompt_tokens"], 1);
}
