//! Slots under a paused clock.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::{Full, Slots};

#[tokio::test(start_paused = true)]
async fn calls_wait_in_the_order_they_came_and_no_more_run_than_may() {
    let slots = Arc::new(Slots::new(2, 10));
    let tracker = TaskTracker::new();
    let started = Instant::now();
    let mut tasks = Vec::new();
    for number in 0..8_u64 {
        let slots = Arc::clone(&slots);
        tasks.push(tracker.spawn(async move {
            // They come one millisecond after the other.
            sleep(Duration::from_millis(number)).await;
            let _slot = slots.acquire().await.expect("there is room");
            let begun = started.elapsed().as_secs();
            sleep(Duration::from_secs(1)).await;
            begun
        }));
    }
    for (number, task) in tasks.into_iter().enumerate() {
        let begun = task.await.expect("no panic");
        assert_eq!(begun, u64::try_from(number / 2).expect("small"));
    }
    assert!(slots.has_free());
    assert_eq!(slots.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let slots = Arc::new(Slots::new(1, 1));
    let held = slots.acquire().await.expect("free");
    let waits = slots.acquire();
    tokio::pin!(waits);
    assert!(timeout(Duration::from_secs(1), &mut waits).await.is_err());
    let before = Instant::now();
    assert_eq!(slots.acquire().await.err(), Some(Full { waiting: 1 }));
    assert_eq!(before.elapsed(), Duration::ZERO);
    drop(held);
    waits.await.expect("its turn");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_the_queue_and_loses_no_slot() {
    let slots = Arc::new(Slots::new(1, 5));
    let held = slots.acquire().await.expect("free");
    for _ in 0..20 {
        let given_up = timeout(Duration::from_millis(10), slots.acquire()).await;
        assert!(given_up.is_err());
        assert_eq!(slots.waiting(), 0);
    }
    // One that was given its slot already, and drops it unseen.
    let mut waits = Box::pin(slots.acquire());
    assert!(timeout(Duration::from_millis(1), &mut waits).await.is_err());
    drop(held);
    drop(waits);
    assert!(slots.has_free());
    let _all = slots.try_acquire().expect("free");
    assert!(slots.try_acquire().is_none());
}

#[tokio::test(start_paused = true)]
async fn other_limits_hold_as_slots_are_given_back() {
    let slots = Arc::new(Slots::new(3, 5));
    let take = || slots.try_acquire().expect("free");
    let (first, second, third) = (take(), take(), take());
    slots.set_limits(1, 5);
    drop(first);
    drop(second);
    assert!(!slots.has_free(), "one is still taken");
    drop(third);
    let one = slots.try_acquire().expect("free");
    assert!(slots.try_acquire().is_none());
    slots.set_limits(2, 5);
    let two = slots.try_acquire().expect("one more");
    slots.set_limits(1, 5);
    slots.set_limits(2, 5);
    drop((one, two));
    assert_eq!(slots.limit(), 2);
    let _both = (
        slots.try_acquire().expect("free"),
        slots.try_acquire().expect("free"),
    );
    assert!(slots.try_acquire().is_none());
}
