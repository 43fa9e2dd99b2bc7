//! The compose file: its schema, and what the schema cannot know.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{files, program, schema::Schema};

const FILE: &str = "config/cluster/compose.yaml";
const SCHEMA: &str = include_str!("schemas/compose.json");

fn compose() -> Value {
    let mut documents = files::yaml(FILE);
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn faults(document: &Value) -> Vec<String> {
    Schema::of(&serde_json::from_str(SCHEMA).unwrap()).faults(document)
}

/// The services that are nodes of ours.
fn nodes(compose: &Value) -> Vec<(String, Value)> {
    let services = compose["services"].as_object().unwrap();
    let ours = services.iter().filter(|(_, service)| service["image"] == "rushgate");
    ours.map(|(name, service)| (name.clone(), service.clone())).collect()
}

/// The names in `${NAME:?…}`.
fn asked_for(text: &str) -> BTreeSet<&str> {
    text.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap()).collect()
}

#[test]
fn the_file_is_as_compose_defines_it_and_a_slip_is_found() {
    let compose = compose();
    assert_eq!(faults(&compose), [""; 0]);
    for (pointer, wrong) in [
        ("/services/redis/helthcheck", serde_json::json!({})),
        ("/services/node-1/depends_on/redis/condition", serde_json::json!("service_well")),
        ("/services/balancer/ports", serde_json::json!("8080:80")),
    ] {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut changed = compose.clone();
        changed.pointer_mut(parent).unwrap()[name] = wrong;
        assert!(!faults(&changed).is_empty(), "{pointer}");
    }
}

#[test]
fn there_are_three_nodes_each_with_its_name_and_its_journal() {
    let compose = compose();
    let nodes = nodes(&compose);
    assert_eq!(nodes.len(), 3);
    let declared = compose["volumes"].as_object().unwrap();
    for (name, node) in &nodes {
        assert_eq!(node["environment"]["RUSHGATE__SERVER__NODE"], name.as_str());
        assert_eq!(node["volumes"], serde_json::json!([format!("{name}:/data")]));
        assert!(declared.contains_key(name), "{name} has no volume");
        assert_eq!(node.get("ports"), None, "{name} is reached through the balancer alone");
        let balanced = format!("server {name}:8080");
        for file in ["config/cluster/nginx.conf", "config/cluster/haproxy.cfg"] {
            let text = files::text(file).replace(&format!("server {name} "), "server ");
            assert!(text.contains(&balanced), "{name} is not in {file}");
        }
    }
    let services = compose["services"].as_object().unwrap();
    for (name, service) in services {
        for other in service["depends_on"].as_object().into_iter().flat_map(|map| map.keys()) {
            let other = &services[other];
            let checked = other.get("healthcheck").is_some() || other["image"] == "rushgate";
            assert!(checked, "{name} waits for one that has no health check");
        }
    }
}

#[test]
fn variables_are_keys_of_the_program_and_secrets_are_in_the_example() {
    let compose = compose();
    let config = files::text("config/redis.toml");
    for (_, node) in nodes(&compose) {
        let environment = node["environment"].as_object().unwrap();
        let value = |text: &Value| {
            let text = text.as_str().unwrap();
            match text.split_once("${") {
                None => text.to_owned(),
                Some((before, rest)) => {
                    let after = rest.split_once('}').unwrap().1;
                    format!("{before}0123456789abcdef0123456789abcdef{after}")
                }
            }
        };
        let given: Vec<(String, String)> =
            environment.iter().map(|(name, text)| (name.clone(), value(text))).collect();
        let given: Vec<(&str, &str)> =
            given.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        program::assert_accepted(FILE, &config, &given);
    }
    let example = files::text("config/cluster/secrets.env.example");
    let lines = example.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let named: BTreeSet<&str> = lines
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            assert_eq!(value, "", "the example holds a secret");
            name
        })
        .collect();
    assert_eq!(asked_for(&files::text(FILE)), named);
}
