//! The stream of a sale: what it has, what a node adds, and a sale written whole.

use engine::{
    codec::Binary as _,
    id::{Epoch, NodeName, SaleTag},
    record::Record,
    sale::Sale,
    stream::Point,
};
use fred::types::Value;

use super::{
    Store, StoreError,
    answer::{self, Facts},
    call::{Keys, Writes, bytes, number},
    parts::{self, Rebuild},
};

impl Store {
    /// Appends the fact of an operator's change that this node decided on its own world, if the stream
    /// still ends at `after`; otherwise [`StoreError::Moved`] says to read on and decide again. To be read on
    /// by a batch, not by [`Self::facts`]: it joins if the node was parted, and who does not serve changes
    /// nothing. [`StoreError::PastHolds`] asks for [`Self::forget_past_holds`] first. `node` is this one if a caller is told that it was done: then all others have to know
    /// that it serves. `sale` is that world's.
    pub async fn append(
        &self,
        node: Option<&NodeName>,
        epoch: Epoch,
        after: &Point,
        changed: &Record,
        sale: &Sale,
    ) -> Result<Facts, StoreError> {
        let Record::Changed { change, .. } = changed else {
            unreachable!("only changes are decided here: {changed:?}");
        };
        let effects = parts::effects(change, sale);
        let mut records = Vec::new();
        changed.encode(&mut records);
        let mut arguments = vec![number(epoch.0)];
        arguments.extend(answer::point_arguments(after));
        arguments.extend([Value::from(node.map_or("", NodeName::as_str)), bytes(&records)]);
        arguments.extend(effects);
        let value = self.call("append", Keys::Of(sale.tag()), arguments, Writes::Yes).await?;
        answer::facts(value)
    }

    /// Forgets holds that ended long ago, as many as the store does at once, if the stream still ends at `after`.
    /// For a sale that is about to be archived, which forgets all of them.
    pub async fn forget_past_holds(
        &self,
        sale: SaleTag,
        epoch: Epoch,
        after: &Point,
    ) -> Result<(), StoreError> {
        let mut arguments = vec![number(epoch.0)];
        arguments.extend(answer::point_arguments(after));
        answer::nothing(self.call("forget", Keys::Of(sale), arguments, Writes::Yes).await?)
    }

    /// Entries after a point, at most `count`.
    pub async fn facts(
        &self,
        sale: SaleTag,
        after: &Point,
        count: u32,
    ) -> Result<Facts, StoreError> {
        self.facts_as(None, sale, after, count).await
    }

    /// The same, for a node that asks whether all others know it.
    pub async fn facts_as(
        &self,
        node: Option<&NodeName>,
        sale: SaleTag,
        after: &Point,
        count: u32,
    ) -> Result<Facts, StoreError> {
        let mut arguments: Vec<Value> = answer::point_arguments(after).into();
        arguments.extend([number(count), Value::from(node.map_or("", NodeName::as_str))]);
        let value = self.call("facts", Keys::Of(sale), arguments, Writes::No).await?;
        answer::facts(value)
    }

    /// Writes a sale into the store under a higher epoch, in place of what was there: nothing, a sale
    /// that was deleted, or one that lost its server. The last part opens it; a load that failed is
    /// begun again under a yet higher epoch.
    pub async fn load(&self, rebuild: &Rebuild<'_>) -> Result<(), StoreError> {
        for part in parts::of(rebuild) {
            let mut arguments = vec![number(rebuild.epoch.0), bytes(&self.loader)];
            arguments.extend(part);
            let keys = Keys::Of(rebuild.sale.tag());
            let value = self.call("load", keys, arguments, Writes::Yes).await?;
            answer::nothing(value)?;
        }
        Ok(())
    }
}
