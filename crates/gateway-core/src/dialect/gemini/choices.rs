//! How many candidates a request asks for.

use serde::Deserialize;

use crate::envelope::Envelope;

/// `generationConfig.candidateCount`, in either spelling.
pub(in crate::dialect) fn choices_asked(request: &Envelope) -> Option<u64> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(rename = "candidateCount", alias = "candidate_count")]
        count: Option<u64>,
    }
    let config = request
        .field("generationConfig")
        .or_else(|| request.field("generation_config"))?;
    serde_json::from_slice::<Config>(config).ok()?.count
}
