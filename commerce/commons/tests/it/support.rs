//! What these tests begin with, and workers that run beside one.

use commons::{SCHEMA, ids::Person, label::Label, subject::Subject};
use store::{Db, Id, fact::Listeners, trial::Trial};

pub(crate) const DEAL: Label = Label::new("deal");

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) async fn open(trial: &Trial) -> Db {
    trial.open(SCHEMA, Listeners::default()).await
}

/// A person who was not there before.
pub(crate) fn person(db: &Db) -> Person {
    Person::new(db.now())
}

/// A deal that was not there before.
pub(crate) fn deal(db: &Db) -> Subject {
    Subject::new(DEAL, Id::new(db.now()))
}
