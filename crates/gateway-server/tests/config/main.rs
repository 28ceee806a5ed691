//! The configuration, from texts and variables to settings and problems.

// What a test calls is part of the test: it fails loudly.
#![allow(clippy::unwrap_used)]

mod documented; // Keys of the documentation of LiteLLM.
mod environment; // Variables, references, secrets.
mod files; // Includes, the reference configuration, the examples.
mod machines; // What machines read.
mod problems; // What is reported, and where.
mod properties; // Arbitrary input, and figures.
mod routing; // Retries, fallbacks, cooldowns: what comes out, and what is wrong with it.
mod settings; // What comes out.
mod shapes; // What is refused for its shape.
mod support; // Loading texts.
mod tracing; // Where traces go.
