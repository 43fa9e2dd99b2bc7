//! What to run, decided before anything starts.
//!
//! Owns the one description every run goes through: the command line's flash sale and the scenario
//! files both become a [`Scenario`]. It is plain values; reading files is in [`mod@file`], who comes
//! when in [`crate::arrivals`], what each shopper does in [`crate::plan`].
//!
//! Invariant: a scenario that exists has been checked; nothing in it is refused later.

mod file;

use std::path::PathBuf;
use std::time::Duration;

use crate::arrivals::Arrivals;
use crate::client::{Http, NODES_MAX, authority};
use crate::plan::{Behaviour, Group, Habits, Think};

/// With kills, the run is at least this long for each: time to serve, die and come back.
const RUN_PER_KILL: Duration = Duration::from_secs(3);
/// Admission is paced so that this many shoppers per unit are let in over the window: those who
/// leave, fall silent or give up do not keep the sale from ending about when arrivals end.
const ADMITTED_PER_UNIT: f64 = 1.4;
/// Sessions admitted at once beyond one for each shopper: never the limit unless it is chosen.
const ACTIVE_SPARE: u64 = 1_000;
/// Shoppers in one run: each takes a few hundred bytes before and a task while inside.
pub(crate) const SHOPPERS_MAX: usize = 2_000_000;
/// Addresses of 127.0.0.0/8 to send from: each brings some 28,000 more ports.
pub(crate) const SOURCE_ADDRESSES_MAX: u8 = 64;
/// Sockets, well above any sensible file-descriptor limit.
pub(crate) const CONNECTIONS_MAX: usize = 100_000;
/// How often one run may kill its server.
pub(crate) const KILLS_MAX: u32 = 1_000;
/// A crowd whose p99 was sent later than this says more about the generator than the server.
const SCHEDULE_ERROR_P99_MAX: Duration = Duration::from_millis(5);

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// What the report calls it.
    pub(crate) name: String,
    /// Fixes arrivals, choices and kill moments; drawn when absent.
    pub(crate) seed: Option<u64>,
    /// Ends the run, whatever is unfinished.
    pub(crate) deadline: Duration,
    /// Once everything is sold, how long shoppers have to hear of it.
    pub(crate) grace: Duration,
    /// The p99 of the schedule error above which the figures are not published.
    pub(crate) schedule_error_p99_max: Duration,
    /// The p90 of the error of estimated waits above which the audit fails; unchecked when absent.
    pub(crate) eta_error_p90_max: Option<Duration>,
    /// How far one node may be behind another before the audit fails; unchecked when absent.
    pub(crate) node_lag_max: Option<Duration>,
    pub(crate) target: Target,
    pub(crate) sale: Sale,
    pub(crate) arrivals: Arrivals,
    /// Who comes, by weight; never empty, and some weight is positive.
    pub(crate) groups: Vec<Group>,
    pub(crate) habits: Habits,
}

/// The server and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The nodes that serve the sale, one at the least; with `spawn` or kills, where the one server is
    /// told to listen.
    pub(crate) urls: Vec<String>,
    pub(crate) http: Http,
    /// Sockets (HTTP/1.1) or requests (HTTP/2) at once.
    pub(crate) connections: usize,
    /// Addresses of 127.0.0.0/8 to send from, in turn.
    pub(crate) source_addresses: u8,
    /// A request unanswered for so long is asked again.
    pub(crate) timeout: Duration,
    /// The run starts the server.
    pub(crate) spawn: bool,
    /// How often the server is killed on the way; any kill makes the run start it.
    pub(crate) kills: Option<u32>,
    /// The program to start; `rushgate` beside this one when absent.
    pub(crate) binary: Option<PathBuf>,
    /// The server's data directory.
    pub(crate) data: Option<PathBuf>,
}

/// The sale to create, or the one to use.
#[derive(Clone, Debug)]
pub(crate) struct Sale {
    /// Its name; `flash-SEED-RANDOM` when absent.
    pub(crate) id: Option<String>,
    /// It stands already: nothing is created, and what it sold before is not counted.
    pub(crate) existing: bool,
    /// What is on sale.
    pub(crate) sku: String,
    pub(crate) stock: u64,
    /// Pace of the gate; such that the stock sells over the arrivals when absent.
    pub(crate) admission_per_second: Option<f64>,
    /// Admitted sessions at once; everyone when absent.
    pub(crate) active_max: Option<u64>,
    pub(crate) claim_window_seconds: u64,
    pub(crate) session_seconds: u64,
    pub(crate) idle_seconds: u64,
    pub(crate) hold_seconds: u64,
    pub(crate) per_shopper_max: u64,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            urls: vec!["http://127.0.0.1:8080".to_owned()],
            http: Http::One,
            connections: 512,
            source_addresses: 1,
            timeout: Duration::from_secs(10),
            spawn: false,
            kills: None,
            binary: None,
            data: None,
        }
    }
}

impl Target {
    /// True when the run starts the server.
    pub(crate) fn owns_server(&self) -> bool {
        self.spawn || self.kills.is_some()
    }

    /// The first node, which is all there is to a server of the run's own.
    pub(crate) fn first_url(&self) -> &str {
        self.urls.first().map_or("", String::as_str)
    }

    /// Refuses what one server is needed for with several.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.owns_server() && self.urls.len() > 1 {
            return Err(format!(
                "spawn and kill start one server, and {} URLs are given; start the nodes \
                 yourself, or give one URL",
                self.urls.len()
            ));
        }
        Ok(())
    }
}

impl Default for Sale {
    fn default() -> Self {
        Self {
            id: None,
            existing: false,
            sku: "unit".to_owned(),
            stock: 1_000,
            admission_per_second: None,
            active_max: None,
            claim_window_seconds: 60,
            session_seconds: 600,
            idle_seconds: 300,
            hold_seconds: 5,
            per_shopper_max: 2,
        }
    }
}

impl Scenario {
    /// The built-in flash sale: 20,000 shoppers within 10 s for 1,000 units.
    pub(crate) fn flash_sale() -> Self {
        Self {
            name: "flash-sale".to_owned(),
            seed: None,
            deadline: Duration::from_mins(5),
            grace: Duration::from_secs(5),
            schedule_error_p99_max: SCHEDULE_ERROR_P99_MAX,
            eta_error_p90_max: None,
            node_lag_max: None,
            target: Target::default(),
            sale: Sale::default(),
            arrivals: Arrivals::crowd(20_000, Duration::from_secs(10)),
            groups: flash_crowd(3, 2, 10),
            habits: Habits::default(),
        }
    }

    /// How many shoppers come.
    pub(crate) fn shoppers(&self) -> usize {
        self.arrivals.count()
    }

    /// From the first possible arrival to the last, long enough for the kills.
    pub(crate) fn window(&self) -> Duration {
        let kills = RUN_PER_KILL * self.target.kills.unwrap_or(0);
        self.arrivals.span().max(kills).max(Duration::from_millis(1))
    }

    /// The pace of the gate.
    pub(crate) fn pace(&self) -> f64 {
        let demand = self.sale.stock.min(self.shoppers() as u64);
        #[expect(clippy::cast_precision_loss, reason = "a pace needs no exactness")]
        let demand = demand as f64;
        let chosen = ADMITTED_PER_UNIT * demand / self.window().as_secs_f64();
        self.sale.admission_per_second.unwrap_or_else(|| chosen.max(1.0))
    }

    /// Sessions admitted at once.
    pub(crate) fn active_max(&self) -> u64 {
        self.sale.active_max.unwrap_or_else(|| self.shoppers() as u64 + ACTIVE_SPARE)
    }
}

/// The nodes in a list with commas between.
pub(crate) fn urls(list: &str) -> Result<Vec<String>, String> {
    let urls: Vec<String> = list.split(',').map(|url| url.trim().to_owned()).collect();
    if urls.len() > NODES_MAX {
        return Err(format!("{} URLs; allowed are 1 to {NODES_MAX}", urls.len()));
    }
    for (index, url) in urls.iter().enumerate() {
        authority(url)?;
        if urls[..index].contains(url) {
            return Err(format!("{url} is given twice"));
        }
    }
    Ok(urls)
}

/// The groups of a flash sale: so many in a hundred leave, fall silent, and, of the rest, refresh.
pub(crate) fn flash_crowd(leavers: u32, silent: u32, refreshers: u32) -> Vec<Group> {
    let leavers = leavers.min(100);
    let silent = silent.min(100 - leavers);
    let stay = 100 - leavers - silent;
    let refreshers = refreshers.min(100);
    let group = |behaviour, weight| Group { behaviour, weight, think: Think::default() };
    vec![
        group(Behaviour::Leaver, leavers * 100),
        group(Behaviour::Silent, silent * 100),
        group(Behaviour::Refresher, stay * refreshers),
        group(Behaviour::Patient, stay * (100 - refreshers)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_is_paced_to_sell_out_about_when_arrivals_end() {
        let mut scenario = Scenario::flash_sale();
        let pace = scenario.pace();
        assert!((pace - 140.0).abs() < 1e-9, "{pace}");
        scenario.arrivals = Arrivals::crowd(100, Duration::from_secs(10));
        let few = scenario.pace();
        assert!((few - 14.0).abs() < 1e-9, "{few}");
    }

    #[test]
    fn kills_stretch_the_run_and_start_the_server() {
        let mut scenario = Scenario::flash_sale();
        assert!(!scenario.target.owns_server());
        scenario.target.kills = Some(8);
        assert_eq!(scenario.window(), Duration::from_secs(24));
        assert!(scenario.target.owns_server());
    }

    #[test]
    fn a_flash_crowd_weighs_the_same_whatever_its_shares() {
        for (leavers, silent, refreshers) in [(3, 2, 10), (50, 50, 50), (100, 50, 0), (0, 0, 0)] {
            let groups = flash_crowd(leavers, silent, refreshers);
            assert_eq!(groups.iter().map(|group| group.weight).sum::<u32>(), 10_000);
        }
    }
}
