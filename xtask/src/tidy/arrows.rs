//! Which crate may use which: the arrows of `docs/architecture.md`.

use std::collections::BTreeSet;

use super::Finding;
use super::workspace::{Crate, Workspace};

/// From each crate to those of our own that it may use outside of tests.
const ARROWS: [(&str, &[&str]); 8] = [
    ("gateway-core", &[]),
    ("gateway-transport", &[]),
    ("gateway-providers", &["gateway-core", "gateway-transport"]),
    (
        "gateway-router",
        &["gateway-core", "gateway-transport", "gateway-providers"],
    ),
    (
        "gateway-server",
        &[
            "gateway-core",
            "gateway-transport",
            "gateway-providers",
            "gateway-router",
        ],
    ),
    ("gateway-testkit", &[]),
    ("xtask", &["gateway-testkit"]),
    ("end-to-end", &["gateway-testkit"]),
];

/// The crate that every other may use in its tests.
const FOR_TESTS: &str = "gateway-testkit";

/// A package, or a feature of it, that only some of our crates may use outside of tests.
struct Reserved {
    package: &'static str,
    /// Part of a feature's name; without it the package as a whole is meant.
    feature: Option<&'static str>,
    users: &'static [&'static str],
    why: &'static str,
}

const RESERVED: [Reserved; 8] = [
    Reserved {
        package: "hyper",
        feature: Some("client"),
        users: &["gateway-transport"],
        why: "only the transport opens connections to origins",
    },
    Reserved {
        package: "hyper-util",
        feature: Some("client"),
        users: &["gateway-transport"],
        why: "only the transport opens connections to origins",
    },
    Reserved {
        package: "hyper",
        feature: Some("server"),
        users: &["gateway-server", "gateway-testkit"],
        why: "only the server accepts connections of clients",
    },
    Reserved {
        package: "h2",
        feature: None,
        users: &["gateway-transport", "gateway-testkit"],
        why: "HTTP/2 error codes are read in one place of the transport",
    },
    Reserved {
        package: "figment",
        feature: None,
        users: &["gateway-server"],
        why: "configuration is read by the server alone",
    },
    Reserved {
        package: "serde-saphyr",
        feature: None,
        users: &["gateway-server"],
        why: "configuration is read by the server alone",
    },
    Reserved {
        package: "tracing-subscriber",
        feature: None,
        users: &["gateway-server"],
        why: "libraries emit, the binary decides where it goes",
    },
    Reserved {
        package: "tikv-jemallocator",
        feature: None,
        users: &["gateway-server"],
        why: "the allocator is the binary's choice",
    },
];

/// What `gateway-core` must not reach, not even through another package: it does no IO and reads no clock.
const NOT_IN_CORE: [&str; 6] = ["tokio", "hyper", "hyper-util", "mio", "socket2", "rustls"];

/// Every arrow that the architecture does not know.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, known) in &workspace.crates {
        check_own(workspace, name, known, &mut findings);
        check_reserved(name, known, &mut findings);
    }
    check_core(workspace, &mut findings);
    findings
}

fn check_own(workspace: &Workspace, name: &str, known: &Crate, findings: &mut Vec<Finding>) {
    let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
        findings.push(Finding::new(
            &known.manifest,
            1,
            format!("the crate {name} is not in the table of arrows"),
            "add it to ARROWS in xtask/src/tidy/arrows.rs and to docs/architecture.md",
        ));
        return;
    };
    for dependency in &known.dependencies {
        let to = dependency.name.as_str();
        let ours = workspace.crates.contains_key(to);
        let in_tests = dependency.is_for_tests() && to == FOR_TESTS;
        if ours && !in_tests && !allowed.contains(&to) {
            findings.push(Finding::new(
                &known.manifest,
                known.line_of(to),
                format!("{name} must not use {to}"),
                format!("move the code to where an arrow leads; {name} may use: {allowed:?}"),
            ));
        }
    }
}

fn check_reserved(name: &str, known: &Crate, findings: &mut Vec<Finding>) {
    let ordinary = known.dependencies.iter().filter(|one| !one.is_for_tests());
    for dependency in ordinary {
        for reserved in &RESERVED {
            let used = dependency.name == reserved.package
                && reserved.feature.is_none_or(|feature| {
                    dependency.features.iter().any(|one| one.contains(feature))
                });
            if !used || reserved.users.contains(&name) {
                continue;
            }
            let what = reserved.feature.map_or_else(
                || reserved.package.to_owned(),
                |feature| format!("the feature {feature} of {}", reserved.package),
            );
            findings.push(Finding::new(
                &known.manifest,
                known.line_of(reserved.package),
                format!("{name} must not use {what}"),
                format!("{}; allowed: {}", reserved.why, reserved.users.join(", ")),
            ));
        }
    }
}

/// Walks from `gateway-core` through everything that it needs.
fn check_core(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let Some(core) = workspace.crates.get("gateway-core") else {
        return;
    };
    let mut seen = BTreeSet::new();
    let mut open = vec![vec!["gateway-core"]];
    while let Some(path) = open.pop() {
        let last = path.last().copied().unwrap_or_default();
        if !seen.insert(last) {
            continue;
        }
        if NOT_IN_CORE.contains(&last) {
            findings.push(Finding::new(
                &core.manifest,
                path.get(1).map_or(1, |first| core.line_of(first)),
                format!("gateway-core reaches {last}: {}", path.join(" -> ")),
                "gateway-core does no IO, reads no clock and starts no task; drop the dependency or its feature",
            ));
            continue;
        }
        for next in workspace.needs.get(last).into_iter().flatten() {
            let mut longer = path.clone();
            longer.push(next);
            open.push(longer);
        }
    }
}
