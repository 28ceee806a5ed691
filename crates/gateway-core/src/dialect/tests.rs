//! Error bodies, statuses and heartbeats of each dialect, byte for byte.

use bytes::Bytes;

use super::Dialect;
use crate::{Envelope, ErrorInfo, ErrorKind, FrameError, Limits, Malformed};

fn told() -> ErrorInfo {
    ErrorInfo::new(ErrorKind::InvalidRequest, "no \"such\"\nthing")
        .with_param("model")
        .with_request_id("req_1")
}

#[test]
fn openai_errors_have_a_top_level_error_object() {
    let body = Dialect::OpenAiChat.error_body(&told());
    assert_eq!(
        body,
        r#"{"error":{"message":"no \"such\"\nthing","type":"invalid_request_error","param":"model","code":"400"}}"#
    );
    let event = Dialect::OpenAiCompletions.error_event(&told());
    assert_eq!(event, [b"data: ", &body[..], b"\n\n"].concat());
}

#[test]
fn an_upstreams_own_code_is_kept() {
    let error = told().with_code("context_length_exceeded");
    let body = Dialect::OpenAiEmbeddings.error_body(&error);
    assert!(body.ends_with(br#""param":"model","code":"context_length_exceeded"}}"#));
}

#[test]
fn a_prompt_that_is_too_long_is_one_in_the_words_of_the_clients_dialect() {
    let error = ErrorInfo::new(ErrorKind::ContextWindow, "It has 9 tokens too many.");
    let body = Dialect::OpenAiChat.error_body(&error);
    assert!(body.ends_with(br#""param":null,"code":"context_length_exceeded"}}"#));
    let body = Dialect::AnthropicMessages.error_body(&error);
    assert_eq!(
        body,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: It has 9 tokens too many."}}"#
    );
    let own = ErrorInfo::new(ErrorKind::ContextWindow, "prompt is too long: 9 > 8");
    let body = Dialect::AnthropicMessages.error_body(&own);
    assert!(body.ends_with(br#""message":"prompt is too long: 9 > 8"}}"#));
}

#[test]
fn anthropic_errors_are_named_and_carry_the_request_id() {
    let body = Dialect::AnthropicMessages.error_body(&told());
    assert_eq!(
        body,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"no \"such\"\nthing"},"request_id":"req_1"}"#
    );
    let event = Dialect::AnthropicMessages.error_event(&told());
    assert_eq!(
        event,
        [b"event: error\ndata: ", &body[..], b"\n\n"].concat()
    );
    let without_id =
        Dialect::AnthropicMessages.error_body(&ErrorInfo::new(ErrorKind::Internal, "m"));
    assert_eq!(
        without_id,
        r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#
    );
}

#[test]
fn an_overload_has_the_status_that_the_dialects_clients_know() {
    let error = ErrorInfo::new(ErrorKind::Overloaded, "m").with_status(529);
    assert_eq!(Dialect::AnthropicMessages.status(&error), 529);
    assert_eq!(Dialect::OpenAiChat.status(&error), 503);
    let ours = ErrorInfo::new(ErrorKind::Overloaded, "m");
    assert_eq!(Dialect::AnthropicMessages.status(&ours), 529);
    assert_eq!(Dialect::OpenAiChat.status(&ours), 503);
    let down = ErrorInfo::new(ErrorKind::Unavailable, "m");
    assert_eq!(Dialect::AnthropicMessages.status(&down), 503);
    assert!(
        Dialect::OpenAiChat
            .error_body(&error)
            .ends_with(br#""code":"503"}}"#)
    );
}

#[test]
fn every_dialect_has_its_own_name() {
    let mut names: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "openai_chat",
            "openai_completions",
            "openai_embeddings",
            "openai_responses",
            "anthropic_messages",
            "anthropic_count_tokens",
            "gemini",
            "gemini_count_tokens",
            "bedrock_converse"
        ]
    );
}

#[test]
fn a_gateway_timer_is_a_408_of_type_timeout() {
    let error = ErrorInfo::new(ErrorKind::Timeout, "m");
    assert_eq!(
        Dialect::OpenAiChat.error_body(&error),
        r#"{"error":{"message":"m","type":"timeout_error","param":null,"code":"408"}}"#
    );
}

#[test]
fn what_our_own_parsers_refuse_can_be_told() {
    let parse = |body: &'static str| {
        Envelope::parse(Bytes::from_static(body.as_bytes()), Limits::default())
    };
    for (body, param) in [("{", "request_body"), (r#"{"model":1}"#, "model")] {
        let told = ErrorInfo::from(&parse(body).expect_err(body));
        assert_eq!((told.status, told.param.as_deref()), (400, Some(param)));
    }
    assert_eq!(ErrorInfo::from(FrameError::InvalidUtf8).status, 502);
    assert_eq!(
        ErrorInfo::from(Malformed::NotJson).kind,
        ErrorKind::Upstream
    );
}
