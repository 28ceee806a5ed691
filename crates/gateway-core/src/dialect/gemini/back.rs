//! Providers that speak generateContent, for clients of any dialect.

mod answer;
mod config;
mod contents;
mod generation;
mod grounding;
mod logprobs;
mod media;
mod stream;
mod tools;

use serde::Serialize;

use crate::chat::{Request, Role};
use crate::spoke::Back;
use crate::translate::{First, Losses, NameRule, Target, TranslateError};

pub(in crate::dialect) static BACK: Back = Back {
    write_request,
    read_answer: answer::read,
    stream_reader: || Box::new(stream::GeminiReader::default()),
    tool_names: NameRule {
        longest: 64,
        punctuation: "_-.:",
        first: First::Letter,
    },
    // They are not sent: Vertex AI refuses the field.
    call_ids: NameRule::ANY,
};

/// A `GenerateContentRequest`. The model, and whether the answer streams, stand in the path.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    contents: Vec<contents::Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<contents::Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<tools::Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<tools::ToolConfig<'a>>,
    #[serde(skip_serializing_if = "config::GenerationConfig::is_empty")]
    generation_config: config::GenerationConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

fn write_request(
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, TranslateError> {
    let Request {
        model,
        stream: _,
        messages,
        tools,
        tool_choice,
        parallel_tool_calls,
        parameters,
        other: _,
    } = request;
    let generation = generation::Generation::of(model);
    let mut writer = contents::Writer::new(generation, messages, losses);
    for (index, message) in messages.iter().enumerate() {
        match message.role {
            Role::System | Role::Developer => writer.instruct(index, message)?,
            Role::User | Role::Assistant => writer.say(index, message)?,
        }
    }
    let (contents, system_instruction) = writer.finish();
    let mut tools = tools::write(tools, losses);
    let tool_config = tools::choice(tool_choice.as_ref());
    if *parallel_tool_calls == Some(false) {
        tools::one_at_a_time(&tools, losses);
    }
    let (generation_config, rest) = config::write(parameters, generation, target, losses);
    if rest.search {
        tools::add_search(&mut tools);
    }
    let body = Body {
        contents,
        system_instruction,
        tools,
        tool_config,
        generation_config,
        service_tier: rest.service_tier,
    };
    Ok(serde_json::to_vec(&body).expect("texts, numbers and JSON always serialize"))
}

#[cfg(test)]
mod tests;
