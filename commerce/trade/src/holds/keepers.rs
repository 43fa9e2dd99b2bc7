//! Which keepers of stock the shop has.

use super::{
    calm::CalmHolds,
    model::{Holds, HoldsError},
    room::Room,
};
use crate::{
    order::{Keeper, Purchase, state::Units},
    payment::Ask,
};

/// The keepers. An order names its own, and nothing else about it depends on which that is.
#[derive(Clone, Debug)]
pub struct Keepers {
    /// The waiting room's engine, if this process runs one.
    pub room: Option<Room>,
    /// The shop's own stock.
    pub calm: CalmHolds,
}

impl Keepers {
    /// Asks a keeper what a payment asks of it; nothing for what is asked of a provider.
    ///
    /// # Errors
    ///
    /// As [`HoldsError`] says.
    pub(crate) async fn ask(
        &self,
        keeper: Keeper,
        purchase: &Purchase,
        ask: Ask,
    ) -> Result<Units, HoldsError> {
        match (keeper, &self.room) {
            (Keeper::Calm, _) => one(&self.calm, purchase, ask).await,
            (Keeper::Room, Some(room)) => one(room, purchase, ask).await,
            (Keeper::Room, None) => Err(HoldsError::NotDone("no engine runs here".to_owned())),
        }
    }
}

async fn one(keeper: &impl Holds, purchase: &Purchase, ask: Ask) -> Result<Units, HoldsError> {
    match ask {
        Ask::Pay => keeper.pay(purchase).await,
        Ask::Confirm => keeper.confirm(purchase).await,
        Ask::Release => keeper.release(purchase).await,
        Ask::TakeBack => keeper.refund(purchase).await,
        Ask::Ready | Ask::Approve | Ask::LookUp | Ask::Void | Ask::GiveBack { .. } => {
            keeper.look(purchase).await
        }
    }
}
