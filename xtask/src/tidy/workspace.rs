//! The workspace as `cargo metadata` describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::failure::{Doing, Result};
use crate::shell;

/// The crates of the workspace and what they reach.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// The crates of the project itself, by name.
    pub(super) crates: BTreeMap<String, Crate>,
    /// For every package of the graph, ours or not: what it needs outside of tests.
    pub(super) needs: BTreeMap<String, BTreeSet<String>>,
}

/// One crate of the project.
#[derive(Debug, Default)]
pub(super) struct Crate {
    /// The manifest, relative to the root.
    pub(super) manifest: String,
    /// The manifest's text, to find lines in.
    pub(super) text: String,
    pub(super) description: Option<String>,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a `[dependencies]` table.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// `None` for an ordinary dependency, else `dev` or `build`.
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) features: Vec<String>,
}

impl Dependency {
    /// Whether only tests, examples and benches see it.
    pub(super) fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Crate {
    /// The line of the manifest that begins with a dependency's name, or 1.
    pub(super) fn line_of(&self, dependency: &str) -> usize {
        let is_entry = |line: &str| {
            line.strip_prefix(dependency)
                .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        };
        self.text.lines().position(is_entry).map_or(1, |at| at + 1)
    }
}

impl Workspace {
    /// Asks Cargo.
    pub(super) fn read() -> Result<Self> {
        let text = shell::output(&mut shell::cargo(&["metadata", "--format-version=1"]))?;
        let metadata: Metadata = serde_json::from_str(&text).doing("cargo metadata")?;
        metadata.into_workspace(|manifest| std::fs::read_to_string(manifest).unwrap_or_default())
    }
}

/// The part of Cargo's answer that we use; see the chapter "cargo metadata" of the Cargo book.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    workspace_root: String,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: String,
    description: Option<String>,
    dependencies: Vec<Dependency>,
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
    fn into_workspace(self, read: impl Fn(&str) -> String) -> Result<Workspace> {
        let names: BTreeMap<_, _> = self
            .packages
            .iter()
            .map(|package| (package.id.clone(), package.name.clone()))
            .collect();
        let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let mut workspace = Workspace::default();
        for node in self.resolve.nodes {
            let ordinary = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
            let needs = node.deps.iter().filter(ordinary);
            let entry = workspace.needs.entry(name(&node.id)).or_default();
            entry.extend(needs.map(|edge| name(&edge.pkg)));
        }
        for package in self.packages {
            if !self.workspace_members.contains(&package.id) {
                continue;
            }
            let manifest = Path::new(&package.manifest_path)
                .strip_prefix(&self.workspace_root)
                .doing(&package.manifest_path)?;
            let known = Crate {
                manifest: manifest.display().to_string(),
                text: read(&package.manifest_path),
                description: package.description,
                dependencies: package.dependencies,
            };
            workspace.crates.insert(package.name, known);
        }
        Ok(workspace)
    }
}
