//! What the bodies of one route get that those of the endpoint's other routes do not.

use gateway_core::{Edit, Envelope};
use serde_json::{Map, Value};

use crate::betas::{Client, KnownBetas};

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

impl Additions {
    /// Whether this client has nothing added to its bodies.
    pub(crate) fn is_empty(&self, client: Client<'_>) -> bool {
        self.constants.is_empty() && self.asked(client).is_empty()
    }

    /// Adds to the edit of `envelope` what this client gets.
    pub(crate) fn apply(&self, envelope: &Envelope, client: Client<'_>, edit: &mut Edit<'_>) {
        for (key, raw) in self.constants {
            edit.set_if_absent(key, raw.as_bytes());
        }
        let asked = self.asked(client);
        if asked.is_empty() && client.refused.is_empty() {
            return;
        }
        let merged = |present: Option<Value>| merged(present, &asked, client);
        let member = |key| serde_json::from_slice::<Value>(envelope.field(key)?).ok();
        match self.betas {
            None => {}
            Some(BodyBetas::Field(_)) => {
                match merged(member(FIELD)) {
                    Some(list) => edit.set(FIELD, list.to_string()),
                    None => edit.remove(FIELD),
                };
            }
            Some(BodyBetas::Nested(outer, _)) => {
                let mut fields = match member(outer) {
                    Some(Value::Object(fields)) => fields,
                    _ => Map::new(),
                };
                if let Some(list) = merged(fields.remove(FIELD)) {
                    fields.insert(FIELD.to_owned(), list);
                }
                if !fields.is_empty() || envelope.field(outer).is_some() {
                    edit.set(outer, Value::Object(fields).to_string());
                }
            }
        }
    }

    /// The betas that a body made of `envelope` for this client has.
    pub(crate) fn betas_sent(&self, envelope: &Envelope, client: Client<'_>) -> Vec<String> {
        let member = |key| serde_json::from_slice::<Value>(envelope.field(key)?).ok();
        let present = match self.betas {
            None => return Vec::new(),
            Some(BodyBetas::Field(_)) => member(FIELD),
            Some(BodyBetas::Nested(outer, _)) => {
                member(outer).and_then(|it| it.get(FIELD).cloned())
            }
        };
        let merged = merged(present, &self.asked(client), client);
        merged
            .and_then(|list| serde_json::from_value(list).ok())
            .unwrap_or_default()
    }

    fn asked(&self, client: Client<'_>) -> Vec<&'static str> {
        match self.betas {
            None => Vec::new(),
            Some(BodyBetas::Field(known) | BodyBetas::Nested(_, known)) => {
                client.known_betas(known)
            }
        }
    }
}

/// The list that is there already, and what it has not yet; without what was refused. `None` if that is nothing.
fn merged(present: Option<Value>, asked: &[&str], client: Client<'_>) -> Option<Value> {
    let mut list = match present {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    for beta in asked {
        if !list.iter().any(|it| it == beta) {
            list.push(Value::from(*beta));
        }
    }
    list.retain(|beta| !client.refused.iter().any(|it| beta == it.as_str()));
    (!list.is_empty()).then_some(Value::Array(list))
}

const FIELD: &str = "anthropic_beta";

#[cfg(test)]
mod tests {
    use super::{Additions, BodyBetas};
    use crate::betas::{Client, KnownBetas};
    use bytes::Bytes;
    use gateway_core::{Envelope, Limits};
    use http::HeaderMap;

    const KNOWN: KnownBetas = |beta| match beta {
        "a" => Some("a"),
        "b" => Some("tool-b"),
        _ => None,
    };

    fn sent(betas: BodyBetas, body: &'static str, asked: &'static str) -> String {
        sent_again(betas, body, asked, &[])
    }

    fn sent_again(
        betas: BodyBetas,
        body: &'static str,
        asked: &'static str,
        refused: &[&str],
    ) -> String {
        let additions = Additions {
            constants: &[("v", "1")],
            betas: Some(betas),
        };
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-beta", asked.parse().unwrap());
        let envelope =
            Envelope::parse(Bytes::from_static(body.as_bytes()), Limits::default()).unwrap();
        let mut edit = envelope.edit();
        let refused: Vec<_> = refused.iter().map(|it| (*it).to_owned()).collect();
        let client = Client {
            headers: &headers,
            refused: &refused,
        };
        additions.apply(&envelope, client, &mut edit);
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
    fn what_was_refused_is_in_no_body_again() {
        let (field, nested) = (BodyBetas::Field(KNOWN), BodyBetas::Nested("more", KNOWN));
        for (betas, body, expected) in [
            (field, "{}", r#"{"v":1,"anthropic_beta":["a"]}"#),
            (
                field,
                r#"{"anthropic_beta":["tool-b"]}"#,
                r#"{"anthropic_beta":["a"],"v":1}"#,
            ),
            (nested, "{}", r#"{"v":1,"more":{"anthropic_beta":["a"]}}"#),
        ] {
            assert_eq!(sent_again(betas, body, "a,b", &["tool-b"]), expected);
        }
        assert_eq!(
            sent_again(field, r#"{"anthropic_beta":["a"]}"#, "a", &["a"]),
            r#"{"v":1}"#
        );
        assert_eq!(sent_again(nested, "{}", "a", &["a"]), r#"{"v":1}"#);
    }

    #[test]
    fn a_route_without_additions_adds_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-beta", "a".parse().unwrap());
        let client = Client {
            headers: &headers,
            refused: &[],
        };
        assert!(Additions::default().is_empty(client));
    }
}
