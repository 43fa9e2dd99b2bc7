//! The manifests: what the API server would refuse, and what must agree among them.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{files, program, schema::Schema};

const FOLDER: &str = "config/cluster/kubernetes";
const SCHEMA: &str = include_str!("schemas/kubernetes.json");

/// What we use, and the definition that says what it may look like.
const KINDS: [(&str, &str, &str); 7] = [
    ("v1", "ConfigMap", "io.k8s.api.core.v1.ConfigMap"),
    ("v1", "Secret", "io.k8s.api.core.v1.Secret"),
    ("v1", "Service", "io.k8s.api.core.v1.Service"),
    ("apps/v1", "StatefulSet", "io.k8s.api.apps.v1.StatefulSet"),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    ),
    ("policy/v1", "PodDisruptionBudget", "io.k8s.api.policy.v1.PodDisruptionBudget"),
    ("networking.k8s.io/v1", "NetworkPolicy", "io.k8s.api.networking.v1.NetworkPolicy"),
];

/// All manifests with the files they are in.
fn manifests() -> Vec<(String, Value)> {
    let entries = fs::read_dir(files::path(FOLDER)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .flat_map(|name| {
            let documents = files::yaml(&format!("{FOLDER}/{name}"));
            documents.into_iter().map(move |document| (name.clone(), document))
        })
        .collect()
}

/// The only manifest of a kind.
fn the(kind: &str) -> Value {
    let mut found = manifests().into_iter().filter(|(_, manifest)| manifest["kind"] == kind);
    let (_, manifest) = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "more than one {kind}");
    manifest
}

/// What is wrong with a manifest by the definition of its kind.
fn faults(manifest: &Value) -> Vec<String> {
    let is_its = |(version, kind, _): &&(&str, &str, &str)| {
        manifest["apiVersion"] == *version && manifest["kind"] == *kind
    };
    let Some((_, _, definition)) = KINDS.iter().find(is_its) else {
        return vec![format!("{} {} is none of ours", manifest["apiVersion"], manifest["kind"])];
    };
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    schema["$ref"] = json!(format!("#/$defs/{definition}"));
    Schema::of(&schema).faults(manifest)
}

fn pod() -> Value {
    the("StatefulSet")["spec"]["template"].clone()
}

fn container() -> Value {
    pod()["spec"]["containers"][0].clone()
}

fn integer(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

/// The configuration that all nodes mount.
fn config() -> String {
    the("ConfigMap")["data"]["rushgate.toml"].as_str().unwrap().to_owned()
}

#[test]
fn every_manifest_is_as_kubernetes_defines_its_kind() {
    let manifests = manifests();
    for (_, kind, _) in KINDS {
        assert!(manifests.iter().any(|(_, found)| found["kind"] == kind), "no {kind}");
    }
    for (file, manifest) in manifests {
        assert_eq!(faults(&manifest), [""; 0], "{file}");
    }
}

#[test]
fn a_slip_of_the_pen_is_found() {
    let set = the("StatefulSet");
    let wrongs: [(&str, Value); 5] = [
        ("/spec/minReadySecond", json!(10)),
        ("/spec/serviceName", json!(7)),
        ("/spec/template/spec/containers/0/readinessProbe/httpGet/ports", json!("ops")),
        ("/spec/template/spec/containers/0/resources/requests", json!("1 cpu")),
        ("/apiVersion", json!("apps/v2")),
    ];
    for (pointer, wrong) in wrongs {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut changed = set.clone();
        changed.pointer_mut(parent).unwrap()[name] = wrong;
        assert!(!faults(&changed).is_empty(), "{pointer}");
    }
    let mut nameless = set;
    nameless["spec"].as_object_mut().unwrap().remove("selector");
    assert!(!faults(&nameless).is_empty());
}

#[test]
fn the_configuration_is_one_that_the_program_takes() {
    program::assert_accepted("config.yaml", &config(), &[]);
}

/// Every variable of the Secret and of the pod names a key of the program, and the template is refused.
#[test]
fn the_variables_are_keys_and_an_unfilled_secret_is_refused() {
    let secret = the("Secret");
    let variables = secret["stringData"].as_object().unwrap();
    assert!(variables.values().all(|value| value == ""), "the template holds a secret");
    let filled = |name: &str| {
        if name.ends_with("URL") {
            "redis://redis:6379"
        } else {
            "0123456789abcdef0123456789abcdef"
        }
    };
    let filled: Vec<(&str, &str)> =
        variables.keys().map(|name| (name.as_str(), filled(name))).collect();
    program::assert_accepted("secret.yaml", &config(), &filled);
    let node = container()["env"][0]["name"].as_str().unwrap().to_owned();
    program::assert_accepted("the pod", &config(), &[(&node, "rushgate-0")]);

    let named = std::iter::once((node.as_str(), "rushgate-0"));
    let empty: Vec<(&str, &str)> =
        filled.iter().map(|(name, _)| (*name, "")).chain(named).collect();
    let (code, said) = program::check(&config(), &empty);
    assert_eq!(code, Some(2), "{said}");
    for key in ["redis.url", "pipeline.redis_url", "keys.secret", "keys.operator", "keys.backend"] {
        assert!(said.contains(&format!("{key}: found ")), "{key} is not in\n{said}");
    }
}

#[test]
fn everything_selects_the_pods_of_the_set() {
    let set = the("StatefulSet");
    let labels = &pod()["metadata"]["labels"];
    let selects = |selector: &Value| assert_eq!(selector, labels);
    selects(&set["spec"]["selector"]["matchLabels"]);
    selects(&the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]);
    selects(&the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]);
    for spread in pod()["spec"]["topologySpreadConstraints"].as_array().unwrap() {
        selects(&spread["labelSelector"]["matchLabels"]);
    }
    let target = &the("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"];
    for name in ["apiVersion", "kind"] {
        assert_eq!(target[name], set[name]);
    }
    assert_eq!(target["name"], set["metadata"]["name"]);
    assert_eq!(set["spec"].get("replicas"), None, "the autoscaler's");
}

#[test]
fn shoppers_reach_the_shoppers_port_and_nobody_else_the_other() {
    let ports: BTreeMap<String, i64> = container()["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| (port["name"].as_str().unwrap().to_owned(), integer(&port["containerPort"])))
        .collect();
    let listens = |key: &str| {
        let config: toml::Table = toml::from_str(&config()).unwrap();
        let address: std::net::SocketAddr =
            config["server"][key].as_str().unwrap().parse().unwrap();
        i64::from(address.port())
    };
    assert_eq!(ports["http"], listens("listen"));
    assert_eq!(ports["ops"], listens("ops_listen"));

    let services = manifests().into_iter().filter(|(_, found)| found["kind"] == "Service");
    let services: Vec<Value> = services.map(|(_, service)| service).collect();
    let (headless, public): (Vec<&Value>, Vec<&Value>) =
        services.iter().partition(|service| service["spec"]["clusterIP"] == "None");
    let targets = |service: &Value| service["spec"]["ports"].as_array().unwrap().clone();
    assert_eq!((headless.len(), public.len()), (1, 1));
    assert!(targets(public[0]).iter().all(|port| port["targetPort"] == "http"));
    assert_eq!(headless[0]["metadata"]["name"], the("StatefulSet")["spec"]["serviceName"]);

    let policy = the("NetworkPolicy");
    for rule in policy["spec"]["ingress"].as_array().unwrap() {
        let open = rule.get("from").is_none();
        let names = rule["ports"].as_array().unwrap().iter().map(|port| &port["port"]);
        assert!(names.clone().all(|name| ports.contains_key(name.as_str().unwrap())));
        assert!(!open || names.clone().all(|name| name == "http"), "{rule}");
    }
}

#[test]
fn a_pod_has_the_time_to_drain_and_keeps_its_journal() {
    let (pod, container) = (pod(), container());
    let config: toml::Table = toml::from_str(&config()).unwrap();
    let drain = config["server"]["drain_timeout_ms"].as_integer().unwrap() / 1_000;
    let pause = integer(&container["lifecycle"]["preStop"]["sleep"]["seconds"]);
    let grace = integer(&pod["spec"]["terminationGracePeriodSeconds"]);
    assert!(grace >= pause + drain + 10, "{grace} s for {pause} s and {drain} s");

    let set = the("StatefulSet");
    assert_eq!(set["spec"]["podManagementPolicy"], "Parallel");
    let kept = &set["spec"]["persistentVolumeClaimRetentionPolicy"];
    assert!(kept.as_object().unwrap().values().all(|what| what == "Retain"));
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mount_of = |volume: &Value| {
        let mount = mounts.iter().find(|mount| mount["name"] == *volume);
        mount.unwrap_or_else(|| panic!("{volume} is not mounted"))["mountPath"].as_str().unwrap()
    };
    let data = mount_of(&set["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]);
    assert!(config["data"]["dir"].as_str().unwrap().starts_with(data));
    let folder = mount_of(&pod["spec"]["volumes"][0]["name"]);
    let given = container["args"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert_eq!(given, format!("{folder}/rushgate.toml"));
}

#[test]
fn a_node_gets_shoppers_once_it_is_ready_and_keeps_them_while_it_answers() {
    let container = container();
    for (probe, path) in
        [("startupProbe", "/readyz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/healthz")]
    {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "ops"}), "{probe}");
    }
}
