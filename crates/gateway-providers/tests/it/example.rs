//! The example program, run against the testkit's upstream.

use gateway_providers::Environment;
use gateway_testkit::dialect::Dialects;
use gateway_testkit::upstream::Upstream;

#[path = "../../examples/ask.rs"]
#[expect(dead_code, reason = "the program's `main` is not called here")]
mod ask;

#[tokio::test]
async fn the_example_gets_an_answer() {
    let dialects = Dialects::default();
    let upstream = Upstream::answering(move |request| dialects.answer(request)).await;
    let environment = Environment::with_variables([("OPENAI_API_KEY", "sk-test")]);
    let base = format!("{}/v1", upstream.url());
    let answer = ask::ask("openai/m", &base, "hello", &environment)
        .await
        .expect("an answer");
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    assert!(
        answer["choices"][0]["message"]["content"].is_string(),
        "{answer}"
    );
    assert_eq!(
        upstream.requests()[0].header("authorization"),
        Some("Bearer sk-test")
    );
}
