//! LLM wire formats without IO: SSE framing, request envelopes, stream observers, error bodies.
