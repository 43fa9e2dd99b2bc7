//! The port to the engine.

use std::fmt::Debug;

use super::model::{Act, SalesError, Standing, Wanted};
use crate::{deal::Counts, ids::DealId};

/// Where deals are sold: the waiting room's engine. A sale has the name of its deal.
pub trait Sales: Debug + Clone + Send + Sync + 'static {
    /// How the sale of a deal stands.
    ///
    /// # Errors
    ///
    /// If the engine cannot say.
    fn look(&self, deal: DealId) -> impl Future<Output = Result<Standing, SalesError>> + Send;

    /// Makes the sale of a deal, or changes it if it is still as it was looked at.
    ///
    /// # Errors
    ///
    /// If it was not done, or may not have been; looking again tells.
    fn act(
        &self,
        deal: DealId,
        wanted: &Wanted,
        act: &Act,
    ) -> impl Future<Output = Result<(), SalesError>> + Send;

    /// What this process knows of a deal's units, without asking anybody. `None` before there is a sale,
    /// and long after it is over.
    fn counts(&self, deal: DealId) -> Option<Counts>;
}
