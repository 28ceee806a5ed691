//! `cargo xtask package`: the crates that other services use can be published.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::failure::{Doing, Result};
use crate::shell;

/// Packs every publishable crate of the workspace and builds each from its package; all at once, so that their
/// dependencies on each other resolve without having been published.
pub(crate) fn run() -> Result<()> {
    let crates = publishable()?;
    if let Some(home) = cargo_home() {
        forget(&home.join("registry/src"), &crates)?;
    }
    let mut package = shell::cargo(&["package", "--allow-dirty", "--quiet"]);
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
fn forget(unpacked: &Path, crates: &[(String, String)]) -> Result<()> {
    let registries = match fs::read_dir(unpacked) {
        Ok(registries) => registries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).doing("cargo's unpacked packages"),
    };
    for registry in registries {
        let registry = registry.doing("cargo's unpacked packages")?;
        // A registry with a host has its name before the `-`; that of a checkout has none.
        if !registry.file_name().as_encoded_bytes().starts_with(b"-") {
            continue;
        }
        for (name, version) in crates {
            let stale = registry.path().join(format!("{name}-{version}"));
            match fs::remove_dir_all(&stale) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).doing(format!("removing {}", stale.display()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn cargo_home() -> Option<PathBuf> {
    let said = env::var_os("CARGO_HOME").map(PathBuf::from);
    said.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Names and versions of the workspace's crates without `publish = false`.
fn publishable() -> Result<Vec<(String, String)>> {
    let text = shell::output(&mut shell::cargo(&[
        "metadata",
        "--format-version=1",
        "--no-deps",
    ]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).doing("cargo metadata")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| {
            let text = |key: &str| package[key].as_str().map(str::to_owned);
            Some((text("name")?, text("version")?))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_packages_that_were_unpacked_from_a_checkout_are_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let ours = dir.path().join("-0123/ours-0.1.0/src");
        let others = [
            "-0123/other-0.1.0",
            "-0123/ours-0.2.0",
            "index.host-0123/ours-0.1.0",
        ];
        fs::create_dir_all(&ours).expect("a directory");
        for other in others {
            fs::create_dir_all(dir.path().join(other)).expect("a directory");
        }
        let crates = [("ours".to_owned(), "0.1.0".to_owned())];
        forget(dir.path(), &crates).expect("nothing in the way");
        assert!(!ours.exists());
        assert!(others.iter().all(|other| dir.path().join(other).exists()));
        forget(&dir.path().join("nowhere"), &crates).expect("nothing to forget");
    }
}
