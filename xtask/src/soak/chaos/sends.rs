//! What reached the upstream: one line per request, written there and read by the judge.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use gateway_testkit::fault::{At, Expect, Fault, by_name};
use serde::{Deserialize, Serialize};

use crate::failure::{Doing, Result};

/// One request as the upstream got it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Send {
    /// The call that it belongs to.
    pub(super) call: String,
    /// Counted from 1 for each call, in the order in which they came.
    pub(super) number: u32,
    /// The deployment that it came through.
    pub(super) deployment: String,
    /// The fault that it met.
    pub(super) fault: Option<String>,
    /// The moment of that.
    pub(super) at: Moment,
}

/// Moments of an answer, as [`At`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Moment {
    /// The answer is no stream.
    Plain,
    /// In a stream, before its first content.
    Before,
    /// In a stream, after its first content.
    After,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// Whole and right: a client must get it.
    Good,
    /// It must not pass for a whole one; a gateway that gives it up says one of these.
    Bad(&'static [u16]),
    /// A gateway may take it or leave it.
    Either,
}

impl Send {
    /// What its answer is worth.
    pub(super) fn worth(&self) -> Worth {
        match self.found().map(|fault| fault.expect) {
            None | Some(Expect::Completes) => Worth::Good,
            Some(Expect::Fails(statuses)) => Worth::Bad(statuses),
            Some(Expect::FailsOrCompletes | Expect::Floods) => Worth::Either,
        }
    }

    /// Whether the fault itself changes what a client reads: what is forwarded as it came cannot be right then.
    pub(super) fn alters(&self) -> bool {
        self.fault.as_deref() == Some("bad-json")
    }

    fn found(&self) -> Option<&'static Fault> {
        by_name(self.fault.as_deref()?)
    }
}

impl From<At> for Moment {
    fn from(at: At) -> Self {
        match at {
            At::Plain => Self::Plain,
            At::BeforeFirstEvent => Self::Before,
            At::AfterFirstEvent => Self::After,
        }
    }
}

/// Reads what the upstream has written, by call and in order.
pub(super) fn read(file: &Path) -> Result<HashMap<String, Vec<Send>>> {
    let lines = BufReader::new(File::open(file).doing(file.display())?).lines();
    let mut sends: HashMap<String, Vec<Send>> = HashMap::new();
    for line in lines {
        let line = line.doing(file.display())?;
        let send: Send = serde_json::from_str(&line).doing(file.display())?;
        sends.entry(send.call.clone()).or_default().push(send);
    }
    Ok(sends)
}

/// The file, in the folder of the results.
pub(super) const FILE: &str = "sends.ndjson";
