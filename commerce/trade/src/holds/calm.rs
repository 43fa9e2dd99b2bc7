//! The shop's own stock.

use store::{Db, sea_orm::DbErr};

use super::model::{Holds, HoldsError};
use crate::{
    calm::{self, Move},
    order::{Purchase, state::Units},
};

/// The shop's own stock, as a keeper.
#[derive(Clone, Debug)]
pub struct CalmHolds {
    db: Db,
}

impl CalmHolds {
    /// The stock in this database.
    pub const fn new(db: Db) -> Self {
        Self { db }
    }

    async fn step(&self, purchase: &Purchase, step: Move) -> Result<Units, HoldsError> {
        let Ok(id) = purchase.purchase.parse() else { return Err(HoldsError::Gone) };
        let moved = self.db.write(async |tx| calm::step(tx, id, step).await).await;
        said(moved)
    }
}

/// A write that failed may be repeated: a step that was taken before changes nothing.
fn said(found: Result<Option<Units>, DbErr>) -> Result<Units, HoldsError> {
    match found {
        Ok(units) => units.ok_or(HoldsError::Gone),
        Err(error) => Err(HoldsError::Unheard(error.to_string())),
    }
}

impl Holds for CalmHolds {
    async fn look(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        let Ok(id) = purchase.purchase.parse() else { return Err(HoldsError::Gone) };
        said(calm::units_of(&self.db.read(), id).await)
    }

    async fn pay(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Move::Pay).await
    }

    async fn confirm(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Move::Confirm).await
    }

    async fn release(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Move::Release).await
    }

    async fn refund(&self, purchase: &Purchase) -> Result<Units, HoldsError> {
        self.step(purchase, Move::Refund).await
    }
}
