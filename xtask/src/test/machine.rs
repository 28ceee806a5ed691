//! What the tests need beyond the Rust toolchain, and how it gets here.

use std::process::Command;

use crate::failure::{Failure, Result};
use crate::shell;
use crate::steps::Steps;

/// A Debian package and how to see that its program is there.
struct Tool {
    package: &'static str,
    program: &'static str,
    probe: &'static [&'static str],
}

const TOOLS: [Tool; 12] = [
    Tool {
        package: "python3-venv",
        program: "python3",
        // The module that Debian splits off: without it a virtual environment has no pip.
        probe: &["-c", "import ensurepip, venv"],
    },
    Tool {
        package: "nodejs",
        program: "node",
        probe: &["--version"],
    },
    Tool {
        package: "npm",
        program: "npm",
        probe: &["--version"],
    },
    Tool {
        package: "nginx-light",
        program: "nginx",
        probe: &["-v"],
    },
    Tool {
        package: "curl",
        program: "curl",
        probe: &["--version"],
    },
    // The page for operators is looked at in it.
    Tool {
        package: "chromium",
        program: "chromium",
        probe: &["--version"],
    },
    // Agents run in a network of their own, whose loopback must be set up.
    Tool {
        package: "iproute2",
        program: "ip",
        probe: &["-V"],
    },
    // What packaging/ makes is judged by these.
    Tool {
        package: "lintian",
        program: "lintian",
        probe: &["--version"],
    },
    Tool {
        package: "systemd",
        program: "systemd-analyze",
        probe: &["--version"],
    },
    Tool {
        package: "kubernetes-client",
        program: "kubectl",
        probe: &["kustomize", "--help"],
    },
    // Metrics, alerts and their tests are checked by Prometheus' own tool.
    Tool {
        package: "prometheus",
        program: "promtool",
        probe: &["--version"],
    },
    // The gateway's allocator is built with it.
    Tool {
        package: "make",
        program: "make",
        probe: &["--version"],
    },
];

/// Adds the installation steps; each does nothing when its result is there already.
pub(crate) fn add_steps(steps: &mut Steps) {
    steps.step("Debian packages", debian_packages);
    steps.step("published clients and doubles", published);
    steps.step("cargo-nextest", nextest);
}

fn debian_packages() -> Result<()> {
    let missing: Vec<_> = TOOLS
        .iter()
        .filter(|tool| !shell::works(tool.program, tool.probe))
        .map(|tool| tool.package)
        .collect();
    if missing.is_empty() {
        println!("all there");
        return Ok(());
    }
    let manual = format!("apt-get install {}", missing.join(" "));
    if !rustix::process::geteuid().is_root() || !shell::works("apt-get", &["--version"]) {
        return Err(Failure::new(format!("please run, as root: {manual}")));
    }
    println!("{manual}");
    let mut update = apt();
    shell::run(update.args(["update", "--quiet"]))?;
    let mut install = apt();
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]);
    shell::run(install.args(&missing))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Clients, agents and doubles from the registries, with their versions in `tests/published`.
fn published() -> Result<()> {
    shell::run(&mut shell::cargo(&[
        "run",
        "--quiet",
        "--package",
        "end-to-end",
        "--bin",
        "published",
    ]))
}

/// Without nextest the tests run under `cargo test`, which is slower but needs nothing.
fn nextest() -> Result<()> {
    if shell::works("cargo", &["nextest", "--version"]) {
        println!("all there");
        return Ok(());
    }
    let mut install = shell::cargo(&["install", "cargo-nextest", "--locked", "--quiet"]);
    if let Err(failure) = shell::run(&mut install) {
        println!("{failure}; going on with `cargo test`");
    }
    Ok(())
}
