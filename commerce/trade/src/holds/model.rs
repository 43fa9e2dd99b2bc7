//! What a keeper of stock is asked, and what it says.

use std::{fmt, fmt::Debug};

use crate::order::{Purchase, state::Units};

/// A keeper of stock.
pub trait Holds: Debug + Send + Sync {
    /// Says where the units are.
    ///
    /// # Errors
    ///
    /// As [`HoldsError`] says.
    fn look(&self, purchase: &Purchase) -> impl Future<Output = Result<Units, HoldsError>> + Send;

    /// Keeps units that are held until the payment has come to an end.
    ///
    /// # Errors
    ///
    /// As [`HoldsError`] says.
    fn pay(&self, purchase: &Purchase) -> impl Future<Output = Result<Units, HoldsError>> + Send;

    /// Sells units that are held, or wait for a payment.
    ///
    /// # Errors
    ///
    /// As [`HoldsError`] says.
    fn confirm(
        &self,
        purchase: &Purchase,
    ) -> impl Future<Output = Result<Units, HoldsError>> + Send;

    /// Puts such units back.
    ///
    /// # Errors
    ///
    /// As [`HoldsError`] says.
    fn release(
        &self,
        purchase: &Purchase,
    ) -> impl Future<Output = Result<Units, HoldsError>> + Send;

    /// Takes units that were sold back.
    ///
    /// # Errors
    ///
    /// As [`HoldsError`] says.
    fn refund(&self, purchase: &Purchase)
    -> impl Future<Output = Result<Units, HoldsError>> + Send;
}

/// Why a keeper did not say where units are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldsError {
    /// There is no such hold any more, so the units are not this order's.
    Gone,
    /// It was not asked, or did nothing: repeat it later.
    NotDone(String),
    /// It may have been done: repeat it.
    Unheard(String),
}

impl fmt::Display for HoldsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("there is no such hold"),
            Self::NotDone(why) | Self::Unheard(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for HoldsError {}
