//! Fuzz target `continuation`: see the property of that name.
#![no_main]

#[path = "../../crates/gateway-core/tests/it/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::run("continuation", input));
