//! Who a deployment is at its provider: each kind of credentials fetches its Bearer tokens in a way of its own.

use std::time::SystemTime;

use gateway_transport::{ConnectSpec, Shard};
use http::HeaderValue;

use super::service_account::ServiceAccount;
use super::{Fresh, Grant, Source, Sources, exchange};
use crate::error::TokenError;

/// The token of one identity, as a whole `Authorization` value.
pub(crate) type TokenSource = Source<Identity>;
/// All tokens that are in use.
pub(crate) type TokenSources = Sources<Identity>;

/// Credentials that give Bearer tokens.
#[derive(Debug)]
pub(crate) enum Identity {
    /// A Google service account.
    ServiceAccount {
        account: ServiceAccount,
        spec: ConnectSpec,
    },
}

impl Grant for Identity {
    type Good = HeaderValue;

    fn subject(&self) -> &str {
        match self {
            Self::ServiceAccount { account, .. } => account.email(),
        }
    }

    async fn fetch(
        &self,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<Fresh<HeaderValue>, TokenError> {
        match self {
            Self::ServiceAccount { account, spec } => {
                exchange::exchange(account, spec, shard, now).await
            }
        }
    }
}
