//! What is wrong with a configuration, where, and what to do about it.
//!
//! Checks never stop at the first problem: they add to a [`Report`] and go on.

use super::files::{Files, WatchedFile};
use super::tree::Node;
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

/// All problems of one load, with the texts they point into.
#[derive(Default)]
pub struct Report {
    problems: Vec<Problem>,
    files: Vec<SourceFile>,
    /// Every file that was read or looked for.
    pub(super) sources: Files,
}

impl Report {
    /// The problems, ordered by file and position; those without a position come last.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The number of problems that keep the gateway from starting.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// The number of problems that it can live with.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// The text that a mark points into, if the mark belongs to this report.
    pub fn file(&self, mark: Mark) -> Option<&SourceFile> {
        self.files.get(usize::from(mark.file))
    }

    /// `name:line:column` for a place in a file, the variable or flag otherwise.
    pub fn describe(&self, place: &Place) -> String {
        match place {
            Place::File(mark) => match self.file(*mark) {
                Some(file) => format!("{}:{}:{}", file.name, mark.line, mark.column),
                None => String::from("configuration"),
            },
            Place::Variable(name) => format!("environment variable {name}"),
            Place::Flag(name) => format!("command line {name}"),
            Place::Nowhere => String::from("configuration"),
        }
    }

    /// Every file that was read or looked for; they are forgotten here.
    pub(super) fn take_sources(&mut self) -> Vec<WatchedFile> {
        std::mem::take(&mut self.sources).into_seen()
    }

    /// The texts of all files, in the order in which they were read.
    pub(super) fn texts(&self) -> Vec<String> {
        self.files.iter().map(|file| file.text.clone()).collect()
    }

    pub(super) fn add_file(&mut self, name: String, text: String) -> u16 {
        let number = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        let masks = Masks::Everything;
        self.files.push(SourceFile { name, text, masks });
        number
    }

    /// From now on only `secrets` (byte ranges) of this file are hidden in snippets.
    pub(super) fn reveal(&mut self, file: u16, secrets: Vec<Range<usize>>) {
        if let Some(file) = self.files.get_mut(usize::from(file)) {
            file.masks = Masks::Ranges(secrets);
        }
    }

    /// Hides a value of unknown meaning too.
    pub(super) fn hide(&mut self, node: &Node) {
        if let Some(SourceFile {
            masks: Masks::Ranges(ranges),
            ..
        }) = self.files.get_mut(usize::from(node.at.file))
        {
            ranges.extend(super::masks::texts(node));
        }
    }

    pub(super) fn error(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
    ) -> Hint<'_> {
        self.add(Severity::Error, code, place, message.into())
    }

    pub(super) fn warn(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
    ) -> Hint<'_> {
        self.add(Severity::Warning, code, place, message.into())
    }

    /// Ends the collection: applies `strictness` and sorts.
    pub(super) fn close(&mut self, strictness: Strictness) {
        if strictness == Strictness::Strict {
            for problem in &mut self.problems {
                if problem.code.matters_when_strict() {
                    problem.severity = Severity::Error;
                }
            }
        }
        self.problems.sort_by(|a, b| a.place.position(&b.place));
        self.problems.dedup();
    }

    fn add(&mut self, severity: Severity, code: Code, place: Place, message: String) -> Hint<'_> {
        self.problems.push(Problem {
            severity,
            code,
            place,
            message,
            hint: None,
        });
        Hint {
            problem: self.problems.last_mut(),
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The texts hold secrets, so only the names are shown.
        let names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        f.debug_struct("Report")
            .field("problems", &self.problems)
            .field("files", &names)
            .finish()
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the gateway can start in spite of it.
    pub severity: Severity,
    /// Its kind, stable for machines.
    pub code: Code,
    /// Where it is.
    pub place: Place,
    /// One sentence without a full stop. Never holds a secret.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The gateway does not start.
    Error,
    /// The gateway starts and says so.
    Warning,
}

/// The kind of a problem, stable for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A file cannot be read.
    Unreadable,
    /// A file is no YAML, or exceeds a bound (size, depth, aliases).
    Syntax,
    /// A mapping has the same key twice.
    DuplicateKey,
    /// A value has the wrong type.
    WrongType,
    /// A number is outside of its range, or not finite.
    OutOfRange,
    /// A value has the right type and makes no sense.
    InvalidValue,
    /// Something required is not there.
    Missing,
    /// A key that neither the gateway nor LiteLLM knows.
    UnknownKey,
    /// A LiteLLM key that this version of the gateway does not act on.
    IgnoredKey,
    /// `os.environ/NAME` of a variable that is not set.
    UnsetVariable,
    /// `environment_variables` replaces a variable of the process.
    OverriddenVariable,
    /// `environment_variables` names a variable that is never set from a file.
    RefusedVariable,
    /// An included file replaces a mapping as a whole, or was found elsewhere.
    Include,
    /// A secret's file cannot be read, or its value is unusable.
    Secret,
    /// A command-line flag of LiteLLM that means nothing here.
    IgnoredFlag,
    /// A model group that no deployment serves.
    UnknownGroup,
    /// Something that is right and changes nothing.
    NoEffect,
    /// A deployment that no provider can serve.
    Unservable,
    /// Effective settings are weaker than asked for.
    Weak,
}

impl Code {
    /// The name that is printed in brackets and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Syntax => "syntax",
            Self::DuplicateKey => "duplicate_key",
            Self::WrongType => "wrong_type",
            Self::OutOfRange => "out_of_range",
            Self::InvalidValue => "invalid_value",
            Self::Missing => "missing",
            Self::UnknownKey => "unknown_key",
            Self::IgnoredKey => "ignored_key",
            Self::UnsetVariable => "unset_variable",
            Self::OverriddenVariable => "overridden_variable",
            Self::RefusedVariable => "refused_variable",
            Self::Include => "include",
            Self::Secret => "secret",
            Self::IgnoredFlag => "ignored_flag",
            Self::UnknownGroup => "unknown_group",
            Self::NoEffect => "no_effect",
            Self::Unservable => "unservable",
            Self::Weak => "weak",
        }
    }

    /// Facts about the machine (an unset variable) stay warnings under `--strict`, so that a
    /// configuration can be checked where its secrets are not.
    const fn matters_when_strict(self) -> bool {
        matches!(
            self,
            Self::UnknownKey
                | Self::IgnoredKey
                | Self::RefusedVariable
                | Self::Include
                | Self::UnknownGroup
                | Self::NoEffect
        )
    }
}

/// Whether unknown and ignored keys are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// They are warnings, as a LiteLLM user expects.
    #[default]
    Lenient,
    /// They are errors.
    Strict,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(Mark),
    /// In an environment variable, by name.
    Variable(String),
    /// In a command-line flag, by name.
    Flag(String),
    /// In the configuration as a whole.
    Nowhere,
}

impl Place {
    fn position(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::File(a), Self::File(b)) => {
                (a.file, a.offset, a.line, a.column).cmp(&(b.file, b.offset, b.line, b.column))
            }
            (Self::File(_), _) => Ordering::Less,
            (_, Self::File(_)) => Ordering::Greater,
            _ => Ordering::Equal,
        }
    }
}

/// A stretch of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The file's number in the report.
    pub file: u16,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// Bytes from the start of the file.
    pub offset: u32,
    /// Length in bytes; 0 if only the start is known.
    pub length: u32,
}

impl Mark {
    /// The bytes that it covers.
    pub fn range(self) -> Range<usize> {
        let start = self.offset as usize;
        start..start + self.length as usize
    }
}

/// One file as it was read.
pub struct SourceFile {
    /// The path as the user wrote it.
    pub name: String,
    pub(super) text: String,
    pub(super) masks: Masks,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a snippet of a file must hide.
pub(super) enum Masks {
    /// The file was not understood: all values.
    Everything,
    /// These byte ranges.
    Ranges(Vec<Range<usize>>),
}

/// Adds a hint to the problem that was just reported.
pub(super) struct Hint<'a> {
    problem: Option<&'a mut Problem>,
}

impl Hint<'_> {
    pub(super) fn hint(self, hint: impl Into<String>) {
        if let Some(problem) = self.problem {
            problem.hint = Some(hint.into());
        }
    }

    pub(super) fn hint_opt(self, hint: Option<String>) {
        if let Some(problem) = self.problem {
            problem.hint = hint;
        }
    }
}
