//! Three thousand calls whose provider fails three times in ten, in a random way: no call is sent more often than it may
//! be, none is sent again once its client has content, no broken answer looks whole, and each is accounted once.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use end_to_end::call::{self, Call, Carry};
use end_to_end::stream::text;
use end_to_end::{Gateway, PATIENCE, Setup};
use gateway_testkit::dialect::{Dialects, Wire, wants_stream};
use gateway_testkit::fault::{self, At, Fault};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream, UpstreamConfig};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

const CALLS: usize = 3000;
const SHARE: u64 = 30;
const SEED: u64 = 0x5eed_0f2a_11d0_90f5;
const AT_A_TIME: usize = 48;

/// What goes wrong. All of these cost little, and what a client gets of them is exactly what was sent.
const FAULTS: [&str; 39] = [
    "silent",
    "head-then-silence",
    "stall",
    "stall-inside-event",
    "rst-before-head",
    "eof-before-head",
    "not-http",
    "fin",
    "fin-length",
    "fin-inside-chunk",
    "clean-end-early",
    "close-delimited-cut",
    "close-delimited-whole",
    "half-line",
    "no-blank-line",
    "marker-then-fin",
    "data-after-marker",
    "close-after-answer",
    "unknown-sse-fields",
    "empty-body",
    "204",
    "html-200",
    "html-503",
    "200-rate-limit",
    "200-server-error",
    "first-event-rate-limit",
    "first-event-overloaded",
    "first-event-server-error",
    "error-after-preamble",
    "error-event",
    "error-event-then-marker",
    "400",
    "500",
    "503",
    "529",
    "429-none",
    "429-milliseconds",
    "429-huge",
    "302",
];

/// What a request met, in the order in which requests of its call came.
type Met = Arc<Mutex<HashMap<String, Vec<Option<(&'static Fault, At)>>>>>;

/// The name of the call in the text of its prompt.
fn name(request: &Recorded) -> String {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let name = body.split("<<").nth(1).and_then(|it| it.split(">>").next());
    name.expect("every prompt has one").to_owned()
}

/// A number that is the same for the same request in every run: FNV-1a, and what mixes its bits well (SplitMix64).
fn mixed(name: &str, number: usize) -> u64 {
    let bytes = name.bytes().chain(number.to_le_bytes());
    let hash = bytes.fold(SEED, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// What this request meets; `None`: a good answer.
fn chosen(request: &Recorded, number: usize) -> Option<(&'static Fault, At)> {
    let mut random = mixed(&name(request), number);
    let mut next = |below: u64| {
        let n = random % below;
        random /= below;
        n
    };
    if next(100) >= SHARE {
        return None;
    }
    let at = match (wants_stream(request), next(2)) {
        (false, _) => At::Plain,
        (true, 0) => At::BeforeFirstEvent,
        (true, _) => At::AfterFirstEvent,
    };
    let all = FAULTS.iter().map(|name| fault::by_name(name).unwrap());
    let fitting: Vec<_> = all.filter(|fault| fault.at.contains(&at)).collect();
    let n = usize::try_from(next(fitting.len() as u64)).unwrap();
    Some((fitting[n], at))
}

async fn upstream(met: &Met) -> Upstream {
    let met = met.clone();
    let dialects = Dialects::default();
    let handler = move |request: &Recorded| -> Script {
        let mut met = met.lock().unwrap();
        let sends = met.entry(name(request)).or_default();
        let chosen = chosen(request, sends.len());
        sends.push(chosen);
        match chosen {
            None => dialects.answer(request),
            Some((fault, at)) => {
                let setup = fault::Setup {
                    pause: Duration::from_millis(20),
                    ..fault::Setup::plain(at)
                };
                let script = fault.script(request, &setup);
                script.expect("it is made by an answer")
            }
        }
    };
    Upstream::start(UpstreamConfig::default().handler(handler)).await
}

/// Two groups; the second is the first one's fallback.
fn world(upstream: &Upstream) -> Setup {
    let limits = json!({"timeout": 1.5, "stream_timeout": 1, "stream_idle_timeout": 1});
    let url = upstream.url();
    let setup = ["a", "b", "c"].iter().fold(Setup::routed(), |setup, id| {
        setup.member("double", id, &url, &limits)
    });
    setup
        .member("other", "d", &url, &limits)
        .set("router_settings.fallbacks", json!([{"double": ["other"]}]))
        .set("router_settings.timeout", json!(10))
        .set("gateway.heartbeat_seconds", json!(0))
}

/// So many calls, so many at a time.
async fn run(gateway: &Arc<Gateway>, calls: usize) -> Vec<(String, Call)> {
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let tasks = TaskTracker::new();
    let mut running = Vec::new();
    for number in 0..calls {
        let wire = [Wire::OpenAiChat, Wire::AnthropicMessages][number % 2];
        let name = format!("prompt-{number}");
        let prompt = format!("<<{name}>>");
        let request = match number % 3 {
            0 => call::plain(wire, &prompt),
            _ => call::streaming(wire, &prompt),
        };
        let (request, id) = call::named(request);
        let (gateway, slots) = (gateway.clone(), slots.clone());
        let task = tasks.spawn(async move {
            let _slot = slots.acquire_owned().await;
            gateway.answer(&request).await
        });
        running.push((name, wire, id, task));
    }
    let mut views = Vec::new();
    for (name, wire, id, task) in running {
        views.push((name, wire, id, task.await.unwrap()));
    }
    let records = records(gateway, calls).await;
    let call = |(name, wire, id, view): (String, Wire, String, _)| {
        let record = records[&id].clone();
        let carry = Carry::Http1;
        (
            name,
            Call {
                wire,
                carry,
                view,
                record,
            },
        )
    };
    views.into_iter().map(call).collect()
}

/// The records of all calls, by id: each has one.
async fn records(gateway: &Gateway, calls: usize) -> HashMap<String, Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let lines = gateway.lines();
        let parsed = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let records: Vec<Value> = parsed.filter(|line| line["event"] == "call").collect();
        if records.len() >= calls {
            assert_eq!(records.len(), calls, "a call has two records");
            let id = |record: &Value| record["call_id"].as_str().unwrap().to_owned();
            return records.into_iter().map(|it| (id(&it), it)).collect();
        }
        assert!(
            Instant::now() < until,
            "{} of {calls} records",
            records.len()
        );
        sleep(Duration::from_millis(200)).await;
    }
}

/// Checks one call against what its requests met.
fn check(call: &Call, sends: &[Option<(&Fault, At)>]) {
    // Three in the group, three in its fallback.
    assert!(sends.len() <= 6, "{sends:?} {call:#?}");
    let attempts = call.record["attempts"].as_u64().unwrap();
    assert!(sends.len() as u64 <= attempts, "{sends:?} {call:#?}");
    for (number, met) in sends.iter().enumerate() {
        let content = matches!(met, None | Some((_, At::AfterFirstEvent)));
        let last = number + 1 == sends.len();
        assert!(
            last || !content,
            "sent again behind content: {sends:?} {call:#?}"
        );
    }
    let streamed = call.record["stream"] == true;
    match (call.view.status, streamed) {
        (200, _) if call.record["end"] == "complete" => {
            call.assert_served();
            assert_eq!(call.text(), text(5), "{sends:?} {call:#?}");
        }
        (200, true) => {
            let came = call.view.text();
            assert!(!came.is_empty() && text(5).starts_with(&came), "{call:#?}");
            call.assert_broken(&came, call.record["end"].as_str().unwrap());
        }
        (400.., _) => {
            call::assert_error_shape(call.wire, &call.view.json());
            assert_eq!(call.record["status"], call.view.status, "{call:#?}");
        }
        _ => panic!("{sends:?} {call:#?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_three_faults_in_ten_every_call_ends_truthfully_and_is_accounted_once() {
    for (calls, disable) in [(CALLS * 2 / 3, true), (CALLS / 3, false)] {
        let met = Met::default();
        let upstream = upstream(&met).await;
        let gateway = world(&upstream).set("router_settings.disable_cooldowns", json!(disable));
        let gateway = Arc::new(gateway.start().await);
        let all = run(&gateway, calls).await;
        let met = met.lock().unwrap().clone();
        let mut served = 0;
        for (name, call) in &all {
            let sends = met.get(name).map_or(&[][..], Vec::as_slice);
            check(call, sends);
            served += usize::from(call.record["end"] == "complete");
        }
        let total: usize = met.values().map(Vec::len).sum();
        let budget = calls * 2;
        assert!(total <= budget, "{total} sends of {calls} calls");
        // Most faults are before the first content, and most of those can be made good elsewhere.
        assert!(
            served * 10 >= calls * if disable { 7 } else { 5 },
            "{served} of {calls}"
        );
        let text = gateway.get("/metrics").await.body;
        let text = String::from_utf8_lossy(&text);
        let counted = text
            .lines()
            .filter(|line| line.starts_with("gateway_calls_total{"));
        let counts = counted.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        assert_eq!(counts.sum::<f64>(), calls as f64, "{text}");
    }
}
