//! A new configuration is taken as a whole or not at all, and no call notices that it was.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use end_to_end::call::{self, CARRIES, Carry, Live};
use end_to_end::{Gateway, PATIENCE, Setup, Stream, binary, setup};
use gateway_testkit::ca::{ServerTls, TestCa};
use gateway_testkit::client::{BodyEnd, ConnectOptions, Http1Client, Request};
use gateway_testkit::dialect::google::{TokenEndpoint, service_account};
use gateway_testkit::dialect::{Dialects, Wire};
use gateway_testkit::script::Gate;
use gateway_testkit::upstream::{Upstream, UpstreamConfig};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;

/// The names of models that the gateway serves.
async fn names(gateway: &Gateway) -> Vec<String> {
    let models = gateway.get("/v1/models").await.json();
    let models = models["data"].as_array().unwrap().iter();
    models
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits for the log line of a reload.
async fn told(gateway: &Gateway, cause: &str, message: &str) -> Value {
    let cause = format!("\"cause\":\"{cause}\"");
    let line = gateway.line(|line| line.contains(message) && line.contains(&cause));
    serde_json::from_str(&line.await).unwrap()
}

/// The configuration with its model under another name.
fn renamed(gateway: &Gateway, name: &str) -> Value {
    let mut config = gateway.config();
    for entry in config["model_list"].as_array_mut().unwrap() {
        entry["model_name"] = json!(name);
    }
    config
}

/// The number of the current generation of the origin at `url`.
async fn generation(gateway: &Gateway, url: &str) -> u64 {
    let pools = gateway.pools().await;
    let origins = pools["origins"].as_array().unwrap();
    let origin = origins.iter().find(|it| it["origin"] == url);
    let generations = origin.unwrap()["generations"].as_array().unwrap();
    let current = generations.iter().find(|it| it["state"] == "current");
    current.unwrap()["number"].as_u64().unwrap()
}

#[tokio::test]
async fn a_signal_an_order_and_a_changed_file_are_causes() {
    let upstream = Upstream::plain().await;
    let mut gateway = Setup::serving(&upstream.url()).start().await;
    assert_eq!(names(&gateway).await, ["double"]);

    gateway.configure(&renamed(&gateway, "ordered"));
    let answer = gateway.reload().await;
    assert_eq!(
        (&answer["outcome"], &answer["generation"]),
        (&json!("taken"), &json!(2))
    );
    assert_eq!(answer["cause"], "command");
    assert_eq!(names(&gateway).await, ["ordered"]);
    // Whoever says the same in other words says nothing new.
    let config = gateway.config();
    gateway.replace("config.yaml", &format!("# why\n{config:#}\n"));
    let answer = gateway.reload().await;
    assert_eq!(
        (&answer["outcome"], &answer["generation"]),
        (&json!("unchanged"), &json!(2))
    );

    gateway.configure(&config);
    gateway.configure(&renamed(&gateway, "signaled"));
    gateway.signal(Signal::HUP);
    let line = told(&gateway, "signal", "configuration taken").await;
    assert_eq!(line["generation"], 3, "{line}");
    assert_eq!(names(&gateway).await, ["signaled"]);

    gateway.configure(&renamed(&gateway, "watched"));
    let line = told(&gateway, "watch", "configuration taken").await;
    assert_eq!(line["generation"], 4, "{line}");
    assert_eq!(names(&gateway).await, ["watched"]);
}

#[tokio::test]
async fn who_wants_no_watch_reloads_on_demand_only() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .arg("--no-watch")
        .start()
        .await;
    gateway.configure(&renamed(&gateway, "other"));
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        assert_eq!(names(&gateway).await, ["double"]);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    gateway.reload().await;
    assert_eq!(names(&gateway).await, ["other"]);
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_told_with_line_and_column() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let good = gateway.config();
    let bad = "model_list:\n  - model_name: other\n    litellm_params: {model: 7, api_key: sk-hidden}\n    surprise: 1\n";
    gateway.replace("config.yaml", bad);
    let line = told(&gateway, "watch", "configuration refused").await;
    assert_eq!(
        (&line["level"], &line["generation"]),
        (&json!("ERROR"), &json!(1))
    );
    let place = format!("{}:3:29", gateway.dir().join("config.yaml").display());
    gateway.line(|line| line.contains(&place)).await;

    let answer = gateway.reload().await;
    assert_eq!(
        (&answer["outcome"], &answer["generation"]),
        (&json!("refused"), &json!(1))
    );
    let problems = answer["problems"].as_array().unwrap();
    let error = problems
        .iter()
        .find(|it| it["severity"] == "error")
        .unwrap();
    assert_eq!(
        (&error["line"], &error["column"]),
        (&json!(3), &json!(29)),
        "{answer:#}"
    );
    assert_eq!(error["code"], "wrong_type");
    assert!(
        problems.iter().any(|it| it["line"] == 4),
        "all of them: {answer:#}"
    );
    assert!(!answer.to_string().contains("sk-hidden"));
    assert!(!gateway.lines().concat().contains("sk-hidden"));
    for (what, text) in [("no YAML", "model_list: ["), ("nothing", "")] {
        gateway.replace("config.yaml", text);
        assert_eq!(gateway.reload().await["outcome"], "refused", "{what}");
    }
    fs::remove_file(gateway.dir().join("config.yaml")).unwrap();
    assert_eq!(gateway.reload().await["problems"][0]["code"], "unreadable");
    assert_eq!(names(&gateway).await, ["double"]);
    let view = gateway
        .answer(&call::plain(Wire::OpenAiChat, "hello"))
        .await;
    assert_eq!(view.status, 200, "{view:?}");
    // What was in force all the time is nothing new.
    gateway.configure(&good);
    assert_eq!(gateway.reload().await["outcome"], "unchanged");
}

#[tokio::test]
async fn a_deployment_that_would_be_left_out_is_an_error_when_it_is_news() {
    let upstream = Upstream::plain().await;
    let nobody = json!({"model": "nobody/knows", "api_key": "k"});
    let gateway = Setup::serving(&upstream.url())
        .model("left-out", &nobody)
        .start()
        .await;
    let mut config = gateway.config();
    config["model_list"][0]["model_name"] = json!("same");
    gateway.configure(&config);
    let answer = gateway.reload().await;
    assert_eq!(
        answer["outcome"], "taken",
        "as it was at the start: {answer:#}"
    );
    config["model_list"][0]["litellm_params"] = json!({"model": "nobody/else", "api_key": "k"});
    gateway.configure(&config);
    let answer = gateway.reload().await;
    assert_eq!(answer["outcome"], "refused", "{answer:#}");
    let problems = answer["problems"].as_array().unwrap();
    let error = problems
        .iter()
        .find(|it| it["severity"] == "error")
        .unwrap();
    assert_eq!(error["code"], "unservable");
    assert_eq!(error["line"], 1, "{error}");
    assert_eq!(names(&gateway).await, ["same", "double"]);
}

#[tokio::test]
async fn included_files_and_secrets_are_watched_and_kubernetes_swaps_them_all_at_once() {
    let upstream = Upstream::plain().await;
    let dir = TempDir::with_prefix("end-to-end-").unwrap();
    let write = |folder: &str, name: &str, key: &str| {
        let at = dir.path().join(folder);
        fs::create_dir(&at).unwrap();
        let secret = dir.path().join("provider-key");
        let params = json!({"model": "openai/double", "api_base": format!("{}/v1", upstream.url()),
            "api_key": format!("file:{}", secret.display())});
        let models = json!({"model_list": [{"model_name": name, "litellm_params": params}]});
        let config = json!({"include": ["models.yaml"], "gateway": {"workers": 1}});
        fs::write(at.join("config.yaml"), config.to_string()).unwrap();
        fs::write(at.join("models.yaml"), models.to_string()).unwrap();
        fs::write(at.join("provider-key"), key).unwrap();
    };
    write("..1", "one", "sk-1");
    symlink("..1", dir.path().join("..data")).unwrap();
    for file in ["config.yaml", "models.yaml", "provider-key"] {
        symlink(Path::new("..data").join(file), dir.path().join(file)).unwrap();
    }
    let path = dir.path().to_owned();
    let swap = |folder: &str| {
        symlink(folder, path.join("..data_tmp")).unwrap();
        fs::rename(path.join("..data_tmp"), path.join("..data")).unwrap();
    };
    write("..2", "two", "sk-2");
    write("..3", "two", "sk-3");
    let config = path.join("config.yaml").display().to_string();
    let args = ["--config", &config, "--port", "0"].map(str::to_owned);
    let gateway = setup::start(args.to_vec(), Vec::new(), Some(dir)).await;
    let key = async |model: &str| {
        let request = Request::chat("hello").model(model);
        assert_eq!(gateway.answer(&request).await.status, 200);
        let request = upstream.requests().pop().unwrap();
        request.header("authorization").unwrap().to_owned()
    };
    assert_eq!(key("one").await, "Bearer sk-1");
    swap("..2");
    let line = told(&gateway, "watch", "configuration taken").await;
    assert_eq!(line["generation"], 2);
    assert_eq!(key("two").await, "Bearer sk-2");
    // Only the secret differs.
    swap("..3");
    gateway
        .line(|line| line.contains("configuration taken") && line.contains("\"generation\":3"))
        .await;
    assert_eq!(key("two").await, "Bearer sk-3");
    assert!(!gateway.lines().concat().contains("sk-"));
}

#[tokio::test]
async fn a_new_master_key_holds_from_the_next_call_on() {
    let upstream = Upstream::plain().await;
    let dir = TempDir::with_prefix("end-to-end-").unwrap();
    let file = dir.path().join("master");
    fs::write(&file, "sk-old\n").unwrap();
    let gateway = Setup::serving(&upstream.url())
        .master_key(&format!("file:{}", file.display()))
        .start()
        .await;
    let status = async |key: &str| {
        let request = call::plain(Wire::OpenAiChat, "hello").bearer(key);
        gateway.answer(&request).await.status
    };
    assert_eq!((status("sk-old").await, status("sk-new").await), (200, 401));
    fs::write(&file, "sk-new\n").unwrap();
    told(&gateway, "watch", "configuration taken").await;
    assert_eq!((status("sk-old").await, status("sk-new").await), (401, 200));
}

#[tokio::test]
async fn the_key_of_a_public_listener_cannot_be_taken_away() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .master_key("sk-master")
        .set("gateway.listen.host", json!("0.0.0.0"))
        .start()
        .await
        .with_key("sk-master");
    let mut config = gateway.config();
    config["general_settings"] = json!({});
    gateway.configure(&config);
    let answer = gateway.reload().await;
    assert_eq!(answer["outcome"], "refused", "{answer:#}");
    let request = call::plain(Wire::OpenAiChat, "hello");
    assert_eq!(gateway.answer(&request).await.status, 401);
}

#[tokio::test]
async fn only_origins_whose_connections_change_rotate_and_their_streams_run_to_their_end() {
    let gate = Gate::new();
    let (kept, changed) = (
        Stream::held_after_one(&gate).await,
        Stream::held_after_one(&gate).await,
    );
    let gateway = Setup::new()
        .member("kept", "kept", &kept.url(), &json!({}))
        .member("changed", "changed", &changed.url(), &json!({}))
        .start()
        .await;
    let mut live = Vec::new();
    for model in ["kept", "changed"] {
        for carry in CARRIES {
            let request = call::streaming(Wire::OpenAiChat, "hello").model(model);
            let mut stream = Live::open(&gateway, carry, &request).await;
            stream.head().await.unwrap();
            stream.content().await;
            live.push(stream);
        }
    }
    // The same address in another way: another origin. And another key: the same one.
    let mut config = gateway.config();
    for entry in config["model_list"].as_array_mut().unwrap() {
        if entry["model_name"] == "changed" {
            entry["litellm_params"]["http2"] = json!("never");
        } else {
            entry["litellm_params"]["api_key"] = json!("sk-other");
        }
    }
    gateway.configure(&config);
    assert_eq!(gateway.reload().await["outcome"], "taken");
    assert_eq!(generation(&gateway, &kept.url()).await, 1);
    let pools = gateway.pools().await;
    let origins = pools["origins"].as_array().unwrap();
    let draining = |origin: &&Value| {
        let mut generations = origin["generations"].as_array().unwrap().iter();
        generations.any(|it| it["state"] == "draining" && it["leases"] == 2)
    };
    let draining: Vec<_> = origins.iter().filter(draining).collect();
    assert_eq!(draining.len(), 1, "{pools:#}");
    assert_eq!(draining[0]["origin"], changed.url());
    gate.open();
    for mut stream in live {
        let (events, end) = stream.rest().await;
        assert_eq!(end, BodyEnd::Clean);
        assert!(events.iter().any(|it| it.data == "[DONE]"), "{events:?}");
    }
    // What nobody uses any more is gone.
    gateway
        .pools_satisfy(|pools| pools["origins"].as_array().unwrap().len() == 2)
        .await;
}

#[tokio::test]
async fn streams_run_over_reloads_on_a_model_that_is_gone() {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let mut running = Vec::new();
    for wire in call::STREAMING {
        for carry in CARRIES {
            let (request, id) = call::named(call::streaming(wire, "hello"));
            let mut live = Live::open(&gateway, carry, &request).await;
            live.head().await.unwrap();
            live.content().await;
            running.push((live, id));
        }
    }
    let elsewhere = json!({"model": "openai/x", "api_base": "http://127.0.0.1:9", "api_key": "k"});
    for round in 0..20 {
        let mut config = gateway.config();
        config["model_list"] =
            json!([{"model_name": format!("m{round}"), "litellm_params": elsewhere}]);
        gateway.configure(&config);
        assert_eq!(gateway.reload().await["outcome"], "taken");
    }
    let view = gateway
        .answer(&call::plain(Wire::OpenAiChat, "hello"))
        .await;
    assert_ne!(view.status, 200, "the model is gone: {view:?}");
    gate.open();
    for (mut live, id) in running {
        let (_, end) = live.rest().await;
        assert_eq!(end, BodyEnd::Clean);
        assert_eq!(gateway.record(&id).await["end"], "complete");
    }
}

#[tokio::test]
async fn limits_of_calls_and_lines_change_while_calls_run() {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.max_in_flight", json!(1))
        .set("gateway.max_queued", json!(0))
        .start()
        .await;
    let open = async || {
        let request = call::streaming(Wire::OpenAiChat, "hello");
        let mut live = Live::open(&gateway, Carry::Http1, &request).await;
        (live.head().await.unwrap().status, live)
    };
    let change = async |key: &str, value: Value| {
        let mut config = gateway.config();
        config["gateway"][key] = value;
        gateway.configure(&config);
        assert_eq!(gateway.reload().await["outcome"], "taken");
    };
    let mut held = vec![open().await];
    assert_eq!(open().await.0, 503);
    change("max_in_flight", json!(2)).await;
    held.push(open().await);
    assert_eq!(open().await.0, 503);
    change("max_in_flight", json!(1)).await;
    drop(held.pop());
    assert_eq!(open().await.0, 503, "one still runs");
    change("max_in_flight", Value::Null).await;
    held.push(open().await);
    held.push(open().await);
    change("max_body_bytes", json!(10)).await;
    let view = gateway
        .answer(&call::plain(Wire::OpenAiChat, "hello"))
        .await;
    assert_eq!(view.status, 413, "{view:?}");
    gate.open();
    for (status, mut live) in held {
        assert_eq!(status, 200);
        assert_eq!(live.rest().await.1, BodyEnd::Clean);
    }
}

#[tokio::test]
async fn what_waits_for_a_restart_is_named_until_it_is_taken_back() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let before = gateway.config();
    let mut config = before.clone();
    config["gateway"]["workers"] = json!(1);
    config["gateway"]["log"] = json!({"format": "text"});
    gateway.configure(&config);
    let waiting = json!(["gateway.workers", "gateway.log.format"]);
    assert_eq!(gateway.reload().await["needs_restart"], waiting);
    config["gateway"]["heartbeat_seconds"] = json!(3);
    gateway.configure(&config);
    assert_eq!(gateway.reload().await["needs_restart"], waiting);
    gateway.configure(&before);
    assert_eq!(gateway.reload().await["needs_restart"], json!([]));
}

#[tokio::test]
async fn variables_of_the_configuration_reach_what_looks_them_up() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::new()
        .set("environment_variables", json!({"OPENAI_API_KEY": "sk-one"}))
        .model(
            "double",
            &json!({"model": "openai/double", "api_base": format!("{}/v1", upstream.url())}),
        )
        .start()
        .await;
    for key in ["sk-one", "sk-two"] {
        let mut config = gateway.config();
        config["environment_variables"] = json!({"OPENAI_API_KEY": key});
        gateway.configure(&config);
        gateway.reload().await;
        let view = gateway
            .answer(&Request::chat("hello").model("double"))
            .await;
        assert_eq!(view.status, 200, "{view:?}");
        let request = upstream.requests().pop().unwrap();
        assert_eq!(
            request.header("authorization"),
            Some(&*format!("Bearer {key}"))
        );
    }
}

#[tokio::test]
async fn what_is_known_of_deployments_and_tokens_that_were_fetched_are_kept() {
    let token = Arc::new(TokenEndpoint::new(Duration::from_secs(3600)));
    let dialects = Dialects {
        token: Arc::clone(&token),
        ..Dialects::default()
    };
    let config = UpstreamConfig::default().handler(move |request| dialects.answer(request));
    let upstream = Upstream::start(config).await;
    let account = || service_account(&format!("{}/token", upstream.url())).to_string();
    let setup = Setup::new();
    let file = setup.dir().join("account.json");
    fs::write(&file, account()).unwrap();
    let vertex = json!({"model": "vertex_ai/claude-sonnet-4-5@20250929", "api_base": upstream.url(),
        "vertex_location": "europe-west1", "vertex_credentials": file.display().to_string()});
    let gateway = setup
        .model("double", &vertex)
        .member("other", "aside", &upstream.url(), &json!({}))
        .start()
        .await;
    let order = Request::post(
        "/admin/deployments/aside/cooldown",
        &json!({"seconds": 600}),
    );
    assert_eq!(gateway.answer(&order).await.status, 200);
    let call = async || {
        let request = call::plain(Wire::AnthropicMessages, "hello");
        assert_eq!(gateway.answer(&request).await.status, 200);
    };
    call().await;
    for beat in 1..5 {
        let mut config = gateway.config();
        config["gateway"]["heartbeat_seconds"] = json!(beat);
        gateway.configure(&config);
        assert_eq!(gateway.reload().await["outcome"], "taken");
        call().await;
    }
    assert_eq!(token.issued(), 1);
    let told = gateway.get("/admin/explain?model=other").await.json();
    let deployments = told["legs"][0]["deployments"].as_array().unwrap();
    let aside = deployments.iter().find(|it| it["id"] == "aside").unwrap();
    assert_eq!(aside["standing"]["state"], "set_aside", "{aside:#}");
    // Another account, which the double does not know: it is the one that is asked for.
    let mut other: Value = serde_json::from_str(&account()).unwrap();
    other["client_email"] = json!("somebody@else.test");
    gateway.replace("account.json", &other.to_string());
    assert_eq!(gateway.reload().await["outcome"], "taken");
    let request = call::plain(Wire::AnthropicMessages, "hello");
    assert_eq!(gateway.answer(&request).await.status, 503);
    gateway.replace("account.json", &account());
    assert_eq!(gateway.reload().await["outcome"], "taken");
    call().await;
}

/// The body of the listener's certificate that a new handshake sees: that of this authority or not.
async fn trusts(gateway: &Gateway, ca: &TestCa) -> bool {
    let tls = Some((
        ca.client_config(None, &["http/1.1"]),
        "localhost".to_owned(),
    ));
    let options = ConnectOptions {
        tls,
        ..ConnectOptions::default()
    };
    Http1Client::connect_with(gateway.addr(), options)
        .await
        .is_ok()
}

#[tokio::test]
async fn the_listeners_certificate_is_swapped_under_a_stream() {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let (old, new) = (TestCa::new(), TestCa::new());
    let setup = Setup::serving(&upstream.url());
    let files = old.server().write_pem(setup.dir(), "listener");
    let gateway = setup
        .set(
            "gateway.listen.tls_cert",
            json!(files.cert.display().to_string()),
        )
        .set(
            "gateway.listen.tls_key",
            json!(files.key.display().to_string()),
        )
        .start()
        .await;
    let mut client =
        Http1Client::connect_tls(gateway.addr(), old.client_config(None, &["http/1.1"])).await;
    client.set_deadline(PATIENCE);
    client
        .send(&call::streaming(Wire::OpenAiChat, "hello"))
        .await
        .unwrap();
    assert_eq!(client.head().await.unwrap().status, 200);
    // A key that does not fit: as a bad configuration.
    fs::write(&files.key, new.server().key_pem()).unwrap();
    told(&gateway, "watch", "configuration refused").await;
    gateway
        .line(|line| line.contains("config.yaml:1:") && line.contains("cannot be used together"))
        .await;
    assert!(trusts(&gateway, &old).await);
    let _files = new.server().write_pem(gateway.dir(), "listener");
    told(&gateway, "watch", "configuration taken").await;
    assert!(trusts(&gateway, &new).await && !trusts(&gateway, &old).await);
    gate.open();
    let mut last = None;
    while let Some(event) = client.event().await.unwrap() {
        last = Some(event.data);
    }
    assert_eq!(last.as_deref(), Some("[DONE]"));
    // And the same connection goes on.
    assert_eq!(client.call(&Request::get("/v1/models")).await.status, 200);
}

/// An upstream that serves who shows a certificate of `ca`'s; its streams end when the gate is open.
async fn asking_for_a_certificate(ca: &TestCa, gate: &Gate) -> Upstream {
    let tls = ServerTls {
        alpn: vec!["http/1.1"],
        client_ca: Some(ca.certificate()),
    };
    let held = gate.clone();
    let config = UpstreamConfig::default().handler(move |request| {
        let stream = Stream::answering(request);
        let rest = stream.after(1).to_vec();
        stream.begun(1).wait(&held).all(rest).end()
    });
    Upstream::start(config.tls(ca.server().server_config(&tls))).await
}

#[tokio::test]
async fn a_new_client_certificate_is_shown_and_a_bad_one_changes_nothing() {
    let ca = TestCa::new();
    let gate = Gate::new();
    let upstream = asking_for_a_certificate(&ca, &gate).await;
    let setup = Setup::new();
    let roots = ca.write_pem(setup.dir()).display().to_string();
    let pem = |name: &str| {
        let identity = ca.client(name);
        (
            format!("{}{}", identity.cert_pem(), identity.key_pem()),
            identity.chain().remove(0).to_vec(),
        )
    };
    let (one, one_der) = pem("one");
    let (two, two_der) = pem("two");
    let file = setup.dir().join("client.pem");
    fs::write(&file, one).unwrap();
    let more = json!({"ssl_verify": roots, "ssl_certificate": file.display().to_string()});
    let gateway = setup.double(&upstream.url(), &more).start().await;
    let open = async || {
        let request = call::streaming(Wire::OpenAiChat, "hello");
        let mut live = Live::open(&gateway, Carry::Http1, &request).await;
        live.head().await.unwrap();
        live.content().await;
        let shown = upstream
            .requests()
            .pop()
            .unwrap()
            .client_certificate
            .clone();
        (live, shown.unwrap().to_vec())
    };
    let (mut before, shown) = open().await;
    assert_eq!(shown, one_der);
    gateway.replace("client.pem", "no certificate");
    let answer = gateway.reload().await;
    assert_eq!(answer["outcome"], "refused", "{answer:#}");
    let problems = answer["problems"].as_array().unwrap();
    let error = problems
        .iter()
        .find(|it| it["severity"] == "error")
        .unwrap();
    assert_eq!(error["line"], 1, "{error}");
    assert!(
        error["message"].to_string().contains("client key"),
        "{error}"
    );
    assert_eq!(generation(&gateway, &upstream.url()).await, 1);
    gateway.replace("client.pem", &two);
    assert_eq!(gateway.reload().await["outcome"], "taken");
    assert_eq!(generation(&gateway, &upstream.url()).await, 2);
    let (mut after, shown) = open().await;
    assert_eq!(shown, two_der);
    gate.open();
    for live in [&mut before, &mut after] {
        assert_eq!(live.rest().await.1, BodyEnd::Clean);
    }
}

#[tokio::test]
async fn orders_that_come_together_are_one_reload() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    gateway.configure(&renamed(&gateway, "other"));
    let orders: [_; 8] = std::array::from_fn(|_| gateway.reload());
    let [a, b, c, d, e, f, g, h] = orders;
    let answers = tokio::join!(a, b, c, d, e, f, g, h);
    let answers = [
        answers.0, answers.1, answers.2, answers.3, answers.4, answers.5, answers.6, answers.7,
    ];
    for answer in &answers {
        assert_eq!(answer["generation"], 2, "{answer}");
    }
    assert!(answers.iter().any(|it| it["outcome"] == "taken"));
}

/// The commands of a page.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(binary::workspace().join(page)).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|it| it.split("```").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_commands_on_the_page_do_what_it_says() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .master_key("sk-page")
        .arg("--no-watch")
        .start()
        .await
        .with_key("sk-page");
    gateway.configure(&renamed(&gateway, "other"));
    let mut said = String::new();
    let all = commands("docs/operations/reload.md");
    assert_eq!(all.len(), 3);
    for text in all {
        let text = text.replace("http://localhost:4000", &gateway.url());
        let folder = binary::gateway_server()
            .parent()
            .unwrap()
            .display()
            .to_string();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
        let done = Command::new("sh")
            .args(["-ec", &text])
            .current_dir(gateway.dir())
            .env("PATH", path)
            .env("GATEWAY_PID", gateway.pid().to_string())
            .env("LITELLM_MASTER_KEY", "sk-page")
            .output()
            .await
            .unwrap();
        assert!(done.status.success(), "{text}: {done:?}");
        said += &String::from_utf8(done.stdout).unwrap();
    }
    assert!(said.contains("\"outcome\":\"taken\""), "{said}");
    told(&gateway, "command", "configuration taken").await;
    told(&gateway, "signal", "configuration unchanged").await;
}
