//! An LLM gateway that reads a LiteLLM `config.yaml` and never cuts a stream.

pub mod cli; // The command line.
pub mod config;
mod entry; // What the binary does. // A LiteLLM `config.yaml` -> settings, all problems at once.

mod run; // Starts the planes and ends them in order.
mod wiring; // From settings to parts.
mod worker; // What the calls of a worker share.

mod api; // Routes.
mod auth; // Keys.
mod body; // What goes to a client.
mod call; // The life of a call.
mod edge; // Accept, TLS, HTTP; who leaves or stalls.
mod opening; // A stream before its provider has said anything.
mod record;
mod relay; // The client's side of a stream.
mod respond; // Answers of the gateway's own.
mod upstream; // The provider's side of a stream. // One line and one count per call.

mod admin; // Pools: look, rotate.
mod demo;
mod health; // Probes and metrics.
mod log; // Lines.
mod metrics; // Counters.
mod models; // The list of models. // The embedded upstream.

pub use entry::main;
pub use run::{RunError, run};
