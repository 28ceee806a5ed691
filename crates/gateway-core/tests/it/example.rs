//! The example program, run as a user would run it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

#[test]
fn the_example_tells_a_complete_stream_from_a_cut_one() {
    let whole = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
    let output = run("openai_chat", whole);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    assert!(
        shown.contains("Content") && shown.contains("Terminal") && shown.contains("complete"),
        "{shown}"
    );
    assert!(
        shown.contains("input tokens Some(3), output tokens Some(1)"),
        "{shown}"
    );

    let output = run("openai_chat", whole.trim_end_matches("data: [DONE]\n\n"));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("truncated"));

    let output = run("no_such_dialect", whole);
    assert_eq!(output.status.code(), Some(2));
}

fn run(dialect: &str, stream: &str) -> Output {
    let mut child = Command::new(program())
        .arg(dialect)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example was built with the tests");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A program that refuses its arguments does not read.
    drop(stdin.write_all(stream.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("the example ends")
}

/// Cargo builds examples along with the tests, beside their folder.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().expect("the test knows where it is");
    path.pop();
    path.pop();
    path.join("examples")
        .join(format!("observe_stream{}", std::env::consts::EXE_SUFFIX))
}
