//! What the tests need beyond the Rust toolchain, and how it gets here.

use std::path::Path;
use std::process::Command;

use crate::failure::{Doing, Failure, Result};
use crate::shell;
use crate::steps::Steps;

/// A Debian package and how to see that its program is there.
struct Tool {
    package: &'static str,
    program: &'static str,
    probe: &'static [&'static str],
}

const TOOLS: [Tool; 6] = [
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
    steps.step("Python clients", python_clients);
    steps.step("Node clients", node_clients);
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

/// A virtual environment with the published clients; `tests/` looks for the Python there.
fn python_clients() -> Result<()> {
    clients(
        "python",
        "requirements.txt",
        "requirements.txt",
        |to, pins| {
            shell::run(
                Command::new("python3")
                    .args(["-m", "venv", "--clear"])
                    .arg(to),
            )?;
            let mut install = Command::new(to.join("bin/python"));
            install.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ]);
            shell::run(install.arg("--requirement").arg(pins))
        },
    )
}

/// A folder with the published clients for Node; `tests/` looks for its `node_modules`.
fn node_clients() -> Result<()> {
    clients("node", "node/package.json", "installed.json", |to, pins| {
        std::fs::create_dir_all(to).doing(format!("cannot create {}", to.display()))?;
        std::fs::copy(pins, to.join("package.json")).doing("cannot copy the pins")?;
        let mut install = Command::new("npm");
        install.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--ignore-scripts",
            "--loglevel=error",
        ]);
        shell::run(install.current_dir(to))
    })
}

/// Installs the clients of one language into a folder of the target directory, anew when their pins in `tests/` changed.
/// `stamp` is a copy of the pins that is written last.
fn clients(
    name: &str,
    pins: &str,
    stamp: &str,
    install: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<()> {
    let folder = shell::target_dir().join(name);
    let stamp = folder.join(stamp);
    let source = shell::root().join("tests").join(pins);
    let wanted = std::fs::read_to_string(&source).doing(format!("cannot read tests/{pins}"))?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        println!("all there");
        return Ok(());
    }
    install(&folder, &source)?;
    std::fs::write(&stamp, &wanted).doing(format!("cannot write {}", stamp.display()))
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
