//! Amazon Bedrock: Converse for all models, and InvokeModel for Claude, which takes Anthropic's own messages.
//!
//! Source: AWS's "Amazon Bedrock Runtime API Reference" (Converse, ConverseStream, InvokeModel,
//! InvokeModelWithResponseStream), "Anthropic Claude Messages API" and "Use an Amazon Bedrock API key" of its user guide.

use gateway_core::Dialect;
use http::header;

use crate::additions::{Additions, BodyBetas};
use crate::aws::{Scope, Signer, dns_suffix, region};
use crate::betas;
use crate::blueprint::{Blueprint, Credential, Mode, ModelField, Route, Target};
use crate::error::EndpointError;
use crate::provider::Settings;
use crate::reply::Framing;
use crate::url::BaseUrl;

/// The endpoint of one region.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let model = Model::of(settings)?;
    let region = match model.region {
        Some(region) if settings.config.aws.region_name.is_none() => region.to_owned(),
        _ => region(settings, Some(model.id))?,
    };
    let base = base(settings, &region)?;
    let mut routes = Vec::new();
    for operation in OPERATIONS {
        if model.ways.contains(&operation.way) {
            let target = Target::around_model(&base, "/model/", model.id, operation.path, None)?;
            routes.push(Route {
                mode: operation.mode,
                framing: operation.way.framing(),
                additions: operation.way.additions(model.is_claude()),
                model_field: ModelField::RemovedWithStream,
                ..Route::new(operation.way.dialect(), target)
            });
        }
    }
    let credential = credential(settings, region)?;
    Ok(Blueprint::new(base, routes, credential))
}

/// Which API of Bedrock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Converse,
    Invoke,
}

impl Way {
    fn dialect(self) -> Dialect {
        match self {
            Self::Converse => Dialect::BedrockConverse,
            Self::Invoke => Dialect::AnthropicMessages,
        }
    }

    fn framing(self) -> Framing {
        match self {
            Self::Converse => Framing::AwsConverse,
            Self::Invoke => Framing::AwsInvoke,
        }
    }

    fn additions(self, claude: bool) -> Additions {
        match self {
            Self::Invoke => Additions {
                constants: &[("anthropic_version", "\"bedrock-2023-05-31\"")],
                betas: Some(BodyBetas::Field(betas::bedrock_invoke)),
            },
            Self::Converse => Additions {
                constants: &[],
                betas: claude
                    .then_some(BodyBetas::Nested(CONVERSE_FIELDS, betas::bedrock_converse)),
            },
        }
    }
}

/// An operation of an API.
struct Operation {
    way: Way,
    mode: Mode,
    path: &'static str,
}

/// A model as LiteLLM writes it: `[converse/|invoke/][region/]id`.
#[derive(Debug, PartialEq, Eq)]
struct Model<'a> {
    /// What is in the URL.
    id: &'a str,
    /// What the operator calls it: says more than an ARN does.
    name: &'a str,
    region: Option<&'a str>,
    ways: &'static [Way],
}

impl<'a> Model<'a> {
    fn of(settings: &'a Settings<'_>) -> Result<Self, EndpointError> {
        let wrong = |reason| EndpointError::Model {
            model: settings.config.model.clone(),
            reason,
        };
        let (mut ways, mut name) = (None, settings.model);
        while let Some((prefix, rest)) = name.split_once('/') {
            match prefix {
                "bedrock" => {}
                "converse" => ways = Some(CONVERSE),
                "invoke" => ways = Some(INVOKE),
                // How LiteLLM is told of imported models that are Nova.
                "nova" | "nova-2" => ways = ways.or(Some(CONVERSE)),
                _ if UNSERVED.contains(&prefix) => return Err(wrong(NO_ROUTE)),
                _ => break,
            }
            name = rest;
        }
        let mut region = None;
        if let Some((prefix, rest)) = name.split_once('/')
            && is_region(prefix)
        {
            (region, name) = (Some(prefix), rest);
        }
        let own_id = settings.config.aws.model_id.as_deref().map(str::trim);
        let own_id = own_id.filter(|id| !id.is_empty());
        let mut model = Self {
            id: own_id.unwrap_or(name),
            name,
            region,
            ways: ways.unwrap_or(CONVERSE),
        };
        if model.id.is_empty() {
            return Err(wrong("the model's name is empty"));
        }
        if ways.is_none() && model.is_claude() {
            model.ways = BOTH;
        }
        // An ARN does not say whose the model is, so the operator is believed.
        if ways == Some(INVOKE) && !model.is_claude() && !name.starts_with("arn:") {
            return Err(wrong(
                "by InvokeModel only Claude is served; use `bedrock/converse/`",
            ));
        }
        Ok(model)
    }

    fn is_claude(&self) -> bool {
        [self.name, self.id]
            .iter()
            .any(|text| text.contains("anthropic.") || text.contains("claude"))
    }
}

/// The base: `api_base`, else Bedrock's own setting, else its variable, else Amazon's host of the region.
fn base(settings: &Settings<'_>, region: &str) -> Result<BaseUrl, EndpointError> {
    if let Some(base) = settings.configured_base() {
        return base;
    }
    let own = settings.config.aws.bedrock_runtime_endpoint.clone();
    let own = own.filter(|endpoint| !endpoint.trim().is_empty());
    let (setting, endpoint) = match own {
        Some(endpoint) => ("aws_bedrock_runtime_endpoint", endpoint),
        None => settings
            .environment
            .first(settings.provider.base_variables)
            .unwrap_or_else(|| {
                let host = format!("bedrock-runtime.{region}.{}", dns_suffix(region));
                ("aws_region_name", format!("https://{host}"))
            }),
    };
    BaseUrl::parse(&endpoint).map_err(|reason| EndpointError::setting(setting, reason))
}

/// A key wins over signatures, and an `Authorization` of the operator's own over both.
fn credential(settings: &Settings<'_>, region: String) -> Result<Credential, EndpointError> {
    let own = |(name, _): &(String, String)| name.eq_ignore_ascii_case("authorization");
    if settings.config.extra_headers.iter().any(own) {
        return Ok(Credential::None);
    }
    if let Some(key) = settings.key()? {
        return Credential::header(header::AUTHORIZATION, "Bearer ", key.expose(), "api_key");
    }
    let scope = Scope {
        region,
        service: "bedrock",
    };
    Signer::build(settings, scope).map(Credential::SigV4)
}

/// `eu-west-1`, `us-gov-west-1`: two words or more and a number.
fn is_region(text: &str) -> bool {
    let mut words = text.split('-').rev();
    let number = words.next().is_some_and(|last| last.parse::<u8>().is_ok());
    let words: Vec<_> = words.collect();
    let letters = |word: &&str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase());
    number && words.len() >= 2 && words.iter().all(letters)
}

/// The ways for a model, the preferred one first: for calls in another dialect it is Converse, as in LiteLLM.
const BOTH: &[Way] = &[Way::Converse, Way::Invoke];
const CONVERSE: &[Way] = &[Way::Converse];
const INVOKE: &[Way] = &[Way::Invoke];

#[rustfmt::skip] // One operation, one line.
const OPERATIONS: [Operation; 4] = [
    Operation { way: Way::Converse, mode: Mode::Plain, path: "/converse" },
    Operation { way: Way::Converse, mode: Mode::Stream, path: "/converse-stream" },
    Operation { way: Way::Invoke, mode: Mode::Plain, path: "/invoke" },
    Operation { way: Way::Invoke, mode: Mode::Stream, path: "/invoke-with-response-stream" },
];

/// LiteLLM's prefixes for other services and wires.
const UNSERVED: &[&str] = &[
    "agent",
    "agentcore",
    "async_invoke",
    "chat_completions",
    "claude_platform",
    "converse_like",
    "deepseek_r1",
    "llama",
    "mantle",
    "moonshot",
    "openai",
    "qwen2",
    "qwen3",
    "stability",
];
const NO_ROUTE: &str = "this route of Bedrock is not served; the ones that are: `bedrock/converse/`, `bedrock/invoke/`";

/// The member of Converse's body for what the models have of their own.
const CONVERSE_FIELDS: &str = "additionalModelRequestFields";

#[cfg(test)]
mod tests {
    use super::is_region;

    #[test]
    fn a_region_in_front_of_a_model_is_one() {
        for region in [
            "us-east-1",
            "us-gov-west-1",
            "ap-southeast-2",
            "us-isob-east-1",
        ] {
            assert!(is_region(region), "{region}");
        }
        for other in [
            "anthropic.claude-3",
            "us",
            "eu-1",
            "Us-east-1",
            "us-east-",
            "-1",
            "us--1",
            "",
        ] {
            assert!(!is_region(other), "{other}");
        }
    }
}
