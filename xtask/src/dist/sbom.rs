//! The list of what is in the binary, in the format of CycloneDX 1.6.
//!
//! Made here and not by `cargo cyclonedx`, which writes into the source folders of all crates, names the machine's
//! paths, and takes minutes to install: every test run makes and validates this one.

use std::process::Command;

use serde_json::{Value, json};

use super::Release;
use super::graph::{Graph, Package};
use crate::failure::{Failure, Result};
use crate::shell;

/// The whole list; the same for the same commit.
pub(super) fn text(release: &Release, graph: &Graph) -> Result<String> {
    let root = graph.root();
    let root = root.ok_or_else(|| Failure::new("there is nothing to list the parts of"))?;
    let mut application = component(root);
    application["type"] = "application".into();
    let parts = graph.packages().iter().filter(|it| it.name != root.name);
    let edges = graph.packages().iter().map(|it| {
        let needs: Vec<&String> = it.needs.iter().collect();
        json!({"ref": it.purl(), "dependsOn": needs})
    });
    let list = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": date(release, "+%Y-%m-%dT%H:%M:%SZ")?,
            "component": application,
            "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": release.target}],
        },
        "components": parts.map(component).collect::<Vec<_>>(),
        "dependencies": edges.collect::<Vec<_>>(),
    });
    Ok(format!("{list:#}\n"))
}

fn component(package: &Package) -> Value {
    let purl = package.purl();
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
        "licenses": [{"expression": package.license}],
    });
    if let Some(sum) = &package.checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

/// The release's time in a format of `date`, in UTC.
pub(super) fn date(release: &Release, format: &str) -> Result<String> {
    let mut date = Command::new("date");
    date.args(["--utc", "--date", &format!("@{}", release.epoch), format]);
    let said = shell::output(date.env("LC_ALL", "C"))?;
    Ok(said.trim().to_owned())
}
