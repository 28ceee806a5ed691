//! `cargo xtask fuzz`: runs the fuzz targets of `fuzz/` for a while each.

use crate::failure::{Doing, Failure, Result};
use crate::shell;
use crate::steps::{OnFailure, Steps};

/// Options of `cargo xtask fuzz`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// One target; without it all of them, one after the other.
    target: Option<String>,
}

/// Runs the targets; a crash is a failure and leaves its input in `fuzz/artifacts`.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !shell::works("cargo", &["+nightly", "fuzz", "--version"]) {
        return Err(Failure::new(
            "fuzzing needs a nightly toolchain and cargo-fuzz:\n  \
             rustup toolchain install nightly\n  \
             cargo install cargo-fuzz --locked",
        ));
    }
    let targets = match &args.target {
        Some(target) => vec![target.clone()],
        None => targets()?,
    };
    let mut steps = Steps::new(OnFailure::GoOn);
    for target in &targets {
        steps.step(target, || fuzz(target, args.seconds));
    }
    steps.finish()
}

fn targets() -> Result<Vec<String>> {
    let list = shell::output(&mut nightly(&["fuzz", "list"]))?;
    Ok(list.lines().map(str::to_owned).collect())
}

/// One target. Our crates forbid `unsafe`, so the address sanitizer finds nothing and only costs speed.
///
/// What the fuzzer learns goes into a folder of its own; the stored inputs are where it starts from, and stay as
/// they are: each of them runs as an ordinary test of `gateway-core`.
fn fuzz(target: &str, seconds: u32) -> Result<()> {
    let learned = shell::target_dir().join("fuzz-corpus").join(target);
    std::fs::create_dir_all(&learned).doing(learned.display())?;
    let stored = shell::root().join("fuzz/corpus").join(target);
    let mut run = nightly(&["fuzz", "run", "--sanitizer", "none", target]);
    run.args([learned, stored]).arg("--");
    run.arg(format!("-max_total_time={seconds}"));
    shell::run(run.args(["-timeout=10", "-rss_limit_mb=2048"]))
}

fn nightly(arguments: &[&str]) -> std::process::Command {
    // `cargo` from the path and not `$CARGO`: only rustup's proxy understands `+nightly`.
    let mut command = std::process::Command::new("cargo");
    command.arg("+nightly").args(arguments);
    command.current_dir(shell::root());
    command
}
