//! Which gateway a command means, and with which key.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use gateway_core::Secret;
use gateway_transport::{ConnectSpec, SpecError, Verify};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Uri};

use super::ClientError;
use crate::config::{self, Environment, Settings, Sources};

/// Which running gateway is meant. `Debug` shows no key.
#[derive(Debug, Clone, Default, Args)]
pub struct TargetArgs {
    /// The gateway's address [env: GATEWAY_URL] [default: the configuration's, or http://127.0.0.1:4000].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Its key [env: LITELLM_MASTER_KEY] [default: the configuration's].
    #[arg(long, value_name = "KEY", value_parser = clap::value_parser!(Secret))]
    pub key: Option<Secret>,
    /// Its configuration, for its address and its key [env: CONFIG_FILE_PATH].
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A gateway, and how it is spoken to.
#[derive(Debug)]
pub(super) struct Target {
    /// The address as it is told to people: scheme, host and port.
    pub base: String,
    /// What stands before each path, without a slash at its end.
    pub prefix: String,
    /// Where to connect to.
    pub spec: ConnectSpec,
    /// The header that carries the key.
    pub key: Option<(HeaderName, HeaderValue)>,
}

impl TargetArgs {
    /// Finds out. A flag counts most, then a configuration that was named by a flag, then the environment.
    pub(super) fn find(
        &self,
        environment: &Environment,
        err: &mut dyn io::Write,
    ) -> Result<Target, ClientError> {
        let variable = |name: &str| environment.non_empty(name).map(str::to_owned);
        let named = self.config.is_some();
        let url = self.url.clone();
        let url = url.or_else(|| variable("GATEWAY_URL").filter(|_| !named));
        let key = self.key.clone();
        let key = key.or_else(|| Some(variable("LITELLM_MASTER_KEY").filter(|_| !named)?.into()));
        let wants_file =
            named || (url.is_none() && environment.non_empty("CONFIG_FILE_PATH").is_some());
        let settings = match wants_file && (url.is_none() || key.is_none()) {
            true => Some(self.load(environment, err)?),
            false => None,
        };
        let own = settings.as_ref().map(own_address).transpose()?;
        let mut target = match (url, own) {
            (Some(url), _) => Target::at(&url)?,
            (None, Some((url, verify))) => {
                let mut target = Target::at(&url)?;
                target.spec.tls.verify = verify;
                target
            }
            (None, None) => Target::at(DEFAULT)?,
        };
        let auth = settings.map(|settings| settings.auth);
        let header = auth.as_ref().and_then(|auth| auth.key_header.clone());
        if let Some(key) = key.or(auth.and_then(|auth| auth.master_key)) {
            target.key = Some(key_header(header, &key)?);
        }
        Ok(target)
    }

    fn load(
        &self,
        environment: &Environment,
        err: &mut dyn io::Write,
    ) -> Result<Settings, ClientError> {
        let sources = Sources {
            file: self.config.clone(),
            ..Sources::default()
        };
        let loaded = config::load(&sources, environment);
        if let Some(settings) = loaded.settings {
            return Ok(settings);
        }
        let _gone = config::human(&loaded.report, err);
        let message = "the configuration has errors: give the gateway's address with --url instead, and its key with --key";
        Err(ClientError::Target(message.to_owned()))
    }
}

impl Target {
    fn at(url: &str) -> Result<Self, ClientError> {
        // The address is not repeated: it may hold credentials.
        let odd = || {
            let message = "the gateway's address must be http://HOST:PORT or https://HOST:PORT";
            ClientError::Target(message.to_owned())
        };
        let uri: Uri = url.trim().parse().map_err(|_| odd())?;
        let spec = ConnectSpec::from_uri(&uri).map_err(|_| odd())?;
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            base: format!("{}{path}", spec.label()),
            prefix: path.to_owned(),
            spec,
            key: None,
        })
    }

    /// The transport cannot work with it.
    pub(super) fn unusable(&self, error: &SpecError) -> ClientError {
        ClientError::Target(format!("cannot connect to {}: {error}", self.base))
    }
}

/// The address at which a gateway with these settings takes orders, as seen from its own machine.
fn own_address(settings: &Settings) -> Result<(String, Verify), ClientError> {
    let (address, tls) = match settings.admin.listen {
        Some(address) if settings.admin.enabled => (address, false),
        _ => (settings.listen.address, settings.listen.tls.is_some()),
    };
    if address.port() == 0 {
        let message =
            "the configuration lets the system choose the port (port 0): say which with --url";
        return Err(ClientError::Target(message.to_owned()));
    }
    let address = SocketAddr::new(near(address.ip()), address.port());
    Ok(if tls {
        // The certificate is for the name that clients know; this is an address of our own machine.
        (format!("https://{address}"), Verify::DangerouslyOff)
    } else {
        (format!("http://{address}"), Verify::Full)
    })
}

/// Whoever listens everywhere is found at home.
fn near(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

fn key_header(
    name: Option<HeaderName>,
    key: &Secret,
) -> Result<(HeaderName, HeaderValue), ClientError> {
    let name = name.unwrap_or(AUTHORIZATION);
    let value = HeaderValue::try_from(format!("Bearer {}", key.expose()));
    let mut value = value.map_err(|_| {
        ClientError::Target("the key holds characters that no header can carry".to_owned())
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// LiteLLM's port, on this machine.
const DEFAULT: &str = "http://127.0.0.1:4000";
