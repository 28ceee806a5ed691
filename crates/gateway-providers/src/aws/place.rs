//! Which region counts, and which hosts that gives.

use http::Uri;

use super::profile::Files;
use super::sign::Scope;
use super::sts::Sts;
use crate::config::ConnectOptions;
use crate::connect;
use crate::error::EndpointError;
use crate::provider::Settings;
use crate::url::BaseUrl;

/// The region: the config's, else the one of the model's ARN, else the environment's, else the profile's, else
/// LiteLLM's default.
pub(crate) fn region(settings: &Settings<'_>, arn: Option<&str>) -> Result<String, EndpointError> {
    let own = settings.config.aws.region_name.clone();
    let (setting, region) = if let Some(region) = own.filter(|it| !it.trim().is_empty()) {
        ("aws_region_name", region)
    } else if let Some(region) = arn.and_then(region_of_arn) {
        ("model", region.to_owned())
    } else if let Some(found) = settings.environment.first(REGIONS) {
        found
    } else {
        let region = profile_region(settings).unwrap_or_else(|| DEFAULT_REGION.to_owned());
        ("region", region)
    };
    let region = region.trim().to_owned();
    // It becomes a part of a host name.
    if !is_region(&region) {
        return Err(EndpointError::setting(setting, "it is no region"));
    }
    Ok(region)
}

/// How the names of hosts end in the partition of a region.
pub(crate) fn dns_suffix(region: &str) -> &'static str {
    PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("amazonaws.com", |(_, suffix)| suffix)
}

/// Where roles are assumed: the config's endpoint, else the environment's, else that of the machine's own region, else
/// of the `region` where the models are.
pub(super) fn sts(settings: &Settings<'_>, region: &str) -> Result<Sts, EndpointError> {
    let environment = settings.environment;
    let given = match settings.config.aws.sts_endpoint.clone() {
        Some(endpoint) if !endpoint.trim().is_empty() => Some(("aws_sts_endpoint", endpoint)),
        _ => environment.first(&["AWS_STS_ENDPOINT", "AWS_ENDPOINT_URL_STS"]),
    };
    let (setting, given) = match &given {
        Some((setting, endpoint)) => (*setting, Some(endpoint.as_str())),
        None => ("aws_sts_endpoint", None),
    };
    let wrong = |reason: &str| EndpointError::setting(setting, reason);
    let given = given.map(BaseUrl::parse).transpose().map_err(wrong)?;
    let named = given.as_ref().and_then(|base| region_of_host(base.host()));
    let region = match (
        named,
        environment.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
    ) {
        (Some(region), _) => region.to_owned(),
        (None, Some((_, region))) if is_region(region.trim()) => region.trim().to_owned(),
        _ => region.to_owned(),
    };
    // The operator's certificates are meant for the API, and for a service of their own. A private `api_base` with an
    // own CA must not break Amazon's.
    let own_api = settings.configured_base().is_some()
        || settings.config.aws.bedrock_runtime_endpoint.is_some();
    let options = &settings.config.connect;
    let options = if own_api && given.is_none() {
        ConnectOptions {
            proxy: options.proxy.clone(),
            ..ConnectOptions::default()
        }
    } else {
        options.clone()
    };
    let base = match given {
        Some(base) => base,
        None => BaseUrl::parse(&format!("https://sts.{region}.{}", dns_suffix(&region)))
            .map_err(wrong)?,
    };
    let (before, after) = base.around("/", None);
    let uri = Uri::try_from(before + &after).map_err(|_| wrong("it does not give a valid URL"))?;
    Ok(Sts {
        uri,
        spec: connect::spec(&base, &options, environment)?,
        scope: Scope {
            region,
            service: "sts",
        },
    })
}

fn is_region(region: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !region.is_empty() && region.bytes().all(plain)
}

/// `arn:{partition}:bedrock:{region}:…`.
fn region_of_arn(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    let (scheme, partition) = (parts.next()?, parts.next()?);
    let (service, region) = (parts.next()?, parts.next()?);
    let bedrock = scheme == "arn" && partition.starts_with("aws") && service == "bedrock";
    (bedrock && is_region(region)).then_some(region)
}

/// `sts.{region}.…`, `sts-fips.{region}.…`, `vpce-….sts.{region}.vpce.…`.
fn region_of_host(host: &str) -> Option<&str> {
    let mut labels = host.split('.');
    labels.find(|label| matches!(*label, "sts" | "sts-fips"))?;
    let region = labels.next()?;
    // `sts.amazonaws.com` is the one without a region.
    (region != "amazonaws" && host.contains(".amazonaws.")).then_some(region)
}

fn profile_region(settings: &Settings<'_>) -> Option<String> {
    let name = settings
        .config
        .aws
        .profile_name
        .clone()
        .or_else(|| Some(settings.environment.first(super::chain::PROFILES)?.1));
    let profiles = Files::of(settings.environment).load().ok()?;
    let profile = profiles.get(name.as_deref().unwrap_or("default"))?;
    profile.get("region").map(str::to_owned)
}

const REGIONS: &[&str] = &["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"];
const DEFAULT_REGION: &str = "us-west-2";
/// Partitions with a suffix of their own, by how the names of their regions begin.
const PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
];

#[cfg(test)]
mod tests {
    use super::{dns_suffix, region_of_arn, region_of_host};

    #[test]
    fn an_arn_names_its_region() {
        for (arn, region) in [
            (
                "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x",
                Some("eu-west-1"),
            ),
            (
                "arn:aws-us-gov:bedrock:us-gov-west-1:1:foundation-model/x",
                Some("us-gov-west-1"),
            ),
            ("arn:aws:bedrock::1:x", None),
            ("arn:aws:bedrock:evil.example/:1:x", None),
            ("arn:aws:s3:eu-west-1:1:x", None),
            ("anthropic.claude-v1:0", None),
        ] {
            assert_eq!(region_of_arn(arn), region, "{arn}");
        }
    }

    #[test]
    fn the_host_of_the_token_service_names_its_region() {
        for (host, region) in [
            ("sts.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("sts-fips.us-east-1.amazonaws.com", Some("us-east-1")),
            ("vpce-1.sts.eu-west-2.vpce.amazonaws.com", Some("eu-west-2")),
            ("sts.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("sts.amazonaws.com", None),
            ("sts.internal.example", None),
            ("127.0.0.1", None),
        ] {
            assert_eq!(region_of_host(host), region, "{host}");
        }
    }

    #[test]
    fn partitions_have_suffixes_of_their_own() {
        assert_eq!(dns_suffix("eu-west-1"), "amazonaws.com");
        assert_eq!(dns_suffix("us-gov-west-1"), "amazonaws.com");
        assert_eq!(dns_suffix("cn-north-1"), "amazonaws.com.cn");
        assert_eq!(dns_suffix("us-isob-east-1"), "sc2s.sgov.gov");
    }
}
