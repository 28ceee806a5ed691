//! The router from outside: names, choices, attempts.

mod attempts;
mod choices;
mod example;
mod names;
mod world;
