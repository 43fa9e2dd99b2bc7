//! Scenario files end to end: each behaviour against a server that keeps its promises, and each
//! rule against one that breaks it.

use std::fs;

use loadtest::Report;

use crate::fake::{Fake, Fault};
use crate::{failed, sale};

const CROWD: &str = "
schedule_error_p99_max_ms = 60000
deadline_seconds = 30
grace_seconds = 1
seed = 11
[server]
connections = 64
timeout_ms = 2000
[sale]
stock = 60
hold_seconds = 1
[[arrivals]]
spike = { shoppers = 100, within_ms = 300 }
[[arrivals]]
poisson = { per_second = 200, seconds = 0.5 }
";

/// Shoppers of `behaviours` in equal parts, with `more` at the file's beginning.
async fn crowd(fault: Fault, behaviours: &[&str], more: &str, flags: &[&str]) -> Report {
    let fake = Fake::start(fault).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crowd.toml");
    let groups: Vec<String> = behaviours
        .iter()
        .map(|name| {
            let every = if *name == "bot" { "every_ms = 5\n" } else { "" };
            format!(
                "[[shoppers]]\nbehaviour = \"{name}\"\nweight = 1\n{every}\
                 think_ms = {{ min = 0, max = 30 }}\n"
            )
        })
        .collect();
    fs::write(&path, format!("{more}{CROWD}{}", groups.concat())).unwrap();
    let url = fake.url();
    let mut line = vec!["loadtest", "run", path.to_str().unwrap(), "--url", &url];
    line.extend(["--operator-key", "op", "--backend-key", "be"]);
    line.extend(flags);
    sale(&line).await.unwrap()
}

fn outcome(report: &Report, name: &str) -> u64 {
    serde_json::to_value(report).unwrap()["outcomes"][name].as_u64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_behaviour_together_passes_over_either_version_of_http() {
    let all = [
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
    ];
    for http in ["1", "2"] {
        let flags = ["--http", http, "--source-addresses", "3"];
        let report = crowd(Fault::None, &all, "", &flags).await;
        assert!(report.passed, "HTTP/{http}: {report}");
        for name in ["bought", "left", "fell_silent", "no_show", "abandoned"] {
            assert!(outcome(&report, name) > 0, "HTTP/{http}, {name}: {report}");
        }
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["scenario"], "crowd");
        assert!(json["latency"]["stream"]["count"].as_u64().unwrap() > 0, "{report}");
        assert!(json["schedule"]["count"].as_u64().unwrap() > 200, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_alone_wait_to_the_end_and_buy() {
    let report = crowd(Fault::None, &["sse-watcher"], "", &[]).await;
    assert!(report.passed, "{report}");
    assert!(outcome(&report, "bought") > 30, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_rises_on_a_stream_is_caught() {
    let report = crowd(Fault::RisingStream, &["sse-watcher"], "", &[]).await;
    assert!(failed(&report).contains(&"a shown position never rises"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_that_get_places_of_their_own_are_caught() {
    let report = crowd(Fault::IgnoreEntryKeys, &["several-tabs"], "", &[]).await;
    let rule = "a place keeps its number, on polls and re-entry";
    assert!(failed(&report).contains(&rule), "{report}");
}

const BOTS: &str = "a bot gains nothing by asking more often";

#[tokio::test(flavor = "multi_thread")]
async fn bots_that_are_let_in_for_asking_often_are_caught() {
    let flags = ["--admission-per-second", "20", "--deadline", "6s"];
    let report = crowd(Fault::FavourBots, &["bot", "patient"], "", &flags).await;
    assert!(failed(&report).contains(&BOTS), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn selling_without_a_pass_is_caught() {
    let report = crowd(Fault::SellWithoutPass, &["bot", "patient"], "", &[]).await;
    assert!(failed(&report).contains(&BOTS), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_that_are_estimated_wrongly_are_measured_and_caught_by_a_limit() {
    let rule = "waits are estimated within the limit";
    let limit = "audit = { eta_error_p90_max_seconds = 5 }\n";
    let honest = crowd(Fault::None, &["patient"], limit, &[]).await;
    assert!(honest.passed, "{honest}");
    let json = serde_json::to_value(&honest).unwrap();
    assert!(json["eta"]["count"].as_u64().unwrap() > 0, "{json}");

    let wrong = crowd(Fault::WrongEta, &["patient"], limit, &[]).await;
    assert_eq!(failed(&wrong), [rule], "{wrong}");
    let json = serde_json::to_value(&wrong).unwrap();
    assert!(json["eta"]["p90_seconds"].as_f64().unwrap() > 50.0, "{json}");
    let unlimited = crowd(Fault::WrongEta, &["patient"], "", &[]).await;
    assert!(unlimited.passed, "without a limit it is a figure, not a rule: {unlimited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_an_existing_sale_counts_only_its_own() {
    let fake = Fake::start(Fault::None).await;
    let url = fake.url();
    let keys = ["--operator-key", "op", "--backend-key", "be"];
    let mut line = vec!["loadtest", "flash-sale", "--url", &url, "--sale", "drop", "--seed", "1"];
    line.extend(["--shoppers", "40", "--over", "300ms", "--stock", "90", "--hold-seconds", "1"]);
    line.extend(["--schedule-error-p99-max-ms", "60000", "--deadline", "30s"]);
    line.extend(keys);
    let first = sale(&line).await.unwrap();
    assert!(first.passed, "{first}");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("again.toml");
    let text = "schedule_error_p99_max_ms = 60000\n[sale]\nid = \"drop\"\nexisting = true\n\
                sku = \"unit\"\n[[arrivals]]\nspike = { shoppers = 30, within_ms = 300 }\n";
    fs::write(&path, text).unwrap();
    let mut line = vec!["loadtest", "run", path.to_str().unwrap(), "--url", &url, "--seed", "2"];
    line.extend(keys);
    let second = sale(&line).await.unwrap();
    assert!(second.passed, "{second}");

    let wrong = text.replace("\"unit\"", "\"other\"");
    fs::write(&path, wrong).unwrap();
    let error = sale(&line).await.unwrap_err();
    assert!(error.contains("no offer other in it"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_generator_does_not_publish_but_still_audits() {
    let flags = ["--schedule-error-p99-max-ms", "0.000001"];
    let report = crowd(Fault::None, &["patient"], "", &flags).await;
    assert!(report.passed && report.is_generator_bound(), "{report}");
    assert!(!report.to_string().contains("latency from the intended"), "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["schedule"]["generator_bound"], true);
}
