//! `cargo xtask ci`: what every change must pass; fast when little changed.

use crate::failure::Result;
use crate::shell;
use crate::steps::{OnFailure, Steps};
use crate::tidy;

/// Options of `cargo xtask ci`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Stop at the first step that fails, instead of showing all that is wrong.
    #[arg(long)]
    fail_fast: bool,
}

/// Runs all steps and prints one table.
pub(crate) fn run(args: &Args) -> Result<()> {
    let on_failure = if args.fail_fast {
        OnFailure::Stop
    } else {
        OnFailure::GoOn
    };
    let mut steps = Steps::new(on_failure);
    add_steps(&mut steps);
    steps.finish()
}

/// The steps, cheapest first, so that the common mistakes show at once.
pub(crate) fn add_steps(steps: &mut Steps) {
    steps.step("format", format);
    steps.step("tidy", tidy::run);
    steps.step("clippy", || {
        shell::run(&mut shell::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    });
    steps.step("tests", tests);
    steps.step("documentation tests", || {
        shell::run(&mut shell::cargo(&[
            "test",
            "--workspace",
            "--doc",
            "--quiet",
        ]))
    });
    steps.step("documentation", || {
        let mut doc = shell::cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
        shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    if shell::works("cargo", &["deny", "--version"]) {
        steps.step("licences and sources", licences);
        steps.step("advisories", advisories);
    } else {
        steps.skip(
            "licences, sources, advisories",
            "cargo-deny is not installed: `cargo install cargo-deny --locked`",
        );
    }
}

/// The fuzz targets are a workspace of their own.
fn format() -> Result<()> {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    shell::run(&mut shell::cargo(&[
        "fmt",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--check",
    ]))
}

/// All tests of the workspace, by nextest where it is installed.
fn tests() -> Result<()> {
    if shell::works("cargo", &["nextest", "--version"]) {
        return shell::run(&mut shell::cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--no-tests=pass",
        ]));
    }
    println!("cargo-nextest is not installed: using `cargo test`");
    shell::run(&mut shell::cargo(&[
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--examples",
    ]))
}

fn licences() -> Result<()> {
    shell::run(&mut shell::cargo(&[
        "deny",
        "--offline",
        "check",
        "licenses",
        "bans",
        "sources",
    ]))
}

/// Known vulnerabilities. The database lives in a public repository; without a way to it this says so and passes.
fn advisories() -> Result<()> {
    if !shell::works("cargo", &["deny", "fetch", "db"]) {
        println!("SKIPPED: the advisory database cannot be reached from here");
        return Ok(());
    }
    shell::run(&mut shell::cargo(&["deny", "check", "advisories"]))
}
