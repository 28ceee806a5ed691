//! The metadata server of Google's machines and clusters, which issues tokens for the workload's service account.
//!
//! Source: Google's "Get tokens from the metadata server".

use gateway_transport::Shard;
use http::{HeaderName, HeaderValue};

use super::super::endpoint::{TokenEndpoint, Ways};
use super::super::exchange::{Issued, get, token};
use crate::error::{EndpointError, TokenError};

/// The server beside us.
pub(super) struct MetadataServer {
    endpoint: TokenEndpoint,
}

impl MetadataServer {
    pub(super) fn new(ways: &Ways<'_>) -> Result<Self, EndpointError> {
        let host = ways.environment.variable(VARIABLE);
        let host = host.as_deref().unwrap_or(HOST).trim();
        Ok(Self {
            endpoint: ways.direct(&format!("http://{host}{PATH}"), VARIABLE)?,
        })
    }

    pub(super) fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    pub(super) async fn fetch(&self, shard: &Shard) -> Result<Issued, TokenError> {
        let mut request = get(&self.endpoint);
        request
            .headers_mut()
            .insert(FLAVOR, HeaderValue::from_static("Google"));
        let issued = token(&self.endpoint, shard, request).await;
        // Who forgot to configure credentials ends here, on a machine that is not Google's.
        issued.map_err(|error| match error {
            TokenError::Send { reason } => TokenError::Send {
                reason: format!("{reason} ({WHY})"),
            },
            error => error,
        })
    }
}

const VARIABLE: &str = "GCE_METADATA_HOST";
const HOST: &str = "metadata.google.internal";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
/// Without it nothing is said: no page in a browser can be made to send it.
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");
const WHY: &str = "it was the metadata server, because neither `vertex_credentials` nor a file of credentials is configured";
