//! Taking a sale over: one that another node made, or one whose stream no longer has what this node
//! missed.

use super::{
    Node,
    course::{Course, Standing},
};
use crate::{
    arbiter::{Decided, redis::StoreError},
    codec::Binary as _,
    id::{Epoch, SaleTag},
    record::{Record, Stood},
    sale::Sale,
    stream::Point,
};

/// Bytes of a sale in one record of the journal.
const PART_BYTES: usize = 1024 * 1024;

impl Node {
    /// Follows a sale from where the stream begins, or from the snapshot. The turn takes no more of its
    /// facts after a snapshot.
    pub(super) async fn adopt(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
    ) -> Result<(), StoreError> {
        if self.world.sale(tag).is_none() {
            let facts = self.store().facts(tag, &Point::START, 256).await;
            match facts {
                Ok(facts) => {
                    self.courses.insert(tag, Course::at(facts.epoch));
                    self.follow(decided, tag, facts.entries, &[]);
                    return Ok(());
                }
                Err(StoreError::Trimmed { .. } | StoreError::Diverged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(snapshot) = self.store().snapshot(tag).await? else {
            return Err(StoreError::Reply("no snapshot of a sale whose stream was trimmed"));
        };
        let sale = Sale::decode(&mut snapshot.bytes.as_slice())
            .map_err(|_| StoreError::Reply("a snapshot that is no sale"))?;
        let mut forsaken = 0;
        if let Some(point) = self.world.point(tag) {
            forsaken = sale.crew().left_behind(point);
        }
        self.journal_whole(
            decided,
            tag,
            &snapshot.bytes,
            Stood { at: snapshot.at, point: snapshot.point },
        );
        let course = self.courses.entry(tag).or_insert_with(|| Course::at(Epoch(0)));
        course.epoch = snapshot.point.epoch;
        course.standing = Standing::Following;
        course.recent.clear();
        course.forsaken += forsaken;
        Ok(())
    }

    fn journal_whole(&mut self, decided: &mut Decided, sale: SaleTag, bytes: &[u8], stood: Stood) {
        let parts = bytes.chunks(PART_BYTES);
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.enumerate() {
            let (is_first, bytes) = (index == 0, part.to_vec());
            let stood = (index == last).then_some(stood);
            let record = Record::Adopted { sale, is_first, bytes, stood };
            self.world.apply(&record, decided.at);
            decided.records.push(record);
        }
        decided.at = decided.at.max(stood.at);
    }
}
