//! What a journal proves of a sale.

use crate::id::{Epoch, SaleName, Sku};

/// What a journal proves of one sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleCertificate {
    /// The name.
    pub sale: SaleName,
    /// The epoch.
    pub epoch: Epoch,
    /// Numbers given out.
    pub entered: u64,
    /// People called, in the order of their numbers.
    pub called: u64,
    /// People who left before they were called.
    pub departed: u64,
    /// Admissions claimed.
    pub claimed: u64,
    /// Holds made.
    pub holds: u64,
    /// Each offer's units.
    pub offers: Vec<OfferCertificate>,
}

/// What a journal proves of one offer; `available + held + paying + sold + stranded = total` throughout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferCertificate {
    /// The SKU.
    pub sku: Sku,
    /// All units.
    pub total: i128,
    /// Free.
    pub available: i128,
    /// Reserved.
    pub held: i128,
    /// Being paid.
    pub paying: i128,
    /// Sold.
    pub sold: i128,
    /// Perhaps sold by a node that was missing.
    pub stranded: i128,
}
