//! The load test against a small in-memory server that keeps the contract, or breaks it on
//! purpose: the audit must pass the first and name what the others did.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod abuse;
mod fake;
mod kill;
mod nodes;
mod pace;
mod scenario;

use std::fs;

use clap::Parser as _;
use fake::{Fake, Fault};
use loadtest::{Cli, Found, Report};
use serde_json::Value;

/// Runs a command line that audits a sale.
async fn sale(line: &[&str]) -> Result<Report, String> {
    match loadtest::run(Cli::try_parse_from(line).unwrap()).await? {
        Found::Sale(report) => Ok(*report),
        other @ (Found::Pace(_) | Found::Abuse(_)) => panic!("no sale: {other}"),
    }
}

async fn storm(fault: Fault, more: &[&str]) -> Report {
    let fake = Fake::start(fault).await;
    let url = fake.url();
    let mut line = vec!["loadtest", "flash-sale", "--url", &url, "--operator-key", "op"];
    line.extend(["--backend-key", "be", "--shoppers", "400", "--over", "1s", "--stock", "60"]);
    line.extend(["--seed", "7", "--hold-seconds", "1", "--grace", "1s", "--deadline", "30s"]);
    line.extend(["--connections", "32", "--timeout", "2s"]);
    // Promises are judged here; that a busy machine makes the generator late is no finding.
    line.extend(["--schedule-error-p99-max-ms", "60000"]);
    line.extend(more);
    sale(&line).await.unwrap()
}

fn failed(report: &Report) -> Vec<&'static str> {
    report.verdicts.iter().filter(|verdict| !verdict.ok).map(|verdict| verdict.rule).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_server_passes() {
    let report = storm(Fault::None, &[]).await;
    assert!(report.passed, "{report}");
    let text = report.to_string();
    assert!(text.contains("server 60, acknowledged 60, unknown 0"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drops_and_refuses_requests_but_keeps_its_promises_passes() {
    let report = storm(Fault::Flaky, &[]).await;
    assert!(report.passed, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["traffic"]["unanswered"].as_u64().unwrap() > 0, "{json}");
    assert!(json["traffic"]["pushed_back"].as_u64().unwrap() > 0, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn demand_below_the_stock_passes_and_leaves_units() {
    let report = storm(Fault::None, &["--shoppers", "30", "--pairs", "0"]).await;
    assert!(report.passed, "{report}");
    assert!(!report.to_string().contains(": 0 units left"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn overselling_is_caught() {
    let report = storm(Fault::Oversell, &[]).await;
    assert!(failed(&report).contains(&"no more is sold than exists"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_purchases_is_caught() {
    let report = storm(Fault::ForgetPurchases, &[]).await;
    assert!(failed(&report).contains(&"every acknowledged purchase is remembered"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_tickets_is_caught() {
    let report = storm(Fault::ForgetTickets, &[]).await;
    assert!(failed(&report).contains(&"every acknowledged ticket is remembered"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_a_number_twice_is_caught() {
    let report = storm(Fault::DuplicateNumbers, &[]).await;
    assert!(failed(&report).contains(&"no number is given twice"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn letting_someone_past_is_caught() {
    let report = storm(Fault::JumpQueue, &[]).await;
    let rule = "no one waits after a later number was let in";
    assert!(failed(&report).contains(&rule), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn losing_units_is_caught() {
    let report = storm(Fault::LoseReleasedUnits, &["--releasers", "30", "--deadline", "8s"]).await;
    assert!(failed(&report).contains(&"available + held + paying + sold = total"), "{report}");
    assert!(failed(&report).contains(&"everything is sold when demand allows"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_honoured_on_entry_is_caught() {
    let report = storm(Fault::IgnoreEntryKeys, &["--refreshers", "50"]).await;
    assert!(failed(&report).contains(&"a place keeps its number, on polls and re-entry"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_written_as_json_as_a_page_and_as_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (html, json, charts) = (path("r.html"), path("r.json"), path("charts"));
    let files = ["--html", &html, "--json", &json, "--svg-dir", &charts];
    let report = storm(Fault::Flaky, &files).await;
    assert!(report.passed, "{report}");

    let page = fs::read_to_string(&html).unwrap();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let page = roxmltree::Document::parse_with_options(&page, options).unwrap();
    let verdict = format!("passed: all {} rules held", report.verdicts.len());
    assert!(page.descendants().any(|node| node.text() == Some(&verdict)));
    assert_eq!(page.descendants().filter(|node| node.has_tag_name("figure")).count(), 11);
    for entry in fs::read_dir(&charts).unwrap() {
        let drawn = fs::read_to_string(entry.unwrap().path()).unwrap();
        let drawn = roxmltree::Document::parse(&drawn).unwrap();
        assert!(drawn.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    }

    let json: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    let slices = json["timeline"]["slices"].as_array().unwrap();
    let sum = |field: &str| slices.iter().map(|slice| slice[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("planned"), sum("arrived")), (400, 400));
    assert_eq!(Some(sum("unanswered")), json["traffic"]["unanswered"].as_u64());
    assert!(slices.iter().any(|slice| slice["reading"]["units"]["total"] == 60));
    let entered = slices.iter().filter_map(|slice| slice["enter"]["count"].as_u64());
    assert_eq!(Some(entered.sum()), json["latency"]["enter"]["count"].as_u64());
    let points = json["order"]["points"].as_array().unwrap();
    assert_eq!(Some(points.len() as u64), json["order"]["of"].as_u64());
    assert!(points.iter().all(|p| p["admitted_seconds"].as_f64() > p["arrival_seconds"].as_f64()));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named_before_the_run() {
    for flag in ["--html", "--json", "--svg-dir"] {
        let path = "/proc/nowhere/report";
        let line = ["loadtest", "flash-sale", "--url", "http://127.0.0.1:1", flag, path];
        let error = loadtest::run(Cli::try_parse_from(line).unwrap()).await.unwrap_err();
        assert!(error.starts_with("/proc/nowhere/report: "), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_or_no_server_is_an_error_not_a_verdict() {
    let fake = Fake::start(Fault::None).await;
    let run = |url: String, key: &'static str| async move {
        let line = ["loadtest", "flash-sale", "--url", &url, "--operator-key", key];
        let line = line.into_iter().chain(["--backend-key", "be"]);
        sale(&line.collect::<Vec<_>>()).await.unwrap_err()
    };
    assert!(run(fake.url(), "wrong").await.contains("operator key is refused"));
    let closed = "http://127.0.0.1:1".to_owned();
    assert!(run(closed, "op").await.contains("does not answer"));
}
