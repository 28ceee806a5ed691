//! Scriptable LLM upstream with every fault, test certificates and a raw test client.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`upstream`] | the double: answers by script, records requests and how exchanges ended |
//! | [`script`] | the steps of an answer, right or wrong ones |
//! | [`fault`] | the fault matrix on the wire, as a table |
//! | [`dialect`] | correct answers of LLM providers |
//! | [`sequence`] | texts that prove that a stream is whole |
//! | [`ca`] | a test certificate authority |
//! | [`client`] | a raw client that sees how an answer really ended |
//! | [`volume`] | an upstream for thousands of streams, for benchmarks and the soak |
//! | [`process`] | a child process: started, measured, killed |
//! | [`http1`] | the lenient HTTP/1.1 parser of both |
//!
//! It is for tests and for the automation of this repository: its functions panic, with a message that says
//! what went wrong, where a library would return an error.

pub mod upstream;

pub mod script;

pub mod fault;

pub mod dialect;

pub mod sequence;

pub mod ca;

pub mod client;

pub mod volume;

pub mod process;

pub mod http1;

mod base64;
mod wire;
