//! Acting as a service account: a token of one's own is exchanged for one of the account's.
//!
//! Source: Google's IAM Service Account Credentials API, `generateAccessToken`.

use std::time::{Duration, SystemTime};

use gateway_transport::Shard;
use http::header::AUTHORIZATION;
use serde::Deserialize;

use super::super::endpoint::{TokenEndpoint, Ways};
use super::super::exchange::{Issued, LONGEST_LIFE, json, send, set};
use super::super::timestamp;
use super::{File, SCOPE};
use crate::error::{EndpointError, TokenError};

/// A service account that somebody may act as.
pub(super) struct Impersonation {
    endpoint: TokenEndpoint,
    delegates: Vec<String>,
    lifetime_seconds: u64,
}

impl Impersonation {
    /// What a file says of it, if anything.
    pub(super) fn of(file: &mut File, ways: &Ways<'_>) -> Result<Option<Self>, EndpointError> {
        let Some(url) = file.service_account_impersonation_url.take() else {
            return Ok(None);
        };
        let said = file.service_account_impersonation.take();
        Ok(Some(Self {
            endpoint: ways.to(&url, "service_account_impersonation_url")?,
            delegates: file.delegates.take().unwrap_or_default(),
            lifetime_seconds: said
                .and_then(|it| it.token_lifetime_seconds)
                .unwrap_or(3600),
        }))
    }

    /// The account, for logs.
    pub(super) fn target(&self) -> &str {
        let path = self.endpoint.uri.path();
        let name = path.rsplit('/').next().unwrap_or(path);
        name.split(':').next().unwrap_or(name)
    }

    pub(super) fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    /// The account's token for ours.
    pub(super) async fn fetch(
        &self,
        ours: &Issued,
        shard: &Shard,
        now: SystemTime,
    ) -> Result<Issued, TokenError> {
        let body = serde_json::json!({
            "scope": [SCOPE],
            "delegates": self.delegates,
            "lifetime": format!("{}s", self.lifetime_seconds),
        });
        let mut request = json(&self.endpoint, &body);
        set(
            &mut request,
            AUTHORIZATION,
            &format!("Bearer {}", ours.token),
        )?;
        let reply = send(&self.endpoint, shard, request).await;
        let reply = reply.map_err(|error| error.at(STEP))?;
        let answer: Answer = reply.read().map_err(|error| error.at(STEP))?;
        let until = answer.expire_time.as_deref().and_then(timestamp::parse);
        let lifetime = match until {
            Some(until) => until.duration_since(now).unwrap_or_default(),
            None => Duration::from_secs(self.lifetime_seconds),
        };
        Ok(Issued {
            token: answer.access_token.ok_or_else(|| reply.malformed())?,
            lifetime: lifetime.min(LONGEST_LIFE),
        })
    }
}

/// How long the account's token is to live.
#[derive(Deserialize)]
pub(super) struct Options {
    token_lifetime_seconds: Option<u64>,
}

/// No `Debug`: it holds the token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: Option<String>,
    expire_time: Option<String>,
}

const STEP: &str = "impersonation";
