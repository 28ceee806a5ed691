//! A child process under test: started on a free port, watched, measured, and killed when dropped.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::client::{ConnectOptions, Http1Client, Request};

mod usage;

pub use usage::Usage;

/// How to start a process. `{port}` in arguments and environment values is replaced by the free port that was chosen.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// The binary.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to its environment.
    pub env: Vec<(String, String)>,
    /// Whether it gets our own environment too.
    pub inherit_env: bool,
    /// Its working directory.
    pub dir: Option<PathBuf>,
    /// When it counts as started.
    pub ready: Ready,
    /// How long that may take.
    pub ready_limit: Duration,
    /// How many lines of output are kept.
    pub keep_lines: usize,
}

/// When a process counts as started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// At once.
    Spawned,
    /// When a GET of this path on its port answers 200.
    Http(String),
    /// When a line of its output contains this.
    Line(String),
}

/// A running process. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    addr: SocketAddr,
    output: Arc<Output>,
}

#[derive(Debug)]
struct Output {
    kept: Mutex<Kept>,
    keep: usize,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    /// Lines that are kept no more.
    dropped: usize,
}

impl ProcessConfig {
    /// Starts `program` without arguments, in our environment.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherit_env: true,
            dir: None,
            ready: Ready::Spawned,
            ready_limit: Duration::from_secs(20),
            keep_lines: 10_000,
        }
    }

    /// With these arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// With this variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Ready when a GET of this path answers 200.
    #[must_use]
    pub fn ready_at(mut self, path: &str) -> Self {
        self.ready = Ready::Http(path.to_owned());
        self
    }
}

impl Process {
    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// If it cannot be started, exits early or is not ready in time; the message holds its output.
    pub async fn start(config: ProcessConfig) -> Self {
        let mut process = Self::spawn(&config)
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", config.program.display()));
        let until = Instant::now() + config.ready_limit;
        let ready = async {
            match &config.ready {
                Ready::Spawned => true,
                Ready::Line(text) => process
                    .output
                    .line(|line| line.contains(text))
                    .await
                    .is_some(),
                Ready::Http(path) => process.answers(path).await,
            }
        };
        if timeout_at(until, ready).await == Ok(true) {
            return process;
        }
        let status = process.child.try_wait();
        panic!(
            "{} is not ready ({:?}); exit: {status:?}; output:\n{}",
            config.program.display(),
            config.ready,
            process.lines().join("\n")
        );
    }

    fn spawn(config: &ProcessConfig) -> std::io::Result<Self> {
        let addr = free_address();
        let port = addr.port().to_string();
        let fill = |text: &String| text.replace("{port}", &port);
        let mut command = Command::new(&config.program);
        if !config.inherit_env {
            command.env_clear();
        }
        if let Some(dir) = &config.dir {
            command.current_dir(dir);
        }
        let env = config.env.iter();
        command
            .args(config.args.iter().map(fill))
            .envs(env.map(|(name, value)| (name, fill(value))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let output = Arc::new(Output {
            kept: Mutex::default(),
            keep: config.keep_lines,
            changed: watch::Sender::new(()),
        });
        if let Some(stdout) = child.stdout.take() {
            read_lines(stdout, output.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read_lines(stderr, output.clone());
        }
        Ok(Self {
            child,
            addr,
            output,
        })
    }

    /// Where it was told to listen: the free port on 127.0.0.1.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its output so far, both streams in the order in which lines came, the last ones if there were too many.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.output.lock().lines.iter().cloned().collect()
    }

    /// The first wanted line behind the first `seen` ones, and how many lines there are now: for who looks often at
    /// output that is long.
    pub fn find_after(
        &self,
        seen: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> (Option<String>, usize) {
        let kept = self.output.lock();
        let new = kept.lines.iter().skip(seen.saturating_sub(kept.dropped));
        let found = new.into_iter().find(|line| wanted(line)).cloned();
        (found, kept.dropped + kept.lines.len())
    }

    /// How many lines are like this.
    pub fn count(&self, wanted: impl Fn(&str) -> bool) -> usize {
        let kept = self.output.lock();
        kept.lines.iter().filter(|line| wanted(line)).count()
    }

    /// Waits for a line of output, past ones included.
    ///
    /// # Panics
    /// After 10 s, with the output.
    pub async fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        match timeout(WAIT_LIMIT, self.output.line(wanted)).await {
            Ok(Some(line)) => line,
            _ => panic!(
                "the line did not come; output:\n{}",
                self.lines().join("\n")
            ),
        }
    }

    /// What it uses now.
    ///
    /// # Panics
    /// If it has exited.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage::of(self.pid()).expect("the process runs")
    }

    /// Sends a signal, for instance `Signal::TERM`; nothing happens if it has exited.
    ///
    /// # Panics
    /// If its id is no process id, which cannot be.
    pub fn signal(&mut self, signal: Signal) {
        // Only while it has not been reaped: the id may belong to somebody else afterwards.
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = i32::try_from(self.child.id()).expect("process ids are small");
            let pid = Pid::from_raw(pid).expect("a process id is not 0");
            // It may have exited since, and then the signal has no one to reach.
            kill_process(pid, signal).ok();
        }
    }

    /// Its exit status, if it has exited.
    #[must_use]
    pub fn exit(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it exits.
    ///
    /// # Errors
    /// If it still runs after `limit`.
    pub async fn exited(
        &mut self,
        limit: Duration,
    ) -> Result<ExitStatus, tokio::time::error::Elapsed> {
        timeout(limit, async {
            loop {
                match self.exit() {
                    Some(status) => return status,
                    None => sleep(POLL).await,
                }
            }
        })
        .await
    }

    /// `false` if it exits instead.
    async fn answers(&mut self, path: &str) -> bool {
        while self.exit().is_none() {
            let connect = Http1Client::connect_with(self.addr, ConnectOptions::default());
            if let Ok(mut client) = connect.await {
                client.set_deadline(Duration::from_secs(2));
                if client.call(&Request::get(path)).await.status == 200 {
                    return true;
                }
            }
            sleep(POLL).await;
        }
        // Its last words may still be in the pipe.
        sleep(POLL * 5).await;
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Errors mean that it has exited.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: String) {
        let mut kept = self.lock();
        if kept.lines.len() == self.keep {
            kept.lines.pop_front();
            kept.dropped += 1;
        }
        kept.lines.push_back(line);
        drop(kept);
        self.changed.send_replace(());
    }

    async fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut changed = self.changed.subscribe();
        loop {
            let found = self.lock().lines.iter().find(|line| wanted(line)).cloned();
            if found.is_some() {
                return found;
            }
            changed.changed().await.ok()?;
        }
    }
}

/// An address on 127.0.0.1 on which nobody listened a moment ago. Another process may take it before it is used.
///
/// # Panics
/// If there is no free port.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
}

/// A thread, because it must go on while a test blocks its runtime. It ends with the pipe.
fn read_lines(pipe: impl Read + Send + 'static, output: Arc<Output>) {
    let read = move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            output.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    };
    std::thread::Builder::new()
        .name("child-output".to_owned())
        .spawn(read)
        .expect("a thread can be started");
}

const POLL: Duration = Duration::from_millis(10);
const WAIT_LIMIT: Duration = Duration::from_secs(10);
