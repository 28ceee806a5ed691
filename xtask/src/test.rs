//! `cargo xtask test`: all tests, also on a fresh machine.

mod machine;

use crate::failure::Result;
use crate::steps::{OnFailure, Steps};
use crate::{ci, package, shell};

/// Options of `cargo xtask test`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Install nothing: tests that need a foreign program fail where it is missing.
    #[arg(long)]
    no_install: bool,
}

/// Installs what is missing, then runs every test of the project.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut steps = Steps::new(OnFailure::GoOn);
    if !args.no_install {
        machine::add_steps(&mut steps);
    }
    ci::add_steps(&mut steps);
    steps.step("loom", loom);
    steps.step("package", package::run);
    steps.step("soak --short", || soak(&["--short"]));
    steps.step("soak --short --chaos 0.3", || {
        soak(&["--short", "--chaos", "0.3"])
    });
    steps.finish()
}

fn soak(arguments: &[&str]) -> Result<()> {
    let mut command = shell::cargo(&["run", "--quiet", "--package", "xtask", "--", "soak"]);
    shell::run(command.args(arguments))
}

/// All interleavings of the pool's lock; in a target folder of its own, since `--cfg loom` rebuilds everything.
fn loom() -> Result<()> {
    let mut test = shell::cargo(&["test", "--package", "gateway-transport", "--test", "loom"]);
    test.env("RUSTFLAGS", "--cfg loom");
    test.env("CARGO_TARGET_DIR", shell::target_dir().join("loom"));
    shell::run(&mut test)
}
