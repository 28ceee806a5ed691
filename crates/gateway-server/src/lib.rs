//! An LLM gateway that reads a LiteLLM `config.yaml` and never cuts a stream.
