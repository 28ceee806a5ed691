//! Who a deployment is at its provider: each kind of credentials fetches its Bearer tokens in a way of its own.

use std::time::SystemTime;

use gateway_transport::Shard;
use http::HeaderValue;

use super::entra::Application;
use super::google::Google;
use super::{Fresh, Grant, Source, SourceKey, Sources};
use crate::error::TokenError;

/// The token of one identity, as a whole `Authorization` value.
pub(crate) type TokenSource = Source<Identity>;
/// All tokens that are in use.
pub(crate) type TokenSources = Sources<Identity>;

/// Credentials that give Bearer tokens.
#[derive(Debug)]
pub(crate) enum Identity {
    /// At Google, of any kind.
    Google(Box<Google>),
    /// An application of Microsoft Entra ID.
    Entra(Application),
}

impl Identity {
    /// Equal for equal credentials over equal ways.
    pub(crate) fn key(&self) -> SourceKey {
        match self {
            Self::Google(google) => google.key(),
            Self::Entra(application) => application.key(),
        }
    }
}

impl Grant for Identity {
    type Good = HeaderValue;

    fn subject(&self) -> &str {
        match self {
            Self::Google(google) => google.subject(),
            Self::Entra(application) => application.subject(),
        }
    }

    async fn fetch(
        &self,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<Fresh<HeaderValue>, TokenError> {
        let issued = match self {
            Self::Google(google) => google.fetch(shard, now).await?,
            Self::Entra(application) => application.fetch(shard).await?,
        };
        Ok(Fresh {
            good: issued.header()?,
            lifetime: issued.lifetime,
        })
    }
}
