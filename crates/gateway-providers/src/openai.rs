//! OpenAI, and everybody who speaks its API: `{api_base}/chat/completions` and its neighbors, a Bearer key.

use gateway_core::Dialect;
use http::{HeaderName, HeaderValue, header};

use crate::blueprint::{Blueprint, Credential, Route, Target};
use crate::compatible::Compatible;
use crate::error::EndpointError;
use crate::prices::ModelFacts;
use crate::provider::Settings;

/// The endpoint of a server that speaks OpenAI's API.
pub(crate) fn blueprint(settings: &Settings<'_>) -> Result<Blueprint, EndpointError> {
    let mut base = settings.base()?;
    // Other gateways want the whole address here, so people write it.
    if let Some(shorter) = base.strip_suffix("/chat/completions") {
        base = shorter;
    }
    let mut compatible = settings.provider.compatible;
    let quirks = compatible.quirks();
    if base.path().is_empty() {
        base = base.with_path(compatible.path);
    }
    let speaks = |(dialect, _): &(Dialect, &str)| compatible.serves.contains(dialect);
    let own = settings.provider.name == "openai";
    if own {
        compatible = Compatible::of_openai(model(settings.model));
    }
    let (model, paths) = if own {
        (model(settings.model), served(settings.model).collect())
    } else {
        (settings.model, PATHS.to_vec())
    };
    let routes = paths
        .into_iter()
        .filter(speaks)
        .map(|(dialect, path)| Ok(Route::new(dialect, Target::fixed(&base, path, None)?)))
        .collect::<Result<_, EndpointError>>()?;
    let credential = match settings.key()? {
        Some(key) if compatible.key_header.is_empty() => {
            Credential::header(header::AUTHORIZATION, "Bearer ", key.expose(), "api_key")?
        }
        Some(key) => {
            let name = HeaderName::from_static(compatible.key_header);
            Credential::header(name, "", key.expose(), "api_key")?
        }
        None => Credential::None,
    };
    let mut headers = Vec::new();
    if let Some(organization) = &settings.config.organization {
        let value = HeaderValue::try_from(organization)
            .map_err(|_| EndpointError::setting("organization", "a header cannot carry it"))?;
        headers.push((HeaderName::from_static("openai-organization"), value));
    }
    Ok(Blueprint {
        headers,
        forwarded: FORWARDED,
        model: Some(model.to_owned()),
        compatible,
        quirks,
        ..Blueprint::new(base, routes, credential)
    })
}

/// The dialects in which `model` is asked, with their paths behind a base; Azure has the same.
pub(crate) fn served(model: &str) -> impl Iterator<Item = (Dialect, &'static str)> {
    let only = model.starts_with(RESPONSES) || responds_only(model);
    PATHS
        .into_iter()
        .filter(move |(dialect, _)| !only || *dialect == Dialect::OpenAiResponses)
}

/// The model's name without what says how it is to be asked.
pub(crate) fn model(model: &str) -> &str {
    model.strip_prefix(RESPONSES).unwrap_or(model)
}

/// Whether OpenAI serves a model by Responses and not by chat completions.
fn responds_only(model: &str) -> bool {
    // A snapshot has the model's name and a date.
    let undated = model.find("-20").and_then(|at| model.get(..at));
    [Some(model), undated].into_iter().flatten().any(|name| {
        let facts = ModelFacts::of("openai", name);
        RESPONSES_ONLY.contains(&name) || facts.is_some_and(|it| it.responses_only)
    })
}

/// The first one that a client's dialect can be translated into is taken.
pub(crate) const PATHS: [(Dialect, &str); 4] = [
    (Dialect::OpenAiChat, "/chat/completions"),
    (Dialect::OpenAiCompletions, "/completions"),
    (Dialect::OpenAiEmbeddings, "/embeddings"),
    (Dialect::OpenAiResponses, "/responses"),
];

/// As LiteLLM writes it: `openai/responses/MODEL`.
const RESPONSES: &str = "responses/";
/// Those of them that the table of models does not mark, from the pages of OpenAI's models.
const RESPONSES_ONLY: &[&str] = &["codex-mini-latest", "computer-use-preview"];

/// Organization and project belong to a key, and the client's key goes nowhere: they do not pass.
pub(crate) const FORWARDED: &[&str] = &["openai-beta", "x-client-request-id"];

#[cfg(test)]
mod tests {
    use super::responds_only;

    #[test]
    fn who_has_no_chat_completions_is_known_with_and_without_a_date() {
        for model in [
            "o1-pro",
            "o3-pro-2025-06-10",
            "gpt-5-pro",
            "gpt-5.5-pro",
            "gpt-5.1-codex-max-2026-01-01",
            "codex-mini-latest",
            "computer-use-preview-2025-03-11",
        ] {
            assert!(responds_only(model), "{model}");
        }
        for model in [
            "gpt-4o",
            "gpt-5",
            "o3",
            "gpt-4o-2024-08-06",
            "my-own",
            "*",
            "",
        ] {
            assert!(!responds_only(model), "{model}");
        }
    }
}
