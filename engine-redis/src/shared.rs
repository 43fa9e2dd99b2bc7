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
//! with the sale's stream. Everything happens in a turn of the scribe, one turn after the other; what
//! cannot be asked in time is answered [`Reply::Unavailable`], and what has to wait until this node has joined
//! the others [`Reply::NotYet`].

mod adopt;
mod breaker;
mod calls;
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
    record::Record,
    stream::Point,
    world::World,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::sleep,
};

use self::{breaker::Breakers, replica::Replica};
use crate::store::{Entry, Heard, RedisArbiter, Shard, StoreError, StoreOptions};

/// How often the store is asked for sales that other nodes made.
const SURVEY_MS: u64 = 1_000;

/// How long a turn without a store is given to the client, to connect again.
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
    store: Option<RedisArbiter>,
    breakers: Breakers,
    world: World,
    replicas: BTreeMap<SaleTag, Replica>,
    next_survey: Millis,
    /// Whether it has served all sales that it knew of since it started.
    has_served: bool,
    /// The time of the last turn.
    now: Moment,
    /// A snapshot on its way, and whether it arrived.
    saving: Option<JoinHandle<(SaleTag, bool)>>,
    /// The names on the store's list in the last survey.
    listed: BTreeMap<SaleTag, SaleName>,
    /// Sales that the list lacked then.
    unlisted: BTreeSet<SaleTag>,
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
            has_served: false,
            now: Moment::default(),
            saving: None,
            listed: BTreeMap::new(),
            unlisted: BTreeSet::new(),
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
        let unreachable = self.node.breakers.troubles();
        let lost = self.node.replicas.iter().filter_map(|(tag, replica)| {
            let known = self.node.world.sale(*tag).map(|sale| &sale.spec().name);
            let name = known.or_else(|| self.node.listed.get(tag));
            let trouble = replica.trouble(self.node.now.at)?;
            Some(name.map_or_else(|| trouble.clone(), |name| format!("sale {name}: {trouble}")))
        });
        unreachable.chain(lost).collect()
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
        for (tag, replica) in &mut self.replicas {
            // A turn begins with everything journaled that those before it brought.
            replica.journaled = self.world.point(*tag).copied().unwrap_or(Point::START);
        }
        if !self.is_connected().await {
            return;
        }
        // Each step may find that a shard is away; then nothing more of it is waited for in this turn.
        self.survey(decided).await;
        for (index, operation) in &sorted.operations {
            if !self.is_away(operation.sale()) {
                decided.replies[*index] = Box::pin(self.operate(decided, operation)).await;
            }
        }
        self.ask(decided, sorted.asked).await;
        Box::pin(self.gather(decided)).await;
        let has_surveyed = self.next_survey > Millis(0);
        let is_joining =
            |replica: &Replica| replica.joining_since.is_some() && !replica.is_out_of_service();
        self.has_served |= has_surveyed && !self.replicas.values().any(is_joining);
        Box::pin(self.say_returned(decided)).await;
        if self.breakers.is_any_open() && self.replicas.keys().all(|sale| self.is_away(*sale)) {
            // No server was called: the client comes back while it is driven, and only then.
            sleep(DRIVE).await;
        }
    }

    /// Whether there is a store to ask.
    async fn is_connected(&mut self) -> bool {
        self.breakers.tend(self.store.as_ref()).await;
        if self.store.is_none() && !self.breakers.is_any_open() {
            match RedisArbiter::connect(&self.options.store).await {
                Ok(store) => {
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
    fn reachable(&self, sale: SaleTag) -> Option<RedisArbiter> {
        self.store.clone().filter(|_| !self.is_away(sale))
    }

    fn store(&self) -> &RedisArbiter {
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
        for tag in &listed {
            let is_given_up = self.replicas.get(tag).is_some_and(Replica::is_out_of_service);
            if self.world.sale(*tag).is_none() && !is_given_up && !self.is_away(*tag) {
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
        self.world.apply(&Record::Followed { sale, at, point }, at);
        if let Some(replica) = self.replicas.get_mut(&sale) {
            replica.remember(entry);
        }
        Ok(())
    }

    /// What the failure of a sale's call means for all calls to come.
    fn note_failure(&mut self, sale: SaleTag, error: &StoreError) {
        if matches!(error, StoreError::Unavailable(_) | StoreError::Refused(_)) {
            self.breakers.failed(self.shard(sale), error);
        }
    }
}
