//! The turn's calls, one a sale: what shoppers and the backend ask, and the tick.
//!
//! Which sales are called though nothing is asked of them, `due` says.

use std::collections::BTreeMap;

use engine::{
    arbiter::{Decided, noted},
    clock::Millis,
    command::{Ask, Reply},
    id::{Epoch, HoldId, NodeName, SaleTag},
    record::{EntryAnswer, Record},
    sale::Sale,
    stream::Point,
};
use tokio::task::JoinSet;

use super::{
    asked::{Asked, no_sale},
    catch_up::TRIES,
    due::{Due, QUIET_SALES_MAX, due_together},
    node::Node,
    replica::Replica,
    unsaved::Beginning,
};
use crate::store::{Batch, Decision, NodeNote, Shard, Store, StoreError, Verdict};

/// A node that was silent for so long is parted by the others.
const SILENT_MS: u64 = 15_000;
/// How often a node looks after the others.
const ROLL_CALL_MS: u64 = 5_000;

/// One call, with all that it needs to be made again.
#[derive(Debug)]
pub(super) struct Call {
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
        let due = if is_round { self.due(decided.at) } else { Vec::new() };
        for (tag, due) in due {
            let asked = asked.remove(&tag).unwrap_or_default();
            let is_quiet = due != Due::Tick && asked.is_empty();
            calls.extend(self.call(decided, tag, asked, is_quiet));
        }
        for (tag, asked) in asked {
            let is_packed = !self.replicas.contains_key(&tag) && self.world.is_archived(tag);
            if is_packed && !self.wake_for(decided, tag, &asked) {
                continue;
            }
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
                    Err(error) if call.is_quiet => self.ask_alone(decided.at, &call, &error),
                    Err(error) if self.mend(decided, call.sale, &error).await => {
                        if let Some(replica) = self.replicas.get(&call.sale) {
                            call.epoch = replica.epoch;
                            call.after = self.point(call.sale);
                            again.push(call);
                        }
                    }
                    Err(error) => self.put_off(decided, &call, &error),
                }
            }
            calls = again;
            if calls.is_empty() {
                break;
            }
        }
    }

    /// What was asked waits if nothing was decided of it because the sale was archived meanwhile, and its file is
    /// written here first.
    fn put_off(&self, decided: &mut Decided, call: &Call, error: &StoreError) {
        let is_undecided = matches!(error, StoreError::Behind { .. });
        let is_written = self.filings.is_awaited(call.sale) && !self.filings.has_failed(call.sale);
        if is_undecided && is_written {
            let notes = call.notes.iter().map(|(index, _)| index);
            for index in call.indexes.iter().chain(notes) {
                decided.replies[*index] = Reply::NotYet;
            }
        }
    }

    /// The sales that are to be called though nothing is asked of them; of the quiet ones as many as one call
    /// takes, and the others in the next turns.
    fn due(&mut self, at: Millis) -> Vec<(SaleTag, Due)> {
        let following = self.replicas.iter().filter(|(_, replica)| replica.is_following());
        let why =
            |(tag, replica): (&SaleTag, &Replica)| Some((*tag, self.due_of(*tag, replica, at)?));
        let (due, are_quiet_left) = due_together(following.filter_map(why).collect());
        self.are_quiet_left = are_quiet_left;
        due
    }

    fn due_of(&self, tag: SaleTag, replica: &Replica, at: Millis) -> Option<Due> {
        let sale = self.world.sale(tag).filter(|sale| self.is_called(sale))?;
        // A store that was away may have come back as another, and without a connection to hear moves, or
        // before all know this node, only asking tells.
        let steady_since = || {
            self.heard.filter(|_| replica.joining_since.is_none())?;
            let store = self.store();
            let slot = || *replica.slot.get_or_init(|| store.slot(tag));
            let shard =
                if store.is_cluster() { store.shard_of_slot(slot()) } else { Shard::default() };
            self.breakers.steady_since(&shard)
        };
        replica.calls.due(sale, at, steady_since)
    }

    /// A quiet sale's part of a shared call failed: its next call is its own, and finds out why.
    fn ask_alone(&mut self, at: Millis, call: &Call, error: &StoreError) {
        self.note_failure(call.sale, error);
        if let Some(replica) = self.replicas.get_mut(&call.sale) {
            replica.calls.stir(at);
        }
    }

    /// The call of a sale; none when it is not followed.
    pub(super) fn call(
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
        let (point, turn) = (self.point(sale), self.turn);
        if !self.replicas.get(&sale)?.is_following() {
            return None;
        }
        let asked = self.asked_while_filing(decided, sale, asked)?;
        let replica = self.replicas.get_mut(&sale)?;
        replica.calls.called(at);
        if !asked.is_empty() {
            replica.calls.stir(at);
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
            now: replica.calls.now_told(self.now.at),
            asks,
            indexes,
            notes: notes.into_iter().map(noted).collect(),
            others,
            is_quiet,
        })
    }

    pub(super) async fn make(&self, calls: Vec<Call>) -> Vec<(Call, Result<Decision, StoreError>)> {
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
    pub(super) async fn take(&mut self, decided: &mut Decided, call: &Call, decision: Decision) {
        self.breakers.answered(self.shard(call.sale), decided.at);
        let Decision { mut verdicts, facts, delivers, is_joining, replicated } = decision;
        if !replicated {
            // Decided, but not answered: its holds are found like those of other nodes.
            verdicts.clear();
        }
        if let Some(replica) = self.replicas.get_mut(&call.sale) {
            let began = self.world.sale(call.sale).map(Sale::epoch);
            if delivers && (!replica.is_delivering || replica.epoch != facts.epoch) {
                let is_first = began == Some(facts.epoch);
                let beginning = if is_first { Beginning::There } else { Beginning::Lost };
                replica.unsaved.doubt(call.after.seq, beginning);
            }
            replica.epoch = facts.epoch;
            replica.is_delivering = delivers;
            (replica.failing, replica.is_unreadable) = (None, false);
            replica.set_joining(is_joining, decided.at);
            replica.touched = Some(self.now);
            replica.calls.answered(facts.at);
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
