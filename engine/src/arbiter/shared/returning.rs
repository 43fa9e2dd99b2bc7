//! The return of a node that was missing when the others rebuilt the store.
//!
//! Since then units are stranded that it may have sold. It says what it had promised, from its own
//! journal, and what nobody can have promised is for sale again. Who does not know all that it had
//! acknowledged, for its disk was lost or it died before it could say so, says nothing: then an operator
//! decides.

use super::{Node, course::Standing};
use crate::{arbiter::Decided, id::SaleTag, record::Author};

impl Node {
    /// Says of each sale where this node is missed what it had done.
    pub(super) async fn say_returned(&mut self, decided: &mut Decided) {
        let following =
            self.courses.iter().filter(|(_, course)| course.standing == Standing::Following);
        let following: Vec<SaleTag> = following.map(|(tag, _)| *tag).collect();
        for tag in following {
            let Some(promised) = self.promised(tag).filter(|_| !self.is_away(tag)) else {
                continue;
            };
            let node = &self.options.node;
            let sale = self.world.sale(tag);
            let Some(change) = sale.and_then(|sale| sale.returned(node, promised)) else {
                continue;
            };
            let author = Author { name: format!("node {}", node.as_str()) };
            // What fails is said again in the next turn.
            if let Err(error) = self.change(decided, tag, &author, &change).await {
                self.note_failure(tag, &error);
            }
        }
    }

    /// Units of each offer that this node promised and nobody else knows of; `None` when it is not missed,
    /// or does not know.
    fn promised(&self, tag: SaleTag) -> Option<Vec<u64>> {
        let (sale, course) = (self.world.sale(tag)?, self.courses.get(&tag)?);
        let epoch = sale.crew().missed_since(&self.options.node)?;
        // The others knew all of it, as this node has followed them since without a break.
        let nothing =
            || self.world.knows_since_before(tag, epoch).then(|| vec![0; sale.counts().len()]);
        course.promised.clone().or_else(nothing)
    }
}
