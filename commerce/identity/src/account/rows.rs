//! The table of accounts.

use base::{language::Language, moment::Moment};
use store::{
    At, Tx, insert_if_absent,
    sea_orm::{self, QuerySelect as _, Set, SqlErr, entity::prelude::*, sea_query::LockType},
};

use super::model::{Account, Held, Live, New, Profile};
use crate::{
    email::Email, ids::AccountId, name::Name, password::PasswordHash, personal, phone::Phone,
};

#[sea_orm::model]
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    pub email: Option<String>,
    #[sea_orm(unique)]
    pub email_key: Option<String>,
    pub name: String,
    pub phone: Option<String>,
    pub password_hash: Option<String>,
    pub language: String,
    pub is_verified: bool,
    pub is_operator: bool,
    pub created_at: At,
    pub withdrawn_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

personal::shown_by_key!(id of Model, ModelEx);

impl From<Model> for Account {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            phone: row.phone.map(Phone::kept),
            language: row.language.parse().unwrap_or_default(),
            is_verified: row.is_verified,
            is_operator: row.is_operator,
            created_at: row.created_at.into(),
            withdrawn_at: row.withdrawn_at.map(Moment::from),
        }
    }
}

/// Inserts an account unless another has its address, and says whether it did.
pub(super) async fn insert(tx: &Tx, id: AccountId, new: &New<'_>) -> Result<bool, DbErr> {
    let row = ActiveModel {
        id: Set(id),
        email: Set(new.email.map(|email| email.as_str().to_owned())),
        email_key: Set(new.email.map(|email| email.key().to_owned())),
        name: Set(new.name.map(|name| name.as_str().to_owned()).unwrap_or_default()),
        phone: Set(None),
        password_hash: Set(new.password.map(|hash| hash.as_str().to_owned())),
        language: Set(Language::default().to_string()),
        is_verified: Set(new.email.is_some() && new.is_verified),
        is_operator: Set(false),
        created_at: Set(tx.now().into()),
        withdrawn_at: Set(None),
    };
    insert_if_absent::<Entity>(tx, row, [Column::EmailKey]).await
}

/// Locks an account that was not withdrawn.
pub(super) async fn lock(tx: &Tx, account: AccountId) -> Result<Option<Live>, DbErr> {
    lock_one(tx, Entity::find_by_id(account)).await
}

/// Locks the account of an address.
pub(super) async fn lock_by_email(tx: &Tx, email: &Email) -> Result<Option<Live>, DbErr> {
    lock_one(tx, Entity::find().filter(COLUMN.email_key.eq(email.key()))).await
}

async fn lock_one(tx: &Tx, those: Select<Entity>) -> Result<Option<Live>, DbErr> {
    // Rows of others that name the account may be written meanwhile.
    let those = those.filter(COLUMN.withdrawn_at.is_null()).lock(LockType::NoKeyUpdate);
    let row = those.one(tx).await?;
    Ok(row.map(|mut row| {
        let address = row.email_key.take().map(Held);
        let has_password = row.password_hash.is_some();
        Live { account: row.into(), address, has_password }
    }))
}

pub(super) async fn set_verified(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    update(tx, live, ActiveModel { is_verified: Set(true), ..Default::default() }).await
}

pub(super) async fn set_password(tx: &Tx, live: &Live, hash: &PasswordHash) -> Result<(), DbErr> {
    let password_hash = Set(Some(hash.as_str().to_owned()));
    update(tx, live, ActiveModel { password_hash, ..Default::default() }).await
}

pub(super) async fn set_operator(tx: &Tx, live: &Live, is_operator: bool) -> Result<(), DbErr> {
    update(tx, live, ActiveModel { is_operator: Set(is_operator), ..Default::default() }).await
}

pub(super) async fn set_language(tx: &Tx, live: &Live, to: Language) -> Result<(), DbErr> {
    update(tx, live, ActiveModel { language: Set(to.to_string()), ..Default::default() }).await
}

pub(super) async fn set_profile(tx: &Tx, live: &Live, profile: &Profile) -> Result<(), DbErr> {
    let changes = ActiveModel {
        name: Set(profile.name.as_str().to_owned()),
        phone: Set(profile.phone.as_ref().map(|phone| phone.digits().to_owned())),
        ..Default::default()
    };
    update(tx, live, changes).await
}

pub(super) async fn set_address(tx: &Tx, live: &Live, email: &Email) -> Result<(), DbErr> {
    let changes = ActiveModel {
        email: Set(Some(email.as_str().to_owned())),
        email_key: Set(Some(email.key().to_owned())),
        is_verified: Set(false),
        ..Default::default()
    };
    update(tx, live, changes).await
}

/// Whether a write failed because another account has the address.
pub(super) fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

pub(super) async fn release_address(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    let changes = ActiveModel {
        email: Set(None),
        email_key: Set(None),
        is_verified: Set(false),
        ..Default::default()
    };
    update(tx, live, changes).await
}

/// Verifies the address of an account, and removes what whoever had the account until now said of
/// themselves.
pub(super) async fn set_handed_over(
    tx: &Tx,
    live: &Live,
    name: Option<&Name>,
) -> Result<(), DbErr> {
    let changes = ActiveModel {
        name: Set(name.map(|name| name.as_str().to_owned()).unwrap_or_default()),
        phone: Set(None),
        password_hash: Set(None),
        is_verified: Set(true),
        ..Default::default()
    };
    update(tx, live, changes).await
}

/// Empties an account.
pub(super) async fn set_withdrawn(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    let changes = ActiveModel {
        email: Set(None),
        email_key: Set(None),
        name: Set(String::new()),
        phone: Set(None),
        password_hash: Set(None),
        is_verified: Set(false),
        is_operator: Set(false),
        withdrawn_at: Set(Some(tx.now().into())),
        ..Default::default()
    };
    update(tx, live, changes).await
}

async fn update(tx: &Tx, live: &Live, changes: ActiveModel) -> Result<(), DbErr> {
    let one = Entity::update_many().set(changes).filter(COLUMN.id.eq(live.id()));
    one.exec(tx).await.map(drop)
}

#[cfg(test)]
store::entity_test!(crate::account::rows::Entity, crate::SCHEMA);
