//! What is noted of a deal beside its row: who did what, and what it is found by.

use commons::{
    audit::{self, Actor, Detail},
    ids::Person,
    label::Label,
    search::{self, Document},
};
use identity::ids::BusinessId;
use store::{Tx, sea_orm::DbErr};

use super::model::{Deal, Decider, subject};

/// Who decides, as the audit has them.
pub(super) fn actor(by: Decider<'_>) -> Actor {
    let (account, role) = match by {
        Decider::Owner(approved) => (approved.business().account, Label::new("business")),
        Decider::Operator(live) => (live.id(), Label::new("operator")),
    };
    Actor { person: Some(Person(account.0)), role }
}

/// The platform itself, when a business may not sell any more.
pub(super) const PLATFORM: Actor = Actor { person: None, role: Label::new("platform") };

/// Notes what somebody does to a deal.
pub(super) async fn note(
    tx: &Tx,
    actor: &Actor,
    action: Label,
    deal: &Deal,
    detail: &Detail,
) -> Result<(), DbErr> {
    let subject = subject(deal.id);
    audit::note(tx, &audit::New { actor, action, subject: &subject, detail }).await.map(drop)
}

/// The tag of a business's deals.
pub(super) fn business_tag(business: BusinessId) -> String {
    format!("business:{business}")
}

/// Has a published deal found by its words, until it is called off.
pub(super) async fn index(tx: &Tx, deal: &Deal) -> Result<(), DbErr> {
    let subject = subject(deal.id);
    if deal.cancelled_at.is_some() {
        return search::remove(tx, &subject).await.map(drop);
    }
    let business = business_tag(deal.business);
    let document = Document {
        subject: &subject,
        title: &deal.terms.title,
        text: &deal.terms.description,
        tags: &[deal.terms.category.code(), &business],
        at: deal.terms.hours.starts_at(),
        over_at: Some(deal.over_at),
    };
    search::put(tx, &document).await
}
