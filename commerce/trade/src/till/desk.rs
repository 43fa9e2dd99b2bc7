//! What is noted of an operator's decision about a payment.

use commons::{
    audit::{self, Actor, Detail},
    ids::Person,
    label::Label,
    subject::Subject,
};
use identity::account::Live;
use store::{Tx, sea_orm::DbErr};

use crate::payment::{Decision, Kept};

/// Notes who decided what about the payment of an order, in which doubt, and why.
pub(super) async fn note(
    tx: &Tx,
    operator: &Live,
    kept: &Kept,
    decision: Decision,
    reason: &str,
) -> Result<(), DbErr> {
    let actor = Actor { person: Some(Person(operator.id().0)), role: Label::new("operator") };
    let action = match decision {
        Decision::Accept => Label::new("payment.accepted"),
        Decision::Undo => Label::new("payment.undone"),
        Decision::UnitsGone => Label::new("payment.units_gone"),
    };
    let doubt = kept.payment.doubt().map(|doubt| format!("{doubt:?}")).unwrap_or_default();
    let detail = [
        ("payment", kept.id.to_string()),
        ("doubt", doubt),
        ("taken", kept.payment.taken().minor.to_string()),
        ("reason", reason.to_owned()),
    ];
    let detail: Detail = detail.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let subject = Subject::new(Label::new("order"), kept.order.0);
    audit::note(tx, &audit::New { actor: &actor, action, subject: &subject, detail: &detail })
        .await
        .map(drop)
}
