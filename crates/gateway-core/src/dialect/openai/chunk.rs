//! One chunk of a stream: what it says to the gateway, summed up while it is parsed.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::is_filled;
use crate::usage::{Count, Usage};

/// The members of a chunk that say something to the gateway. All others are skipped.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    pub(super) choices: Option<Choices>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    x_groq: Option<Vendor<'a>>,
}

impl<'a> Chunk<'a> {
    pub(super) fn speaks_of_an_error(&self) -> bool {
        self.error.is_some_and(is_filled)
            || self
                .object
                .is_some_and(|object| object.get() == r#""error""#)
    }

    /// What it reports of the answer's cost; Groq does so in a part of its own.
    pub(super) fn usages(&self) -> impl Iterator<Item = &'a RawValue> {
        let in_vendor_part = self.x_groq.as_ref().and_then(|vendor| vendor.usage);
        [in_vendor_part, self.usage].into_iter().flatten()
    }
}

#[derive(Deserialize)]
struct Vendor<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// The `choices` of one chunk, summed up while they are parsed: no list is built.
#[derive(Default)]
pub(super) struct Choices {
    pub(super) set: ChoiceSet,
    pub(super) content: bool,
    pub(super) usage: Usage,
}

/// Which choices of the first 128 were seen, and which have their finish reason. OpenAI allows 128 choices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChoiceSet {
    seen: u128,
    finished: u128,
    /// An index beyond what is tracked was seen: then only the marker tells the end.
    untracked: bool,
}

impl ChoiceSet {
    fn add(&mut self, index: Option<u64>, finished: bool) {
        match index
            .and_then(|index| u32::try_from(index).ok())
            .and_then(|index| 1u128.checked_shl(index))
        {
            Some(bit) => {
                self.seen |= bit;
                self.finished |= if finished { bit } else { 0 };
            }
            None => self.untracked = true,
        }
    }

    pub(super) fn expect(&mut self, count: u64) {
        match u32::try_from(count)
            .ok()
            .and_then(|count| 1u128.checked_shl(count))
        {
            Some(next) => self.seen |= next - 1,
            None if count == 128 => self.seen = u128::MAX,
            None => self.untracked = true,
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.seen |= other.seen;
        self.finished |= other.finished;
        self.untracked |= other.untracked;
    }

    pub(super) fn saw_first(&self) -> bool {
        self.seen & 1 == 1
    }

    pub(super) fn some_finished(&self) -> bool {
        self.finished != 0
    }

    pub(super) fn all_finished(&self) -> bool {
        self.finished != 0 && self.finished == self.seen && !self.untracked
    }
}

#[derive(Deserialize)]
struct Choice<'a> {
    index: Option<Count>,
    delta: Option<Delta>,
    /// Some servers send a whole message in place of a delta.
    message: Option<Delta>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChoicesVisitor;

        impl<'de> Visitor<'de> for ChoicesVisitor {
            type Value = Choices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of choices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Choices, A::Error> {
                let mut sum = Choices::default();
                while let Some(choice) = seq.next_element::<Choice<'de>>()? {
                    let index = choice.index.map_or(Some(0), |index| index.0);
                    sum.set
                        .add(index, choice.finish_reason.is_some_and(is_filled));
                    sum.content |= [&choice.delta, &choice.message]
                        .into_iter()
                        .flatten()
                        .any(|delta| delta.filled)
                        || choice.text.is_some_and(is_filled);
                    sum.usage
                        .merge(choice.usage.map(Usage::read).unwrap_or_default());
                }
                Ok(sum)
            }
        }

        deserializer.deserialize_seq(ChoicesVisitor)
    }
}

/// Whether a delta says anything besides its role. Unknown members count: they are somebody's new kind of content.
struct Delta {
    filled: bool,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum DeltaKey {
    Role,
    #[serde(other)]
    Content,
}

impl<'de> Deserialize<'de> for Delta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DeltaVisitor;

        impl<'de> Visitor<'de> for DeltaVisitor {
            type Value = Delta;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a delta")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Delta, A::Error> {
                let mut filled = false;
                while let Some((key, value)) = map.next_entry::<DeltaKey, &'de RawValue>()? {
                    filled |= matches!(key, DeltaKey::Content) && is_filled(value);
                }
                Ok(Delta { filled })
            }
        }

        deserializer.deserialize_map(DeltaVisitor)
    }
}
