//! The fault matrix as one table: what a provider does wrong × what its client speaks × what the provider speaks ×
//! streamed or not × when, and what follows: what the client sees, how often the provider is asked, and what the record
//! says. Every row runs through the real binary twice: at a group's only deployment, and in a group that has a healthy
//! one too.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

mod case;
mod own;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use case::{Case, Group, Provider, Route};
use end_to_end::Setup;
use end_to_end::call::{self, Carry};
use gateway_testkit::ca::TestCa;
use gateway_testkit::dialect::Wire;
use gateway_testkit::fault::{self, At, Expect};
use gateway_testkit::upstream::Upstream;
use serde_json::json;
use table::{HEAVY, TABLE, Want, wanted};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// What the call may take: the waits of two retries, and one wait of 7 s that a provider asks for, but not two.
const CALL: f64 = 13.0;
/// Calls at a time; most of them wait.
const AT_A_TIME: usize = 96;

const MOMENTS: [At; 3] = [At::Plain, At::BeforeFirstEvent, At::AfterFirstEvent];
const STREAMS: [At; 2] = [At::BeforeFirstEvent, At::AfterFirstEvent];

const VERBATIM: [Route; 3] = [
    Route::of(Wire::OpenAiChat, Provider::OpenAi),
    Route::of(Wire::AnthropicMessages, Provider::Anthropic),
    Route::of(Wire::OpenAiResponses, Provider::Responses),
];
const TRANSLATED: [Route; 2] = [
    Route::of(Wire::OpenAiChat, Provider::Anthropic),
    Route::of(Wire::AnthropicMessages, Provider::OpenAi),
];
const TRANSLATED_STREAMS: [Route; 4] = [
    Route::of(Wire::OpenAiResponses, Provider::Copy),
    Route::of(Wire::Gemini, Provider::Copy),
    Route::of(Wire::OpenAiChat, Provider::Responses),
    Route::of(Wire::AnthropicMessages, Provider::Responses),
];
const CLIENTS: [Wire; 4] = [
    Wire::OpenAiChat,
    Wire::AnthropicMessages,
    Wire::OpenAiResponses,
    Wire::Gemini,
];

/// All faults of the table that can happen at these moments, on these routes.
async fn cases(routes: &[Route], moments: &[At], ca: &TestCa) -> Vec<Case> {
    let mut cases = Vec::new();
    for fault in fault::all().filter(|fault| !HEAVY.contains(&fault.name)) {
        for at in moments {
            if !fault.at.contains(at) {
                assert_eq!(
                    wanted(fault, *at),
                    Want::Not,
                    "{fault} does not happen {at:?}"
                );
                continue;
            }
            assert_ne!(wanted(fault, *at), Want::Not, "{fault} happens {at:?}");
            for route in routes {
                cases.push(Case::start(fault, *at, *route, ca).await);
            }
        }
    }
    cases
}

/// All faults that only one provider has, for clients of other dialects.
async fn own_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (provider, name, wants, script) in own::TABLE {
        for (at, want) in own::MOMENTS.into_iter().zip(*wants) {
            let routes = CLIENTS.map(|client| Route::of(client, *provider));
            let translated = routes.into_iter().filter(|route| route.is_translated());
            for route in translated.filter(|_| want != Want::Not) {
                let begun = move || script(own::Begun::by(*provider, at));
                let alone = Upstream::answering(move |_| begun()).await;
                let accompanied = Upstream::answering(move |_| begun()).await;
                cases.push(Case::of_own(name, (at, want), route, [alone, accompanied]));
            }
        }
    }
    cases
}

/// Runs them all through one gateway.
async fn run(cases: Vec<Case>, ca: &TestCa) {
    let healthy = Upstream::plain().await;
    let setup = Setup::routed()
        .set("router_settings.timeout", json!(CALL))
        .set("gateway.heartbeat_seconds", json!(0))
        .set("gateway.max_event_bytes", json!(1 << 18));
    let roots = ca.write_pem(setup.dir()).display().to_string();
    let setup = cases
        .iter()
        .fold(setup, |setup, case| case.configure(setup, &roots, &healthy));
    let gateway = Arc::new(setup.start().await);
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let tasks = TaskTracker::new();
    let mut running = Vec::new();
    for case in cases {
        let case = Arc::new(case);
        for group in [Group::Alone, Group::Accompanied] {
            let (case, gateway, slots) = (case.clone(), gateway.clone(), slots.clone());
            let name = case.group(group);
            let task = tasks.spawn(async move {
                let _slot = slots.acquire_owned().await;
                case.check(group, &case.call(&gateway, group).await);
            });
            running.push((name, task));
        }
    }
    let mut failed = Vec::new();
    let all = running.len();
    for (name, task) in running {
        if task.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{} of {all}: {failed:#?}", failed.len());
}

#[test]
fn every_row_is_about_faults_that_there_are() {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for name in TABLE.iter().flat_map(|(names, ..)| *names).chain(HEAVY) {
        assert!(fault::by_name(name).is_some(), "there is no fault {name:?}");
        *seen.entry(name).or_default() += 1;
    }
    assert!(seen.values().all(|rows| *rows == 1), "{seen:?}");
    for fault in fault::all() {
        assert!(seen.contains_key(fault.name), "{fault} is in no row");
        if HEAVY.contains(&fault.name) {
            continue;
        }
        // The table keeps what the double's own table promises of a gateway.
        for at in fault.at {
            let served = wanted(fault, *at) == Want::Served;
            match fault.expect {
                Expect::Completes => assert!(served, "{fault} {at:?}"),
                Expect::Fails(_) => assert!(!served, "{fault} {at:?}"),
                Expect::FailsOrCompletes | Expect::Floods => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_has_its_consequence_and_no_other() {
    let ca = TestCa::new();
    run(cases(&VERBATIM, &MOMENTS, &ca).await, &ca).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_has_its_consequence_in_translation_too() {
    let ca = TestCa::new();
    run(cases(&TRANSLATED, &MOMENTS, &ca).await, &ca).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_a_stream_has_its_consequence_for_clients_of_responses_and_gemini() {
    let ca = TestCa::new();
    run(cases(&TRANSLATED_STREAMS, &STREAMS, &ca).await, &ca).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_that_only_one_provider_has_has_its_consequence() {
    run(own_cases().await, &TestCa::new()).await;
}

#[tokio::test]
async fn a_body_without_end_is_a_bad_gateway() {
    let fault = fault::by_name("giant-body").unwrap();
    let faulty = fault.start(&fault::Setup::plain(At::Plain)).await;
    let gateway = Setup::serving(&faulty.url()).start().await;
    let request = call::plain(Wire::OpenAiChat, "hello");
    let requests = vec![(Wire::OpenAiChat, Carry::Http1, request)];
    let calls = call::calls(&gateway, requests).await;
    calls[0].assert_refused(502, "malformed");
    assert_eq!(calls[0].record["attempts"], 1);
}
