//! Percentiles and rates of a minute that slides.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_older_than_a_minute_does_not_count() {
    let began = Instant::now();
    let windows = Windows::new(began);
    let add = |count: u64| windows.ended.fetch_add(count, Ordering::Relaxed);
    add(600);
    let at = |seconds| began + Duration::from_secs(seconds);
    for seconds in (5..=30).step_by(5) {
        windows.turn(at(seconds));
    }
    assert!((windows.minute(at(30)).per_second - 20.0).abs() < 0.1);
    for seconds in (35..=90).step_by(5) {
        windows.turn(at(seconds));
    }
    assert_eq!(windows.minute(at(90)).per_second, 0.0);
    add(60);
    assert!((windows.minute(at(91)).per_second - 1.0).abs() < 0.1);
    assert!(windows.past.lock().len() < 15);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_judged_by_its_attempts_of_the_last_minute() {
    let began = Instant::now();
    let windows = Windows::new(began);
    let window = windows.of(&"a".into());
    assert_eq!(window.minute(began).success, None);
    window.failed("rate_limit");
    let later = began + Duration::from_secs(10);
    window.turn(later);
    window.failed("timeout");
    let minute = window.minute(later + Duration::from_secs(10));
    assert_eq!(minute.success, Some(0.0));
    assert_eq!(minute.failures.len(), 2);
    assert!((minute.per_minute - 6.0).abs() < 0.1, "{minute:?}");
    let late = began + Duration::from_secs(71);
    window.turn(later + Duration::from_secs(2));
    window.turn(late);
    let minute = window.minute(late);
    assert_eq!(minute.failures.keys().collect::<Vec<_>>(), ["timeout"]);
    assert!(Arc::ptr_eq(&window, &windows.of(&"a".into())));
}
