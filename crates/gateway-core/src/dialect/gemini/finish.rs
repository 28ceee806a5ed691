//! Why a candidate ended, in Google's words and ours: <https://ai.google.dev/api/generate-content#FinishReason>.

use crate::chat::{Finish, FinishReason};

use FinishReason::{ContentFilter, Failed, Length, Pause, Stop};

/// Google's words. The first one with a meaning stands for it.
const WORDS: &[(&str, FinishReason)] = &[
    ("STOP", Stop),
    ("MAX_TOKENS", Length),
    ("SAFETY", ContentFilter),
    ("RECITATION", ContentFilter),
    ("LANGUAGE", ContentFilter),
    ("BLOCKLIST", ContentFilter),
    ("PROHIBITED_CONTENT", ContentFilter),
    ("SPII", ContentFilter),
    ("IMAGE_SAFETY", ContentFilter),
    ("IMAGE_PROHIBITED_CONTENT", ContentFilter),
    ("IMAGE_RECITATION", ContentFilter),
    ("MODEL_ARMOR", ContentFilter),
    ("ESCALATION", ContentFilter),
    ("PUP_LIMITED_DISABLED", ContentFilter),
    ("OTHER", Failed),
    ("MALFORMED_FUNCTION_CALL", Failed),
    ("UNEXPECTED_TOOL_CALL", Failed),
    ("TOO_MANY_TOOL_CALLS", Failed),
    ("MISSING_THOUGHT_SIGNATURE", Failed),
    ("MALFORMED_RESPONSE", Failed),
    ("IMAGE_OTHER", Failed),
    ("NO_IMAGE", Failed),
    ("CONTINUATION", Pause),
];

/// A word of Google's and what it adds to it. Tool calls end with `STOP` there; after calls, a word that is not Google's
/// is taken for one of a server that speaks as Google does, and says of calls what it likes.
pub(super) fn read(word: &str, message: Option<&str>, called: bool) -> Finish {
    let known = WORDS.iter().find(|(it, _)| *it == word);
    let reason = match known.map(|(_, reason)| *reason) {
        None | Some(Stop) if called => FinishReason::ToolCalls,
        known => known.unwrap_or(Failed),
    };
    let plain = matches!(reason, Stop | Length | FinishReason::ToolCalls);
    let detail = match message {
        Some(message) => Some(format!("{word}: {message}")),
        None => (!plain).then(|| word.to_owned()),
    };
    Finish {
        reason,
        stop_sequence: None,
        detail,
    }
}

/// A prompt that was not answered.
pub(super) fn blocked(word: &str, message: Option<&str>) -> Finish {
    let detail = match message {
        Some(message) => format!("the prompt was blocked: {word}: {message}"),
        None => format!("the prompt was blocked: {word}"),
    };
    Finish {
        reason: ContentFilter,
        stop_sequence: None,
        detail: Some(detail),
    }
}

/// Google's word for it: the one that was given, where it was one of Google's.
pub(super) fn word(finish: &Finish) -> &'static str {
    let wanted = match finish.reason {
        Stop | FinishReason::ToolCalls => return "STOP",
        Length | FinishReason::ContextWindow => return "MAX_TOKENS",
        ContentFilter | FinishReason::Refusal => ContentFilter,
        Pause | Failed => Failed,
    };
    let said = finish.detail.as_deref().unwrap_or_default();
    let said = said.split_once(':').map_or(said, |(word, _)| word);
    WORDS
        .iter()
        .find(|(it, reason)| *it == said && *reason == wanted)
        .or_else(|| WORDS.iter().find(|(_, reason)| *reason == wanted))
        .map_or("OTHER", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::chat::FinishReason;

    #[test]
    fn calls_are_the_reason_unless_google_says_another() {
        for (word, called, reason) in [
            ("STOP", false, FinishReason::Stop),
            ("STOP", true, FinishReason::ToolCalls),
            ("MAX_TOKENS", true, FinishReason::Length),
            ("FUNCTION_CALL", true, FinishReason::ToolCalls),
            ("FUNCTION_CALL", false, FinishReason::Failed),
        ] {
            assert_eq!(read(word, None, called).reason, reason, "{word}");
        }
    }
}
