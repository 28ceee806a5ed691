//! The scanner against lists of good and bad texts, and the splices.

use bytes::Bytes;

use super::{Envelope, EnvelopeError, Found, Limits, is_gateway_field};

fn parse(body: impl AsRef<[u8]>) -> Result<Envelope, EnvelopeError> {
    Envelope::parse(Bytes::copy_from_slice(body.as_ref()), Limits::default())
}

fn good(body: &str) -> Envelope {
    parse(body).expect(body)
}

#[test]
fn model_and_stream_are_found_wherever_they_stand() {
    let envelope = good(
        r#" { "messages":[{"model":"inner","stream":false}], "stream" : true,"model":"gpt \u0041\ud83d\ude00" } "#,
    );
    assert_eq!(envelope.model(), Some("gpt A😀"));
    assert!(envelope.stream());
    assert_eq!(
        envelope.field("messages"),
        Some(&br#"[{"model":"inner","stream":false}]"#[..])
    );
    assert_eq!(envelope.field("absent"), None);
    assert_eq!(
        envelope.fields().collect::<Vec<_>>(),
        ["messages", "stream", "model"]
    );
}

#[test]
fn an_escaped_key_is_the_same_key() {
    let envelope = good(r#"{"\u006dodel":"a","str\u0065am":true}"#);
    assert_eq!((envelope.model(), envelope.stream()), (Some("a"), true));
    let mut edit = envelope.edit();
    edit.set_string("model", "b");
    assert_eq!(edit.finish(), r#"{"\u006dodel":"b","str\u0065am":true}"#);
}

#[test]
fn absence_and_null_mean_no_stream() {
    for body in ["{}", r#"{"stream":null}"#, r#"{"stream":false}"#] {
        assert!(!good(body).stream(), "{body}");
        assert_eq!(good(body).model(), None);
    }
}

#[test]
fn wrong_types_name_their_field() {
    for (body, field) in [
        (r#"{"model":null}"#, "model"),
        (r#"{"model":["a"]}"#, "model"),
        (r#"{"model":1}"#, "model"),
        (r#"{"stream":"true"}"#, "stream"),
        (r#"{"stream":1}"#, "stream"),
        (r#"{"stream":{}}"#, "stream"),
    ] {
        let error = parse(body).expect_err(body);
        assert_eq!(error.param(), Some(field), "{body}");
        assert_eq!(error.offset(), body.find(':').expect("a colon") + 1);
    }
}

#[test]
fn a_field_that_stands_twice_is_refused_with_escapes_resolved() {
    for body in [
        r#"{"model":"a","model":"b"}"#,
        r#"{"model":"a","x":1,"\u006dodel":"b"}"#,
        r#"{"m\u006fdel":"a","\u006dodel":"a"}"#,
    ] {
        let error = parse(body).expect_err(body);
        assert!(
            matches!(&error, EnvelopeError::DuplicateField { field, .. } if field == "model"),
            "{body}: {error}"
        );
        assert_eq!(error.param(), Some("model"));
    }
    // Deeper than the gateway reads, they are the upstream's affair.
    good(r#"{"a":{"b":1,"b":2}}"#);
}

#[test]
fn what_rfc_8259_allows_is_accepted() {
    for value in [
        "0",
        "-0",
        "-0.0e+0",
        "1E5",
        "123456789012345678901234567890",
        "1e999",
        "0.1",
        "\"\"",
        r#""\"\\\/\b\f\n\r\t\u0000\uFFFF\uD834\uDD1E""#,
        r#""\uD800\uDC00\uDBFF\uDFFF\uD7FF\uE000""#,
        "\"\u{7f}\u{2028}é😀\"",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1,[2,{\"a\":[]}],3]",
        "\t\r\n 1 \t\r\n",
        "{\"\":0}",
        "{\"a\":{\"a\":{}}}",
    ] {
        good(&format!("{{\"x\":{value}}}"));
    }
}

#[test]
fn what_rfc_8259_forbids_is_refused_at_its_byte() {
    for (value, at) in [
        ("", 0),
        ("01", 1),
        ("-", 1),
        ("+1", 0),
        ("1.", 2),
        (".5", 0),
        ("1e", 2),
        ("1e+", 3),
        ("0x1", 1),
        ("1_0", 1),
        ("NaN", 0),
        ("Infinity", 0),
        ("-Infinity", 1),
        ("True", 0),
        ("tru", 0),
        ("nul", 0),
        ("'a'", 0),
        ("a", 0),
        ("[1,]", 3),
        ("[,1]", 1),
        ("[1 2]", 3),
        ("[1", 2),
        ("[}", 1),
        ("{\"a\"}", 4),
        ("{\"a\":}", 5),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("{1:1}", 1),
        ("{\"a\" 1}", 5),
        ("{\"a\":1]", 6),
        ("{,}", 1),
        ("/*c*/1", 0),
        ("1//c", 1),
        ("\"\t\"", 1),
        ("\"\n\"", 1),
        ("\"\0\"", 1),
        (r#""\x""#, 2),
        (r#""\u12g4""#, 5),
        (r#""\u12""#, 5),
        ("\u{a0}1", 0),
        ("\u{c}1", 0),
        ("1 2", 2),
        ("\"a\" \"b\"", 4),
    ] {
        let error = parse(format!("{{\"x\":{value}}}")).expect_err(value);
        assert!(
            matches!(error, EnvelopeError::Syntax { .. }),
            "{value}: {error}"
        );
        assert_eq!(error.offset(), 5 + at, "{value}: {error}");
        assert_eq!(error.param(), None);
    }
}

#[test]
fn lone_surrogates_are_refused() {
    for text in [
        r"\ud800",
        r"\udc00",
        r"\ud800\ud800",
        r"\ud800x",
        r"\ud800\n",
        r"\udbff\u0041",
    ] {
        for body in [format!(r#"{{"x":"{text}"}}"#), format!(r#"{{"{text}":1}}"#)] {
            let error = parse(&body).expect_err(&body);
            assert!(
                matches!(error, EnvelopeError::LoneSurrogate { .. }),
                "{body}: {error}"
            );
        }
    }
}

#[test]
fn only_one_object_and_nothing_else_is_a_body() {
    for (body, offset, found) in [
        (&b""[..], 0, Found::End),
        (b"  ", 2, Found::End),
        (b"[]", 0, Found::Byte(b'[')),
        (b"\"a\"", 0, Found::Byte(b'"')),
        (b"null", 0, Found::Byte(b'n')),
        (b"{} {}", 3, Found::Byte(b'{')),
        (b"{}\0", 2, Found::Byte(0)),
        (b"{", 1, Found::End),
        (b"{\"a\":\"b", 7, Found::End),
        (b"}", 0, Found::Byte(b'}')),
    ] {
        let error = parse(body).expect_err("not one object");
        let EnvelopeError::Syntax {
            offset: at,
            found: what,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((at, what), (offset, found), "{}", body.escape_ascii());
    }
    assert_eq!(
        parse(b"\xEF\xBB\xBF{}").err(),
        Some(EnvelopeError::ByteOrderMark)
    );
    assert_eq!(
        parse(b"{\"a\":\"\xFF\"}").err(),
        Some(EnvelopeError::InvalidUtf8 { offset: 6 })
    );
    assert_eq!(
        parse(b"{\"a\":\"\xED\xA0\x80\"}").err(),
        Some(EnvelopeError::InvalidUtf8 { offset: 6 })
    );
}

#[test]
fn messages_say_what_was_expected_and_found() {
    for (body, message) in [
        (
            "{\"a\":1,}",
            "the request body is not valid JSON: expected a string as the key at byte 7, found `}`",
        ),
        (
            "{\"a\":",
            "the request body is not valid JSON: expected a value at byte 5, found the end of the body",
        ),
        (
            "{\"a\":\"\n\"}",
            "the request body is not valid JSON: expected no raw control character inside a string at byte 6, found byte 0x0a",
        ),
        ("{\"stream\":2}", "the field `stream` must be true or false"),
    ] {
        assert_eq!(parse(body).expect_err(body).to_string(), message);
    }
}

#[test]
fn depth_is_bounded_and_costs_no_stack() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    good(&nested(128));
    assert_eq!(
        parse(nested(129)).err(),
        Some(EnvelopeError::TooDeep {
            offset: 5 + 127,
            limit: 128
        })
    );
    assert!(matches!(
        parse("{\"a\":".repeat(1_000_000)),
        Err(EnvelopeError::TooDeep { .. })
    ));
    let mixed = format!("{}1{}", "{\"a\":[".repeat(64), "]}".repeat(64));
    good(&mixed);
    for (max_depth, accepted) in [(3, true), (2, false), (0, false), (1000, true)] {
        let limits = Limits {
            max_depth,
            ..Limits::default()
        };
        assert_eq!(
            Envelope::parse(Bytes::from(nested(3)), limits).is_ok(),
            accepted
        );
    }
}

#[test]
fn the_number_of_fields_is_bounded() {
    let body = |count: usize| {
        let fields: Vec<_> = (0..count)
            .map(|number| format!("\"{number}\":{number}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    };
    good(&body(256));
    assert!(matches!(
        parse(body(257)),
        Err(EnvelopeError::TooManyFields { limit: 256, .. })
    ));
}

#[test]
fn a_long_duplicate_key_is_not_repeated_in_full() {
    let key = "é".repeat(10_000);
    let error = parse(format!("{{\"{key}\":1,\"{key}\":2}}")).expect_err("twice the same key");
    assert_eq!(error.param().map(|field| field.chars().count()), Some(64));
}

#[test]
fn an_edit_that_changes_nothing_gives_the_same_bytes() {
    let envelope = good(r#"{"model":"a", "x":1}"#);
    let mut edit = envelope.edit();
    edit.set("model", "\"a\"")
        .remove("absent")
        .set_if_absent("x", "2")
        .remove_gateway_fields();
    assert_eq!(edit.finish().as_ptr(), envelope.body().as_ptr());
}

#[test]
fn edits_are_spliced_in_place() {
    for (body, expected) in [
        ("{}", r#"{"new":[1]}"#),
        (" { } ", r#" {"new":[1] } "#),
        (r#"{"drop":1}"#, r#"{"new":[1]}"#),
        (r#"{ "drop":1 }"#, r#"{ "new":[1] }"#),
        (r#"{"drop":1,"a":1}"#, r#"{"a":1,"new":[1]}"#),
        (r#"{"a":1,"drop":1}"#, r#"{"a":1,"new":[1]}"#),
        (r#"{"a":1, "drop":1, "b":2}"#, r#"{"a":1, "b":2,"new":[1]}"#),
        (
            r#"{"model" : "m" , "drop":1}"#,
            r#"{"model" : "other","new":[1]}"#,
        ),
        (
            r#"{"drop":1,"model":"m","b":{"model":"m"}}"#,
            r#"{"model":"other","b":{"model":"m"},"new":[1]}"#,
        ),
    ] {
        let envelope = good(body);
        let mut edit = envelope.edit();
        edit.remove("drop")
            .set_if_absent("new", "[1]")
            .set_if_absent("a", "7");
        if envelope.model().is_some() {
            edit.set_string("model", "other");
        }
        let absent_a = if envelope.field("a").is_none() {
            ",\"a\":7"
        } else {
            ""
        };
        let expected = expected.replacen("\"new\":[1]", &format!("\"new\":[1]{absent_a}"), 1);
        assert_eq!(edit.finish(), expected, "{body}");
    }
}

#[test]
fn the_last_change_to_a_key_wins() {
    let envelope = good(r#"{"a":1}"#);
    let mut edit = envelope.edit();
    edit.set("a", "2")
        .remove("a")
        .set_if_absent("a", "3")
        .set_if_absent("a", "4")
        .set_string("q\"", "\n");
    assert_eq!(edit.finish(), r#"{"a":3,"q\"":"\n"}"#);
}

#[test]
fn the_gateways_own_fields_are_found_and_taken_out() {
    let envelope = good(
        r#"{"timeout":1,"model":"m","num_retries":2,"metadata":{"timeout":3},"mock_timeout":true,"litellm_x":0,"stream_\u0074imeout":4,"timeouts":5}"#,
    );
    let own: Vec<_> = envelope.gateway_fields().collect();
    assert_eq!(
        own,
        [
            "timeout",
            "num_retries",
            "mock_timeout",
            "litellm_x",
            "stream_timeout"
        ]
    );
    let mut edit = envelope.edit();
    edit.remove_gateway_fields();
    assert_eq!(
        edit.finish(),
        r#"{"model":"m","metadata":{"timeout":3},"timeouts":5}"#
    );
    for key in [
        "model",
        "messages",
        "metadata",
        "max_tokens",
        "user",
        "store",
        "n",
        "thinking",
        "service_tier",
        "logprobs",
        "provider",
        "plugins",
        "prompt_cache_key",
        "context_management",
    ] {
        assert!(!is_gateway_field(key), "{key}");
    }
    for key in [
        "timeout",
        "stream_timeout",
        "slow_client_timeout",
        "num_retries",
        "max_retries",
        "fallbacks",
        "include_fallback_errors",
        "mock_response",
        "mock_delay",
        "mock_testing_fallbacks",
        "tags",
        "api_key",
        "_target_order",
    ] {
        assert!(is_gateway_field(key), "{key}");
    }
}

#[test]
fn a_debug_print_shows_no_content() {
    let envelope = good(r#"{"model":"m","messages":"canary"}"#);
    let mut edit = envelope.edit();
    edit.set_string("system", "canary");
    assert!(!format!("{envelope:?} {edit:?}").contains("canary"));
}
