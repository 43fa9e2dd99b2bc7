//! Rules about crates: who may stand on whom, under which licence, in how many versions.
//!
//! Owns the layering of the workspace, as told from `cargo metadata`. Refuses to build or download
//! anything. `deny.toml` says the same of the two guarded crates for those who run cargo-deny.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{finding::Finding, licence};

/// Where every finding of this file is shown: the manifest that draws the graph.
const WHERE: &str = "Cargo.toml";

/// Crates that few of ours may depend on, directly. The arbiter of several nodes decides in Redis; the
/// api's pipeline appends orders to a stream there, which is delivery and none of the engine's business.
/// The benches talk to Redis as others do, to measure what that costs; none of it is shipped.
const OWNERS: [(&str, &[&str]); 2] =
    [("fred", &["engine-redis", "api", "benches"]), ("sea-orm", &["store"])];

/// The engine never sees JSON, HTTP, a store or a runtime: its tests may, what it ships may not. The
/// arbiter of several nodes needs the last two.
const FOREIGN: [(&str, &[&str]); 2] = [
    ("engine", &["fred", "hyper", "serde_json", "tokio"]),
    ("engine-redis", &["hyper", "serde_json"]),
];

/// The crates of ours at the bottom of the house, and which others of ours each may ship with. The
/// rest stand on what they need.
const FLOORS: [(&str, &[&str]); 13] = [
    ("engine", &[]),
    ("engine-redis", &["engine"]),
    ("web", &[]),
    ("pages", &["web"]),
    ("base", &[]),
    ("outbound", &["base"]),
    ("doubles", &["base", "outbound"]),
    // The second only for what it has for tests.
    ("store", &["base", "testkit"]),
    ("commons", &["base", "store", "outbound"]),
    ("identity", &["base", "store", "outbound"]),
    ("trade", &["base", "engine", "store", "outbound", "commons", "identity"]),
    ("shop", &["base", "store", "commons", "identity", "trade", "pages", "web"]),
    (
        "commerce",
        &[
            "base", "engine", "store", "outbound", "commons", "identity", "trade", "shop",
            "doubles", "pages", "web",
        ],
    ),
];

/// What a crate of ours has for tests alone: its features.
const FOR_TESTS: [(&str, &str); 2] = [("engine", "sim"), ("store", "trial")];

/// One crate of the graph.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    /// An SPDX expression; empty if the manifest has none.
    licence: String,
    is_member: bool,
    dependencies: Vec<Dependency>,
}

/// One line of a manifest.
#[derive(Debug)]
struct Dependency {
    name: String,
    kind: Kind,
    /// What it turns on in the other crate.
    features: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of what is shipped, or of building it.
    Shipped,
    /// For tests and benches only.
    Dev,
}

/// What a member's manifest line came out as: the crate and its version.
type Resolved = (String, String);

/// Everything wrong with the graph of `cargo metadata --format-version=1`.
pub(super) fn findings(metadata: &Value) -> Vec<Finding> {
    let packages = packages(metadata);
    if packages.is_empty() {
        return vec![Finding::of_file(WHERE, "cargo metadata lists no packages")];
    }
    let rules = [licences, owners, engine_alone, for_tests_alone, floors, loadtest_alone];
    let direct = one_major(&direct(metadata));
    let faults = rules.iter().flat_map(|rule| rule(&packages)).chain(direct);
    faults.map(|what| Finding::of_file(WHERE, what)).collect()
}

fn licences(packages: &[Package]) -> Vec<String> {
    packages
        .iter()
        .filter(|package| !licence::is_allowed(&package.licence))
        .map(|p| format!("{} {} has the licence \"{}\"", p.name, p.version, p.licence))
        .collect()
}

fn owners(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for (guarded, owners) in OWNERS {
        let others = packages.iter().filter(|package| {
            !owners.contains(&package.name.as_str()) && package.depends_on(guarded)
        });
        let owners = owners.join(" and ");
        faults.extend(
            others.map(|p| format!("{} depends on {guarded}, as only {owners} may", p.name)),
        );
    }
    faults
}

fn engine_alone(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, foreign) in FOREIGN {
        let engine = packages.iter().filter(|p| p.is_member && p.name == name);
        let shipped = engine.flat_map(|p| &p.dependencies).filter(|d| d.kind == Kind::Shipped);
        let of_others = shipped.filter(|d| foreign.contains(&d.name.as_str()));
        faults.extend(of_others.map(|d| format!("{name} depends on {}, as it may not", d.name)));
    }
    faults
}

fn floors(packages: &[Package]) -> Vec<String> {
    let members = members_of(packages);
    let mut faults = Vec::new();
    for (name, allowed) in FLOORS {
        let package = packages.iter().filter(|p| p.is_member && p.name == name);
        let shipped = package.flat_map(|p| &p.dependencies).filter(|d| d.kind == Kind::Shipped);
        let names = shipped.map(|dependency| dependency.name.as_str());
        let above = names.filter(|other| members.contains(other) && !allowed.contains(other));
        faults
            .extend(above.map(|other| format!("{name} depends on {other}, which is not below it")));
    }
    faults
}

fn members_of(packages: &[Package]) -> BTreeSet<&str> {
    packages.iter().filter(|p| p.is_member).map(|p| p.name.as_str()).collect()
}

/// A disk that loses what it was given is no part of what is shipped, nor is a clock that stands.
fn for_tests_alone(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for (owner, feature) in FOR_TESTS {
        let turns_on = |d: &Dependency| {
            d.name == owner && d.kind == Kind::Shipped && d.features.iter().any(|f| f == feature)
        };
        let those = packages.iter().filter(|package| package.dependencies.iter().any(turns_on));
        faults.extend(those.map(|p| {
            format!("{} turns on {owner}'s feature {feature}, as only tests may", p.name)
        }));
    }
    faults
}

/// An auditor that shares code with what it audits repeats its mistakes.
fn loadtest_alone(packages: &[Package]) -> Vec<String> {
    let members = members_of(packages);
    let loadtest = packages.iter().filter(|p| p.is_member && p.name == "loadtest");
    loadtest
        .flat_map(|package| &package.dependencies)
        .filter(|dependency| members.contains(dependency.name.as_str()))
        .map(|dependency| format!("loadtest depends on {}, which it audits", dependency.name))
        .collect()
}

/// Two majors of a crate we name ourselves are two types of one name that do not fit together.
fn one_major(direct: &BTreeSet<Resolved>) -> Vec<String> {
    let mut majors: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version) in direct {
        majors.entry(name).or_default().insert(compatible(version));
    }
    majors
        .into_iter()
        .filter(|(_, majors)| majors.len() > 1)
        .map(|(name, majors)| {
            let majors: Vec<&str> = majors.into_iter().collect();
            format!("our crates depend on {name} in versions {}", majors.join(" and "))
        })
        .collect()
}

/// The part of a version that cargo holds compatible: up to the first number that is not zero.
fn compatible(version: &str) -> &str {
    let mut end = 0;
    for part in version.split('.') {
        end += part.len();
        if part != "0" {
            return &version[..end];
        }
        end += ".".len();
    }
    version
}

impl Package {
    fn depends_on(&self, name: &str) -> bool {
        self.dependencies.iter().any(|dependency| dependency.name == name)
    }
}

fn packages(metadata: &Value) -> Vec<Package> {
    let members = members(metadata);
    let read = |package: &Value| Package {
        name: string(&package["name"]),
        version: string(&package["version"]),
        licence: string(&package["license"]),
        is_member: members.contains(&string(&package["id"])),
        dependencies: array(&package["dependencies"]).iter().map(dependency).collect(),
    };
    array(&metadata["packages"]).iter().map(read).collect()
}

fn dependency(line: &Value) -> Dependency {
    let kind = if line["kind"] == "dev" { Kind::Dev } else { Kind::Shipped };
    let features = array(&line["features"]).iter().map(string).collect();
    Dependency { name: string(&line["name"]), kind, features }
}

/// What our manifests ask for by name, as resolved.
fn direct(metadata: &Value) -> BTreeSet<Resolved> {
    let members = members(metadata);
    let resolved: BTreeMap<String, Resolved> = array(&metadata["packages"])
        .iter()
        .map(|p| (string(&p["id"]), (string(&p["name"]), string(&p["version"]))))
        .collect();
    array(&metadata["resolve"]["nodes"])
        .iter()
        .filter(|node| members.contains(&string(&node["id"])))
        .flat_map(|node| array(&node["deps"]))
        .filter_map(|edge| resolved.get(&string(&edge["pkg"])).cloned())
        .collect()
}

fn members(metadata: &Value) -> BTreeSet<String> {
    array(&metadata["workspace_members"]).iter().map(string).collect()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A graph of (name, version, licence, dependencies); the first `members` are ours. A
    /// dependency is `name@version`, with `dev:` before it if it is for tests.
    fn graph(members: usize, crates: &[(&str, &str, &str, &[&str])]) -> Value {
        let id = |name: &str, version: &str| format!("{name}@{version}");
        let line = |dependency: &&str| {
            let dev = dependency.strip_prefix("dev:");
            let (name, _) = dev.unwrap_or(dependency).split_once('@').unwrap();
            json!({ "name": name, "kind": dev.map(|_| "dev") })
        };
        let package = |&(name, version, licence, dependencies): &(&str, &str, &str, &[&str])| {
            let lines: Vec<Value> = dependencies.iter().map(line).collect();
            json!({
                "id": id(name, version), "name": name, "version": version,
                "license": licence, "dependencies": lines,
            })
        };
        let node = |&(name, version, _, dependencies): &(&str, &str, &str, &[&str])| {
            let edges = dependencies.iter().map(|d| json!({ "pkg": d.trim_start_matches("dev:") }));
            json!({ "id": id(name, version), "deps": edges.collect::<Vec<_>>() })
        };
        json!({
            "packages": crates.iter().map(package).collect::<Vec<_>>(),
            "workspace_members":
                crates[..members].iter().map(|c| id(c.0, c.1)).collect::<Vec<_>>(),
            "resolve": { "nodes": crates.iter().map(node).collect::<Vec<_>>() },
        })
    }

    fn faults(metadata: &Value) -> Vec<String> {
        findings(metadata).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_sound_graph_has_no_faults() {
        let metadata = graph(
            4,
            &[
                ("engine", "0.1.0", "MIT", &[]),
                ("engine-redis", "0.1.0", "MIT", &["engine@0.1.0", "fred@9.0.0", "tokio@1.2.0"]),
                ("api", "0.1.0", "MIT", &["engine@0.1.0", "tokio@1.2.0"]),
                ("loadtest", "0.1.0", "MIT", &["tokio@1.2.0"]),
                ("fred", "9.0.0", "MIT", &["tokio@1.2.0", "rand@0.8.0"]),
                ("tokio", "1.2.0", "MIT", &["rand@0.9.0"]),
                ("rand", "0.8.0", "MIT", &[]),
                ("rand", "0.9.0", "MIT", &[]),
            ],
        );
        assert_eq!(faults(&metadata), [""; 0]);
    }

    #[test]
    fn a_licence_off_the_list_is_a_fault() {
        let metadata = graph(1, &[("api", "0.1.0", "MIT", &[]), ("x", "1.0.0", "GPL-3.0", &[])]);
        assert_eq!(faults(&metadata), ["x 1.0.0 has the licence \"GPL-3.0\""]);
    }

    #[test]
    fn a_guarded_crate_has_few_owners() {
        let crates: [(&str, &str, &str, &[&str]); 5] = [
            ("benches", "0.1.0", "MIT", &["fred@9.0.0"]),
            ("api", "0.1.0", "MIT", &["fred@9.0.0", "sea-orm@1.0.0"]),
            ("xtask", "0.1.0", "MIT", &["fred@9.0.0"]),
            ("fred", "9.0.0", "MIT", &[]),
            ("sea-orm", "1.0.0", "MIT", &[]),
        ];
        let expected = [
            "xtask depends on fred, as only engine-redis and api and benches may",
            "api depends on sea-orm, as only store may",
        ];
        assert_eq!(faults(&graph(3, &crates)), expected);
    }

    #[test]
    fn the_engine_ships_without_http_json_store_and_runtime() {
        let crates: [(&str, &str, &str, &[&str]); 5] = [
            ("engine", "0.1.0", "MIT", &["tokio@1.0.0", "dev:hyper@1.0.0"]),
            ("engine-redis", "0.1.0", "MIT", &["serde_json@1.0.0", "tokio@1.0.0"]),
            ("serde_json", "1.0.0", "MIT", &[]),
            ("hyper", "1.0.0", "MIT", &[]),
            ("tokio", "1.0.0", "MIT", &[]),
        ];
        let expected = [
            "engine depends on tokio, as it may not",
            "engine-redis depends on serde_json, as it may not",
        ];
        assert_eq!(faults(&graph(2, &crates)), expected);
    }

    #[test]
    fn the_floors_of_the_house_stand_on_nothing_above_them() {
        let crates: [(&str, &str, &str, &[&str]); 5] = [
            ("engine", "0.1.0", "MIT", &["dev:testkit@0.1.0"]),
            ("web", "0.1.0", "MIT", &["engine@0.1.0"]),
            ("pages", "0.1.0", "MIT", &["web@0.1.0", "api@0.1.0"]),
            ("api", "0.1.0", "MIT", &["engine@0.1.0", "web@0.1.0", "pages@0.1.0"]),
            ("testkit", "0.1.0", "MIT", &[]),
        ];
        let expected = [
            "web depends on engine, which is not below it",
            "pages depends on api, which is not below it",
        ];
        assert_eq!(faults(&graph(5, &crates)), expected);
    }

    #[test]
    fn only_tests_turn_the_simulated_disk_on() {
        let shipped = json!({ "name": "engine", "kind": null, "features": ["sim"] });
        let dev = json!({ "name": "engine", "kind": "dev", "features": ["sim"] });
        let crates = |line: &Value| {
            let package = |name: &str, lines: &[&Value]| {
                json!({
                    "id": name, "name": name, "version": "0.1.0",
                    "license": "MIT", "dependencies": lines,
                })
            };
            json!({
                "packages": [package("engine", &[]), package("api", &[line])],
                "workspace_members": ["engine", "api"],
            })
        };
        let expected = ["api turns on engine's feature sim, as only tests may"];
        assert_eq!(faults(&crates(&shipped)), expected);
        assert_eq!(faults(&crates(&dev)), [""; 0]);
    }

    #[test]
    fn the_auditor_shares_no_code_with_what_it_audits() {
        let crates: [(&str, &str, &str, &[&str]); 2] =
            [("engine", "0.1.0", "MIT", &[]), ("loadtest", "0.1.0", "MIT", &["dev:engine@0.1.0"])];
        assert_eq!(faults(&graph(2, &crates)), ["loadtest depends on engine, which it audits"]);
    }

    #[test]
    fn our_crates_agree_on_majors() {
        let crates: [(&str, &str, &str, &[&str]); 4] = [
            ("api", "0.1.0", "MIT", &["sha2@0.10.1"]),
            ("loadtest", "0.1.0", "MIT", &["sha2@0.11.0"]),
            ("sha2", "0.10.1", "MIT", &[]),
            ("sha2", "0.11.0", "MIT", &[]),
        ];
        let expected = ["our crates depend on sha2 in versions 0.10 and 0.11"];
        assert_eq!(faults(&graph(2, &crates)), expected);
    }

    #[test]
    fn compatible_versions_share_their_first_number_that_is_not_zero() {
        let cases = [("1.2.3", "1"), ("0.10.3", "0.10"), ("0.0.7", "0.0.7"), ("0.0.0", "0.0.0")];
        for (version, major) in cases {
            assert_eq!(compatible(version), major);
        }
    }

    #[test]
    fn an_answer_without_packages_is_a_fault_not_a_pass() {
        assert_eq!(faults(&json!({})), ["cargo metadata lists no packages"]);
    }
}
