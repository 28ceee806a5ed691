//! Our double of Gemini, with Google's own client as the judge of what it says.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use end_to_end::python;
use gateway_testkit::dialect::gemini::{self, Operation};
use gateway_testkit::dialect::{Dialects, Knobs};
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::Value;

/// What Gemini does for a model of this name.
fn behave(request: &Recorded) -> Script {
    let path = request.path();
    let knobs = Knobs::default();
    let says = |word: &str| path.contains(&format!("/{word}:"));
    let events = || Script::new().head(ResponseHead::sse());
    match Operation::of(request) {
        Some(_) if says("refused") => Script::json(429, &gemini::error_body(429, "Quota exceeded")),
        Some(Operation::Generate) if says("agent") => {
            Script::json(200, &gemini::agent_body(&knobs))
        }
        Some(Operation::Generate) if says("blocked") => Script::json(200, &gemini::blocked_body()),
        Some(Operation::Stream) if says("agent") => {
            events().all(gemini::agent_stream(&knobs)).end()
        }
        Some(Operation::Stream) if says("late") => events()
            .all(gemini::stream(&knobs).take(2))
            .bytes(gemini::error_event(503, "Overloaded"))
            .end(),
        _ => Dialects::default().answer(request),
    }
}

#[tokio::test]
async fn googles_client_reads_what_the_double_says() {
    let upstream = Upstream::answering(behave).await;
    let clients = "google-genai.txt";
    let lines = python::run_with(clients, "genai_calls.py", &[&upstream.url(), "key"]).await;
    let said: HashMap<&str, &Value> = lines
        .iter()
        .map(|line| (line["case"].as_str().unwrap(), line))
        .collect();
    let result = |case: &str| {
        assert!(said[case]["raised"].is_null(), "{:#}", said[case]);
        &said[case]["result"]
    };
    let text: String = Knobs::default().texts().collect();
    let answer = &result("unary text")["candidates"][0];
    assert_eq!(answer["content"]["parts"][0]["text"], text);
    assert_eq!(answer["finish_reason"], "STOP");
    let parts = &result("unary agent")["candidates"][0]["content"]["parts"];
    assert_eq!(parts[2]["function_call"]["args"]["city"], "Paris");
    assert!(parts[2]["thought_signature"].is_string(), "{parts:#}");
    let feedback = &result("unary blocked")["prompt_feedback"];
    assert_eq!(feedback["block_reason"], "SAFETY");
    let stream = result("stream text").as_array().unwrap();
    assert_eq!(stream.len(), 6);
    assert_eq!(stream[5]["usage_metadata"]["candidates_token_count"], 5);
    assert_eq!(result("stream agent").as_array().unwrap().len(), 5);
    assert_eq!(result("count")["total_tokens"], 11);
    assert_eq!(result("models")[0], "models/double");
    for (case, raised, status) in [
        ("unary refused", "ClientError", 429),
        ("stream refused", "ClientError", 429),
        ("stream late", "ServerError", 503),
        ("rejected", "ClientError", 400),
    ] {
        let line = said[case];
        assert_eq!(line["raised"][0], raised, "{line:#}");
        let message = line["message"].as_str().unwrap();
        assert!(message.starts_with(&status.to_string()), "{line:#}");
    }
}
