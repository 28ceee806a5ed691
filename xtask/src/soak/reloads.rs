//! What a configuration can say anew while streams run: certificates and settings.

use std::path::Path;

use gateway_testkit::ca::TestCa;

use super::http::post;
use super::models::MASTER_KEY;
use crate::failure::{Doing, Failure, Result};

/// A line of the configuration that changes, and the one that takes its place; the next time they change back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edit(&'static str, &'static str);

/// Nothing of it concerns connections: nothing rotates.
pub(super) const UNRELATED: Edit = Edit("heartbeat_seconds: 15\n", "heartbeat_seconds: 16\n");
/// A limit of all pools: all rotate.
pub(super) const POOLS: Edit = Edit("max_connections: 20000\n", "max_connections: 20001\n");
/// How some origins are connected to: others take their place.
pub(super) const ORIGINS: Edit = Edit("http2: auto\n", "http2: never\n");

/// Changes the configuration and has it read again.
pub(super) async fn reload(authority: &str, config: &Path, edit: Edit) -> Result<()> {
    let text = read(config).await?;
    let Edit(one, other) = edit;
    let next = if text.contains(one) {
        text.replace(one, other)
    } else {
        text.replace(other, one)
    };
    if next == text {
        return Err(Failure::new(format!("no `{}` to change", one.trim())));
    }
    write(config, &next).await?;
    post(authority, "/admin/reload", Some(MASTER_KEY), "")
        .await
        .map(drop)
}

/// One more root in the file of trusted authorities, or one less: the upstream's own stays in it.
pub(super) async fn change_roots(path: &Path) -> Result<()> {
    let text = read(path).await?;
    let first = text.split_inclusive(END).next().unwrap_or_default();
    let next = if text.matches(END).count() > 1 {
        first.to_owned()
    } else {
        format!("{first}\n{}", TestCa::new().pem())
    };
    write(path, &next).await
}

/// The other one of the gateway's two client certificates.
pub(super) async fn change_identity(path: &Path) -> Result<()> {
    let now = read(path).await?;
    for other in IDENTITIES {
        let other = read(&path.with_file_name(other)).await?;
        if other != now {
            return write(path, &other).await;
        }
    }
    Err(Failure::new("there is one client certificate only"))
}

async fn read(path: &Path) -> Result<String> {
    let text = tokio::fs::read_to_string(path).await;
    text.doing(path.display())
}

/// Renamed into place, as tools that renew certificates do: nobody reads half a file.
async fn write(path: &Path, text: &str) -> Result<()> {
    let beside = path.with_extension("new");
    tokio::fs::write(&beside, text)
        .await
        .doing(beside.display())?;
    tokio::fs::rename(&beside, path).await.doing(path.display())
}

/// The gateway's client certificates; the upstream's process writes them.
pub(super) const IDENTITIES: [&str; 2] = ["client-1.pem", "client-2.pem"];
/// The one in use.
pub(super) const IDENTITY: &str = "client.pem";
const END: &str = "-----END CERTIFICATE-----\n";
