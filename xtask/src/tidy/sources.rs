//! Rules for each Rust file: header, size, marks of unfinished work, bare spawns, lint exceptions.

use super::{Finding, TextFile};

/// Most lines of a source file. Functions are bounded by clippy's `too_many_lines`.
const MOST_LINES: usize = 400;
/// Most lines of a file that holds only tests.
const MOST_LINES_OF_TESTS: usize = 800;

/// Marks of unfinished work; in two parts, so that this file does not contain them.
const MARKS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ig", "nore"),
];

/// Starting a task that nobody waits for.
const BARE_SPAWNS: [&str; 2] = [concat!("tokio::", "spawn("), concat!("task::", "spawn(")];

/// Where types may be read from foreign bytes: wire formats in core, configuration and orders in the server, token
/// and key answers in the providers. Elsewhere a parser would be a second opinion on what came.
const MAY_DESERIALIZE: [&str; 9] = [
    "crates/gateway-core/",
    "crates/gateway-providers/src/aws/",
    "crates/gateway-providers/src/token/",
    "crates/gateway-server/src/admin.rs",
    "crates/gateway-server/src/admin/",
    "crates/gateway-server/src/config/",
    // What a running gateway says of itself, which its own commands read.
    "crates/gateway-server/src/control/marks.rs",
    "crates/gateway-server/src/status/",
    "crates/gateway-server/src/demo.rs",
];

/// Every broken rule in the Rust files.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        check_header(file, &mut findings);
        check_size(file, &mut findings);
        check_lines(file, &mut findings);
        check_wire_types(file, &mut findings);
    }
    findings
}

fn check_header(file: &TextFile, findings: &mut Vec<Finding>) {
    // A library may take its crate page for a header.
    let headers = ["//! ", "#![doc = include_str!("];
    if !headers.iter().any(|header| file.text.starts_with(header)) {
        findings.push(Finding::new(
            &file.path,
            1,
            "no header",
            "begin the file with a `//!` sentence that says what it is for",
        ));
    }
}

fn check_size(file: &TextFile, findings: &mut Vec<Finding>) {
    let most = if holds_tests(&file.path) {
        MOST_LINES_OF_TESTS
    } else {
        MOST_LINES
    };
    let lines = file.text.lines().count();
    if lines > most {
        findings.push(Finding::new(
            &file.path,
            lines,
            format!("{lines} lines, at most {most}"),
            "split it: one idea per file",
        ));
    }
}

fn check_lines(file: &TextFile, findings: &mut Vec<Finding>) {
    let mut in_tests = holds_tests(&file.path);
    let mut above = "";
    for (at, line) in file.text.lines().enumerate() {
        let code = line.trim_start();
        // By our style the tests are the last module of a file.
        in_tests |= code.starts_with("#[cfg(test)]") || code.starts_with("#[cfg(all(test");
        for mark in MARKS.into_iter().filter(|mark| line.contains(mark)) {
            findings.push(Finding::new(
                &file.path,
                at + 1,
                format!("unfinished: `{mark}`"),
                "finish it, or write down what is missing where users look: docs or CHANGELOG.md",
            ));
        }
        let bare = BARE_SPAWNS.iter().any(|spawn| code.contains(spawn));
        if bare && !in_tests && !code.starts_with("//") {
            findings.push(Finding::new(
                &file.path,
                at + 1,
                "a task that nobody waits for",
                "spawn through a TaskTracker",
            ));
        }
        let exception = code.starts_with("#[allow(") || code.starts_with("#![allow(");
        let explained = above.starts_with("//") || line.contains("reason =");
        if exception && !explained && !above.starts_with("#[allow(") {
            findings.push(Finding::new(
                &file.path,
                at + 1,
                "a lint exception without a reason",
                "say why in a comment on the line above",
            ));
        }
        above = code;
    }
}

fn check_wire_types(file: &TextFile, findings: &mut Vec<Finding>) {
    let path = file.path.as_str();
    let shipped = path.starts_with("crates/") && path.contains("/src/");
    let allowed = MAY_DESERIALIZE.iter().any(|place| path.starts_with(place));
    if !shipped || allowed || holds_tests(path) || path.starts_with("crates/gateway-testkit/") {
        return;
    }
    let lines = file.text.lines().enumerate();
    let derives =
        |line: &str| line.trim_start().starts_with("#[derive") && line.contains("Deserialize");
    for (at, _) in lines.filter(|(_, line)| derives(line)) {
        findings.push(Finding::new(
            path,
            at + 1,
            "a type that is read from foreign bytes",
            "wire types live in gateway-core, configuration types in the server's config",
        ));
    }
}

/// Whether a path holds nothing but tests: `tests/…`, `…/tests.rs`, `…_tests.rs`.
fn holds_tests(path: &str) -> bool {
    path.split('/').any(|part| part == "tests")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}
