//! Of all that a config and the environment may say of keys, what counts.
//!
//! The order is LiteLLM's: a web identity, a role, a profile, keys; each of them from the config, else from a variable.
//! If nothing of that is said it is the one of Amazon's SDKs: profile, web identity, container, instance.

use gateway_core::Secret;

use super::keys::Keys;
use super::metadata::{Container, Instance};
use super::profile::{Files, Profile, Profiles};
use super::provenance::{IdentityToken, Provenance};
use super::sts::Role;
use crate::config::AwsConfig;
use crate::environment::Environment;
use crate::error::EndpointError;
use crate::provider::Settings;

/// What the settings say of keys.
pub(super) fn provenance(settings: &Settings<'_>) -> Result<Provenance, EndpointError> {
    let said = Said {
        config: &settings.config.aws,
        environment: settings.environment,
    };
    let found = said.provenance()?;
    found
        .ok_or_else(|| settings.missing("aws_access_key_id", &["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]))
}

/// A config over the environment.
#[derive(Clone, Copy)]
struct Said<'a> {
    config: &'a AwsConfig,
    environment: &'a Environment,
}

impl Said<'_> {
    fn provenance(self) -> Result<Option<Provenance>, EndpointError> {
        let keys = self.keys()?;
        let role = self.text(self.config.role_name.as_deref(), "AWS_ROLE_NAME");
        if let Some(token) = self.web_identity_token()? {
            let arn = role.or_else(|| self.environment.variable(ROLE_ARN)).ok_or(
                EndpointError::Missing {
                    provider: "bedrock",
                    setting: "aws_role_name",
                    variables: &["AWS_ROLE_NAME", ROLE_ARN],
                },
            )?;
            let role = self.role(arn);
            return Ok(Some(Provenance::WebIdentity { token, role }));
        }
        if let Some(arn) = role {
            let role = self.role(arn);
            let base = match (keys, self.profile()?) {
                (Some(keys), _) => Some(Provenance::Keys(keys)),
                (None, Some(profile)) => Some(profile),
                // Who is this role already needs not take it on.
                (None, None) => match self.federated() {
                    Some((arn, token)) if arn == role.arn => {
                        return Ok(Some(Provenance::WebIdentity { token, role }));
                    }
                    Some((arn, token)) => {
                        let role = self.role(arn);
                        Some(Provenance::WebIdentity { token, role })
                    }
                    None => self.ambient()?,
                },
            };
            let based = |base| Provenance::Role {
                base: Box::new(base),
                role,
            };
            return Ok(base.map(based));
        }
        if let Some(profile) = self.profile()? {
            return Ok(Some(profile));
        }
        match keys {
            Some(keys) => Ok(Some(Provenance::Keys(keys))),
            None => self.ambient(),
        }
    }

    /// The keys of the config, else of the environment. A session token belongs to the key that it was given with.
    fn keys(self) -> Result<Option<Keys>, EndpointError> {
        let own = |secret: Option<&Secret>| {
            let text = secret?.expose().trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let variable = |name| self.environment.variable(name);
        let configured = own(self.config.access_key_id.as_ref());
        let token = match configured {
            Some(_) => own(self.config.session_token.as_ref()),
            None => variable("AWS_SESSION_TOKEN"),
        };
        let id = configured.clone().or_else(|| variable(KEY_VARIABLES[0]));
        let secret =
            own(self.config.secret_access_key.as_ref()).or_else(|| variable(KEY_VARIABLES[1]));
        match (id, secret) {
            (Some(id), Some(secret)) => Keys::new(&id, &secret, token.as_deref())
                .map(Some)
                .ok_or_else(|| EndpointError::setting(KEY_SETTINGS[0], "no header can carry it")),
            (Some(_), None) if configured.is_some() => Err(EndpointError::Missing {
                provider: "bedrock",
                setting: KEY_SETTINGS[1],
                variables: &KEY_VARIABLES[1..],
            }),
            _ => Ok(None),
        }
    }

    /// The profile that is asked for by name.
    fn profile(self) -> Result<Option<Provenance>, EndpointError> {
        let Some(name) = self.text(self.config.profile_name.as_deref(), "AWS_PROFILE_NAME") else {
            return Ok(None);
        };
        let wrong = |reason| EndpointError::setting("aws_profile_name", reason);
        let files = Files::of(self.environment);
        let profiles = files.load().map_err(wrong)?;
        match of_profile(&profiles, &name, self.environment).map_err(wrong)? {
            Some(_) => Ok(Some(Provenance::Profile { files, name })),
            None => self.machine(),
        }
    }

    /// What Amazon's SDKs find by themselves, once there are no keys in the environment.
    fn ambient(self) -> Result<Option<Provenance>, EndpointError> {
        let files = Files::of(self.environment);
        let (setting, name) = self
            .environment
            .first(PROFILES)
            .unwrap_or(("AWS_CONFIG_FILE", "default".to_owned()));
        let wrong = |reason| EndpointError::setting(setting, reason);
        let profiles = files.load().map_err(wrong)?;
        // That there is a default profile is not asked for.
        let profile = match profiles.get(&name) {
            None if setting == "AWS_CONFIG_FILE" => None,
            _ => of_profile(&profiles, &name, self.environment).map_err(wrong)?,
        };
        let from_files = Provenance::Profile { files, name };
        match (profile, self.federated()) {
            (Some(Provenance::Keys(_)) | None, Some((arn, token))) => {
                let role = self.role(arn);
                Ok(Some(Provenance::WebIdentity { token, role }))
            }
            (Some(_), _) => Ok(Some(from_files)),
            (None, None) => self.machine(),
        }
    }

    /// What the machine gives.
    fn machine(self) -> Result<Option<Provenance>, EndpointError> {
        match Container::of(self.environment)? {
            Some(container) => Ok(Some(Provenance::Container(container))),
            None => Ok(Instance::of(self.environment)?.map(Provenance::Instance)),
        }
    }

    /// The role that Kubernetes gives to a pod, and the file with its token.
    fn federated(self) -> Option<(String, IdentityToken)> {
        let file = self.environment.variable("AWS_WEB_IDENTITY_TOKEN_FILE")?;
        let arn = self.environment.variable(ROLE_ARN)?;
        Some((arn, IdentityToken::File(file)))
    }

    fn role(self, arn: String) -> Role {
        let session = self
            .text(self.config.session_name.as_deref(), "AWS_SESSION_NAME")
            .or_else(|| self.environment.variable("AWS_ROLE_SESSION_NAME"));
        Role {
            arn,
            session: session.unwrap_or_else(|| SESSION.to_owned()),
            external_id: self.text(self.config.external_id.as_deref(), "AWS_EXTERNAL_ID"),
            tags: self.config.session_tags.clone(),
        }
    }

    /// LiteLLM's `aws_web_identity_token`: `oidc/` and where the token is; or the token itself, or the path of its file.
    fn web_identity_token(self) -> Result<Option<IdentityToken>, EndpointError> {
        let own = self.config.web_identity_token.as_ref().map(Secret::expose);
        let Some(said) = self.text(own, "AWS_WEB_IDENTITY_TOKEN") else {
            return Ok(None);
        };
        let wrong = |reason: String| EndpointError::setting("aws_web_identity_token", reason);
        let variable = |name: &str| {
            let value = self.environment.variable(name);
            value.ok_or_else(|| wrong(format!("the variable {name} is not set")))
        };
        let text = |name: &str| variable(name).map(|token| IdentityToken::Text(token.into()));
        let Some(oidc) = said.strip_prefix("oidc/") else {
            return match said.starts_with('/') {
                true => Ok(Some(IdentityToken::File(said))),
                false if said.split('.').count() == 3 => {
                    Ok(Some(IdentityToken::Text(Secret::new(said))))
                }
                false => Err(wrong(format!(
                    "it is neither a token nor a path nor one of {OIDC}"
                ))),
            };
        };
        let token = match oidc.split_once('/').unwrap_or((oidc, "")) {
            ("file", path) if path.starts_with('/') => IdentityToken::File(path.to_owned()),
            // As LiteLLM's manual writes it.
            ("file", path) => IdentityToken::File(format!("/{path}")),
            ("env", name) => text(name)?,
            ("env_path", name) => IdentityToken::File(variable(name)?),
            ("azure", "") => IdentityToken::File(variable("AZURE_FEDERATED_TOKEN_FILE")?),
            ("circleci", _) => text("CIRCLE_OIDC_TOKEN")?,
            ("circleci_v2", _) => text("CIRCLE_OIDC_TOKEN_V2")?,
            _ => {
                return Err(wrong(format!(
                    "of the `oidc/` kinds these are served: {OIDC}"
                )));
            }
        };
        Ok(Some(token))
    }

    /// What the config says, else the variable.
    fn text(self, configured: Option<&str>, variable: &str) -> Option<String> {
        let own = configured.map(str::trim).filter(|it| !it.is_empty());
        own.map(str::to_owned)
            .or_else(|| self.environment.variable(variable))
    }
}

/// What a profile says of keys; `None` if it says nothing.
pub(super) fn of_profile(
    profiles: &Profiles,
    name: &str,
    environment: &Environment,
) -> Result<Option<Provenance>, String> {
    Walk {
        profiles,
        environment,
        seen: Vec::new(),
    }
    .provenance(name)
}

/// From a profile to the one that it names as its source, and so on.
struct Walk<'a> {
    profiles: &'a Profiles,
    environment: &'a Environment,
    seen: Vec<String>,
}

impl Walk<'_> {
    fn provenance(&mut self, name: &str) -> Result<Option<Provenance>, String> {
        let profiles = self.profiles;
        let profile = profiles
            .get(name)
            .ok_or_else(|| format!("there is no profile `{name}`"))?;
        let wrong = |reason: &str| format!("the profile `{name}` {reason}");
        if let Some(arn) = profile.get("role_arn") {
            let text = |key| profile.get(key).map(str::to_owned);
            let role = Role {
                arn: arn.to_owned(),
                session: text("role_session_name").unwrap_or_else(|| SESSION.to_owned()),
                external_id: text("external_id"),
                tags: Vec::new(),
            };
            if let Some(file) = text("web_identity_token_file") {
                let token = IdentityToken::File(file);
                return Ok(Some(Provenance::WebIdentity { token, role }));
            }
            let base = Box::new(self.base(name, profile).map_err(|reason| wrong(&reason))?);
            return Ok(Some(Provenance::Role { base, role }));
        }
        if let Some(keys) = keys(profile).map_err(wrong)? {
            return Ok(Some(Provenance::Keys(keys)));
        }
        match UNSERVED.iter().find(|(key, _)| profile.get(key).is_some()) {
            Some((_, reason)) => Err(wrong(reason)),
            None => Ok(None),
        }
    }

    /// Who takes on the role of `profile`.
    fn base(&mut self, name: &str, profile: &Profile) -> Result<Provenance, String> {
        let none = |what: &str| format!("has a `role_arn`, but {what} no keys to take it on with");
        let wrong = |error: EndpointError| error.to_string();
        match (
            profile.get("source_profile"),
            profile.get("credential_source"),
        ) {
            (Some(source), None) if source == name => {
                let keys = keys(profile).map_err(str::to_owned)?;
                keys.map(Provenance::Keys).ok_or_else(|| none("it has"))
            }
            (Some(source), None) => {
                self.seen.push(name.to_owned());
                if self.seen.iter().any(|seen| seen == source) {
                    return Err("is its own source in the end".to_owned());
                }
                let found = self.provenance(source)?;
                found.ok_or_else(|| none("its source has"))
            }
            (None, Some("Environment")) => {
                let [id, secret] = KEY_VARIABLES.map(|name| self.environment.variable(name));
                let token = self.environment.variable("AWS_SESSION_TOKEN");
                let keys = id.zip(secret);
                keys.and_then(|(id, secret)| Keys::new(&id, &secret, token.as_deref()))
                    .map(Provenance::Keys)
                    .ok_or_else(|| none("the environment has"))
            }
            (None, Some("EcsContainer")) => {
                let container = Container::of(self.environment).map_err(wrong)?;
                container
                    .map(Provenance::Container)
                    .ok_or_else(|| none("no container has"))
            }
            (None, Some("Ec2InstanceMetadata")) => {
                let instance = Instance::of(self.environment).map_err(wrong)?;
                instance
                    .map(Provenance::Instance)
                    .ok_or_else(|| none("no instance has"))
            }
            _ => Err(
                "has a `role_arn`, which needs either a `source_profile` or a `credential_source` \
                 (Environment, EcsContainer or Ec2InstanceMetadata)"
                    .to_owned(),
            ),
        }
    }
}

fn keys(profile: &Profile) -> Result<Option<Keys>, &'static str> {
    let [id, secret] = KEY_SETTINGS.map(|key| profile.get(key));
    let token = profile.get("aws_session_token");
    match (id, secret) {
        (Some(id), Some(secret)) => Keys::new(id, secret, token)
            .map(Some)
            .ok_or("has keys that no header can carry"),
        (Some(_), None) => Err("has no `aws_secret_access_key`"),
        (None, _) => Ok(None),
    }
}

/// Variables that name a profile for all of Amazon's tools.
pub(super) const PROFILES: &[&str] = &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
const KEY_SETTINGS: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];
const KEY_VARIABLES: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
const ROLE_ARN: &str = "AWS_ROLE_ARN";
/// The name of our sessions where nobody gives one.
const SESSION: &str = "gateway";
const OIDC: &str = "oidc/file/PATH, oidc/env/VARIABLE, oidc/env_path/VARIABLE, oidc/azure/, oidc/circleci/, \
                    oidc/circleci_v2/";
/// Ways to come by keys that need a browser or another program.
const UNSERVED: &[(&str, &str)] = &[
    (
        "sso_session",
        "signs in by SSO, which is not served; give it keys or a role",
    ),
    (
        "sso_start_url",
        "signs in by SSO, which is not served; give it keys or a role",
    ),
    (
        "credential_process",
        "starts a program, which is not served; give it keys or a role",
    ),
    (
        "login_session",
        "signs in by a browser, which is not served; give it keys or a role",
    ),
];
