//! The table of tokens: which documents have which.

use store::{
    Tx,
    sea_orm::{self, Value, entity::prelude::*},
};

use super::{analysis::Tokens, sql::statement};
use crate::{ids::SubjectId, subject::Subject};

/// How many tokens one statement inserts: SQLite takes no more than 32,766 values.
const TOKENS_AT_ONCE: usize = 250;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "search_token")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub token: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: SubjectId,
    pub weight: i64,
}

impl ActiveModelBehavior for ActiveModel {}

/// Has a document, whose row is locked, have these tokens and no others.
pub(super) async fn put(tx: &Tx, subject: &Subject, tokens: &Tokens) -> Result<(), DbErr> {
    remove(tx, subject).await?;
    let tokens: Vec<(&String, &i64)> = tokens.iter().collect();
    for some in tokens.chunks(TOKENS_AT_ONCE) {
        let rows = vec!["(?, ?, ?, ?)"; some.len()].join(", ");
        let text = format!("INSERT INTO search_token (kind, token, subject, weight) VALUES {rows}");
        let values = some.iter().flat_map(|(token, weight)| -> [Value; 4] {
            let (kind, token) = (subject.kind.as_str().into(), token.as_str().into());
            [kind, token, subject.id.into(), (**weight).into()]
        });
        tx.execute_raw(statement(tx, &text, values)).await?;
    }
    Ok(())
}

pub(super) async fn remove(tx: &Tx, subject: &Subject) -> Result<(), DbErr> {
    let those = Entity::delete_many()
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id));
    those.exec(tx).await.map(drop)
}

#[cfg(test)]
store::entity_test!(crate::search::index::Entity, crate::SCHEMA);
