//! The tables of shipments and wishes to return.

use base::moment::Moment;
use store::{
    At, Tx,
    sea_orm::{self, Set, entity::prelude::*},
};

use super::model::{Parcel, ReturnState, Shipment, ShipmentState};
use crate::ids::{OrderId, ReturnId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shipment")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub order_id: OrderId,
    pub state: ShipmentState,
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    pub prepared_at: At,
    pub shipped_at: Option<At>,
    pub delivered_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Wishes to return.
pub(super) mod returns {
    use store::{
        At,
        sea_orm::{self, entity::prelude::*},
    };

    use crate::{
        fulfilment::model::ReturnState,
        ids::{OrderId, ReturnId},
    };

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "return_request")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ReturnId,
        pub order_id: OrderId,
        pub reason: String,
        pub state: ReturnState,
        pub asked_at: At,
        pub decided_at: Option<At>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<Model> for Shipment {
    fn from(row: Model) -> Self {
        let parcel = row.carrier.zip(row.tracking);
        Self {
            order: row.order_id,
            state: row.state,
            parcel: parcel.map(|(carrier, tracking)| Parcel::kept(carrier, tracking)),
            prepared_at: row.prepared_at.into(),
            shipped_at: row.shipped_at.map(Moment::from),
            delivered_at: row.delivered_at.map(Moment::from),
        }
    }
}

pub(super) async fn find(
    on: &impl ConnectionTrait,
    order: OrderId,
) -> Result<Option<Shipment>, DbErr> {
    Ok(Entity::find_by_id(order).one(on).await?.map(Shipment::from))
}

pub(super) async fn prepare(tx: &Tx, order: OrderId) -> Result<(), DbErr> {
    let row = ActiveModel {
        order_id: Set(order),
        state: Set(ShipmentState::Preparing),
        carrier: Set(None),
        tracking: Set(None),
        prepared_at: Set(tx.now().into()),
        shipped_at: Set(None),
        delivered_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

pub(super) async fn ship(tx: &Tx, order: OrderId, parcel: &Parcel) -> Result<(), DbErr> {
    let changes = ActiveModel {
        state: Set(ShipmentState::Shipped),
        carrier: Set(Some(parcel.carrier().to_owned())),
        tracking: Set(Some(parcel.tracking().to_owned())),
        shipped_at: Set(Some(tx.now().into())),
        ..Default::default()
    };
    update(tx, order, changes).await
}

pub(super) async fn deliver(tx: &Tx, order: OrderId) -> Result<(), DbErr> {
    let changes = ActiveModel {
        state: Set(ShipmentState::Delivered),
        delivered_at: Set(Some(tx.now().into())),
        ..Default::default()
    };
    update(tx, order, changes).await
}

async fn update(tx: &Tx, order: OrderId, changes: ActiveModel) -> Result<(), DbErr> {
    let one = Entity::update_many().set(changes).filter(COLUMN.order_id.eq(order));
    one.exec(tx).await.map(drop)
}

pub(super) async fn insert_return(
    tx: &Tx,
    order: OrderId,
    reason: &str,
) -> Result<ReturnId, DbErr> {
    let id = ReturnId::new(tx.now());
    let row = returns::ActiveModel {
        id: Set(id),
        order_id: Set(order),
        reason: Set(reason.to_owned()),
        state: Set(ReturnState::Open),
        asked_at: Set(tx.now().into()),
        decided_at: Set(None),
    };
    returns::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

/// Decides of an open wish, and says whether there was one.
pub(super) async fn decide(tx: &Tx, id: ReturnId, state: ReturnState) -> Result<bool, DbErr> {
    let changes = returns::ActiveModel {
        state: Set(state),
        decided_at: Set(Some(tx.now().into())),
        ..Default::default()
    };
    let one = returns::Entity::update_many()
        .set(changes)
        .filter(returns::Column::Id.eq(id))
        .filter(returns::Column::State.eq(ReturnState::Open));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

#[cfg(test)]
store::entity_test!(crate::fulfilment::rows::Entity, &crate::tests::steps());

#[cfg(test)]
mod of_returns {
    store::entity_test!(crate::fulfilment::rows::returns::Entity, &crate::tests::steps());
}
