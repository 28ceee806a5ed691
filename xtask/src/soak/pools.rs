//! What the gateway says about its pools, and making them move on.

use std::path::PathBuf;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gateway::Gateway;
use super::http::{get, post};
use super::models::MASTER_KEY;
use super::sample::Pools;
use super::settings::Settings;
use crate::failure::{Doing, Failure, Result};

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
        for generation in list(&origin["generations"]) {
            if generation["state"] == "current" {
                pools.current += 1;
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

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Rotates pools for other reasons than their lifetime.
#[derive(Debug)]
pub(super) struct Rotator {
    task: JoinHandle<Result<u64>>,
    stop: CancellationToken,
}

/// Ways to make pools move on from outside.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// All of them, connections opened beforehand.
    AllPrewarmed,
    /// All of them, cold.
    AllCold,
    /// One of them.
    One,
    /// The certificate authority's file changes: those with TLS follow.
    Identity,
}

const WAYS: [Way; 4] = [Way::AllPrewarmed, Way::AllCold, Way::One, Way::Identity];

impl Rotator {
    /// Begins; the ways come in turn, the origins by chance.
    pub(super) fn start(gateway: &Gateway, settings: &Settings) -> Self {
        let stop = CancellationToken::new();
        let work = Work {
            authority: gateway.authority.clone(),
            certificates: gateway.certificates.clone(),
            random: Rng::with_seed(settings.seed),
            done: 0,
        };
        let (every, until) = (settings.rotate_every, Instant::now() + settings.load);
        let stopped = stop.clone();
        let task = TaskTracker::new().spawn(async move {
            let Some(every) = every else {
                return Ok(0);
            };
            let mut work = work;
            let worked = stopped.run_until_cancelled(work.until(until, every)).await;
            worked.unwrap_or(Ok(())).map(|()| work.done)
        });
        Self { task, stop }
    }

    /// Ends; returns how many rotations were ordered.
    pub(super) async fn stop(self) -> Result<u64> {
        self.stop.cancel();
        self.task.await.doing("rotations")?
    }
}

struct Work {
    authority: String,
    certificates: PathBuf,
    random: Rng,
    /// Orders that the gateway obeyed.
    done: u64,
}

impl Work {
    async fn until(&mut self, end: Instant, every: Duration) -> Result<()> {
        let mut due = Instant::now() + every;
        for way in WAYS.into_iter().cycle() {
            if due > end {
                break;
            }
            sleep_until(due).await;
            due += every;
            self.rotate(way).await?;
        }
        Ok(())
    }

    async fn rotate(&mut self, way: Way) -> Result<()> {
        let order = match way {
            Way::AllPrewarmed => json!({"prewarm": true}),
            Way::AllCold => json!({}),
            Way::One => json!({"origin": self.origin().await?, "prewarm": self.random.bool()}),
            Way::Identity => return self.change_identity().await,
        };
        post(
            &self.authority,
            "/admin/pools/rotate",
            Some(MASTER_KEY),
            &order.to_string(),
        )
        .await?;
        self.done += 1;
        Ok(())
    }

    async fn origin(&mut self) -> Result<String> {
        let body = get(&self.authority, "/admin/pools", Some(MASTER_KEY)).await?;
        let pools: Value = serde_json::from_slice(&body).doing("GET /admin/pools")?;
        let origins = list(&pools["origins"]).iter();
        let labels: Vec<_> = origins
            .filter_map(|origin| origin["origin"].as_str())
            .collect();
        let chosen = self.random.choice(labels);
        chosen
            .map(str::to_owned)
            .ok_or_else(|| Failure::new("GET /admin/pools names no origin"))
    }

    /// One more root in the file, or one less: the upstream's own stays in it.
    async fn change_identity(&self) -> Result<()> {
        let path = &self.certificates;
        let text = tokio::fs::read_to_string(path)
            .await
            .doing(path.display())?;
        let first = text.split_inclusive(END).next().unwrap_or_default();
        let two = text.matches(END).count() > 1;
        let next = if two {
            first.to_owned()
        } else {
            format!("{first}\n{}", gateway_testkit::ca::TestCa::new().pem())
        };
        // Renamed into place, as tools that renew certificates do: nobody reads half a file.
        let beside = path.with_extension("new");
        tokio::fs::write(&beside, next)
            .await
            .doing(beside.display())?;
        tokio::fs::rename(&beside, path).await.doing(path.display())
    }
}

const END: &str = "-----END CERTIFICATE-----\n";

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
