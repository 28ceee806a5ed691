//! An LLM gateway that reads a LiteLLM `config.yaml` and never cuts a stream.
#![doc = include_str!("../README.md")]

// The modules, in reading order.

// What the binary does, and what it is told.
pub mod cli;
pub mod config;
mod entry;

// What the process is told and did; new configurations; starts the planes and ends them in order; from settings to
// parts; what the calls of a worker share.
mod control;
mod reload;
mod run;
mod wiring;
mod worker;

// The way of a call: accept, route, key, a place, the call itself.
mod admission;
mod api;
mod auth;
mod call;
mod edge;

// Its answer: the provider's side of a stream, the client's, a stream before its provider has said anything.
mod body;
mod opening;
mod relay;
mod respond;
mod upstream;

// Requests for a provider, in its own words.
mod pass_through;

// One line, one count and one trace per call.
mod log;
mod metrics;
mod record;
mod trace;

// What an operator sees: streams under way, the last minute, the page of it all.
mod live;
mod status;
mod window;

// What else is asked for: pools, what would happen, probes, models, the embedded upstream, the page for operators.
mod admin;
mod demo;
mod drain;
mod explain;
mod health;
mod models;
mod ui;

pub use entry::main;
pub use run::{Complaints, Heritage, Launch, RunError, run};
