//! What a sink must be shown: a shadow of its place in every sale, from when it was put in on.

use std::collections::{BTreeMap, BTreeSet};

use engine::id::{EventId, HoldId, SaleTag, SinkName};

use crate::audit::{Audit, Made};

/// By default those of a sink that was there from the beginning: all events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dues {
    /// Events that waited for it when it was put in.
    left: BTreeSet<(SaleTag, EventId)>,
    /// What each sale had made by then. Every later event is for the sink as well.
    made: BTreeMap<SaleTag, Made>,
}

impl Dues {
    /// Those of a sink that is put in now.
    pub(crate) fn from_now(audit: &Audit, sink: SinkName) -> Self {
        Self { left: audit.waiting(sink).collect(), made: audit.made().collect() }
    }

    /// Whether the first events of a hold may have left before the sink was put in.
    pub(crate) fn may_begin_late(&self, sale: SaleTag, hold: HoldId) -> bool {
        self.made.get(&sale).is_some_and(|made| hold.0 <= made.holds)
    }

    /// Whatever does not wait for the sink any more was shown to it.
    pub(crate) fn check(
        &self,
        audit: &Audit,
        sink: SinkName,
        shown: &BTreeSet<(SaleTag, EventId)>,
    ) {
        let waiting: BTreeSet<_> = audit.waiting(sink).collect();
        let later = audit.made().flat_map(|(sale, made)| {
            let before = self.made.get(&sale).map_or(0, |made| made.events);
            (before + 1..=made.events).map(move |event| (sale, EventId(event)))
        });
        for event in self.left.iter().copied().chain(later) {
            let is_owed = !waiting.contains(&event) && !shown.contains(&event);
            assert!(!is_owed, "{sink} was never shown {event:?}, and it is gone");
        }
    }
}
