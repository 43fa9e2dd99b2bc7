//! How much of what is measured.

use clap::{Args, ValueEnum};

/// Turns of each side below which a median says little.
const PAIRS_MIN: usize = 5;
/// Waiting shoppers in the figures that are published.
const CROWD: u64 = 1_000_000;
const CROWD_LARGE: u64 = 10_000_000;
/// How long the storm must last, in seconds.
const STORM_SECONDS: f64 = 60.0;

/// The sizes of a run.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sizes {
    /// How long each side of a pair answers, in seconds.
    #[arg(long, default_value_t = 4.0)]
    pub(super) seconds: f64,
    /// How often the sides take turns.
    #[arg(long, default_value_t = PAIRS_MIN)]
    pub(super) pairs: usize,
    /// Waiting shoppers while positions are asked for.
    #[arg(long, default_value_t = CROWD)]
    pub(super) waiting: u64,
    /// Waiting shoppers in the memory and recovery figures.
    #[arg(long, default_value_t = CROWD)]
    pub(super) crowd: u64,
    /// The same for the large crowd.
    #[arg(long, default_value_t = CROWD_LARGE)]
    pub(super) crowd_large: u64,
    /// How long ten times too many shoppers come, in seconds.
    #[arg(long, default_value_t = STORM_SECONDS)]
    pub(super) storm_seconds: f64,
    /// Take this group of figures only; nothing is published.
    #[arg(long, value_enum)]
    pub(super) only: Option<Group>,
}

/// Figures that are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Positions, one at a time and pipelined.
    Position,
    /// Refusals when nothing is left.
    Refusal,
    /// Durable entries.
    Enter,
    /// Durable purchases.
    Purchase,
    /// The engine without HTTP.
    Engine,
    /// Waits at half load.
    Tail,
    /// Ten times too many.
    Storm,
    /// Memory and recovery.
    Crowd,
    /// The same with ten times the crowd.
    CrowdLarge,
    /// Event streams: their delay and what they cost.
    Watchers,
    /// One node of many, whose Redis decides, beside the classic design.
    Nodes,
    /// One sale among a thousand, and a hundred thousand archived.
    Sales,
    /// Polls and entries while the shop in the same process is busy.
    BusyShop,
    /// The load generator's own punctuality.
    Pace,
}

impl Sizes {
    /// Whether a run of these sizes may be published.
    pub(super) fn are_full(&self) -> bool {
        self.only.is_none()
            && self.pairs >= PAIRS_MIN
            && self.seconds >= 4.0
            && self.waiting >= CROWD
            && self.crowd >= CROWD
            && self.crowd_large >= CROWD_LARGE
            && self.storm_seconds >= STORM_SECONDS
    }

    /// The command that gives this run.
    pub(super) fn command(&self) -> String {
        let Self { seconds, pairs, waiting, crowd, crowd_large, storm_seconds, .. } = self;
        format!(
            "cargo xtask bench --seconds {seconds} --pairs {pairs} --waiting {waiting} \
             --crowd {crowd} --crowd-large {crowd_large} --storm-seconds {storm_seconds}"
        )
    }

    pub(super) fn groups(&self) -> Vec<Group> {
        self.only.map_or_else(|| Group::value_variants().to_vec(), |only| vec![only])
    }

    /// About how long a group takes, for the display alone: turns by their length, crowds at
    /// 50,000 entries a second.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn expected_seconds(&self, group: Group) -> f64 {
        const ENTRIES: f64 = 50_000.0;
        let turn = self.pairs as f64 * (self.seconds + 0.7);
        match group {
            Group::Position => turn * 8.0 + self.waiting as f64 / ENTRIES,
            Group::Enter => turn * 6.0,
            Group::Refusal | Group::Purchase => turn * 2.0,
            Group::Engine => turn + 20.0,
            Group::Tail => turn * 5.0,
            Group::Storm => self.storm_seconds + turn * 2.0 + 10.0,
            Group::Crowd => self.crowd as f64 / ENTRIES * 2.0 + 40.0,
            Group::CrowdLarge => self.crowd_large as f64 / ENTRIES + 60.0,
            Group::Watchers => self.pairs as f64 * 30.0 + 20.0,
            Group::Nodes => turn * 6.0 + self.waiting as f64 / ENTRIES + self.pairs as f64 * 2.0,
            Group::Sales => turn * 4.0 + self.pairs as f64 * 12.0 + 50.0,
            Group::BusyShop => turn * 4.0 + self.pairs as f64 * 10.0 + 10.0,
            Group::Pace => self.pairs as f64 * 6.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_run_may_be_published() {
        let full = Sizes {
            seconds: 4.0,
            pairs: PAIRS_MIN,
            waiting: CROWD,
            crowd: CROWD,
            crowd_large: CROWD_LARGE,
            storm_seconds: STORM_SECONDS,
            only: None,
        };
        assert!(full.are_full());
        assert_eq!(full.groups().len(), Group::value_variants().len());
        assert!(!Sizes { pairs: 4, ..full }.are_full());
        assert!(!Sizes { waiting: 1_000, ..full }.are_full());
        assert!(!Sizes { crowd_large: CROWD, ..full }.are_full());
        assert!(!Sizes { storm_seconds: 5.0, ..full }.are_full());
        assert!(!Sizes { only: Some(Group::Tail), ..full }.are_full());
        let seconds: f64 = full.groups().into_iter().map(|g| full.expected_seconds(g)).sum();
        assert!(
            seconds < 30.0 * 60.0,
            "a full run is to take at most half an hour, not {seconds} s"
        );
    }
}
