//! What a node of many knows of packed archived sales beside their states: of which facts may have been missed, and how
//! the list of their names stands.

use std::collections::{BTreeMap, BTreeSet};

use engine::{arbiter::Moment, clock::Millis, id::SaleTag, world::World};

/// How often all archived sales are read while moves are not heard.
const UNHEARD_MS: u64 = 10_000;

/// After so long, those that are unpacked wait for the sinks: others rest sooner.
const FULL_MS: u64 = 30_000;

/// Packed sales that one turn reads of which facts may have been missed: side by side, some milliseconds.
const READS_MAX: usize = 64;
/// Sales that one turn looks at for that.
const LOOKED_AT_MAX: usize = 1_024;

/// What a node knows of packed sales beside their states.
#[derive(Debug)]
pub(super) struct PackedSales {
    /// Archived sales of which facts may have been missed, each with when this node knew last that none were.
    pub unread: BTreeMap<SaleTag, Option<Moment>>,
    /// Which of them the next turn looks at first.
    next_unread: SaleTag,
    /// When all servers of the store answered last while all moves were heard. Of a packed sale that is not unread,
    /// nothing was missed until then.
    pub in_touch: Option<Moment>,
    /// Whether all of them answered when they were asked last.
    are_servers_there: bool,
    /// Since when those that are unread wait because too many are unpacked.
    full_since: Option<Millis>,
    /// Packed sales of which all members knew that this node serves.
    pub known: BTreeSet<SaleTag>,
    /// The store's list of archived sales is to be read, however long it is.
    pub is_list_doubted: bool,
    /// Archived sales that the list lacked in the last survey.
    pub unlisted: BTreeSet<SaleTag>,
    /// Names of the list whose sales the store did not have when they were looked for last.
    pub strays: BTreeSet<SaleTag>,
    /// Sales of the list that this node has yet to take over.
    pub left: usize,
    /// When the store is asked next how many are listed.
    pub next_count: Millis,
    /// While moves are not heard: when all are doubted again.
    next_doubt: Millis,
}

impl PackedSales {
    /// What a node that starts knows.
    pub(super) fn new(world: &World) -> Self {
        Self {
            unread: world.archived_tags().map(|tag| (tag, None)).collect(),
            next_unread: SaleTag(0),
            in_touch: None,
            are_servers_there: true,
            full_since: None,
            known: BTreeSet::new(),
            strays: BTreeSet::new(),
            is_list_doubted: true,
            unlisted: BTreeSet::new(),
            left: 0,
            next_count: Millis(0),
            next_doubt: Millis(0),
        }
    }

    /// Whether all servers of the store are there, as they were before. When they are again, one of them may have
    /// come back without what it had.
    pub(super) fn set_servers_there(&mut self, are_there: bool, world: &World) {
        if are_there && !self.are_servers_there {
            self.doubt_all(world);
        }
        self.are_servers_there = are_there;
    }

    /// Whether so many are unpacked that no more are read.
    pub(super) fn set_full(&mut self, is_full: bool, at: Millis) {
        let waits = is_full && !self.unread.is_empty();
        self.full_since = waits.then(|| self.full_since.unwrap_or(at));
    }

    /// All servers answered while all moves are heard.
    pub(super) fn set_in_touch(&mut self, now: Moment) {
        self.in_touch = Some(now);
    }

    /// Facts of an archived sale may have been missed.
    pub(super) fn doubt(&mut self, tag: SaleTag) {
        self.unread.entry(tag).or_insert(self.in_touch);
    }

    /// Facts of any archived sale may have been missed, and the list may be another.
    pub(super) fn doubt_all(&mut self, world: &World) {
        self.is_list_doubted = true;
        world.archived_tags().for_each(|tag| self.doubt(tag));
    }

    /// Moves are not heard: now and then facts of any may have been missed.
    pub(super) fn doubt_unheard(&mut self, world: &World, at: Millis) {
        if at >= self.next_doubt {
            self.next_doubt = at.after(UNHEARD_MS);
            self.doubt_all(world);
        }
    }

    /// Those that this turn reads, of those that are archived still and may be read now; the turns take all of them
    /// in a circle. Whether more may be left for the next turn is told too.
    pub(super) fn next_to_read(
        &mut self,
        is_archived: impl Fn(SaleTag) -> bool,
        may_read: impl Fn(SaleTag) -> bool,
    ) -> (Vec<SaleTag>, bool) {
        let (mut now, mut gone) = (Vec::new(), Vec::new());
        let (next, mut looked_at) = (self.next_unread, 0);
        for tag in self.unread.range(next..).chain(self.unread.range(..next)).map(|(tag, _)| *tag) {
            self.next_unread = tag;
            if now.len() == READS_MAX || looked_at == LOOKED_AT_MAX {
                break;
            }
            looked_at += 1;
            if !is_archived(tag) {
                gone.push(tag);
            } else if may_read(tag) {
                now.push(tag);
            }
        }
        let are_left = now.len() == READS_MAX && looked_at < self.unread.len();
        for tag in gone {
            self.unread.remove(&tag);
        }
        (now, are_left)
    }

    /// What this node has yet to take over, and what it cannot read on in, in words.
    pub(super) fn troubles(&self, now: Millis) -> impl Iterator<Item = String> {
        let (left, unread) = (self.left, self.unread.len());
        let is_stuck = self.full_since.is_some_and(|since| now.since(since) >= FULL_MS);
        let taken_over = (left > 0)
            .then(|| format!("this node takes over archived sales of the others: {left} are left"));
        let waiting = is_stuck.then(|| {
            format!(
                "the sinks have yet to take order events of so many archived sales that this node cannot read \
                 what others decided in {unread} more"
            )
        });
        taken_over.into_iter().chain(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_when_too_many_unpacked_sales_keep_others_from_being_read_for_long() {
        let mut packed = PackedSales::new(&World::default());
        let told = |packed: &PackedSales, at| packed.troubles(Millis(at)).count();
        packed.set_full(true, Millis(1));
        assert_eq!(told(&packed, 2 * FULL_MS), 0, "none is to be read");
        packed.doubt(SaleTag(1));
        packed.set_full(true, Millis(1_000));
        packed.set_full(true, Millis(1_050));
        assert_eq!((told(&packed, FULL_MS), told(&packed, 1_000 + FULL_MS)), (0, 1));
        packed.set_full(false, Millis(2 * FULL_MS));
        assert_eq!(told(&packed, 4 * FULL_MS), 0);
    }

    #[test]
    fn when_all_servers_are_there_again_any_sale_may_have_moved() {
        let mut packed = PackedSales::new(&World::default());
        packed.is_list_doubted = false;
        let mut set = |are_there| {
            packed.set_servers_there(are_there, &World::default());
            packed.is_list_doubted
        };
        assert!([true, false, false].into_iter().all(|are_there| !set(are_there)));
        assert!(set(true));
    }

    #[test]
    fn a_turn_looks_at_few_doubted_sales_and_the_turns_read_all_of_them() {
        let mut packed = PackedSales::new(&World::default());
        let sales = 5_000;
        (0..sales).for_each(|tag| packed.doubt(SaleTag(tag)));
        let looked_at = std::cell::Cell::new(0);
        let is_archived = |tag: SaleTag| {
            looked_at.set(looked_at.get() + 1);
            !tag.0.is_multiple_of(10)
        };
        // The shard of many is away.
        let may_read = |tag: SaleTag| tag.0 >= 2_000;
        let mut read = BTreeSet::new();
        for _ in 0..60 {
            looked_at.set(0);
            let (now, _) = packed.next_to_read(is_archived, may_read);
            assert!(now.len() <= READS_MAX && looked_at.get() <= LOOKED_AT_MAX);
            for tag in now {
                packed.unread.remove(&tag);
                read.insert(tag);
            }
        }
        let all: BTreeSet<SaleTag> =
            (2_000..sales).map(SaleTag).filter(|tag| !tag.0.is_multiple_of(10)).collect();
        assert_eq!(read, all);
        assert!(
            packed.unread.keys().all(|tag| tag.0 < 2_000 && !tag.0.is_multiple_of(10)),
            "none is forgotten"
        );
        assert_eq!(
            packed.next_to_read(|_| true, may_read),
            (Vec::new(), false),
            "no turn follows at once"
        );
    }
}
