//! `cargo xtask package`: the crates that other services use can be published.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::failure::{Doing, Result};
use crate::shell;

/// Packs every publishable crate of the workspace and builds each from its package; all at once, so that their
/// dependencies on each other resolve without having been published.
pub(crate) fn run() -> Result<()> {
    let Workspace { crates, target } = workspace()?;
    // A place of its own: what is built here must not be taken for what was built from the checkout.
    let target = target.join("packages");
    forget_built(&target.join("debug/.fingerprint"), &crates)?;
    if let Some(home) = cargo_home() {
        forget_unpacked(&home.join("registry/src"), &crates)?;
    }
    let mut package = shell::cargo(&["package", "--allow-dirty", "--quiet", "--target-dir"]);
    package.arg(target);
    for (name, _) in &crates {
        package.args(["--package", name]);
    }
    shell::run(&mut package)?;
    let names: Vec<&str> = crates.iter().map(|(name, _)| &**name).collect();
    println!("packed and built: {}", names.join(", "));
    Ok(())
}

/// Removes what cargo unpacked from our crates when it built them from their packages before. It tells packages apart
/// by version and by the place of the checkout, so it would take those of an older tree for today's.
fn forget_unpacked(registries: &Path, crates: &[(String, String)]) -> Result<()> {
    // A registry with a host has its name before the `-`; that of a checkout has none.
    for registry in entries(registries, |name| name.starts_with('-'))? {
        for (name, version) in crates {
            let unpacked = format!("{name}-{version}");
            for stale in entries(&registry, |it| it == unpacked)? {
                remove(&stale)?;
            }
        }
    }
    Ok(())
}

/// Makes cargo build our crates anew, for the same reason.
fn forget_built(fingerprints: &Path, crates: &[(String, String)]) -> Result<()> {
    for stale in entries(fingerprints, |it| {
        let (name, _hash) = it.rsplit_once('-').unwrap_or((it, ""));
        crates.iter().any(|(ours, _)| ours == name)
    })? {
        remove(&stale)?;
    }
    Ok(())
}

/// The entries of a directory whose names fit; none if it is not there.
fn entries(directory: &Path, fits: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let doing = || format!("reading {}", directory.display());
    let all = match fs::read_dir(directory) {
        Ok(all) => all,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).doing(doing()),
    };
    let mut found = Vec::new();
    for entry in all {
        let entry = entry.doing(doing())?;
        if entry.file_name().to_str().is_some_and(&fits) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove(directory: &Path) -> Result<()> {
    fs::remove_dir_all(directory).doing(format!("removing {}", directory.display()))
}

fn cargo_home() -> Option<PathBuf> {
    let said = env::var_os("CARGO_HOME").map(PathBuf::from);
    said.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// What is to be packed, and where cargo builds.
struct Workspace {
    /// Names and versions of the crates without `publish = false`.
    crates: Vec<(String, String)>,
    target: PathBuf,
}

fn workspace() -> Result<Workspace> {
    let text = shell::output(&mut shell::cargo(&[
        "metadata",
        "--format-version=1",
        "--no-deps",
    ]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).doing("cargo metadata")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let crates = packages.filter(|package| package["publish"].is_null());
    let crates = crates.filter_map(|package| {
        let text = |key: &str| package[key].as_str().map(str::to_owned);
        Some((text("name")?, text("version")?))
    });
    Ok(Workspace {
        crates: crates.collect(),
        target: metadata["target_directory"]
            .as_str()
            .unwrap_or("target")
            .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(directories: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for name in directories {
            fs::create_dir_all(dir.path().join(name)).expect("a directory");
        }
        dir
    }

    fn left(dir: &tempfile::TempDir, directories: &[&'static str]) -> Vec<&'static str> {
        let exists = |name: &&'static str| dir.path().join(name).exists();
        directories.iter().copied().filter(exists).collect()
    }

    fn ours() -> [(String, String); 1] {
        [("ours".to_owned(), "0.1.0".to_owned())]
    }

    #[test]
    fn only_our_own_packages_that_were_unpacked_from_a_checkout_are_forgotten() {
        let all = [
            "-0123/ours-0.1.0/src",
            "-0123/other-0.1.0",
            "-0123/ours-0.2.0",
            "index.host-0123/ours-0.1.0",
        ];
        let dir = with(&all);
        forget_unpacked(dir.path(), &ours()).expect("nothing in the way");
        assert_eq!(left(&dir, &all), all[1..]);
        forget_unpacked(&dir.path().join("nowhere"), &ours()).expect("nothing to forget");
    }

    #[test]
    fn only_our_own_crates_are_built_anew() {
        let all = [
            "ours-0123456789abcdef",
            "ours-too-0123456789abcdef",
            "other-0",
        ];
        let dir = with(&all);
        forget_built(dir.path(), &ours()).expect("nothing in the way");
        assert_eq!(left(&dir, &all), all[1..]);
    }
}
