//! Sales that the store lost: the nodes come together, and the one that knows most writes it anew.

use super::{
    Node,
    replica::{GATHER_MS, ReplicaState},
};
use crate::{
    arbiter::{
        Decided,
        redis::{Entry, Quorum, QuorumAnswer, Rebuild, StoreError},
    },
    codec::Binary as _,
    id::{Epoch, NodeName, SaleTag},
    limits::{PLACES_MAX, SKIPPED_NUMBERS},
    record::{Author, Change, Record},
    sale::Sale,
    stream::Point,
};

impl Node {
    /// One step for each sale that is not followed.
    pub(super) async fn gather(&mut self, decided: &mut Decided) {
        let at = decided.at;
        let is_due = |state: &ReplicaState| match state {
            ReplicaState::Following => false,
            ReplicaState::Gathering { next, .. } => at >= *next,
            ReplicaState::Adopting => true,
        };
        let lost = self.replicas.iter().filter(|(_, replica)| is_due(&replica.state));
        let lost: Vec<SaleTag> = lost.map(|(tag, _)| *tag).collect();
        for tag in lost {
            // One after the other: the first that fails speaks for all of its shard.
            if self.is_away(tag) {
                continue;
            }
            if let Err(error) = self.regain(decided, tag).await {
                self.note_failure(tag, &error);
                if let Some(replica) = self.replicas.get_mut(&tag) {
                    replica.gather(at.after(GATHER_MS), &error.to_string());
                }
            }
        }
    }

    async fn regain(&mut self, decided: &mut Decided, tag: SaleTag) -> Result<(), StoreError> {
        if self.replicas.get(&tag).is_some_and(|replica| replica.state == ReplicaState::Adopting) {
            return self.adopt(decided, tag).await;
        }
        self.store().load_library(tag).await?;
        // What the store still has, it may have from nobody else.
        let caught_up = self.catch_up(decided, tag).await;
        if let Err(
            error
            @ (StoreError::Unavailable(_) | StoreError::Elsewhere(_) | StoreError::Refused(_)),
        ) = caught_up
        {
            return Err(error);
        }
        let Some(sale) = self.world.sale(tag) else { return Ok(()) };
        let (point, node) = (self.point(tag), self.options.node.clone());
        let mut members: Vec<NodeName> = sale.members().nodes().cloned().collect();
        if !members.contains(&node) {
            members.push(node.clone());
        }
        let wait_ms = self.options.muster_wait_ms;
        let quorum = Quorum { sale: tag, node: &node, point: &point, members: &members, wait_ms };
        let next = decided.at.after(GATHER_MS);
        let answer = match self.store().quorum(&quorum).await {
            Err(StoreError::UnknownSale) => {
                self.drop_deleted(decided, tag, point);
                return Ok(());
            }
            answer => answer?,
        };
        let Some(replica) = self.replicas.get_mut(&tag) else { return Ok(()) };
        match answer {
            QuorumAnswer::Open { epoch } => {
                replica.epoch = epoch;
                replica.state = ReplicaState::Following;
                // Another history: it was rebuilt while this node was away.
                let known = self.store().facts(tag, &point, 1).await;
                if matches!(known, Err(StoreError::Diverged { .. } | StoreError::Trimmed { .. })) {
                    return self.adopt(decided, tag).await;
                }
            }
            QuorumAnswer::Loading { epoch, .. } => {
                replica.gather(next, &format!("another node is writing it, in epoch {}", epoch.0));
            }
            QuorumAnswer::Wait { present } => {
                let absent = members.iter().filter(|node| !present.contains(node));
                let absent: Vec<&str> = absent.map(NodeName::as_str).collect();
                let why = if absent.is_empty() {
                    "another node is about to write it".to_owned()
                } else {
                    format!("waiting for {}", absent.join(", "))
                };
                replica.gather(next, &why);
            }
            QuorumAnswer::Rebuild { epoch, base_seq, missing } => {
                self.rebuild(decided, tag, epoch, base_seq, missing).await?;
            }
        }
        Ok(())
    }

    /// Writes the sale anew from this node's world.
    async fn rebuild(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
        epoch: Epoch,
        base_seq: u64,
        missing: Vec<NodeName>,
    ) -> Result<(), StoreError> {
        let (Some(sale), Some(replica)) = (self.world.sale(tag), self.replicas.get(&tag)) else {
            return Ok(());
        };
        let (at, last) = (decided.at, self.point(tag));
        let record = rebuilt(sale, epoch, &last, missing);
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let point = last.next(epoch, self.options.node.as_str(), &bytes);
        let mut changed = sale.clone();
        changed.apply(&record, at);
        let own = Entry { at, point, records: vec![record] };

        let (base, mut entries) = replica.since(base_seq, last);
        entries.push(own.clone());
        let (sale, last) = (&changed, &point);
        let load = Rebuild { sale, at, epoch, last, base: &base, entries: &entries };
        self.store().load(&load).await?;
        self.store().announce(&changed.spec().name).await?;
        self.follow(decided, tag, vec![own], &[]);
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.epoch = epoch;
            replica.state = ReplicaState::Following;
        }
        Ok(())
    }

    /// Lets go of a sale that was deleted so long ago that the facts are no longer there.
    fn drop_deleted(&mut self, decided: &mut Decided, sale: SaleTag, point: Point) {
        let (author, change) = (Author::store(), Box::new(Change::Delete));
        let records = vec![Record::Changed { sale, author, change, replay: None }];
        self.follow(decided, sale, vec![Entry { at: decided.at, point, records }], &[]);
    }
}

/// The fact of a rebuild. What a missing node may have done besides is set aside.
fn rebuilt(sale: &Sale, epoch: Epoch, last: &Point, missing: Vec<NodeName>) -> Record {
    let room = u32::try_from(PLACES_MAX - sale.issued().0).unwrap_or(u32::MAX);
    let (stranded, skipped) = if missing.is_empty() {
        (Vec::new(), 0)
    } else {
        let available = sale.counts().iter().map(|counts| counts.available);
        (available.collect(), SKIPPED_NUMBERS.min(room))
    };
    Record::Rebuilt { sale: sale.tag(), epoch, after: last.seq, missing, stranded, skipped }
}
