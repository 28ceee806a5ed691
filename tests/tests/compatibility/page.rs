//! The page's tables.

use std::collections::HashMap;
use std::fs;

use end_to_end::binary;

use crate::Outcome;
use crate::back::BACKS;
use crate::feature::{FEATURES, Feature};
use crate::front::{FRONTS, Front};

/// Compares the page with the results, or writes them into it if `UPDATE_DOCS` is set.
pub(crate) fn compare(results: &HashMap<(Front, &'static str, Feature), Outcome>) {
    let path = binary::workspace().join("docs/compatibility.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the page says where");
    let (_, after) = rest.split_once(FINISH).expect("the page says until where");
    let wanted = format!("{before}{BEGIN}\n{}{FINISH}{after}", tables(results));
    if page == wanted {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, wanted).expect("the page is writable");
        return;
    }
    let old: Vec<&str> = page.lines().collect();
    let changed: Vec<&str> = wanted.lines().filter(|line| !old.contains(line)).collect();
    panic!(
        "docs/compatibility.md is not what the tests say; `UPDATE_DOCS=1` writes it. New lines:\n{}",
        changed.join("\n")
    );
}

fn tables(results: &HashMap<(Front, &'static str, Feature), Outcome>) -> String {
    let mut text = String::new();
    for (front, name) in FRONTS {
        text += &format!("\n## Clients of {name}\n\n| |");
        for back in BACKS {
            text += &format!(" {} |", back.name);
        }
        text += "\n| --- |";
        text += &" --- |".repeat(BACKS.len());
        text += "\n";
        for (feature, title) in FEATURES {
            let cells = BACKS
                .iter()
                .map(|back| results[&(front, back.name, *feature)]);
            let cells: Vec<Outcome> = cells.collect();
            if cells.iter().all(|cell| *cell == Outcome::None) {
                continue;
            }
            text += &format!("| {title} |");
            for cell in cells {
                text += match cell {
                    Outcome::Works => " yes |",
                    Outcome::Told => " told |",
                    Outcome::Estimated => " estimated |",
                    Outcome::None => " – |",
                };
            }
            text += "\n";
        }
    }
    text + "\n"
}

const BEGIN: &str = "<!-- tables: written by the test `compatibility` -->";
const FINISH: &str = "<!-- end of tables -->";
