//! A list of steps that all run, and one table of how they went.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::{Failure, Result};

/// Steps of one command, in the order in which they ran.
pub(crate) struct Steps {
    rows: Vec<Row>,
    on_failure: OnFailure,
}

/// What happens to the later steps when one fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// They still run: one round shows everything that is wrong.
    GoOn,
    /// They are skipped.
    Stop,
}

struct Row {
    name: String,
    took: Duration,
    end: End,
}

enum End {
    Passed,
    Failed(String),
    Skipped(String),
}

impl Steps {
    /// No step yet.
    pub(crate) fn new(on_failure: OnFailure) -> Self {
        Self {
            rows: Vec::new(),
            on_failure,
        }
    }

    /// Runs one step and remembers how it went.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        if self.on_failure == OnFailure::Stop && self.failed() > 0 {
            return self.skip(name, "an earlier step failed");
        }
        println!("\n=== {name}");
        let begun = Instant::now();
        let end = match work() {
            Ok(()) => End::Passed,
            Err(failure) => {
                println!("--- {name}: {failure}");
                End::Failed(failure.to_string())
            }
        };
        self.rows.push(Row {
            name: name.to_owned(),
            took: begun.elapsed(),
            end,
        });
    }

    /// Records a step that cannot run here, and why.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.rows.push(Row {
            name: name.to_owned(),
            took: Duration::ZERO,
            end: End::Skipped(why.to_owned()),
        });
    }

    /// Prints the table; a step that failed makes the whole fail.
    pub(crate) fn finish(self) -> Result<()> {
        print!("\n{}", self.table());
        match self.failed() {
            0 => Ok(()),
            failed => Err(Failure::new(format!(
                "{failed} of {} steps failed",
                self.rows.len()
            ))),
        }
    }

    fn failed(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| matches!(row.end, End::Failed(_)))
            .count()
    }

    fn table(&self) -> String {
        let wide = self.rows.iter().map(|row| row.name.len()).max();
        let wide = wide.unwrap_or(0).max("step".len());
        let mut table = format!("{:wide$}  seconds  result\n", "step");
        for row in &self.rows {
            let result = match &row.end {
                End::Passed => "ok".to_owned(),
                End::Failed(why) => format!("FAILED: {why}"),
                End::Skipped(why) => format!("skipped: {why}"),
            };
            let seconds = row.took.as_secs_f64();
            table.push_str(&format!("{:wide$}  {seconds:>7.1}  {result}\n", row.name));
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        table.push_str(&format!(
            "{:wide$}  {:>7.1}\n",
            "total",
            total.as_secs_f64()
        ));
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_fails_the_whole_and_the_others_still_run() {
        let mut steps = Steps::new(OnFailure::GoOn);
        steps.step("first", || Err(Failure::new("broken")));
        let mut second = false;
        steps.step("second", || {
            second = true;
            Ok(())
        });
        assert!(second);
        assert!(steps.table().contains("FAILED: broken"));
        assert!(steps.finish().is_err());
    }

    #[test]
    fn a_stopped_list_skips_what_comes_after_a_failure() {
        let mut steps = Steps::new(OnFailure::Stop);
        steps.step("first", || Err(Failure::new("broken")));
        steps.step("second", || panic!("must not run"));
        assert!(steps.table().contains("skipped: an earlier step failed"));
    }

    #[test]
    fn skipped_steps_do_not_fail_the_whole() {
        let mut steps = Steps::new(OnFailure::GoOn);
        steps.skip("licences", "cargo-deny is not installed");
        assert!(steps.finish().is_ok());
    }
}
