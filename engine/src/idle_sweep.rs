//! Which waiting places went quiet: found a slice at a time, of all sales in turn.
//!
//! Each sale has a cursor. A slice looks at a bounded number of places and finds a bounded number of
//! quiet ones, whatever the length of a line and the number of sales, and the next slice goes on
//! behind it. A sale that is looked through rests for a second.

use std::{collections::BTreeMap, ops::Bound};

use crate::{
    arbiter::Arbiter,
    clock::Millis,
    command::Command,
    id::{Number, SaleTag},
    limits::{
        IDLE_LOOK_PLACES_MAX, IDLE_LOOK_SALE_PLACES_MAX, IDLE_PLACES_MAX, IDLE_SALES_MAX,
        SHARED_IDLE_PLACES_MAX,
    },
    line::Line,
    presence::Presence,
    publisher::Publisher,
};

/// How often a slice is looked through: as often as an idle scribe takes a turn.
const SLICE_MS: u64 = 50;
/// How often a line is looked through, and how often it is asked what other nodes heard.
const PASS_MS: u64 = 1_000;
/// How many sales a slice's finds are enough for, if each has more than its share.
const IDLE_SALE_SHARES: usize = 8;
/// What a sale costs besides its places, in places looked at.
const SALE_COST: u64 = 64;

/// The idle sweep of all sales.
#[derive(Debug)]
pub(crate) struct IdleSweep {
    presence: Presence,
    next_exchange: Millis,
    next_slice: Millis,
    sales: BTreeMap<SaleTag, Pass>,
    /// The sale that was looked at last.
    last: SaleTag,
}

/// How far one sale's line was looked through.
#[derive(Clone, Copy, Debug)]
struct Pass {
    /// Places not heard of since then are quiet; `None` while that cannot be known.
    limit: Option<Millis>,
    /// The next place to look at; the first one between two passes.
    next: Number,
    /// When the next pass may begin.
    due: Millis,
}

/// How much a slice may still look at and find.
#[derive(Clone, Copy, Debug)]
struct Budget {
    looks: u64,
    finds: usize,
    /// Finds of one sale before it is another sale's turn.
    sale_finds: usize,
}

impl Budget {
    fn of(finds: usize) -> Self {
        Self { looks: IDLE_LOOK_PLACES_MAX, finds, sale_finds: finds / IDLE_SALE_SHARES }
    }
}

impl IdleSweep {
    pub(crate) fn new(at: Millis) -> Self {
        Self {
            presence: Presence::default(),
            next_exchange: at,
            next_slice: at,
            sales: BTreeMap::new(),
            last: SaleTag(u64::MAX),
        }
    }

    /// The commands that let the quiet places of the next slice go, one for each sale. Empty while it is
    /// too early for a slice.
    pub(crate) fn commands(
        &mut self,
        arbiter: &mut dyn Arbiter,
        publishers: &BTreeMap<SaleTag, Publisher>,
        at: Millis,
    ) -> Vec<Command> {
        if at >= self.next_exchange {
            self.next_exchange = at.after(PASS_MS);
            self.exchange(arbiter, publishers, at);
        }
        if at < self.next_slice {
            return Vec::new();
        }
        self.next_slice = at.after(SLICE_MS);
        let views = publishers.iter().map(|(tag, publisher)| (*tag, publisher.view()));
        let lines = views.map(|(tag, view)| (tag, view.line())).collect();
        let finds = if arbiter.is_shared() { SHARED_IDLE_PLACES_MAX } else { IDLE_PLACES_MAX };
        let mut budget = Budget::of(finds);
        let quiet = self.slice(&lines, at, &mut budget);
        quiet.into_iter().map(|(sale, numbers)| Command::Idle { sale, numbers }).collect()
    }

    /// Since when places are quiet, of each sale that is there.
    fn exchange(
        &mut self,
        arbiter: &mut dyn Arbiter,
        publishers: &BTreeMap<SaleTag, Publisher>,
        at: Millis,
    ) {
        for (tag, publisher) in publishers {
            let fresh = Pass { limit: None, next: Number(1), due: at };
            let limit = self.presence.limit(arbiter, publisher.view(), at);
            self.sales.entry(*tag).or_insert(fresh).limit = limit;
        }
        self.sales.retain(|tag, _| publishers.contains_key(tag));
        self.presence.retain(|tag| publishers.contains_key(&tag));
    }

    /// Looks at the sales in turn, each for its share, until the budget is used up or all of them rest.
    fn slice(
        &mut self,
        lines: &BTreeMap<SaleTag, &Line>,
        at: Millis,
        budget: &mut Budget,
    ) -> BTreeMap<SaleTag, Vec<Number>> {
        let mut quiet: BTreeMap<SaleTag, Vec<Number>> = BTreeMap::new();
        loop {
            let later = self.sales.range((Bound::Excluded(self.last), Bound::Unbounded));
            let round: Vec<SaleTag> =
                later.chain(self.sales.range(..=self.last)).map(|(tag, _)| *tag).collect();
            let mut is_done = true;
            for tag in round {
                if budget.looks == 0 || budget.finds == 0 || quiet.len() >= IDLE_SALES_MAX {
                    return quiet;
                }
                let (Some(pass), Some(line)) = (self.sales.get_mut(&tag), lines.get(&tag)) else {
                    continue;
                };
                if let Some(found) = pass.look(line, at, budget) {
                    (self.last, is_done) = (tag, false);
                    if !found.is_empty() {
                        quiet.entry(tag).or_default().extend(found);
                    }
                }
            }
            if is_done {
                return quiet;
            }
        }
    }
}

impl Pass {
    /// Looks at the sale's share of places, and answers which of them are quiet; `None` while it rests.
    fn look(&mut self, line: &Line, at: Millis, budget: &mut Budget) -> Option<Vec<Number>> {
        let limit = self.limit?;
        if self.next == Number(1) {
            if at < self.due {
                return None;
            }
            self.due = at.after(PASS_MS);
        }
        let first = self.next.max(Number(line.watermark().0 + 1));
        let share = budget.looks.min(IDLE_LOOK_SALE_PLACES_MAX);
        let last = Number((first.0 + share - 1).min(line.issued().0));
        let most = budget.finds.min(budget.sale_finds);
        let quiet: Vec<Number> = line.quiet(first..=last, limit).take(most).collect();
        budget.finds -= quiet.len();
        let is_cut_off = quiet.len() == most;
        let looked = quiet.last().copied().filter(|_| is_cut_off).unwrap_or(last);
        let places = (looked.0 + 1).saturating_sub(first.0);
        budget.looks = budget.looks.saturating_sub(places + SALE_COST);
        self.next = if looked < line.issued() { Number(looked.0 + 1) } else { Number(1) };
        Some(quiet)
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::line::LineWriter;

    const START: Millis = Millis(1_000_000);

    fn line(places: u64) -> LineWriter {
        let mut writer = LineWriter::new(START);
        writer.issue_through(Number(places), START);
        writer
    }

    /// A sweep of lines in which everyone has been quiet since `START`.
    fn sweep(lines: &[LineWriter]) -> (IdleSweep, BTreeMap<SaleTag, crate::line::SharedLine>) {
        let mut sweep = IdleSweep::new(START);
        let pass = Pass { limit: Some(START.after(5_000)), next: Number(1), due: START };
        let shared: BTreeMap<_, _> =
            (1..).map(SaleTag).zip(lines.iter().map(LineWriter::line)).collect();
        sweep.sales = shared.keys().map(|tag| (*tag, pass)).collect();
        (sweep, shared)
    }

    /// Lets what a slice finds go, and answers how much it looked at.
    fn turn(
        sweep: &mut IdleSweep,
        writers: &mut [LineWriter],
        shared: &BTreeMap<SaleTag, crate::line::SharedLine>,
        at: Millis,
    ) -> (u64, BTreeMap<SaleTag, Vec<Number>>) {
        let lines = shared.iter().map(|(tag, line)| (*tag, &**line)).collect();
        let mut budget = Budget::of(IDLE_PLACES_MAX);
        let quiet = sweep.slice(&lines, at, &mut budget);
        for (tag, numbers) in &quiet {
            let writer = &mut writers[usize::try_from(tag.0 - 1).expect("few")];
            writer.depart_many(numbers, crate::line::PlaceState::Idle, at);
        }
        assert!(quiet.values().map(Vec::len).sum::<usize>() <= IDLE_PLACES_MAX);
        assert!(quiet.len() <= IDLE_SALES_MAX);
        (IDLE_LOOK_PLACES_MAX - budget.looks, quiet)
    }

    #[test]
    fn all_sales_whose_people_left_are_swept_beside_one_with_a_long_line() {
        let mut writers: Vec<LineWriter> = (0..300).map(|_| line(10)).collect();
        writers[0] = line(2_000_000);
        let (mut sweep, shared) = sweep(&writers);
        let mut at = START.after(10_000);
        let mut swept = BTreeSet::new();
        // Sixty-four sales a turn: everyone in the others has gone after five of them.
        for _ in 0..5 {
            let (_, quiet) = turn(&mut sweep, &mut writers, &shared, at);
            assert!(quiet.values().skip(1).all(|numbers| numbers.len() <= 10));
            swept.extend(quiet.into_keys());
            at = at.after(SLICE_MS);
        }
        assert_eq!(swept.len(), 300);
        // The long line goes at the full rate then.
        let (_, quiet) = turn(&mut sweep, &mut writers, &shared, at);
        assert_eq!(quiet.values().map(Vec::len).sum::<usize>(), IDLE_PLACES_MAX);
    }

    #[test]
    fn a_turn_looks_at_a_bounded_number_of_places_and_the_next_goes_on_behind_them() {
        let mut writers = vec![line(1_000_000), line(5)];
        let (first, last) = (Number(1), Number(1_000_000));
        (first.0..last.0).map(Number).for_each(|n| writers[0].line().hear(n, START.after(9_000)));
        let (mut sweep, shared) = sweep(&writers);
        let mut at = START.after(10_000);
        let (mut turns, mut found) = (0, Vec::new());
        while found.last() != Some(&last) {
            let (looked, quiet) = turn(&mut sweep, &mut writers, &shared, at);
            assert!(looked <= IDLE_LOOK_PLACES_MAX);
            found.extend(quiet.get(&SaleTag(1)).into_iter().flatten().copied());
            assert!(turns > 0 || quiet[&SaleTag(2)].len() == 5);
            (turns, at) = (turns + 1, at.after(SLICE_MS));
        }
        assert_eq!(found, [last]);
        assert_eq!(turns, 1_000_000_u64.div_ceil(IDLE_LOOK_PLACES_MAX));
        // Looked through within a second; then it rests.
        let (looked, _) = turn(&mut sweep, &mut writers, &shared, at);
        assert_eq!(looked, 0);
        assert!(turn(&mut sweep, &mut writers, &shared, at.after(PASS_MS)).0 > 0);
    }
}
