//! Places, the line before them, and who is refused.

use super::*;
use http::HeaderValue;

const QUEUE: Duration = Duration::from_secs(5);

const NONE: Bounds = Bounds {
    max_in_flight: None,
    max_queued: 0,
    queue_timeout: QUEUE,
    max_parallel: None,
};

fn admission(max_in_flight: usize, max_queued: usize) -> Admission {
    let bounds = Bounds {
        max_in_flight: Some(max_in_flight),
        max_queued,
        ..NONE
    };
    Admission::new(bounds, RouterTimers::default())
}

async fn enter(admission: &Admission) -> Result<Option<Box<Places>>, Refused> {
    admission.enter(&HeaderMap::new(), Instant::now()).await
}

fn why(entered: Result<Option<Box<Places>>, Refused>) -> &'static str {
    entered.map_or_else(|refused| refused.as_str(), |_| "entered")
}

#[tokio::test(start_paused = true)]
async fn without_bounds_nobody_is_counted() {
    let admission = Admission::new(NONE, RouterTimers::default());
    for _ in 0..1000 {
        assert!(enter(&admission).await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_the_places_a_call_is_refused_at_once_and_a_freed_place_is_taken() {
    let admission = admission(2, 0);
    let before = Instant::now();
    let first = enter(&admission).await.unwrap();
    let _second = enter(&admission).await.unwrap();
    assert_eq!(why(enter(&admission).await), "queue_full");
    assert_eq!(before.elapsed(), Duration::ZERO, "nobody waited");
    drop(first);
    assert_eq!(why(enter(&admission).await), "entered");
}

#[tokio::test(start_paused = true)]
async fn the_line_is_bounded_and_served_in_order() {
    let admission = admission(1, 2);
    let held = enter(&admission).await.unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let waits = async |name: &'static str| {
        let places = enter(&admission).await;
        order.lock().unwrap().push((name, why(places)));
    };
    let rest = async {
        tokio::task::yield_now().await;
        assert_eq!(admission.waiting(), 2);
        assert_eq!(why(enter(&admission).await), "queue_full");
        drop(held);
    };
    tokio::join!(waits("first"), waits("second"), rest);
    let order = order.into_inner().unwrap();
    assert_eq!(order, [("first", "entered"), ("second", "entered")]);
    assert_eq!(admission.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_the_line_allows_or_its_own_time_lasts() {
    let admission = admission(1, 10);
    let _held = enter(&admission).await.unwrap();
    let began = Instant::now();
    assert_eq!(enter(&admission).await.unwrap_err(), Refused::Waited(QUEUE));
    assert_eq!(began.elapsed(), QUEUE);

    let mut headers = HeaderMap::new();
    headers.insert(TIMEOUT, HeaderValue::from_static("0.5"));
    let began = Instant::now();
    let refused = admission.enter(&headers, began).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    let failure = Failure::from(refused);
    assert_eq!(failure.error.status, 408);
    assert!(failure.error.message.contains("x-litellm-timeout"));

    let timers = RouterTimers {
        call: Timer::by_default(Duration::from_secs(1)),
        ..RouterTimers::default()
    };
    let admission = Admission::new(admission.0.load().bounds, timers.clone());
    let _held = enter(&admission).await.unwrap();
    let refused = enter(&admission).await.unwrap_err();
    assert_eq!(refused, Refused::Expired(timers.call));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_loses_nobody_a_place() {
    let admission = admission(1, 1);
    let held = enter(&admission).await.unwrap();
    let gone = tokio::time::timeout(Duration::from_secs(1), enter(&admission)).await;
    assert!(gone.is_err());
    assert_eq!(admission.waiting(), 0);
    drop(held);
    assert_eq!(why(enter(&admission).await), "entered");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_parallel_calls_answers_as_a_rate_limit() {
    let bounds = Bounds {
        max_parallel: Some(1),
        ..NONE
    };
    let admission = Admission::new(bounds, RouterTimers::default());
    let _held = enter(&admission).await.unwrap();
    let failure = Failure::from(enter(&admission).await.unwrap_err());
    assert_eq!(failure.error.status, 429);
    let failure = Failure::from(Refused::Full);
    assert_eq!(failure.error.status, 503);
    let wait = failure.retry_after.unwrap().as_secs();
    assert!((1..=3).contains(&wait), "{wait}");
}

#[tokio::test(start_paused = true)]
async fn other_bounds_hold_at_once_and_who_has_a_place_keeps_it() {
    let admission = admission(1, 0);
    let timers = RouterTimers::default;
    let change = |max_in_flight| {
        let bounds = Bounds {
            max_in_flight,
            ..NONE
        };
        admission.change(bounds, timers());
    };
    let first = enter(&admission).await.unwrap();
    assert_eq!(why(enter(&admission).await), "queue_full");
    change(Some(2));
    let second = enter(&admission).await.unwrap();
    change(Some(1));
    drop(second);
    assert_eq!(why(enter(&admission).await), "queue_full");
    change(None);
    assert!(enter(&admission).await.unwrap().is_none());
    drop(first);
    change(Some(1));
    assert!(enter(&admission).await.unwrap().is_some());
}
