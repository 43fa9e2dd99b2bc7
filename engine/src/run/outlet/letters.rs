//! Dead letters as operators are shown them: those of the sinks that there are.

use crate::{
    id::{EventId, SinkName},
    registry::{Changes, DeadLetter},
    sale::Sale,
};

/// Whether some events of a sale are dead letters of a sink, as changes of the list.
pub(super) fn note_letters(
    letters: &mut Changes,
    sale: &Sale,
    sink: SinkName,
    events: impl IntoIterator<Item = EventId>,
) {
    let name = &sale.spec().name;
    let letter = |event| ((name.clone(), event, sink), dead_letter(sale, sink, event));
    letters.extend(events.into_iter().map(letter));
}

fn dead_letter(sale: &Sale, sink: SinkName, event: EventId) -> Option<DeadLetter> {
    let (pending, why) = (sale.outbox().get(event)?, sale.outbox().why_dead(sink, event)?);
    let (at, hold, why) = (pending.at, pending.hold.id, why.to_string());
    let (sale, epoch) = (sale.spec().name.clone(), sale.epoch());
    Some(DeadLetter { sale, event, sink, at, epoch, hold, why })
}
