//! The schema of the configuration says what the loader says: a validator that is not ours takes what the loader takes, and
//! refuses what it refuses for the shape of a value (the loader's own tests read the same list).

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use end_to_end::{binary, python};
use serde_json::Value;
use tempfile::TempDir;

/// What the validator has to say of each file.
async fn validated(files: &[PathBuf]) -> Vec<(String, Vec<Value>)> {
    let schema = binary::workspace().join("config/schema.json");
    let paths = std::iter::once(&schema).chain(files);
    let args: Vec<String> = paths.map(|it| it.display().to_string()).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = python::run_with("schema.txt", "schema.py", &args).await;
    assert_eq!(said.len(), files.len());
    let of = |line: &Value| {
        let errors = line["errors"].as_array().unwrap().clone();
        (line["file"].as_str().unwrap().to_owned(), errors)
    };
    said.iter().map(of).collect()
}

/// The shapes of one kind, each in a file.
fn written(folder: &TempDir, kind: &str) -> Vec<(String, PathBuf)> {
    let shapes = fs::read_to_string(binary::workspace().join("tests/fixtures/shapes.txt")).unwrap();
    let shapes = shapes.lines().filter_map(|line| line.strip_prefix(kind));
    let write = |(number, text): (usize, &str)| {
        let path = folder.path().join(format!("{number}.yaml"));
        let model = if text.contains("model_list") {
            ""
        } else {
            MODEL
        };
        fs::write(&path, format!("{model}{text}\n")).unwrap();
        (text.to_owned(), path)
    };
    let files: Vec<_> = shapes.enumerate().map(write).collect();
    assert!(files.len() > 10, "{}", files.len());
    files
}

#[tokio::test]
async fn the_reference_and_every_example_fit_the_schema_and_name_it() {
    let root = binary::workspace().join("config");
    let mut files = vec![root.join("reference.yaml")];
    let examples = fs::read_dir(root.join("examples")).unwrap();
    files.extend(examples.map(|entry| entry.unwrap().path()));
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let first = text.lines().next().unwrap();
        let schema = first.strip_prefix("# yaml-language-server: $schema=");
        let schema = schema.unwrap_or_else(|| panic!("{}: {first}", file.display()));
        let schema = file.parent().unwrap().join(schema);
        assert!(schema.exists(), "{}", schema.display());
    }
    for (file, errors) in validated(&files).await {
        assert!(errors.is_empty(), "{file}: {errors:#?}");
    }
}

#[tokio::test]
async fn the_schema_refuses_what_the_loader_refuses_for_its_shape_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, refuses) in [("wrong ", true), ("right ", false)] {
        let (texts, files): (Vec<_>, Vec<_>) = written(&folder, kind).into_iter().unzip();
        for (text, (_, errors)) in texts.iter().zip(validated(&files).await) {
            assert_eq!(!errors.is_empty(), refuses, "{text}: {errors:#?}");
        }
    }
}

const MODEL: &str =
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: sk-x}}]\n";
