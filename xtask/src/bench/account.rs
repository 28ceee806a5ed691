//! What the kernel says that processes and cores have used.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Doing, Result};

/// CPU time of some processes with all of their threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    /// Time on a core, in nanoseconds.
    pub(crate) used_ns: u64,
    /// Time ready to run, but waiting for the core, in nanoseconds.
    pub(crate) waited_ns: u64,
}

/// CPU time of some processes until now.
///
/// From `schedstat`, which counts in nanoseconds; `stat` counts in ticks of 10 ms.
/// A thread that has ended since is not in it.
pub(crate) fn cpu(processes: &[u32]) -> Cpu {
    let mut sum = Cpu::default();
    let threads = processes
        .iter()
        .filter_map(|process| fs::read_dir(format!("/proc/{process}/task")).ok())
        .flat_map(|threads| threads.filter_map(std::result::Result::ok));
    for thread in threads {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let mut words = text.split_whitespace().map_while(|word| word.parse().ok());
        sum.used_ns += words.next().unwrap_or(0);
        sum.waited_ns += words.next().unwrap_or(0);
    }
    sum
}

/// Time that a core did not idle, whoever used it, in nanoseconds.
///
/// The kernel samples it at its ticks: what runs in step with them is seen too often or never.
pub(crate) fn core_busy_ns(core: usize) -> u64 {
    let name = format!("cpu{core}");
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let Some(line) = text
        .lines()
        .find(|line| line.split_whitespace().next() == Some(&name))
    else {
        return 0;
    };
    // user nice system idle iowait irq softirq steal; guest time is inside user time.
    let ticks: u64 = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .enumerate()
        .filter(|(index, _)| !matches!(index, 3 | 4))
        .filter_map(|(_, value)| value.parse::<u64>().ok())
        .sum();
    ticks * 10_000_000
}

/// Memory of some processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Resident set, in bytes; a page that two of them share counts twice.
    pub(crate) rss: u64,
    /// Proportional set, in bytes; a page that two of them share counts once.
    pub(crate) pss: u64,
}

/// Memory of some processes now.
pub(crate) fn memory(processes: &[u32]) -> Memory {
    let mut sum = Memory::default();
    for process in processes {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (name, value) = (words.next(), words.next());
            let bytes = value.and_then(|v| v.parse::<u64>().ok()).unwrap_or(0) * 1024;
            match name {
                Some("Rss:") => sum.rss += bytes,
                Some("Pss:") => sum.pss += bytes,
                _ => {}
            }
        }
    }
    sum
}

/// A process and all of its descendants.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = processes()
        .filter_map(|process| {
            let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            // The name in parentheses may hold blanks.
            let parent = text.rsplit_once(')')?.1.split_whitespace().nth(1)?;
            Some((process, parent.parse().ok()?))
        })
        .collect();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        next += 1;
        let children = parents.iter().filter(|(_, of)| *of == parent);
        family.extend(children.map(|(process, _)| *process));
    }
    family
}

/// The processes that hold the listening socket of a local TCP port, as far as we may look.
pub(crate) fn listeners(port: u16) -> Vec<u32> {
    let wanted = format!(":{port:04X}");
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| {
            table
                .lines()
                .filter_map(|line| {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    let listens = words.get(1)?.ends_with(&wanted) && *words.get(3)? == "0A";
                    listens.then(|| format!("socket:[{}]", words.get(9).unwrap_or(&"")))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    processes()
        .filter(|process| {
            fs::read_dir(format!("/proc/{process}/fd")).is_ok_and(|entries| {
                entries
                    .filter_map(std::result::Result::ok)
                    .filter_map(|entry| fs::read_link(entry.path()).ok())
                    .any(|link| sockets.iter().any(|socket| link == Path::new(socket)))
            })
        })
        .collect()
}

/// Raises the soft limit of open descriptors to the hard one, and returns it.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn raise_descriptor_limit() -> Result<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).doing("cannot raise the limit of open descriptors")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Binds this process, and all threads that it will start, to one core.
///
/// # Errors
/// There is no such core.
pub(crate) fn stay_on(core: usize) -> Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    rustix::thread::sched_setaffinity(None, &set).doing(format!("cannot use core {core}"))
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(std::result::Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_time_and_memory() {
        let own = [std::process::id()];
        let mut spin = 0_u64;
        while cpu(&own).used_ns < 1_000_000 && spin < u64::MAX {
            spin += 1;
        }
        assert!(memory(&own).pss > 0);
        assert!(core_busy_ns(0) > 0);
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(listeners(port).contains(&std::process::id()));
    }

    #[test]
    fn a_child_belongs_to_the_family() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let family = family(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(family.contains(&child.id()));
    }
}
