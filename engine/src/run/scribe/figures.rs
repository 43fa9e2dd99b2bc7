//! Whose figures are published after a batch: those of the sales that had facts in it, and a few of the others
//! in turn, for what time alone changes. So a batch costs the same however many sales there are.

use std::vec::Drain;

use crate::{
    by_sale::BySale, clock::Millis, id::SaleTag, limits::FIGURES_SALES_MAX, publisher::Publisher,
    world::World,
};

/// How often others have their turn: as often as an idle scribe takes one.
const ROUND_MS: u64 = 50;

/// Whose figures are due.
#[derive(Debug)]
pub(super) struct Figures {
    /// Sales that had facts in the present batch; emptied after it, for its memory.
    touched: Vec<SaleTag>,
    next_round: Millis,
    /// Whose turn was last; `None` before the first of a round.
    last: Option<SaleTag>,
}

impl Figures {
    pub(super) fn new(at: Millis) -> Self {
        Self { touched: Vec::new(), next_round: at, last: None }
    }

    /// A sale had a fact.
    pub(super) fn touch(&mut self, tag: SaleTag) {
        if self.touched.last() != Some(&tag) {
            self.touched.push(tag);
        }
    }

    /// Publishes the figures that are due; answers of which sales, each once.
    pub(super) fn publish(
        &mut self,
        publishers: &mut BySale<Publisher>,
        world: &World,
        at: Millis,
    ) -> Drain<'_, SaleTag> {
        if at >= self.next_round {
            self.next_round = at.after(ROUND_MS);
            let turn = publishers.tags_after(self.last).take(FIGURES_SALES_MAX);
            let turn: Vec<SaleTag> = turn.collect();
            self.last = turn.last().copied().filter(|_| turn.len() == FIGURES_SALES_MAX);
            self.touched.extend(turn);
        }
        self.touched.sort_unstable();
        self.touched.dedup();
        for tag in &self.touched {
            if let (Some(publisher), Some(sale)) = (publishers.get_mut(*tag), world.sale(*tag)) {
                publisher.publish_figures(sale, at);
            }
        }
        self.touched.drain(..)
    }
}
