//! The table of businesses.

use base::moment::Moment;
use store::{
    At, Tx,
    sea_orm::{self, QuerySelect as _, Set, SqlErr, entity::prelude::*},
};

use super::{
    model::{Business, Checked, Company},
    number::BusinessNumber,
    state::{State, Verdict},
};
use crate::{
    ids::{AccountId, BusinessId},
    personal,
};

#[sea_orm::model]
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "business")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BusinessId,
    #[sea_orm(unique)]
    pub account: AccountId,
    pub state: State,
    pub company: String,
    pub number: String,
    #[sea_orm(unique)]
    pub number_key: Option<String>,
    pub representative: String,
    pub email: String,
    pub phone: String,
    pub verdict: Option<Verdict>,
    pub checked_at: Option<At>,
    pub reason: Option<String>,
    pub applied_at: At,
    pub decided_at: Option<At>,
    pub decided_by: Option<AccountId>,
}

impl ActiveModelBehavior for ActiveModel {}

personal::shown_by_key!(id of Model, ModelEx);

impl From<Model> for Business {
    fn from(row: Model) -> Self {
        let checked = row.verdict.zip(row.checked_at);
        Self {
            id: row.id,
            account: row.account,
            state: row.state,
            company: Company {
                name: row.company,
                number: BusinessNumber::kept(row.number),
                representative: row.representative,
                email: row.email,
                phone: row.phone,
            },
            checked: checked.map(|(verdict, at)| Checked { verdict, at: at.into() }),
            reason: row.reason,
            applied_at: row.applied_at.into(),
            decided_at: row.decided_at.map(Moment::from),
            decided_by: row.decided_by,
        }
    }
}

/// The whole row of a business.
fn written(business: &Business) -> ActiveModel {
    let company = &business.company;
    let number = company.number.digits().to_owned();
    ActiveModel {
        id: Set(business.id),
        account: Set(business.account),
        state: Set(business.state),
        company: Set(company.name.clone()),
        number_key: Set(business.state.keeps_number().then(|| number.clone())),
        number: Set(number),
        representative: Set(company.representative.clone()),
        email: Set(company.email.clone()),
        phone: Set(company.phone.clone()),
        verdict: Set(business.checked.map(|checked| checked.verdict)),
        checked_at: Set(business.checked.map(|checked| checked.at.into())),
        reason: Set(business.reason.clone()),
        applied_at: Set(business.applied_at.into()),
        decided_at: Set(business.decided_at.map(At::from)),
        decided_by: Set(business.decided_by),
    }
}

pub(super) async fn insert(tx: &Tx, business: &Business) -> Result<(), DbErr> {
    Entity::insert(written(business)).exec_without_returning(tx).await.map(drop)
}

pub(super) async fn update(tx: &Tx, business: &Business) -> Result<(), DbErr> {
    let one = Entity::update_many().set(written(business)).filter(COLUMN.id.eq(business.id));
    one.exec(tx).await.map(drop)
}

/// Whether a write failed because another business has the number.
pub(super) fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

pub(super) async fn account_of(tx: &Tx, business: BusinessId) -> Result<Option<AccountId>, DbErr> {
    let found = Entity::find_by_id(business).select_only().column(Column::Account);
    found.into_tuple().one(tx).await
}

/// Locks a business.
pub(super) async fn lock(tx: &Tx, business: BusinessId) -> Result<Option<Business>, DbErr> {
    let row = Entity::find_by_id(business).lock_exclusive().one(tx).await?;
    Ok(row.map(Business::from))
}

/// Locks the business of an account, which is locked.
pub(super) async fn lock_of(tx: &Tx, account: AccountId) -> Result<Option<Business>, DbErr> {
    let one = Entity::find().filter(COLUMN.account.eq(account)).lock_exclusive().one(tx);
    Ok(one.await?.map(Business::from))
}

#[cfg(test)]
store::entity_test!(crate::business::rows::Entity, crate::SCHEMA);
