//! Requests at a fixed rate: what is sent, what is counted, and when the figures are withheld.

use clap::Parser as _;
use loadtest::{Cli, Found, PaceReport};
use serde_json::Value;

use crate::fake::{Fake, Fault};

async fn pace(fault: Fault, more: &[&str]) -> PaceReport {
    let fake = Fake::start(fault).await;
    let url = fake.url();
    let mut line = vec!["loadtest", "pace", "--url", &url, "--operator-key", "op"];
    line.extend(["--backend-key", "be", "--rate", "500", "--seconds", "1s", "--tickets", "20"]);
    line.extend(["--connections", "16", "--timeout", "2s"]);
    line.extend(more);
    match loadtest::run(Cli::try_parse_from(line).unwrap()).await.unwrap() {
        Found::Pace(report) => *report,
        other @ (Found::Sale(_) | Found::Abuse(_)) => panic!("no pace: {other}"),
    }
}

fn json(report: &PaceReport) -> Value {
    serde_json::to_value(report).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_the_grid_is_sent_answered_and_measured() {
    for (call, status) in [("position", "200"), ("enter", "202")] {
        let more = ["--call", call, "--source-addresses", "4"];
        let report = pace(Fault::None, &more).await;
        let json = json(&report);
        assert_eq!(json["sent"], 500, "{report}");
        assert_eq!(json["schedule"]["count"], 500, "{report}");
        assert_eq!(json["latency"]["count"], 500, "{report}");
        // The first places may be let in at once, which entering answers with 200.
        let odd = json["statuses"]["200"].as_u64().unwrap_or(0);
        let asked = json["statuses"][status].as_u64().unwrap();
        assert!(report.passed && asked >= 490 && (asked == 500 || odd + asked == 500), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_broken_connections_fail_the_run_and_are_counted() {
    let report = pace(Fault::Flaky, &[]).await;
    let json = json(&report);
    assert!(!report.passed, "{report}");
    assert!(json["unanswered"].as_u64().unwrap() > 0, "{report}");
    assert!(json["statuses"]["503"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(json["latency"]["count"], json["answered"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_generator_says_so_and_withholds_its_latencies() {
    // Nothing leaves within a nanosecond of its moment, on any machine.
    let report = pace(Fault::None, &["--schedule-error-p99-max-ms", "0.000001"]).await;
    assert!(report.passed && report.is_generator_bound(), "{report}");
    let text = report.to_string();
    assert!(text.contains("GENERATOR BOUND") && text.contains("not for publishing"), "{text}");
    assert!(!text.contains("latency from"), "{text}");

    let report = pace(Fault::None, &["--schedule-error-p99-max-ms", "60000"]).await;
    assert!(!report.is_generator_bound(), "{report}");
    assert!(report.to_string().contains("latency from"), "{report}");
}
