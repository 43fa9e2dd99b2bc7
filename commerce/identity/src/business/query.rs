//! What is read of businesses.

use base::cursor::{Cursor, Page, Wanted};
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};

use super::{
    model::Business,
    rows::{COLUMN, Column, Entity},
    state::State,
};
use crate::ids::{AccountId, BusinessId};

/// A business, those of withdrawn accounts included.
pub async fn find(
    on: &impl ConnectionTrait,
    business: BusinessId,
) -> Result<Option<Business>, DbErr> {
    Ok(Entity::find_by_id(business).one(on).await?.map(Business::from))
}

/// The business of an account.
pub async fn of_account(
    on: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Option<Business>, DbErr> {
    let one = Entity::find().filter(COLUMN.account.eq(account)).one(on);
    Ok(one.await?.map(Business::from))
}

/// The businesses in a state, in the order in which they applied.
pub async fn list(
    on: &impl ConnectionTrait,
    state: State,
    wanted: Wanted,
) -> Result<Page<Business>, DbErr> {
    let those = Entity::find().filter(COLUMN.state.eq(state));
    let mut those = those.cursor_by((Column::AppliedAt, Column::Id));
    if let Some(after) = wanted.after() {
        those.after((after.by, after.id.to_string()));
    }
    let rows = those.first(wanted.rows()).all(on).await?;
    let all = rows.into_iter().map(Business::from).collect();
    let place = |one: &Business| Cursor { by: one.applied_at.0, id: one.id.0 };
    Ok(Page::of(all, wanted, place))
}
