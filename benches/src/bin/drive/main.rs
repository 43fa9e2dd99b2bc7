//! The driver: raw requests at a server, in a closed loop or an open one.
//!
//! *Closed*: each connection sends again when all it sent has been answered, read in full and
//! checked (status line, `content-length`, every byte of the body). It finds how much a server can
//! answer, and says little about how long a crowd would wait. *Open* (`--rate`): requests become
//! due by a seeded schedule whatever the server does, and are timed from when they were due.
//!
//! Owns one thread and hardly any parser, since it shares the machine with what it measures. Refuses
//! answers without a `content-length`, and unrequested bytes.
//!
//! A request is a template: raw bytes in which `{line}` stands for a line of a file (a ticket, a
//! pass) and `{serial}` for a number of 16 hex digits that never repeats (an idempotency key).

#![forbid(unsafe_code)]

mod answer;
mod arrivals;
mod closed;
mod link;
mod open;
mod poller;
mod requests;
mod tally;

use std::{error::Error, io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use serde_json::Value;

use self::requests::Requests;

type Trouble = Box<dyn Error>;

#[derive(Debug, Parser)]
#[command(about = "Raw requests at a server, in a closed loop or an open one")]
struct Options {
    /// The server.
    #[arg(long)]
    address: SocketAddr,
    /// Connections.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Closed loop: requests written together on a connection, and awaited together.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    depth: u32,
    /// How long to count answers, after a warm-up.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How long to send before counting.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
    /// Closed loop: send so many requests instead and count them all.
    #[arg(long, conflicts_with = "rate")]
    requests: Option<u64>,
    /// Open loop: so many requests become due each second.
    #[arg(long, conflicts_with = "depth")]
    rate: Option<f64>,
    /// Open loop: how they are spread.
    #[arg(long, value_enum, default_value_t = Spread::Poisson)]
    spread: Spread,
    /// Open loop: the seed of the schedule.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Open loop: after so many seconds a request that is not answered is given up.
    #[arg(long, default_value_t = 1.0)]
    deadline: f64,
    /// A file with the request.
    #[arg(long)]
    template: PathBuf,
    /// A file whose lines take the place of `{line}` in turn.
    #[arg(long)]
    lines: Option<PathBuf>,
    /// The first number for `{serial}`.
    #[arg(long, default_value_t = 0)]
    serial_from: u64,
    /// Write this text field of each answer's body to the file of `--save-to`.
    #[arg(long, requires = "save_to", conflicts_with = "rate")]
    save: Option<String>,
    /// Where to write them, one a line.
    #[arg(long)]
    save_to: Option<PathBuf>,
    /// Send one request and print the answer as it came, head and body.
    #[arg(long, conflicts_with = "rate")]
    show: bool,
}

/// How due moments are spread over a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Spread {
    /// As independent people come.
    Poisson,
    /// Evenly.
    Constant,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            drop(writeln!(std::io::stderr(), "drive: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Trouble> {
    let requests = Requests::read(options)?;
    if options.show {
        std::io::stdout().write_all(&closed::show(options, &requests)?)?;
        return Ok(());
    }
    let report: Value = match options.rate {
        Some(rate) => open::run(options, &requests, rate)?,
        None => closed::run(options, &requests)?,
    };
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}
