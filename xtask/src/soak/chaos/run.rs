//! One run: start everything, make the calls, stop everything, and read what each side has written down.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::account::Account;
use super::client::Seen;
use super::config::config;
use super::load::Load;
use super::sends::{self, Send};
use crate::failure::Result;
use crate::soak::gateway::{self, Gateway};
use crate::soak::http::get;
use crate::soak::settings::Settings;
use crate::soak::upstream::UpstreamProcess;

/// What all sides say of one run.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The clients.
    pub(super) seen: Vec<Seen>,
    /// The upstream, by call.
    pub(super) sends: HashMap<String, Vec<Send>>,
    /// The gateway.
    pub(super) account: Account,
}

/// Runs to the end.
pub(super) async fn run(settings: &Settings, share: f64, binary: &Path) -> Result<Found> {
    let upstream = UpstreamProcess::start(&settings.out, 0, Some((share, settings.seed))).await?;
    let gateway = Gateway::start(binary, settings, upstream.ports, config).await?;
    let load = Load::start(&gateway.authority, settings);
    let start = Instant::now();
    let mut second = 0;
    while !load.is_over() && (settings.calls.is_some() || start.elapsed() < settings.load) {
        second += 1;
        sleep_until(start + Duration::from_secs(second)).await;
        if second % 5 == 0 {
            println!("{second:>6} s  {} calls", load.ended());
        }
    }
    let seen = load.finish().await;
    let mut account = at_rest(&gateway.authority).await?;
    gateway.stop().await?;
    upstream.stop().await?;
    account.add_log(&settings.out.join(gateway::LOG))?;
    Ok(Found {
        seen,
        sends: sends::read(&settings.out.join(sends::FILE))?,
        account,
    })
}

/// The counters once no call runs any more: those whose clients went away end a moment later.
async fn at_rest(authority: &str) -> Result<Account> {
    let mut tries = 0;
    loop {
        let text = get(authority, "/metrics", None).await?;
        let account = Account::of_metrics(&String::from_utf8_lossy(&text));
        tries += 1;
        if account.active == 0 || tries > 50 {
            return Ok(account);
        }
        sleep(Duration::from_millis(100)).await;
    }
}
