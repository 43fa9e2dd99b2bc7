//! The tables of payments and their steps.

use base::{moment::Moment, money::Money};
use store::{
    At, Tx,
    sea_orm::{
        self, QueryOrder as _, QuerySelect as _, Set,
        entity::prelude::*,
        sea_query::{LockBehavior, LockType, SimpleExpr},
    },
};

use super::{
    kept::Kept,
    state::{Doubt, Payment},
    step::Step,
};
use crate::{
    gateway::{Method, Provider},
    ids::{OrderId, PaymentId},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PaymentId,
    #[sea_orm(unique)]
    pub order_id: OrderId,
    pub provider: Option<Provider>,
    pub reference: Option<String>,
    pub method: Option<Method>,
    pub currency: String,
    pub due: i64,
    pub taken: i64,
    pub back: i64,
    pub doubt: Option<Doubt>,
    pub doubt_at: Option<At>,
    pub steps: i64,
    pub proven: i64,
    pub opened_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

/// What happened to payments.
pub(super) mod step {
    use store::{
        At,
        sea_orm::{self, entity::prelude::*},
    };

    use crate::ids::PaymentId;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "payment_step")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub payment: PaymentId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub at: At,
        pub body: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) async fn insert(tx: &Tx, order: OrderId, due: Money) -> Result<PaymentId, DbErr> {
    let id = PaymentId::new(tx.now());
    let row = ActiveModel {
        id: Set(id),
        order_id: Set(order),
        provider: Set(None),
        reference: Set(None),
        method: Set(None),
        currency: Set(due.currency.code().to_owned()),
        due: Set(due.minor),
        taken: Set(0),
        back: Set(0),
        doubt: Set(None),
        doubt_at: Set(None),
        steps: Set(0),
        proven: Set(-1),
        opened_at: Set(tx.now().into()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

pub(super) async fn order_of(tx: &Tx, payment: PaymentId) -> Result<Option<OrderId>, DbErr> {
    let one = Entity::find_by_id(payment).select_only().column(Column::OrderId);
    one.into_tuple().one(tx).await
}

/// The payment of an order.
pub(super) async fn read_of(
    on: &impl ConnectionTrait,
    order: OrderId,
) -> Result<Option<Kept>, DbErr> {
    let row = Entity::find().filter(COLUMN.order_id.eq(order)).one(on).await?;
    match row {
        Some(row) => read(on, row).await.map(Some),
        None => Ok(None),
    }
}

/// A payment, from its steps.
pub(super) async fn read(on: &impl ConnectionTrait, row: Model) -> Result<Kept, DbErr> {
    let steps = in_order(on, row.id).await?;
    added_up(&row, &steps).map_err(|what| DbErr::Type(format!("payment {}: {what}", row.id)))
}

/// What happened to a payment, and when.
pub(super) async fn steps_of(
    on: &impl ConnectionTrait,
    id: PaymentId,
) -> Result<Vec<(Moment, Step)>, DbErr> {
    let read = |kept: step::Model| {
        let step = serde_json::from_str(&kept.body).map_err(|e| DbErr::Type(e.to_string()))?;
        Ok((kept.at.into(), step))
    };
    in_order(on, id).await?.into_iter().map(read).collect()
}

async fn in_order(on: &impl ConnectionTrait, id: PaymentId) -> Result<Vec<step::Model>, DbErr> {
    let steps = step::Entity::find().filter(step::Column::Payment.eq(id));
    steps.order_by_asc(step::Column::Seq).all(on).await
}

/// A payment from its row and its steps, or what cannot be read of it.
pub(super) fn added_up(row: &Model, steps: &[step::Model]) -> Result<Kept, String> {
    let due = Money::new(row.due, crate::kept::currency(&row.currency));
    let mut payment = Payment::new(due);
    for kept in steps {
        let read = serde_json::from_str::<Step>(&kept.body);
        let step = read.map_err(|error| format!("step {}: {error}", kept.seq))?;
        payment.apply(&step, kept.at.into());
        if i64::from(payment.steps()) != kept.seq {
            return Err(format!("step {} is missing", payment.steps()));
        }
    }
    let Model { id, order_id, provider, method, .. } = *row;
    Ok(Kept { id, order: order_id, provider, method, payment })
}

/// Writes a step, and what the steps come to with it.
pub(super) async fn add(
    tx: &Tx,
    id: PaymentId,
    payment: &Payment,
    step: &Step,
) -> Result<(), DbErr> {
    let body = serde_json::to_string(step).map_err(|error| DbErr::Type(error.to_string()))?;
    let row = step::ActiveModel {
        payment: Set(id),
        seq: Set(payment.steps().into()),
        at: Set(tx.now().into()),
        body: Set(body),
    };
    step::Entity::insert(row).exec_without_returning(tx).await?;
    let changes = ActiveModel {
        reference: Set(payment.reference().map(str::to_owned)),
        taken: Set(payment.taken().minor),
        back: Set(payment.back().minor),
        steps: Set(payment.steps().into()),
        ..Default::default()
    };
    update(tx, id, changes).await
}

/// Notes why a person has to look from now on, or that nobody has to.
pub(super) async fn set_doubt(tx: &Tx, id: PaymentId, doubt: Option<Doubt>) -> Result<(), DbErr> {
    let doubt_at = Set(doubt.map(|_| tx.now().into()));
    update(tx, id, ActiveModel { doubt: Set(doubt), doubt_at, ..Default::default() }).await
}

pub(super) async fn set_provider(tx: &Tx, id: PaymentId, provider: Provider) -> Result<(), DbErr> {
    update(tx, id, ActiveModel { provider: Set(Some(provider)), ..Default::default() }).await
}

pub(super) async fn set_method(tx: &Tx, id: PaymentId, method: Method) -> Result<(), DbErr> {
    update(tx, id, ActiveModel { method: Set(Some(method)), ..Default::default() }).await
}

async fn update(tx: &Tx, id: PaymentId, changes: ActiveModel) -> Result<(), DbErr> {
    Entity::update_many().set(changes).filter(COLUMN.id.eq(id)).exec(tx).await.map(drop)
}

/// Notes that a proof found payments right, as of so many steps, or wrong. One that changed meanwhile, or is being
/// changed, is left to the next proof.
pub(super) async fn set_proven(tx: &Tx, found: &[(PaymentId, Option<i64>)]) -> Result<(), DbErr> {
    // Nobody is waited for, as writes that lock several orders do so in another order.
    let those = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Steps])
        .filter(COLUMN.id.is_in(found.iter().map(|(id, _)| *id)))
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let locked = those.into_tuple::<(PaymentId, i64)>().all(tx).await?;
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for (id, as_of) in found {
        match (as_of, locked.iter().find(|(known, _)| known == id)) {
            (Some(as_of), Some((_, steps))) if as_of == steps => right.push(*id),
            (None, Some(_)) => wrong.push(*id),
            (Some(_) | None, _) => {}
        }
    }
    let set = async |those: Vec<PaymentId>, proven: SimpleExpr| {
        let those =
            Entity::update_many().col_expr(Column::Proven, proven).filter(COLUMN.id.is_in(those));
        those.exec(tx).await.map(drop)
    };
    if !right.is_empty() {
        set(right, Expr::col(Column::Steps)).await?;
    }
    if !wrong.is_empty() {
        set(wrong, Expr::value(-1_i64)).await?;
    }
    Ok(())
}

/// Since when a person has to look at a payment.
pub(super) fn doubt_of(row: &Model) -> Option<(Doubt, Moment)> {
    row.doubt.zip(row.doubt_at.map(Moment::from))
}

#[cfg(test)]
store::entity_test!(crate::payment::rows::Entity, &crate::tests::steps());

#[cfg(test)]
mod steps {
    store::entity_test!(crate::payment::rows::step::Entity, &crate::tests::steps());
}
