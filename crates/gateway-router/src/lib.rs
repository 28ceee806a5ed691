//! Which LLM deployment serves a call, in what order, until when.
