//! The schema is the committed one, complete, and true to the defaults in code.

use super::super::said::Said;
use super::*;

fn every_row() -> impl Iterator<Item = (&'static Section, &'static Row)> {
    let all = sections().into_iter().chain(std::iter::once(&TOP));
    all.flat_map(|section| section.keys.iter().map(move |row| (section, row)))
}

#[test]
fn the_committed_schema_is_that_of_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/schema.json");
    let expected = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == expected,
        "config/schema.json is out of date: run this test with UPDATE_DOCS=1"
    );
}

#[test]
fn every_key_that_is_acted_on_says_what_it_does() {
    for (section, row) in every_row() {
        if matches!(row.status, Status::Honored(_)) {
            let (about, name) = (row.about.trim(), row.name);
            assert!(
                about.len() > 10 && about.ends_with('.'),
                "{name} of {}: put a comment above its line in config/keys, with a full stop",
                section.name
            );
        }
    }
}

#[test]
fn every_default_and_example_is_a_value_that_the_key_takes() {
    for (section, row) in every_row() {
        let (about, default, example) = parts(row.about);
        assert!(
            !about.contains("Default:") && !about.contains("Example:"),
            "{}",
            row.name
        );
        for value in [default, example].into_iter().flatten() {
            let node: Node = serde_saphyr::from_str(&value.to_string()).unwrap();
            let mismatch = super::super::kind::check(row.kind, &node);
            assert!(
                mismatch.is_none(),
                "{} of {}: {value}",
                row.name,
                section.name
            );
        }
    }
}

#[test]
fn the_defaults_of_our_own_keys_are_those_of_the_code() {
    let said = serde_json::to_value(Said::default()).unwrap();
    compare("gateway", &said["gateway"], &schema()["$defs"]["gateway"]);
}

/// Every default of the code is in the schema, and no other one.
fn compare(path: &str, said: &Value, schema: &Value) {
    for (key, property) in schema["properties"].as_object().unwrap() {
        let path = format!("{path}.{key}");
        if let Some(name) = property["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            if said.get(key).is_some() {
                compare(&path, &said[key], &super::schema()["$defs"][name]);
            }
            continue;
        }
        let number = |value: &Value| value.as_f64().map_or(value.clone(), |it| json!(it));
        let told = property.get("default").map(number);
        assert_eq!(
            told,
            said.get(key).map(number),
            "{path}: the text, the code"
        );
    }
}
