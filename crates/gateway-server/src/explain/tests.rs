//! Questions that cannot be answered; the answers are tested with the command line.

use super::*;

#[test]
fn an_unknown_model_is_answered_with_the_names_that_are_near() {
    let names = ["gpt-4o", "gpt-4o-mini", "claude", "gpt-4"];
    let message = unknown("gtp-4o", names.into_iter()).message;
    assert_eq!(
        message,
        r#"There is no model "gtp-4o". Nearest: "gpt-4o", "gpt-4"."#
    );
    let message = unknown("llama", names.into_iter()).message;
    assert!(
        message.contains(r#"There are: "gpt-4o", "gpt-4o-mini""#),
        "{message}"
    );
    let many: Vec<String> = (0..50).map(|it| format!("model-number-{it}")).collect();
    let message = unknown("x", many.iter().map(String::as_str)).message;
    assert!(message.contains("There are 50, among them"), "{message}");
    let message = unknown("x", std::iter::empty()).message;
    assert!(message.ends_with("There is no model at all."), "{message}");
}

#[test]
fn a_front_end_is_named_as_in_records() {
    assert_eq!(
        dialect("anthropic_messages").unwrap(),
        Dialect::AnthropicMessages
    );
    let error = dialect("openai").unwrap_err();
    assert!(error.message.contains("openai_chat"), "{}", error.message);
}
