//! The `gateway-server` binary.

use std::process::ExitCode;

/// Open streams cost less memory than with the system's allocator, and it is given back when they have ended.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    gateway_server::main()
}
