//! The commands on a page of the documentation.

use std::fs;

use tokio::process::Command;

use crate::binary;
use crate::command::{self, Done};

/// The blocks of a page that are marked as `sh`.
///
/// # Panics
/// If there is no such page.
#[must_use]
pub fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(binary::workspace().join(page)).expect("the page is there");
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .filter_map(|it| it.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// Runs a block for a gateway at `url`, with the program under test as `gateway-server`.
///
/// # Panics
/// If a command fails.
pub async fn run(block: &str, url: &str, dir: &std::path::Path, key: &str) -> Done {
    let text = block.replace("http://localhost:4000", url);
    let folder = binary::gateway_server().parent();
    let folder = folder.expect("it is in a folder").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell
        .args(["-ec", &text])
        .current_dir(dir)
        .env("PATH", format!("{folder}:{path}"))
        .env("LITELLM_MASTER_KEY", key);
    let done = command::finish(shell).await;
    assert_eq!(done.code, Some(0), "{text}: {done:?}");
    done
}
