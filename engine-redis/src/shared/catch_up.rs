//! Reading on: what this node missed, and what an error of a call leads to.

use engine::{arbiter::Decided, id::SaleTag};

use super::{asked::Asked, node::Node, replica::ReplicaState};
use crate::store::StoreError;

/// Records of one turn, of all its sales, from which on it reads no more of what a sale missed: some ten
/// megabytes. The next turn follows at once, and the other sales have theirs.
const CATCH_UP_RECORDS_MAX: usize = 65_536;
/// Entries that are read at once.
const CATCH_UP_ENTRIES: u32 = 32;
/// How often one batch is tried again after this node has read what it had missed.
pub(super) const TRIES: usize = 4;

/// How far a sale was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaughtUp {
    Whole,
    /// There is more, for the next turn.
    Partly,
}

impl Node {
    /// What an error of a call leads to; whether the call may be made again at once.
    pub(super) async fn mend(
        &mut self,
        decided: &mut Decided,
        sale: SaleTag,
        error: &StoreError,
    ) -> bool {
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
            | StoreError::NotYet(_)
            | StoreError::StorageFull
            | StoreError::PastHolds
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
}
