//! What the gateway sees in a provider's events and plain answers.

use crate::{Dialect, ErrorInfo, ErrorKind, Flow, Framer, Malformed, Seen};

const WHOLE: &str = r#"{"id":"resp_1","object":"response","status":"completed","error":null,"model":"gpt-5","output":[],
    "usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":1},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":1}}}"#;

fn seen(stream: &str) -> (Vec<Seen>, bool) {
    let mut observer = Dialect::OpenAiResponses.stream_observer();
    let mut seen = Vec::new();
    let fed = Framer::new(1 << 20).feed(stream.to_owned().into(), |event| {
        seen.push(observer.event(&event));
        Flow::Continue
    });
    assert!(fed.error.is_none());
    (seen, observer.is_complete())
}

fn error(seen: Vec<Seen>) -> ErrorInfo {
    match seen.into_iter().next_back() {
        Some(Seen::Error(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stream_is_complete_with_its_whole_response() {
    for end in ["completed", "incomplete"] {
        let stream = format!(
            "event: response.created\ndata: {{\"type\":\"response.created\",\"response\":{{\"usage\":null}}}}\n\n\
             event: response.output_item.added\ndata: {{\"type\":\"response.output_item.added\",\"item\":{{\"type\":\"reasoning\"}}}}\n\n\
             event: response.reasoning_summary_text.delta\ndata: {{\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"a\"}}\n\n\
             event: keepalive\ndata: {{\"type\":\"keepalive\"}}\n\n\
             event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"b\"}}\n\n\
             event: response.{end}\ndata: {{\"type\":\"response.{end}\",\"response\":{}}}\n\n",
            WHOLE.replace('\n', "")
        );
        let (events, complete) = seen(&stream);
        assert_eq!(
            events,
            [
                Seen::Preamble,
                Seen::Preamble,
                Seen::Content,
                Seen::Other,
                Seen::Content,
                Seen::Terminal
            ]
        );
        assert!(complete);
    }
}

#[test]
fn a_call_is_content_when_it_begins_and_names_of_events_are_not_needed() {
    let stream = "data: {\"type\":\"response.in_progress\",\"response\":{}}\n\n\
                  data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"function_call\"}}\n\n\
                  data: {\"type\":\"response.function_call_arguments.delta\",\"delta\":\"{\"}\n\n";
    let (events, complete) = seen(stream);
    assert_eq!(events, [Seen::Preamble, Seen::Content, Seen::Content]);
    assert!(!complete);
}

#[test]
fn a_failure_is_an_error_in_each_of_its_shapes() {
    let nested = "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}}}\n\n";
    let flat = "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\",\"param\":null}\n\n";
    let unnamed = "data: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"}}\n\n";
    for stream in [nested, flat, unnamed] {
        let error = error(seen(stream).0);
        assert_eq!(
            (error.kind, &*error.message),
            (ErrorKind::RateLimit, "slow"),
            "{stream}"
        );
    }
}

#[test]
fn an_error_event_is_read_back_as_the_same_error() {
    for kind in [
        ErrorKind::RateLimit,
        ErrorKind::ContextWindow,
        ErrorKind::Billing,
        ErrorKind::Overloaded,
        ErrorKind::Timeout,
        ErrorKind::Internal,
    ] {
        let told = ErrorInfo::new(kind, "no \"such\"\nthing").with_request_id("r1");
        let event = Dialect::OpenAiResponses.error_event(&told);
        let read = error(seen(std::str::from_utf8(&event).unwrap()).0);
        assert_eq!((read.kind, read.message), (kind, told.message));
    }
}

#[test]
fn a_plain_answer_is_an_object_with_output() {
    let facts = Dialect::OpenAiResponses
        .read_body(WHOLE.as_bytes())
        .unwrap();
    assert_eq!(facts.usage.input_tokens, Some(3));
    assert_eq!(facts.usage.reasoning_tokens, Some(1));
    assert_eq!(WHOLE.get(facts.model.unwrap()), Some("\"gpt-5\""));
    let without = r#"{"object":"response","status":"completed"}"#;
    assert_eq!(
        Dialect::OpenAiResponses.read_body(without.as_bytes()),
        Err(Malformed::WrongShape { missing: "output" })
    );
    let failed = r#"{"status":"failed","error":{"code":"server_error","message":"m"},"output":[]}"#;
    let facts = Dialect::OpenAiResponses
        .read_body(failed.as_bytes())
        .unwrap();
    assert_eq!(facts.error.unwrap().message, "m");
    let failed = r#"{"status":"failed","error":null,"output":[]}"#;
    let facts = Dialect::OpenAiResponses
        .read_body(failed.as_bytes())
        .unwrap();
    assert!(facts.error.is_some());
}

#[test]
fn a_response_that_is_told_complete_and_says_that_it_failed_is_an_error() {
    let stream = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"failed\",\
                  \"error\":{\"code\":\"server_error\",\"message\":\"It broke.\"}}}\n\n";
    let (seen, complete) = seen(stream);
    assert!(
        matches!(&seen[..], [Seen::Error(error)] if error.message == "It broke."),
        "{seen:?}"
    );
    assert!(!complete);
}
