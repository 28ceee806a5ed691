//! Fuzz target `openai_chat_stream`: see the property of that name.
#![no_main]

#[path = "../../crates/gateway-core/tests/it/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::run("openai_chat_stream", input));
