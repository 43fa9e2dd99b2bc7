//! The flags that stand for keys of a scenario.
//!
//! Owns the server and the way to it, the crowd and its mix, and how they are laid over a scenario: what
//! is not given leaves it as it is.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{bounded, duration, http, milliseconds, percent};
use crate::arrivals::Arrivals;
use crate::client::Http;
use crate::scenario::{
    CONNECTIONS_MAX, KILLS_MAX, SHOPPERS_MAX, SOURCE_ADDRESSES_MAX, Scenario, flash_crowd, urls,
};

/// The server and the way to it.
#[derive(Debug, Args)]
pub(super) struct Way {
    /// The server, or all its nodes: repeat the option, or separate them by commas. With --spawn or
    /// --kill, the address of the server to start [default: <http://127.0.0.1:8080>].
    #[arg(long)]
    url: Vec<String>,
    /// Starts the server for the run.
    #[arg(long)]
    spawn: bool,
    /// The server to start [default: `rushgate` beside this program].
    #[arg(long)]
    server: Option<PathBuf>,
    /// The server's data directory: where its keys.json is, and what --spawn and --kill start on.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The version of HTTP: 1 or 2.
    #[arg(long, value_parser = http)]
    http: Option<Http>,
    /// Sockets open at once; with HTTP/2, requests at once, over fewer sockets [default: 512; for
    /// pace 250 ms of its rate].
    #[arg(long, value_parser = bounded(CONNECTIONS_MAX as u64))]
    connections: Option<u64>,
    /// Addresses of 127.0.0.0/8 to send from, in turn [default: 1].
    #[arg(long, value_parser = bounded(SOURCE_ADDRESSES_MAX.into()))]
    source_addresses: Option<u64>,
    /// How long to wait for an answer before asking again [default: 10s].
    #[arg(long, value_parser = duration)]
    timeout: Option<Duration>,
    /// Milliseconds by which one request in a hundred may leave late; beyond that the figures are
    /// withheld [default: 5 for crowds, 1 for pace].
    #[arg(long, value_parser = milliseconds)]
    schedule_error_p99_max_ms: Option<Duration>,
    /// Fixes arrivals, choices and kill moments; if omitted, a new one is drawn and printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Name of the sale to create [default: `flash-SEED-RANDOM`].
    #[arg(long)]
    sale: Option<String>,
}

/// The crowd, the sale and the run.
#[derive(Debug, Args)]
pub(super) struct Crowd {
    /// How many shoppers come [default: 20000].
    #[arg(long, value_parser = bounded(SHOPPERS_MAX as u64))]
    shoppers: Option<u64>,
    /// The window in which they arrive (500ms, 10s, 2m) [default: 10s].
    #[arg(long, value_parser = duration)]
    over: Option<Duration>,
    /// Units on sale [default: 1000].
    #[arg(long)]
    stock: Option<u64>,
    /// Ends the run, whatever is unfinished [default: 300s].
    #[arg(long, value_parser = duration)]
    deadline: Option<Duration>,
    /// How long shoppers have to learn that everything is sold [default: 5s].
    #[arg(long, value_parser = duration)]
    grace: Option<Duration>,
    /// Starts the server and kills it this many times while the crowd shops.
    #[arg(
        long, value_name = "N", num_args = 0..=1, default_missing_value = "5",
        value_parser = bounded(KILLS_MAX.into())
    )]
    kill: Option<u64>,
    /// Pace of the gate [default: fast enough to sell the stock as arrivals end].
    #[arg(long)]
    admission_per_second: Option<f64>,
    /// Admitted sessions at once [default: everyone].
    #[arg(long)]
    active_max: Option<u64>,
    /// Milliseconds that one node may lag behind another before the audit fails [default: unchecked].
    #[arg(long, value_parser = milliseconds)]
    node_lag_max_ms: Option<Duration>,
    /// Seconds until an unpaid hold expires [default: 5].
    #[arg(long)]
    hold_seconds: Option<u64>,
    /// Seconds a waiting ticket may be silent [default: 300].
    #[arg(long)]
    idle_seconds: Option<u64>,
    #[command(flatten)]
    mix: Mix,
}

/// The crowd's mix, in percent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Crowd, in percent; the first three replace a file's [[shoppers]]")]
struct Mix {
    /// Leave the line [default: 3].
    #[arg(long, value_parser = percent())]
    leavers: Option<u32>,
    /// Stop polling without leaving [default: 2].
    #[arg(long, value_parser = percent())]
    silent: Option<u32>,
    /// Enter again with the same key [default: 10].
    #[arg(long, value_parser = percent())]
    refreshers: Option<u32>,
    /// Want two units [default: 10].
    #[arg(long, value_parser = percent())]
    pairs: Option<u32>,
    /// Release the hold [default: 5].
    #[arg(long, value_parser = percent())]
    releasers: Option<u32>,
    /// Let the hold expire [default: 5].
    #[arg(long, value_parser = percent())]
    abandoners: Option<u32>,
    /// Send the purchase twice [default: 5].
    #[arg(long, value_parser = percent())]
    double_clickers: Option<u32>,
}

/// A scenario with the flags over it.
pub(super) fn overridden(
    mut scenario: Scenario,
    way: &Way,
    crowd: &Crowd,
) -> Result<Scenario, String> {
    way.lay_over(&mut scenario)?;
    crowd.lay_over(&mut scenario)?;
    scenario.target.check()?;
    Ok(scenario)
}

impl Way {
    pub(super) fn lay_over(&self, scenario: &mut Scenario) -> Result<(), String> {
        let target = &mut scenario.target;
        if !self.url.is_empty() {
            target.urls = urls(&self.url.join(","))?;
        }
        set(&mut target.http, self.http);
        set(&mut target.connections, self.connections.and_then(|n| usize::try_from(n).ok()));
        set(&mut target.source_addresses, self.source_addresses.and_then(|n| u8::try_from(n).ok()));
        set(&mut target.timeout, self.timeout);
        target.spawn |= self.spawn;
        target.binary = self.server.clone().or_else(|| target.binary.take());
        target.data = self.data.clone().or_else(|| target.data.take());
        set(&mut scenario.schedule_error_p99_max, self.schedule_error_p99_max_ms);
        scenario.seed = self.seed.or(scenario.seed);
        scenario.sale.id = self.sale.clone().or_else(|| scenario.sale.id.take());
        Ok(())
    }
}

impl Crowd {
    fn lay_over(&self, scenario: &mut Scenario) -> Result<(), String> {
        let rules = [self.stock, self.active_max, self.hold_seconds, self.idle_seconds];
        let rules = rules.iter().any(Option::is_some) || self.admission_per_second.is_some();
        if scenario.sale.existing && rules {
            return Err("the scenario uses an existing sale, which has its own stock and rules: \
                 --stock, --admission-per-second, --active-max, --hold-seconds and --idle-seconds \
                 do not go with it"
                .to_owned());
        }
        if self.shoppers.is_some() || self.over.is_some() {
            let shoppers = self.shoppers.and_then(|n| usize::try_from(n).ok());
            let over = self.over.unwrap_or_else(|| scenario.arrivals.span());
            scenario.arrivals =
                Arrivals::crowd(shoppers.unwrap_or_else(|| scenario.shoppers()), over);
        }
        set(&mut scenario.deadline, self.deadline);
        set(&mut scenario.grace, self.grace);
        scenario.node_lag_max = self.node_lag_max_ms.or(scenario.node_lag_max);
        scenario.target.kills =
            self.kill.and_then(|n| u32::try_from(n).ok()).or(scenario.target.kills);
        let sale = &mut scenario.sale;
        set(&mut sale.stock, self.stock);
        sale.admission_per_second = self.admission_per_second.or(sale.admission_per_second);
        sale.active_max = self.active_max.or(sale.active_max);
        set(&mut sale.hold_seconds, self.hold_seconds);
        set(&mut sale.idle_seconds, self.idle_seconds);
        self.mix.lay_over(scenario);
        Ok(())
    }
}

impl Mix {
    fn lay_over(&self, scenario: &mut Scenario) {
        let waiting = [self.leavers, self.silent, self.refreshers];
        if waiting.iter().any(Option::is_some) {
            let [leavers, silent, refreshers] = waiting;
            scenario.groups =
                flash_crowd(leavers.unwrap_or(3), silent.unwrap_or(2), refreshers.unwrap_or(10));
        }
        let habits = &mut scenario.habits;
        set(&mut habits.pairs, self.pairs);
        set(&mut habits.releasers, self.releasers);
        set(&mut habits.abandoners, self.abandoners);
        set(&mut habits.double_clickers, self.double_clickers);
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn flash_sale(flags: &[&str]) -> Scenario {
        let line = ["loadtest", "flash-sale"].iter().chain(flags);
        let Command::FlashSale(options) = Cli::try_parse_from(line).unwrap().command else {
            panic!("not a flash sale");
        };
        options.scenario().unwrap()
    }

    fn run(text: &str, flags: &[&str]) -> Result<Scenario, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("crowd.toml");
        std::fs::write(&path, text).unwrap();
        let line = ["loadtest", "run", path.to_str().unwrap()];
        let line = line.iter().chain(flags);
        let Command::Run(options) = Cli::try_parse_from(line).unwrap().command else {
            panic!("not a file");
        };
        options.scenario()
    }

    const FILE: &str = "seed = 4\n[sale]\nid = \"drop\"\nstock = 7\n[[arrivals]]\n\
        spike = { shoppers = 9, within_ms = 50 }\n[[shoppers]]\nbehaviour = \"bot\"\nweight = 1\n";

    #[test]
    fn kill_takes_a_count_or_means_five() {
        assert_eq!(flash_sale(&[]).target.kills, None);
        assert_eq!(flash_sale(&["--kill"]).target.kills, Some(5));
        assert_eq!(flash_sale(&["--kill", "8"]).target.kills, Some(8));
    }

    #[test]
    fn a_file_stands_where_no_flag_says_otherwise() {
        let plain = run(FILE, &[]).unwrap();
        assert_eq!((plain.seed, plain.sale.stock, plain.shoppers()), (Some(4), 7, 9));
        let flags = ["--seed", "5", "--stock", "8", "--shoppers", "30", "--http", "2", "--spawn"];
        let changed = run(FILE, &flags).unwrap();
        assert_eq!((changed.seed, changed.sale.stock, changed.shoppers()), (Some(5), 8, 30));
        assert_eq!(changed.window(), Duration::from_millis(50), "the file's window stays");
        assert_eq!(changed.target.http, Http::Two);
        assert_eq!(changed.groups.len(), 1, "and so do its shoppers");
        assert_eq!(run(FILE, &["--leavers", "9"]).unwrap().groups.len(), 4);
    }

    #[test]
    fn an_existing_sale_takes_no_rules_from_flags() {
        let file = FILE.replace("stock = 7", "existing = true");
        assert!(run(&file, &["--stock", "3"]).unwrap_err().contains("has its own stock"));
        assert!(run(&file, &["--seed", "3"]).is_ok());
    }

    #[test]
    fn nodes_are_given_one_by_one_or_together() {
        let (a, b, c) = ("http://h:1", "http://h:2", "http://h:3");
        let listed = format!("{b},{c}");
        let given = flash_sale(&["--url", a, "--url", &listed]);
        assert_eq!(given.target.urls, [a, b, c]);
        let file = format!("{FILE}[server]\nurl = \"{a}, {b}\"\n");
        assert_eq!(run(&file, &[]).unwrap().target.urls, [a, b]);
        assert_eq!(run(&file, &["--url", c]).unwrap().target.urls, [c]);
        let refused = |flags: &[&str]| run(&file, flags).unwrap_err();
        assert!(refused(&["--spawn"]).contains("start one server"));
        assert!(refused(&["--url", a, "--url", a]).contains("given twice"));
        assert!(refused(&["--url", "ftp://h"]).contains("http://"));
        let many: Vec<String> = (1..=17).map(|port| format!("http://h:{port}")).collect();
        assert!(refused(&["--url", &many.join(",")]).contains("allowed are 1 to 16"));
    }

    #[test]
    fn out_of_bounds_flags_are_refused() {
        for (flag, value) in [
            ("--http", "3"),
            ("--connections", "0"),
            ("--source-addresses", "65"),
            ("--leavers", "51"),
            ("--schedule-error-p99-max-ms", "-1"),
        ] {
            let flag = format!("{flag}={value}");
            assert!(Cli::try_parse_from(["loadtest", "flash-sale", &flag]).is_err(), "{flag}");
        }
    }
}
