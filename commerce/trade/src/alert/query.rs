//! What is read of alerts.

use identity::ids::AccountId;
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};

use super::{
    model::{Alerts, Keyword},
    rows::{categories, categories_of, keywords},
};

/// What an account follows.
pub async fn of_account(on: &impl ConnectionTrait, account: AccountId) -> Result<Alerts, DbErr> {
    let bits = categories::Entity::find_by_id(account).one(on).await?;
    let words =
        keywords::Entity::find().filter(keywords::COLUMN.account.eq(account)).all(on).await?;
    Ok(Alerts {
        categories: categories_of(bits.map_or(0, |row| row.categories)),
        keywords: words.into_iter().map(|row| Keyword(row.word)).collect(),
    })
}
