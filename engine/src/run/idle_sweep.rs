//! Which waiting places went quiet: found a slice at a time, of all sales with a line in turn.
//!
//! Each sale has a cursor. A slice looks at a bounded number of places and finds a bounded number of
//! quiet ones, whatever the length of a line and the number of sales, and the next slice goes on
//! behind it. A sale that is looked through rests for a second. One in which no one waits is not looked at
//! before someone does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    arbiter::Arbiter,
    by_sale::BySale,
    clock::Millis,
    command::{Ask, Command},
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
/// How long a line rests at most in which no one can be quiet before: an operator may shorten the patience.
const REST_MS_MAX: u64 = 10_000;
/// How many sales a slice's finds are enough for, if each has more than its share.
const IDLE_SALE_SHARES: usize = 8;
/// What a sale costs besides its places, in places looked at.
const SALE_COST: u64 = 64;

/// The idle sweep of all sales.
#[derive(Debug)]
pub(crate) struct IdleSweep {
    presence: Presence,
    next_slice: Millis,
    passes: Passes,
}

/// The sales in which someone waits, each once: in one of the two.
#[derive(Debug, Default)]
struct Passes {
    /// Those that are being looked through, whose turn is next first.
    turns: VecDeque<Pass>,
    /// Those that rest, by when they are looked through again.
    resting: BTreeSet<(Millis, SaleTag)>,
    /// All of them.
    known: BTreeSet<SaleTag>,
    /// Whether a line has to be asked for every second, for what other nodes heard.
    is_shared: bool,
}

/// How far one sale's line was looked through.
#[derive(Clone, Copy, Debug)]
struct Pass {
    tag: SaleTag,
    /// Places not heard of since then are quiet.
    limit: Millis,
    /// When that was asked for.
    asked_at: Millis,
    /// The next place to look at.
    next: Number,
    /// When the next pass may begin.
    due: Millis,
    /// When the one was heard of that was heard of longest ago, of those that wait on.
    oldest: Millis,
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

    fn is_used_up(&self) -> bool {
        self.looks == 0 || self.finds == 0
    }
}

impl IdleSweep {
    pub(crate) fn new(at: Millis) -> Self {
        Self { presence: Presence::default(), next_slice: at, passes: Passes::default() }
    }

    /// Someone may have entered a sale's line.
    pub(crate) fn note(&mut self, tag: SaleTag, line: &Line, at: Millis) {
        if line.length() > 0 {
            self.passes.add(tag, at);
        }
    }

    /// The commands that let the quiet places of the next slice go, one for each sale. Empty while it is
    /// too early for a slice.
    pub(crate) fn commands(
        &mut self,
        arbiter: &mut dyn Arbiter,
        publishers: &BySale<Publisher>,
        at: Millis,
    ) -> Vec<Command> {
        if at < self.next_slice {
            return Vec::new();
        }
        self.next_slice = at.after(SLICE_MS);
        self.passes.is_shared = arbiter.peers().is_some();
        let finds =
            if arbiter.peers().is_some() { SHARED_IDLE_PLACES_MAX } else { IDLE_PLACES_MAX };
        let line_of = |tag: SaleTag| publishers.get(tag).map(|publisher| publisher.view().line());
        let presence = &mut self.presence;
        let limit_of = |tag: SaleTag| {
            let publisher = publishers.get(tag)?;
            presence.limit(arbiter.peers_mut(), publisher.view(), at)
        };
        let quiet = self.passes.slice(line_of, limit_of, at, &mut Budget::of(finds));
        let Self { presence, passes, .. } = self;
        presence.retain(|tag| passes.known.contains(&tag));
        quiet.into_iter().map(|(sale, numbers)| Command::Ask(sale, Ask::Idle { numbers })).collect()
    }
}

impl Passes {
    fn add(&mut self, tag: SaleTag, due: Millis) {
        if self.known.insert(tag) {
            self.resting.insert((due, tag));
        }
    }

    /// Looks at the sales in turn, each for its share, until the budget is used up or all of them rest.
    fn slice<'a>(
        &mut self,
        line_of: impl Fn(SaleTag) -> Option<&'a Line>,
        mut limit_of: impl FnMut(SaleTag) -> Option<Millis>,
        at: Millis,
        budget: &mut Budget,
    ) -> BTreeMap<SaleTag, Vec<Number>> {
        let mut quiet: BTreeMap<SaleTag, Vec<Number>> = BTreeMap::new();
        self.begin(&line_of, &mut limit_of, at);
        while !budget.is_used_up() && quiet.len() < IDLE_SALES_MAX {
            if self.turns.is_empty() {
                self.begin(&line_of, &mut limit_of, at);
            }
            let Some(mut pass) = self.turns.pop_front() else { break };
            let Some(line) = line_of(pass.tag) else {
                self.known.remove(&pass.tag);
                continue;
            };
            if at.since(pass.asked_at) >= PASS_MS {
                // A long line takes seconds, and what other nodes heard has to be asked for in time.
                let Some(limit) = limit_of(pass.tag) else {
                    self.resting.insert((at.after(PASS_MS), pass.tag));
                    continue;
                };
                (pass.limit, pass.asked_at) = (limit, at);
            }
            let found = pass.look(line, budget);
            if !found.is_empty() {
                quiet.entry(pass.tag).or_default().extend(found);
            }
            if pass.next > line.issued() {
                self.resting.insert((self.rests_until(&pass, at), pass.tag));
            } else {
                self.turns.push_back(pass);
            }
        }
        quiet
    }

    /// When a line is looked through again: no one in it can be quiet before the one who was silent longest.
    fn rests_until(&self, pass: &Pass, at: Millis) -> Millis {
        if self.is_shared {
            return pass.due;
        }
        let quiet_at = pass.oldest.after(pass.asked_at.since(pass.limit));
        pass.due.max(quiet_at.min(at.after(REST_MS_MAX)))
    }

    /// Begins the passes of sales that have rested, as many as one slice may find something in, behind those
    /// that were begun before.
    fn begin<'a>(
        &mut self,
        line_of: &impl Fn(SaleTag) -> Option<&'a Line>,
        limit_of: &mut impl FnMut(SaleTag) -> Option<Millis>,
        at: Millis,
    ) {
        for _ in 0..IDLE_SALES_MAX {
            let next = self.resting.first().copied().filter(|(due, _)| *due <= at);
            let Some((_, tag)) = next else { return };
            self.resting.pop_first();
            let due = at.after(PASS_MS);
            if line_of(tag).is_none_or(|line| line.length() == 0) {
                self.known.remove(&tag);
            } else if let Some(limit) = limit_of(tag) {
                let next = Number(1);
                let oldest = Millis(u64::MAX);
                self.turns.push_back(Pass { tag, limit, asked_at: at, next, due, oldest });
            } else {
                self.resting.insert((due, tag));
            }
        }
    }
}

impl Pass {
    /// Looks at the sale's share of places, and answers which of them are quiet.
    fn look(&mut self, line: &Line, budget: &mut Budget) -> Vec<Number> {
        let first = self.next.max(Number(line.watermark().0 + 1));
        let share = budget.looks.min(IDLE_LOOK_SALE_PLACES_MAX);
        let last = Number((first.0 + share - 1).min(line.issued().0));
        let most = budget.finds.min(budget.sale_finds);
        let mut all = line.quiet(first..=last, self.limit);
        let quiet: Vec<Number> = all.by_ref().take(most).collect();
        // One that is quiet goes, or is looked at again.
        let oldest = if quiet.is_empty() { all.oldest() } else { Millis(0) };
        self.oldest = self.oldest.min(oldest);
        budget.finds -= quiet.len();
        let is_cut_off = quiet.len() == most;
        let looked = quiet.last().copied().filter(|_| is_cut_off).unwrap_or(last);
        let places = (looked.0 + 1).saturating_sub(first.0);
        budget.looks = budget.looks.saturating_sub(places + SALE_COST);
        self.next = Number(looked.0.max(first.0 - 1) + 1);
        quiet
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

    /// Passes of lines in which everyone has been quiet since `START`.
    fn passes(lines: &[LineWriter]) -> (Passes, BTreeMap<SaleTag, crate::line::SharedLine>) {
        let mut passes = Passes::default();
        let shared: BTreeMap<_, _> =
            (1..).map(SaleTag).zip(lines.iter().map(LineWriter::line)).collect();
        for tag in shared.keys() {
            passes.add(*tag, START);
        }
        (passes, shared)
    }

    /// Lets what a slice finds go, and answers how much it looked at.
    fn turn(
        passes: &mut Passes,
        writers: &mut [LineWriter],
        shared: &BTreeMap<SaleTag, crate::line::SharedLine>,
        at: Millis,
    ) -> (u64, BTreeMap<SaleTag, Vec<Number>>) {
        let line_of = |tag: SaleTag| shared.get(&tag).map(|line| &**line);
        let mut budget = Budget::of(IDLE_PLACES_MAX);
        let quiet = passes.slice(line_of, |_| Some(START.after(5_000)), at, &mut budget);
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
        let (mut passes, shared) = passes(&writers);
        let mut at = START.after(10_000);
        let mut swept = BTreeSet::new();
        // Sixty-four sales a turn: everyone in the others has gone after five of them.
        for _ in 0..5 {
            let (_, quiet) = turn(&mut passes, &mut writers, &shared, at);
            assert!(quiet.values().skip(1).all(|numbers| numbers.len() <= 10));
            swept.extend(quiet.into_keys());
            at = at.after(SLICE_MS);
        }
        assert_eq!(swept.len(), 300);
        // The long line goes at the full rate then.
        let (_, quiet) = turn(&mut passes, &mut writers, &shared, at);
        assert_eq!(quiet.values().map(Vec::len).sum::<usize>(), IDLE_PLACES_MAX);
    }

    #[test]
    fn a_turn_looks_at_a_bounded_number_of_places_and_the_next_goes_on_behind_them() {
        let mut writers = vec![line(1_000_000), line(5)];
        let (first, last) = (Number(1), Number(1_000_000));
        (first.0..last.0).map(Number).for_each(|n| writers[0].line().hear(n, START.after(9_000)));
        let (mut passes, shared) = passes(&writers);
        let mut at = START.after(10_000);
        let (mut turns, mut found) = (0, Vec::new());
        while found.last() != Some(&last) {
            let (looked, quiet) = turn(&mut passes, &mut writers, &shared, at);
            assert!(looked <= IDLE_LOOK_PLACES_MAX);
            found.extend(quiet.get(&SaleTag(1)).into_iter().flatten().copied());
            assert!(turns > 0 || quiet[&SaleTag(2)].len() == 5);
            (turns, at) = (turns + 1, at.after(SLICE_MS));
        }
        assert_eq!(found, [last]);
        assert_eq!(turns, 1_000_000_u64.div_ceil(IDLE_LOOK_PLACES_MAX));
        // Looked through within a second; then it rests.
        let (looked, _) = turn(&mut passes, &mut writers, &shared, at);
        assert_eq!(looked, 0);
        assert!(turn(&mut passes, &mut writers, &shared, at.after(PASS_MS)).0 > 0);
    }

    #[test]
    fn a_sale_in_which_no_one_waits_is_not_looked_at_before_someone_does() {
        let mut writers = vec![line(0), line(3)];
        let (mut passes, shared) = passes(&writers);
        let mut at = START.after(10_000);
        let (_, quiet) = turn(&mut passes, &mut writers, &shared, at);
        assert_eq!(quiet.into_keys().collect::<Vec<_>>(), [SaleTag(2)]);
        at = at.after(PASS_MS);
        assert_eq!(turn(&mut passes, &mut writers, &shared, at).0, 0, "they have all gone");
        assert!(passes.known.is_empty() && passes.resting.is_empty() && passes.turns.is_empty());
        writers[0].issue_through(Number(1), START);
        passes.add(SaleTag(1), at);
        passes.add(SaleTag(1), at);
        assert_eq!(turn(&mut passes, &mut writers, &shared, at).1.len(), 1);
    }

    #[test]
    fn a_line_in_which_no_one_can_be_quiet_yet_is_not_looked_at_and_then_in_time() {
        const PATIENCE_MS: u64 = 30_000;
        let writers = vec![line(3)];
        let (mut passes, shared) = passes(&writers);
        let mut look = |ms: u64| {
            let at = START.after(ms);
            let line_of = |tag: SaleTag| shared.get(&tag).map(|line| &**line);
            let limit = Millis(at.0 - PATIENCE_MS);
            let mut budget = Budget::of(IDLE_PLACES_MAX);
            let quiet = passes.slice(line_of, |_| Some(limit), at, &mut budget);
            (IDLE_LOOK_PLACES_MAX - budget.looks, quiet.values().map(Vec::len).sum::<usize>())
        };
        assert_eq!(look(20_000), (3 + SALE_COST, 0));
        shared[&SaleTag(1)].hear(Number(2), START.after(25_000));
        assert_eq!([look(21_500), look(PATIENCE_MS - 50)], [(0, 0); 2]);
        assert_eq!(look(PATIENCE_MS).1, 0, "what was heard is known to a second");
        assert_eq!(look(PATIENCE_MS + 1_000).1, 2);
    }
}
