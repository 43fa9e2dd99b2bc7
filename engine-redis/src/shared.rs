//! The arbiter of one node of many: Redis decides, this node follows.
//!
//! ```text
//!   commands ─▶ calls, one a sale ─▶ Redis ─▶ entries ─▶ follow: mark, facts ─▶ the scribe's journal
//!                     │ lost, restarted, rebuilt                      ▲
//!                     └─▶ gather: catch up, quorum, rebuild ──────────┤
//!                         adopt: take a snapshot over ────────────────┘
//! ```
//!
//! Owns the world as far as this node has followed it, and a [`Replica`] for each sale: how it stands
//! with the sale's stream. Everything happens in a turn of the scribe, one turn after the other, but for what
//! takes many calls and goes on beside them (`beside`). What cannot be asked in time is answered
//! [`Reply::Unavailable`], and what has to wait until this node has joined the others [`Reply::NotYet`].

mod adopt;
mod beside;
mod breaker;
mod calls;
mod due;
mod gather;
mod replica;
mod returning;
mod settings;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};

use engine::{
    arbiter::{Arbiter, Decided, Join, Moment, Peers},
    clock::Millis,
    command::{Command, Reply},
    id::{HoldId, NodeName, Number, SaleName, SaleTag},
    limits::{SALES_MAX, TICK_MS},
    record::Record,
    world::World,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::sleep,
};

use self::{beside::Beside, breaker::Breakers, replica::Replica};
use crate::store::{Entry, Heard, Hints, Shard, Store, StoreError, StoreOptions};

/// How often the store is asked for sales that other nodes made.
const SURVEY_MS: u64 = 1_000;

/// How often all sales are looked at, for those that are due: twice in a tick.
const ROUND_MS: u64 = TICK_MS / 2;

/// How long a turn in which nothing is asked is given to the client, to hear which sales moved.
const LISTEN: Duration = Duration::from_millis(1);

/// How long a turn without a store is given to the client, to connect again, and one in which nothing is
/// asked to work beside it.
const DRIVE: Duration = Duration::from_millis(10);

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

/// The arbiter of one node of many.
#[derive(Debug)]
pub struct SharedArbiter {
    runtime: Runtime,
    node: Node,
}

/// All but what drives it.
#[derive(Debug)]
struct Node {
    options: SharedOptions,
    /// `None` until the first connection.
    store: Option<Store>,
    breakers: Breakers,
    world: World,
    replicas: BTreeMap<SaleTag, Replica>,
    next_survey: Millis,
    /// When all sales are looked at again.
    next_round: Millis,
    /// Turns so far.
    turn: u64,
    hints: Option<Hints>,
    /// Which connection has heard all moves since the last turn; `None` when some may have been missed.
    heard: Option<u64>,
    /// What an operator should know, found when all sales were looked at last.
    troubles: Vec<String>,
    /// Whether it has served all sales that it knew of since it started.
    has_served: bool,
    /// The time of the last turn.
    now: Moment,
    beside: Beside,
    /// A snapshot on its way, and whether it arrived.
    saving: Option<JoinHandle<(SaleTag, bool)>>,
    /// The names on the store's list in the last survey.
    listed: BTreeMap<SaleTag, SaleName>,
    /// Sales that the list lacked then.
    unlisted: BTreeSet<SaleTag>,
    /// Sales of the list that this node has no room for.
    unserved: usize,
}

impl SharedArbiter {
    /// An arbiter that goes on from `world`. Connects with the first batch: a store that is away stops
    /// decisions, not the node.
    pub fn new(world: World, options: SharedOptions) -> io::Result<Self> {
        // Driven by the scribe's own thread, in whose turn every call begins and ends.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let followed = |tag: SaleTag| world.point(tag).map(|point| (tag, Replica::at(point.epoch)));
        let replicas = world.sales().filter_map(|sale| followed(sale.tag())).collect();
        let node = Node {
            options,
            store: None,
            breakers: Breakers::default(),
            replicas,
            world,
            next_survey: Millis(0),
            next_round: Millis(0),
            turn: 0,
            hints: None,
            heard: None,
            troubles: Vec::new(),
            has_served: false,
            now: Moment::default(),
            beside: Beside::default(),
            saving: None,
            listed: BTreeMap::new(),
            unlisted: BTreeSet::new(),
            unserved: 0,
        };
        Ok(Self { runtime, node })
    }
}

impl Join for SharedOptions {
    fn join(mut self: Box<Self>, world: World, incarnation: u32) -> io::Result<Box<dyn Arbiter>> {
        self.node = self.node.of_journal(incarnation);
        Ok(Box::new(SharedArbiter::new(world, *self)?))
    }
}

impl Arbiter for SharedArbiter {
    fn world(&self) -> &World {
        &self.node.world
    }

    fn decide_into(
        &mut self,
        decided: &mut Decided,
        now: Moment,
        commands: &mut dyn Iterator<Item = &Command>,
    ) {
        decided.clear(now.at);
        let Self { runtime, node } = self;
        node.now = now;
        runtime.block_on(node.turn(decided, commands));
    }

    fn peers(&self) -> Option<&dyn Peers> {
        Some(self)
    }

    fn peers_mut(&mut self) -> Option<&mut dyn Peers> {
        Some(self)
    }
}

impl Peers for SharedArbiter {
    fn tell_heard(
        &mut self,
        sale: SaleTag,
        (period, period_ms): (u64, u64),
        base: Number,
        bitmap: &[u8],
    ) -> bool {
        let Some(store) = self.node.reachable(sale) else { return false };
        let told =
            self.runtime.block_on(store.hear(sale, &Heard { period, period_ms, base, bitmap }));
        told.map_err(|error| self.node.note_failure(sale, &error)).is_ok()
    }

    fn heard_by_all(&mut self, sale: SaleTag, period: u64, base: Number) -> Option<Vec<u8>> {
        let store = self.node.reachable(sale)?;
        let heard = self.runtime.block_on(store.heard(sale, period, base));
        heard.map_err(|error| self.node.note_failure(sale, &error)).ok().flatten()
    }

    fn delivers(&self, sale: SaleTag) -> bool {
        self.node.replicas.get(&sale).is_some_and(|replica| replica.is_delivering)
    }

    fn troubles(&self) -> Vec<String> {
        self.node.troubles.clone()
    }

    fn part(&mut self, decided: &mut Decided, at: Millis) {
        decided.clear(at);
        let Self { runtime, node } = self;
        runtime.block_on(node.part(decided));
    }
}

impl Node {
    async fn turn(&mut self, decided: &mut Decided, commands: &mut dyn Iterator<Item = &Command>) {
        let mut sorted = calls::Sorted::default();
        for command in commands {
            sorted.take(decided.replies.len(), command);
            decided.replies.push(Reply::Unavailable);
        }
        self.turn += 1;
        let is_round = decided.at >= self.next_round;
        self.take_turn(decided, sorted, is_round).await;
        if is_round || self.next_round == Millis(0) {
            self.next_round = decided.at.after(ROUND_MS);
            self.look_for_troubles();
        }
    }

    async fn take_turn(&mut self, decided: &mut Decided, sorted: calls::Sorted, is_round: bool) {
        if !self.is_connected().await {
            return;
        }
        if sorted.is_empty() {
            sleep(if self.beside.is_busy() { DRIVE } else { LISTEN }).await;
        }
        self.hear_moves(decided.at);
        Box::pin(self.finish(decided)).await;
        // Each step may find that a shard is away; then nothing more of it is waited for in this turn.
        self.survey(decided).await;
        for (index, operation) in &sorted.operations {
            if !self.is_away(operation.sale()) {
                decided.replies[*index] = Box::pin(self.operate(decided, operation)).await;
            }
        }
        self.ask(decided, sorted.asked, is_round).await;
        if is_round || self.next_round == Millis(0) {
            Box::pin(self.gather(decided)).await;
            let has_surveyed = self.next_survey > Millis(0);
            let is_joining =
                |replica: &Replica| replica.joining_since.is_some() && !replica.is_out_of_service();
            self.has_served |= has_surveyed && !self.replicas.values().any(is_joining);
            Box::pin(self.say_returned(decided)).await;
        }
        if self.breakers.is_any_open() && self.replicas.keys().all(|sale| self.is_away(*sale)) {
            // No server was called: the client comes back while it is driven, and only then.
            sleep(DRIVE).await;
        }
    }

    /// Takes up which sales moved, as the store says.
    fn hear_moves(&mut self, at: Millis) {
        let hints = self.hints.as_ref();
        let (hearing, moved) =
            (hints.and_then(Hints::hearing), hints.map(Hints::take).unwrap_or_default());
        if hearing != self.heard {
            // Between two connections any of them may have moved.
            self.replicas.values_mut().for_each(|replica| replica.stir(at));
            self.heard = hearing;
        }
        for tag in moved {
            if let Some(replica) = self.replicas.get_mut(&tag) {
                replica.stir(at);
            }
        }
    }

    /// Looks for what an operator should know.
    fn look_for_troubles(&mut self) {
        let Self { breakers, replicas, now, world, listed, .. } = &*self;
        let lost = replicas.iter().filter_map(|(tag, replica)| {
            let known = world.sale(*tag).map(|sale| &sale.spec().name);
            let name = known.or_else(|| listed.get(tag));
            let trouble = replica.trouble(now.at)?;
            Some(name.map_or_else(|| trouble.clone(), |name| format!("sale {name}: {trouble}")))
        });
        let unserved = (self.unserved > 0).then(|| {
            let count = self.unserved;
            format!("the store has {count} sales more than the {SALES_MAX} that a node serves")
        });
        self.troubles = breakers.troubles().chain(lost).chain(unserved).collect();
    }

    /// All sales are looked at in this turn: one of them is not as it should be.
    fn look_at_all(&mut self) {
        self.next_round = Millis(0);
    }

    /// Whether there is a store to ask.
    async fn is_connected(&mut self) -> bool {
        self.breakers.tend(self.store.as_ref()).await;
        if self.store.is_none() && !self.breakers.is_any_open() {
            match Store::connect(&self.options.store).await {
                Ok(store) => {
                    self.hints = Some(store.listen());
                    self.store = Some(store);
                    self.breakers = Breakers::default();
                }
                Err(error) => self.breakers.failed(Shard::default(), &error),
            }
        }
        self.store.is_some()
    }

    /// Whether the shard of a sale is not to be called, because it did not answer last.
    fn is_away(&self, sale: SaleTag) -> bool {
        self.breakers.is_open(&self.shard(sale))
    }

    fn shard(&self, sale: SaleTag) -> Shard {
        self.store.as_ref().map(|store| store.shard(sale)).unwrap_or_default()
    }

    /// The store, if a sale's shard answered last.
    fn reachable(&self, sale: SaleTag) -> Option<Store> {
        self.store.clone().filter(|_| !self.is_away(sale))
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("a turn begins with a store")
    }

    /// Finds sales that other nodes made, and lists again what the list's own shard has lost.
    async fn survey(&mut self, decided: &mut Decided) {
        if decided.at < self.next_survey {
            return;
        }
        self.next_survey = decided.at.after(SURVEY_MS);
        let own = self.store().shard_of_sales();
        let mut used: BTreeSet<Shard> =
            self.replicas.keys().map(|sale| self.shard(*sale)).collect();
        used.insert(own.clone());
        self.breakers.keep(|shard| used.contains(shard));
        if self.breakers.is_open(&own) {
            return;
        }
        let names = match self.store().sales().await {
            Ok(names) => names,
            // The list alone moves to another shard: that hinders no sale of this one.
            Err(StoreError::Elsewhere(_)) => return,
            Err(error) => return self.breakers.failed(own, &error),
        };
        self.breakers.answered(own, decided.at);
        self.listed = names.into_iter().map(|name| (name.tag(), name)).collect();
        let listed: Vec<SaleTag> = self.listed.keys().copied().collect();
        self.unserved = 0;
        for tag in &listed {
            let is_given_up = self.replicas.get(tag).is_some_and(Replica::is_out_of_service);
            let is_new =
                self.world.sale(*tag).is_none() && !is_given_up && !self.beside.takes(*tag);
            if is_new && self.world.sales().len() >= SALES_MAX {
                self.unserved += 1;
            } else if is_new && !self.is_away(*tag) {
                // A sale that is just being made or deleted is met again a second later.
                if let Err(error) = self.adopt(decided, *tag).await {
                    self.note_failure(*tag, &error);
                }
            }
        }
        let is_unlisted = |tag: &&SaleTag| !self.listed.contains_key(*tag);
        let unlisted = self.replicas.keys().filter(is_unlisted).copied().collect();
        // Twice, for one that another node deletes is off the list before this node hears of it.
        for tag in self.unlisted.intersection(&unlisted) {
            if let Some(sale) = self.world.sale(*tag) {
                // What fails is made up for by the next survey.
                drop(self.store().announce(&sale.spec().name).await);
            }
        }
        self.unlisted = unlisted;
    }

    /// Applies entries of a sale's stream, each behind its mark. `own` are holds that answer this
    /// batch's commands. An entry that contradicts what this node knows puts the sale out of service here:
    /// nothing of it is journaled, and whoever starts again meets it again.
    fn follow(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
        entries: Vec<Entry>,
        own: &[HoldId],
    ) -> Result<(), StoreError> {
        for entry in entries {
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
            if matches!(record, Record::Held { hold, .. } if !own.contains(hold)) {
                decided.others_holds.push(decided.records.len());
            }
            self.world.apply(record, at);
            decided.records.push(record.clone());
        }
        decided.at = decided.at.max(at);
        if entry.records.iter().any(Record::is_deletion) {
            self.replicas.remove(&sale);
            return Ok(());
        }
        let (turn, before) = (self.turn, self.point(sale));
        self.world.apply(&Record::Followed { sale, at, point }, at);
        if let Some(replica) = self.replicas.get_mut(&sale) {
            replica.begin_following(turn, before);
            replica.stir(self.now.at);
            replica.remember(entry);
        }
        Ok(())
    }

    /// What the failure of a sale's call means for all calls to come.
    fn note_failure(&mut self, sale: SaleTag, error: &StoreError) {
        self.look_at_all();
        if matches!(error, StoreError::Unavailable(_) | StoreError::Refused(_)) {
            self.breakers.failed(self.shard(sale), error);
        }
    }
}
