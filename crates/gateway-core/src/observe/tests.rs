//! Observers of all dialects on streams as providers send them, and as they should not.

use bytes::Bytes;

use super::{Seen, StreamObserver};
use crate::{Dialect, ErrorKind, Flow, Framer, Usage};

/// Feeds a stream; gives the letter of each thing seen: Preamble, Content, Other, Terminal, Error, Malformed.
fn observe(dialect: Dialect, stream: &str) -> (String, StreamObserver) {
    let mut observer = dialect.stream_observer();
    let letters = observe_with(&mut observer, stream);
    (letters, observer)
}

fn observe_with(observer: &mut StreamObserver, stream: &str) -> String {
    let mut letters = String::new();
    let fed = Framer::new(1 << 20).feed(Bytes::copy_from_slice(stream.as_bytes()), |event| {
        letters.push(match observer.event(&event) {
            Seen::Preamble => 'P',
            Seen::Content => 'C',
            Seen::Other => 'O',
            Seen::Terminal => 'T',
            Seen::Error(_) => 'E',
            Seen::Malformed => 'M',
        });
        Flow::Continue
    });
    assert_eq!(fed.error, None);
    letters
}

fn data(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| format!("data: {line}\n\n"))
        .collect()
}

fn error_of(dialect: Dialect, stream: &str) -> crate::ErrorInfo {
    let mut observer = dialect.stream_observer();
    let mut found = None;
    let fed = Framer::new(1 << 20).feed(Bytes::copy_from_slice(stream.as_bytes()), |event| {
        if let Seen::Error(error) = observer.event(&event) {
            found = Some(error);
        }
        Flow::Continue
    });
    assert_eq!(fed.error, None);
    found.expect("the stream holds an error")
}

#[test]
fn a_chat_stream_is_complete_with_its_marker() {
    let (seen, observer) = observe(
        Dialect::OpenAiChat,
        &data(&[
            r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"Hi \u00e9"},"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}}"#,
            "[DONE]",
        ]),
    );
    assert_eq!(seen, "PCCOT");
    assert!(observer.is_complete());
    assert_eq!(observer.closing(), None);
    let usage = Usage {
        input_tokens: Some(5),
        output_tokens: Some(2),
        cache_read_tokens: Some(1),
        ..Usage::default()
    };
    assert_eq!(observer.usage(), usage);
}

#[test]
fn a_chat_stream_with_finish_reasons_and_no_marker_is_closed_by_us() {
    let (seen, observer) = observe(
        Dialect::OpenAiChat,
        &data(&[
            r#"{"choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
        ]),
    );
    assert_eq!(seen, "CC");
    assert!(observer.is_complete());
    assert_eq!(
        observer.closing().as_deref(),
        Some(&b"data: [DONE]\n\n"[..])
    );
}

#[test]
fn a_chat_stream_is_complete_only_when_every_choice_has_finished() {
    let first =
        r#"{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#;
    let zero_ends = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let one_ends = r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#;
    let (_, mut observer) = observe(Dialect::OpenAiChat, &data(&[first, zero_ends]));
    assert!(!observer.is_complete());
    assert_eq!(observer.closing(), None);
    observe_with(&mut observer, &data(&[one_ends]));
    assert!(observer.is_complete());

    let mut observer = Dialect::OpenAiChat.stream_observer();
    observer.expect_choices(2);
    observe_with(&mut observer, &data(&[zero_ends]));
    assert!(!observer.is_complete(), "the second choice has not begun");
    observe_with(&mut observer, &data(&[one_ends]));
    assert!(observer.is_complete());
}

#[test]
fn text_of_a_choice_that_began_late_counts_as_its_beginning() {
    let (seen, observer) = observe(
        Dialect::OpenAiChat,
        &data(&[
            r#"{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#,
        ]),
    );
    assert_eq!(seen, "CCC");
    assert!(!observer.is_complete(), "the first choice has not finished");
}

#[test]
fn choices_beyond_what_is_tracked_need_the_marker() {
    for index in ["128", "-1", "\"a\"", "99999999999999999999"] {
        let line = format!(
            r#"{{"choices":[{{"index":0,"finish_reason":"stop"}},{{"index":{index},"finish_reason":"stop"}}]}}"#
        );
        let (_, mut observer) = observe(Dialect::OpenAiChat, &data(&[&line]));
        assert!(!observer.is_complete(), "{index}");
        assert_eq!(observe_with(&mut observer, "data: [DONE]\n\n"), "T");
        assert!(observer.is_complete());
    }
    for (count, complete) in [
        (1, true),
        (0, true),
        (2, false),
        (127, false),
        (128, false),
        (129, false),
        (u64::MAX, false),
    ] {
        let mut observer = Dialect::OpenAiChat.stream_observer();
        observer.expect_choices(count);
        observe_with(
            &mut observer,
            &data(&[r#"{"choices":[{"index":0,"finish_reason":"stop"}]}"#]),
        );
        assert_eq!(observer.is_complete(), complete, "{count}");
    }
}

#[test]
fn every_kind_of_delta_is_content_and_emptiness_is_not() {
    for delta in [
        r#"{"content":"a"}"#,
        r#"{"content":[{"type":"thinking"}]}"#,
        r#"{"role":"assistant","tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}"#,
        r#"{"function_call":{"name":"f"}}"#,
        r#"{"refusal":"no"}"#,
        r#"{"reasoning_content":"hm"}"#,
        r#"{"reasoning":"hm","content":""}"#,
        r#"{"audio":{"id":"a"}}"#,
        r#"{"something_new":1}"#,
    ] {
        let line = format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#);
        assert_eq!(
            observe(Dialect::OpenAiChat, &data(&[&line])).0,
            "C",
            "{delta}"
        );
    }
    for delta in [
        "{}",
        "null",
        r#"{"role":"assistant"}"#,
        r#"{"role":"assistant","content":"","refusal":null,"tool_calls":[],"audio":{ },"reasoning":null}"#,
    ] {
        let line = format!(r#"{{"choices":[{{"delta":{delta},"finish_reason":null}}]}}"#);
        assert_eq!(
            observe(Dialect::OpenAiChat, &data(&[&line])).0,
            "P",
            "{delta}"
        );
    }
}

#[test]
fn azure_filter_frames_are_preamble_first_and_other_later() {
    let filter = r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}"#;
    let annotation = r#"{"choices":[{"index":0,"delta":{},"finish_reason":null,"content_filter_offsets":{"start_offset":1},"content_filter_results":{"hate":{"filtered":false}}}]}"#;
    let text = r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#;
    let (seen, observer) = observe(
        Dialect::OpenAiChat,
        &data(&[filter, annotation, text, annotation, filter]),
    );
    assert_eq!(seen, "PPCOO");
    assert!(!observer.is_complete());
}

#[test]
fn a_stream_that_finishes_at_once_is_complete_and_not_empty() {
    let (seen, observer) = observe(
        Dialect::OpenAiChat,
        &data(&[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":"stop"}]}"#,
        ]),
    );
    assert_eq!(seen, "C");
    assert!(observer.is_complete());
}

#[test]
fn usage_is_found_wherever_providers_put_it() {
    for line in [
        r#"{"choices":[],"usage":{"prompt_tokens":3}}"#,
        r#"{"choices":[{"delta":{"content":"a"},"usage":{"prompt_tokens":3}}]}"#,
        r#"{"choices":[{"delta":{}}],"x_groq":{"id":"r","usage":{"prompt_tokens":3}}}"#,
        r#"{"usage":{"input_tokens":3}}"#,
    ] {
        let (_, observer) = observe(Dialect::OpenAiChat, &data(&[line]));
        assert_eq!(observer.usage().input_tokens, Some(3), "{line}");
    }
}

#[test]
fn a_completions_stream_has_text_for_content() {
    let (seen, observer) = observe(
        Dialect::OpenAiCompletions,
        &data(&[
            r#"{"object":"text_completion","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":null}]}"#,
            r#"{"choices":[{"text":"Hi","index":0,"finish_reason":null}]}"#,
            r#"{"choices":[{"text":"","index":0,"finish_reason":"stop"}]}"#,
            "[DONE]",
        ]),
    );
    assert_eq!(seen, "PCCT");
    assert!(observer.is_complete());
}

#[test]
fn comments_pings_and_unknown_objects_are_other() {
    let (seen, _) = observe(
        Dialect::OpenAiChat,
        ": OPENROUTER PROCESSING\n\nevent: ping\n\nid: 3\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n",
    );
    assert_eq!(seen, "OOOO");
}

#[test]
fn data_that_is_not_the_dialect_is_malformed() {
    for line in [
        "{",
        "hello",
        "[1]",
        "<html>",
        "",
        r#"{"choices":{}}"#,
        r#"{"choices":[1]}"#,
        "{} {}",
        "[DONE",
    ] {
        assert_eq!(
            observe(Dialect::OpenAiChat, &data(&[line])).0,
            "M",
            "{line}"
        );
    }
    for line in ["{", "hello", "[1]", "[DONE]", ""] {
        assert_eq!(
            observe(Dialect::AnthropicMessages, &data(&[line])).0,
            "M",
            "{line}"
        );
    }
    let (seen, observer) = observe(
        Dialect::AnthropicMessages,
        "event: message_stop\ndata: {\"type\n\n",
    );
    assert_eq!(seen, "M");
    assert!(!observer.is_complete());
}

#[test]
fn json_over_several_data_lines_is_joined() {
    let stream = "data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\n";
    assert_eq!(observe(Dialect::OpenAiChat, stream).0, "C");
}

const OPENAI_ERRORS: &[(&str, ErrorKind, u16)] = &[
    (
        r#"data: {"error":{"message":"m","type":"server_error","code":null}}"#,
        ErrorKind::Internal,
        500,
    ),
    (
        r#"data: {"error":{"message":"m","type":"overloaded_error"}}"#,
        ErrorKind::Overloaded,
        503,
    ),
    (
        r#"data: {"error":{"message":"m","code":429}}"#,
        ErrorKind::RateLimit,
        429,
    ),
    (
        r#"data: {"error":{"message":"m","code":"504"}}"#,
        ErrorKind::Timeout,
        504,
    ),
    (
        r#"data: {"id":"x","choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"m"}}"#,
        ErrorKind::Upstream,
        502,
    ),
    (
        r#"data: {"object":"error","message":"m","type":"BadRequestError","code":400}"#,
        ErrorKind::InvalidRequest,
        400,
    ),
    (
        "event: error\ndata: {\"message\":\"m\",\"type\":\"rate_limit_error\"}",
        ErrorKind::RateLimit,
        429,
    ),
    (r#"data: {"error":"m"}"#, ErrorKind::Upstream, 502),
];

#[test]
fn openai_errors_are_seen_in_every_shape() {
    for &(stream, kind, status) in OPENAI_ERRORS {
        let error = error_of(Dialect::OpenAiChat, &format!("{stream}\n\n"));
        assert_eq!(
            (error.kind, error.status, error.message.as_str()),
            (kind, status, "m"),
            "{stream}"
        );
    }
    for stream in [
        "event: error\ndata: <html>upstream.internal</html>\n\n",
        "event: error\n\n",
    ] {
        let error = error_of(Dialect::OpenAiChat, stream);
        assert_eq!((error.kind, error.status), (ErrorKind::Upstream, 502));
        assert!(!error.message.contains("internal"));
    }
    let (seen, _) = observe(
        Dialect::OpenAiChat,
        &data(&[
            r#"{"choices":[],"error":null}"#,
            r#"{"choices":[],"error":{}}"#,
        ]),
    );
    assert_eq!(seen, "PP");
}

const MESSAGE: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":25,"cache_read_input_tokens":7,"cache_creation_input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"#;

#[test]
fn an_anthropic_stream_is_complete_with_message_stop() {
    let (seen, observer) = observe(Dialect::AnthropicMessages, MESSAGE);
    assert_eq!(seen, "PPOCOOT");
    assert!(observer.is_complete());
    assert_eq!(observer.closing(), None);
    let usage = Usage {
        input_tokens: Some(25),
        output_tokens: Some(15),
        cache_read_tokens: Some(7),
        cache_write_tokens: Some(3),
        cache_write_1h_tokens: None,
        reasoning_tokens: None,
    };
    assert_eq!(observer.usage(), usage);
}

#[test]
fn an_anthropic_stream_without_event_lines_is_read_by_its_types() {
    let unnamed: String = MESSAGE
        .lines()
        .filter(|line| !line.starts_with("event:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let (seen, observer) = observe(Dialect::AnthropicMessages, &unnamed);
    assert_eq!(seen, "PPOCOOT");
    assert!(observer.is_complete());
}

#[test]
fn an_anthropic_stream_cut_before_message_stop_is_not_complete() {
    let cut = MESSAGE.replace(
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        "",
    );
    let (_, observer) = observe(Dialect::AnthropicMessages, &cut);
    assert!(!observer.is_complete());
    assert_eq!(observer.closing(), None);
}

#[test]
fn anthropic_blocks_that_carry_something_are_content() {
    for (line, expected) in [
        (
            r#"{"type":"content_block_start","content_block":{"type":"text","text":""}}"#,
            "P",
        ),
        (
            r#"{"type":"content_block_start","content_block":{"type":"text","text":"a"}}"#,
            "C",
        ),
        (
            r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
            "C",
        ),
        (
            r#"{"type":"content_block_start","content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            "C",
        ),
        (
            r#"{"type":"content_block_start","content_block":{"type":"web_search_tool_result","content":[]}}"#,
            "C",
        ),
        (
            r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{"}}"#,
            "C",
        ),
        (
            r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            "C",
        ),
        (
            r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":""}}"#,
            "P",
        ),
        (
            r#"{"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{"output_tokens":1}}"#,
            "C",
        ),
        (
            r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":1}}"#,
            "O",
        ),
        (r#"{"type":"vertex_event","vertex_event":{}}"#, "O"),
        (r#"{"no_type":1}"#, "O"),
    ] {
        assert_eq!(
            observe(Dialect::AnthropicMessages, &data(&[line])).0,
            expected,
            "{line}"
        );
    }
}

#[test]
fn anthropic_errors_keep_their_meaning() {
    for (word, kind, status) in [
        ("overloaded_error", ErrorKind::Overloaded, 529),
        ("rate_limit_error", ErrorKind::RateLimit, 429),
        ("api_error", ErrorKind::Internal, 500),
        ("timeout_error", ErrorKind::Timeout, 408),
        ("invalid_request_error", ErrorKind::InvalidRequest, 400),
        ("brand_new_error", ErrorKind::Upstream, 502),
    ] {
        let json = format!(
            r#"{{"type":"error","error":{{"type":"{word}","message":"m"}},"request_id":"req_1"}}"#
        );
        for name in ["event: error\n", ""] {
            let error = error_of(
                Dialect::AnthropicMessages,
                &format!("{name}data: {json}\n\n"),
            );
            assert_eq!((error.kind, error.status), (kind, status), "{word}");
            assert_eq!(
                (error.message.as_str(), error.request_id.as_deref()),
                ("m", Some("req_1"))
            );
        }
    }
}

#[test]
fn embeddings_never_stream() {
    let (seen, observer) = observe(Dialect::OpenAiEmbeddings, &data(&["{}", "[DONE]"]));
    assert_eq!(seen, "OO");
    assert!(!observer.is_complete());
}

#[test]
fn the_error_event_and_the_heartbeat_of_a_dialect_are_seen_as_such() {
    for dialect in [
        Dialect::OpenAiChat,
        Dialect::OpenAiCompletions,
        Dialect::AnthropicMessages,
    ] {
        let told = crate::ErrorInfo::new(ErrorKind::Overloaded, "line\nline")
            .with_status(dialect_overload(dialect));
        let stream = [dialect.heartbeat(), dialect.error_event(&told)].concat();
        let stream = String::from_utf8(stream).expect("all of it is text");
        assert_eq!(observe(dialect, &stream).0, "OE");
        let read = error_of(dialect, &stream);
        assert_eq!(
            (read.kind, read.status, read.message),
            (told.kind, told.status, told.message)
        );
    }
}

fn dialect_overload(dialect: Dialect) -> u16 {
    if dialect == Dialect::AnthropicMessages {
        529
    } else {
        503
    }
}

/// A stream that is cut anywhere, and then ends cleanly, counts as complete from the byte on with which its last needed
/// line is whole, and never before.
#[test]
fn a_cut_at_any_byte_is_told_from_a_complete_stream() {
    let finish = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let text = r#"data: {"choices":[{"index":0,"delta":{"content":"é"}}]}"#;
    let chat = format!(": ping\n\n{text}\n\n{finish}\n\ndata: [DONE]\n\n");
    let marker_only = format!("{text}\n\ndata: [DONE]\n\n");
    let end_of =
        |stream: &str, line: &str| stream.find(line).expect("the line is there") + line.len() + 1;
    let message_stop = "data: {\"type\":\"message_stop\"}";
    for (dialect, stream, complete_from) in [
        (Dialect::OpenAiChat, chat.as_str(), end_of(&chat, finish)),
        (
            Dialect::OpenAiChat,
            &marker_only,
            end_of(&marker_only, "data: [DONE]"),
        ),
        (
            Dialect::AnthropicMessages,
            MESSAGE,
            end_of(MESSAGE, message_stop),
        ),
    ] {
        for end in 0..=stream.len() {
            let mut observer = dialect.stream_observer();
            let mut framer = Framer::new(1 << 20);
            let mut each = |event: crate::Event<'_>| {
                observer.event(&event);
                Flow::Continue
            };
            let fed = framer.feed(Bytes::copy_from_slice(&stream.as_bytes()[..end]), &mut each);
            let last = framer.finish(&mut each);
            assert_eq!((fed.error, last.error), (None, None));
            let forwarded = [fed.ready, last.ready].concat();
            assert!(forwarded.is_empty() || forwarded.ends_with(b"\n\n"));
            assert_eq!(
                observer.is_complete(),
                end >= complete_from,
                "{end} of {stream}"
            );
        }
    }
}
