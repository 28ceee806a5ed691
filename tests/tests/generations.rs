//! Reloads without a pause, every tenth with a broken file, under load: every answer is of one configuration, and none
//! is missing.
//!
//! `RELOADS=10000 cargo nextest run -p end-to-end --test generations` is the long version.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use end_to_end::{Gateway, Setup};
use gateway_testkit::client::{ClientView, Http1Client, Http2Client, Request};
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::TaskTracker;

/// A provider that answers with who it is, and with the model and the key that it was asked with.
async fn telling(name: &'static str) -> Upstream {
    Upstream::answering(move |request| answer(name, request)).await
}

fn answer(name: &str, request: &Recorded) -> Script {
    let asked = request.json();
    let key = request.header("authorization").unwrap_or_default();
    let text = format!(
        "{name} {} {key};",
        asked["model"].as_str().unwrap_or_default()
    );
    if asked["stream"] != true {
        let message = json!({"role": "assistant", "content": text});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        return Script::json(
            200,
            &json!({"id": "a", "object": "chat.completion", "choices": [choice]}),
        );
    }
    let event = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let chunk = json!({"id": "a", "object": "chat.completion.chunk", "choices": [choice]});
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let mut script = Script::new().head(ResponseHead::sse());
    for _ in 0..CONTENTS {
        let content = event(json!({"content": text}), Value::Null);
        script = script.bytes(content).sleep(Duration::from_millis(20));
    }
    script
        .bytes(event(json!({}), json!("stop")))
        .bytes("data: [DONE]\n\n")
        .end()
}

/// The `model_list` of a generation: everything in it carries its number.
fn models(generation: u64, upstreams: &[Upstream; 2]) -> Value {
    let upstream = &upstreams[usize::from(generation % 2 == 1)];
    json!([{
        "model_name": "m",
        "litellm_params": {
            "model": format!("openai/g{generation}"),
            "api_key": format!("sk-g{generation}"),
            "api_base": format!("{}/v1", upstream.url()),
        },
        "model_info": {"id": format!("g{generation}")},
    }])
}

/// What clients look at while the configuration changes under them.
#[derive(Default)]
struct World {
    /// The newest generation that is known to be in force.
    in_force: AtomicU64,
    /// The newest that may be.
    written: AtomicU64,
    over: AtomicBool,
    calls: AtomicU64,
    generations: AtomicU64,
}

impl World {
    /// Calls one after the other until it is over; each answer is checked.
    async fn call(&self, addr: SocketAddr, kind: usize) {
        let request = Request::chat("hello").model("m");
        let request = if kind.is_multiple_of(2) {
            request
        } else {
            request.streaming()
        };
        let mut last = 0;
        if kind < 2 {
            let mut client = Http1Client::connect(addr).await;
            while !self.over.load(Ordering::Relaxed) {
                let oldest = self.in_force.load(Ordering::SeqCst);
                let view = client.call(&request).await;
                last = self.check(&view, oldest, last);
            }
        } else {
            let mut client = Http2Client::connect(addr).await;
            while !self.over.load(Ordering::Relaxed) {
                let oldest = self.in_force.load(Ordering::SeqCst);
                let view = client.call(&request).await;
                last = self.check(&view, oldest, last);
            }
        }
    }

    /// Checks that an answer is whole and of one generation, and gives its number.
    fn check(&self, view: &ClientView, oldest: u64, last: u64) -> u64 {
        assert_eq!(view.status, 200, "{view:?}");
        let id = view.header("x-litellm-model-id").unwrap();
        let generation: u64 = id.strip_prefix('g').unwrap().parse().unwrap();
        let name = NAMES[usize::from(generation % 2 == 1)];
        let piece = format!("{name} g{generation} Bearer sk-g{generation};");
        if view.events.is_empty() {
            assert_eq!(
                view.json()["choices"][0]["message"]["content"],
                piece,
                "{view:?}"
            );
        } else {
            assert!(view.is_complete(), "{view:?}");
            assert_eq!(view.text(), piece.repeat(CONTENTS), "{view:?}");
        }
        let newest = self.written.load(Ordering::SeqCst);
        assert!(
            (oldest..=newest).contains(&generation),
            "{oldest} {generation} {newest}"
        );
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.generations
            .fetch_add(u64::from(generation != last), Ordering::Relaxed);
        generation
    }
}

/// Writes and orders one reload; a broken file is told with its line, and changes nothing.
async fn reload(gateway: &Gateway, client: &mut Http1Client, config: &Value, broken: bool) -> u64 {
    if broken {
        gateway.replace("config.yaml", &format!("model_list:\n  - [\n{config}"));
    } else {
        gateway.configure(config);
    }
    let view = client
        .call(&Request::post("/admin/reload", &Value::Null))
        .await;
    let told = view.json();
    if broken {
        assert_eq!(
            (view.status, &told["outcome"]),
            (422, &json!("refused")),
            "{view:?}"
        );
        assert!(told["problems"][0]["line"].as_u64() >= Some(2), "{told}");
    } else {
        assert_eq!(
            (view.status, &told["outcome"]),
            (200, &json!("taken")),
            "{view:?}"
        );
    }
    told["generation"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_belongs_to_one_configuration_and_none_is_missing() {
    let reloads: u64 = std::env::var("RELOADS").map_or(300, |it| it.parse().unwrap());
    let upstreams = [telling(NAMES[0]).await, telling(NAMES[1]).await];
    let gateway = Setup::new()
        .set("model_list", models(1, &upstreams))
        .arg("--no-watch")
        .start()
        .await;
    let world = Arc::new(World::default());
    world.in_force.store(1, Ordering::SeqCst);
    world.written.store(1, Ordering::SeqCst);
    let tasks = TaskTracker::new();
    let callers: Vec<_> = (0..CALLERS)
        .map(|kind| {
            let (world, addr) = (Arc::clone(&world), gateway.addr());
            tasks.spawn(async move { world.call(addr, kind % 4).await })
        })
        .collect();
    let mut config = gateway.config();
    let mut orders = gateway.http1().await;
    let before = gateway.usage();
    let (began, mut generation) = (Instant::now(), 1);
    let mut pace = interval(Duration::from_millis(10));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for n in 1..=reloads {
        pace.tick().await;
        let broken = n % 10 == 0;
        if !broken {
            generation += 1;
            config["model_list"] = models(generation, &upstreams);
            world.written.store(generation, Ordering::SeqCst);
        }
        let told = reload(&gateway, &mut orders, &config, broken).await;
        assert_eq!(told, generation);
        world.in_force.store(generation, Ordering::SeqCst);
        assert!(
            callers.iter().all(|it| !it.is_finished()),
            "a caller gave up"
        );
    }
    let took = began.elapsed();
    world.over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let (calls, seen) = (&world.calls, &world.generations);
    println!(
        "{reloads} reloads in {took:?}, {calls:?} answers, {seen:?} changes of generation seen, before {before:?}, after {:?}",
        gateway.usage()
    );
    assert!(
        calls.load(Ordering::Relaxed) > reloads / 2,
        "too little load"
    );
    assert!(
        seen.load(Ordering::Relaxed) > reloads / 10,
        "too few generations seen"
    );
    // Origins of old generations do not pile up.
    gateway
        .pools_satisfy(|pools| pools["origins"].as_array().unwrap().len() <= 2)
        .await;
}

const NAMES: [&str; 2] = ["even", "odd"];
/// Contents of a stream.
const CONTENTS: usize = 3;
/// Two of each kind: in one piece and streaming, over HTTP/1.1 and HTTP/2.
const CALLERS: usize = 8;
