//! A gateway that is made up: a busy afternoon of ten deployments, or of two hundred.

use std::time::SystemTime;

use bytes::Bytes;
use gateway_testkit::client::ClientView;
use gateway_testkit::http1::Framing;
use gateway_testkit::script::{ResponseHead, Script};
use serde_json::{Value, json};

/// What the page is told.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    now: f64,
    deployments: Vec<Value>,
    lanes: Vec<Value>,
    streams: usize,
}

impl Scene {
    /// Ten deployments, some of which have seen something.
    pub(crate) fn busy() -> Self {
        let now = now();
        let mut scene = Self {
            now,
            deployments: Vec::new(),
            lanes: Vec::new(),
            streams: STREAMS.len(),
        };
        for (number, member) in MEMBERS.iter().enumerate() {
            let state = member.state;
            let mut it = json!({
                "id": id(number), "model_name": member.group, "provider": member.provider, "model": member.model, "api_base": member.base,
                "state": state, "active": member.active, "per_minute": member.per_minute,
                "success": member.success, "failures": {}, "cost_usd": member.per_minute / 50.0,
                "first_content_ms": {"p50": member.first, "p99": member.first * 3.4}, "tokens_per_second": member.tokens,
            });
            for (cause, count) in member.failures {
                it["failures"][cause] = (*count).into();
            }
            match state {
                "set_aside" => {
                    it["reason"] = "rate_limit".into();
                    it["returns_in"] = 41.0.into();
                }
                "probation" => it["reason"] = "unavailable".into(),
                "drained" => it["reason"] = "operator".into(),
                _ => {}
            }
            scene.deployments.push(it);
            let states: String = member.past.iter().map(|(of, n)| of.repeat(*n)).collect();
            assert_eq!(states.len(), 180, "{}", member.model);
            let lane = json!({"id": id(number), "model_name": member.group, "states": states});
            scene.lanes.push(lane);
        }
        scene
    }

    /// The same and as many more as make `deployments` of them and `streams`.
    pub(crate) fn crowded(deployments: usize, streams: usize) -> Self {
        let mut scene = Self::busy();
        for number in scene.deployments.len()..deployments {
            let name = format!("model-{}", number / 4);
            scene.deployments.push(json!({
                "id": id(number), "model_name": name, "provider": "openai", "model": format!("served-{number}"),
                "state": "ready", "active": 1, "per_minute": 12.0, "success": 1.0, "failures": {},
                "first_content_ms": {"p50": 300.0, "p99": 900.0}, "tokens_per_second": 60.0,
            }));
            let states = "r".repeat(180);
            let lane = json!({"id": id(number), "model_name": name, "states": states});
            scene.lanes.push(lane);
        }
        scene.streams = streams;
        scene
    }

    /// With this value in a deployment.
    pub(crate) fn deployment(mut self, number: usize, key: &str, value: Value) -> Self {
        self.deployments[number][key] = value;
        self
    }

    /// The report `second` seconds from now.
    pub(crate) fn status(&self, second: i32) -> Value {
        let t = f64::from(second);
        let mut deployments = self.deployments.clone();
        for (number, it) in deployments.iter_mut().enumerate() {
            let more = (t * 0.7 + number as f64).sin().abs() * 4.0;
            it["per_minute"] = (it["per_minute"].as_f64().unwrap() + more).into();
        }
        let wave = (t / 9.0).sin();
        let streams: Vec<Value> = (0..self.streams).map(|it| self.stream(it, t)).collect();
        json!({
            "version": "0.1.0", "pid": 4242, "started": self.now - 266_340.0, "uptime": 266_340.0 + t, "state": "ready",
            "reasons": [],
            "config": {"file": "/etc/gateway/config.yaml", "generation": 7, "since": self.now - 431.0,
                "last_reload": {"at": self.now - 431.0, "cause": "watch", "outcome": "taken", "generation": 7, "problems": [], "needs_restart": []}},
            "calls": {"active": (46.0 + 5.0 * wave).round(), "streams": (38.0 + 4.0 * (t / 7.0).cos()).round(), "queued": 0,
                "per_second": 16.2 + 3.0 * wave + (t * 1.7).sin(), "failures_per_second": (0.2 + 0.15 * (t / 4.0).sin()).abs(),
                "overhead_ms": {"p50": 0.071, "p99": 0.312}, "first_content_ms": {"p50": 431.0 + wave, "p99": 2210.0}},
            "deployments": deployments, "pools": self.pools(t), "streams": streams,
            "streams_total": self.streams, "failures": self.failures(),
        })
    }

    /// The last fifteen minutes.
    pub(crate) fn timeline(&self) -> Value {
        let mut marks = MARKS.to_vec();
        marks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mark = |(number, (at, kind, subject, text)): (usize, &(f64, &str, &str, &str))| {
            let subject = subject.parse().map_or_else(|_| (*subject).to_owned(), id);
            json!({"number": number, "at": self.now + at, "kind": kind, "subject": subject, "text": text})
        };
        let marks: Vec<Value> = marks.iter().enumerate().map(mark).collect();
        json!({"from": self.now - 900.0, "to": self.now, "step": 5, "lanes": self.lanes, "marks": marks})
    }

    fn stream(&self, number: usize, t: f64) -> Value {
        let Some((call, api, model, deployment, age, first, state, generation)) =
            STREAMS.get(number)
        else {
            return json!({"call_id": format!("call-{number}"), "api": "openai_chat", "model": "gpt-4o", "deployment": id(number % 20),
                "age": 300.0 + t, "first_content_ms": 300.0, "events": 9000.0 + 40.0 * t, "bytes": 900_000.0 + 4000.0 * t, "state": "streaming",
                "generation": 9, "worker": 0});
        };
        let ran = (age + t).max(0.0);
        let mut it = json!({"call_id": format!("{call}-4c1d-4f7e-9a52-b0c1{call}"), "api": api, "model": model, "deployment": id(*deployment),
            "age": ran, "events": 0, "bytes": 0, "state": state, "generation": generation, "worker": number % 2});
        if *first > 0.0 {
            it["first_content_ms"] = (*first).into();
            it["events"] = (ran * 22.0).round().into();
            it["bytes"] = (ran * 4200.0).round().into();
        }
        if *state == "stalled" {
            it["stalled_for"] = (19.0 + t).into();
        }
        it
    }

    fn pools(&self, t: f64) -> Value {
        let current = |number: u64, reason: &str, leases: u64, age: f64, oldest: f64| {
            json!({"number": number, "reason": reason, "state": "current", "age_seconds": age + t, "draining_seconds": null,
                "deadline_seconds": null, "sockets": 1, "leases": leases, "oldest_lease_seconds": oldest + t})
        };
        let draining = |number: u64, leases: u64, since: f64, oldest: f64| {
            json!({"number": number, "reason": "ttl", "state": "draining", "age_seconds": oldest + t, "draining_seconds": since + t,
                "deadline_seconds": null, "sockets": 1, "leases": leases, "oldest_lease_seconds": oldest + t})
        };
        let pool = |origin: &str, streams: u64, generations: Vec<Value>| {
            json!({"origin": origin, "generations": generations, "waiting": 0, "connections": {"http1_idle": 0, "http1_active": 0,
                "http2_idle": 0, "http2_active": 1, "http2_streams": streams, "connecting": 0}})
        };
        json!([
            pool(
                "https://acme-eastus.openai.azure.com:443",
                12,
                vec![
                    current(9, "config", 12, 190.0, 166.0),
                    draining(8, 2, 190.0, 1322.0),
                ],
            ),
            pool(
                "https://api.anthropic.com:443",
                9,
                vec![
                    current(5, "command", 9, 44.0, 41.0),
                    draining(4, 3, 44.0, 612.0),
                ],
            ),
            pool(
                "https://api.openai.com:443",
                9,
                vec![current(4, "ttl", 9, 2210.0, 75.0)],
            ),
            pool(
                "https://europe-west1-aiplatform.googleapis.com:443",
                8,
                vec![current(3, "ttl", 8, 1200.0, 96.0)],
            ),
        ])
    }

    fn failures(&self) -> Value {
        let cause = |cause: &str,
                     count: u64,
                     ago: f64,
                     deployment: usize,
                     status: u16,
                     message: &str| {
            json!({"cause": cause, "count": count, "last": {"at": self.now - ago, "call_id": "f1c2aa04-77b1-4c12", "deployment": id(deployment),
                "status": status, "message": message}})
        };
        json!([
            cause(
                "rate_limit",
                14,
                3.0,
                1,
                429,
                "Requests to the deployment have exceeded the call rate limit.",
            ),
            cause(
                "unavailable",
                5,
                61.0,
                4,
                503,
                "The server is currently unable to handle the request.",
            ),
            cause(
                "timer_first_content",
                3,
                240.0,
                1,
                408,
                "the `first_content` timer of 8 s (config.yaml:22:7) fired",
            ),
            cause("client_gone", 2, 512.0, 6, 0, "the client left"),
        ])
    }
}

/// Reports as an event stream that goes on for good.
pub(crate) fn live(reports: impl IntoIterator<Item = Value>) -> Script {
    let head = Script::new().head(ResponseHead::sse());
    head.all(reports.into_iter().map(|it| event("status", &it)))
}

/// One event.
pub(crate) fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// What the real gateway serves as its page, served again.
pub(crate) fn again(page: &ClientView) -> Script {
    let length = Framing::Length(page.body.len() as u64);
    let mut head = ResponseHead::new(200).framed(length);
    for name in ["content-type", "content-security-policy", "cache-control"] {
        head = head.with(name, page.header(name).unwrap());
    }
    Script::new().head(head).bytes(page.body.clone()).end()
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    (since.unwrap().as_secs_f64() / 5.0).floor() * 5.0
}

fn id(number: usize) -> String {
    format!(
        "{:016x}",
        (number as u64 + 3).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    )
}

struct Member {
    group: &'static str,
    provider: &'static str,
    model: &'static str,
    base: &'static str,
    state: &'static str,
    active: u32,
    per_minute: f64,
    success: f64,
    first: f64,
    tokens: u32,
    failures: &'static [(&'static str, u32)],
    past: &'static [(&'static str, usize)],
}

const CALM: &[(&str, usize)] = &[("r", 180)];
const MEMBERS: [Member; 10] = [
    Member {
        group: "gpt-4o",
        provider: "azure",
        model: "gpt-4o-eastus",
        base: "https://acme-eastus.openai.azure.com",
        state: "ready",
        active: 14,
        per_minute: 212.0,
        success: 1.0,
        first: 412.0,
        tokens: 68,
        failures: &[],
        past: CALM,
    },
    Member {
        group: "gpt-4o",
        provider: "azure",
        model: "gpt-4o-swedencentral",
        base: "https://acme-eastus.openai.azure.com",
        state: "set_aside",
        active: 0,
        per_minute: 3.0,
        success: 0.62,
        first: 980.0,
        tokens: 31,
        failures: &[("rate_limit", 14), ("timeout", 3)],
        past: &[
            ("r", 96),
            ("f", 4),
            ("s", 12),
            ("p", 3),
            ("r", 36),
            ("f", 5),
            ("s", 24),
        ],
    },
    Member {
        group: "gpt-4o",
        provider: "openai",
        model: "gpt-4o",
        base: "https://api.openai.com/v1",
        state: "ready",
        active: 6,
        per_minute: 96.0,
        success: 0.998,
        first: 388.0,
        tokens: 71,
        failures: &[("overloaded", 1)],
        past: CALM,
    },
    Member {
        group: "claude-sonnet",
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        base: "https://api.anthropic.com",
        state: "ready",
        active: 11,
        per_minute: 140.0,
        success: 0.9991,
        first: 640.0,
        tokens: 62,
        failures: &[("overloaded", 1)],
        past: CALM,
    },
    Member {
        group: "claude-sonnet",
        provider: "bedrock",
        model: "anthropic.claude-sonnet-4-5",
        base: "https://bedrock-runtime.eu-central-1.amazonaws.com",
        state: "probation",
        active: 1,
        per_minute: 9.0,
        success: 0.81,
        first: 1120.0,
        tokens: 20,
        failures: &[("unavailable", 4)],
        past: &[
            ("r", 60),
            ("s", 36),
            ("p", 6),
            ("r", 40),
            ("f", 2),
            ("s", 24),
            ("p", 12),
        ],
    },
    Member {
        group: "claude-sonnet",
        provider: "vertex_ai",
        model: "claude-sonnet-4-5",
        base: "https://europe-west1-aiplatform.googleapis.com",
        state: "ready",
        active: 4,
        per_minute: 64.0,
        success: 1.0,
        first: 702.0,
        tokens: 58,
        failures: &[],
        past: CALM,
    },
    Member {
        group: "gemini-2.5-pro",
        provider: "vertex_ai",
        model: "gemini-2.5-pro",
        base: "https://europe-west1-aiplatform.googleapis.com",
        state: "ready",
        active: 5,
        per_minute: 71.0,
        success: 0.997,
        first: 560.0,
        tokens: 83,
        failures: &[("timeout", 1)],
        past: CALM,
    },
    Member {
        group: "gemini-2.5-pro",
        provider: "gemini",
        model: "gemini-2.5-pro",
        base: "https://generativelanguage.googleapis.com",
        state: "drained",
        active: 0,
        per_minute: 0.0,
        success: 1.0,
        first: 590.0,
        tokens: 80,
        failures: &[],
        past: &[("r", 130), ("d", 50)],
    },
    Member {
        group: "embed",
        provider: "openai",
        model: "text-embedding-3-large",
        base: "https://api.openai.com/v1",
        state: "ready",
        active: 3,
        per_minute: 320.0,
        success: 1.0,
        first: 41.0,
        tokens: 0,
        failures: &[],
        past: CALM,
    },
    Member {
        group: "llama-70b",
        provider: "openai",
        model: "meta-llama/Llama-3.3-70B",
        base: "https://api.openai.com/v1",
        state: "ready",
        active: 2,
        per_minute: 18.0,
        success: 1.0,
        first: 210.0,
        tokens: 104,
        failures: &[],
        past: &[(" ", 40), ("r", 140)],
    },
];
/// Id, front end, model, deployment, age, first content, state, generation.
type OneStream = (
    &'static str,
    &'static str,
    &'static str,
    usize,
    f64,
    f64,
    &'static str,
    u64,
);
const STREAMS: [OneStream; 10] = [
    (
        "8d1f0c62",
        "anthropic_messages",
        "claude-sonnet",
        3,
        1322.0,
        640.0,
        "streaming",
        4,
    ),
    (
        "c41e77a9",
        "openai_responses",
        "gpt-4o",
        0,
        980.0,
        402.0,
        "streaming",
        8,
    ),
    (
        "0b7a3f11",
        "anthropic_messages",
        "claude-sonnet",
        3,
        612.0,
        7310.0,
        "streaming",
        4,
    ),
    (
        "77e0d9c2",
        "openai_chat",
        "gpt-4o",
        2,
        512.0,
        371.0,
        "stalled",
        4,
    ),
    (
        "e98b21f4",
        "anthropic_messages",
        "claude-sonnet",
        5,
        244.0,
        1804.0,
        "streaming",
        3,
    ),
    (
        "5a6c0e3d",
        "openai_chat",
        "gemini-2.5-pro",
        6,
        166.0,
        560.0,
        "streaming",
        3,
    ),
    (
        "b3d94410",
        "openai_chat",
        "gpt-4o",
        0,
        88.0,
        395.0,
        "streaming",
        9,
    ),
    (
        "1f5e8ac7",
        "openai_chat",
        "llama-70b",
        9,
        41.0,
        212.0,
        "streaming",
        2,
    ),
    (
        "9c02b7de",
        "anthropic_messages",
        "claude-sonnet",
        4,
        9.0,
        0.0,
        "waiting",
        6,
    ),
    (
        "d07714b5",
        "openai_chat",
        "gpt-4o",
        0,
        2.0,
        0.0,
        "connecting",
        9,
    ),
];
/// When, what, to whom (a number: that deployment), in words.
const MARKS: [(f64, &str, &str, &str); 15] = [
    (
        -842.0,
        "reload",
        "",
        "Configuration 6 is in force: 2 deployments changed.",
    ),
    (
        -430.0,
        "reload",
        "",
        "Configuration 7 is in force: 1 deployment changed.",
    ),
    (
        -640.0,
        "rotation",
        "https://api.openai.com:443",
        "Generation 4, by ttl.",
    ),
    (-410.0, "burst", "1", "23 failures within a second."),
    (-406.0, "cooldown", "1", "Set aside for 60 s: rate_limit."),
    (-340.0, "recovery", "1", "It is back."),
    (
        -190.0,
        "rotation",
        "https://acme-eastus.openai.azure.com:443",
        "Generation 9, by config.",
    ),
    (-145.0, "burst", "1", "17 failures within a second."),
    (-140.0, "cooldown", "1", "Set aside for 180 s: rate_limit."),
    (-250.0, "operator", "7", "Drained by an operator."),
    (
        -44.0,
        "rotation",
        "https://api.anthropic.com:443",
        "Generation 5, by command.",
    ),
    (-600.0, "cooldown", "4", "Set aside for 180 s: unavailable."),
    (-390.0, "recovery", "4", "It is back."),
    (-182.0, "cooldown", "4", "Set aside for 120 s: unavailable."),
    (
        -742.0,
        "reload_refused",
        "",
        "41:21: `simple-shufle` is no strategy.",
    ),
];
