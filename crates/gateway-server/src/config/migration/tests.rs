//! Grades of keys, variables and flags.

use super::advice::ADVICE;
use super::*;
use std::io::Write as _;

fn of(config: &str, variables: &[(&str, &str)]) -> Migration {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.as_bytes()).unwrap();
    let sources = Sources {
        file: Some(file.path().to_owned()),
        ..Sources::default()
    };
    migration(&sources, &variables.iter().copied().collect())
}

fn find<'a>(migration: &'a Migration, subject: &str) -> &'a Finding {
    let found = migration.findings.iter().find(|it| it.subject == subject);
    found.unwrap_or_else(|| panic!("no {subject} in {:#?}", migration.findings))
}

const CONFIG: &str = "\
model_list:
  - model_name: a
    litellm_params: {model: openai/gpt-4o, api_key: sk-1, rpm: 6, temperature: 0.2}
  - model_name: b
    litellm_params: {model: openai/gpt-4o, api_key: sk-1, rpm: 6}
router_settings:
  timeout: 60
  retry_after: 1
  cache_responses: false
general_settings:
  database_url: postgres://x
  masterkey: sk-2
";

#[test]
fn each_key_gets_its_grade_once_with_all_its_places() {
    let found = of(CONFIG, &[]);
    assert!(found.starts);
    let rpm = find(&found, "litellm_params.rpm");
    assert_eq!((rpm.grade, rpm.places.len()), (Grade::Different, 2));
    assert_eq!(rpm.instead.as_deref(), Some("`max_parallel_requests`"));
    let timeout = find(&found, "router_settings.timeout");
    assert_eq!(timeout.grade, Grade::Different);
    assert!(timeout.in_litellm.is_some() && timeout.because.is_some());
    let database = find(&found, "general_settings.database_url");
    assert_eq!(database.grade, Grade::NotSupported);
    assert!(database.instead.is_some());
    let unknown = find(&found, "masterkey");
    assert_eq!(unknown.grade, Grade::Unknown);
    assert_eq!(
        unknown.instead.as_deref(),
        Some("did you mean `master_key`?")
    );
    for honored in [
        "litellm_params.temperature",
        "router_settings.cache_responses",
    ] {
        assert_eq!(find(&found, honored).grade, Grade::Honored, "{honored}");
    }
}

#[test]
fn findings_come_worst_first() {
    let found = of(&format!("{CONFIG}  max_request_size_mb: much\n"), &[]);
    assert!(!found.starts);
    assert_eq!(found.findings[0].grade, Grade::Refused);
    let grades: Vec<Grade> = found.findings.iter().map(|it| it.grade).collect();
    assert!(grades.is_sorted());
}

#[test]
fn variables_of_litellm_are_graded_and_those_of_others_are_not_its_business() {
    let set = [
        ("DATABASE_URL", "postgres://x"),
        ("REDIS_HOST", "cache"),
        ("LITELLM_MASTER_KEY", "sk-3"),
        ("LITELLM_MASTR_KEY", "sk-3"),
        ("EDITOR", "ed"),
        ("SLACK_WEBHOOK_URL", ""),
    ];
    let found = of(CONFIG, &set);
    let grade = |name: &str| {
        let mut all = found.findings.iter();
        all.find(|it| it.subject == name).map(|it| it.grade)
    };
    assert_eq!(grade("DATABASE_URL"), Some(Grade::NotSupported));
    assert_eq!(grade("REDIS_HOST"), Some(Grade::NotSupported));
    assert_eq!(grade("LITELLM_MASTER_KEY"), Some(Grade::Honored));
    assert_eq!(grade("LITELLM_MASTR_KEY"), Some(Grade::Unknown));
    assert_eq!(grade("EDITOR"), None);
    assert_eq!(grade("SLACK_WEBHOOK_URL"), None);
}

#[test]
fn every_advice_is_for_something_that_can_happen() {
    let tables = TOP.keys.iter().filter_map(|row| match row.kind {
        Kind::Section(section) | Kind::Sections(section) => Some(section),
        _ => None,
    });
    let sections: Vec<&Section> = tables.chain([&TOP, &PARAMS, &MODEL_INFO]).collect();
    let rows = sections.iter().flat_map(|section| section.keys);
    let consequences: Vec<&str> = rows
        .filter_map(|row| match row.status {
            Status::Ignored { consequence, .. } => Some(consequence),
            _ => None,
        })
        .collect();
    for (consequence, _) in ADVICE {
        assert!(consequences.contains(consequence), "{consequence}");
    }
}
