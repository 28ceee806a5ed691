//! The page for operators: one file with everything in it but data. It asks the routes under `/admin` for those, with the
//! key that its reader gives it.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use sha2::{Digest, Sha256};

use crate::body::Outgoing;
use crate::respond::content;

/// The page, or the word that the reader's copy is still good. Its head says which header carries the key, where that is
/// not the usual one.
pub(crate) fn page(asked: &HeaderMap, key_header: Option<&HeaderName>) -> Response<Outgoing> {
    let known = asked.get_all(IF_NONE_MATCH).iter();
    let fresh = known.filter_map(|it| it.to_str().ok()).any(is_current);
    let mut response = if fresh {
        let mut response = Response::new(Outgoing::whole(Bytes::new()));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        content(StatusCode::OK, "text/html; charset=utf-8", PAGE)
    };
    let head = response.headers_mut();
    for (name, value) in FIXED {
        head.insert(name, HeaderValue::from_static(value));
    }
    let made = [(CONTENT_SECURITY_POLICY, &MARKS.policy), (ETAG, &MARKS.tag)];
    for (name, value) in made {
        // Of letters that a header takes, all of them.
        if let Ok(value) = HeaderValue::from_str(value) {
            head.insert(name, value);
        }
    }
    if let Some(name) = key_header {
        head.insert(KEY_HEADER, name.clone().into());
    }
    response
}

/// Whether one of these tags (RFC 9110, section 13.1.2) is the page's.
fn is_current(tags: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == MARKS.tag)
}

/// What follows from the page's bytes.
struct Marks {
    /// What the page may do: its own script and its own style, and requests to where it came from. Nothing else.
    policy: String,
    /// Its name for caches.
    tag: String,
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| {
    let hash = |element| BASE64_STANDARD.encode(Sha256::digest(inside(element)));
    let (script, style) = (hash("script"), hash("style"));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let name = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(PAGE));
    Marks {
        policy,
        tag: format!("\"{name}\""),
    }
});

/// The text of the only element of this name. Its tag has no attributes.
fn inside(element: &str) -> &'static str {
    let rest = PAGE.split_once(&format!("<{element}>"));
    let text = rest.and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    text.map_or("", |(text, _)| text)
}

/// Names the header that carries the key.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-gateway-key-header");
/// Headers that never change. The page is asked for anew each time: it belongs to the version that serves it.
const FIXED: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-cache"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

const PAGE: &str = include_str!("ui/index.html");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_script_and_one_style_and_nothing_from_elsewhere() {
        for element in ["script", "style"] {
            assert!(inside(element).len() > 1000, "{element}");
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1, "{element}");
        }
        for never in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            " onclick=",
            " style=",
            "src=\"http",
            "@import",
            "url(http",
        ] {
            assert!(!PAGE.contains(never), "{never}");
        }
    }

    #[test]
    fn who_has_the_page_is_not_sent_it_again() {
        let mut asked = HeaderMap::new();
        let first = page(&asked, None);
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[ETAG].clone();
        asked.insert(IF_NONE_MATCH, tag.clone());
        let again = page(&asked, None);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[ETAG], tag);
        let others = format!("\"other\", W/{}", tag.to_str().unwrap());
        asked.insert(IF_NONE_MATCH, others.parse().unwrap());
        assert_eq!(page(&asked, None).status(), StatusCode::NOT_MODIFIED);
        asked.insert(IF_NONE_MATCH, "\"other\"".parse().unwrap());
        assert_eq!(page(&asked, None).status(), StatusCode::OK);
    }

    #[test]
    fn the_policy_names_the_hashes_of_script_and_style() {
        let response = page(&HeaderMap::new(), None);
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
