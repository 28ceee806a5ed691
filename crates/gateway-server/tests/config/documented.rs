//! No key that LiteLLM documents is refused or unknown, in any shape that its documentation shows.

use crate::support::{lines, load};
use gateway_server::config::{Code, Environment, Sources};
use gateway_server::{config, config::Severity};

/// `(section, key, value)` for each shape of each key.
fn documented() -> Vec<(&'static str, &'static str, &'static str)> {
    let list = include_str!("documented.txt");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let mut all = Vec::new();
    for line in lines {
        let (section, keys) = line.split_once(": ").unwrap();
        for key in keys.split(' ') {
            let (key, shapes) = key.split_once('=').unwrap();
            all.extend(shapes.split('|').map(|shape| (section, key, value(shape))));
        }
    }
    all
}

fn value(shape: &str) -> &'static str {
    match shape {
        "b" => "true",
        "i" => "7",
        "f" => "0.5",
        "t" => "text",
        "n" => "\"7\"",
        "q" => "\"false\"",
        "d" => "30d",
        "u" => "https://host.example/v1",
        "l" => "[text]",
        "m" => "{name: text}",
        "M" => "[{name: text}]",
        "e" => "os.environ/DOCUMENTED",
        "0" => "",
        "simple" => "simple-shuffle",
        other => panic!("no shape {other}"),
    }
}

/// A configuration with this key.
fn with(section: &str, key: &str, value: &str) -> String {
    let base = |entry: &str, params: &str, info: &str| {
        format!(
            "model_list:\n- model_name: a\n{entry}  litellm_params:\n    model: openai/x\n{params}  model_info:\n    note: x\n{info}"
        )
    };
    match section {
        "entry" => base(&format!("  {key}: {value}\n"), "", ""),
        "params" => base("", &format!("    {key}: {value}\n"), ""),
        "info" => base("", "", &format!("    {key}: {value}\n")),
        "top" => format!("{}{key}: {value}\n", base("", "", "")),
        _ => {
            let mut text = base("", "", "");
            for (depth, part) in section.split('.').enumerate() {
                text += &format!("{}{part}:\n", "  ".repeat(depth));
            }
            let depth = section.split('.').count();
            text + &format!("{}{key}: {value}\n", "  ".repeat(depth))
        }
    }
}

#[test]
fn no_documented_key_is_refused_or_unknown() {
    let all = documented();
    assert!(all.len() > 400, "{}", all.len());
    let mut wrong = Vec::new();
    for (section, key, value) in all {
        let loaded = load(&with(section, key, value));
        let bad =
            loaded.report.problems().iter().any(|problem| {
                problem.severity == Severity::Error || problem.code == Code::UnknownKey
            });
        if bad {
            wrong.push(format!("{section}.{key}: {value}: {:?}", lines(&loaded)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_documented_key_has_a_grade() {
    for (section, key, value) in documented() {
        let folder = crate::support::folder(&[("config.yaml", &with(section, key, value))]);
        let sources = Sources {
            file: Some(folder.path().join("config.yaml")),
            ..Sources::default()
        };
        let found = config::migration(&sources, &Environment::default());
        assert!(found.starts, "{section}.{key}: {value}");
    }
}
