//! The tables of slots and of the hours that they have.

use base::moment::Moment;
use identity::ids::BusinessId;
use store::{
    At, Tx,
    sea_orm::{
        self, QuerySelect as _, QueryTrait as _, Set,
        entity::prelude::*,
        sea_query::{ExprTrait as _, OnConflict},
    },
};

use super::model::{Hours, Slot};
use crate::ids::{DealId, SlotId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "slot")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SlotId,
    pub business: BusinessId,
    #[sea_orm(unique)]
    pub deal: DealId,
    pub starts_at: At,
    pub ends_at: At,
    pub booked_at: At,
    pub freed_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Slot {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            business: row.business,
            deal: row.deal,
            hours: Hours::kept(row.starts_at.into(), row.ends_at.into()),
            booked_at: row.booked_at.into(),
            freed_at: row.freed_at.map(Moment::from),
        }
    }
}

pub(super) async fn insert(tx: &Tx, slot: &Slot) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(slot.id),
        business: Set(slot.business),
        deal: Set(slot.deal),
        starts_at: Set(slot.hours.starts_at().into()),
        ends_at: Set(slot.hours.ends_at().into()),
        booked_at: Set(slot.booked_at.into()),
        freed_at: Set(slot.freed_at.map(At::from)),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

pub(super) async fn of_deal(
    on: &impl ConnectionTrait,
    deal: DealId,
) -> Result<Option<Slot>, DbErr> {
    let one = Entity::find().filter(COLUMN.deal.eq(deal)).one(on);
    Ok(one.await?.map(Slot::from))
}

/// Locks the slot of a deal.
pub(super) async fn lock_of(tx: &Tx, deal: DealId) -> Result<Option<Slot>, DbErr> {
    let one = Entity::find().filter(COLUMN.deal.eq(deal)).lock_exclusive().one(tx);
    Ok(one.await?.map(Slot::from))
}

pub(super) async fn set_freed(tx: &Tx, slot: SlotId) -> Result<(), DbErr> {
    let changes = ActiveModel { freed_at: Set(Some(tx.now().into())), ..Default::default() };
    let one = Entity::update_many().set(changes).filter(COLUMN.id.eq(slot));
    one.exec(tx).await.map(drop)
}

/// Locks hours, the earliest first, and says how many slots have each.
pub(super) async fn lock_hours(tx: &Tx, hours: Hours) -> Result<Vec<i64>, DbErr> {
    let missing =
        hours.starts().map(|at| hour::ActiveModel { starts_at: Set(at.0), taken: Set(0) });
    let conflict = OnConflict::column(hour::Column::StartsAt).do_nothing().to_owned();
    tx.execute(&hour::Entity::insert_many(missing).on_conflict(conflict).into_query()).await?;
    let those = hour::within(hours.starts_at(), hours.ends_at());
    those.lock_exclusive().all(tx).await.map(|rows| rows.iter().map(|row| row.taken).collect())
}

/// Gives locked hours one slot more, or one less.
pub(super) async fn add_to_hours(tx: &Tx, hours: Hours, slots: i64) -> Result<(), DbErr> {
    let sum = Expr::col(hour::Column::Taken).add(slots);
    let those = hour::Entity::update_many()
        .col_expr(hour::Column::Taken, sum)
        .filter(hour::COLUMN.starts_at.gte(hours.starts_at().0))
        .filter(hour::COLUMN.starts_at.lt(hours.ends_at().0));
    those.exec(tx).await.map(drop)
}

/// How many slots have each hour that begins from one moment until before another, by when it begins.
/// Hours that nobody has ever booked are left out.
pub(super) async fn taken_between(
    on: &impl ConnectionTrait,
    from: Moment,
    until: Moment,
) -> Result<Vec<(Moment, i64)>, DbErr> {
    let rows = hour::within(from, until).all(on).await?;
    Ok(rows.into_iter().map(|row| (Moment(row.starts_at), row.taken)).collect())
}

/// The table of hours.
mod hour {
    use base::moment::Moment;
    use store::sea_orm::{self, QueryOrder as _, entity::prelude::*};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "slot_hour")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub starts_at: i64,
        pub taken: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    pub(super) fn within(from: Moment, until: Moment) -> Select<Entity> {
        Entity::find()
            .filter(COLUMN.starts_at.gte(from.0))
            .filter(COLUMN.starts_at.lt(until.0))
            .order_by_asc(COLUMN.starts_at)
    }
}

#[cfg(test)]
mod tests {
    mod slots {
        store::entity_test!(crate::slot::rows::Entity, &crate::tests::steps());
    }

    mod hours {
        store::entity_test!(crate::slot::rows::hour::Entity, &crate::tests::steps());
    }
}
