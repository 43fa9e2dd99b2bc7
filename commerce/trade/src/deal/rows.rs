//! The table of deals.

use base::{moment::Moment, money::Money};
use identity::ids::BusinessId;
use store::{
    At, Id, Tx,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::{
    category::Category,
    model::{Deal, Pauses},
    terms::Terms,
};
use crate::{ids::DealId, kept, slot::Hours};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DealId,
    pub business: BusinessId,
    pub title: String,
    pub description: String,
    pub category: Category,
    pub price: i64,
    pub currency: String,
    pub discount: i64,
    pub stock: i64,
    pub per_shopper_max: i64,
    pub media: String,
    pub starts_at: At,
    pub ends_at: At,
    pub written_at: At,
    pub published_at: Option<At>,
    pub over_at: At,
    pub owner_paused_at: Option<At>,
    pub platform_paused_at: Option<At>,
    pub operator_paused_at: Option<At>,
    pub cancelled_at: Option<At>,
    pub reason: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Deal {
    fn from(row: Model) -> Self {
        let media = row.media.split_whitespace().map(kept::id).collect();
        Self {
            id: row.id,
            business: row.business,
            terms: Terms {
                title: row.title,
                description: row.description,
                category: row.category,
                price: Money::new(row.price, kept::currency(&row.currency)),
                discount: kept::discount(row.discount),
                stock: kept::count(row.stock),
                per_shopper_max: kept::count(row.per_shopper_max),
                hours: Hours::kept(row.starts_at.into(), row.ends_at.into()),
                media,
            },
            written_at: row.written_at.into(),
            published_at: row.published_at.map(Moment::from),
            over_at: row.over_at.into(),
            pauses: Pauses {
                owner: row.owner_paused_at.map(Moment::from),
                platform: row.platform_paused_at.map(Moment::from),
                operator: row.operator_paused_at.map(Moment::from),
            },
            cancelled_at: row.cancelled_at.map(Moment::from),
            reason: row.reason,
        }
    }
}

/// The whole row of a deal.
fn written(deal: &Deal) -> ActiveModel {
    let terms = &deal.terms;
    let media: Vec<String> = terms.media.iter().map(Id::to_string).collect();
    ActiveModel {
        id: Set(deal.id),
        business: Set(deal.business),
        title: Set(terms.title.clone()),
        description: Set(terms.description.clone()),
        category: Set(terms.category),
        price: Set(terms.price.minor),
        currency: Set(terms.price.currency.code().to_owned()),
        discount: Set(terms.discount.basis_points().into()),
        stock: Set(terms.stock.into()),
        per_shopper_max: Set(terms.per_shopper_max.into()),
        media: Set(media.join(" ")),
        starts_at: Set(terms.hours.starts_at().into()),
        ends_at: Set(terms.hours.ends_at().into()),
        written_at: Set(deal.written_at.into()),
        published_at: Set(deal.published_at.map(At::from)),
        over_at: Set(deal.over_at.into()),
        owner_paused_at: Set(deal.pauses.owner.map(At::from)),
        platform_paused_at: Set(deal.pauses.platform.map(At::from)),
        operator_paused_at: Set(deal.pauses.operator.map(At::from)),
        cancelled_at: Set(deal.cancelled_at.map(At::from)),
        reason: Set(deal.reason.clone()),
    }
}

pub(super) async fn insert(tx: &Tx, deal: &Deal) -> Result<(), DbErr> {
    Entity::insert(written(deal)).exec_without_returning(tx).await.map(drop)
}

/// Writes a deal, which is locked.
pub(super) async fn update(tx: &Tx, deal: &Deal) -> Result<(), DbErr> {
    let one = Entity::update_many().set(written(deal)).filter(COLUMN.id.eq(deal.id));
    one.exec(tx).await.map(drop)
}

pub(super) async fn lock(tx: &Tx, deal: DealId) -> Result<Option<Deal>, DbErr> {
    let row = Entity::find_by_id(deal).lock_exclusive().one(tx).await?;
    Ok(row.map(Deal::from))
}

pub(super) async fn delete(tx: &Tx, deal: DealId) -> Result<(), DbErr> {
    Entity::delete_by_id(deal).exec(tx).await.map(drop)
}

pub(super) async fn drafts_of(tx: &Tx, business: BusinessId) -> Result<u64, DbErr> {
    let those = of(business).filter(COLUMN.published_at.is_null());
    those.count(tx).await
}

/// Locks published deals of a business that are not over, in the order of their ids.
pub(super) async fn lock_running(
    tx: &Tx,
    business: BusinessId,
    after: Option<DealId>,
    max: u64,
) -> Result<Vec<Deal>, DbErr> {
    let mut those = of(business)
        .filter(COLUMN.published_at.is_not_null())
        .filter(COLUMN.over_at.gt(At::from(tx.now())))
        .order_by_asc(COLUMN.id)
        .limit(max);
    if let Some(after) = after {
        those = those.filter(COLUMN.id.gt(after));
    }
    let rows = those.lock_exclusive().all(tx).await?;
    Ok(rows.into_iter().map(Deal::from).collect())
}

/// The deals of a business.
pub(super) fn of(business: BusinessId) -> Select<Entity> {
    Entity::find().filter(COLUMN.business.eq(business))
}

/// The deals that everybody sees.
pub(super) fn public() -> Select<Entity> {
    Entity::find().filter(COLUMN.published_at.is_not_null()).filter(COLUMN.cancelled_at.is_null())
}

#[cfg(test)]
store::entity_test!(crate::deal::rows::Entity, &crate::tests::steps());
