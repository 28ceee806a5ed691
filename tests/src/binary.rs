//! Where the binaries under test are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The gateway's binary: `GATEWAY_SERVER_BINARY`, or the one of this build.
///
/// # Panics
/// If it cannot be built.
pub fn gateway_server() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("GATEWAY_SERVER_BINARY") {
        Some(given) => given.into(),
        None => built("gateway-server"),
    })
}

/// The binary of this build that belongs to a package of the same name. Cargo makes it first when it is missing or
/// older than one of its sources.
///
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn built(package: &str) -> PathBuf {
    let binary = profile_dir().join(package);
    if !is_fresh(&binary) {
        build(package);
    }
    assert!(binary.exists(), "cargo did not make {}", binary.display());
    binary
}

/// The root of the workspace.
///
/// # Panics
/// If this crate has been moved out of it.
pub fn workspace() -> &'static Path {
    package()
        .parent()
        .expect("this crate lies in the workspace's folder")
}

/// The folder of this crate, as cargo says when it runs tests: who built them may have done so in another checkout with
/// the same target directory.
pub(crate) fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let said = std::env::var_os("CARGO_MANIFEST_DIR");
        said.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
    })
}

/// Cargo's target directory.
///
/// # Panics
/// If the test binary is not where cargo puts it.
pub fn target_dir() -> PathBuf {
    let profile = profile_dir();
    profile
        .parent()
        .expect("the profile's folder is in the target directory")
        .to_owned()
}

/// `target/debug`, or whatever this test binary was built into.
fn profile_dir() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its executable");
    own.parent()
        .and_then(Path::parent)
        .expect("cargo puts test binaries into deps/ of the profile's folder")
        .to_owned()
}

/// Whether the binary is there and no source that went into it is newer. Cargo lists those beside the binary.
fn is_fresh(binary: &Path) -> bool {
    let Some(built) = modified(binary) else {
        return false;
    };
    let Ok(list) = fs::read_to_string(binary.with_extension("d")) else {
        return false;
    };
    let sources = list.split_once(": ").map_or("", |(_, sources)| sources);
    sources
        .split_whitespace()
        .all(|source| modified(Path::new(source)).is_some_and(|at| at <= built))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn build(package: &str) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", package]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(workspace()).status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "cargo could not build {package}: {status:?}"
    );
}
