//! Custom tools as functions, and their calls back.

use proptest::prelude::*;
use serde_json::json;

use super::{CustomTools, Input};
use crate::Losses;
use crate::chat::{
    Answer, Choice, Delta, Finish, FinishReason, Json, Message, Opened, Part, PartKind, Request,
    Role, Tool, ToolKind,
};

fn call(arguments: &str, custom: bool) -> Part {
    Part::new(PartKind::ToolCall {
        id: "c".to_owned(),
        name: "patch".to_owned(),
        arguments: arguments.to_owned(),
        custom,
        signature: None,
    })
}

fn request() -> Request {
    Request {
        tools: vec![Tool {
            name: "patch".to_owned(),
            description: Some("Patches".to_owned()),
            kind: ToolKind::Custom {
                format: Json::parse(
                    r#"{"type":"grammar","syntax":"lark","definition":"start: x"}"#,
                ),
            },
            cache: None,
        }],
        messages: vec![Message::new(
            Role::Assistant,
            vec![call("*** \"x\"\n", true)],
        )],
        ..Request::default()
    }
}

fn fed(pieces: &[&str]) -> String {
    let mut input = Input::default();
    let mut out: String = pieces.iter().map(|piece| input.feed(piece)).collect();
    out.push_str(&input.rest());
    out
}

#[test]
fn a_custom_tool_is_a_function_with_one_text() {
    let (mut request, mut losses) = (request(), Losses::default());
    CustomTools::replace(&mut request, &mut losses);
    let tool = &request.tools[0];
    let description = tool.description.as_deref().unwrap();
    assert!(description.starts_with("Patches\n\nThe input"));
    assert!(description.ends_with("lark grammar:\nstart: x"));
    let ToolKind::Function { parameters, .. } = &tool.kind else {
        panic!("{tool:?}");
    };
    assert_eq!(
        parameters.as_ref().unwrap().value()["required"],
        json!(["input"])
    );
    let wrapped = call("{\"input\":\"*** \\\"x\\\"\\n\"}", false);
    assert_eq!(request.messages[0].parts, [wrapped]);
}

#[test]
fn its_calls_are_the_clients_again() {
    let tools = CustomTools::replace(&mut request(), &mut Losses::default());
    for (arguments, expected) in [
        ("{\"input\": \"*** \\\"x\\\"\\n\"}", "*** \"x\"\n"),
        ("{\"other\": 1}", "{\"other\": 1}"),
        ("{\"input\": \"cut", "{\"input\": \"cut"),
    ] {
        let mut answer = Answer {
            choices: vec![Choice {
                parts: vec![call(arguments, false)],
                finish: Finish::new(FinishReason::ToolCalls),
                logprobs: None,
            }],
            ..Answer::default()
        };
        tools.restore_answer(&mut answer);
        assert_eq!(answer.choices[0].parts, [call(expected, true)]);
    }
}

#[test]
fn a_streamed_call_is_unwrapped_as_it_comes_and_others_go_through() {
    let tools = CustomTools::replace(&mut request(), &mut Losses::default());
    let mut calls = tools.into_calls();
    let open = |part, name: &'static str| Delta::Open {
        choice: 0,
        part,
        opened: Opened::ToolCall {
            id: "c".into(),
            name: name.into(),
            custom: false,
            signature: None,
        },
    };
    let piece = |part, text: &'static str| Delta::Piece {
        choice: 0,
        part,
        text: text.into(),
    };
    let close = |part| Delta::Close { choice: 0, part };
    let mut told = Vec::new();
    for delta in [
        open(0, "patch"),
        piece(0, "{\"inp"),
        open(1, "look"),
        piece(1, "{}"),
        piece(0, "ut\":\"a\\"),
        piece(0, "nb\"}"),
        close(1),
        close(0),
    ] {
        calls.restore(delta, &mut |delta| told.push(format!("{delta:?}")));
    }
    let pieces: Vec<_> = told.iter().filter(|it| it.contains("Piece")).collect();
    assert_eq!(pieces.len(), 3, "{told:?}");
    assert!(told[0].contains("custom: true") && told[1].contains("custom: false"));
    assert!(pieces[1].contains("text: \"a\"") && pieces[2].contains("text: \"\\nb\""));
    assert!(told.last().unwrap().contains("Close"));
}

#[test]
fn what_is_no_wrapped_text_goes_through() {
    for text in [
        "",
        "{",
        "{\"x\": 1}",
        "plain",
        "{\"input\": 3}",
        "{\"input\"",
    ] {
        assert_eq!(fed(&[text]), text);
        let single: Vec<_> = text.split_inclusive(|_| true).collect();
        assert_eq!(fed(&single), text);
    }
}

proptest! {
    #[test]
    fn a_text_is_unwrapped_whatever_it_is_and_however_it_comes(text in "\\PC{0,12}|[\\x00-\\x20🦀\"\\\\]{0,9}", ascii in any::<bool>()) {
        let mut wrapped = json!({"input": text}).to_string();
        if ascii {
            wrapped = wrapped.chars().map(|it| {
                let mut units = [0; 2];
                let escaped = it.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}"));
                if it.is_ascii() { it.to_string() } else { escaped.collect() }
            }).collect();
        }
        let single: Vec<_> = wrapped.split_inclusive(|_| true).collect();
        prop_assert_eq!(fed(&single), text.as_str());
        prop_assert_eq!(fed(&[&wrapped]), text);
    }
}
