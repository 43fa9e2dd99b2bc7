//! How many like a subject: a number beside the rows.

use store::{
    Tx,
    sea_orm::{
        self, Set,
        entity::prelude::*,
        sea_query::{ExprTrait as _, OnConflict},
    },
};

use crate::{ids::SubjectId, subject::Subject};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "like_count")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: SubjectId,
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}

/// One more likes it.
pub(super) async fn up(tx: &Tx, subject: &Subject) -> Result<(), DbErr> {
    let row = ActiveModel {
        kind: Set(subject.kind.to_string()),
        subject: Set(subject.id),
        count: Set(1),
    };
    let more = OnConflict::columns([Column::Kind, Column::Subject])
        .value(Column::Count, Expr::col((Entity, Column::Count)).add(1_i64))
        .to_owned();
    Entity::insert(row).on_conflict(more).exec_without_returning(tx).await.map(drop)
}

/// One less likes it.
pub(super) async fn down(tx: &Tx, subject: &Subject) -> Result<(), DbErr> {
    let one = Entity::update_many()
        .col_expr(Column::Count, Expr::col(Column::Count).sub(1_i64))
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id));
    one.exec(tx).await.map(drop)
}

pub(super) async fn remove(tx: &Tx, subject: &Subject) -> Result<(), DbErr> {
    let one = Entity::delete_many()
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id));
    one.exec(tx).await.map(drop)
}

#[cfg(test)]
store::entity_test!(crate::like::numbers::Entity, crate::SCHEMA);
