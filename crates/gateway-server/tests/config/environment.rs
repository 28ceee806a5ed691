//! Variables, references and secrets.

use crate::support::{MODEL, folder, lines, load_folder, places, shown, variables};
use gateway_server::config::{self, Environment, Exposure, Loaded, Overrides, Sources, Strictness};
use std::time::Duration;

fn with(text: &str, pairs: &[(&str, &str)]) -> Loaded {
    let folder = folder(&[("config.yaml", &format!("{MODEL}{text}"))]);
    let environment: Environment = pairs.iter().copied().collect();
    load_folder(&folder, &environment, Strictness::Lenient)
}

const KEY: (&str, &str) = ("LITELLM_MASTER_KEY", "sk-canary-master");

#[test]
fn a_reference_becomes_the_variable_also_where_a_number_is_expected() {
    let loaded = with(
        "      api_key: os.environ/A_KEY\nrouter_settings: {timeout: os.environ/A_TIME}\n",
        &[KEY, ("A_KEY", "sk-canary"), ("A_TIME", "12.5")],
    );
    let settings = loaded.settings.unwrap();
    assert_eq!(
        settings.deployments[0]
            .config
            .endpoint
            .api_key
            .as_ref()
            .unwrap()
            .expose(),
        "sk-canary"
    );
    assert_eq!(
        settings.routing.timers.call.limit,
        Duration::from_millis(12_500)
    );
}

#[test]
fn an_unset_variable_counts_as_not_given_and_a_wrong_one_is_named() {
    let loaded = with(
        "      api_key: os.environ/A_KEY\nrouter_settings: {timeout: os.environ/A_TIME}\n",
        &[KEY, ("A_TIME", "canary")],
    );
    assert_eq!(places(&loaded), ["5:16 unset_variable", "6:19 !wrong_type"]);
    assert!(lines(&loaded)[1].contains("environment variable A_TIME"));
    assert!(!shown(&loaded).contains("canary"));
}

#[test]
fn a_reference_in_a_list_of_texts_is_left_alone_with_a_warning() {
    let loaded = with(
        "general_settings: {public_routes: [os.environ/A]}\n",
        &[KEY, ("A", "/x")],
    );
    assert_eq!(places(&loaded), ["5:20 ignored_key", "5:36 unset_variable"]);
    assert_eq!(
        loaded.settings.unwrap().auth.public_routes,
        ["os.environ/A"]
    );
}

#[test]
fn environment_variables_replace_those_of_the_process_but_not_dangerous_ones() {
    let text = "      api_key: os.environ/A_KEY\nenvironment_variables:\n  A_KEY: sk-canary-two\n  LD_PRELOAD: /x.so\n  \
                PATH: /x\n  NUMBER: 5\n";
    let loaded = with(text, &[KEY, ("A_KEY", "sk-canary-one"), ("PATH", "/bin")]);
    assert_eq!(
        places(&loaded),
        [
            "7:3 overridden_variable",
            "8:3 refused_variable",
            "9:3 refused_variable"
        ]
    );
    assert!(!shown(&loaded).contains("canary"));
    let settings = loaded.settings.unwrap();
    assert_eq!(
        settings.deployments[0]
            .config
            .endpoint
            .api_key
            .as_ref()
            .unwrap()
            .expose(),
        "sk-canary-two"
    );
    assert_eq!(settings.environment.get("PATH"), Some("/bin"));
    assert_eq!(settings.environment.get("NUMBER"), Some("5"));
    assert_eq!(settings.environment.get("LD_PRELOAD"), None);
}

#[test]
fn layers_are_defaults_files_variables_flags() {
    let text = "gateway: {listen: {port: 1001}, workers: 1}\n";
    let folder = folder(&[("config.yaml", &format!("{MODEL}{text}"))]);
    let port = |environment: &[(&str, &str)], flag: Option<&str>| {
        let mut overrides = Overrides::default();
        if let Some(flag) = flag {
            overrides.set("--port", "gateway.listen.port", flag);
        }
        let file = Some(folder.path().join("config.yaml"));
        let environment = environment.iter().copied().chain([KEY]).collect();
        let loaded = config::load(
            &Sources {
                file,
                overrides,
                ..Sources::default()
            },
            &environment,
        );
        loaded
            .settings
            .map(|settings| settings.listen.address.port())
            .ok_or(lines(&loaded_report(loaded.report)))
    };
    assert_eq!(port(&[], None), Ok(1001));
    assert_eq!(port(&[("PORT", "1002")], None), Ok(1002));
    assert_eq!(
        port(&[("PORT", "1002"), ("GATEWAY__LISTEN__PORT", "1003")], None),
        Ok(1003)
    );
    assert_eq!(
        port(&[("GATEWAY__LISTEN__PORT", "1003")], Some("1004")),
        Ok(1004)
    );
    assert!(port(&[("GATEWAY__LISTEN__PORT", "many")], None).is_err());
}

fn loaded_report(report: config::Report) -> Loaded {
    Loaded {
        settings: None,
        report,
        files: Vec::new(),
        digest: None,
    }
}

#[test]
fn variables_are_checked_like_files() {
    let loaded = with(
        "",
        &[
            KEY,
            ("GATEWAY__LISTEN__PROT", "1"),
            ("GATEWAY__HEARTBEAT_SECONDS", "-1"),
            ("LITELLM_LOG", "INOF"),
            ("GATEWAY__", "x"),
        ],
    );
    assert_eq!(
        places(&loaded),
        [
            "GATEWAY__ unknown_key",
            "LITELLM_LOG !invalid_value",
            "GATEWAY__HEARTBEAT_SECONDS !out_of_range",
            "GATEWAY__LISTEN__PROT unknown_key",
        ]
    );
    assert!(lines(&loaded)[3].ends_with("did you mean `port`?"));
}

#[test]
fn variables_that_litellm_reads_as_defaults_stay_below_the_file() {
    let text =
        "litellm_settings: {request_timeout: 7}\ngeneral_settings: {master_key: sk-of-the-file}\n";
    let settings = with(text, &[KEY, ("REQUEST_TIMEOUT", "9")])
        .settings
        .unwrap();
    assert_eq!(settings.routing.timers.call.limit, Duration::from_secs(7));
    assert_eq!(settings.auth.master_key.unwrap().expose(), "sk-of-the-file");
    let settings = with("", &[KEY, ("REQUEST_TIMEOUT", "9")]).settings.unwrap();
    assert_eq!(settings.routing.timers.call.limit, Duration::from_secs(9));
    let origin = settings.routing.timers.call.origin.to_string();
    assert_eq!(origin, "environment variable REQUEST_TIMEOUT");
    let text = "litellm_settings: {max_fallbacks: 3}\n";
    let variables = [
        KEY,
        ("ROUTER_MAX_FALLBACKS", "9"),
        ("DEFAULT_COOLDOWN_TIME_SECONDS", "2.5"),
        ("GATEWAY__RETRY_BUDGET__SHARE", "0.5"),
    ];
    let routing = with(text, &variables).settings.unwrap().routing;
    assert_eq!(routing.fallbacks.max, 3);
    assert_eq!(routing.cooldown.time, Duration::from_millis(2500));
    assert_eq!(routing.retries.budget, 0.5);
}

#[test]
fn a_secret_may_be_in_a_file() {
    let text = "      api_key: file:KEYFILE\n      vertex_credentials: {type: service_account, private_key: canary}\n";
    let folder = folder(&[("key", "sk-canary\n"), ("empty", "\n")]);
    let place = |name: &str| text.replace("KEYFILE", folder.path().join(name).to_str().unwrap());
    let settings = with(&place("key"), &[KEY]).settings.unwrap();
    let endpoint = &settings.deployments[0].config.endpoint;
    assert_eq!(endpoint.api_key.as_ref().unwrap().expose(), "sk-canary");
    let credentials: serde_json::Value =
        serde_json::from_str(endpoint.vertex_credentials.as_ref().unwrap().expose()).unwrap();
    assert_eq!(credentials["private_key"], "canary");
    assert_eq!(places(&with(&place("empty"), &[KEY])), ["5:16 !secret"]);
    assert_eq!(places(&with(&place("absent"), &[KEY])), ["5:16 !secret"]);
}

type Variables = &'static [(&'static str, &'static str)];

/// A text, variables, and why they mean loopback only.
const MASTER_KEYS: &[(&str, Variables, Option<&str>)] = &[
    ("", &[], Some("no master key is set")),
    (
        "",
        &[("LITELLM_MASTER_KEY", "")],
        Some("no master key is set"),
    ),
    (
        "",
        &[("LITELLM_MASTER_KEY", "sk-1234")],
        Some("the master key is the published example `sk-1234`"),
    ),
    (
        "general_settings: {master_key: sk-1234}\n",
        &[],
        Some("the master key is the published example `sk-1234`"),
    ),
    (
        "general_settings: {master_key: os.environ/UNSET}\n",
        &[],
        Some("no master key is set"),
    ),
    (
        "general_settings: {master_key: \"\"}\n",
        &[KEY],
        Some("no master key is set"),
    ),
    ("", &[KEY], None),
    (
        "general_settings: {dangerously_permit_weak_or_unset_master_key: true}\n",
        &[],
        None,
    ),
    (
        "",
        &[(
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY",
            "True",
        )],
        None,
    ),
];

#[test]
fn a_weak_master_key_means_loopback_only() {
    for (text, variables, why) in MASTER_KEYS.iter().copied() {
        let loaded = with(text, variables);
        let shown = places(&loaded);
        let settings = loaded.settings.unwrap();
        match why {
            Some(why) => {
                assert_eq!(
                    settings.exposure,
                    Exposure::LoopbackOnly {
                        why: why.to_owned()
                    },
                    "{text}"
                );
                assert_eq!(settings.listen.address.to_string(), "127.0.0.1:4000");
                assert!(
                    shown.iter().any(|place| place.ends_with("weak")),
                    "{shown:?}"
                );
            }
            None => {
                assert_eq!(settings.exposure, Exposure::AsConfigured, "{text}");
                assert_eq!(settings.listen.address.to_string(), "0.0.0.0:4000");
            }
        }
    }
}

/// Secrets at every place where a configuration can have one, and problems on the same lines.
const LEAKY: &str = r#"
      api_key: sk-canary1
      apy_key: canary2
      extra_headers: {authorization: "Bearer canary3", x-token: canary4, "bad header": canary5}
      vertex_credentials: [canary6]
      api_base: "ftp://user:canary7@host"
      azure_ad_token: 77
      client_secret: {a: canary8}
      aws_secret_access_key: [canary29]
      aws_sts_endpoint: "ftp://user:canary30@host"
      tiemout: sk-canary9
credential_list:
  - credential_name: x
    credential_values: {api_key: canary10, api_ky: canary11}
environment_variables: {SOME: canary12, ld_preload: canary13}
general_settings: {master_key: [canary14], database_url: "postgres://u:canary15@h/d", mster_key: canary16}
router_settings: {redis_password: {x: canary17}, timeout: sk-canary18, routing_strategy: sk-canary19}
passwrod: canary20
gateway: {log: {level: sk-canary21}, listen: {port: "sk-canary22"}}
"#;

#[test]
fn no_secret_is_ever_shown() {
    let text = format!("{MODEL}{}", LEAKY.trim_start_matches('\n'));
    let broken = format!("{text}oops: [sk-canary23\n  more: canary24: 'canary25\n");
    for text in [text.as_str(), &broken, &text.replace("passwrod", "gateway")] {
        let folder = folder(&[("config.yaml", text)]);
        let environment = [
            KEY,
            ("SOME", "canary26"),
            ("GATEWAY__LISTEN__PORT", "canary27"),
            ("PORT", "canary28"),
        ];
        let loaded = load_folder(
            &folder,
            &environment.into_iter().collect(),
            Strictness::Strict,
        );
        let mut json = Vec::new();
        config::json(&loaded.report, &mut json).unwrap();
        for output in [
            shown(&loaded),
            String::from_utf8(json).unwrap(),
            format!("{loaded:?}"),
        ] {
            assert!(!output.contains("canary"), "{output}");
        }
    }
}

#[test]
fn debug_prints_of_settings_hold_no_secret() {
    let text = "      api_key: sk-canary1\n      extra_headers: {x-a: canary2}\n      vertex_credentials: canary3\n      \
                aws_access_key_id: canary5\n      aws_secret_access_key: canary6\n      aws_session_token: canary7\n      \
                aws_web_identity_token: canary8\n      aws_external_id: canary9\n";
    let loaded = with(text, &[KEY, ("OTHER", "canary4")]);
    let settings = loaded.settings.unwrap();
    let shown = format!("{settings:?} {:?} {:?}", variables(), Overrides::default());
    assert!(!shown.contains("canary"), "{shown}");
}
