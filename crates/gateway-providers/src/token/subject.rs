//! Tokens that somebody else issued for us and that are exchanged for one of the provider's: read anew for each
//! exchange, because they are short-lived and whoever issues them puts new ones there.

use std::path::PathBuf;

use gateway_core::Secret;
use gateway_transport::Shard;
use http::{HeaderName, HeaderValue};

use super::endpoint::TokenEndpoint;
use super::exchange::{get, send};
use crate::error::TokenError;

/// Where a token of somebody else's is.
#[derive(Debug)]
pub(super) enum Place {
    File(PathBuf),
    Url {
        endpoint: TokenEndpoint,
        headers: Vec<(HeaderName, HeaderValue)>,
    },
    /// Here, for as long as we run.
    Text(Secret),
}

/// In what it is wrapped.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Text,
    /// A JSON object, in whose member of this name it is.
    Json(String),
}

impl Place {
    /// The token that is there now.
    pub(super) async fn read(&self, form: &Form, shard: &Shard) -> Result<String, TokenError> {
        let text = match self {
            Self::Text(token) => token.expose().to_owned(),
            Self::File(path) => read_file(path.clone()).await?,
            Self::Url { endpoint, headers } => {
                let mut request = get(endpoint);
                request.headers_mut().extend(headers.iter().cloned());
                let reply = send(endpoint, shard, request).await?;
                match String::from_utf8(reply.body.to_vec()) {
                    Ok(text) if reply.status == 200 => text,
                    _ => return Err(reply.malformed().at("subject token")),
                }
            }
        };
        let token = match form {
            Form::Text => Some(text.trim().to_owned()),
            Form::Json(field) => serde_json::from_str::<serde_json::Value>(&text)
                .ok()
                .and_then(|json| Some(json.get(field)?.as_str()?.to_owned())),
        };
        token
            .filter(|token| !token.is_empty())
            .ok_or_else(|| self.nothing())
    }

    fn nothing(&self) -> TokenError {
        let place = match self {
            Self::File(path) => path.display().to_string(),
            Self::Url { endpoint, .. } => endpoint.uri.path().to_owned(),
            Self::Text(_) => String::from("the configuration"),
        };
        TokenError::Subject {
            place,
            reason: String::from("there is no token in it"),
        }
    }
}

/// Files of this kind are on a volume that an orchestrator writes: a read can hang, and must not hang a worker.
pub(crate) async fn read_file(path: PathBuf) -> Result<String, TokenError> {
    let place = path.display().to_string();
    let failed = |reason: String| TokenError::Subject { place, reason };
    let read = tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let mut text = String::new();
        std::fs::File::open(path)?
            .take(LONGEST)
            .read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    });
    match read.await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(failed(error.kind().to_string())),
        Err(_) => Err(TokenError::Abandoned),
    }
}

/// Longest token that is read, in bytes.
const LONGEST: u64 = 64 * 1024;
