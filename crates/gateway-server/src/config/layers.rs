//! The layers of the gateway-wide settings, as a [`Figment`]:
//! defaults < variables that LiteLLM reads as defaults < files < other variables < flags.
//!
//! Values reach this point checked: files by the walk over the tree, the rest by the same tables.

use super::check;
use super::environment::Environment;
use super::kind::Kind;
use super::problem::{Code, Place, Report};
use super::references;
use super::said::Said;
use super::tree::{Node, Origin};
use figment::providers::{Format as _, Serialized};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};
use serde_saphyr::figment::Yaml;

/// What comes from outside of the files: a path such as `gateway.listen.port`, and its value.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) path: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// All layers, with what is needed to say where an effective value comes from.
pub(super) struct Layers {
    figment: Figment,
    outside: [Outside; 3],
}

impl Layers {
    /// Checks what comes from outside of the files; the rest of the work is done on extraction.
    pub(super) fn new(environment: &Environment, flags: &[Given], report: &mut Report) -> Self {
        let (low, high) = variables(environment, report);
        let outside = [
            Outside::checked("environment, below files", low, report),
            Outside::checked("environment", high, report),
            Outside::checked("command line", flags.to_vec(), report),
        ];
        Self {
            figment: Figment::from(Serialized::defaults(Said::default())),
            outside,
        }
    }

    /// The effective values. `texts` are the files in the order in which they were read.
    pub(super) fn extract(
        &mut self,
        texts: &[&str],
        environment: &Environment,
    ) -> Result<Said, Box<Error>> {
        let [low, high, flags] = &self.outside;
        let defaults = std::mem::take(&mut self.figment);
        self.figment = defaults
            .merge(low)
            .merge(Files { texts, environment })
            .merge(high)
            .merge(flags);
        self.figment.extract_lossy().map_err(Box::new)
    }

    /// What was said outside of the files, lowest layer first: path, place, value.
    pub(super) fn outside(&self) -> impl Iterator<Item = (Rank, &str, &Place, serde_json::Value)> {
        let ranks = [Rank::BelowFiles, Rank::AboveFiles, Rank::AboveFiles];
        let layers = ranks.into_iter().zip(&self.outside);
        layers.flat_map(|(rank, layer)| {
            layer.places.iter().filter_map(move |(path, place)| {
                let value = Value::from(layer.dict.clone()).find(path)?;
                let value = serde_json::to_value(value).ok()?;
                Some((rank, path.as_str(), place, value))
            })
        })
    }

    /// Where the effective value of a dotted path was said; `None` if it is a default.
    pub(super) fn place(&self, path: &str, root: &Node) -> Option<Place> {
        let name = &self.figment.find_metadata(path)?.name;
        if name == FILES {
            let mut node = root;
            let mut place = None;
            for part in path.split('.') {
                let (key, inner) = node.entry(part)?;
                (node, place) = (inner, Some(Place::File(key.at)));
            }
            return place;
        }
        let layer = self.outside.iter().find(|layer| layer.name == name)?;
        layer
            .places
            .iter()
            .find(|(said, _)| said == path)
            .map(|(_, place)| place.clone())
    }
}

/// The files as one layer. Each is parsed by serde-saphyr's provider; LiteLLM's rule for
/// `include` (a section is replaced as a whole) is applied between them.
struct Files<'a> {
    texts: &'a [&'a str],
    environment: &'a Environment,
}

impl Provider for Files<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(FILES)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut merged = Dict::new();
        for text in self.texts {
            let Some(sections) = Yaml::string(text).data()?.remove(&Profile::Default) else {
                continue;
            };
            let layered = sections
                .into_iter()
                .filter(|(key, _)| LAYERED.contains(&key.as_str()));
            merged.extend(layered);
        }
        let environment = self.environment;
        let merged = merged
            .into_iter()
            .filter_map(|(key, value)| Some((key, resolved(value, environment)?)))
            .collect();
        Ok(Map::from([(Profile::Default, merged)]))
    }
}

/// Replaces references, and leaves out what is null, so that lower layers show through.
fn resolved(value: Value, environment: &Environment) -> Option<Value> {
    match value {
        Value::Empty(..) => None,
        Value::String(tag, text) => match text.strip_prefix(references::PREFIX) {
            Some(name) => Some(Value::String(tag, environment.get(name)?.to_owned())),
            None => Some(Value::String(tag, text)),
        },
        Value::Dict(tag, dict) => {
            let entries = dict
                .into_iter()
                .filter_map(|(key, value)| Some((key, resolved(value, environment)?)));
            Some(Value::Dict(tag, entries.collect()))
        }
        other => Some(other),
    }
}

/// Variables or flags as one layer.
struct Outside {
    name: &'static str,
    dict: Dict,
    places: Vec<(String, Place)>,
}

impl Outside {
    /// Keeps what its table allows; the rest goes to the report.
    fn checked(name: &'static str, given: Vec<Given>, report: &mut Report) -> Self {
        let mut dict = Dict::new();
        let mut places = Vec::new();
        for Given { path, value, place } in given {
            let row = match check::find(&path) {
                Ok(row) => row,
                Err((section, key)) => {
                    let message =
                        format!("unknown key `{}` in {}", key.escape_debug(), section.name);
                    report
                        .warn(Code::UnknownKey, place, message)
                        .hint_opt(check::suggestion(section, &key));
                    continue;
                }
            };
            if check::value(
                row,
                &Node {
                    origin: Origin::Outside,
                    ..Node::text(value.as_str())
                },
                &place,
                report,
            ) {
                insert(&mut dict, &path, typed(row.kind, value));
                places.push((path, place));
            }
        }
        Self { name, dict, places }
    }
}

impl Provider for &Outside {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.dict.clone())]))
    }
}

/// Numbers and booleans are read as such; texts stay as they are, also if they look like numbers.
fn typed(kind: Kind, value: String) -> Value {
    let node = Node::text(value.as_str());
    match kind {
        Kind::Bool => node
            .as_bool()
            .map_or_else(|| Value::from(value), Value::from),
        Kind::BoolOrText => match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Value::from(true),
            "false" | "0" => Value::from(false),
            _ => Value::from(value),
        },
        Kind::TextList => Value::from(
            value
                .split(',')
                .map(|item| item.trim().to_owned())
                .collect::<Vec<_>>(),
        ),
        _ => Value::from(value),
    }
}

fn insert(dict: &mut Dict, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            dict.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = dict
                .entry(first.to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// The variables that mean something: below the files, and above them.
fn variables(environment: &Environment, report: &mut Report) -> (Vec<Given>, Vec<Given>) {
    let given = |name: &str, path: &str, value: &str| Given {
        path: path.to_owned(),
        value: value.to_owned(),
        place: Place::Variable(name.to_owned()),
    };
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for (name, path, rank) in VARIABLES {
        let Some(value) = environment.non_empty(name) else {
            continue;
        };
        match rank {
            Rank::BelowFiles => low.push(given(name, path, value)),
            Rank::AboveFiles => high.push(given(name, path, value)),
        }
    }
    for (name, value) in environment.iter() {
        let Some(path) = name.strip_prefix(OURS) else {
            continue;
        };
        if path.is_empty() || path.contains('.') {
            report.warn(
                Code::UnknownKey,
                Place::Variable(name.to_owned()),
                "this variable names no key",
            );
            continue;
        }
        high.push(given(
            name,
            &format!("gateway.{}", path.to_ascii_lowercase().replace("__", ".")),
            value,
        ));
    }
    (low, high)
}

#[derive(Clone, Copy)]
pub(super) enum Rank {
    /// LiteLLM reads it only where the file says nothing.
    BelowFiles,
    AboveFiles,
}

/// LiteLLM's variables for gateway-wide settings. Ours are `GATEWAY__SECTION__KEY`.
pub(super) const VARIABLES: &[(&str, &str, Rank)] = &[
    (
        "LITELLM_MASTER_KEY",
        "general_settings.master_key",
        Rank::BelowFiles,
    ),
    (
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY",
        "general_settings.dangerously_permit_weak_or_unset_master_key",
        Rank::BelowFiles,
    ),
    (
        "REQUEST_TIMEOUT",
        "litellm_settings.request_timeout",
        Rank::BelowFiles,
    ),
    (
        "ROUTER_MAX_FALLBACKS",
        "litellm_settings.max_fallbacks",
        Rank::BelowFiles,
    ),
    (
        "DEFAULT_COOLDOWN_TIME_SECONDS",
        "litellm_settings.cooldown_time",
        Rank::BelowFiles,
    ),
    (
        "GRACEFUL_SHUTDOWN_TIMEOUT",
        "gateway.drain.timeout",
        Rank::BelowFiles,
    ),
    (
        "DRAIN_ENDPOINT_TOKEN",
        "general_settings.drain_endpoint_token",
        Rank::BelowFiles,
    ),
    ("HOST", "gateway.listen.host", Rank::AboveFiles),
    ("PORT", "gateway.listen.port", Rank::AboveFiles),
    ("NUM_WORKERS", "gateway.workers", Rank::AboveFiles),
    (
        "KEEPALIVE_TIMEOUT",
        "gateway.keepalive_timeout",
        Rank::AboveFiles,
    ),
    (
        "SSL_KEYFILE_PATH",
        "gateway.listen.tls_key",
        Rank::AboveFiles,
    ),
    (
        "SSL_CERTFILE_PATH",
        "gateway.listen.tls_cert",
        Rank::AboveFiles,
    ),
    ("LITELLM_LOG", "gateway.log.level", Rank::AboveFiles),
    ("JSON_LOGS", "litellm_settings.json_logs", Rank::AboveFiles),
    (
        "SSL_VERIFY",
        "litellm_settings.ssl_verify",
        Rank::AboveFiles,
    ),
    ("SSL_CERT_FILE", "gateway.transport.roots", Rank::BelowFiles),
    (
        "SSL_CERTIFICATE",
        "litellm_settings.ssl_certificate",
        Rank::AboveFiles,
    ),
];

const OURS: &str = "GATEWAY__";

const LAYERED: &[&str] = &[
    "gateway",
    "router_settings",
    "litellm_settings",
    "general_settings",
];

/// The name of the layer of files in figment's metadata.
const FILES: &str = "files";
