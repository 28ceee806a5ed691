//! Names, tiers, caches, and the table itself.

use gateway_core::Usage;

use super::{Cost, ModelFacts, PriceKind, Prices, ServiceTier, read};

fn usage(input: u64, output: u64) -> Usage {
    Usage {
        input_tokens: Some(input),
        output_tokens: Some(output),
        ..Usage::default()
    }
}

#[test]
fn every_line_of_the_table_is_read_and_found_by_its_name() {
    let mut last = "";
    let mut lines = 0;
    for line in read::table().lines() {
        let (name, _) = line.split_once('\t').expect(line);
        assert!(name > last, "{name} stands behind {last}");
        let facts = read::find(name).expect(name);
        let written = line.rsplit('\t').next().unwrap();
        let prices = written.split(' ').filter(|it| !it.is_empty()).count();
        assert_eq!(facts.prices.0.len(), prices, "{line}");
        (last, lines) = (name, lines + 1);
    }
    assert!(lines > 2_000, "{lines}");
    for name in ["", "a", "zzzz", "gpt-4o\t", "~"] {
        assert_eq!(read::find(name), None, "{name:?}");
    }
}

#[test]
fn a_model_is_found_by_the_names_that_configurations_have_for_it() {
    for (provider, model) in [
        ("openai", "gpt-4o"),
        ("azure", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5"),
        ("vertex_ai", "claude-sonnet-4-5@20250929"),
        ("vertex_ai", "gemini-2.5-pro"),
        ("gemini", "gemini-2.5-pro"),
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        (
            "bedrock",
            "converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("deepseek", "deepseek-chat"),
    ] {
        let facts = ModelFacts::of(provider, model).unwrap_or_else(|| panic!("{provider}/{model}"));
        assert!(!facts.prices.is_empty(), "{provider}/{model}");
        assert!(facts.max_input_tokens.is_some(), "{provider}/{model}");
    }
    assert_eq!(ModelFacts::of("openai", "my-own-model"), None);
}

#[test]
fn what_is_cached_has_its_own_price_and_is_counted_once() {
    let prices = Prices::default()
        .with(PriceKind::Input, 3e-6)
        .with(PriceKind::Output, 15e-6)
        .with(PriceKind::CacheRead, 0.3e-6)
        .with(PriceKind::CacheWrite, 3.75e-6)
        .with(PriceKind::CacheWriteHour, 6e-6);
    let usage = Usage {
        cache_read_tokens: Some(100),
        cache_write_tokens: Some(50),
        cache_write_1h_tokens: Some(20),
        ..usage(1_000, 10)
    };
    let cost = prices.cost(&usage, ServiceTier::Default);
    let input = 850 * 3_000_000 + 100 * 300_000 + 30 * 3_750_000 + 20 * 6_000_000;
    let output = 10 * 15_000_000;
    assert_eq!(cost, Some(Cost { input, output }));
}

#[test]
fn long_inputs_and_tiers_have_the_prices_of_the_table() {
    let facts = ModelFacts::of("gemini", "gemini-2.5-pro").unwrap();
    let cost = |input, tier| facts.prices.cost(&usage(input, 1), tier).unwrap();
    let each = |input, tier| cost(input, tier).input / u128::from(input);
    let usual = each(200_000, ServiceTier::Default);
    assert!(each(200_001, ServiceTier::Default) > usual);
    assert!(each(1_000, ServiceTier::Priority) > usual);
}

#[test]
fn what_is_not_known_has_no_cost() {
    let input_only = Prices::default().with(PriceKind::Input, 1e-6);
    let cost = |prices: &Prices, usage| prices.cost(&usage, ServiceTier::Default);
    assert_eq!(cost(&Prices::default(), usage(1, 1)), None);
    assert_eq!(cost(&input_only, usage(1, 1)), None);
    assert_eq!(cost(&input_only, Usage::default()), None);
    // An embedding has no answer to pay for.
    let embedding = Usage {
        output_tokens: None,
        ..usage(2, 0)
    };
    assert_eq!(
        cost(&input_only, embedding).map(|it| it.dollars()),
        Some(2e-6)
    );
    assert!(
        Prices::default()
            .with(PriceKind::Input, f64::NAN)
            .is_empty()
    );
}
