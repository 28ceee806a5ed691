//! What becomes of a LiteLLM set-up here, key by key, variable by variable, flag by flag: the report behind `migrate`.

mod advice; // What to do instead.
mod variables; // LiteLLM's variables.

use super::check::asks_for_something;
use super::differences::{DIFFERENCES, Difference};
use super::environment::Environment;
use super::keys::{self, MODEL_INFO, PARAMS, Row, Section, Status, TOP};
use super::kind::{self, Kind};
use super::problem::{Code, Place, Problem, Report, Severity};
use super::tree::{Key, Node};
use super::{Depth, Sources, read, references};
use serde::Serialize;

/// What was found, worst first.
#[derive(Debug)]
pub struct Migration {
    /// One entry for each thing, however often it occurs.
    pub findings: Vec<Finding>,
    /// Whether the gateway would start with this configuration.
    pub starts: bool,
    /// The texts that places point into.
    pub report: Report,
}

/// What becomes of one key, variable or flag.
#[derive(Debug)]
pub struct Finding {
    /// How well it goes.
    pub grade: Grade,
    /// The key with its section, the variable, the flag, or what a problem is about.
    pub subject: String,
    /// Where it is said. Never empty.
    pub places: Vec<Place>,
    /// What happens here.
    pub text: Option<String>,
    /// What happens in LiteLLM, where that is otherwise on purpose.
    pub in_litellm: Option<&'static str>,
    /// Why it is otherwise here.
    pub because: Option<&'static str>,
    /// How to get what was meant.
    pub instead: Option<String>,
}

/// How well it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// The gateway does not start with it.
    Refused,
    /// LiteLLM does something that does not happen here.
    NotSupported,
    /// Neither LiteLLM nor the gateway knows it.
    Unknown,
    /// It is honored, and on purpose not as in LiteLLM.
    Different,
    /// Worth a look, in LiteLLM too.
    Note,
    /// It does what it does in LiteLLM.
    Honored,
}

impl Migration {
    /// The number of findings of a grade.
    pub fn count(&self, grade: Grade) -> usize {
        let of_grade = |finding: &&Finding| finding.grade == grade;
        self.findings.iter().filter(of_grade).count()
    }
}

/// Looks at a set-up of LiteLLM. Reads files; connects to nothing and changes nothing.
pub fn migration(sources: &Sources, process: &Environment) -> Migration {
    let sources = Sources {
        depth: Depth::Endpoints,
        ..sources.clone()
    };
    let loaded = super::load(&sources, process);
    let mut findings = Findings::default();
    let mut quiet = Report::default();
    let root = sources
        .file
        .as_deref()
        .and_then(|file| read::document(file, &mut quiet));
    let mut environment = process.clone();
    if let Some(mut root) = root {
        environment = references::environment(&root, process, &mut quiet);
        references::resolve(&mut root, &environment, &mut quiet);
        findings.section(&root, &TOP, "");
    }
    findings.variables(&environment);
    for problem in loaded.report.problems() {
        findings.problem(problem);
    }
    findings.all.sort_by_key(|finding| finding.grade);
    Migration {
        findings: findings.all,
        starts: loaded.settings.is_some(),
        report: loaded.report,
    }
}

#[derive(Default)]
struct Findings {
    all: Vec<Finding>,
}

impl Findings {
    /// Adds a finding, or the place to one that says the same.
    fn add(&mut self, found: Finding) {
        let same = |known: &&mut Finding| {
            known.grade == found.grade
                && known.subject == found.subject
                && known.text == found.text
                && known.instead == found.instead
        };
        match self.all.iter_mut().find(same) {
            Some(known) => known.places.extend(found.places),
            None => self.all.push(found),
        }
    }

    /// The walk over all keys with the tables.
    fn section(&mut self, node: &Node, section: &'static Section, path: &str) {
        for (key, node) in node.entries() {
            if node.is_null() {
                continue;
            }
            let subject = subject(section, path, &key.name);
            match section.find(&key.name) {
                // What has the wrong type is among the problems.
                Some(row) if kind::check(row.kind, node).is_none() => {
                    self.known(row, key, node, subject);
                }
                None if std::ptr::eq(section, &PARAMS) => self.parameter(key, subject),
                _ => {}
            }
        }
    }

    fn known(&mut self, row: &'static Row, key: &Key, node: &Node, subject: String) {
        match row.kind {
            Kind::Section(inner) => return self.section(node, inner, &subject),
            Kind::Sections(inner) => {
                return node
                    .items()
                    .iter()
                    .for_each(|item| self.section(item, inner, &subject));
            }
            Kind::Named(inner) => {
                return node
                    .entries()
                    .iter()
                    .for_each(|(_, item)| self.section(item, inner, &subject));
            }
            _ => {}
        }
        let difference = DIFFERENCES
            .iter()
            .find(|it| it.keys.iter().any(|path| speaks_of(path, &subject, node)));
        let place = Place::File(key.at);
        self.add(match (row.status, difference) {
            (
                Status::Ignored {
                    unless,
                    consequence,
                },
                _,
            ) if asks_for_something(node, unless) => not_supported(subject, place, consequence),
            (Status::Honored(text), difference) if text.is_some() || difference.is_some() => {
                different(subject, place, text, difference)
            }
            _ => plain(Grade::Honored, subject, place),
        });
    }

    /// A key that LiteLLM sends to the provider, or one of its dozens of prices.
    fn parameter(&mut self, key: &Key, subject: String) {
        let place = Place::File(key.at);
        if keys::is_price(&key.name) {
            self.add(not_supported(
                subject,
                place,
                "calls cost what their tokens do",
            ));
        } else {
            self.add(Finding {
                text: Some(String::from("is sent to the provider with each request")),
                ..plain(Grade::Honored, subject, place)
            });
        }
    }

    fn variables(&mut self, environment: &Environment) {
        for (name, value) in environment.iter() {
            if value.is_empty() {
                continue;
            }
            if let Some(found) = variables::judge(name) {
                self.add(found);
            }
        }
    }

    /// What the check says beyond the tables.
    fn problem(&mut self, problem: &Problem) {
        let grade = match (problem.severity, problem.code) {
            // The walk has them, with what to do instead.
            (_, Code::IgnoredKey) => return,
            (Severity::Error, _) => Grade::Refused,
            (_, Code::UnknownKey) => Grade::Unknown,
            (_, Code::Unservable | Code::RefusedVariable) => Grade::NotSupported,
            // Most of LiteLLM's flags that mean nothing here are about its own process.
            (_, Code::IgnoredFlag) => flag_grade(&problem.message),
            _ => Grade::Note,
        };
        // A list of all providers says nothing here.
        let hint = problem.hint.as_ref().filter(|hint| hint.len() < 200);
        self.add(Finding {
            text: Some(problem.message.clone()),
            instead: hint.cloned(),
            ..plain(grade, about(problem), problem.place.clone())
        });
    }
}

/// What a problem is about: the name in its message, else its kind.
fn about(problem: &Problem) -> String {
    let quoted = problem.message.split('`').nth(1);
    match problem.code {
        Code::UnknownKey | Code::WrongType | Code::OutOfRange | Code::InvalidValue => {
            quoted.map_or_else(|| kind_of(problem), str::to_owned)
        }
        Code::Unservable => String::from("a deployment"),
        Code::IgnoredFlag => String::from("a flag"),
        _ => kind_of(problem),
    }
}

fn kind_of(problem: &Problem) -> String {
    problem.code.as_str().replace('_', " ")
}

/// A flag is missed if what follows from it is something that a key would be missed for, too.
fn flag_grade(message: &str) -> Grade {
    let consequence = message.split_once(": ").map_or("", |(_, rest)| rest);
    match advice::of(consequence) {
        Some(_) => Grade::NotSupported,
        None => Grade::Note,
    }
}

/// `section.key`; keys of deployments have the same name wherever they are.
fn subject(section: &'static Section, path: &str, key: &str) -> String {
    let key = key.escape_debug();
    if std::ptr::eq(section, &PARAMS) {
        format!("litellm_params.{key}")
    } else if std::ptr::eq(section, &MODEL_INFO) {
        format!("model_info.{key}")
    } else if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}

/// Whether a key of a difference (`path` or `path=value`) is this one.
fn speaks_of(path: &str, subject: &str, node: &Node) -> bool {
    match path.split_once('=') {
        Some((path, value)) => path == subject && node.as_text() == Some(value),
        None => path == subject,
    }
}

fn plain(grade: Grade, subject: String, place: Place) -> Finding {
    Finding {
        grade,
        subject,
        places: vec![place],
        text: None,
        in_litellm: None,
        because: None,
        instead: None,
    }
}

fn not_supported(subject: String, place: Place, consequence: &str) -> Finding {
    Finding {
        text: Some(consequence.to_owned()),
        instead: advice::of(consequence).map(str::to_owned),
        ..plain(Grade::NotSupported, subject, place)
    }
}

fn different(
    subject: String,
    place: Place,
    text: Option<&str>,
    difference: Option<&'static Difference>,
) -> Finding {
    Finding {
        text: text.or(difference.map(|it| it.here)).map(str::to_owned),
        in_litellm: difference.map(|it| it.in_litellm),
        because: difference.map(|it| it.because),
        instead: difference.and_then(|it| it.back).map(str::to_owned),
        ..plain(Grade::Different, subject, place)
    }
}

/// How many differences hold whatever the configuration says.
pub fn general_differences() -> usize {
    DIFFERENCES.iter().filter(|it| it.keys.is_empty()).count()
}

#[cfg(test)]
mod tests;
