//! What the bodies of one route get that those of the endpoint's other routes do not.

use gateway_core::{Edit, Envelope};
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::headers::listed_betas;

/// The members that a route adds to its bodies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Additions {
    /// Name and raw JSON, set when absent.
    pub(crate) constants: &'static [(&'static str, &'static str)],
    /// Where the client's `anthropic-beta` goes, if the provider wants it in the body.
    pub(crate) betas: Option<BodyBetas>,
}

/// A list of betas in a body: which values pass, under the name that the provider knows them by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BodyBetas {
    /// As the member `anthropic_beta`.
    Field(KnownBetas),
    /// As the member `anthropic_beta` of this member.
    Nested(&'static str, KnownBetas),
}

/// Betas by the client's name, and by the provider's.
pub(crate) type KnownBetas = &'static [(&'static str, &'static str)];

impl Additions {
    /// Whether a client with these headers has nothing added to its bodies.
    pub(crate) fn is_empty(&self, headers: &HeaderMap) -> bool {
        self.constants.is_empty() && self.asked(headers).is_empty()
    }

    /// Adds to the edit of `envelope` what a client with these headers gets.
    pub(crate) fn apply(&self, envelope: &Envelope, headers: &HeaderMap, edit: &mut Edit<'_>) {
        for (key, raw) in self.constants {
            edit.set_if_absent(key, raw.as_bytes());
        }
        let asked = self.asked(headers);
        if asked.is_empty() {
            return;
        }
        let member = |key| serde_json::from_slice::<Value>(envelope.field(key)?).ok();
        match self.betas {
            None => {}
            Some(BodyBetas::Field(_)) => {
                let list = merged(member(FIELD), &asked);
                edit.set(FIELD, list.to_string());
            }
            Some(BodyBetas::Nested(outer, _)) => {
                let mut fields = match member(outer) {
                    Some(Value::Object(fields)) => fields,
                    _ => Map::new(),
                };
                let list = merged(fields.remove(FIELD), &asked);
                fields.insert(FIELD.to_owned(), list);
                edit.set(outer, Value::Object(fields).to_string());
            }
        }
    }

    fn asked(&self, headers: &HeaderMap) -> Vec<&'static str> {
        match self.betas {
            None => Vec::new(),
            Some(BodyBetas::Field(known) | BodyBetas::Nested(_, known)) => {
                listed_betas(headers, known)
            }
        }
    }
}

/// The list that is there already, and what it has not yet.
fn merged(present: Option<Value>, asked: &[&str]) -> Value {
    let mut list = match present {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    for beta in asked {
        if !list.iter().any(|it| it == beta) {
            list.push(Value::from(*beta));
        }
    }
    Value::Array(list)
}

const FIELD: &str = "anthropic_beta";

#[cfg(test)]
mod tests {
    use super::{Additions, BodyBetas};
    use bytes::Bytes;
    use gateway_core::{Envelope, Limits};
    use http::HeaderMap;

    const KNOWN: &[(&str, &str)] = &[("a", "a"), ("b", "tool-b")];

    fn sent(betas: BodyBetas, body: &'static str, asked: &'static str) -> String {
        let additions = Additions {
            constants: &[("v", "1")],
            betas: Some(betas),
        };
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-beta", asked.parse().unwrap());
        let envelope =
            Envelope::parse(Bytes::from_static(body.as_bytes()), Limits::default()).unwrap();
        let mut edit = envelope.edit();
        additions.apply(&envelope, &headers, &mut edit);
        String::from_utf8(edit.finish().to_vec()).unwrap()
    }

    #[test]
    fn known_betas_join_the_list_that_is_there() {
        let field = BodyBetas::Field(KNOWN);
        for (body, asked, expected) in [
            (
                "{}",
                "a,zzz, b",
                r#"{"v":1,"anthropic_beta":["a","tool-b"]}"#,
            ),
            ("{}", "zzz", r#"{"v":1}"#),
            (
                r#"{"v":2,"anthropic_beta":["own","a"]}"#,
                "b,a",
                r#"{"v":2,"anthropic_beta":["own","a","tool-b"]}"#,
            ),
        ] {
            assert_eq!(sent(field, body, asked), expected);
        }
    }

    #[test]
    fn nested_betas_leave_their_neighbors_alone() {
        let nested = BodyBetas::Nested("more", KNOWN);
        for (body, expected) in [
            (r#"{"v":1}"#, r#"{"v":1,"more":{"anthropic_beta":["a"]}}"#),
            (
                r#"{"v":1,"more":{"top_k":5,"anthropic_beta":["own"]}}"#,
                r#"{"v":1,"more":{"anthropic_beta":["own","a"],"top_k":5}}"#,
            ),
        ] {
            assert_eq!(sent(nested, body, "a"), expected);
        }
    }

    #[test]
    fn a_route_without_additions_adds_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-beta", "a".parse().unwrap());
        assert!(Additions::default().is_empty(&headers));
    }
}
