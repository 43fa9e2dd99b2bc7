//! The tables of calm stock.

use base::moment::Moment;
use identity::ids::AccountId;
use store::{
    At, Tx,
    sea_orm::{
        self, QueryOrder as _, QuerySelect as _, Set,
        entity::prelude::*,
        sea_query::{ExprTrait as _, SimpleExpr},
    },
};

use super::model::Stock;
use crate::{
    ids::CalmHoldId,
    order::{Item, state::Units},
};

/// How much there is of each kind.
pub(super) mod stock {
    use store::sea_orm::{self, entity::prelude::*};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "calm_stock")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub sale: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sku: String,
        pub total: i64,
        pub held: i64,
        pub sold: i64,
        pub unit: i64,
        pub currency: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// What is held of them.
pub(super) mod item {
    use store::sea_orm::{self, entity::prelude::*};

    use crate::ids::CalmHoldId;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "calm_item")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hold: CalmHoldId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sku: String,
        pub quantity: i64,
        pub unit: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calm_hold")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CalmHoldId,
    pub sale: String,
    pub account: AccountId,
    pub units: Units,
    pub made_at: At,
    pub expires_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

/// Writes how much there is, and says whether it did: not if more is held or was sold.
pub(super) async fn set_stock(tx: &Tx, new: &Stock) -> Result<bool, DbErr> {
    let total = i64::from(new.total);
    let row = stock::ActiveModel {
        sale: Set(new.sale.clone()),
        sku: Set(new.sku.clone()),
        total: Set(total),
        held: Set(0),
        sold: Set(0),
        unit: Set(new.unit.minor),
        currency: Set(new.unit.currency.code().to_owned()),
    };
    let unique = [stock::Column::Sale, stock::Column::Sku];
    if store::insert_if_absent::<stock::Entity>(tx, row, unique).await? {
        return Ok(true);
    }
    let changes = stock::ActiveModel {
        total: Set(total),
        unit: Set(new.unit.minor),
        currency: Set(new.unit.currency.code().to_owned()),
        ..Default::default()
    };
    let gone = Expr::col(stock::Column::Held).add(Expr::col(stock::Column::Sold));
    let one = of(&new.sale, &new.sku).set(changes).filter(gone.lte(total));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

fn of(sale: &str, sku: &str) -> sea_orm::UpdateMany<stock::Entity> {
    stock::Entity::update_many()
        .filter(stock::Column::Sale.eq(sale))
        .filter(stock::Column::Sku.eq(sku))
}

/// Holds units of a kind, and says whether there were so many.
pub(super) async fn take(tx: &Tx, sale: &str, wanted: &Item) -> Result<bool, DbErr> {
    let quantity = i64::from(wanted.quantity);
    let gone = Expr::col(stock::Column::Held).add(Expr::col(stock::Column::Sold)).add(quantity);
    let one = of(sale, &wanted.sku)
        .col_expr(stock::Column::Held, Expr::col(stock::Column::Held).add(quantity))
        .filter(gone.lte(Expr::col(stock::Column::Total)));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

/// Moves units of a kind with a hold that goes from one state to another.
pub(super) async fn shift(
    tx: &Tx,
    sale: &str,
    item: &item::Model,
    from: Units,
    to: Units,
) -> Result<(), DbErr> {
    let counts = |units| match units {
        Units::Held | Units::Paying => (1, 0),
        Units::Confirmed => (0, 1),
        Units::Released | Units::Refunded => (0, 0),
    };
    let ((held_before, sold_before), (held, sold)) = (counts(from), counts(to));
    let plus = |column, times: i64| -> SimpleExpr { Expr::col(column).add(times * item.quantity) };
    let one = of(sale, &item.sku)
        .col_expr(stock::Column::Held, plus(stock::Column::Held, held - held_before))
        .col_expr(stock::Column::Sold, plus(stock::Column::Sold, sold - sold_before));
    one.exec(tx).await.map(drop)
}

pub(super) async fn insert(
    tx: &Tx,
    account: AccountId,
    sale: &str,
    items: &[Item],
    expires_at: Moment,
) -> Result<CalmHoldId, DbErr> {
    let id = CalmHoldId::new(tx.now());
    let row = ActiveModel {
        id: Set(id),
        sale: Set(sale.to_owned()),
        account: Set(account),
        units: Set(Units::Held),
        made_at: Set(tx.now().into()),
        expires_at: Set(expires_at.into()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    let rows = items.iter().map(|one| item::ActiveModel {
        hold: Set(id),
        sku: Set(one.sku.clone()),
        quantity: Set(one.quantity.into()),
        unit: Set(one.unit.minor),
    });
    item::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(id)
}

pub(super) async fn lock(tx: &Tx, id: CalmHoldId) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).lock_exclusive().one(tx).await
}

pub(super) async fn set_units(tx: &Tx, id: CalmHoldId, units: Units) -> Result<(), DbErr> {
    let changes = ActiveModel { units: Set(units), ..Default::default() };
    Entity::update_many().set(changes).filter(COLUMN.id.eq(id)).exec(tx).await.map(drop)
}

/// What is held, in the order of its names.
pub(super) async fn items_of(
    on: &impl ConnectionTrait,
    id: CalmHoldId,
) -> Result<Vec<item::Model>, DbErr> {
    let items = item::Entity::find().filter(item::Column::Hold.eq(id));
    items.order_by_asc(item::Column::Sku).all(on).await
}

#[cfg(test)]
store::entity_test!(crate::calm::rows::Entity, &crate::tests::steps());

#[cfg(test)]
mod stocks {
    store::entity_test!(crate::calm::rows::stock::Entity, &crate::tests::steps());
}

#[cfg(test)]
mod items {
    store::entity_test!(crate::calm::rows::item::Entity, &crate::tests::steps());
}
