//! Sales that the store lost: the nodes come together, and the one that knows most rewrites it.

use engine::{
    arbiter::Decided,
    clock::Millis,
    codec::Binary as _,
    id::{Epoch, HoldId, NodeName, Number, SaleTag},
    limits::{PLACES_MAX, SILENT_KEPT_MS, SKIPPED_NUMBERS},
    record::{Author, Change, Record},
    sale::Sale,
    stream::Point,
};

use super::{
    beside::Writing,
    catch_up::CaughtUp,
    node::{Node, SharedOptions},
    replica::{GATHER_MS, ReplicaState},
};
use crate::store::{Entry, Present, Quorum, QuorumAnswer, Standing, StoreError};

impl Node {
    /// One step for each sale that is not followed.
    pub(super) async fn gather(&mut self, decided: &mut Decided) {
        let at = decided.at;
        let is_due = |state: &ReplicaState| match state {
            ReplicaState::Following | ReplicaState::Beside(_) | ReplicaState::OutOfService(_) => {
                false
            }
            ReplicaState::Gathering { next, .. } => at >= *next,
            ReplicaState::Adopting => true,
        };
        let lost = self.replicas.iter().filter(|(_, replica)| is_due(&replica.state));
        let lost = lost.map(|(tag, replica)| Lost {
            is_archived: self.world.is_archived(*tag),
            since: match replica.state {
                ReplicaState::Gathering { next, .. } => next,
                ReplicaState::Following
                | ReplicaState::Adopting
                | ReplicaState::Beside(_)
                | ReplicaState::OutOfService(_) => Millis(0),
            },
            tag: *tag,
        });
        let lost = gathered_together(lost.collect());
        let unreadable = self.replicas.iter().filter(|(_, replica)| {
            replica.is_unreadable && replica.calls.since(at) >= UNREADABLE_MS
        });
        let unreadable: Vec<SaleTag> = unreadable.map(|(tag, _)| *tag).collect();
        for tag in unreadable {
            self.read_again(decided, tag).await;
        }
        for tag in lost {
            // One after the other: the first that fails speaks for all of its shard.
            if self.is_away(tag) {
                continue;
            }
            if let Err(error) = self.regain(decided, tag).await {
                self.note_failure(tag, &error);
                self.ask_again(at, tag, &error);
            }
        }
    }

    /// Looks whether what could not be read can be by now.
    async fn read_again(&mut self, decided: &mut Decided, tag: SaleTag) {
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.calls.called(decided.at);
        }
        let is_read = !self.is_away(tag) && self.catch_up(decided, tag).await.is_ok();
        if let Some(replica) = self.replicas.get_mut(&tag).filter(|_| is_read) {
            (replica.failing, replica.is_unreadable) = (None, false);
        }
    }

    async fn regain(&mut self, decided: &mut Decided, tag: SaleTag) -> Result<(), StoreError> {
        if self.replicas.get(&tag).is_some_and(|replica| replica.state == ReplicaState::Adopting) {
            return self.adopt(decided, tag).await;
        }
        self.store().load_library(tag).await?;
        // What the store still has may come from this node alone.
        let caught_up = self.catch_up(decided, tag).await;
        if matches!(caught_up, Ok(CaughtUp::Partly)) {
            return Ok(());
        }
        if let Err(
            error @ (StoreError::Unavailable(_)
            | StoreError::Elsewhere(_)
            | StoreError::Refused(_)
            | StoreError::NotYet(_)
            | StoreError::Contradiction(..)),
        ) = caught_up
        {
            return Err(error);
        }
        let Some(sale) = self.world.sale(tag) else { return Ok(()) };
        let is_archived = sale.archive().is_some();
        let point = self.point(tag);
        let members = self.members_with_this(sale);
        let next = decided.at.after(GATHER_MS);
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.set_gathering(self.now);
        }
        let answer = match self.ask_quorum(tag, &point, &members).await {
            Err(StoreError::UnknownSale) => {
                self.drop_deleted(decided, tag, point);
                return Ok(());
            }
            answer => answer?,
        };
        let now = self.now;
        let Some(replica) = self.replicas.get_mut(&tag) else { return Ok(()) };
        replica.gathered_at = Some(now);
        match answer {
            QuorumAnswer::Open { epoch } => {
                replica.epoch = epoch;
                replica.state = ReplicaState::Following;
                replica.calls.stir(now.at);
                if is_archived {
                    replica.unsaved.doubt_later(now.at);
                }
                // Another history: it was rebuilt while this node was away.
                let known = self.store().facts(tag, &point, 1).await;
                if matches!(known, Err(StoreError::Diverged { .. } | StoreError::Trimmed { .. })) {
                    return self.adopt(decided, tag).await;
                }
            }
            QuorumAnswer::Loading { epoch, .. } => {
                let why = format!("another node is writing it, in epoch {}", epoch.0);
                replica.gather(now, next, &why);
            }
            QuorumAnswer::Wait { present } => {
                replica.gather(now, next, &waiting_for(&members, &present));
            }
            QuorumAnswer::Unsure { present } => {
                replica.gather(now, next, &unsure_of(&members, &present));
            }
            QuorumAnswer::Rebuild { epoch, missing, given, present } => {
                self.rebuild(decided.at, tag, epoch, Gathered { missing, given, present });
            }
        }
        Ok(())
    }

    /// Who serves a sale, as this node knows it, with itself.
    fn members_with_this(&self, sale: &Sale) -> Vec<NodeName> {
        let mut members: Vec<NodeName> = sale.members().nodes().cloned().collect();
        if !members.contains(&self.options.node) {
            members.push(self.options.node.clone());
        }
        members
    }

    async fn ask_quorum(
        &self,
        sale: SaleTag,
        point: &Point,
        members: &[NodeName],
    ) -> Result<QuorumAnswer, StoreError> {
        let replica = self.replicas.get(&sale);
        let SharedOptions { node, rebuild_store, muster_wait_ms, .. } = &self.options;
        let is_known = replica.is_some_and(|replica| replica.joining_since.is_none());
        let away_ms = replica.and_then(|replica| replica.out_of_touch_ms);
        // Of the loss that it was said of: that which the node met when it started.
        let is_told = *rebuild_store && replica.is_some_and(|replica| replica.touched.is_none());
        let quorum = Quorum {
            sale,
            node,
            point,
            members,
            // An operator's word is for both.
            is_known: is_known || is_told,
            out_of_touch_ms: away_ms.or_else(|| is_told.then_some(0)),
            wait_ms: *muster_wait_ms,
        };
        self.store().quorum(&quorum).await
    }

    /// Begins to rewrite the sale from this node's world.
    fn rebuild(&mut self, at: Millis, tag: SaleTag, epoch: Epoch, gathered: Gathered) {
        let Gathered { mut missing, given, mut present } = gathered;
        let (Some(sale), Some(replica)) = (self.world.sale(tag), self.replicas.get(&tag)) else {
            return;
        };
        let last = self.point(tag);
        // A node whose history may be another may have acknowledged what no other node knows, as if it were
        // not here. It says itself what that is, once it has taken over what this one writes.
        let is_other = |node: &Present| {
            let is_behind = node.point == last || replica.has_followed(&node.point);
            node.is_forked || sale.members().has(&node.node) && !is_behind
        };
        missing.extend(present.extract_if(.., |node| is_other(node)).map(|node| node.node));
        let away_ms = present.iter().filter_map(|node| node.out_of_touch_ms).min().unwrap_or(0);
        let record = rebuilt(sale, epoch, &last, missing.clone(), (given, away_ms));
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let point = last.next(epoch, self.options.node.as_str(), &bytes);
        let mut changed = sale.clone();
        changed.apply(&record, at);
        let own = Entry { at, point, records: vec![record] };

        let members = members_of(&changed, &present, &missing, at);
        let base_seq = present.iter().map(|node| node.point.seq).min();
        let (base, mut entries) = replica.since(base_seq.unwrap_or(last.seq), last);
        entries.push(own.clone());
        let sale = changed;
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.set_beside("this node writes it into the store");
        }
        let writing = Writing { sale, at, epoch, own, base, entries, members };
        let store = self.store().clone();
        self.beside.write(store, tag, writing);
    }

    /// The store has the sale as this node wrote it.
    pub(super) fn written(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
        own: Entry,
    ) -> Result<(), StoreError> {
        let epoch = own.point.epoch;
        self.follow(decided, tag, vec![own], &[])?;
        if let Some(replica) = self.replicas.get_mut(&tag) {
            (replica.epoch, replica.state) = (epoch, ReplicaState::Following);
            if self.world.sale(tag).is_some_and(|sale| sale.archive().is_some()) {
                replica.unsaved.want();
            }
        }
        Ok(())
    }

    /// Drops a sale that was deleted so long ago that the facts are no longer there.
    fn drop_deleted(&mut self, decided: &mut Decided, sale: SaleTag, point: Point) {
        let (author, change) = (Author::store(), Box::new(Change::Delete));
        let records = vec![Record::Changed { sale, author, change, replay: None }];
        drop(self.follow(decided, sale, vec![Entry { at: decided.at, point, records }], &[]));
    }
}

/// A sale that the nodes come together for; those that sort first come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lost {
    is_archived: bool,
    /// Since when it is due.
    since: Millis,
    tag: SaleTag,
}

/// Archived sales that one turn looks for the others of: two or three calls each. All of them have their turn
/// while the others still count as present.
const ARCHIVED_MAX: usize = 64;

/// Those of `all` that this turn takes: nobody waits for most of the archived ones.
fn gathered_together(mut all: Vec<Lost>) -> Vec<SaleTag> {
    all.sort_unstable();
    let others = all.iter().filter(|lost| !lost.is_archived).count();
    all.truncate(others + ARCHIVED_MAX);
    all.into_iter().map(|lost| lost.tag).collect()
}

/// How often a sale is read again that could not be read.
const UNREADABLE_MS: u64 = 1_000;

/// What nodes wait for that have come together.
fn waiting_for(members: &[NodeName], present: &[NodeName]) -> String {
    let absent = absent(members, present);
    if absent.is_empty() {
        "another node is about to write it".to_owned()
    } else {
        format!("waiting for {absent}")
    }
}

/// What an operator has to know who is asked whether others have served.
fn unsure_of(members: &[NodeName], present: &[NodeName]) -> String {
    let here = present.iter().map(NodeName::as_str).collect::<Vec<_>>().join(", ");
    let absent = absent(members, present);
    let missing = if absent.is_empty() { absent } else { format!("; {absent} not here") };
    format!(
        "lost by the store, and no node that is here was in touch with it until then, so others may have \
         served since (here: {here}{missing}). If none did, restart one of them with --rebuild-store"
    )
}

/// The members that are not there, by name.
fn absent(members: &[NodeName], present: &[NodeName]) -> String {
    let absent = members.iter().filter(|node| !present.contains(node));
    absent.map(NodeName::as_str).collect::<Vec<_>>().join(", ")
}

/// What the nodes that came together are like.
struct Gathered {
    /// Who serves the sale and did not come.
    missing: Vec<NodeName>,
    /// The last number of a place and of a hold in the store.
    given: (Number, HoldId),
    /// Who came.
    present: Vec<Present>,
}

/// What the store is to note of the nodes. One that is present and that all members knew before is still known
/// to all, also to those that are missing. Those that are missing, and those that were parted lately, may
/// come back and speak for the sale.
fn members_of(
    sale: &Sale,
    present: &[Present],
    missing: &[NodeName],
    at: Millis,
) -> Vec<(NodeName, Standing)> {
    let is_known = |name: &NodeName| present.iter().any(|node| node.node == *name && node.is_known);
    let standing = |name: &NodeName| {
        let standing = if is_known(name) { Standing::Known } else { Standing::Joining };
        (name.clone(), standing)
    };
    let since = Millis(at.0.saturating_sub(SILENT_KEPT_MS));
    let lately = sale.members().parted_since(since).filter(|name| !missing.contains(name));
    let silent = lately.chain(missing).map(|name| (name.clone(), Standing::Silent));
    sale.members().nodes().map(standing).chain(silent).collect()
}

/// The fact of a rebuild. What a missing node may have done besides, while none that is here heard of it, is
/// set aside.
fn rebuilt(
    sale: &Sale,
    epoch: Epoch,
    last: &Point,
    missing: Vec<NodeName>,
    (given, away_ms): ((Number, HoldId), u64),
) -> Record {
    let (mut stranded, mut skipped, mut skipped_holds) = (Vec::new(), 0, 0);
    let margin = u64::from(SKIPPED_NUMBERS) * (away_ms / 1_000 + 1);
    let beyond = |given: u64, known: u64| given.saturating_sub(known) + margin;
    let few = |numbers: u64| u32::try_from(numbers).unwrap_or(u32::MAX);
    if !missing.is_empty() {
        skipped_holds = few(beyond(given.1.0, sale.last_hold().0));
    }
    // In an archived sale nobody entered or bought meanwhile.
    if !missing.is_empty() && sale.archive().is_none() {
        stranded = sale.counts().iter().map(|counts| counts.available).collect();
        let room = PLACES_MAX - sale.issued().0;
        skipped = few(beyond(given.0.0, sale.issued().0).min(room));
    }
    let (sale, after) = (sale.tag(), last.seq);
    Record::Rebuilt { sale, epoch, after, missing, stranded, skipped, skipped_holds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_gathers_few_archived_sales_behind_all_others_and_those_first_that_wait_longest() {
        let lost = |is_archived: bool, since: u64, tag: u64| Lost {
            is_archived,
            since: Millis(since),
            tag: SaleTag(tag),
        };
        let archived = (0..1_000).map(|tag| lost(true, 1_000 - tag, tag));
        let others = (1_000..1_300).map(|tag| lost(false, 2_000, tag));
        let taken = gathered_together(archived.chain(others).collect());
        let expected = (1_000..1_300).chain((1_000 - ARCHIVED_MAX as u64..1_000).rev());
        assert_eq!(taken, expected.map(SaleTag).collect::<Vec<_>>());
    }
}
