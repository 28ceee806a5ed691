//! How the answer shall be made: `generationConfig`.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::camel;
use super::request::{members, other, parsed};
use super::schema::json_schema;
use crate::chat::{Effort, Format, Json, Reasoning, ReasoningMode, Request, Weight};
use crate::translate::TranslateError;

/// Reads `generationConfig`.
pub(super) fn read(value: &RawValue, request: &mut Request) -> Result<(), TranslateError> {
    let mut form = Form::default();
    for (key, value) in members(value, "generationConfig")? {
        if value.get() == "null" {
            continue;
        }
        let name = camel(&key);
        let path = format!("generationConfig.{name}");
        let parameters = &mut request.parameters;
        match &*name {
            "maxOutputTokens" => parameters.max_tokens = parsed(value, &path)?,
            "temperature" => parameters.temperature = parsed(value, &path)?,
            "topP" => parameters.top_p = parsed(value, &path)?,
            "topK" => parameters.top_k = parsed(value, &path)?,
            "frequencyPenalty" => parameters.frequency_penalty = parsed(value, &path)?,
            "presencePenalty" => parameters.presence_penalty = parsed(value, &path)?,
            "seed" => parameters.seed = parsed(value, &path)?,
            "stopSequences" => parameters.stop = parsed(value, &path)?,
            "candidateCount" => parameters.choices = parsed(value, &path)?,
            "responseLogprobs" => parameters.logprobs = parsed(value, &path)?,
            "logprobs" => parameters.top_logprobs = parsed(value, &path)?,
            "responseMimeType" => form.media_type = parsed(value, &path)?,
            "responseJsonSchema" => form.schema = Some(Json::from(value)),
            "responseSchema" => {
                let schema: Value = parsed(value, &path)?;
                form.schema = Some(Json::from(&json_schema(schema)));
            }
            "thinkingConfig" => parameters.reasoning = Some(thinking(value, &path)?),
            "responseModalities" => parameters.modalities = modalities(value, &path)?,
            "speechConfig" if voice(value).is_some() => parameters.audio = voice(value),
            "mediaResolution" => other(request, &path, value, Weight::Hint),
            _ => other(request, &path, value, Weight::Parameter),
        }
    }
    request.parameters.format = form.read()?;
    Ok(())
}

/// What an answer shall look like.
#[derive(Default)]
struct Form {
    media_type: Option<String>,
    schema: Option<Json>,
}

impl Form {
    fn read(self) -> Result<Option<Format>, TranslateError> {
        match (self.media_type.as_deref(), self.schema) {
            (None | Some("" | "text/plain"), None) => Ok(None),
            (Some("application/json"), None) => Ok(Some(Format::JsonObject)),
            (None | Some("" | "application/json"), Some(schema)) => Ok(Some(Format::JsonSchema {
                name: None,
                description: None,
                schema,
                strict: None,
            })),
            _ => Err(TranslateError::invalid(
                "generationConfig.responseMimeType",
                "this model's provider answers with `text/plain` or `application/json`",
            )),
        }
    }
}

fn thinking(value: &RawValue, path: &str) -> Result<Reasoning, TranslateError> {
    let mut reasoning = Reasoning::default();
    for (key, value) in members(value, path)? {
        let name = camel(&key);
        let path = format!("{path}.{name}");
        match &*name {
            _ if value.get() == "null" => {}
            "includeThoughts" => {
                let wanted: bool = parsed(value, &path)?;
                reasoning.summary = wanted.then(|| "auto".to_owned());
            }
            "thinkingBudget" => match parsed::<i64>(value, &path)? {
                0 => reasoning.mode = Some(ReasoningMode::Off),
                budget => match u64::try_from(budget) {
                    Ok(budget) => {
                        reasoning.mode = Some(ReasoningMode::On);
                        reasoning.budget = Some(budget);
                    }
                    // Less than nothing is as much as the model likes.
                    Err(_) => reasoning.mode = Some(ReasoningMode::Adaptive),
                },
            },
            "thinkingLevel" => {
                let level: String = parsed(value, &path)?;
                reasoning.effort = Effort::parse(&level.to_ascii_lowercase());
            }
            _ => {
                return Err(TranslateError::invalid(
                    path,
                    "this gateway does not know it",
                ));
            }
        }
    }
    Ok(reasoning)
}

/// `["TEXT","AUDIO"]` in OpenAI's words; text alone is what comes anyway.
fn modalities(value: &RawValue, path: &str) -> Result<Option<Json>, TranslateError> {
    let words: Vec<String> = parsed(value, path)?;
    let words: Vec<String> = words.iter().map(|it| it.to_ascii_lowercase()).collect();
    Ok((words != ["text"]).then(|| Json::from(&json!(words))))
}

/// The one voice that was chosen, in OpenAI's shape.
fn voice(value: &RawValue) -> Option<Json> {
    let config: Value = serde_json::from_str(value.get()).ok()?;
    let name = config
        .pointer("/voiceConfig/prebuiltVoiceConfig/voiceName")
        .or_else(|| config.pointer("/voice_config/prebuilt_voice_config/voice_name"))?;
    Some(Json::from(&json!({"voice": name, "format": "pcm16"})))
}
