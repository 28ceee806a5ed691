//! How a run shows that it lives: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::sample::{Phase, Sample};

/// The display of one run.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    /// Seconds between two lines where there is no bar.
    every: u64,
}

impl Progress {
    /// For a run that takes about so long.
    pub(super) fn new(expected: Duration) -> Self {
        let on_terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = on_terminal.then(|| {
            let style =
                ProgressStyle::with_template("{elapsed_precise} {bar:30} {percent:>3} %  {msg}");
            let bar = ProgressBar::new(expected.as_secs());
            style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
        });
        Self {
            bar,
            every: (expected.as_secs() / 12).clamp(1, 60),
        }
    }

    /// Shows one second.
    pub(super) fn show(&self, sample: &Sample, failed: u64) {
        let text = line(sample, failed);
        let second = sample.second.round();
        match &self.bar {
            Some(bar) => {
                bar.set_position(
                    Duration::try_from_secs_f64(second)
                        .unwrap_or_default()
                        .as_secs(),
                );
                bar.set_message(text);
            }
            None if second % (self.every as f64) < 0.5 => println!("{second:>6.0} s  {text}"),
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn line(sample: &Sample, failed: u64) -> String {
    let phase = match sample.phase {
        Phase::RampUp => "ramp-up",
        Phase::Steady => "steady",
        Phase::Drain => "drain",
        Phase::Rest => "rest",
    };
    let streams = &sample.streams;
    let mut text = format!(
        "{phase}: {} streams, {} events/s, p99 late {:.0} ms, {failed} failed",
        streams.active, streams.events, streams.lateness.p99
    );
    if let Some(pools) = &sample.pools {
        text.push_str(&format!(
            ", generations {} + {} draining, {} rotations",
            pools.current,
            pools.draining,
            pools.rotated()
        ));
    }
    if let Some(gateway) = &sample.gateway {
        text.push_str(&format!(
            ", {} MiB, {} descriptors",
            gateway.rss_bytes / (1024 * 1024),
            gateway.descriptors
        ));
    }
    text
}
