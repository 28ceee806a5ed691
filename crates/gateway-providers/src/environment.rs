//! What endpoints take from the process around them: variables, wall clock, task tracker, shared tokens.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::aws::KeySources;
use crate::token::TokenSources;

/// The surroundings of endpoints. Cheap to clone; clones share everything.
///
/// Keep one for the life of the process and build every configuration's endpoints with it: endpoints
/// that use the same service account then share one token, also across a reload.
#[derive(Clone)]
pub struct Environment {
    variables: Arc<Lookup>,
    inner: Arc<Inner>,
}

impl Environment {
    /// The environment of this process: variables are looked up when an endpoint is built.
    pub fn process() -> Self {
        Self::new(Box::new(|name| std::env::var(name).ok()))
    }

    /// An environment that holds exactly these variables; for tests and for embedding.
    pub fn with_variables<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables: HashMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self::new(Box::new(move |name| variables.get(name).cloned()))
    }

    /// An environment that asks `variables` for each name; an overlay over the process, for one.
    pub fn with_lookup(variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::new(Box::new(variables))
    }

    /// The same surroundings with other variables: endpoints of a new configuration go on with the tokens of the old one.
    #[must_use]
    pub fn with_other_lookup(
        &self,
        variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            variables: Arc::new(Box::new(variables)),
            inner: Arc::clone(&self.inner),
        }
    }

    /// The value of a variable; unset and empty are both `None`.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }

    /// The tasks that endpoints started (token refreshes). Close it and wait for it at shutdown.
    pub fn tasks(&self) -> &TaskTracker {
        &self.inner.tasks
    }

    /// The first of these variables that is set, with its name.
    pub(crate) fn first(&self, names: &[&'static str]) -> Option<(&'static str, String)> {
        names
            .iter()
            .find_map(|name| Some((*name, self.variable(name)?)))
    }

    /// The tokens that endpoints share.
    pub(crate) fn tokens(&self) -> &TokenSources {
        &self.inner.tokens
    }

    /// Amazon's keys that endpoints share.
    pub(crate) fn key_sources(&self) -> &KeySources {
        &self.inner.keys
    }

    fn new(variables: Lookup) -> Self {
        Self {
            variables: Arc::new(variables),
            inner: Arc::new(Inner {
                tasks: TaskTracker::new(),
                tokens: TokenSources::new(),
                keys: KeySources::new(),
            }),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables hold secrets: never shown.
        formatter
            .debug_struct("Environment")
            .finish_non_exhaustive()
    }
}

type Lookup = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

struct Inner {
    tasks: TaskTracker,
    tokens: TokenSources,
    keys: KeySources,
}
