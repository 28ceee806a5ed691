//! How the gateway accounted the calls: its log and its counters.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Doing, Result};

/// What the gateway says that it did.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Records by the name of their call.
    pub(super) records: HashMap<String, Vec<CallRecord>>,
    /// `gateway_calls_total`, all series together.
    pub(super) counted: u64,
    /// `gateway_calls_active`, all series together.
    pub(super) active: i64,
    /// `gateway_log_lines_dropped_total`
    pub(super) dropped: u64,
}

/// One line of the gateway's log about a call.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CallRecord {
    call_id: String,
    /// How it ended.
    pub(super) end: String,
    /// Towards the client.
    pub(super) status: u16,
    /// A number, or a list with one entry for each.
    #[serde(default)]
    attempts: Value,
}

impl CallRecord {
    /// How many attempts it says that there were.
    pub(super) fn attempts(&self) -> usize {
        let number = self.attempts.as_u64();
        let number = number.and_then(|number| usize::try_from(number).ok());
        number
            .or_else(|| self.attempts.as_array().map(Vec::len))
            .unwrap_or(0)
    }

    #[cfg(test)]
    pub(super) fn new(call_id: &str, end: &str, status: u16) -> Self {
        Self {
            call_id: call_id.to_owned(),
            end: end.to_owned(),
            status,
            attempts: Value::from(1),
        }
    }
}

impl Account {
    /// Reads the counters from the text of `GET /metrics`.
    pub(super) fn of_metrics(text: &str) -> Self {
        let sum = |name: &str| -> f64 {
            let lines = text.lines().filter_map(|line| line.strip_prefix(name));
            let values = lines.filter(|rest| rest.starts_with(['{', ' ']));
            values
                .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
                .sum()
        };
        // Counts of calls are far below 2^53.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Self {
            records: HashMap::new(),
            counted: sum("gateway_calls_total") as u64,
            active: sum("gateway_calls_active") as i64,
            dropped: sum("gateway_log_lines_dropped_total") as u64,
        }
    }

    /// Adds the records of the gateway's log; lines about something else are passed over.
    pub(super) fn add_log(&mut self, file: &Path) -> Result<()> {
        for line in BufReader::new(File::open(file).doing(file.display())?).lines() {
            let line = line.doing(file.display())?;
            if line.contains("\"event\":\"call\"") {
                let record: CallRecord = serde_json::from_str(&line).doing(&line)?;
                let of_call = self.records.entry(record.call_id.clone()).or_default();
                of_call.push(record);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_added_up_and_others_left_out() {
        let text = "# TYPE gateway_calls counter\n\
             gateway_calls_total{api=\"a\",model=\"m\",end=\"complete\"} 5\n\
             gateway_calls_total{api=\"a\",model=\"n\",end=\"truncated\"} 2\n\
             gateway_calls_active{api=\"a\"} 1\ngateway_calls_active_total 9\n\
             gateway_log_lines_dropped_total 3\n";
        let account = Account::of_metrics(text);
        assert_eq!(
            (account.counted, account.active, account.dropped),
            (7, 1, 3)
        );
    }

    #[test]
    fn attempts_are_a_number_or_a_list() {
        let mut record = CallRecord::new("1-1", "complete", 200);
        assert_eq!(record.attempts(), 1);
        record.attempts = serde_json::json!([{}, {}]);
        assert_eq!(record.attempts(), 2);
    }
}
