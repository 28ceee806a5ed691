//! The configuration: a LiteLLM `config.yaml`, read as it is, with a section `gateway` of our own.
//!
//! Two typed stages. What the user said: a tree with the position of every key and value, read by
//! `serde-saphyr` and checked against the tables of `keys`, all problems at once. What the program
//! needs: [`Settings`], put together from figment's layers (defaults < files < environment <
//! flags) and from the deployments of the tree.

mod digest; // Whether two configurations say the same.
mod environment; // The variables, as a value.
mod files; // What a configuration was made of.
mod problem; // What is wrong, where.
mod render; // Problems for people and for machines.
mod settings; // What the program needs.

mod check; // The walk with the tables.
mod checks; // Probes of deployments.
mod deployment; // `model_list`.
mod differences; // From LiteLLM, on purpose.
mod duplicates; // Every duplicate key of a refused file.
mod keys; // Every known key, one line each.
mod kind; // Kinds of values.
mod layers; // figment.
mod masks; // What no snippet shows.
mod migration; // What becomes of a set-up of LiteLLM.
mod read; // Files, bounds, `include`.
mod references; // `os.environ/NAME` and `environment_variables`.
mod resolve; // From said to needed.
mod routing; // Fallbacks, policies, hedging.
mod said; // The effective values.
mod schema; // The tables for editors.
mod secrets; // As written, or from files.
mod show; // The effective configuration, with sources.
mod suggest; // The nearest known key.
mod tree; // What the user said, with positions.

pub use checks::{Checks, Details};
pub use deployment::{Background, Check, DeploymentSettings, Mock};
pub use digest::Digest;
pub use environment::Environment;
pub use files::{Look, WatchedFile};
pub(crate) use kind::wrong_log_filter;
pub use migration::{Finding, Grade, Migration, general_differences, migration};
pub use problem::{Code, Mark, Place, Problem, Report, Severity, SourceFile, Strictness};
pub use render::{Spot, human, json, spot, values};
pub use schema::schema;
pub use settings::{
    Admin, Admission, Auth, Drain, Exposure, Heartbeats, Limits, Listen, Log, LogFormat,
    LoggedCalls, MetricsSettings, Propagate, Sampler, Settings, TlsFiles, TraceExport, Tracing,
    TransportSettings,
};
pub use show::{Detail, Item, Shown, Source, show};
pub(crate) use suggest::nearest;

use gateway_providers::ConnectOptions;
use layers::{Given, Layers};
use std::path::PathBuf;
use tree::{Node, Tree};

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The first file; not given: `CONFIG_FILE_PATH`.
    pub file: Option<PathBuf>,
    /// What flags say.
    pub overrides: Overrides,
    /// A model to serve without any file.
    pub single: Option<SingleModel>,
    /// Whether an embedded upstream takes the place of deployments.
    pub demo: bool,
    /// Whether unknown and ignored keys are errors.
    pub strictness: Strictness,
    /// How far the look at deployments goes.
    pub depth: Depth,
}

/// How far the look at deployments goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Their settings; what starts the gateway builds them anyway.
    #[default]
    Settings,
    /// They are built too, and those that no provider can serve are reported. Connects to nothing.
    Endpoints,
}

/// `--model NAME --api_base URL`: one model, no file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SingleModel {
    /// `provider/model`.
    pub model: String,
    /// The provider's address, if it is not the usual one.
    pub api_base: Option<String>,
    /// The version of the provider's API.
    pub api_version: Option<String>,
}

/// Values from flags, above all other layers.
#[derive(Clone, Default)]
pub struct Overrides {
    given: Vec<Given>,
    ignored: Vec<(String, String)>,
}

impl Overrides {
    /// Sets the key at a dotted path such as `gateway.listen.port`; `flag` is for messages.
    pub fn set(&mut self, flag: &str, path: &str, value: impl Into<String>) {
        let place = Place::Flag(flag.to_owned());
        self.given.push(Given {
            path: path.to_owned(),
            value: value.into(),
            place,
        });
    }

    /// Notes a flag that means nothing here, for one line of warning.
    pub fn ignore(&mut self, flag: &str, consequence: &str) {
        self.ignored.push((flag.to_owned(), consequence.to_owned()));
    }
}

impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.given.iter().map(|given| &given.path))
            .finish()
    }
}

/// What a load brought.
#[derive(Debug)]
pub struct Loaded {
    /// The settings, if there is no error.
    pub settings: Option<Settings>,
    /// All problems.
    pub report: Report,
    /// Every file that was read or looked for.
    pub files: Vec<WatchedFile>,
    /// What it says, in short, if it can be understood.
    pub digest: Option<Digest>,
}

/// Loads a configuration. Reads files; changes nothing, not even the process environment.
pub fn load(sources: &Sources, process: &Environment) -> Loaded {
    let mut report = Report::default();
    let (settings, digest) = attempt(sources, process, &mut report).unzip();
    report.close(sources.strictness);
    let settings = settings.filter(|_| report.errors() == 0);
    Loaded {
        settings,
        files: report.take_sources(),
        digest,
        report,
    }
}

fn attempt(
    sources: &Sources,
    process: &Environment,
    report: &mut Report,
) -> Option<(Settings, Digest)> {
    for (flag, consequence) in &sources.overrides.ignored {
        report.warn(
            Code::IgnoredFlag,
            Place::Flag(format!("--{flag}")),
            format!("--{flag} is ignored: {consequence}"),
        );
    }
    let named = process.non_empty("CONFIG_FILE_PATH").map(PathBuf::from);
    let file = sources.file.clone().or(named);
    let read = match &file {
        Some(path) => read::document(path, report),
        None => Some(Node::new(Tree::Map(Vec::new()))),
    };
    let environment = read.as_ref().map_or_else(
        || process.clone(),
        |root| references::environment(root, process, report),
    );
    let mut layers = Layers::new(&environment, &sources.overrides.given, report);
    let mut root = read?;
    references::resolve(&mut root, &environment, report);
    check::document(&root, report);
    deployments_exist(&root, file.is_some(), sources, report);
    if report.errors() > 0 {
        // Settings need checked values; deployments and aliases take what there is and check more.
        let deployments = deployment::all(&root, &ConnectOptions::default(), report);
        let aliases = resolve::aliases(&root, &deployments, report);
        let names = routing::Names::new(&deployments, &aliases, &[]);
        routing::written(&root, &names, report);
        return None;
    }
    let texts = report.texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    match layers.extract(&texts, &environment) {
        Ok(said) => {
            let settings = resolve::settings(&said, &layers, &root, &environment, sources, report);
            let digest = Digest::of(&root, report.sources.contents());
            Some((settings, digest))
        }
        Err(error) => {
            // figment's own text would quote the value.
            let message = format!("`{}` has a value of the wrong type", error.path.join("."));
            report.error(Code::WrongType, Place::Nowhere, message);
            None
        }
    }
}

fn deployments_exist(root: &Node, has_file: bool, sources: &Sources, report: &mut Report) {
    if sources.demo || sources.single.is_some() {
        return;
    }
    let list = root.entry("model_list");
    if list.is_some_and(|(_, list)| !list.items().is_empty()) {
        return;
    }
    match (list, has_file) {
        (Some((_, list)), _) if !matches!(list.tree, Tree::List(_) | Tree::Null) => {} // Reported as a wrong type.
        (Some((key, _)), _) => {
            report
                .error(Code::Missing, Place::File(key.at), "`model_list` is empty")
                .hint(EXAMPLE);
        }
        (None, true) => {
            report
                .error(Code::Missing, Place::Nowhere, "there is no `model_list`")
                .hint(EXAMPLE);
        }
        (None, false) => {
            report
                .error(Code::Missing, Place::Nowhere, "there is no configuration")
                .hint("give --config FILE, or --model NAME, or --demo for a first look");
        }
    }
}

const EXAMPLE: &str = "a minimal one: `model_list: [{model_name: fast, litellm_params: {model: openai/gpt-4o-mini}}]`";
