//! Starts the real binary for the end-to-end tests.
