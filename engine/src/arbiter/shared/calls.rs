//! The turn's calls, one a sale: what shoppers and the backend ask, and the tick.

use std::{collections::BTreeMap, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{
    Node,
    replica::{Replica, ReplicaState},
};
use crate::{
    arbiter::{
        Decided, noted,
        redis::{Batch, Decision, Note, StoreError, Verdict},
    },
    clock::Millis,
    codec::Binary as _,
    command::{Command, Reply},
    id::{Epoch, HoldId, NodeName, SaleTag},
    limits::TICK_MS,
    record::{EntryAnswer, Record},
    sale::{EndRefusal, EntryRefusal, PlaceRefusal, PurchaseRefusal, SettleRefusal},
    stream::Point,
};

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
    pub shoppers: BTreeMap<SaleTag, Vec<(usize, Command)>>,
    pub operators: Vec<(usize, Command)>,
}

impl Sorted {
    pub(super) fn take(&mut self, index: usize, command: &Command) {
        match command {
            Command::Enter { sale, .. }
            | Command::Leave { sale, .. }
            | Command::Claim { sale, .. }
            | Command::Purchase { sale, .. }
            | Command::Settle { sale, .. }
            | Command::EndSession { sale, .. }
            | Command::Idle { sale, .. }
            | Command::Delivered { sale, .. }
            | Command::DeadLetter { sale, .. }
            | Command::Requeue { sale, .. } => {
                self.shoppers.entry(*sale).or_default().push((index, command.clone()));
            }
            Command::Create { .. } | Command::Change { .. } => {
                self.operators.push((index, command.clone()));
            }
        }
    }
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
    commands: Vec<Command>,
    /// The time as this node has it.
    now: Millis,
    /// Where the commands' replies go.
    indexes: Vec<usize>,
    /// What is noted of order events, with the place of its reply.
    notes: Vec<(usize, Option<(usize, Record)>)>,
    /// Others that may have gone.
    others: Vec<NodeName>,
}

impl Node {
    /// Makes the calls that are due, side by side, and follows what they bring.
    pub(super) async fn ask(
        &mut self,
        decided: &mut Decided,
        mut asked: BTreeMap<SaleTag, Vec<(usize, Command)>>,
    ) {
        let mut calls = Vec::new();
        let tags: Vec<SaleTag> = self.replicas.keys().copied().collect();
        for tag in tags {
            let commands = asked.remove(&tag).unwrap_or_default();
            calls.extend(self.call(decided, tag, commands));
        }
        for (index, command) in asked.into_values().flatten() {
            decided.replies[index] = no_sale(&command);
        }
        for _ in 0..TRIES {
            let mut again = Vec::new();
            for (mut call, outcome) in self.make(std::mem::take(&mut calls)).await {
                match outcome {
                    Ok(decision) => self.take(decided, &call, decision).await,
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

    /// The call of a sale; none when it is not followed or nothing is due.
    fn call(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
        commands: Vec<(usize, Command)>,
    ) -> Option<Call> {
        let at = decided.at;
        let shard = self.shard(sale);
        if self.breakers.is_open(&shard) {
            return None;
        }
        let replica = self.replicas.get_mut(&sale)?;
        let is_due = !commands.is_empty() || at.since(replica.called_at) >= TICK_MS;
        if replica.state != ReplicaState::Following || !is_due {
            return None;
        }
        replica.called_at = at;
        // What the store decides of a sale whose facts this node cannot follow could not be answered.
        let commands = if replica.is_unreadable { Vec::new() } else { commands };
        let known = self.world.sale(sale)?;
        let mut others = Vec::new();
        // Who was away itself cannot say that others were silent.
        let in_touch = at.since(self.breakers.answered_since(&shard, at)) >= SILENT_MS;
        if in_touch && at.since(replica.roll_called_at) >= ROLL_CALL_MS {
            replica.roll_called_at = at;
            let is_other = |node: &&NodeName| **node != self.options.node;
            others.extend(known.members().nodes().filter(is_other).cloned());
        }
        let (epoch, journaled) = (replica.epoch, replica.journaled);
        let mut call = Call {
            sale,
            epoch,
            after: self.point(sale),
            journaled,
            stalled: self.world.is_stalled(known),
            node: self.options.node.clone(),
            now: at,
            commands: Vec::with_capacity(commands.len()),
            indexes: Vec::with_capacity(commands.len()),
            notes: Vec::new(),
            others,
        };
        for (index, command) in commands {
            if is_note(&command) {
                call.notes.push((index, noted(&self.world, &command)));
            } else {
                call.indexes.push(index);
                call.commands.push(command);
            }
        }
        Some(call)
    }

    async fn make(&self, calls: Vec<Call>) -> Vec<(Call, Result<Decision, StoreError>)> {
        let mut running = JoinSet::new();
        for call in calls {
            let store = self.store().clone();
            running.spawn(async move {
                let facts = call.notes.iter().filter_map(|(_, note)| note.as_ref());
                let facts = facts.map(|(_, fact)| Note::Fact(fact));
                let part = |node| Note::Part { node, silent_ms: SILENT_MS };
                let notes: Vec<_> = facts.chain(call.others.iter().map(part)).collect();
                let outcome = store
                    .decide(&Batch {
                        sale: call.sale,
                        epoch: call.epoch,
                        after: &call.after,
                        node: &call.node,
                        stalled: call.stalled,
                        notes: &notes,
                        commands: &call.commands,
                        journaled: &call.journaled,
                        now: Some(call.now),
                    })
                    .await;
                (call, outcome)
            });
        }
        running.join_all().await
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
        for ((verdict, command), index) in
            verdicts.into_iter().zip(&call.commands).zip(&call.indexes)
        {
            decided.replies[*index] = match sale {
                Some(sale) => {
                    let reply = verdict.reply(command, sale, facts.at, recalled.remove(index));
                    is_contradicted |= reply.is_none();
                    reply.unwrap_or(Reply::Unavailable)
                }
                None => no_sale(command),
            };
        }
        if is_contradicted {
            let seq = self.point(call.sale).seq;
            let what = "an answer about a place or a hold that is none";
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
        let asked = verdicts.iter().zip(&call.commands).zip(&call.indexes);
        let told = asked.filter_map(|((verdict, command), index)| {
            Some((*index, verdict.recalled(command, sale, at)?))
        });
        told.collect()
    }

    /// What an error of a call leads to; whether the call may be made again at once.
    async fn mend(&mut self, decided: &mut Decided, sale: SaleTag, error: &StoreError) -> bool {
        self.note_failure(sale, error);
        let (at, now) = (decided.at, self.now);
        let Some(replica) = self.replicas.get_mut(&sale) else { return false };
        match error {
            StoreError::Behind { .. } => self.catch_up(decided, sale).await.is_ok(),
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
            | StoreError::NotForStore
            | StoreError::Refused(_) => false,
        }
    }

    /// Reads all that the store has after this node's point.
    pub(super) async fn catch_up(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
    ) -> Result<(), StoreError> {
        loop {
            let facts = self.store().facts(sale, &self.point(sale), 256).await?;
            if facts.entries.is_empty() {
                return Ok(());
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
            let Some(replica) = self.replicas.get_mut(&sale) else { return Ok(()) };
            replica.called_at = Millis(0);
            let Some(call) = self.call(decided, sale, Vec::new()) else {
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
                let notes = [Note::Part { node: &name, silent_ms: 0 }];
                let batch = Batch {
                    sale,
                    epoch,
                    after: &after,
                    node: &name,
                    stalled: true,
                    notes: &notes,
                    commands: &[],
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

/// Whether a command is no question: it tells of order events, or only wants this node to have heard.
fn is_note(command: &Command) -> bool {
    match command {
        Command::Delivered { .. } | Command::DeadLetter { .. } | Command::Requeue { .. } => true,
        Command::Idle { numbers, .. } => numbers.is_empty(),
        Command::Enter { .. }
        | Command::Leave { .. }
        | Command::Claim { .. }
        | Command::Purchase { .. }
        | Command::Settle { .. }
        | Command::EndSession { .. }
        | Command::Create { .. }
        | Command::Change { .. } => false,
    }
}

/// The hold that a purchase made.
fn made(verdict: &Verdict) -> Option<HoldId> {
    let Verdict::Purchase(Ok(told)) = verdict else { return None };
    (!told.replayed).then_some(told.hold)
}

/// The reply to a command for a sale that is not there.
fn no_sale(command: &Command) -> Reply {
    match command {
        Command::Enter { .. } => Reply::Entry(Err(EntryRefusal::NoSale)),
        Command::Leave { .. } => Reply::Left(Err(PlaceRefusal::NoPlace)),
        Command::Claim { .. } => Reply::Claim(Err(PlaceRefusal::NoPlace)),
        Command::Purchase { .. } => Reply::Purchase(Err(PurchaseRefusal::NoSale)),
        Command::Settle { .. } => Reply::Settle(Err(SettleRefusal::NoHold)),
        Command::EndSession { .. } => Reply::Ended(Err(EndRefusal::NoSession)),
        Command::Idle { .. }
        | Command::Delivered { .. }
        | Command::DeadLetter { .. }
        | Command::Requeue { .. } => Reply::Noted(0),
        Command::Create { .. } | Command::Change { .. } => {
            unreachable!("operators' commands are decided elsewhere")
        }
    }
}
