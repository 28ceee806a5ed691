//! Where a text comes from: OpenAI's annotations, made of what any dialect says.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::chat::Json;
use crate::json::{Text, write_value};

/// What a citation is to a client.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Citation<'a> {
    /// An annotation in OpenAI's shape.
    Annotation(Cow<'a, str>),
    /// It names no page of the web, of which alone OpenAI's annotations speak.
    Foreign(&'a Json),
}

/// A citation, whoever made it; `span` is where its text stands in the message, in characters.
pub(super) fn citation(json: &Json, span: Range<usize>) -> Citation<'_> {
    let nested: Nested<'_> = serde_json::from_str(json.text()).unwrap_or_default();
    let read: Wire<'_> = match nested.url_citation {
        Some(citation) if citation.is_whole() => {
            return Citation::Annotation(Cow::Borrowed(json.text()));
        }
        Some(citation) => citation,
        None => serde_json::from_str(json.text()).unwrap_or_default(),
    };
    let Some(url) = read.url() else {
        return Citation::Foreign(json);
    };
    let segment = read.segment.as_ref();
    let start = read.start_index.or(segment.and_then(|it| it.start_index));
    let end = read.end_index.or(segment.and_then(|it| it.end_index));
    let annotation = Annotation {
        r#type: "url_citation",
        url_citation: UrlCitation {
            end_index: end.unwrap_or(span.end),
            start_index: start.unwrap_or(span.start),
            title: read.title().unwrap_or(url),
            url,
        },
    };
    let mut text = Vec::new();
    write_value(&mut text, &annotation);
    match String::from_utf8(text) {
        Ok(text) => Citation::Annotation(Cow::Owned(text)),
        Err(_) => Citation::Foreign(json),
    }
}

#[derive(Serialize)]
struct Annotation<'a> {
    r#type: &'static str,
    url_citation: UrlCitation<'a>,
}

#[derive(Serialize)]
struct UrlCitation<'a> {
    end_index: usize,
    start_index: usize,
    title: &'a str,
    url: &'a str,
}

/// OpenAI's own shape, of which Google's text may lack the places.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Nested<'a> {
    #[serde(borrow)]
    url_citation: Option<Wire<'a>>,
}

/// What the dialects call the address, the title and the place.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow)]
    uri: Option<Text<'a>>,
    #[serde(borrow)]
    source: Option<Text<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    web: Option<Web<'a>>,
    #[serde(borrow)]
    location: Option<Location<'a>>,
    #[serde(alias = "startIndex")]
    start_index: Option<usize>,
    #[serde(alias = "endIndex")]
    end_index: Option<usize>,
    segment: Option<Segment>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Web<'a> {
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow)]
    uri: Option<Text<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Location<'a> {
    #[serde(borrow)]
    web: Option<Web<'a>>,
}

#[derive(Deserialize)]
struct Segment {
    #[serde(alias = "startIndex")]
    start_index: Option<usize>,
    #[serde(alias = "endIndex")]
    end_index: Option<usize>,
}

impl<'a> Wire<'a> {
    /// Whether nothing is missing of what OpenAI requires.
    const fn is_whole(&self) -> bool {
        self.url.is_some()
            && self.title.is_some()
            && self.start_index.is_some()
            && self.end_index.is_some()
    }

    fn web(&self) -> Option<&Web<'a>> {
        self.web
            .as_ref()
            .or(self.location.as_ref().and_then(|it| it.web.as_ref()))
    }

    fn url(&self) -> Option<&str> {
        let web = self.web();
        let in_web = web.and_then(|it| it.url.as_ref().or(it.uri.as_ref()));
        let named = self.url.as_ref().or(self.uri.as_ref()).or(in_web);
        named.map(|it| &*it.0).or_else(|| {
            let source = &*self.source.as_ref()?.0;
            source.contains("://").then_some(source)
        })
    }

    fn title(&self) -> Option<&str> {
        let in_web = self.web().and_then(|it| it.title.as_ref());
        self.title.as_ref().or(in_web).map(|it| &*it.0)
    }
}
