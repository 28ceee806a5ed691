//! Where tokens are issued, and how to get there from a deployment.

use std::net::Ipv4Addr;

use gateway_transport::ConnectSpec;
use http::Uri;

use crate::config::{ConnectOptions, ProxyChoice};
use crate::connect;
use crate::environment::Environment;
use crate::error::EndpointError;
use crate::url::BaseUrl;

/// The address of something that takes part in issuing a token.
#[derive(Clone, Debug)]
pub(crate) struct TokenEndpoint {
    pub(super) uri: Uri,
    pub(super) spec: Box<ConnectSpec>,
}

/// The ways that lead from one deployment to token endpoints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways<'a> {
    /// The deployment's own options.
    pub(crate) options: &'a ConnectOptions,
    /// The host of an `api_base` of the operator's own.
    pub(crate) own_host: Option<&'a str>,
    pub(crate) environment: &'a Environment,
}

impl Ways<'_> {
    /// The way to `address`, which `setting` names.
    pub(crate) fn to(
        &self,
        address: &str,
        setting: &'static str,
    ) -> Result<TokenEndpoint, EndpointError> {
        let url = parse(address, setting)?;
        if is_beside_us(url.host()) {
            return self.direct(address, setting);
        }
        // The operator's certificates are meant for the API. They also count for the token endpoint where both
        // are the provider's or on one host; a private `api_base` with an own CA must not break the provider's.
        let same = self.own_host.is_none_or(|host| url.host() == host);
        let options = if same {
            self.options.clone()
        } else {
            ConnectOptions {
                proxy: self.options.proxy.clone(),
                ..ConnectOptions::default()
            }
        };
        self.with(address, &url, &options)
    }

    /// The way to `address` on this machine or beside it, to which no proxy leads.
    pub(crate) fn direct(
        &self,
        address: &str,
        setting: &'static str,
    ) -> Result<TokenEndpoint, EndpointError> {
        let options = ConnectOptions {
            proxy: ProxyChoice::Direct,
            ..ConnectOptions::default()
        };
        self.with(address, &parse(address, setting)?, &options)
    }

    fn with(
        &self,
        address: &str,
        url: &BaseUrl,
        options: &ConnectOptions,
    ) -> Result<TokenEndpoint, EndpointError> {
        Ok(TokenEndpoint {
            uri: address
                .trim()
                .parse()
                .expect("what is a base URL is a URI, too"),
            spec: Box::new(connect::spec(url, options, self.environment)?),
        })
    }
}

/// Clouds put their metadata servers at link-local addresses.
fn is_beside_us(host: &str) -> bool {
    host.parse().is_ok_and(|it: Ipv4Addr| it.is_link_local())
}

fn parse(address: &str, setting: &'static str) -> Result<BaseUrl, EndpointError> {
    BaseUrl::parse(address).map_err(|reason| EndpointError::setting(setting, reason))
}
