//! The turn's calls, one a sale: what shoppers and the backend ask, and the tick.
//!
//! Which sales are called though nothing is asked of them, `due` says.

use std::{collections::BTreeMap, time::Duration};

use engine::{
    arbiter::{Decided, noted},
    clock::Millis,
    codec::Binary as _,
    command::{Ask, Command, Note, Operation, Reply},
    id::{Epoch, HoldId, NodeName, SaleTag},
    record::{EntryAnswer, Record},
    sale::{EndRefusal, EntryRefusal, PlaceRefusal, PurchaseRefusal, SettleRefusal},
    stream::Point,
};
use tokio::{task::JoinSet, time::timeout};

use super::{
    Node,
    due::{Due, QUIET_SALES_MAX},
    replica::{Replica, ReplicaState},
};
use crate::store::{Batch, Decision, NodeNote, Store, StoreError, Verdict};

/// Records of one turn, of all its sales, from which on it reads no more of what a sale missed: some ten
/// megabytes. The next turn follows at once, and the other sales have theirs.
const CATCH_UP_RECORDS_MAX: usize = 65_536;
/// Entries that are read at once.
const CATCH_UP_ENTRIES: u32 = 32;
/// How often one batch is tried again after this node has read what it had missed.
const TRIES: usize = 4;
/// A node that was silent for so long is parted by the others.
const SILENT_MS: u64 = 15_000;
/// How often a node looks after the others.
const ROLL_CALL_MS: u64 = 5_000;
/// How long a node that stops tries to say so.
const PARTING: Duration = Duration::from_secs(2);

/// A turn's commands by whom they go to, each with the place of its reply.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub asked: BTreeMap<SaleTag, Asked>,
    pub operations: Vec<(usize, Operation)>,
}

/// What is asked and told of one sale.
#[derive(Debug, Default)]
pub(super) struct Asked {
    asks: Vec<(usize, Ask)>,
    notes: Vec<(usize, Note)>,
}

impl Asked {
    fn is_empty(&self) -> bool {
        self.asks.is_empty() && self.notes.is_empty()
    }
}

impl Sorted {
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.operations.is_empty()
    }

    pub(super) fn take(&mut self, index: usize, command: &Command) {
        match command {
            Command::Ask(sale, ask) => {
                self.asked.entry(*sale).or_default().asks.push((index, ask.clone()));
            }
            Command::Note(sale, note) => {
                self.asked.entry(*sale).or_default().notes.push((index, note.clone()));
            }
            Command::Operate(operation) => self.operations.push((index, operation.clone())),
        }
    }
}

/// How far a sale was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaughtUp {
    Whole,
    /// There is more, for the next turn.
    Partly,
}

/// One call, with all that it needs to be made again.
#[derive(Debug)]
struct Call {
    sale: SaleTag,
    epoch: Epoch,
    after: Point,
    journaled: Point,
    stalled: bool,
    node: NodeName,
    asks: Vec<Ask>,
    /// The time as this node has it.
    now: Millis,
    /// Where their replies go.
    indexes: Vec<usize>,
    /// What is noted of order events, with the place of its reply.
    notes: Vec<(usize, Option<(usize, Record)>)>,
    /// Others that may have gone.
    others: Vec<NodeName>,
    /// Whether it may share a round trip with those of other quiet sales.
    is_quiet: bool,
}

impl Node {
    /// Makes the calls that are due, side by side, and follows what they bring.
    pub(super) async fn ask(
        &mut self,
        decided: &mut Decided,
        mut asked: BTreeMap<SaleTag, Asked>,
        is_round: bool,
    ) {
        let mut calls = Vec::new();
        for (tag, due) in if is_round { self.due(decided.at) } else { Vec::new() } {
            let asked = asked.remove(&tag).unwrap_or_default();
            let is_quiet = due != Due::Tick && asked.is_empty();
            calls.extend(self.call(decided, tag, asked, is_quiet));
        }
        for (tag, asked) in asked {
            if self.replicas.contains_key(&tag) {
                calls.extend(self.call(decided, tag, asked, false));
                continue;
            }
            for (index, ask) in asked.asks {
                decided.replies[index] = no_sale(&ask);
            }
            for (index, _) in asked.notes {
                decided.replies[index] = Reply::Noted(0);
            }
        }
        for _ in 0..TRIES {
            let mut again = Vec::new();
            for (mut call, outcome) in self.make(std::mem::take(&mut calls)).await {
                match outcome {
                    Ok(decision) => self.take(decided, &call, decision).await,
                    Err(error) if call.is_quiet => self.call_alone(decided.at, &call, &error),
                    Err(error) if self.mend(decided, call.sale, &error).await => {
                        if let Some(replica) = self.replicas.get(&call.sale) {
                            call.epoch = replica.epoch;
                            call.after = self.point(call.sale);
                            again.push(call);
                        }
                    }
                    Err(_) => {}
                }
            }
            calls = again;
            if calls.is_empty() {
                break;
            }
        }
    }

    /// A quiet sale's part of a call did not come to anything: the next is its own, and finds out why.
    fn call_alone(&mut self, at: Millis, call: &Call, error: &StoreError) {
        self.note_failure(call.sale, error);
        if let Some(replica) = self.replicas.get_mut(&call.sale) {
            replica.stir(at);
        }
    }

    /// The call of a sale; none when it is not followed.
    fn call(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
        asked: Asked,
        is_quiet: bool,
    ) -> Option<Call> {
        let at = decided.at;
        let shard = self.shard(sale);
        if self.breakers.is_open(&shard) {
            return None;
        }
        let point = self.point(sale);
        let turn = self.turn;
        let replica = self.replicas.get_mut(&sale)?;
        if !replica.is_following() {
            return None;
        }
        replica.called_at = at;
        if !asked.is_empty() {
            replica.stir(at);
        }
        let Asked { mut asks, mut notes } = asked;
        // What the store decides of a sale whose facts this node cannot follow could not be answered.
        if replica.is_unreadable {
            (asks, notes) = (Vec::new(), Vec::new());
        }
        let known = self.world.sale(sale)?;
        let mut others = Vec::new();
        // Who was away itself cannot say that others were silent.
        let in_touch = at.since(self.breakers.answered_since(&shard, at)) >= SILENT_MS;
        if in_touch && at.since(replica.roll_called_at) >= ROLL_CALL_MS {
            replica.roll_called_at = at;
            let is_other = |node: &&NodeName| **node != self.options.node;
            others.extend(known.members().nodes().filter(is_other).cloned());
        }
        // A turn begins with everything journaled that those before it brought.
        let journaled = if replica.followed_turn == turn { replica.journaled } else { point };
        let epoch = replica.epoch;
        let (indexes, asks) = asks.into_iter().unzip();
        let noted = |(index, note)| (index, noted(&self.world, sale, &note));
        Some(Call {
            sale,
            epoch,
            after: point,
            journaled,
            stalled: self.world.is_stalled(known),
            node: self.options.node.clone(),
            now: at,
            asks,
            indexes,
            notes: notes.into_iter().map(noted).collect(),
            others,
            is_quiet,
        })
    }

    async fn make(&self, calls: Vec<Call>) -> Vec<(Call, Result<Decision, StoreError>)> {
        let mut running = JoinSet::new();
        let shares = |call: &Call| call.is_quiet && !self.store().is_cluster();
        let (quiet, calls): (Vec<Call>, Vec<Call>) = calls.into_iter().partition(shares);
        for call in calls {
            let store = self.store().clone();
            running.spawn(async move {
                let outcome = store.decide(&call.batch(&call.facts())).await;
                vec![(call, outcome)]
            });
        }
        let mut quiet = quiet.into_iter().peekable();
        while quiet.peek().is_some() {
            let calls: Vec<Call> = quiet.by_ref().take(QUIET_SALES_MAX).collect();
            let store = self.store().clone();
            running.spawn(async move { make_together(&store, calls).await });
        }
        running.join_all().await.into_iter().flatten().collect()
    }

    /// Follows what a call brought, and answers its commands.
    async fn take(&mut self, decided: &mut Decided, call: &Call, decision: Decision) {
        self.breakers.answered(self.shard(call.sale), decided.at);
        let Decision { mut verdicts, facts, delivers, is_joining, replicated } = decision;
        if !replicated {
            // Decided, but not answered: its holds are found like those of other nodes.
            verdicts.clear();
        }
        if let Some(replica) = self.replicas.get_mut(&call.sale) {
            // There may be no new snapshot since the last delivering node went, or the sale was rebuilt.
            if delivers && (!replica.is_delivering || replica.epoch != facts.epoch) {
                replica.unsaved.want();
            }
            replica.epoch = facts.epoch;
            replica.is_delivering = delivers;
            (replica.failing, replica.is_unreadable) = (None, false);
            replica.set_joining(is_joining, decided.at);
            replica.touched = Some(self.now);
        }
        decided.at = decided.at.max(facts.at);
        let own: Vec<HoldId> = verdicts.iter().filter_map(made).collect();
        let mut recalled = self.recalled(call, &verdicts, facts.at);
        if self.follow(decided, call.sale, facts.entries, &own).is_err() {
            return;
        }
        if is_joining {
            for index in &call.indexes {
                decided.replies[*index] = self.not_joined(call.sale);
            }
        }
        let sale = self.world.sale(call.sale);
        let mut is_contradicted = false;
        for ((verdict, ask), index) in verdicts.into_iter().zip(&call.asks).zip(&call.indexes) {
            decided.replies[*index] = match sale {
                Some(sale) => {
                    let reply = verdict.reply(ask, sale, facts.at, recalled.remove(index));
                    is_contradicted |= reply.is_none();
                    reply.unwrap_or(Reply::Unavailable)
                }
                None => no_sale(ask),
            };
        }
        if is_contradicted {
            let seq = self.point(call.sale).seq;
            let what = "an answer about a place or a hold that is none";
            self.look_at_all();
            if let Some(replica) = self.replicas.get_mut(&call.sale) {
                replica.put_out_of_service(&StoreError::Contradiction(seq, what));
            }
            return;
        }
        for (index, note) in &call.notes {
            decided.replies[*index] = Reply::Noted(note.as_ref().map_or(0, |(count, _)| *count));
        }
        if delivers {
            self.save(call.sale, facts.at).await;
        }
    }

    /// The reply to what nothing was decided of because this node has yet to join. It waits for that a little:
    /// a sale that was just made elsewhere is joined in two or three ticks.
    pub(super) fn not_joined(&self, sale: SaleTag) -> Reply {
        let is_long =
            self.replicas.get(&sale).is_none_or(|replica| replica.is_joining_long(self.now.at));
        if is_long { Reply::Unavailable } else { Reply::NotYet }
    }

    /// What entries that repeat others were told then, by the places of their replies.
    fn recalled(
        &self,
        call: &Call,
        verdicts: &[Verdict],
        at: Millis,
    ) -> BTreeMap<usize, EntryAnswer> {
        let Some(sale) = self.world.sale(call.sale) else { return BTreeMap::new() };
        let asked = verdicts.iter().zip(&call.asks).zip(&call.indexes);
        let told = asked
            .filter_map(|((verdict, ask), index)| Some((*index, verdict.recalled(ask, sale, at)?)));
        told.collect()
    }

    /// What an error of a call leads to; whether the call may be made again at once.
    async fn mend(&mut self, decided: &mut Decided, sale: SaleTag, error: &StoreError) -> bool {
        self.note_failure(sale, error);
        let (at, now) = (decided.at, self.now);
        let Some(replica) = self.replicas.get_mut(&sale) else { return false };
        match error {
            StoreError::Behind { .. } => {
                matches!(self.catch_up(decided, sale).await, Ok(CaughtUp::Whole))
            }
            StoreError::OtherEpoch { epoch } => {
                (replica.epoch, replica.is_delivering) = (*epoch, false);
                true
            }
            StoreError::Trimmed { .. } => {
                replica.state = ReplicaState::Adopting;
                false
            }
            StoreError::LibraryMissing => {
                let loaded = self.store().load_library(sale).await;
                loaded.is_ok()
            }
            StoreError::UnknownSale
            | StoreError::Loading { .. }
            | StoreError::Restarted { .. }
            | StoreError::Diverged { .. } => {
                replica.gather(now, at, &error.to_string());
                false
            }
            StoreError::Elsewhere(_) | StoreError::Library(_) | StoreError::Reply(_) => {
                replica.failing = Some(error.to_string());
                replica.is_unreadable = matches!(error, StoreError::Reply(_));
                false
            }
            StoreError::Joining => {
                replica.set_joining(true, at);
                false
            }
            // A contradiction was noted where it was found.
            StoreError::Contradiction(..)
            | StoreError::BadSnapshot(_)
            | StoreError::Gone { .. }
            | StoreError::Unavailable(_)
            | StoreError::Moved { .. }
            | StoreError::LibraryOther { .. }
            | StoreError::ServerTooOld(_)
            | StoreError::Unusable(_)
            | StoreError::Refused(_) => false,
        }
    }

    /// Reads what the store has after this node's point, as much as a turn's batch may hold.
    pub(super) async fn catch_up(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
    ) -> Result<CaughtUp, StoreError> {
        loop {
            if decided.records.len() >= CATCH_UP_RECORDS_MAX {
                decided.is_more_due = true;
                return Ok(CaughtUp::Partly);
            }
            let facts = self.store().facts(sale, &self.point(sale), CATCH_UP_ENTRIES).await?;
            if facts.entries.is_empty() {
                return Ok(CaughtUp::Whole);
            }
            self.follow(decided, sale, facts.entries, &[])?;
        }
    }

    /// How far this node has followed a sale.
    pub(super) fn point(&self, sale: SaleTag) -> Point {
        self.world.point(sale).copied().unwrap_or(Point::START)
    }

    /// Reads on by a batch that asks nothing. It joins if the others had parted this node: who does not
    /// serve changes nothing.
    pub(super) async fn read_on(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            if !self.replicas.contains_key(&sale) {
                return Ok(());
            }
            let Some(call) = self.call(decided, sale, Asked::default(), false) else {
                return Err(StoreError::Reply("nothing yet for a sale that is not followed"));
            };
            for (call, outcome) in self.make(vec![call]).await {
                match outcome {
                    Ok(decision) => {
                        self.take(decided, &call, decision).await;
                        return Ok(());
                    }
                    Err(error) if self.mend(decided, sale, &error).await => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Err(StoreError::Reply("something else each time"))
    }

    /// Puts a sale as this node knows it beside the stream, when that is due: while the turns go on, for a
    /// large one takes many calls. One at a time.
    async fn save(&mut self, tag: SaleTag, at: Millis) {
        if let Some(saving) = self.saving.take_if(|saving| saving.is_finished())
            && let Ok((sale, false)) = saving.await
            && let Some(replica) = self.replicas.get_mut(&sale)
        {
            replica.unsaved.failed(at);
        }
        let (store, point) = (self.store().clone(), self.point(tag));
        let (Some(sale), Some(replica)) = (self.world.sale(tag), self.replicas.get_mut(&tag))
        else {
            return;
        };
        if self.saving.is_some() || !replica.unsaved.is_due(at) {
            return;
        }
        let mut bytes = Vec::with_capacity(replica.unsaved.bytes_before());
        sale.encode(&mut bytes);
        replica.unsaved.saved(bytes.len());
        let epoch = replica.epoch;
        self.saving = Some(tokio::spawn(async move {
            let put = store.put_snapshot(tag, epoch, &point, at, &bytes).await;
            (tag, put.is_ok())
        }));
    }

    /// Tells the store that this node serves no more, and follows that: whoever starts it again has to
    /// know that others may have served since. A node that cannot say so is parted by the others later.
    pub(super) async fn part(&mut self, decided: &mut Decided) {
        let Some(store) = self.store.clone() else { return };
        let following = |replica: &Replica| replica.state == ReplicaState::Following;
        let sales = self.replicas.iter().filter(|(_, replica)| following(replica));
        let sales: Vec<(SaleTag, Epoch)> =
            sales.map(|(sale, replica)| (*sale, replica.epoch)).collect();
        let parting = async {
            for (sale, epoch) in sales {
                if self.is_away(sale) {
                    continue;
                }
                let (name, after) = (self.options.node.clone(), self.point(sale));
                let notes = [NodeNote::Part { node: &name, silent_ms: 0 }];
                let batch = Batch {
                    sale,
                    epoch,
                    after: &after,
                    node: &name,
                    stalled: true,
                    notes: &notes,
                    asks: &[],
                    journaled: &after,
                    now: None,
                };
                match store.decide(&batch).await {
                    Err(StoreError::Unavailable(_)) => return,
                    // What does not follow is met again at the next start.
                    Ok(decision) => {
                        drop(self.follow(decided, sale, decision.facts.entries, &[]));
                    }
                    Err(_) => {}
                }
            }
            store.close().await;
        };
        drop(timeout(PARTING, parting).await);
    }
}

impl Call {
    /// What it tells the store.
    fn facts(&self) -> Vec<NodeNote<'_>> {
        let facts = self.notes.iter().filter_map(|(_, note)| note.as_ref());
        let facts = facts.map(|(_, fact)| NodeNote::Fact(fact));
        let part = |node| NodeNote::Part { node, silent_ms: SILENT_MS };
        facts.chain(self.others.iter().map(part)).collect()
    }

    fn batch<'a>(&'a self, notes: &'a [NodeNote<'a>]) -> Batch<'a> {
        Batch {
            sale: self.sale,
            epoch: self.epoch,
            after: &self.after,
            node: &self.node,
            stalled: self.stalled,
            notes,
            asks: &self.asks,
            journaled: &self.journaled,
            now: Some(self.now),
        }
    }
}

/// Makes the calls of quiet sales as one.
async fn make_together(
    store: &Store,
    calls: Vec<Call>,
) -> Vec<(Call, Result<Decision, StoreError>)> {
    let outcomes = {
        let notes: Vec<Vec<NodeNote<'_>>> = calls.iter().map(Call::facts).collect();
        let batches: Vec<Batch<'_>> =
            calls.iter().zip(&notes).map(|(call, notes)| call.batch(notes)).collect();
        store.decide_each(&batches).await
    };
    match outcomes {
        Ok(outcomes) => {
            let failed = || Err(StoreError::Reply("nothing of a sale"));
            let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(failed));
            calls.into_iter().zip(outcomes).collect()
        }
        Err(error) => calls.into_iter().map(|call| (call, Err(error.clone()))).collect(),
    }
}

/// The hold that a purchase made.
fn made(verdict: &Verdict) -> Option<HoldId> {
    let Verdict::Purchase(Ok(told)) = verdict else { return None };
    (!told.replayed).then_some(told.hold)
}

/// The reply to a question about a sale that is not there.
fn no_sale(ask: &Ask) -> Reply {
    match ask {
        Ask::Enter { .. } => Reply::Entry(Err(EntryRefusal::NoSale)),
        Ask::Leave { .. } => Reply::Left(Err(PlaceRefusal::NoPlace)),
        Ask::Claim { .. } => Reply::Claim(Err(PlaceRefusal::NoPlace)),
        Ask::Purchase { .. } => Reply::Purchase(Err(PurchaseRefusal::NoSale)),
        Ask::Settle { .. } => Reply::Settle(Err(SettleRefusal::NoHold)),
        Ask::EndSession { .. } => Reply::Ended(Err(EndRefusal::NoSession)),
        Ask::Idle { .. } => Reply::Noted(0),
    }
}
