//! Where a run took place, for whoever compares two of them.

use std::process::Command;

use serde::Serialize;

use crate::shell;

/// Machine, versions and load of a run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Environment {
    kernel: String,
    processors: String,
    memory: String,
    compiler: String,
    commit: String,
    gateway: String,
    load: String,
}

impl Environment {
    /// Looks around; what cannot be found out is called unknown.
    pub(super) fn look(gateway: String, load: String) -> Self {
        let first_line = |path: &str, name: &str| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.rsplit_once(':').map(|(_, value)| value.trim()));
            value.or(line).unwrap_or("unknown").to_owned()
        };
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        Self {
            kernel: first_line("/proc/sys/kernel/osrelease", ""),
            processors: format!(
                "{processors} × {}",
                first_line("/proc/cpuinfo", "model name")
            ),
            memory: first_line("/proc/meminfo", "MemTotal"),
            compiler: said("rustc", &["--version"]),
            commit: said("git", &["describe", "--always", "--dirty"]),
            gateway,
            load,
        }
    }

    /// For a table.
    pub(super) fn rows(&self) -> [(&'static str, String); 7] {
        [
            ("kernel", self.kernel.clone()),
            ("processors", self.processors.clone()),
            ("memory", self.memory.clone()),
            ("compiler", self.compiler.clone()),
            ("commit", self.commit.clone()),
            ("gateway", self.gateway.clone()),
            ("load", self.load.clone()),
        ]
    }
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(shell::root())
        .output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
