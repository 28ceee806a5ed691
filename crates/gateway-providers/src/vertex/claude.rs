//! Claude on Vertex: Anthropic's messages without the model, which is in the path.

use gateway_core::Dialect;

use super::place::Place;
use crate::additions::Additions;
use crate::blueprint::{Mode, ModelField, Route, Target};
use crate::error::EndpointError;

/// The routes of `model`.
pub(super) fn routes(place: &Place, model: &str) -> Result<Vec<Route>, EndpointError> {
    let mut routes = Vec::with_capacity(3);
    for (mode, method) in METHODS {
        let target = match place {
            Place::Whole(base) => Target::fixed(base, method, None)?,
            Place::Project { base, .. } => {
                Target::around_model(base, &place.path(MODELS), model, method, None)?
            }
        };
        routes.push(Route {
            mode,
            model_field: ModelField::Removed,
            additions: VERSION,
            ..Route::new(Dialect::AnthropicMessages, target)
        });
    }
    // Tokens are counted by a model of its own, which is told in the body for whom.
    if let Place::Project { base, .. } = place {
        let path = place.path(&format!("{MODELS}count-tokens:rawPredict"));
        routes.push(Route {
            additions: VERSION,
            ..Route::new(
                Dialect::AnthropicCountTokens,
                Target::fixed(base, &path, None)?,
            )
        });
    }
    Ok(routes)
}

const MODELS: &str = "/publishers/anthropic/models/";
const METHODS: [(Mode, &str); 2] = [
    (Mode::Plain, ":rawPredict"),
    (Mode::Stream, ":streamRawPredict"),
];

/// The version of the API is in the body here: `anthropic-version` does not pass.
pub(super) const FORWARDED: &[&str] = &["anthropic-beta"];
const VERSION: Additions = Additions {
    constants: &[("anthropic_version", "\"vertex-2023-10-16\"")],
    betas: None,
};
