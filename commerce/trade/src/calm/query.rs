//! What is read of calm stock.

use base::money::Money;
use identity::ids::AccountId;
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};

use super::rows::{Entity, items_of, stock as stocks};
use crate::{
    ids::CalmHoldId,
    kept,
    order::{Bought, Item, Keeper, Purchase, state::Units},
};

/// How many units of a kind are free, are held and were sold.
pub async fn stock(
    on: &impl ConnectionTrait,
    sale: &str,
    sku: &str,
) -> Result<Option<(i64, i64, i64)>, DbErr> {
    let row = stock_row(on, sale, sku).await?;
    Ok(row.map(|row| (row.total - row.held - row.sold, row.held, row.sold)))
}

/// Where the units of a hold are.
pub async fn units_of(on: &impl ConnectionTrait, hold: CalmHoldId) -> Result<Option<Units>, DbErr> {
    Ok(Entity::find_by_id(hold).one(on).await?.map(|row| row.units))
}

/// What is held for an account; nothing if that is somebody else's, or is not held any more.
pub async fn bought(
    on: &impl ConnectionTrait,
    account: AccountId,
    hold: CalmHoldId,
) -> Result<Option<Bought>, DbErr> {
    let row = Entity::find_by_id(hold).one(on).await?;
    let Some(row) = row.filter(|row| row.account == account && row.units == Units::Held) else {
        return Ok(None);
    };
    let mut items = Vec::new();
    for item in items_of(on, hold).await? {
        let Some(now) = price_of(on, &row.sale, &item.sku).await? else { return Ok(None) };
        // The price is that of the moment when it was held.
        let unit = Money::new(item.unit, now.currency);
        let quantity = kept::count(item.quantity);
        items.push(Item { sku: item.sku, quantity, unit });
    }
    let purchase = Purchase { sale: row.sale, purchase: hold.to_string() };
    let expires_at = row.expires_at.into();
    Ok(Some(Bought { account, keeper: Keeper::Calm, purchase, items, expires_at }))
}

/// What a unit of a kind costs.
pub(super) async fn price_of(
    on: &impl ConnectionTrait,
    sale: &str,
    sku: &str,
) -> Result<Option<Money>, DbErr> {
    let row = stock_row(on, sale, sku).await?;
    Ok(row.map(|row| Money::new(row.unit, kept::currency(&row.currency))))
}

async fn stock_row(
    on: &impl ConnectionTrait,
    sale: &str,
    sku: &str,
) -> Result<Option<stocks::Model>, DbErr> {
    let one = stocks::Entity::find()
        .filter(stocks::Column::Sale.eq(sale))
        .filter(stocks::Column::Sku.eq(sku));
    one.one(on).await
}
