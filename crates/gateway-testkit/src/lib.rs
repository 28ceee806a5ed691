//! Scriptable LLM upstream with every fault, test certificates and a raw test client.
