//! What a model of Google's can do, by its name.

/// A model's family, by its name; other names tell nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    /// Major and minor version.
    version: Option<(u32, u32)>,
    size: Size,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Pro,
    Flash,
    Lite,
    Other,
}

/// How a model is told how much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// It cannot be.
    Never,
    /// In tokens; the least that it takes.
    Budget { least: u64, most: u64 },
    /// In words; the least and the one in the middle that it takes.
    Level {
        least: &'static str,
        middle: &'static str,
    },
}

impl Generation {
    /// Of `gemini-2.5-flash`, `publishers/google/models/gemini-3-pro-preview`, `gemini-flash-latest`.
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let size = [
            ("lite", Size::Lite),
            ("flash", Size::Flash),
            ("pro", Size::Pro),
        ]
        .into_iter()
        .find(|(word, _)| name.split(['-', '.', '_']).any(|it| it == *word))
        .map_or(Size::Other, |(_, size)| size);
        let version = name
            .split_once("gemini-")
            .and_then(|(_, rest)| version(rest));
        Self { version, size }
    }

    /// Whether it is at least of the third generation, which checks the signatures of tool calls and takes images in
    /// the results of tools.
    pub(super) fn is_third(self) -> bool {
        self.version.is_some_and(|(major, _)| major >= 3)
    }

    /// How it is told how much to think.
    pub(super) fn thinking(self) -> Thinking {
        match self.version {
            Some((major, _)) if major >= 3 => Thinking::Level {
                least: if self.size == Size::Pro {
                    "LOW"
                } else {
                    "MINIMAL"
                },
                // The first of them knew two levels.
                middle: if self.size == Size::Pro && self.version == Some((3, 0)) {
                    "HIGH"
                } else {
                    "MEDIUM"
                },
            },
            Some(version) if version < (2, 5) => Thinking::Never,
            _ => Thinking::Budget {
                least: if self.size == Size::Pro { 128 } else { 0 },
                most: if self.size == Size::Pro {
                    32_768
                } else {
                    24_576
                },
            },
        }
    }
}

/// The version that a name goes on with; the newest where it says so.
fn version(rest: &str) -> Option<(u32, u32)> {
    let word = rest.split('-').next()?;
    let (major, minor) = word.split_once('.').unwrap_or((word, "0"));
    match (major.parse(), minor.parse()) {
        (Ok(major), Ok(minor)) => Some((major, minor)),
        _ => rest.ends_with("-latest").then_some((u32::MAX, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Generation, Thinking};

    #[test]
    fn a_name_tells_what_its_model_takes() {
        let level = |least, middle| Thinking::Level { least, middle };
        for (name, third, thinking) in [
            (
                "gemini-2.5-pro",
                false,
                Thinking::Budget {
                    least: 128,
                    most: 32_768,
                },
            ),
            (
                "publishers/google/models/gemini-2.5-flash-lite-preview",
                false,
                Thinking::Budget {
                    least: 0,
                    most: 24_576,
                },
            ),
            ("gemini-2.0-flash", false, Thinking::Never),
            ("gemini-3-pro-preview", true, level("LOW", "HIGH")),
            ("gemini-3.1-pro-preview", true, level("LOW", "MEDIUM")),
            ("gemini-3-flash-preview", true, level("MINIMAL", "MEDIUM")),
            ("gemini-flash-latest", true, level("MINIMAL", "MEDIUM")),
            (
                "1234567890",
                false,
                Thinking::Budget {
                    least: 0,
                    most: 24_576,
                },
            ),
        ] {
            let generation = Generation::of(name);
            assert_eq!(generation.is_third(), third, "{name}");
            assert_eq!(generation.thinking(), thinking, "{name}");
        }
    }
}
