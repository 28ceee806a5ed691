//! The testkit against itself: a double that does not do what it says makes every other test lie.

mod dialects;
mod faults;
mod http1;
mod http2;
mod process;
mod tls;
mod volume;
