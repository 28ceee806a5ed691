//! The top-level keys.

use super::super::kind::Kind;
use super::{CREDENTIAL, DEPLOYMENT, GATEWAY, GENERAL, LITELLM, ROUTER, section};

section! {
    /// The document itself.
    TOP = "the configuration" {
        /// Who serves: one entry for each deployment. Entries of the same `model_name` are one group.
        honored "model_list": Kind::Sections(&DEPLOYMENT);
        /// How a deployment is chosen, how long a call may take, what happens when it fails.
        honored "router_settings": Kind::Section(&ROUTER);
        /// What holds for all deployments; several of its keys count where `router_settings` says nothing.
        honored "litellm_settings": Kind::Section(&LITELLM);
        /// The key that callers present, and what the gateway takes on.
        honored "general_settings": Kind::Section(&GENERAL);
        /// Variables for `os.environ/NAME` and for providers, over those of the process. Never PATH, LD_*, PYTHON* and the like. Example: `{AWS_REGION: eu-west-1}`.
        honored "environment_variables": Kind::Map;
        /// Other files, beside this one. Lists are appended; any other value of theirs replaces ours as a whole. Example: `[models.yaml]`.
        honored "include": Kind::TextList;
        /// Credentials by name, for `litellm_credential_name`.
        honored "credential_list": Kind::Sections(&CREDENTIAL);
        /// Keys of this gateway alone. LiteLLM passes over them, so that one file serves both.
        honored "gateway": Kind::Section(&GATEWAY);
        ignored "guardrails": Kind::Any => "requests and answers are not checked by these guardrails";
        ignored "mcp_servers": Kind::Any => "the MCP routes do not exist";
        ignored "mcp_tools": Kind::Any => "the MCP routes do not exist";
        ignored "search_tools": Kind::Any => "the search routes do not exist";
        ignored "callback_settings": Kind::Any => "callbacks are not called";
        ignored "default_vertex_config": Kind::Any => "the Vertex pass-through routes do not exist; vertex deployments name their own project";
        ignored "assistant_settings": Kind::Any => "the assistants routes do not exist";
        ignored "files_settings": Kind::Any => "the files routes do not exist";
        ignored "finetune_settings": Kind::Any => "the fine-tuning routes do not exist";
        ignored "vector_store_registry": Kind::Any => "vector stores are not searched";
        ignored "prompts": Kind::Any => "prompt templates are not filled in";
        ignored "worker_registry": Kind::Any => "no other proxy is controlled from here";
        ignored "policies": Kind::Any => "requests and answers are not checked by these guardrails";
        ignored "policy_attachments": Kind::Any => "requests and answers are not checked by these guardrails";
    }
}
