//! What is good for a while and has to be fetched again, access tokens above all: cached, refreshed ahead of time, one
//! fetch at a time.

// When to fetch.
mod cache;

// Who is who, and what each does for a token.
mod entra;
mod google;
mod identity;

// What they do it with.
pub(crate) mod ask;
mod endpoint;
mod exchange;
pub(crate) mod subject;
pub(crate) mod timestamp;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use gateway_transport::{ConnectSpec, Shard};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

pub(crate) use self::endpoint::Ways;
pub(crate) use self::entra::{Application, Proof};
pub(crate) use self::google::Google;
pub(crate) use self::identity::{Identity, TokenSource, TokenSources};

use self::cache::{Advice, Cache};
use crate::error::TokenError;

/// Credentials for which something can be fetched that expires.
pub(crate) trait Grant: Send + Sync + 'static {
    /// What is fetched: a header, a set of keys.
    type Good: Clone + Send + 'static;

    /// Whose it is, for logs.
    fn subject(&self) -> &str;

    /// Fetches it. `now` is the wall clock; the time that this may take is bounded by the caller.
    fn fetch(
        &self,
        shard: &Shard,
        now: SystemTime,
    ) -> impl Future<Output = Result<Fresh<Self::Good>, TokenError>> + Send;
}

/// What was fetched.
#[derive(Debug)]
pub(crate) struct Fresh<T> {
    pub(crate) good: T,
    /// How long it is good, from the moment before it was asked for.
    pub(crate) lifetime: Duration,
}

/// What one set of credentials gives, shared by every endpoint that uses them.
pub(crate) struct Source<G: Grant> {
    grant: G,
    tasks: TaskTracker,
    cache: Mutex<Cache<G::Good>>,
    /// Told whenever a fetch has ended, well or not.
    ended: watch::Sender<()>,
}

impl<G: Grant> Source<G> {
    /// A source that has fetched nothing yet. `tasks` runs the fetches.
    pub(crate) fn new(grant: G, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self {
            grant,
            tasks,
            cache: Mutex::new(Cache::new()),
            ended: watch::Sender::new(()),
        })
    }

    /// What to use now. Waits only when there is nothing usable; what is about to expire is served while its successor
    /// is fetched.
    ///
    /// # Cancel safety
    /// Dropping this gives up the wait. The fetch runs in its own task and goes on for the other callers.
    pub(crate) async fn get(self: &Arc<Self>, shard: &Shard) -> Result<G::Good, TokenError> {
        loop {
            // Subscribed before the lock is given back, so that no end is missed.
            let mut ended = {
                let mut cache = self.cache();
                match cache.advise(Instant::now()) {
                    Advice::Use(good) => return Ok(good),
                    Advice::Refuse(error) => return Err(error),
                    Advice::UseAndExchange(good) => {
                        drop(cache);
                        self.fetch_in_background(shard);
                        return Ok(good);
                    }
                    Advice::Wait => self.ended.subscribe(),
                    Advice::Exchange => {
                        let ended = self.ended.subscribe();
                        drop(cache);
                        self.fetch_in_background(shard);
                        ended
                    }
                }
            };
            // The sender lives in `self`, so this cannot fail while we wait.
            if ended.changed().await.is_err() {
                return Err(TokenError::Abandoned);
            }
        }
    }

    fn fetch_in_background(self: &Arc<Self>, shard: &Shard) {
        let fetching = Fetching(Arc::clone(self));
        let shard = shard.clone();
        self.tasks.spawn(async move { fetching.run(&shard).await });
    }

    fn cache(&self) -> MutexGuard<'_, Cache<G::Good>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<G: Grant> fmt::Debug for Source<G> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Source")
            .field("subject", &self.grant.subject())
            .finish_non_exhaustive()
    }
}

/// One fetch under way. However it ends (also when its runtime is shut down in the middle), the cache
/// learns that nobody is fetching any more and the waiters are woken.
struct Fetching<G: Grant>(Arc<Source<G>>);

impl<G: Grant> Fetching<G> {
    async fn run(self, shard: &Shard) {
        let source = &self.0;
        // Its life is counted from before the request: the pessimistic end.
        let started = Instant::now();
        let fetch = source.grant.fetch(shard, SystemTime::now());
        let result = tokio::time::timeout(DEADLINE, fetch)
            .await
            .unwrap_or(Err(TokenError::TimedOut));
        let subject = source.grant.subject();
        let mut cache = source.cache();
        match result {
            // It would be asked for again at once, and again.
            Ok(fresh) if fresh.lifetime.is_zero() => {
                tracing::warn!(subject, "credentials have expired before they came");
                cache.failed(TokenError::Expired, Instant::now());
            }
            Ok(fresh) => {
                tracing::debug!(subject, lifetime = ?fresh.lifetime, "credentials fetched");
                cache.succeeded(fresh.good, started, fresh.lifetime);
            }
            Err(error) => {
                tracing::warn!(subject, %error, "credentials could not be fetched");
                cache.failed(error, Instant::now());
            }
        }
    }
}

impl<G: Grant> Drop for Fetching<G> {
    fn drop(&mut self) {
        self.0.cache().ended();
        self.0.ended.send_replace(());
    }
}

/// Identifies credentials by value without holding them.
pub(crate) type TokenKey = [u8; 32];

/// What makes two sources one: the credentials by value, without holding them, and the ways to who issues.
pub(crate) type SourceKey = (TokenKey, Vec<ConnectSpec>);

/// The sources of one kind that are in use.
pub(crate) struct Sources<G: Grant>(Mutex<HashMap<SourceKey, Weak<Source<G>>>>);

impl<G: Grant> Sources<G> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// The source for these credentials: the one that is in use, or the one that `create` makes.
    pub(crate) fn get(
        &self,
        key: SourceKey,
        create: impl FnOnce() -> Arc<Source<G>>,
    ) -> Arc<Source<G>> {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sources.retain(|_, source| source.strong_count() > 0);
        if let Some(source) = sources.get(&key).and_then(Weak::upgrade) {
            return source;
        }
        let source = create();
        sources.insert(key, Arc::downgrade(&source));
        source
    }
}

/// From the first byte of the connection to the last byte of the answer.
const DEADLINE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests;
