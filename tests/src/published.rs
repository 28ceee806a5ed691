//! Programs that we did not write, from the registries: clients, agents, doubles of providers. What is wanted stands in
//! `tests/published`, one file each, with its version; it is installed once for all checkouts, in the user's cache.
//!
//! | file | what installs it |
//! | --- | --- |
//! | `x.txt` | pip, into a virtual environment of its own |
//! | `x.json` | npm, into a `node_modules` of its own |
//! | `x.crate` | `cargo install` |

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::binary;
use crate::command::{self, Done};

/// The folder of what a file of `tests/published` wants, installed if it is not there yet.
///
/// # Panics
/// If that cannot be done.
pub fn installed(name: &str) -> PathBuf {
    let pins = folder().join("published").join(name);
    let wanted = fs::read_to_string(&pins).unwrap_or_else(|_| panic!("no {}", pins.display()));
    let mut hash = DefaultHasher::new();
    wanted.hash(&mut hash);
    let cache = cache();
    fs::create_dir_all(&cache).expect("the cache is writable");
    let key = format!("{name}-{:016x}", hash.finish());
    let place = cache.join(&key);
    // Tests run in several processes, and one of them installs it for all.
    let lock = File::create(cache.join(key + ".lock")).expect("the cache is writable");
    lock.lock().expect("a file can be locked");
    let stamp = place.join("installed");
    if !stamp.exists() {
        // What an installation left behind that was killed.
        fs::remove_dir_all(&place).ok();
        fs::create_dir_all(&place).expect("the cache is writable");
        install(&pins, &wanted, &place);
        fs::write(&stamp, "").expect("the cache is writable");
    }
    place
}

/// Installs everything that the tests want.
///
/// # Panics
/// If that cannot be done.
pub fn install_all() {
    let files = fs::read_dir(folder().join("published")).expect("the folder is there");
    for file in files {
        let name = file.expect("the folder can be read").file_name();
        installed(name.to_str().expect("our names are plain"));
    }
}

fn install(pins: &Path, wanted: &str, to: &Path) {
    match pins.extension().and_then(|it| it.to_str()) {
        Some("txt") => with_pip(pins, to),
        Some("json") => with_npm(pins, to),
        Some("crate") => with_cargo(wanted, to),
        _ => panic!("nobody installs {}", pins.display()),
    }
}

fn with_pip(pins: &Path, to: &Path) {
    succeed(Command::new("python3").args(["-m", "venv"]).arg(to));
    let mut pip = Command::new(to.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet"]);
    pip.args(["--disable-pip-version-check", "--requirement"]);
    succeed(pip.arg(pins));
}

/// No package's own script runs.
fn with_npm(pins: &Path, to: &Path) {
    fs::copy(pins, to.join("package.json")).expect("the cache is writable");
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-package-lock"]);
    npm.args(["--no-audit", "--no-fund", "--loglevel=error"]);
    succeed(npm.current_dir(to));
}

/// Without optimization: it is one call at a time that the tests make. What is built on the way is thrown away.
fn with_cargo(wanted: &str, to: &Path) {
    let (name, version) = wanted.trim().split_once(' ').expect("a name and a version");
    let building = to.join("building");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["install", name, "--version", version, "--locked", "--debug"]);
    cargo.args(["--quiet", "--root"]).arg(to);
    cargo.env("CARGO_TARGET_DIR", &building);
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
    succeed(&mut cargo);
    fs::remove_dir_all(building).expect("the cache is writable");
}

/// Runs a step of an installation.
fn succeed(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {status:?}"
    );
}

/// `gateway-tests` in the user's cache, or in the target directory of a user who has no home.
fn cache() -> PathBuf {
    let given = |name| std::env::var_os(name).filter(|it| !it.is_empty());
    let cache = given("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| given("HOME").map(|home| Path::new(&home).join(".cache")));
    cache
        .unwrap_or_else(binary::target_dir)
        .join("gateway-tests")
}

/// Runs a script with its program to the end and gives what it printed.
///
/// # Panics
/// If it fails, or prints anything but JSON lines.
pub(crate) async fn said(
    mut program: tokio::process::Command,
    script: &Path,
    args: &[&str],
) -> Vec<Value> {
    program.arg(script).args(args);
    let Done {
        code,
        stdout,
        stderr,
    } = command::finish(program).await;
    let script = script.display();
    assert_eq!(code, Some(0), "{script}:\n{stdout}\n{stderr}");
    let line =
        |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{script} printed {line:?}"));
    stdout.lines().map(line).collect()
}

/// The folder `tests/` of the project.
pub(crate) fn folder() -> &'static Path {
    binary::package()
}
