//! Requests: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.

mod content;
mod fields;
mod media;
mod messages;
mod tools;

use serde::Serialize;
use serde_json::{Map, Value};

use super::family::Family;
use crate::chat::Request;
use crate::translate::{Losses, Target, TranslateError};
use content::Block;
use fields::{Inference, OutputConfig, Tier};
use messages::{SystemBlock, Turn};
use tools::ToolConfig;

/// Writes the body of a request. The model and whether to stream stand in the path.
pub(super) fn write(
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, TranslateError> {
    let Request {
        model: _,
        stream: _,
        messages,
        tools,
        tool_choice,
        parallel_tool_calls,
        parameters,
        other,
    } = request;
    let family = Family::of(target.model);
    let mut body = Body::default();
    let mut said = messages::Writer::new(family, losses);
    for (index, message) in messages.iter().enumerate() {
        said.message(message, index);
    }
    (body.system, body.messages) = said.finish();
    let asked = tools::Asked {
        tools,
        choice: tool_choice.as_ref(),
        parallel: *parallel_tool_calls,
        format: parameters.format.as_ref(),
    };
    fields::parameters(parameters, target, &mut body, losses);
    tools::write(&asked, target, &mut body, losses);
    fields::own(other, &mut body, losses);
    Ok(serde_json::to_vec(&body).expect("texts, numbers and JSON always serialize"))
}

/// The body of a request.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<SystemBlock<'a>>,
    #[serde(skip_serializing_if = "Inference::is_empty")]
    inference_config: Inference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    /// What is the model's own.
    #[serde(skip_serializing_if = "Map::is_empty")]
    additional_model_request_fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    additional_model_response_field_paths: Vec<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    request_metadata: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<Tier<'a>>,
}

impl<'a> Body<'a> {
    fn thinks(&self) -> bool {
        let thinking = self.additional_model_request_fields.get("thinking");
        thinking.is_some_and(|it| it["type"] != "disabled")
    }

    fn think_not(&mut self) {
        for name in ["thinking", "output_config"] {
            self.additional_model_request_fields.remove(name);
        }
    }

    /// Every block of the messages.
    fn blocks(&self) -> impl Iterator<Item = &Block<'a>> {
        self.messages.iter().flat_map(|turn| &turn.content)
    }
}
