//! What is refused for the shape of a value, and what is not: the list that the schema is tried on, too.

use crate::support::{lines, load};

#[test]
fn every_wrong_shape_is_refused_and_every_right_one_taken() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/shapes.txt"
    );
    let list = std::fs::read_to_string(path).unwrap();
    let mut tried = 0;
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (kind, text) = line.split_once(' ').unwrap();
        let model = if text.contains("model_list") {
            ""
        } else {
            MODEL
        };
        let loaded = load(&format!("{model}{text}\n"));
        assert_eq!(
            loaded.settings.is_some(),
            kind == "right",
            "{text}: {:?}",
            lines(&loaded)
        );
        tried += 1;
    }
    assert!(tried > 70, "{tried}");
}

const MODEL: &str =
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: sk-x}}]\n";
