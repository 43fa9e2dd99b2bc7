//! The open-loop crowd and its audit.
//!
//! Drives shoppers against a running Rushgate server over real sockets and then holds the server
//! to everything it acknowledged. It knows the HTTP contract and nothing of the server's code, so
//! a slip in the wire format or in a promise cannot hide behind a shared type.
//!
//! ```text
//! cli ─▶ flash_sale ─▶ scenario   who arrives when, from the seed
//!                      shopper    one visit: enter, wait, buy     ─┬▶ ledger   what was acknowledged
//!                      client     bounded pool of sockets          ├▶ witness  rules checked at once
//!                      admin      the sale and its stock           └▶ measure  latency, counts, timeline
//!                      server     start, SIGKILL, restart
//!                      recall     ask for everything again
//!                      audit      ledger + witness ─▶ verdicts ─▶ report
//! ```

mod admin;
mod audit;
mod cli;
mod client;
mod clock;
mod flash_sale;
mod kendall;
mod ledger;
mod measure;
mod progress;
mod recall;
mod report;
mod rng;
mod run;
mod scenario;
mod server;
mod shopper;
mod timeline;
mod wire;
mod witness;

use cli::Scenario;
use report::Files;

pub use audit::Verdict;
pub use cli::Cli;
pub use report::Report;

/// Runs what the command line asks for and writes the report to the files that are wanted.
///
/// # Errors
///
/// A sentence saying why nothing could be judged: no keys, no server, a sale that exists. A
/// server that breaks a promise is no error; it is a report that did not pass.
pub async fn run(cli: Cli) -> Result<Report, String> {
    let Scenario::FlashSale(options) = cli.scenario;
    let files = Files {
        json: options.json.as_deref(),
        html: options.html.as_deref(),
        svg_dir: options.svg_dir.as_deref(),
    };
    files.check()?;
    let report = flash_sale::flash_sale(&options).await?;
    report.write(&files)?;
    Ok(report)
}
