//! LLM providers: a deployment and a call become one signed HTTP request.
