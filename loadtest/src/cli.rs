//! The command line.
//!
//! Owns the flags, their defaults and what they turn into; it starts nothing.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::scenario::Mix;
use crate::server::Keys;

/// With kills, the run is at least this long for each: time to serve, die and come back.
const RUN_PER_KILL: Duration = Duration::from_secs(3);
/// Admission is paced so that this many shoppers per unit are let in over the window: those who
/// leave, fall silent or give up do not keep the sale from ending about when arrivals end.
const ADMITTED_PER_UNIT: f64 = 1.4;

/// Drives a crowd of shoppers against a Rushgate server and audits what it acknowledged.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// What to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// A crowd storms one sale: open-loop arrivals, real sockets, and an audit at the end.
    #[command(args_override_self = true)]
    FlashSale(Box<FlashSale>),
}

/// Options of a flash sale.
#[derive(Debug, Args)]
pub(crate) struct FlashSale {
    /// The server. With --spawn or --kill, where the server is told to listen.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// How many shoppers come.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) shoppers: usize,
    /// The window in which they arrive (500ms, 10s, 2m).
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) over: Duration,
    /// Units on sale.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) stock: u64,
    /// Fixes arrivals, choices and kill moments; a fresh one is drawn and printed when omitted.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Name of the sale to create; `flash-SEED-RANDOM` when omitted.
    #[arg(long)]
    pub(crate) sale: Option<String>,
    /// Ends the run, whatever is unfinished.
    #[arg(long, default_value = "300s", value_parser = duration)]
    pub(crate) deadline: Duration,
    /// Once everything is sold, how long shoppers have to hear of it.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) grace: Duration,
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Writes the report as one HTML page, with charts and without scripts or outside resources.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Writes each chart as an SVG file into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) svg_dir: Option<PathBuf>,

    /// Key with the role `operator`.
    #[arg(long, env = "RUSHGATE__KEYS__OPERATOR", hide_env_values = true)]
    pub(crate) operator_key: Option<String>,
    /// Key with the role `backend`.
    #[arg(long, env = "RUSHGATE__KEYS__BACKEND", hide_env_values = true)]
    pub(crate) backend_key: Option<String>,
    /// The server's data directory: where its keys.json is, and what --spawn and --kill start on.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,

    /// Starts the server for the run.
    #[arg(long)]
    pub(crate) spawn: bool,
    /// Starts the server and kills it so many times while the crowd shops.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "5")]
    pub(crate) kill: Option<u32>,
    /// The server to start; by default `rushgate` beside this program.
    #[arg(long)]
    pub(crate) server: Option<PathBuf>,

    /// Sockets open at once.
    #[arg(long, default_value_t = 512)]
    pub(crate) connections: usize,
    /// A request unanswered for so long is asked again.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Pace of the gate; by default such that the stock sells over the arrival window.
    #[arg(long)]
    pub(crate) admission_per_second: Option<f64>,
    /// Admitted sessions at once; by default everyone.
    #[arg(long)]
    pub(crate) active_max: Option<u64>,
    /// Seconds until an unpaid hold expires.
    #[arg(long, default_value_t = 5)]
    pub(crate) hold_seconds: u64,
    /// Seconds a waiting ticket may be silent.
    #[arg(long, default_value_t = 300)]
    pub(crate) idle_seconds: u64,
    #[command(flatten)]
    pub(crate) mix: MixOptions,
}

/// The crowd's mix, in percent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Crowd, in percent")]
pub(crate) struct MixOptions {
    /// Leave the line.
    #[arg(long, default_value_t = 3, value_parser = percent())]
    leavers: u32,
    /// Stop polling without a word.
    #[arg(long, default_value_t = 2, value_parser = percent())]
    silent: u32,
    /// Enter again with the same key.
    #[arg(long, default_value_t = 10, value_parser = percent())]
    refreshers: u32,
    /// Want two units.
    #[arg(long, default_value_t = 10, value_parser = percent())]
    pairs: u32,
    /// Give the hold up.
    #[arg(long, default_value_t = 5, value_parser = percent())]
    releasers: u32,
    /// Let the hold expire.
    #[arg(long, default_value_t = 5, value_parser = percent())]
    abandoners: u32,
    /// Send the purchase twice.
    #[arg(long, default_value_t = 5, value_parser = percent())]
    double_clickers: u32,
}

impl FlashSale {
    /// The arrival window, long enough for the kills.
    pub(crate) fn window(&self) -> Duration {
        self.over.max(RUN_PER_KILL * self.kill.unwrap_or(0)).max(Duration::from_millis(1))
    }

    /// The pace of the gate.
    pub(crate) fn pace(&self) -> f64 {
        let demand = self.stock.min(self.shoppers as u64);
        #[expect(clippy::cast_precision_loss, reason = "a pace needs no exactness")]
        let demand = demand as f64;
        let chosen = ADMITTED_PER_UNIT * demand / self.window().as_secs_f64();
        self.admission_per_second.unwrap_or_else(|| chosen.max(1.0))
    }

    /// Sessions admitted at once.
    pub(crate) fn active_max(&self) -> u64 {
        self.active_max.unwrap_or(self.shoppers as u64 + 1_000)
    }

    /// True when the run starts the server.
    pub(crate) fn owns_server(&self) -> bool {
        self.spawn || self.kill.is_some()
    }

    /// The crowd's mix.
    pub(crate) fn mix(&self) -> Mix {
        Mix {
            leavers: self.mix.leavers,
            silent: self.mix.silent,
            refreshers: self.mix.refreshers,
            pairs: self.mix.pairs,
            releasers: self.mix.releasers,
            abandoners: self.mix.abandoners,
            double_clickers: self.mix.double_clickers,
        }
    }

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

    /// The server to start.
    pub(crate) fn server_binary(&self) -> PathBuf {
        let beside = || {
            let own = env::current_exe().unwrap_or_default();
            own.with_file_name("rushgate")
        };
        self.server.clone().unwrap_or_else(beside)
    }
}

fn percent() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=50)
}

/// Parses `500ms`, `10s`, `2m` or plain seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let seconds_per_unit = match unit {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return Err("a duration is a number with ms, s or m, as in 10s".to_owned()),
    };
    let amount: f64 = amount.parse().map_err(|_| format!("{text} has no number"))?;
    Duration::try_from_secs_f64(amount * seconds_per_unit).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> FlashSale {
        let line = ["loadtest", "flash-sale"].iter().chain(flags);
        let Scenario::FlashSale(options) = Cli::try_parse_from(line).unwrap().scenario;
        *options
    }

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        assert!(duration("ten").is_err() && duration("5h").is_err() && duration("").is_err());
    }

    #[test]
    fn kill_takes_a_count_or_means_five_and_stretches_the_run() {
        assert_eq!(parse(&[]).kill, None);
        assert_eq!(parse(&["--kill"]).kill, Some(5));
        let options = parse(&["--kill", "8", "--over", "10s"]);
        assert_eq!(options.window(), Duration::from_secs(24));
        assert!(options.owns_server());
    }

    #[test]
    fn the_gate_is_paced_to_sell_out_about_when_arrivals_end() {
        let pace = parse(&["--stock", "1000", "--over", "10s"]).pace();
        assert!((pace - 140.0).abs() < 1e-9, "{pace}");
        let few = parse(&["--stock", "1000", "--shoppers", "100", "--over", "10s"]).pace();
        assert!((few - 14.0).abs() < 1e-9, "{few}");
    }
}
