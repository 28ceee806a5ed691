//! Ratios and medians of samples that are made up.

use super::super::job::Quantiles;
use super::*;

fn sample(round: u32, target: &str, p99_us: u64) -> Sample {
    let latency = Quantiles {
        p99: p99_us * 1_000,
        ..Quantiles::default()
    };
    Sample {
        round,
        scenario: "at 2,000",
        target: target.to_owned(),
        cell: Cell {
            latency,
            ..Cell::default()
        },
    }
}

#[test]
fn ratios_compare_what_is_added_within_a_round() {
    let mut samples = Vec::new();
    for (round, factor) in [(0, 1), (1, 10), (2, 100)] {
        samples.push(sample(round, "direct", 50 * factor));
        samples.push(sample(round, "nginx", 100 * factor));
        samples.push(sample(round, "gateway", 150 * factor));
    }
    let found = Found {
        setting: Vec::new(),
        targets: ["direct", "nginx", "gateway"].map(str::to_owned).to_vec(),
        remarks: Vec::new(),
        samples,
        folder: std::path::PathBuf::new(),
    };
    let row = rows().find(|row| row.title.starts_with("added p99 at 2"));
    let line = Line::new(row.unwrap(), &found);
    let gateway = &line.figures[2];
    let ratio = gateway.ratio.unwrap();
    assert!((ratio.min - 2.0).abs() < 1e-9 && (ratio.max - 2.0).abs() < 1e-9);
    assert_eq!(gateway.reached, Some(false));
    assert_eq!(line.figures[0].value, None);
}

#[test]
fn translation_is_compared_with_the_same_target_in_the_same_round() {
    let mut samples = Vec::new();
    for (round, factor) in [(0, 1), (1, 10)] {
        for (scenario, cpu) in [("chat plain", 50), ("chat plain, translated", 75)] {
            let mut sample = sample(round, "gateway", 0);
            sample.scenario = scenario;
            sample.cell.calls = 10;
            sample.cell.proxy_cpu_ns = cpu * factor * 1_000;
            samples.push(sample);
        }
    }
    let found = Found {
        setting: Vec::new(),
        targets: vec!["gateway".to_owned()],
        remarks: Vec::new(),
        samples,
        folder: std::path::PathBuf::new(),
    };
    let row = rows().find(|row| row.scenario == "chat plain, translated");
    let line = Line::new(row.unwrap(), &found);
    let ratio = line.figures[0].ratio.unwrap();
    assert!((ratio.min - 1.5).abs() < 1e-9 && (ratio.max - 1.5).abs() < 1e-9);
    assert_eq!(line.figures[0].reached, Some(true));
    assert_eq!(line.goal, "<= 2 x the same dialect");
}

#[test]
fn the_median_of_an_even_number_lies_between() {
    let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
    assert!((spread.median - 2.5).abs() < 1e-9);
    assert_eq!(Spread::of(Vec::new()), None);
}
