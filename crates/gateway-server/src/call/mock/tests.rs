//! What is made up, for whom.

use super::*;
use gateway_core::Limits;
use serde_json::json;

fn asked(body: &Value, allowed: bool) -> Result<Option<Box<Mock>>, Failure> {
    let body = Bytes::from(body.to_string());
    read(&Envelope::parse(body, Limits::default()).unwrap(), allowed)
}

#[test]
fn mocks_that_are_not_allowed_are_refused_by_name() {
    for field in FIELDS {
        let refused = asked(&json!({field: true}), false).unwrap_err();
        assert_eq!(refused.error.status, 400);
        assert_eq!(refused.error.param.as_deref(), Some(field));
        let wanted = "dangerously_allow_mock_testing_request_params";
        assert!(refused.error.message.contains(wanted));
        assert_eq!(asked(&json!({field: false}), false).unwrap(), None);
    }
}

#[test]
fn failures_that_are_asked_for_are_those_of_the_fields_and_names() {
    for (body, kind, again) in [
        (
            json!({"mock_testing_fallbacks": true}),
            ErrorKind::Internal,
            Some(Again::Never),
        ),
        (
            json!({"mock_testing_context_fallbacks": true}),
            ErrorKind::ContextWindow,
            Some(Again::Never),
        ),
        (
            json!({"mock_testing_context_window_fallbacks": true}),
            ErrorKind::ContextWindow,
            Some(Again::Never),
        ),
        (
            json!({"mock_testing_content_policy_fallbacks": true}),
            ErrorKind::ContentPolicy,
            Some(Again::Never),
        ),
        (
            json!({"mock_testing_rate_limit_error": true}),
            ErrorKind::RateLimit,
            Some(Again::Later),
        ),
        (
            json!({"mock_response": "litellm.InternalServerError"}),
            ErrorKind::Internal,
            None,
        ),
    ] {
        let mock = asked(&body, true).unwrap().unwrap();
        let mishap = mock.failure.as_ref().unwrap();
        assert_eq!((mishap.error.kind, mishap.again), (kind, again), "{body}");
        // Nobody's deployment is set aside for what a request made up.
        assert!(mock.fails(mishap).outcome.by_caller);
    }
}

#[test]
fn a_configuration_may_mock_a_deployment() {
    assert_eq!(Mock::configured(None, false), None);
    assert!(Mock::configured(None, true).unwrap().silent);
    let said = Mock::configured(Some(&json!("hello")), false).unwrap();
    assert_eq!(said.text.as_deref(), Some("hello"));
    let failing = Mock::configured(Some(&json!("litellm.RateLimitError")), false).unwrap();
    let mishap = failing.failure.as_ref().unwrap();
    assert!(!failing.fails(mishap).outcome.by_caller);
}

#[test]
fn a_made_up_stream_is_whole_and_has_content() {
    for dialect in [
        Dialect::OpenAiChat,
        Dialect::OpenAiCompletions,
        Dialect::AnthropicMessages,
    ] {
        let body = Bytes::from_static(br#"{"model": "m", "stream": true, "messages": []}"#);
        let envelope = Envelope::parse(body, Limits::default()).unwrap();
        let got = streamed(dialect, answer(dialect, &envelope, "hello"));
        let Answer::Stream(None, batch) = got.answer else {
            panic!("{dialect:?} did not stream");
        };
        assert!(batch.events > 1 && !batch.ready.is_empty());
        assert!(matches!(batch.ending, Some(Ending::Complete { .. })));
    }
}
