//! Rules for documents and for what every text file must not contain.

use std::collections::BTreeSet;

use super::workspace::Workspace;
use super::{Finding, TextFile};

/// Hosts of package registries; in two parts, so that this file does not contain them.
const REGISTRY_HOSTS: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.python", "hosted"),
    concat!("registry.npm", "js"),
    concat!("deb.deb", "ian"),
    concat!("security.deb", "ian"),
];

/// Files that every project has.
const REQUIRED: [&str; 4] = [
    "README.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/style.md",
];

/// Every broken rule; `machine` are the paths that name the machine on which this runs.
pub(super) fn check(workspace: &Workspace, files: &[TextFile], machine: &[String]) -> Vec<Finding> {
    let paths: BTreeSet<_> = files.iter().map(|file| file.path.as_str()).collect();
    let mut findings = Vec::new();
    for required in REQUIRED.into_iter().filter(|path| !paths.contains(path)) {
        findings.push(Finding::new(required, 1, "missing", "write it"));
    }
    check_crates(workspace, &paths, &mut findings);
    for file in files {
        check_places(file, machine, &mut findings);
        if file.path.ends_with(".md") {
            check_links(file, files, &paths, &mut findings);
        }
    }
    findings
}

fn check_crates(workspace: &Workspace, paths: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    for (name, known) in &workspace.crates {
        if known.description.as_deref().is_none_or(str::is_empty) {
            findings.push(Finding::new(
                &known.manifest,
                1,
                format!("{name} has no description"),
                "add `description` to the manifest",
            ));
        }
        let readme = known.manifest.replace("Cargo.toml", "README.md");
        if known.manifest.starts_with("crates/") && !paths.contains(readme.as_str()) {
            findings.push(Finding::new(
                &known.manifest,
                1,
                format!("{name} has no README.md"),
                "write what the crate promises and what it does not know",
            ));
        }
    }
}

/// Machine paths and registry hosts. Lock files are written by tools and may name the registry.
fn check_places(file: &TextFile, machine: &[String], findings: &mut Vec<Finding>) {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    if matches!(name, "Cargo.lock" | "package-lock.json") {
        return;
    }
    for (at, line) in file.text.lines().enumerate() {
        for path in machine.iter().filter(|path| line.contains(path.as_str())) {
            findings.push(Finding::new(
                &file.path,
                at + 1,
                format!("a path of this machine: {path}"),
                "use a path relative to the project",
            ));
        }
        for host in REGISTRY_HOSTS
            .into_iter()
            .filter(|host| line.contains(host))
        {
            findings.push(Finding::new(
                &file.path,
                at + 1,
                format!("names a package registry: {host}"),
                "let the package manager's own settings decide where packages come from",
            ));
        }
    }
}

fn check_links(
    file: &TextFile,
    files: &[TextFile],
    paths: &BTreeSet<&str>,
    findings: &mut Vec<Finding>,
) {
    for (at, target) in links(&file.text) {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let resolved = if path.is_empty() {
            file.path.clone()
        } else {
            resolve(&file.path, path)
        };
        let folder = format!("{resolved}/");
        let exists = paths.contains(resolved.as_str())
            || resolved.is_empty()
            || paths.iter().any(|path| path.starts_with(&folder));
        if !exists {
            findings.push(Finding::new(
                &file.path,
                at,
                format!("a link to nowhere: {target}"),
                format!("{resolved} does not exist; mend or drop the link"),
            ));
            continue;
        }
        let target_file = files.iter().find(|other| other.path == resolved);
        let unknown = |other: &&TextFile| !headings(&other.text).any(|slug| slug == anchor);
        if !anchor.is_empty() && target_file.as_ref().is_some_and(unknown) {
            findings.push(Finding::new(
                &file.path,
                at,
                format!("a link to no heading: {target}"),
                format!("{resolved} has no heading that becomes #{anchor}"),
            ));
        }
    }
}

/// Relative links outside of code, with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(at, line)| {
        line.split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
            .filter_map(|target| target.split_whitespace().next())
            .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
            .map(move |target| (at, target))
    })
}

/// The anchors of a Markdown file, as GitHub makes them of headings.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| slug(line.trim_start_matches('#').trim()))
}

fn slug(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

/// The numbered lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        (!in_code && !fence).then_some((at + 1, line))
    })
}

/// A path that stands in `file`, relative to the root.
fn resolve(file: &str, path: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<_> = match path.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').collect(),
    };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}
