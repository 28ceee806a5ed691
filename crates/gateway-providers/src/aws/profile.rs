//! Amazon's shared files: `~/.aws/config` and `~/.aws/credentials`.
//!
//! Source: "Shared config and credentials files" of the AWS SDK reference guide, and its settings for assumed roles.

use std::collections::HashMap;
use std::io::ErrorKind;

use crate::environment::Environment;

/// All profiles of both files. No `Debug`: it holds keys.
pub(super) struct Profiles(HashMap<String, Profile>);

/// One profile: its settings by name, in lower case. No `Debug`: it holds keys.
#[derive(Default)]
pub(super) struct Profile(HashMap<String, String>);

/// Where the two files are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    credentials: Option<String>,
    config: Option<String>,
}

impl Files {
    /// The files that the environment names, or those in the home directory.
    pub(super) fn of(environment: &Environment) -> Self {
        let home = environment.variable("HOME");
        let place = |variable, usual: &str| {
            let named = environment.variable(variable).unwrap_or(usual.to_owned());
            match named.strip_prefix("~/") {
                Some(rest) => home.as_ref().map(|home| format!("{home}/{rest}")),
                None => Some(named),
            }
        };
        Self {
            credentials: place("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
            config: place("AWS_CONFIG_FILE", "~/.aws/config"),
        }
    }

    /// Reads both, blocking. A file that is not there is empty. What the credentials file says of a profile counts more.
    pub(super) fn load(&self) -> Result<Profiles, String> {
        let mut profiles = Profiles(HashMap::new());
        for (path, kind) in [
            (&self.config, Kind::Config),
            (&self.credentials, Kind::Credentials),
        ] {
            let Some(path) = path else { continue };
            match std::fs::read_to_string(path) {
                Ok(text) => profiles.add(&text, kind),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(format!("the file {path} cannot be read ({})", error.kind()));
                }
            }
        }
        Ok(profiles)
    }
}

/// Sections of the config file begin with `profile`, but for the default one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Config,
    Credentials,
}

impl Profiles {
    /// The profile of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name)
    }

    fn add(&mut self, text: &str, kind: Kind) {
        let mut section: Option<String> = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(inside) = trimmed.strip_prefix('[') {
                section = inside
                    .split(']')
                    .next()
                    .and_then(|name| profile_name(name, kind));
                if let Some(name) = &section {
                    self.0.entry(name.clone()).or_default();
                }
                continue;
            }
            // An indented line goes on with the value before it, and no value of ours has more than one line.
            if line.starts_with([' ', '\t']) {
                continue;
            }
            if let (Some(name), Some((key, value))) = (&section, trimmed.split_once('=')) {
                let profile = self.0.entry(name.clone()).or_default();
                let key = key.trim().to_ascii_lowercase();
                profile.0.insert(key, value.trim().to_owned());
            }
        }
    }
}

impl Profile {
    /// A setting that is not empty.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?;
        (!value.is_empty()).then_some(value.as_str())
    }
}

fn profile_name(section: &str, kind: Kind) -> Option<String> {
    let section = section.trim();
    let name = match (kind, section.split_once(char::is_whitespace)) {
        (Kind::Credentials, _) => section,
        (Kind::Config, Some(("profile", name))) => name.trim(),
        (Kind::Config, None) if section == "default" => section,
        // `sso-session`, `services` and what else there may be.
        (Kind::Config, _) => return None,
    };
    Some(name.trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Files, Kind, Profiles};
    use crate::environment::Environment;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const CONFIG: &str = "\
# ours
[default]
region = eu-west-1
s3 =
    aws_access_key_id = NESTED
[profile \"my dev\"]
ROLE_ARN=arn:aws:iam::1:role/x
aws_access_key_id = FROM_CONFIG
; a comment
[sso-session corp]
sso_region = x
[other]
region = not-a-profile
";
    const CREDENTIALS: &str = "[my dev]\naws_access_key_id = A=B # kept\nempty =\nno equals sign\n";

    #[test]
    fn both_files_make_one_profile_and_the_credentials_file_wins() {
        let mut profiles = Profiles(HashMap::new());
        profiles.add("before = any section\n", Kind::Config);
        profiles.add(CONFIG, Kind::Config);
        profiles.add(CREDENTIALS, Kind::Credentials);
        let default = profiles.get("default").unwrap();
        assert_eq!(default.get("region"), Some("eu-west-1"));
        assert_eq!(default.get("aws_access_key_id"), None);
        let dev = profiles.get("my dev").unwrap();
        assert_eq!(dev.get("role_arn"), Some("arn:aws:iam::1:role/x"));
        assert_eq!(dev.get("aws_access_key_id"), Some("A=B # kept"));
        assert_eq!(dev.get("empty"), None);
        for name in ["corp", "other", "sso-session corp", "profile"] {
            assert!(profiles.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_files_are_at_home_or_where_the_environment_says() {
        let files = |variables: &[(&str, &str)]| {
            let files = Files::of(&Environment::with_variables(variables.iter().copied()));
            (files.config, files.credentials)
        };
        let path = |text: &str| Some(text.to_owned());
        assert_eq!(files(&[]), (None, None));
        assert_eq!(
            files(&[("HOME", "/h"), ("AWS_CONFIG_FILE", "~/c")]),
            (path("/h/c"), path("/h/.aws/credentials"))
        );
        assert_eq!(
            files(&[("AWS_SHARED_CREDENTIALS_FILE", "/s")]),
            (None, path("/s"))
        );
    }

    #[test]
    fn what_is_not_there_is_empty_and_what_cannot_be_read_is_an_error() {
        let files = |path: &str| Files {
            credentials: Some(path.to_owned()),
            config: None,
        };
        assert!(
            files("/nowhere/at/all")
                .load()
                .unwrap()
                .get("default")
                .is_none()
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert!(files(path).load().err().unwrap().contains(path));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([\\[\\]a-z =#;\"\n\t é]|profile )*") {
            let mut profiles = Profiles(HashMap::new());
            profiles.add(&text, Kind::Config);
            profiles.add(&text, Kind::Credentials);
        }
    }
}
