//! Secrets: as they are written, or from files.

use super::problem::{Code, Place, Report};
use super::read;
use gateway_core::Secret;
use std::path::Path;

/// A secret as it is written, or from the file that `file:/path` names. Empty ones count as unset.
pub(super) fn secret(text: &str, place: &Place, report: &mut Report) -> Option<Secret> {
    let Some(path) = text.strip_prefix("file:") else {
        return (!text.is_empty()).then(|| Secret::from(text));
    };
    match read::bounded(Path::new(path), MAX_SECRET_BYTES, report) {
        Ok(content) => {
            report.sources.counts(content.as_bytes());
            let trimmed = content.trim_end_matches(['\r', '\n']);
            if trimmed.is_empty() {
                report.error(
                    Code::Secret,
                    place.clone(),
                    format!("the secret's file {path} is empty"),
                );
                return None;
            }
            Some(Secret::from(trimmed))
        }
        Err(why) => {
            report.error(
                Code::Secret,
                place.clone(),
                format!("cannot read the secret's file {path}: {why}"),
            );
            None
        }
    }
}

const MAX_SECRET_BYTES: u64 = 64 << 10;
