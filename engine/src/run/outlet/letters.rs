//! Dead letters as operators are shown them: those of the sinks that there are.

use super::Outlet;
use crate::{
    id::{EventId, SinkName},
    registry::{Changes, DeadLetter},
    sale::Sale,
    world::World,
};

impl Outlet {
    /// The dead letters of a world.
    pub(crate) fn dead_letters(&self, world: &World) -> Changes {
        let mut letters = Changes::new();
        for sale in world.sales() {
            for sink in self.sinks() {
                note_letters(&mut letters, Some(sale), sink, sale.outbox().dead_of(sink));
            }
        }
        letters
    }
}

/// Whether some events of a sale are dead letters of a sink, as changes of the list.
pub(crate) fn note_letters(
    letters: &mut Changes,
    sale: Option<&Sale>,
    sink: SinkName,
    events: impl IntoIterator<Item = EventId>,
) {
    if let Some(sale) = sale {
        let name = &sale.spec().name;
        let letter = |event| ((name.clone(), event, sink), dead_letter(sale, sink, event));
        letters.extend(events.into_iter().map(letter));
    }
}

fn dead_letter(sale: &Sale, sink: SinkName, event: EventId) -> Option<DeadLetter> {
    let (pending, why) = (sale.outbox().get(event)?, sale.outbox().why_dead(sink, event)?);
    let (at, hold, why) = (pending.at, pending.hold.id, why.to_string());
    let (sale, epoch) = (sale.spec().name.clone(), sale.epoch());
    Some(DeadLetter { sale, event, sink, at, epoch, hold, why })
}
