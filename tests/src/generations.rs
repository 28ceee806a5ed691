//! A gateway whose process is replaced by others: started by a script, so that a test decides what the next one is.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gateway_testkit::client::{ClientView, Http1Client, Request};
use gateway_testkit::process::{Process, ProcessConfig, Ready};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::gateway::Gateway;
use crate::{PATIENCE, Setup, binary};

/// All processes of one gateway. Dropping it kills them.
#[derive(Debug)]
pub struct Generations {
    /// The first one; the output is that of all.
    pub first: Gateway,
    script: PathBuf,
    mark: String,
}

impl Generations {
    /// Starts the first one.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(setup: Setup, env: &[(&str, &str)]) -> Self {
        let (file, dir) = setup.into_parts();
        let config = ["--config".to_owned(), file.display().to_string()];
        let port = ["--port".to_owned(), "0".to_owned()];
        Self::run(config.into_iter().chain(port).collect(), env, dir).await
    }

    /// The same, with the port that the configuration says.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_as_configured(setup: Setup, env: &[(&str, &str)]) -> Self {
        let (file, dir) = setup.into_parts();
        let config = ["--config".to_owned(), file.display().to_string()];
        Self::run(config.into(), env, dir).await
    }

    async fn run(args: Vec<String>, env: &[(&str, &str)], dir: TempDir) -> Self {
        let script = dir.path().join("gateway-server");
        write_script(&script, dir.path());
        let mark = dir.path().display().to_string();
        let mut config = ProcessConfig::new(&script).args(args);
        config.inherit_env = false;
        config.env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        config.ready = Ready::Line("\"message\":\"ready\"".to_owned());
        config.ready_limit = PATIENCE;
        config.keep_lines = 500_000;
        Self {
            first: Gateway::new(Process::start(config).await, Some(dir)),
            script,
            mark,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.first.addr()
    }

    /// Orders the process that serves to hand over.
    pub async fn upgrade(&self) -> ClientView {
        self.post("/admin/upgrade").await
    }

    /// The answer to an order without a body.
    pub async fn post(&self, path: &str) -> ClientView {
        let mut client = Http1Client::connect(self.addr()).await;
        client.set_deadline(PATIENCE);
        client.call(&Request::post(path, &json!({}))).await
    }

    /// The id of the process that serves.
    pub async fn serving(&self) -> u64 {
        let status = self.first.get("/admin/status").await;
        status.json()["pid"].as_u64().unwrap_or_default()
    }

    /// The next process waits before it is anything, until [`Self::unblock`].
    ///
    /// # Panics
    /// If that cannot be arranged.
    pub fn block(&self) {
        fs::write(self.blocked(), "").expect("the directory is writable");
    }

    /// Lets it go.
    ///
    /// # Panics
    /// If it was not blocked.
    pub fn unblock(&self) {
        fs::remove_file(self.blocked()).expect("it was blocked");
    }

    /// There is no such program any more.
    ///
    /// # Panics
    /// If there was none.
    pub fn remove_program(&self) {
        fs::remove_file(&self.script).expect("it was there");
    }

    /// There is one again.
    pub fn restore_program(&self) {
        write_script(&self.script, self.first.dir());
    }

    fn blocked(&self) -> PathBuf {
        self.first.dir().join("blocked")
    }

    /// Lines of the log with this message, of all processes together.
    fn count(&self, message: &str) -> usize {
        let wanted = format!("\"message\":\"{message}\"");
        let lines = self.first.lines();
        lines.iter().filter(|line| line.contains(&wanted)).count()
    }

    /// Waits until all processes together have said so `times` times.
    ///
    /// # Panics
    /// With the output, if they do not.
    pub async fn says(&self, message: &str, times: usize) {
        let until = Instant::now() + PATIENCE;
        while self.count(message) < times {
            assert!(Instant::now() < until, "{:#?}", self.first.lines());
            sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// The processes that live.
    #[must_use]
    pub fn living(&self) -> Vec<i32> {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|it| it.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(&self.mark)
        })
        .collect()
    }

    /// Waits until so many live at most.
    ///
    /// # Panics
    /// With the output, if that does not happen.
    pub async fn living_at_most(&self, most: usize) {
        let until = Instant::now() + PATIENCE;
        while self.living().len() > most {
            assert!(
                Instant::now() < until,
                "{} processes live; output:\n{}",
                self.living().len(),
                self.first.lines().join("\n")
            );
            sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal to one of them.
    pub fn signal(&self, pid: i32, signal: Signal) {
        if self.living().contains(&pid)
            && let Some(pid) = Pid::from_raw(pid)
        {
            // It may have exited since.
            kill_process(pid, signal).ok();
        }
    }

    /// What an error's body says.
    #[must_use]
    pub fn message(view: &ClientView) -> String {
        let body: Value = view.json();
        body["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Drop for Generations {
    fn drop(&mut self) {
        for pid in self.living() {
            self.signal(pid, Signal::KILL);
        }
    }
}

fn write_script(script: &Path, dir: &Path) {
    let text = format!(
        "#!/bin/bash\nwhile [ -e '{}/blocked' ]; do /bin/sleep 0.02; done\nexec -a \"$0\" '{}' \"$@\"\n",
        dir.display(),
        binary::gateway_server().display(),
    );
    // Written beside and moved: a file that is being written cannot be executed.
    let next = script.with_extension("next");
    fs::write(&next, text).expect("the directory is writable");
    fs::set_permissions(&next, fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::rename(next, script).expect("the directory is writable");
}
