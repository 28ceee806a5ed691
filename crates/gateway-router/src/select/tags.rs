//! Which deployments a request's tags and its client's name lead to.
//!
//! A request's tag wants deployments with that tag; `&tag` rules out those without it, `!tag` those with it. A
//! deployment's patterns are looked for in the line `User-Agent: …`. Deployments with the tag `default` serve what has
//! no tags, and what nobody else serves.

use std::sync::Arc;

use super::check::in_region;
use crate::config::TagFiltering;
use crate::deployment::Deployment;
use crate::options::CallOptions;

/// Who of a group serves a request, by tags.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    tags: &'a [Box<str>],
    any: bool,
    agent: Option<String>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Tags are not looked at.
    Everybody,
    /// Who has what is asked for.
    Matching,
    /// Who has the tag `default`.
    Default,
    /// Nothing is asked for, and nobody has the tag `default`: who is not there for single clients only.
    Unspecific,
    /// Who is not ruled out.
    Allowed,
}

impl<'a> Pool<'a> {
    /// The pool of `group` that serves a request with these options. Who is elsewhere than the request may go does not
    /// count.
    pub(super) fn of(
        group: &[Arc<Deployment>],
        options: &'a CallOptions,
        filtering: TagFiltering,
    ) -> Self {
        let mut pool = Self {
            tags: &options.tags,
            any: filtering.any,
            agent: None,
            kind: Kind::Everybody,
        };
        if !filtering.enabled {
            return pool;
        }
        let region = options.region.as_deref();
        let group = || group.iter().filter(|it| in_region(it, region));
        let patterns = group().any(|it| !it.tag_patterns.is_empty());
        let agent = options.user_agent.as_deref().filter(|_| patterns);
        pool.agent = agent.map(|agent| format!("User-Agent: {agent}"));
        let has = |kind| {
            let pool = Pool {
                kind,
                agent: pool.agent.clone(),
                ..pool
            };
            group().any(|it| pool.admits(it))
        };
        let asks = pool.tags.iter().any(|tag| Marker::of(tag) == Marker::Wants);
        let requires = pool
            .tags
            .iter()
            .any(|tag| Marker::of(tag) == Marker::Requires);
        pool.kind = if has(Kind::Matching) {
            Kind::Matching
        } else if requires && !asks {
            Kind::Allowed
        } else if asks || has(Kind::Default) {
            Kind::Default
        } else {
            Kind::Unspecific
        };
        pool
    }

    /// Whether this deployment is in it.
    pub(super) fn admits(&self, deployment: &Deployment) -> bool {
        match self.kind {
            Kind::Everybody => true,
            Kind::Matching => self.allows(deployment) && self.matches(deployment),
            Kind::Default => self.allows(deployment) && carries(deployment, DEFAULT),
            Kind::Unspecific => self.allows(deployment) && deployment.tag_patterns.is_empty(),
            Kind::Allowed => self.allows(deployment),
        }
    }

    fn allows(&self, deployment: &Deployment) -> bool {
        self.tags.iter().all(|tag| match Marker::of(tag) {
            Marker::Wants => true,
            Marker::Requires => carries(deployment, bare(tag)),
            Marker::RulesOut => !carries(deployment, bare(tag)),
        })
    }

    fn matches(&self, deployment: &Deployment) -> bool {
        let mut wanted = self
            .tags
            .iter()
            .map(|tag| &**tag)
            .filter(|tag| Marker::of(tag) == Marker::Wants)
            .peekable();
        let asks = wanted.peek().is_some();
        let has = |tag: &str| carries(deployment, tag);
        let tagged = asks
            && if self.any {
                wanted.any(has)
            } else {
                wanted.all(has)
            };
        // Where all tags must be there, a client's name does not make up for one that is not.
        let strict = !self.any && !deployment.tags.is_empty();
        tagged || (!strict && self.agent_matches(deployment))
    }

    fn agent_matches(&self, deployment: &Deployment) -> bool {
        let agent = self.agent.as_deref();
        agent.is_some_and(|agent| deployment.tag_patterns.iter().any(|it| it.is_match(agent)))
    }
}

/// What a request's tag does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Wants,
    Requires,
    RulesOut,
}

impl Marker {
    /// A marker alone is no tag of anybody's, and so wants what nobody has.
    fn of(tag: &str) -> Self {
        match tag.as_bytes() {
            [b'&', _, ..] => Self::Requires,
            [b'!', _, ..] => Self::RulesOut,
            _ => Self::Wants,
        }
    }
}

fn bare(tag: &str) -> &str {
    tag.get(1..).unwrap_or_default()
}

fn carries(deployment: &Deployment, tag: &str) -> bool {
    deployment.tags.iter().any(|it| it == tag)
}

const DEFAULT: &str = "default";
