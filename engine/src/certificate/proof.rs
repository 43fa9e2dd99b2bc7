//! What a journal proves of a sale.

use crate::{
    codec::binary_struct,
    id::{Epoch, SaleName, Sequence, Sku},
    journal::JournalPoint,
};

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
    /// Its archiving, if it is archived.
    pub archive: Option<ArchiveCertificate>,
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

/// What a journal proves of a sale's archiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveCertificate {
    /// The hash of its file, as the journal has it.
    pub digest: [u8; 32],
    /// Numbers given out before.
    pub entered: u64,
    /// The hash of who had them, in their order.
    pub(super) owners: [u8; 32],
    /// Whether the file is there and tells of the same places.
    pub is_proven: bool,
}

/// What was proven of the part of a journal that may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunedCertificate {
    /// Where the rest begins.
    pub point: JournalPoint,
    /// Records before it. Those that were audited kept every promise.
    pub records: u64,
    /// The hash of the state there.
    pub state: [u8; 32],
    /// Sales that had been deleted by then.
    pub deleted: u64,
}

/// Records that were never audited, because the state before them was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: Sequence,
    /// The last of them.
    pub last: Sequence,
}

binary_struct!(Gap { first, last });

/// What the books of a sale know that the sale itself does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) called: u64,
    pub(super) departed: u64,
    pub(super) claimed: u64,
    pub(super) holds: u64,
    /// Of an archived sale, numbers given out and the hash of who had them.
    pub(super) archived: Option<Archived>,
}

/// See [`Carried::archived`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Archived {
    pub(super) digest: [u8; 32],
    pub(super) entered: u64,
    pub(super) owners: [u8; 32],
}

binary_struct!(Carried { called, departed, claimed, holds, archived });
binary_struct!(Archived { digest, entered, owners });
