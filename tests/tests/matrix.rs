//! The fault matrix as one table: what a provider does wrong × what its client speaks × streamed or not × when, and what
//! follows: what the client sees, how often the provider is asked, and what the record says. Every row runs through the
//! real binary twice: at a group's only deployment, and in a group that has a healthy one too.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;

use Want::{
    Again, AgainAs, Asks, Broken, Elsewhere, Late, Lost, Never, Not, Served, Unreached, Unsent,
};
use end_to_end::call::{self, Call, Carry, course};
use end_to_end::stream::text;
use end_to_end::{Gateway, Setup};
use gateway_testkit::ca::TestCa;
use gateway_testkit::dialect::Wire;
use gateway_testkit::fault::{self, At, Expect, Fault, Faulty, On};
use gateway_testkit::upstream::Upstream;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Want {
    /// It does not happen at this moment.
    Not,
    /// Nothing: the answer is complete, after one send.
    Served,
    /// No connection: nothing is sent, and it is tried again, here or elsewhere. At last 502.
    Unsent,
    /// The same by this timer, at last 408.
    Unreached(&'static str),
    /// It is tried again: here three times in all, elsewhere at once. At last this status and end.
    Again(u16, &'static str),
    /// The same, with one status for OpenAI's clients and one for Anthropic's.
    AgainAs(u16, u16),
    /// The same by this timer, at last 408.
    Late(&'static str),
    /// It asks for a wait of which the call has time for one: here twice in all, elsewhere at once.
    Asks(u16),
    /// It is not tried again here, but elsewhere. At last this status.
    Elsewhere(u16),
    /// It is tried again nowhere, and this status says why.
    Never(u16),
    /// The work may have been done: it is tried again nowhere, and the client is told not to either.
    Lost,
    /// The client has content already: one error event, no marker, and this end. Nothing is tried again.
    Broken(&'static str),
}

/// Names of faults, and what follows in a plain answer, before the first content of a stream, and after it.
type Row = (&'static [&'static str], Want, Want, Want);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // Nobody was reached.
    (&["refused", "tls-eof", "tls-reset", "tls-plain-http-instead", "no-streams-at-all"], Unsent, Unsent, Not),
    (&["syn-black-hole", "tls-stall"], Unreached("timer_connect"), Unreached("timer_connect"), Not),
    (&["certificate-expired", "certificate-not-yet-valid", "certificate-wrong-name", "certificate-unknown-issuer",
       "tls-too-old"], Elsewhere(502), Elsewhere(502), Not),
    // Silence.
    (&["request-never-read", "request-window-never-opened", "slow-head", "half-head", "silent", "head-then-silence"],
       Late("timer_attempt"), Late("timer_first_content"), Not),
    (&["pings-only"], Not, Late("timer_first_content"), Broken("timer_idle")),
    (&["stall"], Late("timer_attempt"), Not, Broken("timer_idle")),
    (&["stall-inside-event"], Not, Not, Broken("timer_idle")),
    // Lost behind the request: before any head that can be read, or inside an answer in one piece.
    (&["endless-headers", "endless-header-line", "endless-status-line", "thousand-headers", "megabyte-header", "not-http",
       "http-0.9", "eof-before-head", "rst-before-head", "bad-header-block", "length-duplicate-different",
       "length-negative", "length-with-plus", "length-overflow", "interim-endless", "switching-protocols",
       "header-with-cr", "header-with-nul", "header-folded", "header-without-colon", "header-space-before-colon"],
       Lost, Lost, Not),
    (&["rst", "fin", "fin-length", "fin-inside-chunk", "fin-inside-chunk-size", "close-delimited-abrupt",
       "goaway-with-error", "goaway-enhance-your-calm", "rst-cancel", "rst-internal", "window-overflow", "bad-frame"],
       Lost, Again(502, "truncated"), Broken("truncated")),
    (&["chunk-size-nonsense", "chunk-size-overflow", "chunk-without-line-end", "chunk-extension-endless"],
       Lost, Again(502, "truncated"), Not),
    (&["length-too-long"], Lost, Broken("truncated"), Not),
    (&["trailers-endless"], Lost, Not, Not),
    (&["close-delimited-whole-abrupt"], Lost, Served, Not),
    // An end that is none.
    (&["clean-end-early", "close-delimited-cut", "goaway-below-a-running-stream", "rst-no-error-early",
       "error-in-trailers"], Lost, Again(502, "truncated"), Broken("truncated")),
    (&["half-line", "no-blank-line"], Not, Again(502, "truncated"), Broken("truncated")),
    (&["role-then-fin", "role-then-end"], Not, Again(502, "truncated"), Not),
    (&["empty-body"], Again(502, "malformed"), Again(502, "truncated"), Not),
    (&["length-too-short"], Lost, Broken("truncated"), Not),
    // An answer that is none.
    (&["204", "html-200", "gzip", "gzip-truncated", "gzip-trailing-garbage", "gzip-that-is-none", "gzip-twice",
       "unknown-coding", "301", "302", "303", "307-private-address", "308-loop", "302-no-location"],
       Again(502, "malformed"), Again(502, "malformed"), Not),
    (&["invalid-utf8-body", "bad-json-body", "stream-for-json"], Again(502, "malformed"), Not, Not),
    (&["json-for-a-stream", "content-type-missing"], Not, Again(502, "malformed"), Not),
    (&["invalid-utf8", "giant-event", "giant-event-of-many-lines"], Not, Again(502, "malformed"), Broken("malformed")),
    // A no.
    (&["goaway-refuses-us", "rst-refused", "502", "html-502"], REFUSED, REFUSED, Not),
    (&["500", "200-server-error"], Again(500, SAID), Again(500, SAID), Not),
    (&["503", "html-503"], Again(503, SAID), Again(503, SAID), Not),
    (&["504"], Again(504, SAID), Again(504, SAID), Not),
    (&["520"], Again(520, SAID), Again(520, SAID), Not),
    (&["521"], Again(521, SAID), Again(521, SAID), Not),
    (&["522"], Again(522, SAID), Again(522, SAID), Not),
    (&["523"], Again(523, SAID), Again(523, SAID), Not),
    (&["524"], Again(524, SAID), Again(524, SAID), Not),
    (&["529"], AgainAs(503, 529), AgainAs(503, 529), Not),
    (&["429-none", "429-past-date", "429-milliseconds", "429-zero", "429-negative", "429-junk", "429-differing",
       "200-rate-limit"], Again(429, SAID), Again(429, SAID), Not),
    (&["first-event-rate-limit"], Not, Again(429, SAID), Not),
    (&["first-event-server-error", "error-after-preamble"], Not, Again(500, SAID), Not),
    (&["first-event-overloaded"], Not, AgainAs(500, 529), Not),
    (&["error-event", "error-event-then-marker"], Not, Not, Broken(SAID)),
    (&["429-seconds"], Asks(429), Asks(429), Not),
    // It asks for a wait that the call has no time for, or will say no for ever.
    (&["429-date", "429-huge", "429-no-credit"], Elsewhere(429), Elsewhere(429), Not),
    (&["401", "early-401"], Elsewhere(401), Elsewhere(401), Not),
    (&["403"], Elsewhere(403), Elsewhere(403), Not),
    (&["400"], Never(400), Never(400), Not),
    (&["404"], Never(404), Never(404), Not),
    (&["early-413"], Never(413), Never(413), Not),
    // Only odd.
    (&["close-delimited-whole", "bom", "bom-in-pieces", "one-byte-at-a-time", "one-wire-byte-at-a-time", "unknown-fields",
       "one-stream-at-a-time", "length-duplicate-equal", "length-and-chunked", "trailers", "interim-100", "interim-102",
       "interim-103", "interim-199", "interim-sixteen", "set-cookie", "hop-by-hop-headers", "rate-limit-headers",
       "header-bare-lf", "header-latin1", "two-content-types"], Served, Served, Not),
    (&["close-after-answer", "close-on-next-request", "reset-on-next-request", "stray-bytes-after-answer",
       "goaway-then-finish", "goaway-graceful", "rst-no-error-after-end", "settings-change", "unknown-frame"],
       Served, Served, Served),
    (&["no-blank-line-after-marker", "marker-then-silence", "marker-then-fin", "marker-then-rst", "data-after-marker",
       "flood-after-marker", "line-ends-cr", "line-ends-crlf", "line-ends-mixed", "cr-at-chunk-end",
       "unknown-sse-fields", "small-frames", "azure-filter-frames"], Not, Served, Not),
    // Passed on as it came: the bytes are the provider's, and the marker is there.
    (&["bad-json", "unknown-event"], Not, Served, Served),
];

/// The provider said so.
const SAID: &str = "upstream_error";
const REFUSED: Want = Again(502, SAID);
/// Faults that are too heavy to be one of many: `cancellation.rs` has tests of streams without end, and one below is for
/// bodies without end.
const HEAVY: &[&str] = &["flood", "giant-body"];

const MOMENTS: [At; 3] = [At::Plain, At::BeforeFirstEvent, At::AfterFirstEvent];
const FRONTS: [Wire; 2] = [Wire::OpenAiChat, Wire::AnthropicMessages];

/// What the provider may take, in seconds, where its fault is to be slow. Others have as long as the call.
const LIMIT: f64 = 1.0;
/// What the call may take: the waits of two retries, and one wait of 7 s that a provider asks for, but not two.
const CALL: f64 = 13.0;
/// Calls at a time; most of them wait.
const AT_A_TIME: usize = 96;

/// A fault at one moment of an answer, in front of one kind of client, and what follows.
struct Case {
    fault: &'static Fault,
    at: At,
    wire: Wire,
    want: Want,
    /// In a group of its own.
    alone: Faulty,
    /// In a group with a healthy one.
    accompanied: Faulty,
}

/// Both kinds of groups.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Group {
    Alone,
    Accompanied,
}

/// The row of a fault at a moment.
fn wanted(fault: &Fault, at: At) -> Want {
    let rows = TABLE
        .iter()
        .filter(|(names, ..)| names.contains(&fault.name));
    let [(_, plain, before, after)] = rows.collect::<Vec<_>>()[..] else {
        panic!("{fault} is not in one row of the table");
    };
    match at {
        At::Plain => *plain,
        At::BeforeFirstEvent => *before,
        At::AfterFirstEvent => *after,
    }
}

impl Case {
    async fn start(fault: &'static Fault, at: At, wire: Wire, ca: &TestCa) -> Self {
        let over_tls = matches!(fault.on, On::Tls | On::Http1Tls);
        let setup = fault::Setup {
            ca: over_tls.then_some(ca),
            http2: fault.on == On::Http2,
            ..fault::Setup::plain(at)
        };
        Self {
            fault,
            at,
            wire,
            want: wanted(fault, at),
            alone: fault.start(&setup).await,
            accompanied: fault.start(&setup).await,
        }
    }

    fn group(&self, group: Group) -> String {
        format!(
            "{} {:?} {:?} {group:?}",
            self.fault.name, self.at, self.wire
        )
    }

    fn faulty(&self, group: Group) -> &Faulty {
        match group {
            Group::Alone => &self.alone,
            Group::Accompanied => &self.accompanied,
        }
    }

    /// The parameters of its deployment.
    fn params(&self, roots: &str) -> Value {
        let mut params = json!({"ssl_verify": roots, "weight": 1});
        if self.fault.on == On::Http2 {
            params["http2"] = json!("prior_knowledge");
        }
        // Only the timer that is to fire: two of one length would race.
        match (self.want, self.at) {
            (Unreached(_), _) => params["connect_timeout"] = json!(LIMIT),
            (Late(_), At::Plain) => params["timeout"] = json!(LIMIT),
            (Late(_), _) => params["stream_timeout"] = json!(LIMIT),
            (Broken("timer_idle"), _) => params["stream_idle_timeout"] = json!(LIMIT),
            _ => {}
        }
        params
    }

    /// With its two groups.
    fn configure(&self, setup: Setup, roots: &str, healthy: &Upstream) -> Setup {
        let (alone, both) = (self.group(Group::Alone), self.group(Group::Accompanied));
        let params = self.params(roots);
        let second = format!("{both}, healthy");
        setup
            .deployment(self.wire, &alone, &alone, &self.alone.url(), &params)
            .deployment(self.wire, &both, &both, &self.accompanied.url(), &params)
            .deployment(
                self.wire,
                &both,
                &second,
                &healthy.url(),
                &json!({"weight": 0}),
            )
    }

    async fn call(&self, gateway: &Gateway, group: Group) -> Call {
        let request = match self.at {
            At::Plain => call::plain(self.wire, "hello"),
            At::BeforeFirstEvent | At::AfterFirstEvent => call::streaming(self.wire, "hello"),
        };
        let request = request.model(&self.group(group));
        let mut calls = call::calls(gateway, vec![(self.wire, Carry::Http1, request)]).await;
        calls.pop().unwrap()
    }

    /// How often the faulty deployment is to be asked.
    fn attempts(&self, group: Group) -> usize {
        match (self.want, group) {
            (Unsent | Unreached(_) | Again(..) | AgainAs(..) | Late(_), Group::Alone) => 3,
            (Asks(_), Group::Alone) => 2,
            _ => 1,
        }
    }

    /// The status and the end that the client's failure is to have; `None` if it is to be served.
    fn failure(&self, group: Group) -> Option<(u16, &'static str)> {
        let failure = match self.want {
            Served | Not => return None,
            Never(status) => return Some((status, SAID)),
            Lost => return Some((502, "truncated")),
            Broken(end) => return Some((200, end)),
            Unsent => (502, SAID),
            Unreached(timer) | Late(timer) => (408, timer),
            Again(status, end) => (status, end),
            AgainAs(openai, _) if self.wire == Wire::OpenAiChat => (openai, SAID),
            AgainAs(_, status) | Asks(status) | Elsewhere(status) => (status, SAID),
        };
        (group == Group::Alone).then_some(failure)
    }

    /// Checks what the client saw, what the record says, and how often the provider was asked.
    fn check(&self, group: Group, call: &Call) {
        let attempts = self.attempts(group);
        match self.failure(group) {
            None => {
                call.assert_served();
                assert_eq!(call.text(), text(5), "{call:#?}");
            }
            Some((200, end)) => {
                let text = call.view.text();
                assert!(!text.is_empty(), "{call:#?}");
                call.assert_broken(&text, end);
            }
            Some((status, end)) => call.assert_refused(status, end),
        }
        let told = call.view.header("x-should-retry") == Some("false");
        // Also where the wait is longer than any client should wait for.
        let may = matches!(self.want, Lost | Elsewhere(429));
        assert!(told == may || (may && self.want != Lost), "{call:#?}");
        self.check_record(group, call, attempts);
        if let Some(upstream) = self.faulty(group).upstream() {
            let sends = match self.want {
                Unsent | Unreached(_) => 0,
                Elsewhere(502) => 0,
                _ => attempts,
            };
            assert_eq!(upstream.requests().len(), sends, "{call:#?}");
        }
        let shown = String::from_utf8_lossy(&call.view.body).to_lowercase();
        for secret in ["<html", "127.0.0.1", "example.invalid", "sk-provider"] {
            assert!(!shown.contains(secret), "{secret}: {call:#?}");
        }
    }

    fn check_record(&self, group: Group, call: &Call, attempts: usize) {
        let elsewhere = self.failure(Group::Alone).is_some() && self.failure(group).is_none();
        let all = attempts + usize::from(elsewhere);
        assert_eq!(call.record["attempts"], all, "{call:#?}");
        assert_eq!(call.record["retries"], all - 1, "{call:#?}");
        let log = course(&call.record);
        let served = self.failure(group).is_none() || matches!(self.want, Broken(_));
        let expected = if all == 1 && served { 0 } else { all };
        assert_eq!(log.len(), expected, "{call:#?}");
        if elsewhere {
            assert!(
                log.last().unwrap().ends_with("healthy retry answered"),
                "{log:?}"
            );
        }
    }
}

async fn cases(ca: &TestCa) -> Vec<Case> {
    let mut cases = Vec::new();
    for fault in fault::all().filter(|fault| !HEAVY.contains(&fault.name)) {
        for at in MOMENTS {
            if !fault.at.contains(&at) {
                assert_eq!(wanted(fault, at), Not, "{fault} does not happen {at:?}");
                continue;
            }
            assert_ne!(wanted(fault, at), Not, "{fault} happens {at:?}");
            for wire in FRONTS {
                cases.push(Case::start(fault, at, wire, ca).await);
            }
        }
    }
    cases
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
            let served = wanted(fault, *at) == Served;
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
    let healthy = Upstream::plain().await;
    let cases = cases(&ca).await;
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
