//! Endpoints from outside: what is built, what is sent, what is refused.

mod azure;
mod example;
mod refused;
mod requests;
mod vertex;
mod world;
