//! When to use, refresh, wait for or refuse what expires; without IO, with `now` as an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::TokenError;

/// What is known about the token (or whatever else expires) of one set of credentials.
#[derive(Debug)]
pub(super) struct Cache<T> {
    issued: Option<Issued<T>>,
    failure: Option<Failure>,
    exchanging: bool,
}

/// What a caller does now.
#[derive(Debug)]
pub(super) enum Advice<T> {
    /// Use this token.
    Use(T),
    /// Use this token, and start an exchange for the next one.
    UseAndExchange(T),
    /// Start an exchange and wait for its end.
    Exchange,
    /// Somebody is exchanging: wait for the end of that.
    Wait,
    /// The last exchange failed a moment ago: fail without another one.
    Refuse(TokenError),
}

#[derive(Debug)]
struct Issued<T> {
    good: T,
    refresh_at: Instant,
    usable_until: Instant,
}

#[derive(Debug)]
struct Failure {
    error: TokenError,
    in_a_row: u32,
    retry_at: Instant,
}

impl<T: Clone> Cache<T> {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            issued: None,
            failure: None,
            exchanging: false,
        }
    }

    /// What to do at `now`. After [`Advice::Exchange`] and [`Advice::UseAndExchange`] the cache counts on the
    /// caller to exchange and to report [`Cache::ended`]; until then nobody else is told to.
    pub(super) fn advise(&mut self, now: Instant) -> Advice<T> {
        let backing_off = self
            .failure
            .as_ref()
            .filter(|failure| now < failure.retry_at);
        let may_exchange = !self.exchanging && backing_off.is_none();
        if let Some(issued) = self.issued.as_ref().filter(|it| now < it.usable_until) {
            let good = issued.good.clone();
            if now < issued.refresh_at || !may_exchange {
                return Advice::Use(good);
            }
            self.exchanging = true;
            return Advice::UseAndExchange(good);
        }
        if self.exchanging {
            return Advice::Wait;
        }
        if let Some(failure) = backing_off {
            return Advice::Refuse(failure.error.clone());
        }
        self.exchanging = true;
        Advice::Exchange
    }

    /// An exchange that began at `started` brought a token that lives for `lifetime`.
    pub(super) fn succeeded(&mut self, good: T, started: Instant, lifetime: Duration) {
        let margin = EXPIRY_MARGIN.min(lifetime / 10);
        self.issued = Some(Issued {
            good,
            refresh_at: started + lifetime.mul_f64(REFRESH_AT),
            usable_until: started + lifetime - margin,
        });
        self.failure = None;
    }

    /// An exchange failed at `now`.
    pub(super) fn failed(&mut self, error: TokenError, now: Instant) {
        let in_a_row = self
            .failure
            .as_ref()
            .map_or(1, |failure| failure.in_a_row.saturating_add(1));
        let doublings = (in_a_row - 1).min(16);
        let wait = (FIRST_BACK_OFF * 2_u32.pow(doublings)).min(LONGEST_BACK_OFF);
        self.failure = Some(Failure {
            error,
            in_a_row,
            retry_at: now + wait,
        });
    }

    /// The exchange is over, whatever came of it.
    pub(super) fn ended(&mut self) {
        self.exchanging = false;
    }
}

/// The share of its life after which a token is renewed: 12 minutes before the end of Google's hour.
const REFRESH_AT: f64 = 0.8;
/// A token is not used for the last moments of its life: the request has to arrive with it.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::{Advice, Cache};
    use crate::error::TokenError;
    use http::HeaderValue;
    use std::time::Duration;
    use tokio::time::Instant;

    const HOUR: Duration = Duration::from_secs(3600);

    fn token(name: &'static str) -> HeaderValue {
        HeaderValue::from_static(name)
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_token_is_fresh_then_refreshed_once_then_unusable() {
        let (mut cache, start) = (Cache::<HeaderValue>::new(), Instant::now());
        assert!(matches!(cache.advise(start), Advice::Exchange));
        assert!(matches!(cache.advise(start), Advice::Wait));
        cache.succeeded(token("one"), start, HOUR);
        cache.ended();
        assert!(matches!(
            cache.advise(start + seconds(2879)),
            Advice::Use(_)
        ));
        assert!(matches!(
            cache.advise(start + seconds(2880)),
            Advice::UseAndExchange(_)
        ));
        assert!(matches!(
            cache.advise(start + seconds(2881)),
            Advice::Use(_)
        ));
        assert!(matches!(cache.advise(start + seconds(3590)), Advice::Wait));
        cache.succeeded(token("two"), start + seconds(3000), HOUR);
        cache.ended();
        assert!(
            matches!(cache.advise(start + seconds(3591)), Advice::Use(header) if header == "two")
        );
    }

    #[test]
    fn failures_back_off_up_to_thirty_seconds_and_a_success_forgets_them() {
        let (mut cache, mut now) = (Cache::<HeaderValue>::new(), Instant::now());
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            assert!(matches!(cache.advise(now), Advice::Exchange));
            cache.failed(TokenError::TimedOut, now);
            cache.ended();
            now += seconds(wait) - Duration::from_millis(1);
            assert!(
                matches!(cache.advise(now), Advice::Refuse(TokenError::TimedOut)),
                "{wait}"
            );
            now += Duration::from_millis(1);
        }
        assert!(matches!(cache.advise(now), Advice::Exchange));
        cache.succeeded(token("one"), now, HOUR);
        cache.ended();
        cache.failed(TokenError::TimedOut, now);
        assert!(matches!(
            cache.advise(now + seconds(2900)),
            Advice::UseAndExchange(_)
        ));
    }

    #[test]
    fn a_failed_refresh_keeps_the_old_token_in_use() {
        let (mut cache, start) = (Cache::<HeaderValue>::new(), Instant::now());
        cache.succeeded(token("one"), start, HOUR);
        let late = start + seconds(3000);
        assert!(matches!(cache.advise(late), Advice::UseAndExchange(_)));
        cache.failed(TokenError::TimedOut, late);
        cache.ended();
        assert!(matches!(cache.advise(late), Advice::Use(_)));
        assert!(matches!(
            cache.advise(late + seconds(1)),
            Advice::UseAndExchange(_)
        ));
    }

    #[test]
    fn an_exchange_that_was_given_up_is_started_by_the_next_caller() {
        let (mut cache, now) = (Cache::<HeaderValue>::new(), Instant::now());
        assert!(matches!(cache.advise(now), Advice::Exchange));
        cache.ended();
        assert!(matches!(cache.advise(now), Advice::Exchange));
    }

    #[test]
    fn a_token_without_life_is_never_served() {
        let (mut cache, now) = (Cache::<HeaderValue>::new(), Instant::now());
        cache.succeeded(token("one"), now, Duration::ZERO);
        assert!(matches!(cache.advise(now), Advice::Exchange));
    }
}
