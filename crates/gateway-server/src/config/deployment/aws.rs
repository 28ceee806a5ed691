//! Who a deployment is for Amazon.

use super::super::problem::{Code, Report};
use super::super::tree::Node;
use super::Params;
use gateway_providers::AwsConfig;

/// What is said of it.
pub(super) fn config(params: &Params<'_>, report: &mut Report) -> AwsConfig {
    AwsConfig {
        access_key_id: params.secret("aws_access_key_id", report),
        secret_access_key: params.secret("aws_secret_access_key", report),
        session_token: params.secret("aws_session_token", report),
        // LiteLLM takes the general word for Amazon's.
        region_name: params
            .owned("aws_region_name")
            .or_else(|| params.owned("region_name")),
        profile_name: params.owned("aws_profile_name"),
        role_name: params.owned("aws_role_name"),
        session_name: params.owned("aws_session_name"),
        external_id: params.owned("aws_external_id"),
        session_tags: session_tags(params, report),
        web_identity_token: params.secret("aws_web_identity_token", report),
        sts_endpoint: params.owned("aws_sts_endpoint"),
        bedrock_runtime_endpoint: params.owned("aws_bedrock_runtime_endpoint"),
        model_id: params.owned("model_id"),
    }
}

/// `aws_session_tags`: a list of `{Key: …, Value: …}`, as the service has them.
fn session_tags(params: &Params<'_>, report: &mut Report) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    for node in params.get("aws_session_tags").map_or(&[][..], Node::items) {
        let text = |key| node.get(key).and_then(Node::as_name);
        match (text("Key"), text("Value")) {
            (Some(key), Some(value)) => tags.push((key.into_owned(), value.into_owned())),
            _ => {
                let message = "a session tag has a `Key` and a `Value`, both texts";
                report.error(Code::InvalidValue, node.place(), message);
            }
        }
    }
    tags
}
