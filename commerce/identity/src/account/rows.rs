//! The table of accounts.

use base::moment::Moment;
use store::{
    At, Tx, insert_if_absent,
    sea_orm::{self, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::{Account, Credential, Live, SignUp};
use crate::{email::Email, ids::AccountId, password::PasswordHash};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    pub email: Option<String>,
    #[sea_orm(unique)]
    pub email_key: Option<String>,
    pub name: String,
    pub password_hash: Option<String>,
    pub is_verified: bool,
    pub is_operator: bool,
    pub created_at: At,
    pub withdrawn_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Account {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            is_verified: row.is_verified,
            is_operator: row.is_operator,
            created_at: row.created_at.into(),
            withdrawn_at: row.withdrawn_at.map(Moment::from),
        }
    }
}

/// Inserts an account unless its address has one, and says whether it did.
pub(super) async fn insert(tx: &Tx, id: AccountId, sign_up: &SignUp) -> Result<bool, DbErr> {
    let password_hash = match &sign_up.credential {
        Credential::Password(hash) => Some(hash.as_str().to_owned()),
        Credential::Elsewhere => None,
    };
    let row = ActiveModel {
        id: Set(id),
        email: Set(Some(sign_up.email.as_str().to_owned())),
        email_key: Set(Some(sign_up.email.key().to_owned())),
        name: Set(sign_up.name.as_str().to_owned()),
        password_hash: Set(password_hash),
        is_verified: Set(false),
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
    let row = those.filter(COLUMN.withdrawn_at.is_null()).lock_exclusive().one(tx).await?;
    Ok(row.and_then(|mut row| {
        let email_key = row.email_key.take()?;
        Some(Live { account: row.into(), email_key })
    }))
}

pub(super) async fn set_verified(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    update(tx, live, ActiveModel { is_verified: Set(true), ..Default::default() }).await
}

pub(super) async fn set_password(tx: &Tx, live: &Live, hash: &PasswordHash) -> Result<(), DbErr> {
    let password_hash = Set(Some(hash.as_str().to_owned()));
    update(tx, live, ActiveModel { password_hash, ..Default::default() }).await
}

/// Empties an account.
pub(super) async fn set_withdrawn(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    let changes = ActiveModel {
        email: Set(None),
        email_key: Set(None),
        name: Set(String::new()),
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
