//! The table of what was told of purchases.

use store::{
    Tx, insert_if_absent,
    sea_orm::{self, QuerySelect as _, Set, entity::prelude::*},
};

use crate::{order::Purchase, payment::Seen};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purchase_seen")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sale: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub purchase: String,
    pub last_event: i64,
    pub seen: Option<Seen>,
}

impl ActiveModelBehavior for ActiveModel {}

pub(super) async fn claim(tx: &Tx, purchase: &Purchase) -> Result<Option<Seen>, DbErr> {
    let nothing = row(purchase, 0, None);
    insert_if_absent::<Entity>(tx, nothing, [Column::Sale, Column::Purchase]).await?;
    let one = Entity::find_by_id((purchase.sale.clone(), purchase.purchase.clone()));
    Ok(one.lock_exclusive().one(tx).await?.and_then(|row| row.seen))
}

/// Notes what an event told, unless a later one was told before, and says whether it did.
pub(super) async fn set(
    tx: &Tx,
    purchase: &Purchase,
    event: i64,
    seen: Seen,
) -> Result<bool, DbErr> {
    let new = row(purchase, event, Some(seen));
    if insert_if_absent::<Entity>(tx, new, [Column::Sale, Column::Purchase]).await? {
        return Ok(true);
    }
    let changes =
        ActiveModel { last_event: Set(event), seen: Set(Some(seen)), ..Default::default() };
    let one = Entity::update_many()
        .set(changes)
        .filter(COLUMN.sale.eq(purchase.sale.as_str()))
        .filter(COLUMN.purchase.eq(purchase.purchase.as_str()))
        .filter(COLUMN.last_event.lt(event));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

fn row(purchase: &Purchase, event: i64, seen: Option<Seen>) -> ActiveModel {
    ActiveModel {
        sale: Set(purchase.sale.clone()),
        purchase: Set(purchase.purchase.clone()),
        last_event: Set(event),
        seen: Set(seen),
    }
}

#[cfg(test)]
store::entity_test!(crate::intake::rows::Entity, &crate::tests::steps());
