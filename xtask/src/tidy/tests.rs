//! Each rule is shown to find what it is for, and to leave good files alone.

use super::workspace::{Crate, Dependency, Workspace};
use super::{Finding, TextFile, arrows, documents, sources};

fn file(path: &str, text: &str) -> TextFile {
    TextFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn dependency(name: &str, kind: Option<&str>, features: &[&str]) -> Dependency {
    Dependency {
        name: name.to_owned(),
        kind: kind.map(str::to_owned),
        features: features.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// A workspace of crates without dependencies, with those given added to one of them.
fn workspace(of: &str, dependencies: Vec<Dependency>) -> Workspace {
    let mut workspace = Workspace::default();
    for name in [
        "gateway-core",
        "gateway-transport",
        "gateway-server",
        "gateway-testkit",
    ] {
        let known = Crate {
            manifest: format!("crates/{name}/Cargo.toml"),
            text: "[dependencies]\nbytes.workspace = true\nh2 = \"0.4\"\n".to_owned(),
            description: Some("Good.".to_owned()),
            dependencies: Vec::new(),
        };
        workspace.crates.insert(name.to_owned(), known);
    }
    workspace
        .crates
        .entry(of.to_owned())
        .or_default()
        .dependencies = dependencies;
    workspace
}

fn whats(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.what.as_str())
        .collect()
}

fn in_source(path: &str, text: &str) -> Vec<String> {
    let findings = sources::check(&[file(path, text)]);
    findings.into_iter().map(|finding| finding.what).collect()
}

fn in_documents(files: &[TextFile]) -> Vec<Finding> {
    let findings = documents::check(&Workspace::default(), files, &["/home/me/".to_owned()]);
    findings
        .into_iter()
        .filter(|finding| finding.what != "missing")
        .collect()
}

#[test]
fn an_arrow_against_the_architecture_is_found() {
    let up = dependency("gateway-server", None, &[]);
    let findings = arrows::check(&workspace("gateway-transport", vec![up]));
    assert_eq!(
        whats(&findings),
        ["gateway-transport must not use gateway-server"]
    );
}

#[test]
fn an_arrow_of_the_architecture_is_fine() {
    let down = dependency("gateway-core", None, &[]);
    assert!(arrows::check(&workspace("gateway-server", vec![down])).is_empty());
}

#[test]
fn the_testkit_is_for_tests_only() {
    let for_tests = dependency("gateway-testkit", Some("dev"), &[]);
    assert!(arrows::check(&workspace("gateway-core", vec![for_tests])).is_empty());
    let shipped = dependency("gateway-testkit", None, &[]);
    assert_eq!(
        arrows::check(&workspace("gateway-core", vec![shipped])).len(),
        1
    );
}

#[test]
fn a_crate_that_the_table_does_not_know_is_found() {
    let findings = arrows::check(&workspace("gateway-surprise", Vec::new()));
    assert_eq!(
        whats(&findings),
        ["the crate gateway-surprise is not in the table of arrows"]
    );
}

#[test]
fn a_reserved_package_is_found_with_its_line() {
    let findings = arrows::check(&workspace(
        "gateway-server",
        vec![dependency("h2", None, &[])],
    ));
    assert_eq!(whats(&findings), ["gateway-server must not use h2"]);
    assert_eq!(findings[0].line, 3);
}

#[test]
fn only_the_transport_has_hypers_client() {
    let client = vec![dependency("hyper", None, &["client", "http1"])];
    assert_eq!(
        arrows::check(&workspace("gateway-server", client.clone())).len(),
        1
    );
    assert!(arrows::check(&workspace("gateway-transport", client)).is_empty());
}

#[test]
fn core_must_not_reach_a_runtime_through_another_package() {
    let mut workspace = workspace("gateway-core", Vec::new());
    let needs = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    workspace
        .needs
        .insert("gateway-core".to_owned(), needs(&["bytes"]));
    workspace
        .needs
        .insert("bytes".to_owned(), needs(&["tokio"]));
    let findings = arrows::check(&workspace);
    assert_eq!(
        whats(&findings),
        ["gateway-core reaches tokio: gateway-core -> bytes -> tokio"]
    );
    assert_eq!(findings[0].line, 2);
}

#[test]
fn a_file_without_header_is_found() {
    assert_eq!(
        in_source("crates/a/src/lib.rs", "fn a() {}\n"),
        ["no header"]
    );
    assert!(in_source("crates/a/src/lib.rs", "//! A.\nfn a() {}\n").is_empty());
}

#[test]
fn a_crate_page_is_a_header() {
    let text = "#![doc = include_str!(\"../README.md\")]\n";
    assert!(in_source("crates/a/src/lib.rs", text).is_empty());
}

#[test]
fn a_wire_type_outside_of_core_is_found() {
    let text = "//! A.\n#[derive(Debug, Deserialize)]\nstruct A;\n";
    let found = ["a type that is read from foreign bytes"];
    assert_eq!(in_source("crates/gateway-router/src/a.rs", text), found);
    assert!(in_source("crates/gateway-core/src/dialect/a.rs", text).is_empty());
    assert!(in_source("crates/gateway-server/src/config/said.rs", text).is_empty());
}

#[test]
fn a_long_file_is_found_and_tests_may_be_longer() {
    let text = format!("//! A.\n{}", "// line\n".repeat(500));
    assert_eq!(
        in_source("crates/a/src/a.rs", &text),
        ["501 lines, at most 400"]
    );
    assert!(in_source("crates/a/src/a/tests.rs", &text).is_empty());
    assert!(in_source("crates/a/tests/it/a.rs", &text).is_empty());
    let text = format!("//! A.\n{}", "// line\n".repeat(800));
    assert_eq!(
        in_source("tests/tests/it/a.rs", &text),
        ["801 lines, at most 800"]
    );
}

#[test]
fn marks_of_unfinished_work_are_found() {
    for mark in [
        "// TO\u{0}DO later",
        "    todo\u{0}!()",
        "#[ig\u{0}nore]",
        "// FIX\u{0}ME",
    ] {
        // The zero byte keeps the marks out of this file.
        let text = format!("//! A.\n{}\n", mark.replace('\u{0}', ""));
        assert_eq!(in_source("crates/a/src/a.rs", &text).len(), 1, "{text}");
    }
}

#[test]
fn a_bare_spawn_is_found_outside_of_tests() {
    let spawn = "tokio::spawn(work());\n";
    let text = format!("//! A.\n{spawn}");
    assert_eq!(
        in_source("crates/a/src/a.rs", &text),
        ["a task that nobody waits for"]
    );
    let text = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{spawn}}}\n");
    assert!(in_source("crates/a/src/a.rs", &text).is_empty());
    let text = format!("//! A.\n// not {spawn}");
    assert!(in_source("crates/a/src/a.rs", &text).is_empty());
}

#[test]
fn a_lint_exception_needs_a_reason() {
    let bare = "//! A.\n\n#[allow(dead_code)]\nfn a() {}\n";
    assert_eq!(
        in_source("crates/a/src/a.rs", bare),
        ["a lint exception without a reason"]
    );
    let explained = "//! A.\n\n// The C side calls it.\n#[allow(dead_code)]\nfn a() {}\n";
    assert!(in_source("crates/a/src/a.rs", explained).is_empty());
}

#[test]
fn a_link_to_nowhere_is_found_with_its_line() {
    let good = file(
        "docs/a.md",
        "# One thing: more\n[b](b.md) [root](../README.md) [folder](../docs)\n",
    );
    let bad = file(
        "docs/b.md",
        "fine\n[gone](../gone.md) [web](https://example.com/x.md)\n",
    );
    let findings = in_documents(&[
        file("README.md", "[a](docs/a.md#one-thing-more)"),
        good,
        bad,
    ]);
    assert_eq!(whats(&findings), ["a link to nowhere: ../gone.md"]);
    assert_eq!(
        (findings[0].file.as_str(), findings[0].line),
        ("docs/b.md", 2)
    );
}

#[test]
fn a_link_to_no_heading_is_found() {
    let findings = in_documents(&[file("a.md", "# Here\n[x](#there)\n[y](#here)\n")]);
    assert_eq!(whats(&findings), ["a link to no heading: #there"]);
}

#[test]
fn links_in_code_are_not_links() {
    assert!(in_documents(&[file("a.md", "```\n[x](gone.md)\n```\n")]).is_empty());
}

#[test]
fn paths_of_the_machine_and_registry_hosts_are_found() {
    let host = ["pypi", ".org"].concat();
    let text = format!("see /home/me/work\nindex = https://{host}/simple\n");
    let findings = in_documents(&[file("a.toml", &text)]);
    assert_eq!(findings.len(), 2);
    assert!(in_documents(&[file("Cargo.lock", &text)]).is_empty());
}

#[test]
fn required_documents_are_missed() {
    let findings = documents::check(&Workspace::default(), &[], &[]);
    assert!(
        findings
            .iter()
            .any(|finding| finding.file == "CHANGELOG.md")
    );
}

#[test]
fn a_crate_without_readme_or_description_is_found() {
    let mut workspace = workspace("gateway-core", Vec::new());
    let core = workspace.crates.get_mut("gateway-core").unwrap();
    core.description = None;
    let files = [file("crates/gateway-core/README.md", "# Core\n")];
    let findings = documents::check(&workspace, &files, &[]);
    let whats = whats(&findings);
    assert!(whats.contains(&"gateway-core has no description"));
    assert!(!whats.contains(&"gateway-core has no README.md"));
    assert!(whats.contains(&"gateway-server has no README.md"));
}
