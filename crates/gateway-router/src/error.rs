//! What is wrong with a catalog's parts, and why a call got no answer.

use gateway_providers::{EndpointError, PrepareError};
use gateway_transport::{SendError, SpecError};

/// A part of a configuration that was left out of the catalog.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogProblem {
    /// The deployment's endpoint cannot be built.
    #[error("the deployment of `{group}` is left out: {source}")]
    Endpoint {
        /// Its place in the list, counted from 0.
        index: usize,
        /// Its model group.
        group: String,
        /// Why not.
        source: EndpointError,
    },
    /// No connection can be made as the deployment says.
    #[error("the deployment of `{group}` is left out: {source}")]
    Origin {
        /// Its place in the list, counted from 0.
        index: usize,
        /// Its model group.
        group: String,
        /// Why not.
        source: SpecError,
    },
    /// The deployment has no group name.
    #[error("a deployment without a model name is left out")]
    Nameless {
        /// Its place in the list, counted from 0.
        index: usize,
    },
    /// The weight is negative or no number.
    #[error("the deployment of `{group}` is left out: its weight is {weight}")]
    Weight {
        /// Its place in the list, counted from 0.
        index: usize,
        /// Its model group.
        group: String,
        /// What was given.
        weight: f64,
    },
    /// A pattern of user agents is no regular expression.
    #[error(
        "the deployment of `{group}` is left out: its pattern `{pattern}` cannot be used: {source}"
    )]
    TagPattern {
        /// Its place in the list, counted from 0.
        index: usize,
        /// Its model group.
        group: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: regex_lite::Error,
    },
    /// The id belongs to another deployment already.
    #[error("the deployment of `{group}` is left out: its id `{id}` is taken")]
    DuplicateId {
        /// Its place in the list, counted from 0.
        index: usize,
        /// Its model group.
        group: String,
        /// The id.
        id: String,
    },
    /// An alias leads nowhere.
    #[error("the alias `{name}` is left out: there is no model group `{target}`")]
    Alias {
        /// The alias.
        name: String,
        /// What it should lead to.
        target: String,
    },
}

impl CatalogProblem {
    /// The place of the deployment in the list that the catalog was built from, counted from 0.
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Endpoint { index, .. }
            | Self::Origin { index, .. }
            | Self::Nameless { index }
            | Self::Weight { index, .. }
            | Self::TagPattern { index, .. }
            | Self::DuplicateId { index, .. } => Some(*index),
            Self::Alias { .. } => None,
        }
    }
}

/// Why an exchange got no answer's head.
#[derive(Debug, thiserror::Error)]
pub enum SendFailure {
    /// The request could not be made; the provider heard nothing.
    #[error("the request could not be made")]
    Prepare(#[from] PrepareError),
    /// The request was made, and no answer's head came back.
    #[error("the provider did not answer")]
    Send(#[from] SendError),
}
