//! Loading texts as if they were files.

use gateway_server::config::{
    self, Environment, Loaded, Place, Settings, Severity, Sources, Strictness,
};
use std::path::PathBuf;
use tempfile::TempDir;

/// The variables of most tests: a key that is strong enough to listen everywhere.
pub(crate) fn variables() -> Environment {
    [("LITELLM_MASTER_KEY", "sk-canary-master")]
        .into_iter()
        .collect()
}

/// A directory with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Loads `config.yaml` of a folder.
pub(crate) fn load_folder(
    folder: &TempDir,
    environment: &Environment,
    strictness: Strictness,
) -> Loaded {
    let sources = Sources {
        file: Some(folder.path().join("config.yaml")),
        strictness,
        ..Sources::default()
    };
    config::load(&sources, environment)
}

/// Loads a text.
pub(crate) fn load(text: &str) -> Loaded {
    load_folder(
        &folder(&[("config.yaml", text)]),
        &variables(),
        Strictness::Lenient,
    )
}

/// Loads a text with one deployment in front of it.
pub(crate) fn load_with_model(text: &str) -> Loaded {
    load(&format!("{MODEL}{text}"))
}

/// The settings of a text that must load, with one deployment in front of it.
pub(crate) fn settings(text: &str) -> Settings {
    let loaded = load_with_model(text);
    let shown = lines(&loaded);
    loaded.settings.unwrap_or_else(|| panic!("{shown:#?}"))
}

/// Every problem as `line:column code`, errors with a `!`.
pub(crate) fn places(loaded: &Loaded) -> Vec<String> {
    let problems = loaded.report.problems().iter();
    problems
        .map(|problem| {
            let mark = if problem.severity == Severity::Error {
                "!"
            } else {
                ""
            };
            let place = match &problem.place {
                Place::File(at) => format!("{}:{}", at.line, at.column),
                Place::Variable(name) | Place::Flag(name) => name.clone(),
                Place::Nowhere => String::from("-"),
            };
            format!("{place} {mark}{}", problem.code.as_str())
        })
        .collect()
}

/// Every problem as `message | hint`.
pub(crate) fn lines(loaded: &Loaded) -> Vec<String> {
    let problems = loaded.report.problems().iter();
    problems
        .map(|problem| {
            format!(
                "{} | {}",
                problem.message,
                problem.hint.as_deref().unwrap_or_default()
            )
        })
        .collect()
}

/// What a person sees.
pub(crate) fn shown(loaded: &Loaded) -> String {
    let mut out = Vec::new();
    config::human(&loaded.report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The repository's folder of configurations.
pub(crate) fn shipped() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

/// One deployment; four lines.
pub(crate) const MODEL: &str =
    "model_list:\n  - model_name: fast\n    litellm_params:\n      model: openai/gpt-4o-mini\n";
