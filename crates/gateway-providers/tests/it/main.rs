//! Endpoints from outside: what is built, what is sent, what is refused.

mod amazon;
mod aws;
mod azure;
mod bedrock;
mod betas;
mod compatible;
mod example;
mod gemini;
mod refused;
mod requests;
mod vertex;
mod world;
