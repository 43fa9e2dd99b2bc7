//! The table of entries.

use store::{
    Tx,
    sea_orm::{self, Set, entity::prelude::*},
};

use super::model::{Actor, Entry, New};
use crate::{
    ids::{EntryId, Person, SubjectId},
    label::Label,
    subject::Subject,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    pub person: Option<Person>,
    pub role: String,
    pub action: String,
    pub kind: String,
    pub subject: SubjectId,
    pub detail: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Entry {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            actor: Actor { person: row.person, role: Label::kept(row.role) },
            action: Label::kept(row.action),
            subject: Subject::kept(row.kind, row.subject),
            // It was a map of texts when it was written.
            detail: serde_json::from_str(&row.detail).unwrap_or_default(),
        }
    }
}

pub(super) async fn insert(tx: &Tx, new: &New<'_>) -> Result<EntryId, DbErr> {
    let id = EntryId::new(tx.now());
    let row = ActiveModel {
        id: Set(id),
        person: Set(new.actor.person),
        role: Set(new.actor.role.to_string()),
        action: Set(new.action.to_string()),
        kind: Set(new.subject.kind.to_string()),
        subject: Set(new.subject.id),
        detail: Set(serde_json::json!(new.detail).to_string()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

#[cfg(test)]
store::entity_test!(crate::audit::rows::Entity, crate::SCHEMA);
