//! Who runs what an endpoint asks: a vendor, or the operator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether the operator runs it. A host that only an inner network knows is the operator's; so is one that serves a
/// provider whose software is self-hosted, or OpenAI's API, unless a vendor is known to live there.
pub(crate) fn is_own(provider: &str, host: &str, is_vendors: impl Fn(&str) -> bool) -> bool {
    is_inner(host) || (SELF_HOSTED.contains(&provider) && !is_vendors(host))
}

/// Whether a host can be reached from an inner network only, as far as its name tells.
fn is_inner(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => is_inner_v4(address),
        Ok(IpAddr::V6(address)) => is_inner_v6(address),
        Err(_) => {
            let host = host.trim_end_matches('.');
            !host.contains('.') || INNER.iter().any(|suffix| host.ends_with(suffix))
        }
    }
}

fn is_inner_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // RFC 6598: between a carrier and its customers, and used by overlay networks.
    let shared = first == 100 && (64..128).contains(&second);
    address.is_private() || address.is_loopback() || address.is_link_local() || shared
}

fn is_inner_v6(address: Ipv6Addr) -> bool {
    if let Some(address) = address.to_ipv4_mapped() {
        return is_inner_v4(address);
    }
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

/// Software that operators run themselves, and the names for whatever speaks OpenAI's API.
const SELF_HOSTED: &[&str] = &[
    "custom_openai",
    "docker_model_runner",
    "hosted_vllm",
    "lemonade",
    "litellm_proxy",
    "llamafile",
    "lm_studio",
    "ollama",
    "ollama_chat",
    "openai",
    "openai_like",
    "xinference",
];

/// Domains that no public resolver knows: RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`, and Kubernetes' services.
const INNER: &[&str] = &[
    ".localhost",
    ".local",
    ".home.arpa",
    ".internal",
    ".lan",
    ".svc",
];

#[cfg(test)]
mod tests {
    use super::is_own;

    fn own(provider: &str, host: &str) -> bool {
        is_own(provider, host, |it| {
            ["api.openai.com", "api.groq.com"].contains(&it)
        })
    }

    #[test]
    fn inner_hosts_are_the_operators_whatever_they_speak() {
        for host in [
            "localhost",
            "vllm",
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.7",
            "169.254.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "gpu.local",
            "vllm.models.svc",
            "vllm.models.svc.cluster.local",
            "llm.corp.internal.",
        ] {
            assert!(own("anthropic", host), "{host}");
        }
    }

    #[test]
    fn vendors_are_not() {
        for (provider, host) in [
            ("openai", "api.openai.com"),
            ("openai", "api.groq.com"),
            ("hosted_vllm", "api.groq.com"),
            ("groq", "api.groq.com"),
            ("groq", "proxy.example.com"),
            ("anthropic", "api.anthropic.com"),
            ("azure", "mine.openai.azure.com"),
            ("bedrock", "bedrock-runtime.eu-west-1.amazonaws.com"),
            ("anthropic", "8.8.8.8"),
            ("anthropic", "2001:db8::1"),
            ("anthropic", "::ffff:8.8.8.8"),
            ("anthropic", "notlocal.example"),
        ] {
            assert!(!own(provider, host), "{provider} {host}");
        }
    }

    #[test]
    fn what_speaks_openais_api_elsewhere_is_the_operators() {
        for provider in ["openai", "hosted_vllm", "ollama", "litellm_proxy"] {
            assert!(own(provider, "llm.example.com"), "{provider}");
        }
    }
}
