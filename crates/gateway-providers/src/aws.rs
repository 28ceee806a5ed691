//! Amazon's way to prove who sends a request: keys, where they come from, and the signatures that they make.
//!
//! The order in which keys are looked for is LiteLLM's where a config says something of them, and that of Amazon's own
//! SDKs where it does not.

mod chain; // What counts, of all that may be said.
mod keys;
mod metadata; // Keys from the machine.
mod place; // Regions and hosts.
mod profile; // Keys from files.
mod provenance; // Where keys come from, and fetching them from there.
mod sign;
mod sts; // Keys of roles.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use gateway_transport::Shard;
use http::Request;

pub(crate) use self::keys::Keys;
pub(crate) use self::place::{dns_suffix, region};
pub(crate) use self::provenance::KeySources;
pub(crate) use self::sign::{Scope, Unsignable};

use self::provenance::{Owner, Provenance};
use crate::error::{EndpointError, TokenError};
use crate::provider::Settings;
use crate::token::Source;

/// Signs the requests of one endpoint.
#[derive(Debug)]
pub(crate) struct Signer {
    keys: KeySource,
    scope: Scope,
}

#[derive(Debug)]
enum KeySource {
    /// Keys that stay.
    Fixed(Keys),
    /// Keys that expire, or may be replaced where they come from.
    Fetched(Arc<Source<Owner>>),
}

impl Signer {
    /// A signer for what the settings say. Reads Amazon's shared files, blocking; connects to nothing.
    pub(crate) fn build(settings: &Settings<'_>, scope: Scope) -> Result<Self, EndpointError> {
        let environment = settings.environment;
        let keys = match chain::provenance(settings)? {
            Provenance::Keys(keys) => KeySource::Fixed(keys),
            provenance => {
                let sts = place::sts(settings, &scope.region)?;
                let owner = Owner::new(provenance, sts, environment.clone());
                let tasks = environment.tasks().clone();
                let sources = environment.key_sources();
                KeySource::Fetched(sources.get(owner.identity(), || Source::new(owner, tasks)))
            }
        };
        Ok(Self { keys, scope })
    }

    /// The keys to sign with now. Waits only where they have to be fetched first.
    ///
    /// # Cancel safety
    /// Dropping this gives up the wait; the fetch goes on for other calls.
    pub(crate) async fn keys(&self, shard: &Shard) -> Result<Keys, TokenError> {
        match &self.keys {
            KeySource::Fixed(keys) => Ok(keys.clone()),
            KeySource::Fetched(source) => source.get(shard).await,
        }
    }

    /// Signs a request that is complete but for that.
    pub(crate) fn sign(
        &self,
        request: &mut Request<Bytes>,
        keys: &Keys,
        now: SystemTime,
    ) -> Result<(), Unsignable> {
        sign::sign(request, keys, &self.scope, now)
    }
}
