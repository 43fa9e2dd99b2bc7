//! The two writes around a call: what is asked, and what was heard.

use base::moment::Moment;
use store::{Tx, sea_orm::DbErr};

use crate::{
    gateway::Method,
    order::Order,
    payment::{self, Ask, Heard, Kept, Step},
};

/// A call that was noted, and is to be made.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The payment as it was then, the note included.
    pub(super) kept: Kept,
    pub(super) order: Order,
    pub(super) ask: Ask,
    /// The step that says so, and when it was written.
    pub(super) asked: u32,
    pub(super) at: Moment,
}

/// What a call came to, and how the shopper paid, if it says so.
pub(super) type Told = (Heard, Option<Method>);

/// Notes that a call is about to leave.
pub(super) async fn ask(tx: &Tx, mut kept: Kept, order: Order, ask: Ask) -> Result<Job, DbErr> {
    payment::add(tx, &mut kept, &Step::Asked(ask)).await?;
    let asked = kept.payment.steps();
    Ok(Job { kept, order, ask, asked, at: tx.now() })
}

/// Notes what it came to, even if the task was lost: a step says which call it answers.
pub(super) async fn hear(tx: &Tx, job: &Job, told: &Told) -> Result<Kept, DbErr> {
    let (heard, method) = told;
    let mut kept = payment::lock(tx, job.kept.id)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("payment {}", job.kept.id)))?;
    if let Some(method) = method.filter(|method| kept.method != Some(*method)) {
        payment::note_method(tx, &kept, method).await?;
    }
    let step = Step::Heard { asked: job.asked, heard: heard.clone() };
    payment::add(tx, &mut kept, &step).await?;
    Ok(kept)
}
