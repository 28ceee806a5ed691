//! From paths to one tree: reads files within bounds, parses them, follows `include`.

use super::problem::{Code, Mark, Place, Report};
use super::tree::{Key, Node, Tree};
use serde_saphyr::{Location, NonFiniteFloatPolicy, options::DuplicateKeyPolicy};
use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

/// Reads `path` and all that it includes, breadth first, each file once.
///
/// For each top-level key an included list is appended to the including one; any other value
/// replaces it as a whole, mappings too. `None` if the first file is unusable.
pub(super) fn document(path: &Path, report: &mut Report) -> Option<Node> {
    let text = match bounded(path, MAX_FILE_BYTES, report) {
        Ok(text) => text,
        Err(why) => {
            let message = format!("cannot read {}: {why}", path.display());
            report
                .error(Code::Unreadable, Place::Nowhere, message)
                .hint("check the path given by --config or CONFIG_FILE_PATH");
            return None;
        }
    };
    let mut root = parse(path, text, report)?;
    follow_includes(path, &mut root, report);
    Some(root)
}

/// The text of a file of at most `limit` bytes, or why there is none.
pub(super) fn bounded(path: &Path, limit: u64, report: &mut Report) -> Result<String, String> {
    let bytes = report.sources.read(path, limit)?;
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "it is not UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        )
    })
}

/// Parses one file. Problems of its syntax go to the report.
pub(super) fn parse(path: &Path, text: String, report: &mut Report) -> Option<Node> {
    let parsed = parse_with(&text, DuplicateKeyPolicy::Error);
    let file = report.add_file(path.display().to_string(), text);
    let mut node = match parsed {
        Ok(node) => node,
        Err(error @ serde_saphyr::Error::DuplicateMappingKey { .. }) => {
            let again = parse_again(file, report);
            if report.errors() == 0 {
                syntax_error(file, &error, report);
            }
            again?
        }
        Err(error) => {
            syntax_error(file, &error, report);
            return None;
        }
    };
    if let Some(source) = report.file(Mark {
        file,
        ..Mark::default()
    }) {
        node.stamp(file, &source.text);
    }
    if node.is_null() {
        node.tree = Tree::Map(Vec::new());
    }
    if !matches!(node.tree, Tree::Map(_)) {
        let message = format!(
            "expected a mapping at the top level, found {}",
            node.kind_name()
        );
        report
            .error(Code::WrongType, node.place(), message)
            .hint("a configuration begins with keys such as `model_list:`");
        return None;
    }
    report.reveal(file, super::masks::secrets(&node));
    Some(node)
}

fn parse_with(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Node, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_events: MAX_EVENTS, max_aliases: MAX_ALIASES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_EVENTS, max_replay_stack_depth: 16 },
        duplicate_keys: duplicate_keys,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
        emit_comments: false,
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// After a duplicate key: reports every one, and reads the file as if the last one counted, so
/// that the rest of it is checked too.
fn parse_again(file: u16, report: &mut Report) -> Option<Node> {
    let text = report
        .file(Mark {
            file,
            ..Mark::default()
        })?
        .text
        .clone();
    for duplicate in super::duplicates::find(&text) {
        let at = Mark {
            file,
            ..duplicate.at
        };
        let message = format!(
            "the key `{}` is here for the second time",
            duplicate.name.escape_debug()
        );
        report
            .error(Code::DuplicateKey, Place::File(at), message)
            .hint(format!(
                "the first one is on line {}; remove one of them",
                duplicate.first_line
            ));
    }
    parse_with(&text, DuplicateKeyPolicy::LastWins).ok()
}

fn syntax_error(file: u16, error: &serde_saphyr::Error, report: &mut Report) {
    use serde_saphyr::Error;
    let place = match error.location() {
        Some(location) if location != Location::UNKNOWN => Place::File(point(file, location)),
        _ => Place::File(Mark {
            file,
            line: 1,
            column: 1,
            ..Mark::default()
        }),
    };
    // The texts of the parser are used only where they cannot quote a value.
    let message = match error {
        Error::ExternalMessage { msg, .. } => {
            format!("this is not valid YAML: {}", printable(msg))
        }
        Error::UnknownAnchor { .. } => {
            String::from("this alias has no anchor (quote a value that begins with `*`)")
        }
        Error::MultipleDocuments { .. } => {
            String::from("a second YAML document begins here; a configuration is one")
        }
        Error::Budget { breach, .. } => format!("this file exceeds a bound: {breach:?}"),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            String::from("the aliases of this file expand to too much")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            String::from("this alias refers to a value that contains it")
        }
        Error::DuplicateMappingKey { .. } => String::from("this key is here for the second time"),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            String::from("the value of `<<` must be a mapping")
        }
        Error::Eof { .. } => String::from("the file ends too early"),
        _ => String::from("this is not valid YAML"),
    };
    report.error(Code::Syntax, place, message);
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn point(file: u16, location: Location) -> Mark {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Mark {
        file,
        line: number(location.line()),
        column: number(location.column()),
        offset: location.span().byte_offset().map_or(0, number),
        length: 0,
    }
}

fn follow_includes(root_path: &Path, root: &mut Node, report: &mut Report) {
    let mut seen: HashSet<PathBuf> = HashSet::from([canonical(root_path)]);
    let mut queue: VecDeque<(PathBuf, Node)> = includes(root_path, root, report);
    while let Some((declaring, reference)) = queue.pop_front() {
        let Some(wanted) = reference.as_text() else {
            continue;
        };
        let Some(path) = locate(wanted, &declaring, root_path, &reference, report) else {
            continue;
        };
        if !seen.insert(canonical(&path)) {
            continue;
        }
        if seen.len() > MAX_FILES {
            let message = format!("more than {MAX_FILES} files are included");
            report.error(Code::Include, reference.place(), message);
            return;
        }
        let text = match bounded(&path, MAX_FILE_BYTES, report) {
            Ok(text) => text,
            Err(why) => {
                let message = format!("cannot read the included file {}: {why}", path.display());
                report.error(Code::Unreadable, reference.place(), message);
                continue;
            }
        };
        let Some(mut included) = parse(&path, text, report) else {
            continue;
        };
        queue.extend(includes(&path, &mut included, report));
        merge(root, included, report);
    }
}

/// Takes the entries of `include` out of a document.
fn includes(path: &Path, document: &mut Node, report: &mut Report) -> VecDeque<(PathBuf, Node)> {
    let Tree::Map(entries) = &mut document.tree else {
        return VecDeque::new();
    };
    let Some(position) = entries.iter().position(|(key, _)| key.name == "include") else {
        return VecDeque::new();
    };
    let (_, value) = entries.remove(position);
    let items = match value.tree {
        Tree::List(items) => items,
        Tree::Null => Vec::new(),
        _ => {
            let message = format!(
                "`include` must be a list of paths, found {}",
                value.kind_name()
            );
            report
                .error(Code::WrongType, value.place(), message)
                .hint("write `include: [other.yaml]`");
            Vec::new()
        }
    };
    let mut wanted = VecDeque::new();
    for item in items {
        if item.as_text().is_some() {
            wanted.push_back((path.to_owned(), item));
        } else {
            let message = format!("`include` must list paths, found {}", item.kind_name());
            report.error(Code::WrongType, item.place(), message);
        }
    }
    wanted
}

/// Next to the declaring file, else next to the first one.
fn locate(
    wanted: &str,
    declaring: &Path,
    root: &Path,
    reference: &Node,
    report: &mut Report,
) -> Option<PathBuf> {
    let beside = |file: &Path| file.parent().unwrap_or_else(|| Path::new("")).join(wanted);
    let near = beside(declaring);
    report.sources.note(&near);
    if near.exists() {
        return Some(near);
    }
    let far = beside(root);
    if far.exists() {
        let message = format!(
            "{} is not beside the file that includes it; {} is used",
            near.display(),
            far.display()
        );
        report.warn(Code::Include, reference.place(), message);
        return Some(far);
    }
    let message = format!("the included file {} does not exist", near.display());
    report.error(Code::Unreadable, reference.place(), message);
    None
}

fn merge(base: &mut Node, included: Node, report: &mut Report) {
    let (Tree::Map(base), Tree::Map(included)) = (&mut base.tree, included.tree) else {
        return;
    };
    for (key, node) in included {
        let Some((_, existing)) = base
            .iter_mut()
            .find(|(candidate, _)| candidate.name == key.name)
        else {
            base.push((key, node));
            continue;
        };
        match (&mut existing.tree, node.tree) {
            (Tree::List(items), Tree::List(more)) => items.extend(more),
            (_, tree) => {
                let node = Node {
                    tree,
                    at: node.at,
                    origin: node.origin,
                };
                warn_lost(&key, existing, &node, report);
                *existing = node;
            }
        }
    }
}

/// An included mapping replaces the including one; that is worth a word if keys vanish.
fn warn_lost(key: &Key, base: &Node, included: &Node, report: &mut Report) {
    let lost: Vec<String> = base
        .entries()
        .iter()
        .filter(|(key, _)| included.entry(&key.name).is_none())
        .map(|(key, _)| format!("`{}`", key.name.escape_debug()))
        .collect();
    if !lost.is_empty() {
        let message = format!(
            "this `{}` replaces the one of the including file as a whole",
            key.name.escape_debug()
        );
        report
            .warn(Code::Include, Place::File(key.at), message)
            .hint(format!("lost: {}", lost.join(", ")));
    }
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A configuration of 10,000 deployments is about 2 MiB.
const MAX_FILE_BYTES: u64 = 8 << 20;
const MAX_FILES: usize = 100;
const MAX_DEPTH: usize = 48;
const MAX_EVENTS: usize = 1_000_000;
const MAX_ALIASES: usize = 10_000;
