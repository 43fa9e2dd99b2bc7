//! Operators' commands: decided on this node's world, and appended to the stream if it still ends there.

use engine::{
    arbiter::{
        Decided,
        settings::{self, Decision},
    },
    clock::Millis,
    codec::Binary as _,
    command::{Changed, Operation, Reply, Terms},
    id::{Epoch, EventId, SaleTag},
    record::{Author, Change, Record, ReplayKey},
    sale::{ChangeRefusal, Kept, KnownChange, Sale},
    spec::SaleSpec,
    stream::Point,
};

use super::{node::Node, replica::Replica};
use crate::store::{Entry, Rebuild, StoreError};

/// Room for the order events of one epoch of the stream: four thousand million, a year at a hundred a
/// second and those that rebuilds skip. Event numbers stay below 2⁵³ for two million epochs, so that a
/// receiver may read them as JSON numbers.
const EVENTS_OF_EPOCH_BITS: u32 = 32;
/// How long nodes that know a sale which the store lost have to come together for it before another of its name is
/// made: some turns of each.
const SUMMONED_MS: u64 = 500;
/// How long it counts that they were asked.
const SUMMONED_KEPT_MS: u64 = 5_000;
/// How often a change is decided again because the stream had gone on.
const TRIES: usize = 64;

impl Node {
    pub(super) async fn operate(&mut self, decided: &mut Decided, operation: &Operation) -> Reply {
        let done = match operation {
            Operation::Create { author, spec, replay } => {
                self.create(decided, (author, spec), *replay).await
            }
            Operation::Change { sale, author, change, terms } => {
                self.change(decided, *sale, (author, change), terms).await
            }
        };
        match done {
            Ok(done) => Reply::Changed(done),
            Err(StoreError::Joining) => self.not_joined(operation.sale()),
            Err(StoreError::NotYet(_)) => Reply::NotYet,
            Err(StoreError::StorageFull) => Reply::StorageFull,
            Err(error) => {
                self.note_failure(operation.sale(), &error);
                Reply::Unavailable
            }
        }
    }

    /// Makes a sale, unless another node has made it: then that is followed.
    async fn create(
        &mut self,
        decided: &mut Decided,
        (author, spec): (&Author, &SaleSpec),
        replay: Option<ReplayKey>,
    ) -> Result<Result<Changed, ChangeRefusal>, StoreError> {
        let tag = spec.name.tag();
        let record = match settings::created(&self.world, author, spec, replay, decided.at) {
            Ok(Decision::Decided(record)) => record,
            Ok(Decision::Answered(changed)) => return Ok(Ok(changed)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let is_asked_lately = |since: &Millis| decided.at.since(*since) < SUMMONED_MS;
        if self.summoned.get(&tag).is_some_and(is_asked_lately) {
            return Err(StoreError::NotYet("other nodes may have a sale of this name"));
        }
        if self.beside.takes(tag) {
            // What is fetched would take the place of the new sale.
            return Err(StoreError::Reply("a sale that this node is taking over"));
        }
        // A server that came back empty lacks it, and has no sale yet that would have seen to it.
        self.store().load_library(tag).await?;
        match self.adopt(decided, tag).await {
            Ok(()) if self.beside.takes(tag) => {
                return Err(StoreError::Reply("a sale that this node is taking over"));
            }
            Ok(()) => {
                // Who made it may not have come to that.
                self.store().announce(&spec.name).await?;
                return Ok(self.made_before(tag, replay, decided.at));
            }
            Err(StoreError::UnknownSale) => self.none_comes(tag, decided.at).await?,
            Err(error) => return Err(error),
        }
        // First: the list may be on a shard that is away, and no node would ever find the sale.
        self.store().announce(&spec.name).await?;
        let created = match self.load_new(decided.at, record).await? {
            Loaded::New(created) => created,
            Loaded::Before(told) => {
                self.store().forget(&spec.name).await?;
                return Ok(told);
            }
        };
        // From the store, as any other node has it: another may have come first.
        self.adopt(decided, tag).await?;
        if decided.records.contains(&created) {
            return Ok(Ok(settings::made(&self.world, tag, replay, decided.at)));
        }
        Ok(self.made_before(tag, replay, decided.at))
    }

    /// Waits until nodes that know a sale of this name, if the store lost one, have come together for it: then the
    /// store takes no other. One that knows it archived and packed would not have noticed for seconds.
    async fn none_comes(&mut self, tag: SaleTag, at: Millis) -> Result<(), StoreError> {
        self.summoned.retain(|_, since| at.since(*since) < SUMMONED_KEPT_MS);
        if self.summoned.remove(&tag).is_some() {
            return Ok(());
        }
        let heard = self.store().summon(tag).await?;
        // A cluster's server does not say how many hear it at the others.
        if heard <= 1 && self.heard.is_some() && !self.store().is_cluster() {
            return Ok(());
        }
        self.summoned.insert(tag, at);
        Err(StoreError::NotYet("other nodes may have a sale of this name"))
    }

    /// The answer to a creation that another node has come before with: the same request, or another.
    fn made_before(
        &self,
        tag: SaleTag,
        replay: Option<ReplayKey>,
        at: Millis,
    ) -> Result<Changed, ChangeRefusal> {
        settings::answered(&self.world, tag, replay, at)?.ok_or(ChangeRefusal::NameTaken)
    }

    /// Writes a new sale into the store, unless one that was deleted had been made with the same key.
    async fn load_new(&self, at: Millis, mut record: Record) -> Result<Loaded, StoreError> {
        for _ in 0..TRIES {
            let (sale, tag) = (Sale::created(&record, at), record.sale());
            let epoch = sale.epoch();
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            at.encode(&mut bytes);
            let point = Point::START.next(epoch, self.options.node.as_str(), &bytes);
            let entries = [Entry { at, point, records: vec![record.clone()] }];
            let (last, base) = (&entries[0].point, &Point::START);
            let (sale, entries) = (&sale, &entries);
            let rebuild = Rebuild { sale, at, epoch, last, base, entries, members: &[] };
            match self.store().load(&rebuild).await {
                Err(StoreError::Gone { epoch: found, made }) => {
                    if let Some(told) = told_by_store(&made, &record, at).transpose() {
                        return Ok(Loaded::Before(told));
                    }
                    // This node may never have served it: its order events, however many, are behind those
                    // of the new one.
                    let known = self.world.last_event(tag).0;
                    record = begun_after(record, found, EventId(known));
                }
                Err(StoreError::OtherEpoch { epoch: found }) if found >= epoch => {
                    // Of a load that was broken off.
                    let known = self.world.last_event(tag).0;
                    record = begun_after(record, found, EventId(known));
                }
                other => return other.map(|()| Loaded::New(record)),
            }
        }
        Err(StoreError::Reply("another epoch each time"))
    }

    pub(super) async fn change(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
        (author, change): (&Author, &Change),
        terms: &Terms,
    ) -> Result<Result<Changed, ChangeRefusal>, StoreError> {
        if self.world.is_packing(tag) {
            return Err(StoreError::NotYet("an archived sale is packed"));
        }
        if self.world.is_archived(tag) {
            if !self.world.thaw(tag, decided.at) {
                return Ok(Err(ChangeRefusal::SalesFull));
            }
            self.wake(tag);
        }
        for _ in 0..TRIES {
            self.read_on(decided, tag).await?;
            if self.filings.is_writing(tag) && self.file_of(tag).is_none() {
                return Err(StoreError::NotYet(
                    "the file of a sale that is being archived is written",
                ));
            }
            let asked = (author, change);
            let replica = self.replicas.get(&tag);
            // Decided by a clock that is ahead of the store's, a sale could be archived before it is closed.
            let at = match replica.filter(|_| matches!(change, Change::Archive { .. })) {
                Some(replica) => decided.at.min(replica.calls.told_at),
                None => decided.at,
            };
            let record = match settings::changed(&self.world, tag, asked, terms, at) {
                Ok(Decision::Decided(record)) => record,
                Ok(Decision::Answered(changed)) => return Ok(Ok(changed)),
                Err(refusal) => return Ok(Err(refusal)),
            };
            let record = if record.is_archival() { self.with_file(record)? } else { record };
            let epoch = self.replicas.get(&tag).map_or(Epoch(0), |replica: &Replica| replica.epoch);
            // No one is told of a node's own word: if it is lost, it is said again.
            let is_told = !matches!(change, Change::Returned { .. });
            let node = is_told.then_some(&self.options.node);
            let after = self.point(tag);
            let Some(sale) = self.world.sale(tag) else { return Ok(Err(ChangeRefusal::NoSale)) };
            match self.store().append(node, epoch, &after, &record, sale).await {
                Ok(facts) => {
                    let name = self.world.sale(tag).map(|sale| sale.spec().name.clone());
                    self.follow(decided, tag, facts.entries, &[])?;
                    if let Some(name) = name.filter(|_| *change == Change::Delete) {
                        self.store().forget(&name).await?;
                    }
                    return Ok(Ok(settings::made(&self.world, tag, terms.replay, decided.at)));
                }
                Err(StoreError::Moved { .. }) => {}
                Err(StoreError::PastHolds) => {
                    // Some in each turn, between which the store serves the others.
                    match self.store().forget_past_holds(tag, epoch, &after).await {
                        Ok(()) | Err(StoreError::Moved { .. }) => {}
                        Err(error) => return Err(error),
                    }
                    return Err(StoreError::NotYet("holds that are past their time are forgotten"));
                }
                Err(StoreError::OtherEpoch { epoch }) => {
                    if let Some(replica) = self.replicas.get_mut(&tag) {
                        replica.epoch = epoch;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Reply("each time that the stream went on"))
    }
}

/// What came of writing a new sale into the store.
enum Loaded {
    /// It is there, and begins with this fact.
    New(Record),
    /// The same request made it before, and it was deleted since; or one with the same key, another.
    Before(Result<Changed, ChangeRefusal>),
}

/// What a creation was answered before, if it made a sale that was deleted: by what such sales left in the store.
fn told_by_store(
    mut made: &[u8],
    record: &Record,
    at: Millis,
) -> Result<Option<Changed>, ChangeRefusal> {
    let Record::Created { replay: Some(replay), .. } = record else { return Ok(None) };
    let mut told = Ok(None);
    // Whatever else stands there was written by no node.
    while let Some((mut one, rest)) = u32::decode(&mut made)
        .ok()
        .and_then(|length| made.split_at_checked(usize::try_from(length).ok()?))
    {
        made = rest;
        // The last that had the key counts.
        match Kept::decode(&mut one).map(|kept| kept.known(*replay, at)) {
            Ok(KnownChange::New) | Err(_) => {}
            Ok(known) => told = settings::told(known),
        }
    }
    told
}

/// The creation of a sale after another of its name whose stream ended in epoch `found`.
fn begun_after(record: Record, found: Epoch, known: EventId) -> Record {
    let Record::Created { author, spec, replay, .. } = record else {
        unreachable!("a sale begins with its creation");
    };
    let told = EventId(known.0.max(u64::from(found.0) << EVENTS_OF_EPOCH_BITS));
    Record::Created { author, epoch: Epoch(found.0 + 1), told, spec, replay }
}
