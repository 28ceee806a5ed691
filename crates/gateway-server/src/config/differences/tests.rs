//! The page is the table, and the table speaks of keys that exist.

use super::super::check;
use super::super::keys::{MODEL_INFO, PARAMS};
use super::*;

#[test]
fn the_page_on_differences_is_this_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/differences.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- differences -->\n", "<!-- end of differences -->\n");
    let (head, rest) = page.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let expected = format!("{head}{begin}{}{end}{tail}", tables());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
        return;
    }
    assert!(
        page == expected,
        "docs/differences.md is out of date: run this test with UPDATE_DOCS=1"
    );
}

/// A table for each topic; the last column only where somebody has something to say in it.
fn tables() -> String {
    let mut page = String::new();
    let mut topics: Vec<&str> = DIFFERENCES.iter().map(|it| it.topic).collect();
    topics.dedup();
    for (number, topic) in topics.iter().enumerate() {
        let rows: Vec<&Difference> = DIFFERENCES.iter().filter(|it| it.topic == *topic).collect();
        let back = rows.iter().any(|row| row.back.is_some());
        let gap = if number == 0 { "" } else { "\n" };
        page += &format!("{gap}## {topic}\n\n| here | in LiteLLM | why |");
        page += if back { " back |\n" } else { "\n" };
        page += if back {
            "| --- | --- | --- | --- |\n"
        } else {
            "| --- | --- | --- |\n"
        };
        for row in rows {
            page += &format!("| {} | {} | {} |", row.here, row.in_litellm, row.because);
            if back {
                page += &format!(" {} |", row.back.unwrap_or("–"));
            }
            page += "\n";
        }
    }
    page
}

#[test]
fn every_key_of_a_difference_is_a_known_one() {
    for path in DIFFERENCES.iter().flat_map(|it| it.keys) {
        let (path, _) = path.split_once('=').unwrap_or((path, ""));
        let (section, key) = path.split_once('.').unwrap();
        let known = match section {
            "litellm_params" => PARAMS.find(key).is_some(),
            "model_info" => MODEL_INFO.find(key).is_some(),
            _ => check::find(path).is_ok(),
        };
        assert!(known, "{path}");
    }
}
