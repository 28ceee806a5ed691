//! The licences of what is in the binary, with their texts, as most of them ask for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::graph::{Graph, Package};
use crate::failure::{Doing, Result};

/// The whole text. Packages with the same license text share it.
pub(super) fn text(graph: &Graph) -> Result<String> {
    let mut by_text: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    let mut bare = Vec::new();
    for package in graph.packages().iter().filter(|it| !it.is_ours()) {
        let papers = papers(&package.folder)?;
        if papers.is_empty() {
            bare.push(package);
        }
        for paper in papers {
            let text = fs::read(&paper).doing(format!("reading {}", paper.display()))?;
            let text = plain(&String::from_utf8_lossy(&text));
            let holders = by_text.entry(text).or_default();
            // Some have the same text under two names.
            if holders
                .last()
                .is_none_or(|last| last.purl() != package.purl())
            {
                holders.push(package);
            }
        }
    }
    let mut all: Vec<_> = by_text.into_iter().collect();
    all.sort_by_key(|(_, holders)| holders.first().map(|it| it.purl()));
    let mut text = String::from(HEAD);
    for (paper, holders) in all {
        text.push_str(RULE);
        for it in holders {
            text += &said(it);
        }
        text.push('\n');
        text.push_str(&paper);
    }
    if !bare.is_empty() {
        text.push_str(RULE);
        text.push_str("Packages without a license text of their own; their manifests say:\n\n");
        for it in bare {
            text += &said(it);
            let authors = it.authors.join(", ");
            let repository = it.repository.as_deref().unwrap_or_default();
            text += &format!("    by {authors}; {repository}\n");
        }
    }
    Ok(text)
}

fn said(package: &Package) -> String {
    let Package {
        name,
        version,
        license,
        ..
    } = package;
    format!("{name} {version} ({license})\n")
}

/// The files of a package that tell its license, by name.
fn papers(folder: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("reading {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).doing(doing())? {
        let path = entry.doing(doing())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        if path.is_file() && BEGINNINGS.iter().any(|it| name.starts_with(it)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The same with one kind of line end, none of them preceded by spaces, and one at the end.
fn plain(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// Of names of files, in small letters.
const BEGINNINGS: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];
const HEAD: &str =
    "gateway-server contains software of others. These are their licenses and notices.\n";
const RULE: &str =
    "\n--------------------------------------------------------------------------------\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_are_found_whatever_their_case_and_nothing_else_is() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in [
            "LICENSE-MIT",
            "copying",
            "Notice.txt",
            "lib.rs",
            "README.md",
        ] {
            fs::write(dir.path().join(name), "text").expect("it is writable");
        }
        fs::create_dir(dir.path().join("licenses")).expect("it is writable");
        let found = papers(dir.path()).expect("it can be read");
        let names: Vec<_> = found.iter().filter_map(|it| it.file_name()).collect();
        assert_eq!(names, ["LICENSE-MIT", "Notice.txt", "copying"]);
    }

    #[test]
    fn texts_that_differ_in_white_space_at_the_end_of_lines_are_one() {
        assert_eq!(plain("\n a \r\n b\t\n\n"), plain("a\n b"));
    }
}
