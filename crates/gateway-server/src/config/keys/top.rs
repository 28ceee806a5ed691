//! The top-level keys.

use super::super::kind::Kind;
use super::{CREDENTIAL, DEPLOYMENT, GATEWAY, GENERAL, LITELLM, ROUTER, section};

section! {
    /// The document itself.
    TOP = "the configuration" {
        honored "model_list": Kind::Sections(&DEPLOYMENT);
        honored "router_settings": Kind::Section(&ROUTER);
        honored "litellm_settings": Kind::Section(&LITELLM);
        honored "general_settings": Kind::Section(&GENERAL);
        honored "environment_variables": Kind::Map;
        honored "include": Kind::TextList;
        honored "credential_list": Kind::Sections(&CREDENTIAL);
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
    }
}
