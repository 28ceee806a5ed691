//! What the tests need beyond the Rust toolchain, and how it gets here.

use std::path::{Path, PathBuf};
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

const TOOLS: [Tool; 4] = [
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
        package: "nginx-light",
        program: "nginx",
        probe: &["-v"],
    },
    Tool {
        package: "curl",
        program: "curl",
        probe: &["--version"],
    },
];

/// Adds the installation steps; each does nothing when its result is there already.
pub(crate) fn add_steps(steps: &mut Steps) {
    steps.step("Debian packages", debian_packages);
    steps.step("Python clients", python_clients);
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

/// A virtual environment with the published clients, made anew when `tests/requirements.txt` changed.
fn python_clients() -> Result<()> {
    let requirements = shell::root().join("tests/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)
        .map_err(|error| Failure::new(format!("tests/requirements.txt: {error}")))?;
    let environment = environment();
    let stamp = environment.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("all there");
        return Ok(());
    }
    shell::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )?;
    let mut install = Command::new(environment.join("bin/python"));
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    shell::run(install.arg("--requirement").arg(&requirements))?;
    write(&stamp, &wanted)
}

/// The virtual environment of the tests; `tests/` looks for the Python there.
fn environment() -> PathBuf {
    shell::target_dir().join("python")
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

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}
