//! Plain answers, whole, cut, wrong and failed.

use bytes::Bytes;

use super::{Malformed, strip_bom};
use crate::{Dialect, ErrorKind};

const CHAT: &str = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
const MESSAGE: &str = r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}"#;
const EMBEDDINGS: &str = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-0.2]}],"model":"e","usage":{"prompt_tokens":3,"total_tokens":3}}"#;

#[test]
fn a_whole_answer_of_each_dialect_is_read() {
    for (dialect, body, output) in [
        (Dialect::OpenAiChat, CHAT, Some(4)),
        (Dialect::OpenAiCompletions, CHAT, Some(4)),
        (Dialect::AnthropicMessages, MESSAGE, Some(4)),
        (Dialect::OpenAiEmbeddings, EMBEDDINGS, None),
    ] {
        let facts = dialect.read_body(body.as_bytes()).expect(body);
        assert_eq!(
            (facts.usage.input_tokens, facts.usage.output_tokens),
            (Some(3), output)
        );
        assert_eq!(facts.error, None);
    }
}

#[test]
fn an_answer_that_is_cut_anywhere_is_known_as_cut() {
    const ODD: &str = r#" {"choices":[],"a":-1.5e+3,"b":1E-2,"c":[true,false,null],"d":"é\ud83d\ude00\n","e":{}}"#;
    for (dialect, body) in [
        (Dialect::OpenAiChat, CHAT),
        (Dialect::OpenAiChat, ODD),
        (Dialect::AnthropicMessages, MESSAGE),
        (Dialect::OpenAiEmbeddings, EMBEDDINGS),
    ] {
        let first = body.find('{').expect("it is an object") + 1;
        for end in first..body.len() {
            assert_eq!(
                dialect.read_body(&body.as_bytes()[..end]),
                Err(Malformed::Cut),
                "{end} bytes of {body}"
            );
        }
    }
}

#[test]
fn what_is_no_answer_is_malformed() {
    let wrong = Malformed::WrongShape { missing: "choices" };
    for (body, expected) in [
        (&b""[..], Malformed::Empty),
        (b" \n", Malformed::Empty),
        (b"<!doctype html><html></html>", Malformed::NotJson),
        (b"OK", Malformed::NotJson),
        (b"[]", Malformed::NotJson),
        (b"null", Malformed::NotJson),
        (b"{\"choices\":[]} x", Malformed::NotJson),
        (b"{\"choices\":[]} e", Malformed::NotJson),
        (b"{{\"choices\":[]", Malformed::NotJson),
        (b"[{\"choices\":[]", Malformed::NotJson),
        (b"{\"choices\":[\"\xFF\"]}", Malformed::InvalidUtf8),
        (b"{}", wrong),
        (b"{\"choices\":null}", wrong),
        (b"{\"choices\":{}}", wrong),
        (b"{\"detail\":\"Not Found\"}", wrong),
        (MESSAGE.as_bytes(), wrong),
    ] {
        assert_eq!(
            Dialect::OpenAiChat.read_body(body),
            Err(expected),
            "{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn an_error_object_under_a_200_is_an_error_with_the_status_of_its_type() {
    for (dialect, body, kind, status) in [
        (
            Dialect::OpenAiChat,
            r#"{"error":{"message":"m","type":"rate_limit_error"}}"#,
            ErrorKind::RateLimit,
            429,
        ),
        (
            Dialect::OpenAiChat,
            r#"{"error":{"message":"m","code":503}}"#,
            ErrorKind::Unavailable,
            503,
        ),
        (
            Dialect::OpenAiChat,
            r#"{"object":"error","message":"m","code":400}"#,
            ErrorKind::InvalidRequest,
            400,
        ),
        (
            Dialect::OpenAiChat,
            r#"{"choices":[],"error":"m"}"#,
            ErrorKind::Upstream,
            502,
        ),
        (
            Dialect::AnthropicMessages,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
            ErrorKind::Overloaded,
            529,
        ),
    ] {
        let error = dialect
            .read_body(body.as_bytes())
            .expect(body)
            .error
            .expect(body);
        assert_eq!(
            (error.kind, error.status, error.message.as_str()),
            (kind, status, "m"),
            "{body}"
        );
    }
    let facts = Dialect::OpenAiChat
        .read_body(br#"{"type":"error"}"#)
        .expect("an object");
    assert_eq!(facts.error.map(|error| error.status), Some(502));
    let facts = Dialect::OpenAiChat
        .read_body(br#"{"choices":[],"error":null}"#)
        .expect("an object");
    assert_eq!(facts.error, None);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_answer() {
    let marked = Bytes::from(["\u{FEFF}", CHAT].concat());
    assert!(Dialect::OpenAiChat.read_body(&marked).is_ok());
    assert_eq!(strip_bom(marked), CHAT);
    assert_eq!(strip_bom(Bytes::from_static(b"\xEF\xBB")), &b"\xEF\xBB"[..]);
}

#[test]
fn a_deep_answer_is_read_without_recursion() {
    let deep = format!(
        r#"{{"choices":[{}1{}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(Dialect::OpenAiChat.read_body(deep.as_bytes()).is_ok());
}
