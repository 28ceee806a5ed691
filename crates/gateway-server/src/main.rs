//! The `gateway-server` binary.

fn main() {}
