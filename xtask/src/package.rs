//! `cargo xtask package`: the crates that other services use can be published.

use crate::failure::{Doing, Result};
use crate::shell;

/// Packs every publishable crate of the workspace and builds each from its package; all at once, so that their
/// dependencies on each other resolve without having been published.
pub(crate) fn run() -> Result<()> {
    let crates = publishable()?;
    let mut package = shell::cargo(&["package", "--allow-dirty", "--quiet"]);
    for name in &crates {
        package.args(["--package", name]);
    }
    shell::run(&mut package)?;
    println!("packed and built: {}", crates.join(", "));
    Ok(())
}

/// Names of the workspace's crates without `publish = false`.
fn publishable() -> Result<Vec<String>> {
    let text = shell::output(&mut shell::cargo(&[
        "metadata",
        "--format-version=1",
        "--no-deps",
    ]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).doing("cargo metadata")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| package["name"].as_str().map(str::to_owned))
        .collect())
}
