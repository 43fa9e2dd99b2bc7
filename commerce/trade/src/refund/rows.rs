//! The tables of refunds.

use identity::ids::AccountId;
use store::{
    At, Tx,
    sea_orm::{self, Set, entity::prelude::*},
};

use super::model::Wish;
use crate::ids::{OrderId, RefundId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refund")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefundId,
    pub order_id: OrderId,
    pub minor: i64,
    pub wanted_by: AccountId,
    pub reason: String,
    pub restocks: bool,
    pub wanted_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

/// Which goods refunds were for.
pub(super) mod line {
    use store::sea_orm::{self, entity::prelude::*};

    use crate::ids::{OrderId, RefundId};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "refund_line")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub refund: RefundId,
        pub order_id: OrderId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        pub quantity: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) async fn insert(
    tx: &Tx,
    order: OrderId,
    what: (i64, AccountId),
    wish: &Wish<'_>,
    lines: &[(u16, u32)],
) -> Result<RefundId, DbErr> {
    let id = RefundId::new(tx.now());
    let (minor, by) = what;
    let row = ActiveModel {
        id: Set(id),
        order_id: Set(order),
        minor: Set(minor),
        wanted_by: Set(by),
        reason: Set(wish.reason.to_owned()),
        restocks: Set(wish.restocks),
        wanted_at: Set(tx.now().into()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    if !lines.is_empty() {
        let rows = lines.iter().map(|(position, quantity)| line::ActiveModel {
            refund: Set(id),
            order_id: Set(order),
            position: Set(i64::from(*position)),
            quantity: Set(i64::from(*quantity)),
        });
        line::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(id)
}

#[cfg(test)]
store::entity_test!(crate::refund::rows::Entity, &crate::tests::steps());

#[cfg(test)]
mod lines {
    store::entity_test!(crate::refund::rows::line::Entity, &crate::tests::steps());
}
