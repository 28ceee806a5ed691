//! Access tokens that are exchanged for credentials: cached, refreshed ahead of time, one exchange at a time.

mod cache;
mod exchange;
mod service_account;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use gateway_transport::{ConnectSpec, Shard};
use http::HeaderValue;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

pub(crate) use self::service_account::{ServiceAccount, TokenKey};

use self::cache::{Advice, Cache};
use crate::error::TokenError;

/// The token of one set of credentials, shared by every endpoint that uses them.
pub(crate) struct TokenSource {
    account: ServiceAccount,
    spec: ConnectSpec,
    tasks: TaskTracker,
    cache: Mutex<Cache>,
    /// Told whenever an exchange has ended, well or not.
    ended: watch::Sender<()>,
}

impl TokenSource {
    /// A source without a token yet. `spec` leads to the account's token endpoint; `tasks` runs the exchanges.
    pub(crate) fn new(account: ServiceAccount, spec: ConnectSpec, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self {
            account,
            spec,
            tasks,
            cache: Mutex::new(Cache::default()),
            ended: watch::Sender::new(()),
        })
    }

    /// The `Authorization` value to send now. Waits only when there is no usable token; a token that is about
    /// to expire is served while its successor is fetched.
    ///
    /// # Cancel safety
    /// Dropping this gives up the wait. The exchange runs in its own task and goes on for the other callers.
    pub(crate) async fn header(self: &Arc<Self>, shard: &Shard) -> Result<HeaderValue, TokenError> {
        loop {
            // Subscribed before the lock is given back, so that no end is missed.
            let mut ended = {
                let mut cache = self.cache();
                match cache.advise(Instant::now()) {
                    Advice::Use(header) => return Ok(header),
                    Advice::Refuse(error) => return Err(error),
                    Advice::UseAndExchange(header) => {
                        drop(cache);
                        self.exchange_in_background(shard);
                        return Ok(header);
                    }
                    Advice::Wait => self.ended.subscribe(),
                    Advice::Exchange => {
                        let ended = self.ended.subscribe();
                        drop(cache);
                        self.exchange_in_background(shard);
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

    fn exchange_in_background(self: &Arc<Self>, shard: &Shard) {
        let exchanging = Exchanging(Arc::clone(self));
        let shard = shard.clone();
        self.tasks
            .spawn(async move { exchanging.run(&shard).await });
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenSource")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

/// One exchange under way. However it ends (also when its runtime is shut down in the middle), the cache
/// learns that nobody is exchanging any more and the waiters are woken.
struct Exchanging(Arc<TokenSource>);

impl Exchanging {
    async fn run(self, shard: &Shard) {
        let source = &self.0;
        // The life of the token is counted from before the request: the pessimistic end.
        let started = Instant::now();
        let result =
            exchange::exchange(&source.account, &source.spec, shard, SystemTime::now()).await;
        let mut cache = source.cache();
        match result {
            Ok(token) => {
                tracing::debug!(account = source.account.email(), lifetime = ?token.lifetime, "access token exchanged");
                cache.succeeded(token.header, started, token.lifetime);
            }
            Err(error) => {
                tracing::warn!(account = source.account.email(), %error, "access token exchange failed");
                cache.failed(error, Instant::now());
            }
        }
    }
}

impl Drop for Exchanging {
    fn drop(&mut self) {
        self.0.cache().ended();
        self.0.ended.send_replace(());
    }
}

#[cfg(test)]
mod tests;
