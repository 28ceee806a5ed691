//! What of each deployment goes into heads, made once per configuration.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gateway_router::{Catalog, Deployment};
use http::{HeaderMap, HeaderValue};

use super::headers;
use super::mock::Mock;
use crate::config::Check;
use crate::metrics::DeploymentCounters;
use crate::window::DeploymentWindow;

/// All deployments of a catalog.
pub(crate) struct ShownDeployments {
    /// By the place of the deployment in memory, which its catalog keeps: ids are long to hash.
    by_place: HashMap<usize, Arc<Shown>>,
    /// Whether any of them is made up.
    mocked: bool,
}

/// What is configured for a deployment beside routing.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    /// What is made up instead of asking it.
    pub mock: Option<Mock>,
    /// Silence after which its streams get a heartbeat, zero: never. `None`: as those of all others.
    pub heartbeat: Option<Duration>,
    /// How it is probed.
    pub check: Check,
}

/// One deployment.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Its id.
    pub id: Option<HeaderValue>,
    /// Its model group.
    pub group: Option<HeaderValue>,
    /// The provider's name of its model; `None` if each call has its own.
    pub model: Option<HeaderValue>,
    /// The base of the provider's API, without query.
    pub api_base: Option<HeaderValue>,
    /// How often a call that fails here is tried again.
    pub max_retries: HeaderValue,
    /// The head of its answers, as far as it is the same for all.
    pub head: HeaderMap,
    /// What is configured for it.
    pub configured: Configured,
    /// Its counters.
    pub counters: DeploymentCounters,
    /// Its last minute, looked up once.
    pub window: OnceLock<Arc<DeploymentWindow>>,
}

impl ShownDeployments {
    /// Makes them for `catalog`. `said` has what is configured for each of its deployments: for those of one group in
    /// their order, with the group's name.
    pub(crate) fn new<'s>(
        catalog: &Catalog,
        said: impl IntoIterator<Item = (&'s str, Configured)>,
    ) -> Self {
        let mut by_group: HashMap<&str, VecDeque<Configured>> = HashMap::new();
        for (group, configured) in said {
            by_group.entry(group).or_default().push_back(configured);
        }
        let retries = catalog.routing().retries.count;
        let by_place = catalog.deployments().map(|deployment| {
            let configured = by_group.get_mut(&*deployment.group);
            let configured = configured.and_then(VecDeque::pop_front);
            let shown = Shown::new(deployment, retries, configured.unwrap_or_default());
            (place(deployment), Arc::new(shown))
        });
        let by_place: HashMap<_, _> = by_place.collect();
        Self {
            mocked: by_place.values().any(|it| it.configured.mock.is_some()),
            by_place,
        }
    }

    /// What is made up instead of asking a deployment of the catalog.
    pub(crate) fn mock(&self, deployment: &Arc<Deployment>) -> Option<&Mock> {
        let shown = self.mocked.then(|| self.of(deployment))??;
        shown.configured.mock.as_ref()
    }

    /// What is shown of a deployment of the catalog.
    pub(crate) fn of(&self, deployment: &Arc<Deployment>) -> Option<&Arc<Shown>> {
        self.by_place.get(&place(deployment))
    }
}

impl fmt::Debug for ShownDeployments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.by_place.values()).finish()
    }
}

impl Shown {
    fn new(deployment: &Deployment, retries: u32, configured: Configured) -> Self {
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let model = deployment.endpoint.upstream_model();
        let mut shown = Self {
            id: value(&deployment.id),
            group: value(&deployment.group),
            model: value(model).filter(|_| !model.contains('*')),
            api_base: value(deployment.endpoint.api_base_for_display()),
            max_retries: deployment.retries.unwrap_or(retries).into(),
            head: HeaderMap::new(),
            configured,
            counters: DeploymentCounters::default(),
            window: OnceLock::new(),
        };
        shown.head = headers::of_deployment(&shown);
        shown
    }
}

fn place(deployment: &Arc<Deployment>) -> usize {
    Arc::as_ptr(deployment).addr()
}
