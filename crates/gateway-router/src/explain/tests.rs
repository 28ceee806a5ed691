//! Descriptions, in words and numbers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::{Dialect, ErrorKind};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ExplainedFallback, Explanation, FallbackFate, RetryOrigin, RetryReach, explain};
use crate::catalog::Catalog;
use crate::config::{
    DeploymentConfig, Fallbacks, Hedging, PolicyKind, Retries, Routing, TagFiltering,
};
use crate::ledger::{Sample, Terms};
use crate::options::{CallOptions, Target};
use crate::outcome::{Again, Outcome};
use crate::plan::{Failure, Plan, Step};
use crate::running::Running;
use crate::timers::{DeploymentTimers, Origin, RequestTimers, Timer};
use crate::world::{catalog, entry, failure, seconds};

const CHAT: Option<Dialect> = Some(Dialect::OpenAiChat);

fn told(catalog: &Catalog, options: &CallOptions, now: Instant) -> Explanation {
    let resolved = catalog.resolve("g").expect("known");
    explain(catalog, &resolved, CHAT, options, now)
}

fn of_group(group: &str, id: &str) -> DeploymentConfig {
    DeploymentConfig {
        group: group.to_owned(),
        ..entry(id)
    }
}

#[test]
fn levels_shares_and_standings_are_told() {
    let now = Instant::now();
    let with = |id, weight, order| DeploymentConfig {
        weight,
        order,
        ..entry(id)
    };
    let entries = vec![
        with("last", None, None),
        with("b", Some(3.0), Some(1)),
        with("a", Some(1.0), Some(1)),
    ];
    let catalog = catalog(entries, Routing::default(), now);
    let deployments: Vec<_> = catalog.deployments().cloned().collect();
    let running = Running::begin(&deployments[2], now, Terms::default()).expect("ready");
    let limited = failure(ErrorKind::RateLimit);
    assert!(running.failed(&limited, &deployments[2].cooldown, now));
    let told = told(&catalog, &CallOptions::default(), now + seconds(2));
    let json: Value = serde_json::to_value(&told).expect("it is plain");
    let shown: Vec<_> = json["legs"]
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|leg| {
            let order = &leg["order"];
            let members = leg["deployments"].as_array().expect("a list").iter();
            members.map(move |it| json!([order, it["id"], it["share_percent"], it["standing"]]))
        })
        .collect();
    let aside = json!({"state": "set_aside", "seconds_left": 3.0, "cause": "rate_limited"});
    assert_eq!(
        shown,
        [
            json!([1, "b", 75.0, {"state": "ready"}]),
            json!([1, "a", 25.0, aside]),
            json!([null, "last", 100.0, {"state": "ready"}]),
        ]
    );
    assert_eq!(json["strategy"]["name"], "simple-shuffle");
    assert_eq!(json["legs"][0]["deployments"][1]["in_flight"], 1);
    assert_eq!(json["legs"][0]["deployments"][0]["model"], "m");
    assert!(!json.to_string().contains("sk-secret"));
}

#[test]
fn who_a_request_cannot_reach_is_told_with_the_reason() {
    let now = Instant::now();
    let entries = vec![
        DeploymentConfig {
            tags: vec!["paid".to_owned()],
            ..entry("a")
        },
        DeploymentConfig {
            tags: vec!["paid".to_owned(), "fast".to_owned()],
            max_input_tokens: Some(10),
            ..entry("b")
        },
        entry("c"),
    ];
    let routing = Routing {
        pre_call_checks: true,
        tags: TagFiltering {
            enabled: true,
            any: true,
        },
        ..Routing::default()
    };
    let catalog = catalog(entries, routing, now);
    let options = CallOptions {
        tags: vec!["paid".into()],
        input_tokens: Some(11),
        ..CallOptions::default()
    };
    let told = told(&catalog, &options, now);
    let why: Vec<_> = (told.legs[0].deployments.iter())
        .map(|it| (&*it.id, it.ruled_out, it.share_percent))
        .collect();
    assert_eq!(
        why,
        [
            ("a", None, Some(100.0)),
            ("b", Some("context_window"), None),
            ("c", Some("tags"), None),
        ]
    );
}

#[test]
fn timers_are_told_with_who_said_them() {
    let now = Instant::now();
    let place: Arc<str> = "config.yaml:7:5".into();
    let timer = |limit, origin| Timer {
        limit: Duration::from_millis(limit),
        origin,
    };
    let entries = vec![DeploymentConfig {
        timers: DeploymentTimers {
            first_content: Some(timer(100, Origin::Config(place))),
            ..DeploymentTimers::default()
        },
        ..entry("a")
    }];
    let catalog = catalog(entries, Routing::default(), now);
    let options = CallOptions {
        timers: RequestTimers {
            timeout: Some(timer(1500, Origin::Header("x-litellm-timeout"))),
            ..RequestTimers::default()
        },
        ..CallOptions::default()
    };
    let told = told(&catalog, &options, now);
    assert_eq!(told.call_timer.seconds, 1.5);
    assert_eq!(
        told.call_timer.from,
        "the request's header `x-litellm-timeout`"
    );
    let timers = &told.legs[0].deployments[0].timers;
    let first = timers.first_content.as_ref().expect("said");
    assert_eq!(
        (first.seconds, first.from.as_str()),
        (0.1, "config.yaml:7:5")
    );
    assert_eq!(timers.idle.from, "default");
}

fn policy(kind: PolicyKind, count: u32) -> HashMap<PolicyKind, u32> {
    HashMap::from([(kind, count)])
}

#[track_caller]
fn assert_retries(
    retries: &Retries,
    options: &CallOptions,
    rows: &[(&str, u32, RetryOrigin, RetryReach)],
) {
    let now = Instant::now();
    let routing = Routing {
        retries: retries.clone(),
        ..Routing::default()
    };
    let catalog = catalog(vec![entry("a"), entry("b")], routing, now);
    let told = told(&catalog, options, now).retries.by_failure;
    for (failure, count, from, reach) in rows {
        let row = told.iter().find(|it| it.failure == *failure);
        let row = row.expect("a row");
        assert_eq!(
            (row.count, row.from, row.reach),
            (*count, *from, *reach),
            "{failure}"
        );
    }
}

#[test]
fn retries_are_told_by_kind_with_who_says_so() {
    use RetryOrigin::{GroupPolicy, Policy, Request, Router};
    use RetryReach::{All, Nobody, Others};
    let mut retries = Retries {
        policy: policy(PolicyKind::RateLimit, 7),
        ..Retries::default()
    };
    let silent = CallOptions::default();
    let rows = [
        ("rate_limit", 7, Policy, All),
        ("timeout", 2, Router, All),
        ("authentication", 2, Router, Others),
        ("invalid_request", 0, Router, Nobody),
    ];
    assert_retries(&retries, &silent, &rows);
    let of_group = policy(PolicyKind::BadRequest, 1);
    retries.group_policies.insert("g".to_owned(), of_group);
    let rows = [
        ("invalid_request", 1, GroupPolicy, All),
        ("rate_limit", 2, Router, All),
    ];
    assert_retries(&retries, &silent, &rows);
    let asks = CallOptions {
        retries: Some(4),
        client_retries: 1,
        ..CallOptions::default()
    };
    assert_retries(&retries, &asks, &[("rate_limit", 3, Request, All)]);
}

/// What is told of a fallback: its name, depth and fate.
type Told = (String, u32, FallbackFate);

fn row(model: &str, depth: u32, fate: FallbackFate) -> Told {
    (model.to_owned(), depth, fate)
}

/// A catalog with nested fallbacks, at most three of which are entered.
fn nested(now: Instant) -> Catalog {
    let targets = |names: &[&str]| names.iter().map(|it| Target::named(*it)).collect();
    let chains = |entries: &[(&str, &[&str])]| {
        let entries = entries.iter();
        entries
            .map(|(group, names)| ((*group).to_owned(), targets(names)))
            .collect()
    };
    let routing = Routing {
        fallbacks: Fallbacks {
            general: chains(&[
                ("g", &["one", "nowhere", "g", "two"]),
                ("one", &["deep", "two"]),
                ("*", &["last"]),
            ]),
            context_window: chains(&[("g", &["two"])]),
            content_policy: HashMap::new(),
            max: 3,
        },
        ..Routing::default()
    };
    let mut entries = vec![entry("a")];
    entries.extend(["one", "two", "deep", "last"].map(|group| of_group(group, group)));
    catalog(entries, routing, now)
}

/// The chains after a failure in general, and after an input that is too long.
fn chains_of(options: &CallOptions) -> (Vec<Told>, Vec<Told>) {
    let now = Instant::now();
    let told = told(&nested(now), options, now).fallbacks;
    assert_eq!(told.content_policy, told.general, "none is configured");
    let short = |it: &ExplainedFallback| row(&it.model, it.depth, it.fate);
    (
        told.general.iter().map(short).collect(),
        told.context_window.iter().map(short).collect(),
    )
}

#[test]
fn the_chain_is_told_depth_first_with_the_fate_of_each_group() {
    use FallbackFate::{BeyondMax, Missing, Repeated, SwitchedOff, Tried};
    let (general, context) = chains_of(&CallOptions::default());
    let expected = [
        row("one", 1, Tried),
        row("deep", 2, Tried),
        row("last", 3, Tried),
        row("last", 4, Repeated),
        row("two", 2, BeyondMax),
        row("nowhere", 1, Missing),
        row("g", 1, Repeated),
        row("two", 1, BeyondMax),
    ];
    assert_eq!(general, expected);
    assert_eq!(context, [row("two", 1, Tried)]);
    let own = CallOptions {
        fallbacks: Some(vec![Target::named("two"), Target::named("one")]),
        ..CallOptions::default()
    };
    assert_eq!(
        chains_of(&own).0,
        [row("two", 1, Tried), row("one", 1, Tried)]
    );
    let off = CallOptions {
        no_fallbacks: true,
        ..CallOptions::default()
    };
    assert!(chains_of(&off).0.contains(&row("one", 1, SwitchedOff)));
}

#[test]
fn a_plan_goes_where_the_description_says() {
    let now = Instant::now();
    for kind in [
        ErrorKind::Upstream,
        ErrorKind::ContextWindow,
        ErrorKind::ContentPolicy,
    ] {
        let catalog = Arc::new(nested(now));
        let options = CallOptions::default();
        let told = told(&catalog, &options, now).fallbacks;
        let chain = match kind {
            ErrorKind::ContextWindow => told.context_window,
            _ => told.general,
        };
        let tried = chain
            .into_iter()
            .filter(|it| it.fate == FallbackFate::Tried);
        let expected: Vec<_> = tried.map(|it| it.model).collect();
        let resolved = catalog.resolve("g").expect("known");
        let dialect = Dialect::OpenAiChat;
        let mut plan = Plan::new(&catalog, resolved, dialect, options, 1, now);
        let outcome = Outcome::new(kind, Again::Never);
        let mut groups = Vec::new();
        let mut step = plan.next(None, now);
        while let Step::Try(attempt) = step {
            groups.push(Arc::clone(&attempt.deployment.group));
            let failure = Failure {
                attempt: &attempt,
                outcome: &outcome,
            };
            step = plan.next(Some(failure), now);
        }
        assert_eq!(&*groups[0], "g");
        assert_eq!(groups[1..], expected, "{kind:?}");
    }
}

#[test]
fn hedging_tells_when_a_second_attempt_would_start_now() {
    let now = Instant::now();
    let hedging = Hedging {
        after: None,
        quantile: 0.5,
        budget: 0.05,
    };
    let routing = Routing {
        hedging: HashMap::from([("*".to_owned(), hedging)]),
        ..Routing::default()
    };
    let catalog = catalog(vec![entry("a")], routing, now);
    let said = || {
        told(&catalog, &CallOptions::default(), now)
            .hedging
            .expect("on")
    };
    assert_eq!(said().after_seconds, None);
    let resolved = catalog.resolve("g").expect("known");
    for _ in 0..20 {
        resolved.ledger().first_content(seconds(2));
    }
    assert_eq!(said().after_seconds, Some(2.0));
    assert_eq!(said().quantile, Some(0.5));
}

#[test]
fn telling_counts_nothing() {
    let now = Instant::now();
    let catalog = catalog(vec![entry("a")], Routing::default(), now);
    let deployment = catalog.deployments().next().expect("one");
    let begun = deployment
        .ledger
        .begin(now, Terms::default())
        .expect("ready");
    let sample = Sample {
        first_content: None,
        whole: None,
        output_tokens: None,
    };
    deployment.ledger.succeeded(begun, sample, now);
    let before = deployment.ledger.view(now);
    let first = told(&catalog, &CallOptions::default(), now);
    assert_eq!(first, told(&catalog, &CallOptions::default(), now));
    assert_eq!(deployment.ledger.view(now), before);
}
