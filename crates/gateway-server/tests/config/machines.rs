//! What machines read of `check`: a shape that stays.

use crate::support::{folder, variables};
use gateway_server::cli::{CheckArgs, Exit, Format, check};

const CONFIG: &str = "\
include: [more.yaml]
router_settings:
  timeout: soon
  tiemout: 3
  fallbacks: [{fast: [nowhere]}]
general_settings:
  database_url: postgres://user:hunter2@host/db
";

const MORE: &str = "\
model_list:
  - model_name: fast
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/NOT_SET}
";

#[test]
fn the_shape_of_what_machines_read_is_the_recorded_one() {
    let folder = folder(&[("config.yaml", CONFIG), ("more.yaml", MORE)]);
    let args = CheckArgs {
        file: folder.path().join("config.yaml"),
        strict: false,
        probe: false,
        format: Format::Json,
    };
    let environment = variables();
    let mut out = Vec::new();
    let exit = check(&args, &environment, &mut out).unwrap();
    assert_eq!(exit, Exit::Problems);
    let said = String::from_utf8(out).unwrap();
    let said = said.replace(&format!("{}/", folder.path().display()), "");
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/machines.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(golden, &said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(golden).unwrap());
    assert!(!said.contains("hunter2"));
}
