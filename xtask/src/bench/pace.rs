//! Whether the load generator keeps its own schedule: its latencies mean nothing if it does not.

use std::fs;

use serde_json::Value;

use super::{
    compare::{Span, median},
    session::Bench,
};
use crate::{failure::Failure, process::Call};

/// Requests a second at which it is judged.
pub(super) const RATE: u32 = 20_000;
/// Whole seconds of each turn.
const SECONDS: u32 = 5;
/// Shoppers whose places are asked for.
const TICKETS: u32 = 10_000;

/// How late requests left, at the 99th percentile, turn by turn.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) late_p99_ms: Span,
    /// From the intended moment to the answer, the median of the turns.
    pub(super) answer_p99_ms: f64,
}

/// `None` if this `loadtest` cannot do it, which is said.
pub(super) fn measure(bench: &Bench) -> Result<Option<Pace>, Failure> {
    if !Call::new(&bench.loadtest).args(["pace", "--help"]).succeeds() {
        bench.say("NOT MEASURED: this loadtest has no `pace`");
        return Ok(None);
    }
    let server = bench.serve("pace")?;
    let (mut late, mut answers) = (Vec::new(), Vec::new());
    for turn in 0..bench.sizes.pairs {
        let path = bench.scratch.join(format!("pace-{turn}"));
        let call = Call::new(&bench.loadtest)
            .args(["pace", "--url", &format!("http://{}", server.address)])
            .args(["--data".into(), bench.scratch.join("pace").into_os_string()])
            .args(["--rate".to_owned(), RATE.to_string()])
            .args(["--seconds".to_owned(), format!("{SECONDS}s")])
            .args(["--tickets".to_owned(), TICKETS.to_string(), "--seed".to_owned()])
            .args([(turn + 1).to_string(), "--json".to_owned(), path.display().to_string()]);
        // It fails when it is late, and that is a figure as good as any: the report decides.
        call.succeeds();
        let text = fs::read(&path).map_err(|source| Failure::Disk { path, source })?;
        let report: Value = serde_json::from_slice(&text).unwrap_or_default();
        let of = |part: &str| {
            report[part]["p99_ms"].as_f64().ok_or_else(|| Failure::Unexpected {
                call: call.spelled(),
                what: format!("no {part}.p99_ms in its report"),
            })
        };
        late.push(of("schedule")?);
        answers.push(of("latency")?);
        let (late, answer) = (late[turn], answers[turn]);
        bench
            .say(&format!("at {RATE}/s: sent {late:.3} ms late, answered in {answer:.2} ms (p99)"));
    }
    let answer_p99_ms = median(answers);
    Ok(Span::of(late).map(|late_p99_ms| Pace { late_p99_ms, answer_p99_ms }))
}
