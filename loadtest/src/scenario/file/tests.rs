//! What scenario files may say, and what they are told when they may not.

use super::*;
use crate::arrivals::Shape;

const LEAST: &str =
    "[sale]\nstock = 10\n[[arrivals]]\nconstant = { per_second = 5, seconds = 2 }\n";

fn refused(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crowd.toml");
    fs::write(&path, text).unwrap();
    let said = Scenario::read(&path).unwrap_err();
    said.strip_prefix(&format!("{}/", dir.path().display())).unwrap_or(&said).to_owned()
}

#[test]
fn the_least_file_says_the_sale_and_who_comes() {
    let scenario = parse(LEAST, "least".to_owned()).unwrap();
    assert_eq!((scenario.name.as_str(), scenario.shoppers()), ("least", 10));
    assert_eq!(scenario.sale.stock, 10);
    assert_eq!(scenario.schedule_error_p99_max, Duration::from_millis(5));
}

#[test]
fn every_shipped_scenario_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| Scenario::read(&entry.unwrap().path()).unwrap().name)
        .collect();
    names.sort();
    assert_eq!(names, ["bots", "spike", "steady"]);
}

#[test]
fn phases_follow_one_another_unless_they_say_when() {
    let text = "[sale]\nstock = 1\n\
        [[arrivals]]\nramp = { from_per_second = 0, to_per_second = 10, seconds = 4 }\n\
        [[arrivals]]\npoisson = { per_second = 3, seconds = 2 }\n\
        [[arrivals]]\nat_seconds = 1\nspike = { shoppers = 7, within_ms = 10 }\n";
    let scenario = parse(text, String::new()).unwrap();
    let phase = |seconds, shape| Phase { begins: Duration::from_secs(seconds), shape };
    let (two, four) = (Duration::from_secs(2), Duration::from_secs(4));
    let expected = Arrivals::new(vec![
        phase(0, Shape::Ramp { from: 0.0, to: 10.0, over: four }),
        phase(4, Shape::Poisson { per_second: 3.0, over: two }),
        phase(1, Shape::Spike { shoppers: 7, within: Duration::from_millis(10) }),
    ]);
    assert_eq!(scenario.arrivals, expected);
}

#[test]
fn every_behaviour_has_its_name() {
    for name in [
        "patient",
        "refresher",
        "several-tabs",
        "leaver",
        "silent",
        "no-show",
        "buyer-pays",
        "buyer-abandons",
        "bot",
        "sse-watcher",
    ] {
        let text = format!("{LEAST}[[shoppers]]\nbehaviour = \"{name}\"\nweight = 1\n");
        assert_eq!(parse(&text, String::new()).unwrap().groups.len(), 1, "{name}");
    }
}

#[test]
fn an_unknown_key_is_named_with_file_line_and_what_is_allowed() {
    let said = refused(&format!("{LEAST}[server]\nuri = \"http://127.0.0.1\"\n"));
    assert!(said.starts_with("crowd.toml:6: unknown field `uri`, expected one of `url`"), "{said}");
    let said = refused(&format!("speed = 3\n{LEAST}"));
    assert!(said.starts_with("crowd.toml:1: unknown field `speed`"), "{said}");
    let said = refused("[sale]\nstock = 1\n[[arrivals]]\nconstant = { per_minute = 1 }\n");
    assert!(said.starts_with("crowd.toml:4: unknown field `per_minute`"), "{said}");
    let said = refused(&format!("{LEAST}[[shoppers]]\nbehaviour = \"angry\"\nweight = 1\n"));
    assert!(said.starts_with("crowd.toml:6: unknown variant `angry`, expected one of"), "{said}");
}

#[test]
fn values_out_of_bounds_and_keys_that_do_not_go_together_are_refused() {
    let cases = [
        ("[[arrivals]]\nconstant = { per_second = 1, seconds = 1 }\n", "missing field `sale`"),
        ("[sale]\nstock = 1\n", "missing field `arrivals`"),
        ("arrivals = []\n[sale]\nstock = 1\n", "bring 0 shoppers"),
        ("[sale]\n[[arrivals]]\nspike = { shoppers = 1, within_ms = 1 }\n", "needs stock"),
        (
            "[sale]\nexisting = true\n[[arrivals]]\nspike = { shoppers = 1, within_ms = 1 }\n",
            "needs the sale's id",
        ),
        (
            "[sale]\nid = \"a\"\nexisting = true\nstock = 4\n[[arrivals]]\n\
             spike = { shoppers = 1, within_ms = 1 }\n",
            "goes with id and sku only",
        ),
        ("[sale]\nstock = 1\n[[arrivals]]\n", "exactly one of constant, ramp, spike, poisson"),
        (
            "[sale]\nstock = 1\n[[arrivals]]\nconstant = { per_second = nan, seconds = 1 }\n",
            "per_second is NaN; allowed are 0.001 to",
        ),
    ];
    for (text, what) in cases {
        let said = refused(text);
        assert!(said.contains(what), "{text}\n{said}");
    }
    let added = [
        ("[server]\nhttp = 3\n", "http is 3; allowed are 1 and 2"),
        ("[server]\nsource_addresses = 65\n", "allowed are 1 to 64"),
        ("[server]\nurl = \"https://x\"\n", "must start with http://"),
        ("[habits]\npairs_percent = 101\n", "allowed are 0 to 100"),
        ("[[shoppers]]\nbehaviour = \"patient\"\nweight = 0\n", "add up to 1"),
        ("[[shoppers]]\nbehaviour = \"bot\"\nweight = 1\ntabs = 2\n", "several-tabs"),
        (
            "[[shoppers]]\nbehaviour = \"bot\"\nweight = 1\nthink_ms = { min = 5, max = 1 }\n",
            "{ min, max } with min <= max, or { median, sigma }",
        ),
    ];
    for (more, what) in added {
        let said = refused(&format!("{LEAST}{more}"));
        assert!(said.contains(what), "{more}\n{said}");
    }
}
