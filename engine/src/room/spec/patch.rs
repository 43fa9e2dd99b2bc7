//! A change of a spec: some of its fields. Two changes of different fields never undo each other,
//! whoever decides them and in whatever order.
//!
//! Name, identity and offers are not among the fields: they never change.

use super::{Rejoin, SaleSpec};
use crate::{clock::Millis, codec::binary_struct};

/// What can be changed about a sale: whatever is `Some`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecPatch {
    /// See [`SaleSpec::title`].
    pub title: Option<String>,
    /// See [`SaleSpec::opens_at`]; `Some(None)`: at once.
    pub opens_at: Option<Option<Millis>>,
    /// See [`SaleSpec::closes_at`]; `Some(None)`: never.
    pub closes_at: Option<Option<Millis>>,
    /// See [`SaleSpec::rejoin`].
    pub rejoin: Option<Rejoin>,
    /// See [`SaleSpec::admission_milli_per_second`].
    pub admission_milli_per_second: Option<u64>,
    /// See [`SaleSpec::active_max`].
    pub active_max: Option<u32>,
    /// See [`SaleSpec::claim_window_ms`].
    pub claim_window_ms: Option<u64>,
    /// See [`SaleSpec::session_ms`].
    pub session_ms: Option<u64>,
    /// See [`SaleSpec::idle_ms`].
    pub idle_ms: Option<u64>,
    /// See [`SaleSpec::hold_ms`].
    pub hold_ms: Option<u64>,
    /// See [`SaleSpec::per_shopper_max`].
    pub per_shopper_max: Option<u32>,
    /// See [`SaleSpec::overbook_milli`]; `Some(None)`: no coupling.
    pub overbook_milli: Option<Option<u32>>,
    /// See [`SaleSpec::refund_restocks`].
    pub refund_restocks: Option<bool>,
}

impl SpecPatch {
    /// Puts the changes into `spec`; what they do not name stays.
    pub fn apply(&self, spec: &mut SaleSpec) {
        fn put<T: Clone>(place: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        put(&mut spec.title, self.title.as_ref());
        put(&mut spec.opens_at, self.opens_at.as_ref());
        put(&mut spec.closes_at, self.closes_at.as_ref());
        put(&mut spec.rejoin, self.rejoin.as_ref());
        put(&mut spec.admission_milli_per_second, self.admission_milli_per_second.as_ref());
        put(&mut spec.active_max, self.active_max.as_ref());
        put(&mut spec.claim_window_ms, self.claim_window_ms.as_ref());
        put(&mut spec.session_ms, self.session_ms.as_ref());
        put(&mut spec.idle_ms, self.idle_ms.as_ref());
        put(&mut spec.hold_ms, self.hold_ms.as_ref());
        put(&mut spec.per_shopper_max, self.per_shopper_max.as_ref());
        put(&mut spec.overbook_milli, self.overbook_milli.as_ref());
        put(&mut spec.refund_restocks, self.refund_restocks.as_ref());
    }

    /// `spec` with the changes.
    pub fn applied_to(&self, spec: &SaleSpec) -> SaleSpec {
        let mut changed = spec.clone();
        self.apply(&mut changed);
        changed
    }
}

binary_struct!(SpecPatch {
    title,
    opens_at,
    closes_at,
    rejoin,
    admission_milli_per_second,
    active_max,
    claim_window_ms,
    session_ms,
    idle_ms,
    hold_ms,
    per_shopper_max,
    overbook_milli,
    refund_restocks,
});
