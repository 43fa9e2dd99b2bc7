//! The table of documents.

use store::{
    At, Tx,
    sea_orm::{self, entity::prelude::*},
};

use super::{analysis::Tokens, model::Document, sql::statement};
use crate::{ids::SubjectId, subject::Subject};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_document")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: SubjectId,
    pub title: String,
    pub at: At,
    pub over_at: Option<At>,
    pub digest: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Nothing is written of a document that is there as it is; its row is locked either way.
const PUT: &str = "INSERT INTO search_document (kind, subject, title, at, over_at, digest) \
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, subject) DO UPDATE SET \
    title = excluded.title, at = excluded.at, over_at = excluded.over_at, digest = excluded.digest \
    WHERE search_document.digest <> excluded.digest";

/// Puts a document, and says whether anything about it is new.
pub(super) async fn put(tx: &Tx, document: &Document<'_>, tokens: &Tokens) -> Result<bool, DbErr> {
    // PostgreSQL's text has no NUL.
    let title = document.title.replace('\0', "");
    let values = [
        document.subject.kind.as_str().into(),
        document.subject.id.into(),
        title.as_str().into(),
        document.at.0.into(),
        document.over_at.map(|over_at| over_at.0).into(),
        digest(&title, document, tokens).into(),
    ];
    Ok(tx.execute_raw(statement(tx, PUT, values)).await?.rows_affected() > 0)
}

fn digest(title: &str, document: &Document<'_>, tokens: &Tokens) -> Vec<u8> {
    let over_at = document.over_at.map_or(i64::MAX, |over_at| over_at.0);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&document.at.0.to_be_bytes()).update(&over_at.to_be_bytes());
    hasher.update(title.as_bytes());
    for (token, weight) in tokens {
        hasher.update(b"\0").update(token.as_bytes()).update(&weight.to_be_bytes());
    }
    hasher.finalize().as_bytes().to_vec()
}

/// Removes a document, and says whether it was there.
pub(super) async fn remove(tx: &Tx, subject: &Subject) -> Result<bool, DbErr> {
    let one = Entity::delete_many()
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

#[cfg(test)]
store::entity_test!(crate::search::rows::Entity, crate::SCHEMA);
