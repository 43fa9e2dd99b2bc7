//! What a node of many knows of packed archived sales beside their states: of which facts may have been missed, and how
//! the list of their names stands.

use std::collections::{BTreeMap, BTreeSet};

use engine::{arbiter::Moment, clock::Millis, id::SaleTag, world::World};

/// How often all archived sales are read while moves are not heard.
const UNHEARD_MS: u64 = 10_000;

/// What a node knows of packed sales beside their states.
#[derive(Debug)]
pub(super) struct PackedSales {
    /// Archived sales of which facts may have been missed, each with when this node knew last that none were.
    pub unread: BTreeMap<SaleTag, Option<Moment>>,
    /// When the store answered last while all moves were heard. Of a packed sale that is not unread, nothing was
    /// missed until then.
    pub in_touch: Option<Moment>,
    /// The store's list of archived sales is to be read, however long it is.
    pub is_list_doubted: bool,
    /// Archived sales that the list lacked in the last survey.
    pub unlisted: BTreeSet<SaleTag>,
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
            in_touch: None,
            is_list_doubted: true,
            unlisted: BTreeSet::new(),
            left: 0,
            next_count: Millis(0),
            next_doubt: Millis(0),
        }
    }

    /// The store answered while all moves are heard.
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

    /// What this node has yet to take over, in words.
    pub(super) fn trouble(&self) -> Option<String> {
        let left = self.left;
        (left > 0)
            .then(|| format!("this node takes over archived sales of the others: {left} are left"))
    }
}
