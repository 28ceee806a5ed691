//! Where a text comes from: OpenAI's annotations, made of what any dialect says.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::Json;
use crate::json::{Members, Text, write_object};

/// What a citation is to a client.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Citation<'a> {
    /// An annotation in OpenAI's shape.
    Page(Page<'a>),
    /// It names no page of the web, of which alone OpenAI's annotations speak.
    Foreign(&'a Json),
}

/// A page of the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page<'a> {
    url: Cow<'a, str>,
    title: Cow<'a, str>,
    span: Range<usize>,
}

impl Page<'_> {
    /// Writes the annotation.
    pub(super) fn write(&self, members: &mut Members<'_>) {
        members.value("type", "url_citation");
        members.object("url_citation", |it| {
            it.value("end_index", &self.span.end);
            it.value("start_index", &self.span.start);
            it.value("title", &self.title);
            it.value("url", &self.url);
        });
    }
}

/// What Perplexity found on the web, as annotations without places:
/// <https://docs.perplexity.ai/api-reference/chat-completions-post>.
pub(super) fn found(results: Option<&RawValue>) -> Vec<Json> {
    #[derive(Deserialize)]
    struct Found<'a> {
        #[serde(borrow)]
        url: Option<Text<'a>>,
        #[serde(borrow)]
        title: Option<Text<'a>>,
    }

    let read = results.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let read: Vec<Found<'_>> = read.unwrap_or_default();
    let told = read.iter().filter_map(|it| {
        let mut out = Vec::new();
        let url = it.url.as_ref()?;
        write_object(&mut out, |members| {
            members.value("type", "url_citation");
            members.object("url_citation", |page| {
                page.value("url", &url.0);
                page.some("title", it.title.as_ref().map(|it| &it.0));
            });
        });
        Json::parse(String::from_utf8(out).ok()?)
    });
    told.collect()
}

/// A citation, whoever made it; `span` is where its text stands in the message, in characters.
pub(super) fn citation(json: &Json, span: Range<usize>) -> Citation<'_> {
    let nested: Nested<'_> = serde_json::from_str(json.text()).unwrap_or_default();
    let read = nested
        .url_citation
        .or_else(|| serde_json::from_str(json.text()).ok());
    let page = read.and_then(|read| read.page(span));
    page.map_or(Citation::Foreign(json), Citation::Page)
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

#[derive(Deserialize, Default)]
#[serde(default)]
struct Segment {
    #[serde(alias = "startIndex")]
    start_index: Option<usize>,
    #[serde(alias = "endIndex")]
    end_index: Option<usize>,
}

impl<'a> Wire<'a> {
    fn page(self, span: Range<usize>) -> Option<Page<'a>> {
        let web = self.web.or(self.location.and_then(|it| it.web));
        let web = web.unwrap_or_default();
        let source = self.source.filter(|source| source.0.contains("://"));
        let named = self.url.or(self.uri).or(web.url).or(web.uri);
        let url = named.or(source)?.0;
        let title = self.title.or(web.title);
        let segment = self.segment.unwrap_or_default();
        let start = self.start_index.or(segment.start_index);
        let end = self.end_index.or(segment.end_index);
        Some(Page {
            title: title.map_or_else(|| url.clone(), |title| title.0),
            url,
            span: start.unwrap_or(span.start)..end.unwrap_or(span.end),
        })
    }
}
