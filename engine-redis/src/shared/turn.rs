//! A turn of the scribe: what was done beside it, sales that others made, operators, calls, lost sales.

use std::{collections::BTreeSet, mem, time::Duration};

use engine::{
    arbiter::Decided,
    clock::Millis,
    command::{Command, Reply},
    id::SaleTag,
    limits::{CLOCK_LEAP_MS, SALES_MAX},
};
use tokio::time::sleep;

use super::{
    asked::Sorted, beside::Done, breaker::Breakers, due::ROUND_MS, node::Node, replica::Replica,
};
use crate::store::{Hints, Shard, Store, StoreError};

/// How often the store is asked for sales that other nodes made.
const SURVEY_MS: u64 = 1_000;

/// How long a turn in which nothing is asked is given to the client, to hear which sales moved.
const LISTEN: Duration = Duration::from_millis(1);

/// How long a turn without a store is given to the client, to connect again, and one in which nothing is
/// asked to work beside it.
const DRIVE: Duration = Duration::from_millis(10);

impl Node {
    pub(super) async fn turn(
        &mut self,
        decided: &mut Decided,
        commands: &mut dyn Iterator<Item = &Command>,
    ) {
        let mut sorted = Sorted::default();
        for command in commands {
            sorted.take(decided.replies.len(), command);
            decided.replies.push(Reply::Unavailable);
        }
        self.turn += 1;
        let is_round = decided.at >= self.next_round;
        self.is_all_due |= is_round;
        self.are_quiet_left &= !is_round;
        self.take_turn(decided, sorted, is_round).await;
        decided.is_more_due |= self.are_quiet_left;
        self.note_leap(decided.at);
        if mem::take(&mut self.is_all_due) {
            self.next_round = decided.at.after(ROUND_MS);
            self.look_for_troubles();
        }
    }

    /// Notes that the store's clock leapt, if a sale's time was moved so far: the others are called soon, for
    /// their schedules go by it.
    fn note_leap(&mut self, decided_at: Millis) {
        let set = mem::take(&mut self.clocks_set);
        if !set.is_empty() && decided_at.since(self.now.at) >= CLOCK_LEAP_MS / 2 {
            // Others may have been called in this turn too, just before the clock leapt.
            let others = self.replicas.iter_mut().filter(|(tag, _)| !set.contains(tag));
            others.for_each(|(_, replica)| replica.calls.miss_leap());
        }
    }

    async fn take_turn(&mut self, decided: &mut Decided, sorted: Sorted, is_round: bool) {
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
        self.read_archived(decided).await;
        self.tend_files();
        Box::pin(self.read_unfiled(decided)).await;
        for (index, operation) in &sorted.operations {
            if !self.is_away(operation.sale()) {
                decided.replies[*index] = Box::pin(self.operate(decided, operation)).await;
            }
        }
        self.ask(decided, sorted.asked, is_round).await;
        if self.is_all_due {
            Box::pin(self.gather(decided)).await;
            let has_surveyed = self.next_survey > Millis(0);
            let is_joining = |(tag, replica): (&SaleTag, &Replica)| {
                let joins = replica.joining_since.is_some() && !replica.is_out_of_service();
                joins && !self.is_only_read(*tag)
            };
            let is_any_joining = self.replicas.iter().any(is_joining);
            self.has_served |= has_surveyed && !is_any_joining;
            Box::pin(self.say_returned(decided)).await;
            self.save_archived(decided.at).await;
        }
        if self.breakers.is_any_open() && self.replicas.keys().all(|sale| self.is_away(*sale)) {
            // No server was called: the client comes back while it is driven, and only then.
            sleep(DRIVE).await;
        }
    }

    /// Takes up what was done since the last turn.
    async fn finish(&mut self, decided: &mut Decided) {
        while let Some((tag, done)) = self.beside.done() {
            let outcome = match done {
                Done::Written(own, outcome) => {
                    outcome.and_then(|()| self.written(decided, tag, *own))
                }
                Done::Fetched(outcome) => outcome.map(|fetched| self.fetched(tag, *fetched)),
            };
            if let Err(error) = outcome {
                self.gave_up(decided.at, tag, &error);
            }
        }
        self.take_over(decided).await;
        decided.is_more_due |= self.beside.is_busy();
    }

    /// Takes up which sales moved, as the store says.
    fn hear_moves(&mut self, at: Millis) {
        let hints = self.hints.as_ref();
        let (hearing, moved) =
            (hints.and_then(Hints::hearing), hints.map(Hints::take).unwrap_or_default());
        if hearing != self.heard {
            // Between two connections any of them may have moved.
            self.replicas.values_mut().for_each(|replica| replica.calls.stir(at));
            self.heard = hearing;
            if hearing.is_some() {
                self.packed.doubt_all(&self.world);
            }
        }
        if self.heard.is_none() {
            self.packed.doubt_unheard(&self.world, at);
        }
        for tag in moved {
            let is_called = self.world.sale(tag).is_none_or(|sale| self.is_called(sale));
            match self.replicas.get_mut(&tag) {
                Some(replica) if is_called => replica.calls.stir(at),
                _ if self.world.is_archived(tag) => self.packed.doubt(tag),
                _ => {}
            }
        }
    }

    /// Looks for what an operator should know.
    fn look_for_troubles(&mut self) {
        let Self { breakers, replicas, filings, packed, now, world, listed, .. } = &*self;
        let of_sale = |tag: SaleTag, trouble: String| {
            let known = world.sale(tag).map(|sale| &sale.spec().name);
            let name = known.or_else(|| listed.get(&tag));
            name.map_or_else(|| trouble.clone(), |name| format!("sale {name}: {trouble}"))
        };
        let lost = replicas
            .iter()
            .filter(|(tag, replica)| !replica.is_following() || !self.is_only_read(**tag))
            .filter_map(|(tag, replica)| Some(of_sale(*tag, replica.trouble(now.at)?)));
        let unfiled = filings.troubles().map(|(tag, why)| {
            of_sale(tag, format!("its file cannot be written, and it is not archived here: {why}"))
        });
        let unserved = (self.unserved > 0).then(|| {
            let count = self.unserved;
            format!("the store has {count} sales more than the {SALES_MAX} that a node serves")
        });
        let of_sales = lost.chain(unfiled).chain(unserved).chain(packed.troubles(now.at));
        self.troubles = breakers.troubles().chain(of_sales).collect();
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

    /// Finds sales that other nodes made, and lists again what the list's own shard has lost.
    async fn survey(&mut self, decided: &mut Decided) {
        if decided.at < self.next_survey {
            return;
        }
        self.next_survey = decided.at.after(SURVEY_MS);
        let own = self.store().shard_of_sales();
        let mut used: BTreeSet<Shard> =
            self.replicas.keys().map(|sale| self.shard(*sale)).collect();
        used.extend([own.clone(), self.store().shard_of_archived()]);
        used.extend(self.shards_of_packed());
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
        self.look_for_servers(decided.at).await;
        self.listed = names.into_iter().map(|name| (name.tag(), name)).collect();
        let listed: Vec<SaleTag> = self.listed.keys().copied().collect();
        self.unserved = 0;
        for tag in &listed {
            let is_given_up = self.replicas.get(tag).is_some_and(Replica::is_out_of_service);
            let is_new = !self.knows(*tag) && !is_given_up && !self.beside.takes(*tag);
            if is_new && self.world.live_sales() >= SALES_MAX {
                self.unserved += 1;
            } else if is_new && !self.is_away(*tag) {
                // A sale that is just being made or deleted is met again a second later.
                if let Err(error) = self.adopt(decided, *tag).await {
                    self.note_failure(*tag, &error);
                }
            }
        }
        let is_unlisted =
            |tag: &&SaleTag| !self.listed.contains_key(*tag) && !self.world.is_archived(**tag);
        let unlisted = self.replicas.keys().filter(is_unlisted).copied().collect();
        // Twice, for one that another node deletes is off the list before this node hears of it.
        for tag in self.unlisted.intersection(&unlisted) {
            if let Some(sale) = self.world.sale(*tag) {
                // What fails is made up for by the next survey.
                drop(self.store().announce(&sale.spec().name).await);
            }
        }
        self.unlisted = unlisted;
        Box::pin(self.survey_archived(decided)).await;
    }
}
