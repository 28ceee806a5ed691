//! Starts the real binary for the end-to-end tests, and speaks to it as its clients do.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`binary`] | where the binaries under test are, built if they are missing or older than their sources |
//! | [`setup`] | a configuration, and the way from it to a running gateway |
//! | [`gateway`] | a running gateway: its log, its pools, its end |
//! | [`generations`] | a gateway whose process is replaced by others |
//! | [`call`] | a call in any dialect over HTTP/1.1 or HTTP/2, with its record |
//! | [`stream`] | the provider's side of a stream, cut into its parts |
//! | [`page`] | the commands on a page of the documentation |
//! | [`command`] | foreign programs, with a deadline |
//! | [`apart()`] | a test in a network of its own, from which nothing reaches the outside |
//! | [`nginx`] | nginx in front of a gateway |
//! | [`published`] | what comes from the registries, installed |
//! | [`python`] | the published Python clients |
//! | [`node`] | the published clients for Node |
//! | [`agent`] | the published agents, headless |
//! | [`double`] | doubles of providers that we did not write |
//! | [`browser`] | headless Chromium |

pub mod agent;
pub mod apart;
pub mod binary;
pub mod browser;
pub mod call;
pub mod command;
pub mod double;
pub mod gateway;
pub mod generations;
pub mod nginx;
pub mod node;
pub mod page;
pub mod published;
pub mod python;
pub mod setup;
pub mod stream;

pub use apart::apart;
pub use browser::{Browser, Page};
pub use call::{Call, Carry, Live};
pub use double::Double;
pub use gateway::Gateway;
pub use generations::Generations;
pub use setup::Setup;
pub use stream::Stream;

use std::time::Duration;

/// What must happen has this long, so that a loaded machine does not turn a test red.
pub const PATIENCE: Duration = Duration::from_secs(20);
