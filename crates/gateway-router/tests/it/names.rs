//! What a model name stands for.

use gateway_core::Dialect;
use gateway_providers::EndpointConfig;
use gateway_router::{Alias, CatalogConfig, CatalogProblem, DeploymentConfig};

use crate::world::{alias, build, catalog, deployment, first, named};

fn names(catalog: &gateway_router::Catalog) -> Vec<&str> {
    catalog.names().collect()
}

#[tokio::test]
async fn a_name_is_an_alias_then_a_group_then_an_id_then_a_wildcard() {
    let catalog = catalog(
        vec![
            named("one", "gpt", "openai/gpt-up"),
            named("two", "two-group", "openai/other"),
            named("gpt", "hidden-by-the-group", "openai/never"),
            named("any", "*", "openai/*"),
        ],
        vec![alias("nick", "gpt"), alias("two-group", "gpt")],
    );
    for (model, expected) in [
        ("gpt", "one"),
        ("nick", "one"),
        ("two-group", "one"),
        ("two", "two"),
        ("anything", "any anything"),
    ] {
        assert_eq!(
            first(&catalog, model, 1).as_deref(),
            Some(expected),
            "{model}"
        );
    }
    let resolved = catalog.resolve("nick").expect("known");
    assert_eq!(&*resolved.group(), "gpt");
}

#[tokio::test]
async fn the_most_specific_wildcard_wins_and_its_text_reaches_the_upstream_model() {
    let catalog = catalog(
        vec![
            named("all", "*", "openai/*"),
            named("openai", "openai/*", "openai/*"),
            named("mini", "openai/*-mini", "openai/small"),
            named("two", "team/*/model/*", "openai/*--*"),
            named("few", "x-*-*", "openai/y-*"),
            named("exact", "openai/gpt-4o", "openai/gpt-4o-2024"),
        ],
        Vec::new(),
    );
    for (model, expected) in [
        ("openai/gpt-4o", "exact"),
        ("openai/gpt-4.1", "openai gpt-4.1"),
        ("openai/o3-mini", "mini"),
        ("team/a/model/b/c", "two a--b/c"),
        ("x-1-2", "few x-1-2"),
        ("whatever/else", "all whatever/else"),
    ] {
        assert_eq!(
            first(&catalog, model, 1).as_deref(),
            Some(expected),
            "{model}"
        );
    }
}

#[tokio::test]
async fn a_bare_name_that_is_known_finds_its_providers_wildcard() {
    let catalog = catalog(
        vec![
            named("openai", "openai/*", "openai/*"),
            named("anthropic", "anthropic/*", "anthropic/*"),
        ],
        Vec::new(),
    );
    for (model, expected) in [
        ("gpt-4o", Some("openai gpt-4o")),
        ("claude-opus-4", Some("anthropic claude-opus-4")),
        ("anthropic/claude-opus-4", Some("anthropic claude-opus-4")),
        ("llama", None),
    ] {
        assert_eq!(first(&catalog, model, 1).as_deref(), expected, "{model}");
    }
}

#[tokio::test]
async fn lists_show_groups_and_visible_aliases_and_no_wildcards() {
    let hidden = Alias {
        hidden: true,
        ..alias("secret", "b")
    };
    let catalog = catalog(
        vec![
            deployment("b", "openai/1"),
            deployment("a", "openai/2"),
            deployment("b", "openai/3"),
            deployment("w/*", "openai/*"),
        ],
        vec![alias("nick", "a"), hidden, alias("to-wild", "w/x")],
    );
    assert_eq!(names(&catalog), ["b", "a", "nick", "to-wild"]);
    assert!(catalog.resolve("secret").is_some());
    assert_eq!(&*catalog.resolve("to-wild").expect("known").group(), "w/*");
    assert_eq!(catalog.deployments().count(), 4);
    assert!(catalog.resolve("nobody").is_none());
}

#[tokio::test]
async fn what_is_wrong_is_left_out_and_reported_with_its_place() {
    let weighted = |weight| DeploymentConfig {
        weight: Some(weight),
        ..deployment("g", "openai/w")
    };
    let insecure = DeploymentConfig {
        endpoint: EndpointConfig {
            api_base: Some("ftp://x".into()),
            ..deployment("", "openai/x").endpoint
        },
        ..deployment("g", "")
    };
    let (catalog, problems) = build(CatalogConfig {
        deployments: vec![
            deployment("g", "openai/good"),
            deployment("g", "sagemaker/x"),
            deployment(" ", "openai/x"),
            weighted(-1.0),
            weighted(f64::NAN),
            named("id", "g", "openai/first"),
            named("id", "h", "openai/second"),
            insecure,
        ],
        aliases: vec![alias("nick", "nowhere"), alias("again", "nick")],
        ..CatalogConfig::default()
    });
    let places: Vec<_> = problems.iter().map(CatalogProblem::index).collect();
    assert_eq!(
        places,
        [
            Some(1),
            Some(2),
            Some(3),
            Some(4),
            Some(6),
            Some(7),
            None,
            None
        ]
    );
    assert!(
        problems
            .iter()
            .all(|problem| !format!("{problem} {problem:?}").contains("sk-secret"))
    );
    assert_eq!(names(&catalog), ["g"]);
    assert_eq!(catalog.deployments().count(), 2);
}

#[tokio::test]
async fn equal_entries_are_two_deployments_with_ids_that_stay() {
    let twice = || {
        catalog(
            vec![deployment("g", "openai/m"), deployment("g", "openai/m")],
            Vec::new(),
        )
    };
    let ids = |catalog: &gateway_router::Catalog| -> Vec<_> {
        catalog
            .deployments()
            .map(|it| it.id.as_ref().to_owned())
            .collect()
    };
    let catalog = twice();
    let first = ids(&catalog);
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], first[1]);
    assert_eq!(first, ids(&twice()));
    assert!(catalog.resolve(&first[1]).is_some());
    assert!(!format!("{catalog:?}").contains("sk-secret"));
}

/// The same for calls in its provider's own dialects only.
fn native(mut deployment: DeploymentConfig) -> DeploymentConfig {
    deployment.endpoint.native_only = true;
    deployment
}

#[tokio::test]
async fn only_those_that_speak_the_dialect_are_candidates() {
    let catalog = catalog(
        vec![
            native(named("o", "g", "openai/m")),
            native(named("a", "g", "anthropic/m")),
        ],
        Vec::new(),
    );
    let ids = |dialect| {
        let resolved = catalog.resolve("g").expect("known").speaking(dialect)?;
        let ids: Vec<_> = resolved
            .deployments()
            .iter()
            .map(|it| it.id.as_ref().to_owned())
            .collect();
        Some(ids)
    };
    assert_eq!(ids(Dialect::OpenAiChat), Some(vec!["o".to_owned()]));
    assert_eq!(ids(Dialect::AnthropicMessages), Some(vec!["a".to_owned()]));
    let only = crate::world::catalog(vec![native(named("o", "g", "openai/m"))], Vec::new());
    assert!(
        only.resolve("g")
            .expect("known")
            .speaking(Dialect::AnthropicMessages)
            .is_none()
    );
}

#[tokio::test]
async fn who_shares_no_dialect_with_its_group_counts_as_alone() {
    let alone = |deployments| -> Vec<bool> {
        let catalog = catalog(deployments, Vec::new());
        let rules = catalog.deployments().map(|it| it.cooldown.alone);
        rules.collect()
    };
    let openai = || native(deployment("g", "openai/m"));
    let anthropic = || native(deployment("g", "anthropic/m"));
    assert_eq!(alone(vec![openai()]), [true]);
    assert_eq!(alone(vec![openai(), anthropic()]), [true, true]);
    let three = vec![openai(), anthropic(), native(deployment("g", "groq/m"))];
    assert_eq!(alone(three), [false, true, false]);
}
