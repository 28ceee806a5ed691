//! HTTP client connection pools that rotate by generation and never cut a running stream.
