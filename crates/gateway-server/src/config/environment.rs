//! The environment as a value: what the process was started with, plus what the configuration's
//! `environment_variables` put over it. Nothing here changes the environment of the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Variables by name. Cheap to clone; `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Environment {
    process: Arc<BTreeMap<String, String>>,
    overrides: Arc<BTreeMap<String, String>>,
}

impl Environment {
    /// The variables of this process. Those that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of `name`. An empty variable is set, and its value is "".
    pub fn get(&self, name: &str) -> Option<&str> {
        self.overrides
            .get(name)
            .or_else(|| self.process.get(name))
            .map(String::as_str)
    }

    /// The value of `name`, unless it is empty.
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All variables, overrides applied, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let hidden = |name: &String| self.overrides.contains_key(name);
        let process = self.process.iter().filter(move |(name, _)| !hidden(name));
        process
            .chain(self.overrides.iter())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn with_overrides(&self, overrides: BTreeMap<String, String>) -> Self {
        Self {
            process: Arc::clone(&self.process),
            overrides: Arc::new(overrides),
        }
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let process = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            process: Arc::new(process),
            overrides: Arc::default(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}
