//! The clients: each makes one call after the other, of all kinds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::{End, Seen, Wanted, call};
use crate::soak::models::Front;
use crate::soak::settings::Settings;

/// Clients at work.
#[derive(Debug)]
pub(super) struct Load {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    authority: String,
    start: Instant,
    /// No new calls from here on.
    enough: CancellationToken,
    left: AtomicU64,
    seen: Mutex<Vec<Seen>>,
}

impl Load {
    /// Starts the clients, spread over a second.
    pub(super) fn start(authority: &str, settings: &Settings) -> Self {
        let shared = Arc::new(Shared {
            authority: authority.to_owned(),
            start: Instant::now(),
            enough: CancellationToken::new(),
            left: AtomicU64::new(settings.calls.unwrap_or(u64::MAX)),
            seen: Mutex::default(),
        });
        let tasks = TaskTracker::new();
        for number in 0..settings.streams {
            let random = Rng::with_seed(settings.seed.wrapping_add(u64::from(number) << 20));
            let begin = shared.start + Duration::from_secs(1) * number / settings.streams;
            tasks.spawn(client(Arc::clone(&shared), random, number, begin));
        }
        tasks.close();
        Self { shared, tasks }
    }

    /// Whether all clients are done: there are no calls left to make.
    pub(super) fn is_over(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Calls that have ended.
    pub(super) fn ended(&self) -> usize {
        self.shared.seen().len()
    }

    /// Starts no more calls, waits for those that run, and gives all.
    pub(super) async fn finish(self) -> Vec<Seen> {
        self.shared.enough.cancel();
        if timeout(LONGEST, self.tasks.wait()).await.is_err() {
            println!("some clients did not end");
        }
        std::mem::take(&mut *self.shared.seen())
    }
}

impl Shared {
    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one of the calls that are left.
    fn take(&self) -> bool {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        taken.is_ok()
    }
}

async fn client(shared: Arc<Shared>, mut random: Rng, number: u32, begin: Instant) {
    sleep_until(begin).await;
    let mut kept = None;
    let mut turn = 0u32;
    while !shared.enough.is_cancelled() && shared.take() {
        let wanted = wanted(&mut random, format!("{number}-{turn}"));
        let began = Instant::now();
        let (seen, connection) = call(&shared.authority, kept.take(), &wanted, shared.start).await;
        // Half of the calls come on a connection that has served one already.
        kept = connection.filter(|_| random.bool());
        let refused = !matches!(seen.ended, End::Whole | End::Told);
        shared.seen().push(seen);
        turn += 1;
        if refused {
            // A gateway that refuses at once must not be asked a thousand times a second.
            let pause = sleep_until(began + LEAST_TIME);
            shared.enough.run_until_cancelled(pause).await;
        }
    }
}

fn wanted(random: &mut Rng, call: String) -> Wanted {
    let leaves = random.f64() < LEAVES;
    Wanted {
        call,
        front: if random.bool() {
            Front::Chat
        } else {
            Front::Messages
        },
        stream: random.f64() < STREAMS,
        events: random.u64(4..=24),
        pace_ms: random.u64(0..=20),
        leave: leaves.then(|| Duration::from_millis(random.u64(1..300))),
    }
}

/// Share of the calls that are streams.
const STREAMS: f64 = 0.75;
/// Share of the clients that go away in the middle.
const LEAVES: f64 = 0.02;
/// Shortest time between two calls of a client whose call was refused.
const LEAST_TIME: Duration = Duration::from_millis(100);
/// Longer than any call may take: the timer of a call, and what a client waits beyond it.
const LONGEST: Duration = Duration::from_secs(40);
