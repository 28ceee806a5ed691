//! The release binary, without a trace of the machine that it was built on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::failure::{Doing, Failure, Result};
use crate::shell;

/// Builds the workspace at `root` into `target` and says where the binary is. The list of what went into it is in its
/// section `.dep-v0`, for `cargo audit bin` and its kin.
pub(super) fn release(root: &Path, target: &Path) -> Result<PathBuf> {
    auditable()?;
    let home = cargo_home()?;
    // The last that fits counts.
    let places = [(home.as_path(), "cargo"), (root, "."), (target, "target")];
    let rust = places.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    let c = places.map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display()));
    // By its number debuggers find the debug information that is shipped apart.
    let build_id = "-Clink-arg=-Wl,--build-id=sha1".to_owned();
    let rust: Vec<String> = rust.into_iter().chain([build_id]).collect();
    let mut cargo = shell::cargo(&["auditable", "build", "--release", "--locked"]);
    cargo.args(["--package", "gateway-server", "--target-dir"]);
    cargo.arg(target).current_dir(root);
    cargo.env("PATH", path_with_tools()?);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"));
    cargo.env("CFLAGS", c.join(" "));
    cargo.env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
    shell::run(&mut cargo)?;
    Ok(target.join("release/gateway-server"))
}

/// Puts the commit's files into a new folder.
pub(super) fn copy_of_the_commit(folder: &Path) -> Result<()> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(arguments).current_dir(shell::root());
        git
    };
    let changed = shell::output(&mut git(&["status", "--porcelain"]))?;
    if !changed.is_empty() {
        return Err(Failure::new(
            "the second build is made of the commit, and there is what is not committed",
        ));
    }
    fs::create_dir_all(folder).doing(format!("making {}", folder.display()))?;
    let mut archive = git(&["archive", "HEAD"])
        .stdout(Stdio::piped())
        .spawn()
        .doing("cannot start `git archive`")?;
    let files = archive.stdout.take();
    let files = files.ok_or_else(|| Failure::new("`git archive` gives nothing"))?;
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--directory"]).arg(folder);
    shell::run(tar.stdin(files))?;
    let status = archive.wait().doing("`git archive`")?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`git archive` failed with {status}")))
}

/// Installs `cargo auditable` where it is missing, in a place of ours.
fn auditable() -> Result<()> {
    let there = Command::new("cargo-auditable")
        .args(["auditable", "--version"])
        .env("PATH", path_with_tools()?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if there.is_ok() {
        return Ok(());
    }
    let mut install = shell::cargo(&["install", "cargo-auditable", "--locked", "--quiet"]);
    install
        .args(["--version", AUDITABLE, "--root"])
        .arg(tools());
    shell::run(&mut install)
}

fn tools() -> PathBuf {
    shell::target_dir().join("tools")
}

fn path_with_tools() -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = [tools().join("bin")].into_iter();
    env::join_paths(all.chain(env::split_paths(&path))).doing("PATH")
}

fn cargo_home() -> Result<PathBuf> {
    let said = env::var_os("CARGO_HOME").map(PathBuf::from);
    said.or_else(|| Some(env::home_dir()?.join(".cargo")))
        .ok_or_else(|| Failure::new("neither CARGO_HOME nor a home is known"))
}

const AUDITABLE: &str = "0.7.7";
