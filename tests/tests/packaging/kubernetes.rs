//! The manifests and the chart. There is no cluster here: they are built by kustomize and by Helm, and judged by the
//! schemas of Kubernetes.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::{check, content, folder, judge, longest_end, number, project};

/// The versions of Kubernetes that the manifests are for: from the oldest that the chart takes to the newest known.
const VERSIONS: [&str; 2] = ["1.27", "1.37"];

/// Objects by their kind; there is one of each.
type Objects = BTreeMap<String, Value>;

fn by_kind(objects: Vec<Value>) -> Objects {
    let count = objects.len();
    let kind = |it: &Value| it["kind"].as_str().unwrap().to_owned();
    let all: Objects = objects.into_iter().map(|it| (kind(&it), it)).collect();
    assert_eq!(all.len(), count);
    all
}

/// The base, as kustomize builds it.
async fn base() -> Objects {
    let base = project("packaging/kubernetes/base").display().to_string();
    let text = content("kubectl", &["kustomize", &base]).await;
    let folder = folder();
    let file = folder.path().join("base.yaml");
    fs::write(&file, text).unwrap();
    by_kind(judge("objects", &[&file.display().to_string()]).await)
}

/// The chart with these values.
async fn chart(values: &Value) -> Vec<Value> {
    let chart = project("packaging/kubernetes/helm/gateway-server");
    let args = [
        &chart.display().to_string(),
        "gateway-server",
        &values.to_string(),
    ];
    judge("render", &args).await
}

/// Fails if Kubernetes would not take them. Kinds of others are not known to it.
async fn assert_valid(objects: &Objects) {
    let known = objects.values().filter(|it| it["kind"] != "ServiceMonitor");
    let known: Vec<&Value> = known.collect();
    let folder = folder();
    let file = folder.path().join("objects.yaml");
    // JSON is YAML.
    let text: Vec<String> = known.iter().map(|it| it.to_string()).collect();
    fs::write(&file, text.join("\n---\n")).unwrap();
    let file = file.display().to_string();
    let args: Vec<&str> = [&*file].into_iter().chain(VERSIONS).collect();
    let verdicts = judge("kubernetes", &args).await;
    assert_eq!(verdicts.len(), known.len() * VERSIONS.len());
    for verdict in verdicts {
        assert_eq!(verdict["wrong"], Value::Null, "{verdict}");
    }
}

/// What holds for every way of putting it into a cluster.
async fn assert_streams_end_by_themselves(objects: &Objects) {
    let config = objects["ConfigMap"]["data"]["config.yaml"]
        .as_str()
        .unwrap();
    let done = check(config).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
    let folder = folder();
    let file = folder.path().join("config.yaml");
    fs::write(&file, config).unwrap();
    let config = judge("objects", &[&file.display().to_string()]).await;
    let pod = &objects["Deployment"]["spec"]["template"]["spec"];
    let grace = number(pod, "/terminationGracePeriodSeconds");
    assert!(grace > longest_end(&config[0]), "{grace}");
}

#[tokio::test]
async fn the_base_is_built_by_kustomize_and_taken_by_kubernetes() {
    let base = base().await;
    assert_valid(&base).await;
    assert_streams_end_by_themselves(&base).await;
    let pod = &base["Deployment"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let image = container["image"].as_str().unwrap();
    assert_eq!(image, format!("gateway-server:{}", crate::version()));
    // A file that is mounted by `subPath` never follows its source.
    let mounts = container["volumeMounts"].as_array().unwrap();
    assert!(mounts.iter().all(|it| it.get("subPath").is_none()));
    let drain = container.pointer("/lifecycle/preStop/exec/command/1");
    assert_eq!(drain, Some(&json!("drain")));
}

/// What the profile "restricted" of Kubernetes' Pod Security Standards asks for.
#[tokio::test]
async fn pods_keep_to_the_restricted_profile() {
    let base = base().await;
    let pod = &base["Deployment"]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert!(number(pod, "/securityContext/runAsUser") > 0);
    let profile = pod.pointer("/securityContext/seccompProfile/type");
    assert_eq!(profile, Some(&json!("RuntimeDefault")));
    assert_eq!(pod["automountServiceAccountToken"], false);
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod.get(key).is_none(), "{key}");
    }
    for container in pod["containers"].as_array().unwrap() {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
    }
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(volume.get("hostPath").is_none(), "{volume}");
    }
}

#[tokio::test]
async fn the_chart_says_by_default_what_the_base_says() {
    let chart = by_kind(chart(&json!({})).await);
    assert_valid(&chart).await;
    assert_streams_end_by_themselves(&chart).await;
    let base = base().await;
    assert_eq!(
        chart.keys().collect::<Vec<_>>(),
        base.keys().collect::<Vec<_>>()
    );
    for (kind, object) in &base {
        if kind == "ConfigMap" {
            continue;
        }
        for (key, value) in object.as_object().unwrap() {
            if key != "metadata" {
                assert_eq!(&chart[kind][key], value, "{kind} {key}");
            }
        }
        assert_eq!(chart[kind]["metadata"]["name"], object["metadata"]["name"]);
    }
}

#[tokio::test]
async fn the_chart_with_everything_said_is_taken_by_kubernetes() {
    let values = json!({
        "image": {"repository": "registry.example/gateway-server", "tag": "9.9.9"},
        "secretName": "keys",
        "env": [{"name": "OPENAI_API_KEY", "valueFrom": {"secretKeyRef": {"name": "openai", "key": "key"}}}],
        "terminationGracePeriodSeconds": 1260,
        "config": {"gateway": {"drain": {"timeout": 1200}}},
        "service": {"type": "LoadBalancer", "port": 80},
        "autoscaling": {"enabled": false, "minReplicas": 3},
        "networkPolicy": {"egressPorts": [443, 8000]},
        "serviceMonitor": {"enabled": true},
        "podAnnotations": {"team": "models"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    });
    let objects = by_kind(chart(&values).await);
    assert_valid(&objects).await;
    assert_streams_end_by_themselves(&objects).await;
    let spec = &objects["Deployment"]["spec"];
    assert_eq!(spec["replicas"], 3);
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example/gateway-server:9.9.9");
    assert_eq!(container["env"].as_array().unwrap().len(), 3);
    let endpoint = &objects["ServiceMonitor"]["spec"]["endpoints"][0];
    assert_eq!(endpoint["path"], "/metrics");
    assert!(!objects.contains_key("HorizontalPodAutoscaler"));
    let chart = chart(&json!({"networkPolicy": {"enabled": false}})).await;
    assert!(!by_kind(chart).contains_key("NetworkPolicy"));
}

#[tokio::test]
async fn the_chart_has_no_faults_and_refuses_values_that_it_does_not_know() {
    let chart_folder = project("packaging/kubernetes/helm/gateway-server");
    let found = judge("lint", &[&chart_folder.display().to_string()]).await;
    // 1 is information: that there is no icon.
    for message in &found {
        assert_eq!(message["severity"], 1, "{message}");
    }
    for (wrong, named) in [
        (json!({"imge": {}}), "imge"),
        (
            json!({"autoscaling": {"streams": 0}}),
            "/autoscaling/streams",
        ),
        (
            json!({"terminationGracePeriodSeconds": "10m"}),
            "/terminationGracePeriodSeconds",
        ),
    ] {
        let refused = chart(&wrong).await;
        let why = refused[0]["refused"].as_str().unwrap_or_default();
        assert!(why.contains(named), "{refused:?}");
    }
}
