//! Several servers and one call, in turns, so that what slows the machine slows all of them.
//!
//! Owns the statistics: medians, and ratios pair by pair with their span.

use super::{
    child::Served,
    drive::{Extent, Load, Report},
    session::Bench,
};
use crate::failure::Failure;

pub(super) const OURS: &str = "ours";
pub(super) const HYPER: &str = "bare hyper";
pub(super) const CLASSIC: &str = "classic";
pub(super) const NGINX: &str = "nginx";
/// How far a peer's answers may be from ours in size. nginx adds 40 bytes that it cannot leave out,
/// and our own answers to a position grow and shrink by 30 with what is known of the wait.
const BYTES_APART_MAX: f64 = 0.25;

/// One of those who take turns.
#[derive(Debug)]
pub(super) struct Contender<'a> {
    pub(super) name: &'static str,
    pub(super) server: &'a Served,
    pub(super) load: Load,
}

/// One call, measured at several servers.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) name: &'static str,
    /// The status of our answers.
    pub(super) status: u16,
    pub(super) connections: u32,
    pub(super) depth: u32,
    pub(super) sides: Vec<Side>,
}

/// One server's turns.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) name: &'static str,
    pub(super) turns: Vec<Report>,
}

/// Some figures: the middle, the least and the most of them. A wide span says that the machine had
/// other things to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Span {
    /// Of at least one figure.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        Some(Self { median: median(values), least, most })
    }
}

/// The middle of some figures; the lower middle of an even number of them.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

impl Comparison {
    /// The turns of a server, if it took part.
    pub(super) fn side(&self, name: &str) -> Option<&Side> {
        self.sides.iter().find(|side| side.name == name)
    }

    /// Ours over another's, turn by turn.
    pub(super) fn ratio(&self, other: &str, of: impl Fn(&Report) -> f64) -> Option<Span> {
        let turns = self.side(OURS)?.turns.iter().zip(&self.side(other)?.turns);
        Span::of(turns.map(|(ours, theirs)| of(ours) / of(theirs)))
    }
}

impl Side {
    pub(super) fn median(&self, of: impl Fn(&Report) -> f64) -> f64 {
        median(self.turns.iter().map(of))
    }
}

impl Bench {
    /// Gives each contender its turns of the same length.
    pub(super) fn in_turns(
        &self,
        name: &'static str,
        contenders: &[Contender<'_>],
    ) -> Result<Comparison, Failure> {
        let extent = Extent::Seconds(self.sizes.seconds);
        let mut sides: Vec<Side> = contenders.iter().map(|one| Side::new(one.name)).collect();
        for _ in 0..self.sizes.pairs {
            for (side, one) in sides.iter_mut().zip(contenders) {
                side.turns.push(self.driver.run(one.server, &one.load, extent)?);
            }
            self.say_turn(name, &sides);
        }
        Comparison::new(name, &contenders[0].load, sides)
    }

    /// The newest turn of each.
    pub(super) fn say_turn(&self, name: &str, sides: &[Side]) {
        let newest = sides.iter().filter_map(|side| Some((side.name, side.turns.last()?.rps)));
        let newest: Vec<String> = newest.map(|(name, rps)| format!("{name} {rps:.0}/s")).collect();
        self.say(&format!("{name}: {}", newest.join(", ")));
    }
}

impl Side {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, turns: Vec::new() }
    }
}

impl Comparison {
    /// Refuses peers whose answers are of another size: they had other work to do.
    pub(super) fn new(name: &'static str, load: &Load, sides: Vec<Side>) -> Result<Self, Failure> {
        let Load { status, connections, depth, .. } = *load;
        let bytes = |side: &Side| side.median(|report| report.response_bytes);
        let ours = sides.iter().find(|side| side.name == OURS).map_or(f64::NAN, bytes);
        let differs = |side: &&Side| (bytes(side) / ours - 1.0).abs() > BYTES_APART_MAX;
        if let Some(side) = sides.iter().find(differs) {
            let (theirs, peer) = (bytes(side), side.name);
            let what = format!("{peer} answers {theirs:.0} bytes, where ours are {ours:.0}");
            return Err(Failure::Unexpected { call: name.to_owned(), what });
        }
        Ok(Self { name, status, connections, depth, sides })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rps: f64) -> Report {
        Report {
            rps,
            p50_us: 1.0,
            p99_us: 2.0,
            response_bytes: 3.0,
            cpu_us: 4.0,
            redis_cpu_us: 1.0,
        }
    }

    #[test]
    fn a_peer_with_other_answers_is_no_peer() {
        let side = |name, response_bytes| {
            let report = Report { response_bytes, ..report(1.0) };
            Side { name, turns: vec![report] }
        };
        let load = Load {
            template: String::new(),
            lines: None,
            connections: 1,
            depth: 1,
            status: 200,
            core: None,
        };
        let compared = |bytes| {
            Comparison::new("a", &load, vec![side(OURS, 400.0), side(HYPER, bytes)]).is_ok()
        };
        assert!(compared(400.0) && compared(440.0));
        assert!(!compared(775.0) && !compared(100.0));
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
        assert!(median([]).is_nan());
        assert_eq!(Span::of([]), None);
    }

    #[test]
    fn ratios_are_taken_turn_by_turn() {
        let side = |name, turns: [f64; 3]| Side { name, turns: turns.map(report).into() };
        let sides = vec![side(OURS, [50.0, 90.0, 10.0]), side(HYPER, [100.0, 100.0, 10.0])];
        let comparison = Comparison { name: "a", status: 200, connections: 1, depth: 1, sides };
        let span = comparison.ratio(HYPER, |report| report.rps).unwrap();
        assert_eq!(span, Span { median: 0.9, least: 0.5, most: 1.0 });
        assert_eq!(comparison.ratio(NGINX, |report| report.rps), None);
    }
}
