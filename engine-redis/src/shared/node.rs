//! One node: what it has of the store, and how it follows a sale.
//!
//! Owns what a turn works on. What a turn does is in the files beside this one, each for a part of it.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    arbiter::{Decided, Moment, archive_file::ArchiveFiles},
    clock::Millis,
    command::Reply,
    id::{Epoch, HoldId, NodeName, SaleName, SaleTag},
    record::Record,
    stream::Point,
    world::World,
};

use super::{
    beside::Beside,
    breaker::Breakers,
    filings::{Filings, is_archive},
    packed::PackedSales,
    replica::{GATHER_MS, Replica},
    unsaved::Saving,
};
use crate::store::{Entry, Hints, Shard, Store, StoreError, StoreOptions};

/// What a node of many is started with.
#[derive(Clone, Debug)]
pub struct SharedOptions {
    /// This node's name, which no other node has; with its journal's incarnation.
    pub node: NodeName,
    /// Where the store is.
    pub store: StoreOptions,
    /// How long a rebuild waits for nodes that do not answer.
    pub muster_wait_ms: u64,
    /// An operator's word that nobody has served since this node was last in touch with the store: a sale
    /// that the store lost may be written from what the nodes know that are there.
    pub rebuild_store: bool,
}

/// All but what drives it.
#[derive(Debug)]
pub(super) struct Node {
    pub options: SharedOptions,
    /// `None` until the first connection.
    pub store: Option<Store>,
    pub breakers: Breakers,
    pub world: World,
    pub replicas: BTreeMap<SaleTag, Replica>,
    pub next_survey: Millis,
    /// When all sales are looked at again, and whether that is to be in this turn, because one of them is not
    /// as it should be.
    pub next_round: Millis,
    pub is_all_due: bool,
    /// Quiet sales are due that the last round's call had no room for: the next turn does not wait for a tick.
    pub are_quiet_left: bool,
    /// Turns so far.
    pub turn: u64,
    pub hints: Option<Hints>,
    /// Which connection has heard all moves since the last turn; `None` when some may have been missed.
    pub heard: Option<u64>,
    /// Sales that were followed in this turn and whose clock was set.
    pub clocks_set: BTreeSet<SaleTag>,
    /// What an operator should know, found when all sales were looked at last.
    pub troubles: Vec<String>,
    /// Whether it has served all sales that it knew of since it started.
    pub has_served: bool,
    /// The time of the last turn.
    pub now: Moment,
    pub beside: Beside,
    pub filings: Filings,
    pub packed: PackedSales,
    /// Large packed sales that are to be unpacked beside the turns, to be read on in.
    pub unpacking: BTreeSet<SaleTag>,
    /// Names that others are asked about, and since when, before a sale is made.
    pub summoned: BTreeMap<SaleTag, Millis>,
    pub saving: Saving,
    /// The names on the store's list in the last survey.
    pub listed: BTreeMap<SaleTag, SaleName>,
    /// Sales that the list lacked then.
    pub unlisted: BTreeSet<SaleTag>,
    /// Sales of the list that this node has no room for.
    pub unserved: usize,
}

impl Node {
    /// A node that goes on from `world`, without a connection yet.
    pub(super) fn new(world: World, options: SharedOptions, archives: ArchiveFiles) -> Self {
        let followed = |tag: SaleTag| world.point(tag).map(|point| (tag, Replica::at(point.epoch)));
        let replicas = world.sales().filter_map(|sale| followed(sale.tag())).collect();
        Self {
            options,
            store: None,
            breakers: Breakers::default(),
            replicas,
            filings: Filings::new(archives),
            packed: PackedSales::new(&world),
            world,
            next_survey: Millis(0),
            next_round: Millis(0),
            is_all_due: true,
            are_quiet_left: false,
            turn: 0,
            hints: None,
            heard: None,
            clocks_set: BTreeSet::new(),
            troubles: Vec::new(),
            has_served: false,
            now: Moment::default(),
            beside: Beside::default(),
            unpacking: BTreeSet::new(),
            summoned: BTreeMap::new(),
            saving: Saving::default(),
            listed: BTreeMap::new(),
            unlisted: BTreeSet::new(),
            unserved: 0,
        }
    }

    pub(super) fn store(&self) -> &Store {
        self.store.as_ref().expect("a turn begins with a store")
    }

    /// The store, if a sale's shard answered last.
    pub(super) fn reachable(&self, sale: SaleTag) -> Option<Store> {
        self.store.clone().filter(|_| !self.is_away(sale))
    }

    /// Whether the shard of a sale is not to be called, because it did not answer last.
    pub(super) fn is_away(&self, sale: SaleTag) -> bool {
        self.breakers.is_open(&self.shard(sale))
    }

    pub(super) fn shard(&self, sale: SaleTag) -> Shard {
        self.store.as_ref().map(|store| store.shard(sale)).unwrap_or_default()
    }

    /// Whether this node has a sale, archived or not.
    pub(super) fn knows(&self, sale: SaleTag) -> bool {
        self.world.sale(sale).is_some() || self.world.is_archived(sale)
    }

    /// How far this node has followed a sale.
    pub(super) fn point(&self, sale: SaleTag) -> Point {
        self.world.point(sale).copied().unwrap_or(Point::START)
    }

    /// All sales are looked at in this turn: one of them is not as it should be.
    pub(super) fn look_at_all(&mut self) {
        self.is_all_due = true;
    }

    /// What the failure of a sale's call means for all calls to come.
    pub(super) fn note_failure(&mut self, sale: SaleTag, error: &StoreError) {
        self.look_at_all();
        if matches!(error, StoreError::Unavailable(_) | StoreError::Refused(_)) {
            self.breakers.failed(self.shard(sale), error);
        }
    }

    /// What the store has of a sale is none that this node could serve, if that is what `error` says.
    pub(super) fn give_up(&mut self, tag: SaleTag, error: &StoreError) {
        if error.is_contradiction() {
            let replica = self.replicas.entry(tag).or_insert_with(|| Replica::at(Epoch(0)));
            replica.put_out_of_service(error);
        }
    }

    /// What was begun did not come to its end.
    pub(super) fn gave_up(&mut self, at: Millis, tag: SaleTag, error: &StoreError) {
        self.note_failure(tag, error);
        self.give_up(tag, error);
        self.ask_again(at, tag, error);
    }

    /// What was tried for a lost sale failed: it is begun again a little later.
    pub(super) fn ask_again(&mut self, at: Millis, tag: SaleTag, error: &StoreError) {
        let now = self.now;
        if let Some(replica) = self.replicas.get_mut(&tag)
            && !error.is_contradiction()
        {
            replica.gather(now, at.after(GATHER_MS), &error.to_string());
        }
    }

    /// The reply to what nothing was decided of because this node has yet to join. It waits for that a little:
    /// a sale that was just made elsewhere is joined in two or three ticks.
    pub(super) fn not_joined(&self, sale: SaleTag) -> Reply {
        let is_long =
            self.replicas.get(&sale).is_none_or(|replica| replica.is_joining_long(self.now.at));
        if is_long { Reply::Unavailable } else { Reply::NotYet }
    }

    /// A sale that this node has just heard of. A node that starts is not ready before it serves what it
    /// finds; later a new sale is joined so soon that it is no reason to send it nobody.
    pub(super) fn found(&self, epoch: Epoch, at: Millis) -> Replica {
        let mut replica = Replica::at(epoch);
        // Nothing of it was journaled before this turn.
        replica.begin_following(self.turn, Point::START);
        replica.joining_since = Some(if self.has_served { at } else { Millis(0) });
        replica
    }

    /// Notes, before the facts, that they are of others.
    pub(super) fn meet(&mut self, decided: &mut Decided, sale: SaleTag, epoch: Epoch) {
        let record = Record::Met { sale, epoch };
        self.world.apply(&record, decided.at);
        decided.records.push(record);
    }

    /// Applies entries of a sale's stream, each behind its mark. `own` are holds that answer this
    /// batch's commands. An entry that contradicts what this node knows puts the sale out of service here:
    /// nothing of it is journaled, and whoever starts again meets it again.
    pub(super) fn follow(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
        entries: Vec<Entry>,
        own: &[HoldId],
    ) -> Result<(), StoreError> {
        for entry in entries {
            self.may_follow(sale, &entry)?;
            let seq = entry.point.seq;
            let (records, holds) = (decided.records.len(), decided.others_holds.len());
            if let Err(what) = self.follow_entry(decided, sale, entry, own) {
                decided.records.truncate(records);
                decided.others_holds.truncate(holds);
                let error = StoreError::Contradiction(seq, what);
                if let Some(replica) = self.replicas.get_mut(&sale) {
                    replica.put_out_of_service(&error);
                }
                self.look_at_all();
                return Err(error);
            }
        }
        Ok(())
    }

    fn follow_entry(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
        entry: Entry,
        own: &[HoldId],
    ) -> Result<(), &'static str> {
        let (at, point) = (entry.at, entry.point);
        decided.records.push(Record::Followed { sale, at, point });
        for record in &entry.records {
            self.world.follows(sale, record, at)?;
            self.archives_own(sale, record)?;
            if matches!(record, Record::Held { hold, .. } if !own.contains(hold)) {
                decided.others_holds.push(decided.records.len());
            }
            if matches!(record, Record::ClockSet { .. }) {
                self.clocks_set.insert(sale);
            }
            self.world.apply(record, at);
            decided.records.push(record.clone());
        }
        decided.at = decided.at.max(at);
        if entry.records.iter().any(Record::is_deletion) {
            self.replicas.remove(&sale);
            self.filings.filed(sale);
            return Ok(());
        }
        let archives = is_archive(&entry);
        if archives {
            self.filings.filed(sale);
        }
        let (turn, before) = (self.turn, self.point(sale));
        self.world.apply(&Record::Followed { sale, at, point }, at);
        if let Some(replica) = self.replicas.get_mut(&sale) {
            replica.begin_following(turn, before);
            replica.calls.stir(decided.at);
            replica.remember(entry);
            if archives {
                // The store has dropped it.
                if replica.is_delivering {
                    replica.unsaved.want();
                } else {
                    replica.unsaved.doubt_later(decided.at);
                }
            }
        }
        Ok(())
    }
}
