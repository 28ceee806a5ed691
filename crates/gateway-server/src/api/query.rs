//! What a query says.

/// A parameter of a query (the first of this name), with `+` and percent-encoding resolved.
pub(crate) fn parameter(query: &str, wanted: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == wanted);
    let (_, value) = values.next()?;
    super::decode(&value.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn parameters_are_found_by_name_and_decoded() {
        let query = "a=1&model=openai%2Fgpt+4%2B&model=2&empty=";
        assert_eq!(parameter(query, "model").as_deref(), Some("openai/gpt 4+"));
        assert_eq!(parameter(query, "empty").as_deref(), Some(""));
        assert_eq!(parameter(query, "mode"), None);
    }
}
