//! The soak must be able to fail: driven as the binary that a developer starts.

// A test that cannot go on panics where it stands.
#![allow(clippy::unwrap_used)]

mod relay;
mod soak;
