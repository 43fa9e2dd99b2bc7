//! Several nodes of one sale: a crowd that asks any of them, honest ones that are a little behind one
//! another, and dishonest ones that do not act as one.

use std::time::Duration;

use loadtest::Report;
use serde_json::Value;

use crate::fake::{Fake, Fault};
use crate::{failed, sale};

const PACE: &str = "no one is let in faster than the pace, over all nodes";
const ORDER: &str = "shoppers acknowledged earlier have smaller numbers";
const KEEP_UP: &str = "nodes keep up with one another within the limit";

/// A crowd at nodes that are so many milliseconds behind what is decided.
async fn crowd(fault: Fault, behind_ms: &[u64], more: &[&str]) -> Report {
    let behind: Vec<Duration> = behind_ms.iter().copied().map(Duration::from_millis).collect();
    let fake = Fake::start_nodes(fault, &behind).await;
    let url = fake.url();
    let mut line = vec!["loadtest", "flash-sale", "--url", &url, "--operator-key", "op"];
    line.extend(["--backend-key", "be", "--shoppers", "600", "--over", "2s", "--stock", "150"]);
    line.extend(["--seed", "9", "--hold-seconds", "1", "--grace", "1s", "--deadline", "30s"]);
    line.extend(["--connections", "48", "--timeout", "2s", "--refreshers", "40"]);
    line.extend(["--schedule-error-p99-max-ms", "60000"]);
    line.extend(more);
    sale(&line).await.unwrap()
}

fn json(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_nodes_a_little_behind_one_another_pass_and_the_lag_is_told() {
    let report = crowd(Fault::None, &[0, 40, 120], &["--node-lag-max-ms", "2000"]).await;
    assert!(report.passed, "{report}");
    let lag = &json(&report)["lag"];
    assert!(lag["behind"].as_u64().unwrap() > 0, "{report}");
    assert!(lag["risen_positions"].as_u64().unwrap() > 0, "{report}");
    let max_ms = lag["max_ms"].as_f64().unwrap();
    assert!((20.0..2_000.0).contains(&max_ms), "{max_ms}");
    assert!(report.to_string().contains("answers behind another node's"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_has_no_lag_to_tell() {
    let report = crowd(Fault::None, &[0], &[]).await;
    assert!(report.passed && json(&report)["lag"].is_null(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_far_behind_fails_a_limit() {
    let report = crowd(Fault::None, &[0, 900], &["--node-lag-max-ms", "300"]).await;
    assert_eq!(failed(&report), [KEEP_UP], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shoppers_of_a_node_that_is_gone_or_refuses_go_to_another() {
    for fault in [Fault::Flapping, Fault::Flaky] {
        let report = crowd(fault, &[0, 20, 20], &[]).await;
        assert!(report.passed, "{report}");
        let pushed_back = json(&report)["traffic"]["pushed_back"].as_u64().unwrap();
        assert!(pushed_back > 0, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pace_that_grows_with_the_nodes_is_caught() {
    let report = crowd(Fault::TriplePace, &[0, 40, 40], &[]).await;
    assert_eq!(failed(&report), [PACE], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_number_by_themselves_are_caught() {
    let report = crowd(Fault::OwnNumbers, &[0, 0], &[]).await;
    assert!(failed(&report).contains(&ORDER), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_know_the_sale_is_named_before_the_crowd_comes() {
    let (known, other) = (Fake::start(Fault::None).await, Fake::start(Fault::None).await);
    let url = format!("{},{}", known.url(), other.url());
    let line = ["loadtest", "flash-sale", "--url", &url, "--operator-key", "op"];
    let line: Vec<&str> = line.into_iter().chain(["--backend-key", "be"]).collect();
    let error = sale(&line).await.unwrap_err();
    let address = other.url().replace("http://", "");
    assert!(error.starts_with(&format!("{address} does not serve sale")), "{error}");
}
