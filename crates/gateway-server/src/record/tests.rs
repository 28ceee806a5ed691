//! Lines of the log, and what clients are told.

use gateway_providers::{EndpointConfig, Environment};
use gateway_router::{
    AttemptEnd, CallOptions, Catalog, CatalogConfig, CooldownOverrides, DeploymentConfig,
    MemoryBooks, Origin, Plan, PolicyKind, Standing, Step,
};
use gateway_transport::{Transport, TransportConfig};
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;

/// An attempt at a deployment `one` at a host that nobody may hear of.
fn attempt(number: u32) -> Attempt {
    let deployment = DeploymentConfig {
        group: "g".to_owned(),
        id: Some("one".to_owned()),
        endpoint: EndpointConfig {
            model: "openai/m".to_owned(),
            api_base: Some("http://secret-host.internal/v1".to_owned()),
            api_key: Some("sk-secret".into()),
            ..EndpointConfig::default()
        },
        cooldown: CooldownOverrides {
            policy: Some([(PolicyKind::Timeout, 0)].into()),
            ..CooldownOverrides::default()
        },
        ..DeploymentConfig::default()
    };
    let config = CatalogConfig {
        deployments: vec![deployment],
        ..CatalogConfig::default()
    };
    let environment = Environment::with_variables([("", ""); 0]);
    let transport = Transport::single(TransportConfig::default());
    let books = MemoryBooks::default();
    let (catalog, problems) = Catalog::build(config, &books, &environment, &transport);
    assert!(problems.is_empty(), "{problems:?}");
    let resolved = catalog.resolve("g").unwrap();
    let (catalog, options) = (Arc::new(catalog), CallOptions::default());
    let (dialect, now) = (Dialect::OpenAiChat, Instant::now());
    let mut plan = Plan::new(&catalog, resolved, dialect, options, 1, now);
    let Step::Try(mut attempt) = plan.next(None, now) else {
        panic!("there is one deployment");
    };
    attempt.number = number;
    *attempt
}

fn record() -> Record {
    Record::new(Dialect::OpenAiChat, "id".into(), Instant::now())
}

fn line(record: &mut Record, end: EndReason) -> Value {
    let entries = record.journal.take();
    let mut out = Vec::new();
    let took = record.started.elapsed();
    record.write_json(&entries, end, took, &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn failed(kind: ErrorKind) -> Outcome {
    Outcome::new(kind, Again::Failed)
}

#[tokio::test(start_paused = true)]
async fn a_plain_call_has_no_list_of_attempts() {
    let mut record = record();
    let only = attempt(1);
    record.journal.began(&only);
    record.journal.ended(&only, AttemptEnd::Answered);
    let line = line(&mut record, EndReason::Complete);
    assert_eq!(line["attempts"], 1);
    assert_eq!(line["deployment"], "one");
    assert_eq!(
        (&line["retries"], &line["fallbacks"]),
        (&json!(0), &json!(0))
    );
    assert!(line.get("attempt_log").is_none() && line.get("timer").is_none());
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_listed_where_there_is_more_to_say() {
    let mut record = record();
    let (first, second) = (attempt(1), attempt(2));
    advance(Duration::from_millis(5)).await;
    record.journal.began(&first);
    advance(Duration::from_millis(40)).await;
    let outcome = failed(ErrorKind::Overloaded);
    record.journal.ended(&first, AttemptEnd::Failed(&outcome));
    record.journal.began(&second);
    record.journal.ended(&second, AttemptEnd::Answered);
    let line = line(&mut record, EndReason::Truncated);
    let log = line["attempt_log"].as_array().unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(log[0]["outcome"], "overloaded");
    assert_eq!(log[0]["took_ms"], 45);
    assert_eq!(log[0]["timers"]["connect_ms"], 5000);
    assert!(log[0].get("end").is_none());
    assert_eq!(
        (&log[1]["outcome"], &log[1]["end"]),
        (&json!("answered"), &json!("truncated"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_for_which_nothing_was_done_is_listed_too() {
    let mut record = record();
    let only = attempt(1);
    let timer = Timer {
        limit: Duration::ZERO,
        origin: Origin::Body("timeout"),
    };
    let end = AttemptEnd::Expired(TimerName::Call, &timer);
    record.journal.ended(&only, end);
    record.fired = Some(Box::new((TimerName::Call, timer)));
    let line = line(&mut record, EndReason::Timer(TimerName::Call));
    assert_eq!(line["attempt_log"][0]["outcome"], "timer_call");
    assert_eq!(
        (&line["timer"], &line["timer_ms"]),
        (&json!("call"), &json!(0))
    );
    assert_eq!(line["timer_origin"], "the request's field `timeout`");
}

#[tokio::test(start_paused = true)]
async fn overhead_is_what_no_attempt_was_under_way_for() {
    let record = record();
    advance(Duration::from_millis(3)).await;
    for number in 1..=2 {
        let attempt = attempt(number);
        record.journal.began(&attempt);
        advance(Duration::from_millis(100)).await;
        let outcome = failed(ErrorKind::Internal);
        record.journal.ended(&attempt, AttemptEnd::Failed(&outcome));
        advance(Duration::from_millis(10)).await;
    }
    let took = record.started.elapsed();
    assert_eq!(took, Duration::from_millis(223));
    assert_eq!(record.overhead(took), Duration::from_millis(23));
}

#[tokio::test(start_paused = true)]
async fn time_in_which_two_attempts_are_under_way_counts_once() {
    let record = record();
    let pass = |ms| advance(Duration::from_millis(ms));
    pass(5).await;
    let first = attempt(1);
    record.journal.began(&first);
    pass(100).await;
    // The hedge lasts longer than what it was made against, and another attempt follows.
    let hedge = attempt(2);
    record.journal.began(&hedge);
    pass(50).await;
    let outcome = failed(ErrorKind::Internal);
    let failed = AttemptEnd::Failed(&outcome);
    record.journal.ended(&first, failed);
    pass(30).await;
    record.journal.ended(&hedge, failed);
    pass(7).await;
    let last = attempt(3);
    record.journal.began(&last);
    pass(40).await;
    record.journal.ended(&last, AttemptEnd::Answered);
    let took = record.started.elapsed();
    assert_eq!(took, Duration::from_millis(232));
    assert_eq!(record.overhead(took), Duration::from_millis(5 + 7));
}

#[tokio::test(start_paused = true)]
async fn what_clients_are_told_of_attempts_names_no_host() {
    let journal = Journal::default();
    for number in 1..=40 {
        let attempt = attempt(number);
        journal.began(&attempt);
        let outcome = failed(ErrorKind::RateLimit);
        journal.ended(&attempt, AttemptEnd::Failed(&outcome));
    }
    let text = journal.read(told::each);
    assert!(text.starts_with("40 attempts were made: 1. deployment `one` (first): rate_limit;"));
    assert!(text.ends_with("; and 24 more."), "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(told::each(&[]), "No attempt was made.");
}

#[tokio::test(start_paused = true)]
async fn a_made_up_timer_stays_what_it_is_when_the_router_hears_of_a_failure() {
    let journal = Journal::default();
    let only = attempt(1);
    journal.began(&only);
    let timer = Timer::by_default(Duration::from_secs(1));
    journal.fired(&only, TimerName::Attempt, &timer);
    let outcome = failed(ErrorKind::Timeout);
    journal.ended(&only, AttemptEnd::Failed(&outcome));
    let kept = journal.last(|entry| entry.outcome);
    let wanted = AttemptOutcome::Expired(TimerName::Attempt, timer.limit);
    assert_eq!(kept, Some(wanted));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stays_silent_beyond_an_operators_timer_is_its_deployments_fault() {
    let by = |origin| {
        let limit = Duration::from_secs(1);
        Some(Timer { limit, origin })
    };
    let config = || by(Origin::Config("config.yaml:1:1".into()));
    let caller = || by(Origin::Header("x-litellm-timeout"));
    for (name, timer, at_fault) in [
        // A client that reads slowly makes it late, too.
        (TimerName::Attempt, config(), false),
        (TimerName::FirstContent, config(), true),
        (TimerName::Idle, config(), true),
        (TimerName::FirstContent, caller(), false),
        (TimerName::Idle, caller(), false),
        (TimerName::Call, config(), false),
        (TimerName::ClientWrite, config(), false),
    ] {
        let mut served = attempt(1);
        served.timers.attempt.clone_from(&timer);
        served.timers.first_content.clone_from(&timer);
        served.timers.idle = timer.unwrap();
        let mut record = record();
        record.attempt = Some(Box::new(served));
        let now = Instant::now();
        record.judge(EndReason::Timer(name), now);
        let ledger = &record.attempt.as_ref().unwrap().deployment.ledger;
        let is_aside = ledger.view(now).standing != Standing::Ready;
        assert_eq!(is_aside, at_fault, "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_made_up_has_used_nothing() {
    for (made_up, used) in [(true, 0), (false, 12)] {
        let mut record = record();
        record.attempt = Some(Box::new(attempt(1)));
        record.usage.output_tokens = Some(12);
        record.made_up = made_up;
        let now = Instant::now();
        record.judge(EndReason::Complete, now);
        let ledger = &record.attempt.as_ref().unwrap().deployment.ledger;
        assert_eq!(ledger.view(now).tokens, used);
    }
}
