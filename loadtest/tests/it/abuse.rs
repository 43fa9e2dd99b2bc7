//! What one abuser costs honest shoppers, measured at the fake server.

use std::time::Duration;

use clap::Parser as _;
use loadtest::{Cli, Found};
use serde_json::Value;
use tokio::time::Instant;

use crate::fake::{Fake, Fault};

async fn abuse(fault: Fault, attack: &str) -> Value {
    let fake = Fake::start(fault).await;
    let url = fake.url();
    let mut line = vec!["loadtest", "abuse", "--url", &url, "--operator-key", "op"];
    line.extend(["--backend-key", "be", "--attack", attack, "--calm", "1s", "--seconds", "1s"]);
    // The fake's sockets are this process's too.
    line.extend(["--sockets", "2000"]);
    match loadtest::run(Cli::try_parse_from(line).unwrap()).await.unwrap() {
        Found::Abuse(report) => serde_json::to_value(*report).unwrap(),
        other @ (Found::Sale(_) | Found::Pace(_)) => panic!("no abuse: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_halves_are_measured_and_the_attack_is_answered() {
    for attack in ["hold-loop", "entry-loop", "idle-connections"] {
        let begun = Instant::now();
        let report = abuse(Fault::None, attack).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{attack}: {:?}", begun.elapsed());
        assert_eq!(report["failed"], serde_json::json!({}), "{report}");
        assert_eq!(report["still_sells"], true, "{report}");
        for row in report["rows"].as_array().unwrap() {
            assert!(row["calm"]["count"].as_u64().unwrap() > 0, "{report}");
            assert!(row["attacked"]["count"].as_u64().unwrap() > 0, "{report}");
        }
        let answered = report["abuser"].as_object().unwrap();
        assert!(answered.values().filter_map(Value::as_u64).sum::<u64>() > 64, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_which_honest_requests_fail_does_not_pass() {
    let report = abuse(Fault::ForgetTickets, "entry-loop").await;
    assert_ne!(report["failed"], serde_json::json!({}), "{report}");
    assert_eq!(report["passed"], false, "{report}");
}

/// The worst that an attack can do, and what it is measured for.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_nobody_in_any_more_is_reported_and_no_reason_to_stop() {
    let report = abuse(Fault::Full, "entry-loop").await;
    assert!(report["failed"]["enter: 503 overloaded"].as_u64() > Some(15), "{report}");
    assert_eq!(report["still_sells"], false, "{report}");
    assert_eq!(report["passed"], false, "{report}");
}
