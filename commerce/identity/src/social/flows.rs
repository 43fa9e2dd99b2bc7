//! The table of flows.

use store::{
    At, Tx, delete_some,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::{Flow, Provider, Purpose, ReturnTo};
use crate::{
    ids::{FlowId, SessionId},
    limits::{FLOW_TTL, FLOWS_MAX, SWEEP_MAX},
    session::Role,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "social_flow")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FlowId,
    pub provider: Provider,
    pub role: Option<Role>,
    pub session: Option<SessionId>,
    pub return_to: String,
    pub expires_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    fn into_flow(self) -> Option<Flow> {
        let purpose = match (self.role, self.session) {
            (Some(role), _) => Purpose::SignIn(role),
            (None, session) => Purpose::Link(session?),
        };
        let return_to = ReturnTo::of(&self.return_to);
        Some(Flow { provider: self.provider, purpose, return_to })
    }
}

pub(super) async fn insert(tx: &Tx, flow: &Flow) -> Result<FlowId, DbErr> {
    let id = FlowId::new(tx.now());
    let (role, session) = match flow.purpose {
        Purpose::SignIn(role) => (Some(role), None),
        Purpose::Link(session) => (None, Some(session)),
    };
    let row = ActiveModel {
        id: Set(id),
        provider: Set(flow.provider),
        role: Set(role),
        session: Set(session),
        return_to: Set(flow.return_to.as_str().to_owned()),
        expires_at: Set(tx.now().after(FLOW_TTL).into()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

/// Removes a flow and tells it, if it is not over.
pub(super) async fn take(tx: &Tx, flow: FlowId) -> Result<Option<Flow>, DbErr> {
    let Some(row) = Entity::find_by_id(flow).one(tx).await? else { return Ok(None) };
    let is_over = row.expires_at <= At::from(tx.now());
    // Of two who come back with one flow, only one removes it.
    let was_there = Entity::delete_many().filter(COLUMN.id.eq(flow)).exec(tx).await?;
    let is_good = was_there.rows_affected > 0 && !is_over;
    Ok(if is_good { row.into_flow() } else { None })
}

/// Removes flows that are over, and the oldest beyond as many as there may be.
pub(super) async fn remove_over(tx: &Tx) -> Result<u64, DbErr> {
    let over = Entity::find().filter(COLUMN.expires_at.lte(At::from(tx.now())));
    let mut removed = delete_some(tx, over, Column::Id, SWEEP_MAX).await?;
    let newest = Entity::find().order_by_desc(COLUMN.id).offset(FLOWS_MAX);
    if let Some(first_beyond) = newest.one(tx).await? {
        let beyond = Entity::find().filter(COLUMN.id.lte(first_beyond.id));
        removed += delete_some(tx, beyond, Column::Id, SWEEP_MAX).await?;
    }
    Ok(removed)
}

#[cfg(test)]
store::entity_test!(crate::social::flows::Entity, crate::SCHEMA);
