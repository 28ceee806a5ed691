//! What went into the binary: the packages that `gateway-server` is linked from, as Cargo says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::failure::{Doing, Failure, Result};
use crate::shell;

/// The packages that are linked into the binary. Those that only make code while it is built are not among them.
#[derive(Debug)]
pub(super) struct Graph {
    target: String,
    /// By name, then version.
    packages: Vec<Package>,
}

/// One package.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// As its manifest says, in SPDX's syntax.
    pub(super) license: String,
    pub(super) repository: Option<String>,
    pub(super) authors: Vec<String>,
    /// Where its sources are.
    pub(super) folder: PathBuf,
    /// SHA-256 of the package in its registry; ours have none.
    pub(super) checksum: Option<String>,
    /// What of the graph it is linked with.
    pub(super) needs: BTreeSet<String>,
}

impl Package {
    /// Its name in lists of packages of all kinds, see the specification of package URLs.
    pub(super) fn purl(&self) -> String {
        purl(&self.name, &self.version)
    }

    /// Whether it is one of the project's own.
    pub(super) fn is_ours(&self) -> bool {
        self.checksum.is_none()
    }
}

impl Graph {
    /// Asks Cargo.
    pub(super) fn read() -> Result<Self> {
        let compiler = shell::output(std::process::Command::new("rustc").arg("-vV"))?;
        let target = compiler
            .lines()
            .find_map(|line| line.strip_prefix("host: "));
        let target = target.ok_or_else(|| Failure::new("rustc does not say what its host is"))?;
        let text = shell::output(&mut shell::cargo(&[
            "metadata",
            "--format-version=1",
            "--locked",
            "--filter-platform",
            target,
        ]))?;
        let metadata: Metadata = serde_json::from_str(&text).doing("cargo metadata")?;
        let lock = shell::root().join("Cargo.lock");
        let lock = fs::read_to_string(&lock).doing("reading Cargo.lock")?;
        Ok(Self {
            target: target.to_owned(),
            packages: metadata.linked(&checksums(&lock))?,
        })
    }

    /// All of them, `gateway-server` included.
    pub(super) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The one that the binary is of.
    pub(super) fn root(&self) -> Option<&Package> {
        self.packages.iter().find(|it| it.name == ROOT)
    }

    /// The version of the binary.
    pub(super) fn version(&self) -> &str {
        self.root().map_or("", |it| &it.version)
    }

    /// For whom `rustc` builds.
    pub(super) fn target(&self) -> &str {
        &self.target
    }
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

/// The sums of `Cargo.lock`, by name and version.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let value = |block: &'_ str, key: &str| -> Option<(usize, usize)> {
        let start = block.find(&format!("\n{key} = \""))? + key.len() + 5;
        Some((start, start + block.get(start..)?.find('"')?))
    };
    let field = |block, key| {
        let (start, end) = value(block, key)?;
        str::get(block, start..end)
    };
    lock.split("[[package]]")
        .filter_map(|block| {
            let named = (field(block, "name")?, field(block, "version")?);
            Some((named, field(block, "checksum")?))
        })
        .collect()
}

/// The part of Cargo's answer that we use; see the chapter "cargo metadata" of the Cargo book.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Described {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Metadata {
    /// What can be reached from the binary by ordinary dependencies.
    fn linked(self, checksums: &BTreeMap<(&str, &str), &str>) -> Result<Vec<Package>> {
        let root = self.packages.iter().find(|it| it.name == ROOT);
        let root = root.ok_or_else(|| Failure::new(format!("{ROOT} is no package")))?;
        let known: BTreeMap<&str, &Described> =
            self.packages.iter().map(|it| (&*it.id, it)).collect();
        let nodes: BTreeMap<&str, &Node> =
            self.resolve.nodes.iter().map(|it| (&*it.id, it)).collect();
        let mut ahead = vec![&*root.id];
        let mut packages = BTreeMap::new();
        while let Some(id) = ahead.pop() {
            let (Some(it), Some(node)) = (known.get(id), nodes.get(id)) else {
                return Err(Failure::new(format!(
                    "cargo metadata does not describe {id}"
                )));
            };
            let key = (it.name.clone(), it.version.clone());
            if packages.contains_key(&key) {
                continue;
            }
            let ordinary = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
            let needs: Vec<&Described> = node
                .deps
                .iter()
                .filter(ordinary)
                .filter_map(|edge| known.get(&*edge.pkg).copied())
                .filter(|it| !it.makes_code())
                .collect();
            ahead.extend(needs.iter().map(|it| &*it.id));
            let needs = needs.iter().map(|it| purl(&it.name, &it.version));
            packages.insert(key, it.package(needs.collect(), checksums)?);
        }
        Ok(packages.into_values().collect())
    }
}

impl Described {
    /// Whether it is a part of the compiler while others are built, and not of what comes out.
    fn makes_code(&self) -> bool {
        let mut kinds = self.targets.iter().flat_map(|target| &target.kind);
        kinds.any(|kind| kind == "proc-macro")
    }

    fn package(
        &self,
        needs: BTreeSet<String>,
        checksums: &BTreeMap<(&str, &str), &str>,
    ) -> Result<Package> {
        let folder = self.manifest_path.parent();
        let license = self.license.as_deref().ok_or_else(|| {
            Failure::new(format!("{} {} names no license", self.name, self.version))
        })?;
        // How it was written before SPDX's syntax was asked for.
        let license = license.replace(" / ", "/").replace('/', " OR ");
        Ok(Package {
            name: self.name.clone(),
            version: self.version.clone(),
            license,
            repository: self.repository.clone(),
            authors: self.authors.clone(),
            folder: folder.map(PathBuf::from).unwrap_or_default(),
            checksum: checksums
                .get(&(&*self.name, &*self.version))
                .map(|sum| (*sum).to_owned()),
            needs,
        })
    }
}

/// The package whose binary is given away.
const ROOT: &str = "gateway-server";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_found_by_name_and_version() {
        let lock = "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"r\"\nchecksum = \"0a\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"2.0.0\"\nchecksum = \"0b\"\ndependencies = [\n \"x\",\n]\n";
        let sums = checksums(lock);
        assert_eq!(sums.len(), 2);
        assert_eq!(sums[&("a", "1.0.0")], "0a");
        assert_eq!(sums[&("a", "2.0.0")], "0b");
    }

    #[test]
    fn what_only_makes_code_or_is_for_tests_is_not_in_the_binary() {
        let package = |name: &str, kind: &str| {
            serde_json::json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0",
                "manifest_path": format!("/x/{name}/Cargo.toml"), "targets": [{"kind": [kind]}]})
        };
        let edge = |to: &str, kind: Option<&str>| serde_json::json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        let metadata = serde_json::json!({
            "packages": [package(ROOT, "bin"), package("used", "lib"), package("derive", "proc-macro"),
                package("parser", "lib"), package("double", "lib"), package("cc", "lib")],
            "resolve": {"nodes": [
                {"id": ROOT, "deps": [edge("used", None), edge("derive", None), edge("double", Some("dev"))]},
                {"id": "used", "deps": [edge("cc", Some("build"))]},
                {"id": "derive", "deps": [edge("parser", None)]},
                {"id": "parser", "deps": []}, {"id": "double", "deps": []}, {"id": "cc", "deps": []},
            ]},
        });
        let metadata: Metadata = serde_json::from_value(metadata).expect("it is described");
        let linked = metadata.linked(&BTreeMap::new()).expect("all are known");
        let names: Vec<_> = linked.iter().map(|it| &*it.name).collect();
        assert_eq!(names, [ROOT, "used"]);
        assert_eq!(linked[1].license, "MIT OR Apache-2.0");
        assert_eq!(
            linked[0].needs.iter().collect::<Vec<_>>(),
            ["pkg:cargo/used@1.0.0"]
        );
    }
}
