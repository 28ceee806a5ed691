//! The process: its configuration, its threads, and what the system says of it. The names of the system's part are those
//! that every Prometheus client library has.

use std::fmt;
use std::fs;
use std::time::SystemTime;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::RuntimeMetrics;

use super::exposition::{Exposition, Samples};
use super::families;
use super::table::Family;
use crate::control::{Control, ReloadOutcome, seconds};
use crate::worker::Shared;

/// Writes what is known of the configuration in force.
pub(super) fn write_config(control: &Control, page: &mut Exposition<'_>) -> fmt::Result {
    let state = control.config.load();
    let last = state.last_reload.as_deref();
    let refused = last.is_some_and(|it| it.outcome == ReloadOutcome::Refused);
    page.family(&families::RELOAD_OK, |samples| {
        samples.level(&[], i64::from(!refused))
    })?;
    page.family(&families::RELOAD_AT, |samples| {
        samples.value(&[], last.map_or(state.since, |it| it.at))
    })?;
    page.family(&families::GENERATION, |samples| {
        samples.level(&[], state.generation)
    })
}

/// Writes what is known of the process; `overflowed` is about the metrics themselves.
pub(super) fn write(
    shared: &Shared,
    workers: &[RuntimeMetrics],
    overflowed: u64,
    page: &mut Exposition<'_>,
) -> fmt::Result {
    page.family(&families::BUILD, |samples| {
        samples.level(&[env!("CARGO_PKG_VERSION")], 1)
    })?;
    page.family(&families::DRAINING, |samples| {
        samples.level(&[], i64::from(shared.is_draining()))
    })?;
    page.family(&families::LINES_DROPPED, |samples| {
        samples.count(&[], shared.lines.dropped())
    })?;
    let traces = shared.traces.counts();
    page.family(&families::SPANS, |samples| {
        samples.count(&["exported"], traces.exported)?;
        samples.count(&["failed"], traces.failed)
    })?;
    page.family(&families::TRACES_DROPPED, |samples| {
        samples.count(&[], traces.dropped)
    })?;
    page.family(&families::OVERFLOWED, |samples| {
        samples.count(&[], overflowed)
    })?;
    page.family(&families::RUNTIME_TASKS, |samples| {
        each(workers, |number, it| {
            samples.level(&[number], it.num_alive_tasks())
        })
    })?;
    page.family(&families::RUNTIME_BUSY, |samples| {
        each(workers, |number, it| {
            samples.amount(&[number], it.worker_total_busy_duration(0).as_secs_f64())
        })
    })?;
    write_system(shared.control.started, page)
}

fn each(
    workers: &[RuntimeMetrics],
    mut write: impl FnMut(&str, &RuntimeMetrics) -> fmt::Result,
) -> fmt::Result {
    for (number, worker) in workers.iter().enumerate() {
        write(&number.to_string(), worker)?;
    }
    Ok(())
}

/// What the system does not say is not written.
fn write_system(started: SystemTime, page: &mut Exposition<'_>) -> fmt::Result {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = std::time::Duration::try_from(cpu).unwrap_or_default();
    page.family(&families::CPU, |samples| {
        samples.amount(&[], cpu.as_secs_f64())
    })?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |key| field(&status, key).map(|it| it * KIBIBYTE);
    known(page, &families::RESIDENT, bytes("VmRSS:"))?;
    known(page, &families::VIRTUAL, bytes("VmSize:"))?;
    // The one by which they are counted is one of them.
    let descriptors = fs::read_dir("/proc/self/fd").map(|it| it.count().saturating_sub(1) as u64);
    known(page, &families::OPEN_FDS, descriptors.ok())?;
    known(
        page,
        &families::MAX_FDS,
        getrlimit(Resource::Nofile).current,
    )?;
    known(page, &families::THREADS, field(&status, "Threads:"))?;
    page.family(&families::STARTED, |samples| {
        samples.value(&[], seconds(started))
    })
}

fn known(page: &mut Exposition<'_>, family: &'static Family, level: Option<u64>) -> fmt::Result {
    let write = |samples: &mut Samples<'_>| match level {
        Some(level) => samples.level(&[], level),
        None => Ok(()),
    };
    page.family(family, write)
}

/// The number behind a key of `/proc/self/status`.
fn field(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

const KIBIBYTE: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_what_the_process_uses() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(field(&status, "VmRSS:").unwrap() > 1000);
        assert!(field(&status, "Threads:").unwrap() >= 1);
        assert_eq!(field(&status, "Vm:"), None);
    }
}
