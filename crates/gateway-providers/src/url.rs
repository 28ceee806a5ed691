//! Base URLs from a config, and the paths that providers put behind them.

use std::fmt::Write as _;

use http::Uri;
use http::uri::{Authority, Scheme};

/// An `api_base`: scheme and authority, a path without a slash at its end, perhaps a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    path: String,
    query: Option<String>,
}

impl BaseUrl {
    /// Parses an absolute `http` or `https` URL. The error says what is wrong and never repeats the URL:
    /// people write keys into it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        // A fragment never leaves the client; `http::Uri` would drop it silently.
        if text.contains('#') {
            return Err("it has a fragment (`#…`)");
        }
        let uri: Uri = text.parse().map_err(|_| "it is not a URL")?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err("it is not absolute; it must begin with `http://` or `https://`");
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err("its scheme is neither `http` nor `https`");
        }
        if authority.as_str().contains('@') {
            return Err("it carries a user name; put the credential into `api_key`");
        }
        if authority.host().is_empty() {
            return Err("it names no host");
        }
        let (path, query) = parts.path_and_query.map_or((String::new(), None), |both| {
            (
                both.path().trim_end_matches('/').to_owned(),
                both.query().map(str::to_owned),
            )
        });
        Ok(Self {
            scheme,
            authority,
            path,
            query: query.filter(|query| !query.is_empty()),
        })
    }

    /// The path, empty instead of `/`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The same URL with another path.
    pub(crate) fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The path behind this one without `suffix`, if it ends so.
    pub(crate) fn strip_suffix(&self, suffix: &str) -> Option<Self> {
        let path = self.path.strip_suffix(suffix)?;
        Some(self.clone().with_path(path))
    }

    /// What goes before and after the path `tail` in a complete URL: `({base}{tail}, ?{query})`.
    /// The query of the base comes first, then `query`.
    pub(crate) fn around(&self, tail: &str, query: Option<&str>) -> (String, String) {
        let before = format!("{}://{}{}{tail}", self.scheme, self.authority, self.path);
        let mut after = String::new();
        for query in self.query.as_deref().into_iter().chain(query) {
            after.push(if after.is_empty() { '?' } else { '&' });
            after.push_str(query);
        }
        (before, after)
    }

    /// Whether the query has this parameter.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        let query = self.query.as_deref().unwrap_or_default();
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name))
    }

    /// The URL without its query: what logs and response headers may show.
    pub(crate) fn display(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }

    /// Scheme and authority as a URL: what the connection is made to.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Whether the scheme is `https`.
    pub(crate) fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The host, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        self.authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
    }
}

/// One path segment, percent-encoded. `None` for what servers would take for something else than a name:
/// empty, `.` and `..`.
pub(crate) fn segment(name: &str) -> Option<String> {
    if matches!(name, "" | "." | "..") {
        return None;
    }
    Some(encode(name))
}

/// The text with everything percent-encoded that means something in a path, a query or a form.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                encoded.push(char::from(byte));
            }
            _ => {
                write!(encoded, "%{byte:02X}").expect("writing to a string does not fail");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, segment};
    use proptest::prelude::*;

    fn joined(base: &str, tail: &str, query: Option<&str>) -> String {
        let (before, after) = BaseUrl::parse(base).unwrap().around(tail, query);
        before + &after
    }

    #[test]
    fn a_base_is_joined_with_one_slash_whatever_it_ends_with() {
        for base in [
            "https://a.example/v1",
            "https://a.example/v1/",
            " https://a.example/v1// ",
        ] {
            assert_eq!(joined(base, "/chat", None), "https://a.example/v1/chat");
        }
        assert_eq!(joined("http://[::1]:80", "/x", None), "http://[::1]:80/x");
    }

    #[test]
    fn the_query_of_a_base_is_kept_and_not_displayed() {
        assert_eq!(
            joined("https://a.example/v1?key=k", "/chat", Some("api-version=2")),
            "https://a.example/v1/chat?key=k&api-version=2"
        );
        let base = BaseUrl::parse("https://a.example/v1?key=k").unwrap();
        assert_eq!(base.display(), "https://a.example/v1");
    }

    #[test]
    fn what_is_no_base_url_is_refused_without_repeating_it() {
        for text in [
            "",
            "api.example",
            "/v1",
            "ftp://a.example",
            "https://u:secret@a.example",
            "https://",
            "https://a.example/#x",
            "https://a b/",
        ] {
            let error = BaseUrl::parse(text).expect_err(text);
            assert!(!error.contains("secret"), "{text}");
        }
    }

    #[test]
    fn host_and_path_are_found() {
        let base = BaseUrl::parse("https://[2001:db8::1]/x").unwrap();
        assert_eq!((base.host(), base.path()), ("2001:db8::1", "/x"));
        let base = BaseUrl::parse("http://a.example:8080").unwrap();
        assert_eq!((base.host(), base.path()), ("a.example", ""));
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(
            segment("claude-3-5@20240620").as_deref(),
            Some("claude-3-5@20240620")
        );
        assert_eq!(
            segment("a/../b?c#d%").as_deref(),
            Some("a%2F..%2Fb%3Fc%23d%25")
        );
        assert_eq!(segment("m:rawPredict").as_deref(), Some("m%3ArawPredict"));
        assert_eq!(segment("é").as_deref(), Some("%C3%A9"));
        for name in ["", ".", ".."] {
            assert_eq!(segment(name), None);
        }
    }

    proptest! {
        #[test]
        fn a_segment_stays_one_segment_whatever_the_name(name in ".{0,40}") {
            if let Some(encoded) = segment(&name) {
                let uri: http::Uri = format!("http://h/a/{encoded}:b?c=d").parse().expect("a URI");
                prop_assert_eq!(uri.path().split('/').count(), 3);
                prop_assert!(uri.path().ends_with(":b"));
                prop_assert_eq!(uri.query(), Some("c=d"));
            }
        }

        #[test]
        fn no_base_panics_and_what_parses_can_be_joined(text in "(https?://)?[a-z\\[\\]:@/?#%. é]{0,24}") {
            if let Ok(base) = BaseUrl::parse(&text) {
                let (before, after) = base.around("/v1/x", Some("y=1"));
                prop_assert!((before + &after).parse::<http::Uri>().is_ok(), "{}", text);
            }
        }
    }
}
