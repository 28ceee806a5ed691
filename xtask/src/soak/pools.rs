//! What the gateway says about its pools, and making them move on.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gateway::{Changing, Gateway};
use super::http::{get, post};
use super::models::MASTER_KEY;
use super::reloads::{Edit, ORIGINS, POOLS, UNRELATED, change_identity, change_roots, reload};
use super::sample::{Newest, Pools};
use super::settings::Settings;
use crate::failure::{Doing as _, Result};

/// Reads `GET /admin/pools`; nothing when the gateway does not answer.
pub(super) async fn read(authority: &str) -> Option<Pools> {
    let body = get(authority, "/admin/pools", Some(MASTER_KEY))
        .await
        .ok()?;
    let pools: Value = serde_json::from_slice(&body).ok()?;
    Some(sum(&pools))
}

/// Adds up the origins of an answer.
fn sum(answer: &Value) -> Pools {
    let mut pools = Pools::default();
    for origin in list(&answer["origins"]) {
        pools.origins += 1;
        let name = origin["origin"].as_str().unwrap_or_default();
        for generation in list(&origin["generations"]) {
            if generation["state"] == "current" {
                pools.current += 1;
                pools.newest.insert(name.to_owned(), newest(generation));
            } else {
                pools.draining += 1;
            }
            pools.connections += generation["sockets"].as_u64().unwrap_or(0);
            pools.streams += generation["leases"].as_u64().unwrap_or(0);
        }
        for pair in list(&origin["metrics"]["rotations"]) {
            let (Some(reason), Some(count)) = (pair[0].as_str(), pair[1].as_u64()) else {
                continue;
            };
            // The first generation of an origin replaces none.
            if reason != "first" && count > 0 {
                *pools.rotations.entry(reason.to_owned()).or_default() += count;
            }
        }
    }
    pools
}

fn newest(generation: &Value) -> Newest {
    Newest {
        number: generation["number"].as_u64().unwrap_or(0),
        reason: generation["reason"].as_str().unwrap_or_default().to_owned(),
        age_seconds: generation["age_seconds"].as_f64().unwrap_or(0.0),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Makes pools move on for other reasons than their lifetime.
#[derive(Debug)]
pub(super) struct Rotator {
    task: JoinHandle<Orders>,
    stop: CancellationToken,
}

/// What became of the orders to rotate.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    pub(super) obeyed: u64,
    /// What the gateway, or the machine, said to the others.
    pub(super) refused: Vec<String>,
}

/// One way to make pools move on from outside.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// `POST /admin/pools/rotate` with this reason, for the origins of one host.
    Order { reason: &'static str, prewarm: bool },
    /// The certificate authority's file changes: those who read it follow by themselves.
    NewRoots,
    /// The same for the certificate that the gateway shows.
    NewIdentity,
    /// The configuration changes, and is read again.
    Reload(Edit),
}

impl Way {
    const fn order(reason: &'static str, prewarm: bool) -> Self {
        Self::Order { reason, prewarm }
    }
}

/// Every reason that a gateway can be given.
const WAYS: [Way; 12] = [
    Way::order("command", true),
    Way::Reload(UNRELATED),
    Way::order("dns", true),
    Way::order("config", true),
    Way::NewRoots,
    Way::Reload(POOLS),
    Way::order("command", false),
    Way::order("health", false),
    Way::NewIdentity,
    Way::order("config", false),
    Way::Reload(ORIGINS),
    Way::order("identity", true),
];

/// The hosts of the upstream take turns: while one is rotated from outside, the pools of the other grow old enough
/// for their lifetime to end. A turn lasts one and a half lifetimes.
const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

impl Rotator {
    /// Begins; the ways come in turn, until the load is over.
    pub(super) fn start(gateway: &Gateway, settings: &Settings) -> Self {
        let stop = CancellationToken::new();
        let mut work = Work {
            authority: gateway.authority.clone(),
            files: gateway.files.clone(),
            ttl: settings.ttl,
            orders: Orders::default(),
        };
        let (every, load) = (settings.rotate_every, settings.load);
        let stopped = stop.clone();
        let task = TaskTracker::new().spawn(async move {
            if let Some(every) = every {
                stopped.run_until_cancelled(work.during(load, every)).await;
            }
            work.orders
        });
        Self { task, stop }
    }

    /// Ends, and tells how it went.
    pub(super) async fn stop(self) -> Result<Orders> {
        self.stop.cancel();
        self.task.await.doing("rotations")
    }
}

struct Work {
    authority: String,
    files: Changing,
    ttl: Duration,
    orders: Orders,
}

impl Work {
    async fn during(&mut self, load: Duration, every: Duration) {
        let begun = Instant::now();
        let mut due = every;
        for way in WAYS.into_iter().cycle() {
            if due > load {
                break;
            }
            sleep_until(begun + due).await;
            let turn = due.as_secs_f64() / (self.ttl.as_secs_f64() * 1.5);
            let host = if turn % 2.0 < 1.0 { HOSTS[0] } else { HOSTS[1] };
            due += every;
            match self.rotate(way, host).await {
                Ok(()) => self.orders.obeyed += 1,
                Err(failure) => self.orders.refused.push(failure.to_string()),
            }
        }
    }

    async fn rotate(&self, way: Way, host: &str) -> Result<()> {
        match way {
            Way::NewRoots => change_roots(&self.files.certificates).await,
            Way::NewIdentity => change_identity(&self.files.identity).await,
            Way::Reload(edit) => reload(&self.authority, &self.files.config, edit).await,
            Way::Order { reason, prewarm } => {
                let order = json!({"reason": reason, "host": host, "prewarm": prewarm});
                let (order, key) = (order.to_string(), Some(MASTER_KEY));
                let answer = post(&self.authority, "/admin/pools/rotate", key, &order).await;
                answer.map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_added_up() {
        let answer = json!({"origins": [
            {"metrics": {"rotations": [["first", 1], ["ttl", 4], ["dns", 0]]}, "generations": [
                {"state": "current", "sockets": 5, "leases": 3},
                {"state": "draining", "sockets": 1, "leases": 1},
            ]},
            {"metrics": {"rotations": [["first", 1], ["ttl", 1]]}, "generations": [
                {"state": "current", "sockets": 4, "leases": 2},
            ]},
        ]});
        let pools = sum(&answer);
        assert_eq!((pools.origins, pools.current, pools.draining), (2, 2, 1));
        assert_eq!((pools.connections, pools.streams), (10, 6));
        assert_eq!(
            pools.rotations.into_iter().collect::<Vec<_>>(),
            [("ttl".to_owned(), 5)]
        );
    }
}
