//! The open-loop crowd and its audit.
//!
//! Drives shoppers against a running Rushgate server over real sockets and then holds the server
//! to everything it acknowledged. It knows the HTTP contract and nothing of the server's code, so
//! a slip in the wire format or in a promise cannot hide behind a shared type.
//!
//! ```text
//! cli ─▶ scenario ─▶ flash_sale ─▶ arrivals   who comes when, from the seed
//!        (file)                    plan       what each of them will do, from the seed
//!                                  pacer      releases them on time
//!                                  shopper    one visit: enter, wait, buy     ─┬▶ ledger   what was acknowledged
//!                                  client     bounded pool of sockets          ├▶ witness  rules checked at once
//!                                  admin      the sale and its stock           └▶ measure  latency, counts, timeline
//!                                  server     start, SIGKILL, restart
//!                                  recall     ask for everything again
//!                                  audit      ledger + witness ─▶ verdicts ─▶ report
//!      ─▶ pace       one kind of request at a fixed rate
//!      ─▶ abuse      what one abuser costs honest shoppers
//! ```

mod abuse;
mod admin;
mod arrivals;
mod audit;
mod cli;
mod client;
mod clock;
mod flash_sale;
mod kendall;
mod ledger;
mod measure;
mod pace;
mod pacer;
mod plan;
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

use std::fmt;

use cli::{Command, FlashSale};
use report::{Files, write_json};
use scenario::Scenario;

pub use abuse::AbuseReport;
pub use audit::Verdict;
pub use cli::Cli;
pub use pace::PaceReport;
pub use report::Report;

/// What a command found.
#[derive(Debug)]
pub enum Found {
    /// A sale, audited.
    Sale(Box<Report>),
    /// Requests at a fixed rate.
    Pace(Box<PaceReport>),
    /// Honest shoppers, before and under an attack.
    Abuse(Box<AbuseReport>),
}

impl Found {
    /// True when nothing was broken.
    pub fn passed(&self) -> bool {
        match self {
            Self::Sale(report) => report.passed,
            Self::Pace(report) => report.passed,
            Self::Abuse(report) => report.passed,
        }
    }

    /// True when the figures are the generator's own and not for publishing.
    pub fn is_generator_bound(&self) -> bool {
        match self {
            Self::Sale(report) => report.is_generator_bound(),
            Self::Pace(report) => report.is_generator_bound(),
            Self::Abuse(_) => false,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sale(report) => report.fmt(f),
            Self::Pace(report) => report.fmt(f),
            Self::Abuse(report) => report.fmt(f),
        }
    }
}

/// Runs what the command line asks for and writes the report to the files that are wanted.
///
/// # Errors
///
/// A sentence saying why nothing could be judged: no keys, no server, a sale that exists. A
/// server that breaks a promise is no error; it is a report that did not pass.
pub async fn run(cli: Cli) -> Result<Found, String> {
    client::raise_socket_limit();
    match cli.command {
        Command::FlashSale(flags) => sale(&flags.scenario()?, &flags).await,
        Command::Run(options) => sale(&options.scenario()?, &options.flags).await,
        Command::Pace(options) => {
            let files = Files { json: options.common.json.as_deref(), ..Files::default() };
            files.check()?;
            let report = pace::pace(&options).await?;
            if let Some(path) = files.json {
                write_json(path, &report)?;
            }
            Ok(Found::Pace(Box::new(report)))
        }
        Command::Abuse(options) => {
            let files = Files { json: options.common.json.as_deref(), ..Files::default() };
            files.check()?;
            let report = abuse::abuse(&options).await?;
            if let Some(path) = files.json {
                write_json(path, &report)?;
            }
            Ok(Found::Abuse(Box::new(report)))
        }
    }
}

async fn sale(scenario: &Scenario, flags: &FlashSale) -> Result<Found, String> {
    let (common, drawn) = (&flags.common, &flags.drawn);
    let files = Files {
        json: common.json.as_deref(),
        html: drawn.html.as_deref(),
        svg_dir: drawn.svg_dir.as_deref(),
    };
    files.check()?;
    let report = flash_sale::flash_sale(scenario, common).await?;
    report.write(&files)?;
    Ok(Found::Sale(Box::new(report)))
}
