//! What the kernel says about a process: memory, descriptors, threads, processor time.

use std::fs;

use serde::Serialize;

/// One reading of `/proc/<pid>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Reading {
    /// Resident memory.
    pub(super) rss_bytes: u64,
    pub(super) descriptors: u64,
    pub(super) threads: u64,
    /// User and system time since the process began.
    pub(super) cpu_seconds: f64,
}

impl Reading {
    /// Reads; nothing when the process is gone or hidden.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
        Some(Self {
            rss_bytes: field(&status, "VmRSS:")? * 1024,
            descriptors: u64::try_from(descriptors).ok()?,
            threads: field(&status, "Threads:")?,
            cpu_seconds: cpu_seconds(&stat)?,
        })
    }
}

/// The first number after a name in `/proc/<pid>/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `/proc/<pid>/stat`, in clock ticks; the name in field 2 may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// `USER_HZ`, which Linux fixes at 100 for what it tells programs, see proc_pid_stat(5).
const TICKS_PER_SECOND: f64 = 100.0;

/// Lifts the limit of open descriptors of this process, and so of its children, to the most that is allowed.
pub(super) fn raise_descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).ok()?;
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_can_be_read() {
        let reading = Reading::of(std::process::id()).unwrap();
        assert!(reading.rss_bytes > 100_000 && reading.descriptors > 2 && reading.threads > 0);
    }

    #[test]
    fn a_name_with_spaces_does_not_shift_the_fields() {
        let stat = "7 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 0 0 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
    }

    #[test]
    fn a_process_that_is_gone_reads_as_nothing() {
        assert_eq!(Reading::of(u32::MAX), None);
    }
}
