//! Asking the server, after the run, for everything it acknowledged.
//!
//! Owns the questions; [`crate::audit`] judges the answers. Every ticket and every purchase is
//! asked for, not a sample: one forgotten in twenty thousand is still a broken promise.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::client::{Answer, Call};
use crate::ledger::{PurchaseAnswer, Record, TicketAnswer};
use crate::rng::Rng;
use crate::run::Run;
use crate::wire::{Place, Purchase};

/// Waiting longer for one answer, with all the others being asked too, counts as none.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// Asks for every acknowledged ticket.
pub(crate) async fn tickets(run: &Arc<Run>, records: &[Record]) -> Vec<TicketAnswer> {
    let mut asking = JoinSet::new();
    for record in records {
        let Some(entry) = record.entry.as_ref() else { continue };
        let (run, index) = (Arc::clone(run), record.index);
        let call = Call::get(run.path("/position"), &entry.ticket);
        asking.spawn(async move {
            let answer = ask(&run, &call, index).await;
            let place = answer.as_ref().and_then(Answer::parse::<Place>);
            TicketAnswer {
                index,
                at: answer.as_ref().map_or_else(|| run.clock.now(), |answer| answer.sent),
                status: answer.as_ref().map_or(0, |answer| answer.status),
                number: place.and_then(|place| place.number),
                code: answer.as_ref().map(Answer::code).unwrap_or_default(),
            }
        });
    }
    asking.join_all().await
}

/// Asks for every acknowledged purchase, as the backend.
pub(crate) async fn purchases(run: &Arc<Run>, records: &[Record]) -> Vec<PurchaseAnswer> {
    let mut asking = JoinSet::new();
    for record in records {
        let Some(bought) = record.purchase.as_ref() else { continue };
        let (run, index) = (Arc::clone(run), record.index);
        let call = Call::get(run.path(&format!("/purchases/{}", bought.id)), &run.backend_key);
        asking.spawn(async move {
            let answer = ask(&run, &call, index).await;
            let purchase = answer.as_ref().and_then(Answer::parse::<Purchase>);
            PurchaseAnswer {
                index,
                status: answer.as_ref().map_or(0, |answer| answer.status),
                state: purchase.as_ref().map(|purchase| purchase.state),
                units: purchase.as_ref().map_or(0, Purchase::units),
                id: purchase.map(|purchase| purchase.id).unwrap_or_default(),
            }
        });
    }
    asking.join_all().await
}

async fn ask(run: &Run, call: &Call, index: usize) -> Option<Answer> {
    let mut rng = Rng::new(index as u64);
    let asked = tokio::time::timeout(ANSWER_MAX, run.insist(call, &mut rng)).await;
    asked.ok().map(|settled| settled.answer)
}
