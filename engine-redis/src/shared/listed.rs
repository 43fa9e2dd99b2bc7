//! The store's list of archived sales: names that move there from the list of all sales, those that this node lacks,
//! and those that the list or the store lacks.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    arbiter::Decided,
    id::{SaleName, SaleTag},
};

use super::{node::Node, replica::Replica};
use crate::store::StoreError;

/// Archived sales that one survey begins to take over.
const TAKEN_OVER_MAX: usize = 64;
/// How often the store is asked how many archived sales are listed.
const COUNT_MS: u64 = 5_000;

impl Node {
    /// Moves the names of archived sales to a list of their own, and finds those on it that others archived.
    pub(super) async fn survey_archived(&mut self, decided: &mut Decided) {
        let own = self.store().shard_of_archived();
        if self.breakers.is_open(&own) {
            return;
        }
        match self.try_survey_archived(decided).await {
            Ok(()) => self.breakers.answered(own, decided.at),
            // The list alone moves to another shard: that hinders no sale of this one.
            Err(StoreError::Elsewhere(_)) => {}
            Err(error) => self.breakers.failed(own, &error),
        }
    }

    async fn try_survey_archived(&mut self, decided: &mut Decided) -> Result<(), StoreError> {
        let moved = self.listed.iter().filter(|(tag, _)| self.world.is_archived(**tag));
        let moved: Vec<SaleName> = moved.map(|(_, name)| name.clone()).collect();
        for name in moved {
            self.store().announce_archived(&name).await?;
        }
        let is_settled = !self.packed.is_list_doubted && self.packed.left == 0;
        if is_settled && decided.at < self.packed.next_count {
            return Ok(());
        }
        self.packed.next_count = decided.at.after(COUNT_MS);
        let count = self.store().count_archived().await?;
        if is_settled && count == self.world.archived_sales() as u64 {
            return Ok(());
        }
        let names = self.store().archived_sales().await?;
        self.packed.is_list_doubted = false;
        let listed: BTreeMap<SaleTag, SaleName> =
            names.into_iter().map(|name| (name.tag(), name)).collect();
        self.list_again(&listed).await?;
        let is_given_up =
            |tag: SaleTag| self.replicas.get(&tag).is_some_and(Replica::is_out_of_service);
        let is_new = |tag: &SaleTag| !self.knows(*tag) && !is_given_up(*tag);
        let new: Vec<SaleTag> = listed.keys().copied().filter(is_new).collect();
        self.packed.left = new.len();
        let may_begin = |tag: &SaleTag| !self.beside.takes(*tag) && !self.is_away(*tag);
        let begun: Vec<SaleTag> = new.into_iter().filter(may_begin).take(TAKEN_OVER_MAX).collect();
        let mut strays = BTreeSet::new();
        for tag in begun {
            match self.adopt(decided, tag).await {
                Ok(()) => {}
                // Who deleted it did not come to take its name off the list, or the store has just lost it.
                Err(StoreError::UnknownSale) => {
                    self.packed.left -= 1;
                    if self.packed.strays.contains(&tag) {
                        // A sale that is made is on the other list. If the store has this one again, the
                        // nodes that know it find that its name is missing, and list it again.
                        self.store().forget_archived(&listed[&tag]).await?;
                    } else {
                        strays.insert(tag);
                    }
                }
                Err(error) => self.note_failure(tag, &error),
            }
        }
        self.packed.strays = strays;
        Ok(())
    }

    /// Puts archived sales on the list that it lacks, unless the store lacks them too: first they are read.
    async fn list_again(&mut self, listed: &BTreeMap<SaleTag, SaleName>) -> Result<(), StoreError> {
        let archived = self.world.archived_tags();
        let missing: BTreeSet<SaleTag> = archived.filter(|tag| !listed.contains_key(tag)).collect();
        for tag in &missing {
            if !self.packed.unlisted.contains(tag) {
                self.packed.doubt(*tag);
            } else if !self.packed.unread.contains_key(tag)
                && self.replicas.get(tag).is_none_or(Replica::is_following)
                && let Some(sale) = self.world.archived_sale(*tag)
            {
                self.store().announce_archived(&sale.spec().name).await?;
            }
        }
        self.packed.unlisted = missing;
        Ok(())
    }
}
