//! Error bodies as upstreams write them.

use super::{MAX_TEXT, NO_MESSAGE, UpstreamError, read_upstream_error};
use crate::{Dialect, ErrorKind};

/// Status, kind, code, param.
type Facts<'a> = (u16, ErrorKind, Option<&'a str>, Option<&'a str>);

const SHAPES: &[(u16, &str, Facts<'_>)] = &[
    // OpenAI.
    (
        404,
        r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        (404, ErrorKind::NotFound, Some("model_not_found"), None),
    ),
    (
        400,
        r#"{"error":{"message":"m","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        (
            400,
            ErrorKind::ContextWindow,
            Some("context_length_exceeded"),
            Some("messages"),
        ),
    ),
    (
        401,
        r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        (
            401,
            ErrorKind::Authentication,
            Some("invalid_api_key"),
            None,
        ),
    ),
    (
        429,
        r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        (429, ErrorKind::Billing, Some("insufficient_quota"), None),
    ),
    (
        429,
        r#"{"error":{"message":"m","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        (429, ErrorKind::RateLimit, Some("rate_limit_exceeded"), None),
    ),
    (
        500,
        r#"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#,
        (500, ErrorKind::Internal, None, None),
    ),
    // Azure.
    (
        404,
        r#"{"error":{"code":"DeploymentNotFound","message":"m"}}"#,
        (404, ErrorKind::NotFound, Some("DeploymentNotFound"), None),
    ),
    (
        400,
        r#"{"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}}"#,
        (
            400,
            ErrorKind::ContentPolicy,
            Some("content_filter"),
            Some("prompt"),
        ),
    ),
    (
        401,
        r#"{"statusCode":401,"message":"m"}"#,
        (401, ErrorKind::Authentication, None, None),
    ),
    // vLLM, before and after it nested its errors; SGLang.
    (
        400,
        r#"{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}"#,
        (400, ErrorKind::InvalidRequest, Some("400"), None),
    ),
    (
        404,
        r#"{"error":{"message":"m","type":"NotFoundError","param":"model","code":404}}"#,
        (404, ErrorKind::NotFound, Some("404"), Some("model")),
    ),
    // Anthropic.
    (
        529,
        r#"{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"req_1"}"#,
        (529, ErrorKind::Overloaded, None, None),
    ),
    (
        413,
        r#"{"type":"error","error":{"type":"request_too_large","message":"m"}}"#,
        (413, ErrorKind::TooLarge, None, None),
    ),
    (
        504,
        r#"{"type":"error","error":{"type":"timeout_error","message":"m"}}"#,
        (504, ErrorKind::Timeout, None, None),
    ),
    // Google, plain and as the array that a stream would have been.
    (
        429,
        r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"@type":"t"}]}}"#,
        (429, ErrorKind::RateLimit, Some("429"), None),
    ),
    (
        400,
        r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}},{"error":{"message":"other"}}]"#,
        (400, ErrorKind::InvalidRequest, Some("400"), None),
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#,
        (401, ErrorKind::Authentication, Some("400"), None),
    ),
    (
        503,
        r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE","details":[{"reason":"MODEL_CAPACITY_EXHAUSTED"}]}}"#,
        (503, ErrorKind::Overloaded, Some("503"), None),
    ),
    // AWS, Ollama, FastAPI.
    (
        403,
        r#"{"Message":"m"}"#,
        (403, ErrorKind::Permission, None, None),
    ),
    (
        404,
        r#"{"error":"m"}"#,
        (404, ErrorKind::NotFound, None, None),
    ),
    (
        404,
        r#"{"detail":"m"}"#,
        (404, ErrorKind::NotFound, None, None),
    ),
    // A vague status is made precise by words; a clear one is not overruled.
    (
        500,
        r#"{"error":{"message":"m","type":"overloaded_error"}}"#,
        (500, ErrorKind::Overloaded, None, None),
    ),
    (
        503,
        r#"{"error":{"message":"m","type":"overloaded_error"}}"#,
        (503, ErrorKind::Overloaded, None, None),
    ),
    // As clients of Responses are told.
    (
        500,
        r#"{"error":{"message":"m","code":"server_is_overloaded"}}"#,
        (
            500,
            ErrorKind::Overloaded,
            Some("server_is_overloaded"),
            None,
        ),
    ),
    (
        403,
        r#"{"error":{"message":"m","type":"invalid_request_error"}}"#,
        (403, ErrorKind::Permission, None, None),
    ),
    (
        418,
        r#"{"error":{"message":"m","type":"tea"}}"#,
        (418, ErrorKind::InvalidRequest, None, None),
    ),
];

#[test]
fn the_request_that_aws_repeats_with_its_session_token_is_not_told() {
    let body = "{\"message\":\"The request signature we calculated does not match. Check your key.\\n\\nThe Canonical String for this \
                request should have been\\n'POST\\nx-amz-security-token:SECRET'\"}";
    let error =
        read_upstream_error(body, UpstreamError::Status(403)).expect("it speaks of an error");
    assert!(
        error.message.ends_with("Check your key."),
        "{}",
        error.message
    );
}

#[test]
fn each_known_shape_is_read() {
    for (status, json, expected) in SHAPES {
        for dialect in Dialect::ALL {
            let error = dialect
                .read_error_body(*status, json.as_bytes())
                .expect(json);
            let facts = (
                error.status,
                error.kind,
                error.code.as_deref(),
                error.param.as_deref(),
            );
            assert_eq!(facts, *expected, "{json}");
            assert_eq!(error.message, "m", "{json}");
        }
    }
}

#[test]
fn what_does_not_speak_of_an_error_is_none() {
    for body in [
        &b"<html><body>502 Bad Gateway</body></html>"[..],
        b"",
        b"upstream connect error",
        b"\"text\"",
        b"{",
        b"{}",
        b"[]",
        b"[1]",
        b"null",
        b"{\"error\":null}",
        b"{\"error\":true}",
        b"{\"ok\":1}",
        b"{\"error\":{\"message\":\"\xFF\"}}",
    ] {
        assert_eq!(
            Dialect::OpenAiChat.read_error_body(502, body),
            None,
            "{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn structured_details_stay_readable() {
    let json = br#"{"detail":[{"loc":["body","model"],"msg":"field required"}]}"#;
    let error = Dialect::OpenAiChat
        .read_error_body(422, json)
        .expect("FastAPI's shape is known");
    assert_eq!((error.status, error.kind), (422, ErrorKind::InvalidRequest));
    assert!(error.message.contains("field required"));
}

#[test]
fn an_error_without_a_message_gets_one() {
    for json in [
        r#"{"error":{}}"#,
        r#"{"error":{"code":"x","message":null}}"#,
        r#"{"error":{"message":""}}"#,
    ] {
        let error = Dialect::OpenAiChat
            .read_error_body(500, json.as_bytes())
            .expect(json);
        assert_eq!(error.message, NO_MESSAGE);
    }
}

#[test]
fn a_long_message_is_cut_at_a_character() {
    let json = format!(r#"{{"error":{{"message":"x{}"}}}}"#, "é".repeat(MAX_TEXT));
    let error = read_upstream_error(&json, UpstreamError::Status(400)).expect("the shape is known");
    assert_eq!(error.message.len(), MAX_TEXT);
    assert!(error.message.ends_with("é…"));
}

#[test]
fn a_status_that_is_no_error_is_replaced_by_what_the_words_mean() {
    let json = br#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#;
    let status = |dialect: Dialect| dialect.read_error_body(200, json).map(|error| error.status);
    assert_eq!(status(Dialect::AnthropicMessages), Some(529));
    assert_eq!(status(Dialect::OpenAiChat), Some(503));
}

/// Status and body as providers send them; the kind that they mean.
const PROSE: &[(u16, &str, ErrorKind)] = &[
    // OpenAI, Azure, vLLM, Groq, xAI, Together.
    (
        400,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":null}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        400,
        r#"{"object":"error","message":"This model's maximum context length is 10 tokens.","type":"BadRequestError","code":400}"#,
        ErrorKind::ContextWindow,
    ),
    (
        400,
        r#"{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        422,
        r#"{"error":{"message":"`inputs` tokens + `max_new_tokens` must be <= 4097","type":"invalid_request_error"}}"#,
        ErrorKind::ContextWindow,
    ),
    // Anthropic.
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 1 + 2 > 2"}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        413,
        r#"{"type":"error","error":{"type":"request_too_large","message":"Prompt is too long"}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
        ErrorKind::Billing,
    ),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#,
        ErrorKind::ContentPolicy,
    ),
    // Google.
    (
        400,
        r#"{"error":{"code":400,"message":"The input token count (2) exceeds the maximum number of tokens allowed (1).","status":"INVALID_ARGUMENT"}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        429,
        r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED"}}"#,
        ErrorKind::RateLimit,
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"Unable to submit request because the input token count is 2 but model only supports up to 1. Reduce the input token count and try again.","status":"INVALID_ARGUMENT"}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        429,
        r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
        ErrorKind::RateLimit,
    ),
    // Bedrock.
    (
        400,
        r#"{"message":"Input is too long for requested model."}"#,
        ErrorKind::ContextWindow,
    ),
    // xAI, DeepSeek, OpenRouter.
    (
        403,
        r#"{"code":"c","error":"Content violates usage guidelines. Failed check: X"}"#,
        ErrorKind::ContentPolicy,
    ),
    (
        400,
        r#"{"error":{"message":"Content Exists Risk","type":"invalid_request_error","code":"invalid_request_error"}}"#,
        ErrorKind::ContentPolicy,
    ),
    (
        400,
        r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"message\":\"prompt is too long: 2 > 1\"}"}}}"#,
        ErrorKind::ContextWindow,
    ),
    (
        429,
        r#"{"error":{"message":"m","type":"billing","code":"billing_hard_limit_reached"}}"#,
        ErrorKind::Billing,
    ),
    (
        429,
        r#"{"error":{"message":"m","type":"requests","code":"insufficient_quota"}}"#,
        ErrorKind::Billing,
    ),
    (
        400,
        r#"{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","code":null}}"#,
        ErrorKind::Billing,
    ),
    // Azure.
    (
        400,
        r#"{"error":{"message":"m","code":"bad_request","innererror":{"code":"x","message":"Azure OpenAI's content management policy"}}}"#,
        ErrorKind::ContentPolicy,
    ),
    // A clear status is not overruled by prose.
    (
        429,
        r#"{"error":{"message":"prompt is too long for your tier","type":"rate_limit_error"}}"#,
        ErrorKind::RateLimit,
    ),
    (
        404,
        r#"{"error":{"message":"prompt is too long"}}"#,
        ErrorKind::NotFound,
    ),
    (
        529,
        r#"{"error":{"message":"insufficient balance of servers"}}"#,
        ErrorKind::Overloaded,
    ),
];

#[test]
fn prose_tells_a_full_context_a_refusal_and_an_exhausted_credit() {
    for (status, json, kind) in PROSE {
        let error = Dialect::OpenAiChat
            .read_error_body(*status, json.as_bytes())
            .expect(json);
        assert_eq!((error.status, error.kind), (*status, *kind), "{json}");
    }
}

#[test]
fn an_error_event_tells_them_too_with_the_status_that_it_would_have_had() {
    for (json, kind, status) in [
        (
            r#"{"error":{"message":"m","code":"context_length_exceeded"}}"#,
            ErrorKind::ContextWindow,
            400,
        ),
        (
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"content_filter"}}"#,
            ErrorKind::ContentPolicy,
            400,
        ),
        (
            r#"{"error":{"message":"prompt is too long: 2 > 1"}}"#,
            ErrorKind::ContextWindow,
            400,
        ),
    ] {
        for dialect in Dialect::ALL {
            let error = super::read_error_event(dialect, json);
            assert_eq!((error.kind, error.status), (kind, status), "{json}");
        }
    }
}
