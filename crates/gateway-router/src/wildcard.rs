//! Names with `*`: matching, specificity, and what the `*` stood for.

use std::ops::Range;

/// A name in which every `*` stands for any text, also none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// The texts between the stars; one more than there are stars.
    literals: Vec<Box<str>>,
}

impl Pattern {
    /// A pattern, or `None` if the name has no `*`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let literals: Vec<_> = name.split('*').map(Box::from).collect();
        (literals.len() > 1).then_some(Self { literals })
    }

    /// What each star stands for in `name`, if the pattern matches the whole of it. The first star takes as much
    /// as it can, then the second, as in LiteLLM.
    ///
    /// Every literal is looked for once, from the right: no input makes this slow.
    pub(crate) fn matches(&self, name: &str) -> Option<Vec<Range<usize>>> {
        let (first, rest) = self.literals.split_first()?;
        let (last, middle) = rest.split_last()?;
        let start = first.len();
        let mut end = name
            .len()
            .checked_sub(last.len())
            .filter(|end| *end >= start)?;
        if !name.starts_with(&**first) || !name.ends_with(&**last) {
            return None;
        }
        let mut stars = Vec::with_capacity(rest.len());
        for literal in middle.iter().rev() {
            let at = start + name.get(start..end)?.rfind(&**literal)?;
            stars.push(at + literal.len()..end);
            end = at;
        }
        stars.push(start..end);
        stars.reverse();
        Some(stars)
    }

    /// Orders patterns: the one with more text is more specific, then the one with fewer stars.
    pub(crate) fn specificity(&self) -> impl Ord + use<> {
        let text: usize = self.literals.iter().map(|literal| literal.len()).sum();
        (text, std::cmp::Reverse(self.literals.len()))
    }
}

/// Puts what the stars stood for into the stars of `template`, in order. Stars that are left over stay. `None` if
/// the template has fewer stars than `parts`: then nobody knows which ones are meant.
pub(crate) fn substitute(template: &str, parts: &[&str]) -> Option<String> {
    let mut text = String::with_capacity(template.len() + 32);
    let mut parts = parts.iter();
    for (place, literal) in template.split('*').enumerate() {
        if place > 0 {
            text.push_str(parts.next().unwrap_or(&"*"));
        }
        text.push_str(literal);
    }
    parts.next().is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{Pattern, substitute};
    use proptest::prelude::*;

    fn stars(pattern: &str, name: &str) -> Option<Vec<String>> {
        let stars = Pattern::parse(pattern).expect("a pattern").matches(name)?;
        Some(
            stars
                .into_iter()
                .map(|range| name.get(range).expect("between characters").to_owned())
                .collect(),
        )
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("*", "", Some(vec![""])),
            ("*", "gpt-4o", Some(vec!["gpt-4o"])),
            ("openai/*", "openai/gpt-4o", Some(vec!["gpt-4o"])),
            ("openai/*", "openai/", Some(vec![""])),
            ("openai/*", "azure/gpt-4o", None),
            ("openai/*", "openai", None),
            ("*-mini", "gpt-4o-mini", Some(vec!["gpt-4o"])),
            ("*-mini", "gpt-4o-mini-x", None),
            ("fo::*::static::*", "fo::a::static::b", Some(vec!["a", "b"])),
            ("fo::*::static::*", "fo::a::b", None),
            ("*a*", "banana", Some(vec!["banan", ""])),
            (
                "*meta.llama3*",
                "x-meta.llama3-70b",
                Some(vec!["x-", "-70b"]),
            ),
            ("a*a", "a", None),
            ("a*a", "aa", Some(vec![""])),
            ("a.*", "axb", None),
            ("**", "ab", Some(vec!["ab", ""])),
            ("é*", "éè", Some(vec!["è"])),
        ] {
            let expected: Option<Vec<String>> =
                expected.map(|it| it.into_iter().map(str::to_owned).collect());
            assert_eq!(stars(pattern, name), expected, "{pattern} {name}");
        }
        assert_eq!(Pattern::parse("gpt-4o"), None);
    }

    #[test]
    fn more_text_is_more_specific_then_fewer_stars() {
        let order = ["openai/gpt-4o-*", "openai/gpt-*", "openai/*", "*/*", "*"];
        let mut sorted: Vec<_> = order.iter().rev().copied().collect();
        sorted.sort_by_key(|name| {
            std::cmp::Reverse(Pattern::parse(name).expect("a pattern").specificity())
        });
        assert_eq!(sorted, order);
        let one = Pattern::parse("ab*").expect("a pattern").specificity();
        assert!(one > Pattern::parse("a*b*").expect("a pattern").specificity());
    }

    #[test]
    fn parts_take_the_places_of_stars_in_order() {
        for (template, parts, expected) in [
            ("gpt", &[][..], Some("gpt")),
            ("*", &["gpt"], Some("gpt")),
            ("a-*-b-*", &["x", "y"], Some("a-x-b-y")),
            ("a-*-b-*", &["x"], Some("a-x-b-*")),
            ("a-*", &["x", "y"], None),
        ] {
            assert_eq!(
                substitute(template, parts).as_deref(),
                expected,
                "{template}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_the_stars_stood_for_gives_the_name_back(
            pattern in "[ab*]{0,6}\\*[ab*]{0,6}",
            name in "[ab]{0,16}",
        ) {
            if let Some(parts) = stars(&pattern, &name) {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                prop_assert_eq!(substitute(&pattern, &parts), Some(name));
            }
        }

        #[test]
        fn a_pattern_matches_whatever_is_put_into_its_stars(
            pattern in "[ab/]{0,4}(\\*[ab/]{0,4}){1,4}",
            parts in proptest::collection::vec("[ab/é]{0,6}", 4),
        ) {
            let count = pattern.matches('*').count();
            let parts: Vec<&str> = parts.iter().take(count).map(String::as_str).collect();
            let name = substitute(&pattern, &parts).expect("as many parts as stars");
            prop_assert!(stars(&pattern, &name).is_some(), "{} {}", pattern, name);
        }

        #[test]
        fn no_pattern_and_no_name_panics(pattern in ".{0,8}\\*.{0,8}", name in ".{0,20}") {
            let _parts = stars(&pattern, &name);
        }
    }
}
