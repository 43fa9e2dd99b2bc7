//! The command line.
//!
//! Owns the subcommands and what their flags turn into; it starts nothing. Every flag in [`overrides`]
//! stands for a key of a [`Scenario`]: of a file's with `run`, of the built-in one with `flash-sale`.

mod overrides;
mod values;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::Http;
use crate::scenario::{CONNECTIONS_MAX, Scenario};
use crate::server::Keys;
use overrides::{Crowd, Way};
use values::duration;

/// Paced requests leave on time or the figures are not published.
const PACE_ERROR_P99_MAX: Duration = Duration::from_millis(1);

/// A server that answers nothing for so long does not make a fixed rate late: there are sockets for
/// every request that comes meanwhile.
const PACE_STALL_MS: u64 = 250;
/// Sockets of a low rate.
const PACE_CONNECTIONS_MIN: usize = 64;

/// Drives a crowd of shoppers against a Rushgate server and audits what it acknowledged.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sends a crowd to one sale: open-loop arrivals, real sockets, and an audit at the end.
    #[command(args_override_self = true)]
    FlashSale(Box<FlashSale>),
    /// Runs a scenario file; flags override its keys.
    #[command(args_override_self = true)]
    Run(Box<RunFile>),
    /// Sends one kind of request at a fixed rate, open loop.
    #[command(args_override_self = true)]
    Pace(Box<Pace>),
    /// Measures what one abuser costs honest shoppers: first undisturbed, then under attack.
    #[command(args_override_self = true)]
    Abuse(Box<Abuse>),
}

/// Options of a flash sale.
#[derive(Debug, Args)]
pub(crate) struct FlashSale {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) drawn: Drawn,
    #[command(flatten)]
    way: Way,
    #[command(flatten)]
    crowd: Crowd,
}

/// Options of a scenario file.
#[derive(Debug, Args)]
pub(crate) struct RunFile {
    /// The scenario, in TOML.
    file: PathBuf,
    /// Its keys' other values.
    #[command(flatten)]
    pub(crate) flags: FlashSale,
}

/// Options of requests at a fixed rate.
#[derive(Debug, Args)]
pub(crate) struct Pace {
    /// The kind of request.
    #[arg(long, value_enum, default_value_t = PaceCall::Position)]
    pub(crate) call: PaceCall,
    /// Requests a second.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) rate: u64,
    /// How long to send.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) seconds: Duration,
    /// Shoppers who enter first, and whose places are polled in turn.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) tickets: u64,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    way: Way,
}

/// The request that is paced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PaceCall {
    /// `GET …/position` with one of the tickets.
    Position,
    /// `POST …/enter` with a key of its own.
    Enter,
}

/// Options of an abuse run.
#[derive(Debug, Args)]
pub(crate) struct Abuse {
    /// What the abuser does.
    #[arg(long, value_enum)]
    pub(crate) attack: Attack,
    /// How long the attack lasts.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) seconds: Duration,
    /// How long honest shoppers are measured before the attack.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) calm: Duration,
    /// Connections of the `idle-connections` attack: by default as many as a server takes.
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    pub(crate) sockets: usize,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    way: Way,
}

/// How an abuser tries to exhaust a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attack {
    /// One admitted shopper reserves and releases, in 64 loops.
    HoldLoop,
    /// One address enters again and again, in 64 loops.
    EntryLoop,
    /// Connections (`--sockets`) make one request each and then stay idle.
    IdleConnections,
}

/// Keys and where the result goes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Key with the role `operator`.
    #[arg(long, env = "RUSHGATE__KEYS__OPERATOR", hide_env_values = true)]
    operator_key: Option<String>,
    /// Key with the role `backend`.
    #[arg(long, env = "RUSHGATE__KEYS__BACKEND", hide_env_values = true)]
    backend_key: Option<String>,
}

/// Where the result is drawn; a fixed rate has nothing to draw.
#[derive(Debug, Args)]
pub(crate) struct Drawn {
    /// Writes the report as one HTML page, with charts and without scripts or outside resources.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Writes each chart as an SVG file into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) svg_dir: Option<PathBuf>,
}

impl FlashSale {
    /// The built-in scenario, with the flags over it.
    pub(crate) fn scenario(&self) -> Result<Scenario, String> {
        overrides::overridden(Scenario::flash_sale(), &self.way, &self.crowd)
    }
}

impl RunFile {
    /// The file's scenario, with the flags over it.
    pub(crate) fn scenario(&self) -> Result<Scenario, String> {
        overrides::overridden(Scenario::read(&self.file)?, &self.flags.way, &self.flags.crowd)
    }
}

impl Pace {
    /// A sale for the tickets, whose gate lets hardly anyone in: its places are for asking.
    pub(crate) fn scenario(&self) -> Result<Scenario, String> {
        let mut scenario = Scenario::flash_sale();
        "pace".clone_into(&mut scenario.name);
        scenario.sale.stock = 1;
        scenario.sale.admission_per_second = Some(0.001);
        scenario.schedule_error_p99_max = PACE_ERROR_P99_MAX;
        let connections = self.rate * PACE_STALL_MS / 1_000;
        scenario.target.connections = usize::try_from(connections)
            .unwrap_or(CONNECTIONS_MAX)
            .clamp(PACE_CONNECTIONS_MIN, CONNECTIONS_MAX);
        self.way.lay_over(&mut scenario)?;
        scenario.target.check()?;
        if scenario.target.urls.len() > 1 {
            return Err("pace asks one node; give one --url".to_owned());
        }
        if scenario.target.http == Http::Two {
            return Err("pace speaks HTTP/1.1 only; --http 2 is for run and flash-sale".to_owned());
        }
        Ok(scenario)
    }
}

impl Abuse {
    /// A sale that lets everyone in at once and has units for all: whatever is slow is the abuser's.
    pub(crate) fn scenario(&self) -> Result<Scenario, String> {
        let mut scenario = Scenario::flash_sale();
        "abuse".clone_into(&mut scenario.name);
        scenario.sale.stock = 1_000_000;
        scenario.sale.admission_per_second = Some(100_000.0);
        scenario.sale.active_max = Some(1_000_000);
        scenario.sale.hold_seconds = 60;
        self.way.lay_over(&mut scenario)?;
        scenario.target.check()?;
        if scenario.target.urls.len() > 1 {
            return Err("abuse asks one node; give one --url".to_owned());
        }
        Ok(scenario)
    }
}

impl Common {
    /// The keys given by flag or environment, if both are.
    pub(crate) fn given_keys(&self) -> Option<Keys> {
        let (operator, backend) = (self.operator_key.clone()?, self.backend_key.clone()?);
        Some(Keys { operator, backend })
    }

    /// The keys to use: given, or kept in `data`.
    pub(crate) fn keys(&self, data: Option<&Path>) -> Result<Keys, String> {
        match (self.given_keys(), data) {
            (Some(keys), _) => Ok(keys),
            (None, Some(data)) => Keys::read(data),
            (None, None) => Err("no keys: give --operator-key and --backend-key, set \
                 RUSHGATE__KEYS__OPERATOR and RUSHGATE__KEYS__BACKEND, or name the server's \
                 --data directory"
                .to_owned()),
        }
    }
}

/// The server to start unless another is named.
pub(crate) fn server_binary() -> PathBuf {
    env::current_exe().unwrap_or_default().with_file_name("rushgate")
}
