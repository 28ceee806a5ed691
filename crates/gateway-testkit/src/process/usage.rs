//! What a process uses, from `/proc` (proc(5)).

use std::fs;
use std::io;
use std::time::Duration;

/// Resources in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub resident: u64,
    /// Open file descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// CPU time of all threads that run, exact to the nanosecond; those that have ended are not in it.
    pub cpu: Duration,
    /// CPU time of the whole process since its start, in ticks of 10 ms.
    pub cpu_ticks: Duration,
}

impl Usage {
    /// Reads the usage of a process.
    ///
    /// # Errors
    /// If there is no such process, or it belongs to somebody else.
    pub fn of(pid: u32) -> io::Result<Self> {
        let base = format!("/proc/{pid}");
        let status = fs::read_to_string(format!("{base}/status"))?;
        Ok(Self {
            resident: status_field(&status, "VmRSS:") * 1024,
            descriptors: fs::read_dir(format!("{base}/fd"))?.count() as u64,
            threads: status_field(&status, "Threads:"),
            cpu: threads_time(&base)?,
            cpu_ticks: process_time(&base)?,
        })
    }

    /// Our own usage.
    ///
    /// # Errors
    /// If `/proc` is not there.
    pub fn own() -> io::Result<Self> {
        Self::of(std::process::id())
    }
}

fn status_field(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

fn threads_time(base: &str) -> io::Result<Duration> {
    let mut sum = 0;
    for task in fs::read_dir(format!("{base}/task"))? {
        // A thread may end while we look.
        if let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) {
            let nanos = text.split_whitespace().next();
            sum += nanos.and_then(|word| word.parse().ok()).unwrap_or(0);
        }
    }
    Ok(Duration::from_nanos(sum))
}

fn process_time(base: &str) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("{base}/stat"))?;
    // The second field is the name in parentheses and may hold spaces.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |index: usize| -> u64 {
        let word = rest.split_whitespace().nth(index);
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    let ticks = field(11) + field(12);
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_nanos(ticks * 1_000_000_000 / per_second))
}
