//! The look once a second: what has changed is marked, and told to those who watch.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gateway_router::Catalog;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::report::{report, standing};
use super::shape::{DeploymentState, Timeline};
use super::timeline::{Letter, STEP};
use crate::control::{MarkKind, seconds};
use crate::worker::Shared;

/// Looks once a second, for as long as it is polled.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut sampler = Sampler::default();
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sampler.look(&shared, Instant::now());
    }
}

/// What it saw last.
#[derive(Debug, Default)]
struct Sampler {
    seconds: u32,
    /// The newest generation of each origin, by where its label is in memory: labels need not differ.
    generations: HashMap<usize, (Arc<str>, u64)>,
    deployments: HashMap<Arc<str>, Seen>,
    /// The column that is not complete yet.
    column: HashMap<Arc<str>, Letter>,
    failed: u64,
    /// There have been many failures in the last second.
    bursts: bool,
    next_mark: u64,
}

/// A deployment, as it was.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    state: DeploymentState,
    /// How often failures had set it aside.
    set_aside: u64,
    attempts: u64,
    failures: u64,
}

impl Sampler {
    fn look(&mut self, shared: &Shared, now: Instant) {
        let catalog = Arc::clone(&shared.snapshot.load().catalog);
        self.rotations(shared);
        self.deployments(shared, &catalog, now);
        self.bursts(shared);
        self.seconds += 1;
        let complete = self.seconds.is_multiple_of(STEP);
        if complete {
            let board = &shared.board;
            board.windows.turn(now);
            board.windows.retain(|id| self.deployments.contains_key(id));
            board.history.add(
                &std::mem::take(&mut self.column),
                seconds(SystemTime::now()),
            );
        }
        self.tell(shared, &catalog, complete, now);
        if shared.is_succeeded() || shared.is_draining() && shared.live.active() == 0 {
            // Whoever looks on must not keep the process, and finds the next one by asking again.
            shared.board.watchers.end();
        }
    }

    fn rotations(&mut self, shared: &Shared) {
        let mut seen = HashMap::with_capacity(self.generations.len());
        for current in shared.transport.current() {
            let place = Arc::as_ptr(&current.origin).addr();
            let before = self.generations.get(&place);
            if before.is_some_and(|(_, number)| *number != current.number) {
                let (number, reason) = (current.number, current.reason);
                let text = format!("generation {number} ({reason})");
                (shared.control.marks).add(MarkKind::Rotation, &*current.origin, text);
            }
            seen.insert(place, (current.origin, current.number));
        }
        self.generations = seen;
    }

    fn deployments(&mut self, shared: &Shared, catalog: &Catalog, now: Instant) {
        let mut seen = HashMap::with_capacity(self.deployments.len());
        for deployment in catalog.deployments() {
            let view = deployment.ledger.view(now);
            let (state, reason, returns_in) = standing(view.standing, now);
            let (attempts, failures) = shared.board.windows.of(&deployment.id).counts();
            let current = Seen {
                state,
                set_aside: view.set_aside,
                attempts,
                failures,
            };
            let before = self.deployments.get(&deployment.id).copied();
            let before = before.unwrap_or(Seen {
                state: DeploymentState::Ready,
                ..current
            });
            for (kind, what) in changes(before, current) {
                let text = match (what, reason, returns_in) {
                    ("set aside", Some(reason), Some(left)) => {
                        format!("set aside for {left:.0} s ({reason})")
                    }
                    (what, _, _) => what.to_owned(),
                };
                shared.control.marks.add(kind, &*deployment.id, text);
            }
            let letter = letter(before, current);
            let worst = self.column.entry(Arc::clone(&deployment.id)).or_default();
            *worst = letter.max(*worst);
            seen.insert(Arc::clone(&deployment.id), current);
        }
        self.column.retain(|id, _| seen.contains_key(id));
        self.deployments = seen;
    }

    fn bursts(&mut self, shared: &Shared) {
        let failed = shared.board.windows.failed();
        let new = failed.saturating_sub(self.failed);
        self.failed = failed;
        let many = new >= BURST;
        if many && !self.bursts {
            let text = format!("{new} calls failed within a second");
            shared.control.marks.add(MarkKind::Burst, "", text);
        }
        self.bursts = many;
    }

    fn tell(&mut self, shared: &Shared, catalog: &Catalog, complete: bool, now: Instant) {
        let marks = shared.control.marks.since(self.next_mark);
        if let Some(last) = marks.last() {
            self.next_mark = last.number + 1;
        }
        let watchers = &shared.board.watchers;
        if !watchers.any() {
            return;
        }
        if let Some(event) = event("status", &report(shared, now)) {
            watchers.tell(&event);
        }
        if complete || !marks.is_empty() {
            let columns = usize::from(complete);
            let mut timeline: Timeline = shared.board.history.newest(catalog, columns);
            if !complete {
                timeline.lanes.clear();
            }
            timeline.marks = marks;
            if let Some(event) = event("timeline", &timeline) {
                watchers.tell(&event);
            }
        }
    }
}

/// One event of a stream.
pub(crate) fn event(name: &str, data: &impl Serialize) -> Option<Bytes> {
    let data = serde_json::to_string(data).ok()?;
    Some(Bytes::from(format!("event: {name}\ndata: {data}\n\n")))
}

/// What an operator would like to know of the difference.
fn changes(before: Seen, current: Seen) -> Vec<(MarkKind, &'static str)> {
    let mut changes = Vec::new();
    let failed = current.set_aside > before.set_aside;
    let away = |state| state != DeploymentState::Ready;
    match current.state {
        DeploymentState::SetAside if failed || before.state != DeploymentState::SetAside => {
            changes.push((MarkKind::Cooldown, "set aside"));
        }
        _ if failed => changes.push((MarkKind::Cooldown, "set aside")),
        _ => {}
    }
    if !away(current.state) && (away(before.state) || failed) {
        changes.push((MarkKind::Recovery, "back"));
    }
    changes
}

fn letter(before: Seen, current: Seen) -> Letter {
    let attempts = current.attempts.saturating_sub(before.attempts);
    let failures = current.failures.saturating_sub(before.failures);
    match current.state {
        DeploymentState::Drained => Letter::Drained,
        DeploymentState::SetAside => Letter::SetAside,
        DeploymentState::Probation => Letter::Probation,
        DeploymentState::Ready if attempts > 0 && failures * 2 > attempts => Letter::Failing,
        DeploymentState::Ready => Letter::Ready,
    }
}

/// So many failures within a second are worth a mark.
const BURST: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(state: DeploymentState, set_aside: u64) -> Seen {
        Seen {
            state,
            set_aside,
            ..Seen::default()
        }
    }

    #[test]
    fn a_deployment_that_goes_and_comes_is_marked_once_each_time() {
        use DeploymentState::{Drained, Probation, Ready, SetAside};
        use MarkKind::{Cooldown, Recovery};
        for (before, current, expected) in [
            (seen(Ready, 0), seen(Ready, 0), &[][..]),
            (seen(Ready, 0), seen(SetAside, 1), &[Cooldown]),
            // By an operator.
            (seen(Ready, 0), seen(SetAside, 0), &[Cooldown]),
            (seen(SetAside, 1), seen(SetAside, 1), &[]),
            (seen(SetAside, 1), seen(Probation, 1), &[]),
            (seen(Probation, 1), seen(SetAside, 2), &[Cooldown]),
            (seen(Probation, 1), seen(Ready, 1), &[Recovery]),
            // Between two looks.
            (seen(Ready, 1), seen(Ready, 2), &[Cooldown, Recovery]),
            // Its order is marked by whoever took it.
            (seen(Ready, 0), seen(Drained, 0), &[]),
            (seen(Drained, 0), seen(Ready, 0), &[Recovery]),
        ] {
            let kinds: Vec<MarkKind> = changes(before, current).iter().map(|it| it.0).collect();
            assert_eq!(kinds, expected, "{before:?} {current:?}");
        }
    }

    #[test]
    fn the_letter_says_how_most_attempts_of_the_last_second_went() {
        let with = |attempts, failures| Seen {
            attempts,
            failures,
            ..Seen::default()
        };
        assert_eq!(letter(with(5, 5), with(5, 5)), Letter::Ready);
        assert_eq!(letter(with(5, 5), with(7, 6)), Letter::Ready);
        assert_eq!(letter(with(5, 5), with(7, 7)), Letter::Failing);
        let aside = seen(DeploymentState::SetAside, 1);
        assert_eq!(letter(with(0, 0), aside), Letter::SetAside);
    }
}
